// What grows with the fleet: the same operations with 1,000 devices in D1 and with 1,000,000, in one run. Rows are D1's own count;
// times are ratios, of the same run. And how many bytes a device and an event take. Adds `growth` to .local/bench.json.

import { existsSync, mkdirSync, readFileSync, statSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT } from '../support/config.mjs';
import { Api } from '../support/worker/api.mjs';
import { newMasterKey, Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedCrowd, seedDevice, seedDevices, seedTenant, ulid } from '../support/worker/seed.mjs';
import { median } from './load.mjs';

const QUICK = Boolean(process.env.QUICK);
const FEW = 1000;
const MANY = QUICK ? 50_000 : 1_000_000;
/** How many of the `MANY` devices the measured tenant has. */
const OWN = QUICK ? 5000 : 100_000;
const TIMES = QUICK ? 3 : 15;
const EVENTS = QUICK ? 10_000 : 100_000;
/** How many values a step of a rotation wraps again: its default. */
const STEP = 50;

const say = (text) => process.stdout.write(`${text}\n`);
const progress = (text) => process.stderr.write(`[bench] ${text}\n`);
const whole = (number) => Math.round(number).toLocaleString('en');
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Bytes of the database's files. */
function size(worker) {
  const of = (folder) =>
    readdirSync(folder, { withFileTypes: true }).reduce(
      (sum, entry) => sum + (entry.isDirectory() ? of(join(folder, entry.name)) : statSync(join(folder, entry.name)).size),
      0,
    );
  return of(join(worker.persist, 'd1'));
}

/** Events of a thousand devices of a tenant, each as a phone's fetch of its sealed file leaves it. */
async function writeEvents(worker, tenant, count) {
  const begin = Date.now() - count * 1000;
  for (let first = 0; first < count; first += 2000) {
    const rows = [];
    for (let number = first; number < Math.min(count, first + 2000); number += 1) {
      const at = begin + number * 1000;
      rows.push([ulid(undefined, at), ulid(), mac((number * 7919) % 1000, 'BCC341'), `198.51.100.${number % 250}`, ulid(), at]);
    }
    await worker.sql(
      `INSERT INTO phone_events (id, tenant_id, device_id, mac, kind, form, outcome, reason, status, bytes, address, user_agent, country,
       request_id, at, access_path)
       SELECT value ->> 0, ?1, value ->> 1, value ->> 2, 'standard', 'sealed', 'served', 'sealed', 200, 27650, value ->> 3,
       'Panasonic_KX-UTG300B/01.133 (' || lower(value ->> 2) || ')', 'DE', value ->> 4, value ->> 5,
       (SELECT id FROM access_paths WHERE tenant_id = ?1) FROM json_each(?2)`,
      tenant.id,
      JSON.stringify(rows),
    );
  }
}

const worker = await Ringfence.start({ probe: true, silent: true });
const result = { few: FEW, many: MANY };
try {
  const api = new Api(worker);
  const tenant = await seedTenant(worker);
  const t = `/tenants/${tenant.id}`;
  const others = [];
  for (let number = 0; number < 9; number += 1) others.push(await seedTenant(worker));
  const phone = await seedDevice(worker, tenant, { mac: mac(1), state: 'confirmed', settings: { LINE: '7001' } });
  const get = async (path, status = 200) => {
    const answer = await worker.fetch(tenant.path(path));
    await answer.arrayBuffer();
    if (answer.status !== status) throw new Error(`${path}: ${answer.status}`);
  };
  const scheduled = () => worker.ask('scheduled', { cron: '*/5 * * * *' });
  // `before` is not measured. What `reads` more where there is more says how much that is at most.
  const operations = {
    hot: { run: () => get(`Config${phone.mac}.enc`) },
    'refusal, unknown MAC': { run: () => get(`Config${mac(0xffffff)}.enc`, 404) },
    'first fetch after a change': { before: () => tenant.changed(), run: () => get(`Config${phone.mac}.enc`) },
    'search for part of a MAC': { run: () => api.get('/devices?q=80F0000001') },
    'list of devices, a page': { run: () => api.get(`${t}/devices?limit=50`) },
    'list by last seen, a page': { run: () => api.get(`${t}/devices?limit=50&sort=-last_seen`) },
    'list of those that fail, a page': { run: () => api.get(`${t}/devices?limit=50&failing=true`) },
    'counts of all tenants': { run: () => api.get('/device-counts') },
    'counts of a tenant': { run: () => api.get(`${t}/device-counts`) },
    'counts of a tenant, counted anew': {
      run: () => api.get(`${t}/device-counts?again=true`),
      reads: 'each device of the tenant, 20 million rows a day unless somebody wants it',
    },
    cron: { run: scheduled },
    'cron that counts devices anew': {
      before: () => worker.sql('UPDATE metric_progress SET devices_at = 0 WHERE id = 1'),
      run: scheduled,
      reads: 'each device, 2 million rows a day',
    },
  };
  const rotating = {
    'state of a rotation': { run: () => api.get('/rotation'), reads: 'what is left to wrap, 10,000 of a kind' },
    'step of a rotation': {
      run: async () => {
        const { rewrapped } = await api.post('/rotation', { limit: STEP });
        if (rewrapped !== STEP) throw new Error(`a step of a rotation wrapped ${rewrapped} values again`);
      },
      reads: 'what is left to wrap, 10,000 of a kind',
    },
  };
  const all = { ...operations, ...rotating };
  async function measure(some) {
    const found = {};
    for (const [name, { before, run }] of Object.entries(some)) {
      await before?.();
      await run();
      const times = [];
      const rows = [];
      for (let time = 0; time < TIMES; time += 1) {
        await before?.();
        await pause(150);
        await worker.probe({ reset: true });
        const begin = performance.now();
        await run();
        times.push(performance.now() - begin);
        await pause(150);
        rows.push((await worker.probe({ reset: true })).rowsRead);
      }
      found[name] = { ms: median(times), rowsRead: median(rows) };
    }
    return found;
  }
  /** With another master key, and the one until now as the previous: everything is still under that one. */
  const rotate = (number) =>
    worker.restart({
      secrets: { MASTER_KEY: newMasterKey(`k${number}`), MASTER_KEY_PREVIOUS: worker.options.secrets.MASTER_KEY },
    });
  const crowd = (of, count, prefix) => seedCrowd(worker, of, count, { prefix });
  // Their keys are keys: a step of a rotation wraps them again. They come before all others, by their ids.
  const own = Array.from({ length: FEW }, (_, number) => ({ mac: mac(number, 'BCC341'), state: 'confirmed' }));
  await seedDevices(worker, tenant, own);
  // None of them was fenced lately, as none of the others was: what is published of a tenant names those that were.
  await worker.sql('UPDATE devices SET fenced_at = 0 WHERE tenant_id = ?1', tenant.id);
  // All tenants' devices have been counted once.
  await scheduled();
  progress(`with ${whole(FEW)} devices`);
  const few = await measure(operations);
  await rotate(2);
  Object.assign(few, await measure(rotating));
  while ((await api.post('/rotation', { limit: 90 })).remaining > 0);
  await worker.restart({ secrets: { MASTER_KEY_PREVIOUS: null } });
  const before = size(worker);
  progress(`${whole(MANY)} devices are written`);
  await crowd(tenant, OWN, '080023');
  for (const [at, other] of others.entries()) {
    await crowd(other, (MANY - OWN) / others.length, `0800${(0x30 + at).toString(16)}`);
    progress(`${at + 1} of ${others.length} other tenants`);
  }
  result.bytesPerDevice = (size(worker) - before) / MANY;
  progress(`with ${whole(MANY)} devices`);
  const many = await measure(operations);
  await rotate(3);
  Object.assign(many, await measure(rotating));
  result.operations = Object.fromEntries(
    Object.entries(all).map(([name, { reads }]) => [
      name,
      { few: few[name], many: many[name], ratio: many[name].ms / few[name].ms, ...(reads && { reads }) },
    ]),
  );
  progress(`${whole(EVENTS)} events are written`);
  const without = size(worker);
  await writeEvents(worker, tenant, EVENTS);
  result.bytesPerEvent = (size(worker) - without) / EVENTS;
} finally {
  await worker.stop();
}

say(
  `\nWith ${whole(MANY)} devices in D1 (${whole(OWN)} of the tenant that asks), and with ${whole(FEW)}; ${whole(result.bytesPerDevice)} bytes a device, ${whole(result.bytesPerEvent)} an event`,
);
say('  time, ratio   rows read, few    many');
for (const [name, { few, many, ratio, reads }] of Object.entries(result.operations)) {
  const reached = ratio <= 1.1 && many.rowsRead <= few.rowsRead * 1.1 + 5 ? 'goal 1.1: met' : 'goal 1.1: MISSED';
  say(
    `  ${ratio.toFixed(2).padStart(11)}   ${whole(few.rowsRead).padStart(14)} ${whole(many.rowsRead).padStart(7)}  ${name.padEnd(34)} ${reached}${reads ? ` (reads ${reads})` : ''}`,
  );
}
const file = join(ROOT, '.local/bench.json');
mkdirSync(join(ROOT, '.local'), { recursive: true });
const others = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
writeFileSync(file, `${JSON.stringify({ ...others, growth: result }, null, 2)}\n`);
