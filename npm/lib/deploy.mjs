// `ringfence deploy`: the first time an installation, then an upgrade.
//
// In this order, because each step needs the one before:
//   1. the choices, and whether they can be followed; nothing is begun before that is known
//   2. who is signed in, and what is there: a Worker of ours, another's, or what an interrupted deployment has left
//   3. the secrets, the first time: handed over before they are set, so that none that is set is ever lost
//   4. one upload, with the secrets in it. A Worker without its secrets never exists, so one that has none is not ours to touch
//   5. wait until it answers, which it does when it has brought its database up to date, and lead the person to the console

import { resolve } from 'node:dns/promises';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

import { keepChoices, readChoices } from './choices.mjs';
import { explain, hasSecret, isOurs, signIn } from './cloud.mjs';
import { configFor, inFolder, namesOf, writeConfig } from './config.mjs';
import { isHealthy, signInLink } from './health.mjs';
import { Refusal, complain, isSeenByPersonAlone, say, show } from './say.mjs';
import { handOver, makeSecrets, readSecrets } from './secrets.mjs';
import { VERSION } from './shipped.mjs';
import { wrangler } from './wrangler.mjs';

/** The API's words for: the plan of this account has no limits of one's own; a namespace, a database has that name. */
const NO_LIMITS = /code: 100328/;
const NAMESPACE_IS_TAKEN = /code: 10014\]/;
const DATABASE_IS_TAKEN = /code: 7502\]|A database with that name already exists/;

export async function deploy({ flags, config, secretsFile, dryRun, takeDomain, wait = 300 }) {
  const choices = readChoices(flags, config);
  if (!choices.workers_dev && choices.domains.length === 0 && choices.routes.length === 0) {
    throw new Refusal('the Worker would have no address. Give a domain, or set workers_dev = true in ringfence.toml.');
  }
  const kept = readSecrets(secretsFile);
  if (dryRun) return inFolder((folder) => tryOut(folder, choices));

  const cloud = await signIn(choices);
  const there = await look(cloud, choices, kept);
  if (!takeDomain) await checkDomains(cloud, choices);
  const secrets = there.isUpgrade ? undefined : (kept ?? makeSecrets());
  if (secrets && !kept) {
    if (!secretsFile && !isSeenByPersonAlone()) {
      throw new Refusal(
        'the first deployment makes MASTER_KEY and ADMIN_TOKEN, and shows them once. This is no terminal, and its output may be kept where others read it. Run this in a terminal, or say --secrets-file with a new file, which only you can read.',
      );
    }
    handOver(secrets, secretsFile);
  }
  if (secrets && kept) say(`The secrets are those of ${secretsFile}, which an earlier run wrote.`);
  if (there.isUpgrade) say(`A Worker called ${choices.name} is there: it becomes Ringfence ${VERSION}, and its secrets and data stay.`);

  const address = await inFolder(async (folder) => {
    await prepareDatabase(cloud, folder, choices, there);
    return addressOf(choices, await upload(cloud, folder, choices, there, { secrets, kept }));
  });
  keepChoices(flags, config);
  if (!address) {
    say('Deployed. Its address is one of the routes that you chose; open /console there.');
    return 0;
  }
  say(`Deployed. Waiting for ${address}/healthz`);
  const still = (seconds) => say(`… still waiting (${seconds} s): a new name and its certificate take a minute or two`);
  if (!(await isHealthy(address, wait, { still }))) {
    complain(
      `It is deployed, but ${address}/healthz does not say ok after ${wait} s. A new hostname may take longer: open it in a while. If it stays so, \`npx wrangler tail ${choices.name}\` shows why. Running this again is safe.`,
    );
    return 1;
  }
  await leadOn(address, choices, secrets ?? kept, secretsFile, there.isUpgrade);
  return 0;
}

/** What the account has of this name, and whether it can be used. */
async function look(cloud, choices, kept) {
  const names = namesOf(choices.name);
  const bindings = await cloud.bindings(names.worker);
  if (bindings) {
    if (!isOurs(bindings)) {
      throw new Refusal(
        `a Worker called ${names.worker} is there, and it is not Ringfence. It is left alone. Choose another name: --name, or name in ringfence.toml.`,
      );
    }
    if (!hasSecret(bindings, 'MASTER_KEY')) {
      throw new Refusal(
        `the Worker ${names.worker} has no MASTER_KEY: its deployment from source did not come to its end, or somebody removed the secret. If you have the key, set it by \`npx wrangler secret put MASTER_KEY --name ${names.worker}\`, then run this again. Without it what the database holds cannot be read.`,
      );
    }
    return { isUpgrade: true, ids: {}, databaseName: await boundDatabaseName(cloud, bindings) };
  }
  const database = await usableDatabase(cloud, choices, kept);
  return { isUpgrade: false, database, ids: { files: await cloud.namespace(names.files) } };
}

/** The database that is there before the Worker, if one is; none with data that the secrets could not read. */
async function usableDatabase(cloud, choices, kept) {
  const names = namesOf(choices.name);
  const database = choices.database_id ? await cloud.database(choices.database_id) : await cloud.database(names.database);
  if (choices.database_id && !database) {
    throw new Refusal('database_id in ringfence.toml is the id of no database in this account. `npx wrangler d1 list` shows them.');
  }
  if (database && database.num_tables > 0 && !kept) {
    throw new Refusal(
      `there is no Worker called ${names.worker}, but a database called ${database.name} with data in it. A new MASTER_KEY could not read it. If it is an earlier installation's, put its MASTER_KEY= and ADMIN_TOKEN= into a file (mode 600) and say --secrets-file with it. Otherwise choose another --name.`,
    );
  }
  return database;
}

/** wrangler takes a hostname from whatever it led to, where nobody is there to be asked. */
async function checkDomains(cloud, choices) {
  for (const host of choices.domains) {
    const service = await cloud.serviceOf(host);
    if (service === choices.name) continue;
    const how = 'Choose another --domain, or say --take-domain to have it lead to Ringfence from now on.';
    if (service) throw new Refusal(`${host} leads to the Worker ${service}. ${how}`);
    const asked = ['A', 'AAAA', 'CNAME'].map((type) => resolve(host, type).catch(() => []));
    if ((await Promise.all(asked)).flat().length > 0) throw new Refusal(`${host} has DNS records already, which would be replaced. ${how}`);
  }
}

async function boundDatabaseName(cloud, bindings) {
  const bound = bindings.find((one) => one.type === 'd1' && one.name === 'DB');
  return (await cloud.database(bound.id ?? bound.database_id))?.name;
}

/** wrangler creates a database anywhere. One that has to stay somewhere is created before. */
async function prepareDatabase(cloud, folder, choices, there) {
  if (there.isUpgrade || there.database || !choices.jurisdiction) return;
  const { database } = namesOf(choices.name);
  say(`Creating the database in the jurisdiction ${choices.jurisdiction}`);
  const { status, output } = await wrangler(['d1', 'create', database, '--jurisdiction', choices.jurisdiction], {
    cwd: folder,
    env: cloud.env,
  });
  if (status !== 0) throw refused('The database could not be created.', output);
}

/** The upload; the addresses that wrangler says the Worker has. */
async function upload(cloud, folder, choices, there, { secrets, kept }) {
  const told = join(folder, 'output.ndjson');
  const args = (path) => ['deploy', '--config', path, ...(secrets ? ['--secrets-file', join(folder, 'secrets.json')] : [])];
  if (secrets) writeFileSync(join(folder, 'secrets.json'), JSON.stringify(secrets), { mode: 0o600 });
  const { database, files } = namesOf(choices.name);
  // An upload that fails leaves what wrangler has made for it bound to nothing, and wrangler makes a namespace without looking
  // for one of its title. The account need not have shown either when it was asked: what has the name is named by its id then.
  const isFound = async (output) => {
    const { ids } = there;
    const known = { ...ids };
    if (NAMESPACE_IS_TAKEN.test(output)) ids.files ??= await cloud.namespace(files);
    else if (!DATABASE_IS_TAKEN.test(output)) return false;
    // Whoever was shown one too late may have been shown the other too late.
    if (!there.isUpgrade && !choices.database_id) ids.database ??= (await usableDatabase(cloud, choices, kept))?.uuid;
    if (ids.files !== known.files) say(`Going on with the KV namespace ${files}, which is there already.`);
    if (ids.database !== known.database) say(`Going on with the database ${database}, which is there already.`);
    return ids.files !== known.files || ids.database !== known.database;
  };
  const run = (limits) => {
    const config = configFor(choices, { ids: there.ids, limits });
    // A database of another name would be taken for one that is still to be made.
    if (there.databaseName) config.d1_databases[0].database_name = there.databaseName;
    return wrangler(args(writeConfig(folder, config)), {
      cwd: folder,
      env: { ...cloud.env, WRANGLER_OUTPUT_FILE_PATH: told },
    });
  };
  say(`Uploading Ringfence ${VERSION} as ${choices.name}`);
  for (let limits = true; ;) {
    const { status, output } = await run(limits);
    if (status === 0) break;
    if (limits && NO_LIMITS.test(output)) {
      if (choices.cpu_ms !== undefined) {
        throw new Refusal(
          'this account is on the free plan, which takes no limit of CPU time: remove cpu_ms from ringfence.toml, then run this again.',
        );
      }
      say("This account is on the free plan, which takes no limit of one's own and has 10 ms for each request: deploying without.");
      limits = false;
      // This attempt has made the namespace, and bound it to nothing.
      if (!there.isUpgrade) there.ids.files ??= await cloud.namespace(files);
    } else if (!(await isFound(output))) {
      throw refused('It is not deployed.', output);
    }
  }
  return readFileSync(told, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .findLast((entry) => entry.type === 'deploy').targets;
}

/** What wrangler said last, and what to do about it. */
function refused(what, output) {
  const said = stripVTControlCharacters(output)
    .split('\n')
    .filter((line) => /ERROR|\[code: \d+\]|✘/.test(line))
    .map((line) => line.replace('✘ [ERROR]', '').trim());
  const shown = said.length > 0 ? said : output.trim().split('\n').slice(-15);
  return new Refusal(
    `${what} wrangler says:\n  ${[...new Set(shown)].join('\n  ')}\n${explain(output) ?? 'Nothing that was there is lost: mend what it says, then run this again.'}`,
  );
}

function addressOf(choices, targets) {
  if (choices.domains.length > 0) return `https://${choices.domains[0]}`;
  const [host] = targets.flatMap((target) => /[^\s/]+\.workers\.dev/.exec(target) ?? []);
  return host && `https://${host}`;
}

/** Tries out the configuration without an account. */
async function tryOut(folder, choices) {
  const path = writeConfig(folder, configFor(choices));
  const { status, output } = await wrangler(['deploy', '--dry-run', '--config', path], { cwd: folder });
  show(output.trim());
  if (status !== 0) throw new Refusal('it could not be deployed like this: wrangler says above why. Mend that, then run this again.');
  say('It could be deployed like this. Nothing was.');
  return 0;
}

async function leadOn(address, choices, secrets, secretsFile, isUpgrade) {
  say(`Ringfence ${VERSION} answers at ${address}`);
  // The link is a key for ten minutes, and a pipe's reader may keep it.
  const link = secrets && isSeenByPersonAlone() ? await signInLink(address, secrets.ADMIN_TOKEN) : undefined;
  if (link) show(`\n  console   ${link}\n            signs you in once, within ten minutes`);
  else
    show(
      `\n  console   ${address}/console\n            sign in with ${secretsFile ? `the ADMIN_TOKEN in ${secretsFile}` : 'an API token'}`,
    );
  if (isUpgrade) return;
  show(`  next      1. In the console, follow Start: a tenant, its access path, the first phone.
            2. Under Tokens make one for each person and program, then remove the first:
               npx wrangler secret delete ADMIN_TOKEN --name ${choices.name}
            3. Upgrade: npm install the newer package in this folder, then npx ringfence deploy.`);
}
