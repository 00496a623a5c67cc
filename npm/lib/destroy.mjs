// `ringfence destroy`: removes the Worker, its database and its namespace, after asking twice.

import { asking } from './ask.mjs';
import { readChoices } from './choices.mjs';
import { isOurs, signIn } from './cloud.mjs';
import { namesOf } from './config.mjs';
import { Refusal, say, show } from './say.mjs';

export async function destroy({ flags, config }) {
  const choices = readChoices(flags, config);
  const cloud = await signIn(choices);
  const names = namesOf(choices.name);
  const bindings = await cloud.bindings(names.worker);
  if (bindings && !isOurs(bindings)) {
    throw new Refusal(`the Worker ${names.worker} is not Ringfence, and is left alone. Say --name with the name of yours.`);
  }
  // What is bound is what is removed, whatever it is called. Without a Worker it goes by the names: an earlier run may have
  // stopped in between.
  const bound = (type, name) => bindings?.find((one) => one.type === type && one.name === name);
  const d1 = bound('d1', 'DB');
  const kv = bound('kv_namespace', 'FILES');
  const database = await cloud.database(d1 ? (d1.id ?? d1.database_id) : (choices.database_id ?? names.database));
  const files = kv?.namespace_id ?? choices.files_id ?? (await cloud.namespace(names.files));
  if (!bindings && !database && !files) {
    say(`There is nothing called ${names.worker} in the account ${cloud.account}: nothing is removed.`);
    return 0;
  }

  show(`In the account ${cloud.account} this removes for ever:
${bindings ? `  the Worker ${names.worker}, with its queues of NOTIFY jobs, webhooks and secrets\n` : ''}${
    database
      ? `  the D1 database ${database.name} (${database.uuid}): tenants, devices, their keys, settings, history and the audit log\n`
      : ''
  }${files ? `  the KV namespace ${files}: the files that phones fetch\n` : ''}
Phones then get nothing. Those that have a key ask for sealed files, which nobody can make any more: each has to be
reset by hand before another server can provision it. A backup of the database is of use only with its MASTER_KEY.
`);
  const removed = await asking(async (ask) => {
    for (const question of [
      `Type ${names.worker} to go on: `,
      `This is the last question. Type ${names.worker} once more to remove it all: `,
    ]) {
      if ((await ask(question)) !== names.worker) return false;
    }
    return true;
  });
  show('');
  if (!removed)
    throw new Refusal(
      'that is not the name: nothing is removed. To remove it after all, run this again and type the name as it is asked for.',
    );
  // The Worker first: what still answered would do so without its data.
  if (bindings) {
    await cloud.removeWorker(names.worker);
    say(`The Worker ${names.worker} is removed.`);
  }
  if (database) {
    await cloud.removeDatabase(database.uuid);
    say(`The database ${database.name} is removed.`);
  }
  if (files) {
    await cloud.removeNamespace(files);
    say(`The namespace ${files} is removed.`);
  }
  return 0;
}
