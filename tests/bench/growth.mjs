// What grows with the fleet: the same operations with 1,000 devices in D1 and with 1,000,000, in one run. Rows are D1's own count;
// times are ratios, of the same process. Adds `growth` to .local/bench.json.

import { existsSync, mkdirSync, readFileSync, statSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT } from '../support/config.mjs';
import { Api } from '../support/worker/api.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedCrowd, seedDevice, seedTenant } from '../support/worker/seed.mjs';
import { median } from './load.mjs';

const QUICK = Boolean(process.env.QUICK);
const FEW = 1000;
const MANY = QUICK ? 50_000 : 1_000_000;
/** Of these, the measured tenant has so many. */
const OWN = QUICK ? 5000 : 100_000;
const TIMES = QUICK ? 3 : 15;

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
  const operations = {
    hot: () => get(`Config${phone.mac}.enc`),
    'refusal, unknown MAC': () => get(`Config${mac(0xffffff)}.enc`, 404),
    'first fetch after a change': async () => {
      await tenant.changed();
      await worker.probe({ reset: true });
      await get(`Config${phone.mac}.enc`);
    },
    'search for part of a MAC': () => api.get('/devices?q=80F0000001'),
    'list of devices, a page': () => api.get(`${t}/devices?limit=50`),
    'list by last seen, a page': () => api.get(`${t}/devices?limit=50&sort=-last_seen`),
    'list of those that fail, a page': () => api.get(`${t}/devices?limit=50&failing=true`),
    'counts of a tenant': () => api.get(`${t}/device-counts`),
    'step of a rotation': () => api.get('/rotation'),
    cron: () => worker.ask('scheduled', { cron: '*/5 * * * *' }),
  };
  async function measure() {
    const found = {};
    for (const [name, run] of Object.entries(operations)) {
      await run();
      const times = [];
      const rows = [];
      for (let time = 0; time < TIMES; time += 1) {
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
  const crowd = (of, count, prefix) => seedCrowd(worker, of, count, { prefix });
  await crowd(tenant, FEW, 'BCC342');
  const before = size(worker);
  progress(`with ${whole(FEW)} devices`);
  const few = await measure();
  progress(`${whole(MANY)} devices are written`);
  await crowd(tenant, OWN, '080023');
  for (const [at, other] of others.entries()) {
    await crowd(other, (MANY - OWN) / others.length, `0800${(0x30 + at).toString(16)}`);
    progress(`${at + 1} of ${others.length} other tenants`);
  }
  const bytes = (size(worker) - before) / MANY;
  progress(`with ${whole(MANY)} devices`);
  const many = await measure();
  result.bytesPerDevice = bytes;
  result.operations = Object.fromEntries(
    Object.keys(operations).map((name) => [name, { few: few[name], many: many[name], ratio: many[name].ms / few[name].ms }]),
  );
} finally {
  await worker.stop();
}

say(
  `\nWith ${whole(MANY)} devices in D1 (${whole(OWN)} of the tenant that asks), and with ${whole(FEW)}; ${whole(result.bytesPerDevice)} bytes a device`,
);
say('  time, ratio   rows read, few    many');
for (const [name, { few, many, ratio }] of Object.entries(result.operations)) {
  const reached = ratio <= 1.1 && many.rowsRead <= few.rowsRead * 1.1 + 5 ? 'goal 1.1: met' : 'goal 1.1: MISSED';
  say(
    `  ${ratio.toFixed(2).padStart(11)}   ${whole(few.rowsRead).padStart(14)} ${whole(many.rowsRead).padStart(7)}  ${name.padEnd(34)} ${reached}`,
  );
}
const file = join(ROOT, '.local/bench.json');
mkdirSync(join(ROOT, '.local'), { recursive: true });
const others = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
writeFileSync(file, `${JSON.stringify({ ...others, growth: result }, null, 2)}\n`);
