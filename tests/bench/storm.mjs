// A power cut is over: the phones of several tenants boot at once, four requests each, one in twenty for the first time. As fast as
// the machine can, so what counts is what a request costs D1, and that nothing is lost. And how long a bootstrap of one
// tenant takes while another tenant's phones ask without end. Adds `storm` to .local/bench.json.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';

import { ROOT } from '../support/config.mjs';
import { eventually } from '../support/wait.mjs';
import { XML } from '../support/worker/content.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedDevices, seedTenant, UTG } from '../support/worker/seed.mjs';
import { load, median } from './load.mjs';

const QUICK = Boolean(process.env.QUICK);
const TENANTS = 8;
const PHONES = QUICK ? 800 : 8000;
const CONNECTIONS = 32;
const BOOTSTRAPS = QUICK ? 20 : 100;

const say = (text) => process.stdout.write(`${text}\n`);
const progress = (text) => process.stderr.write(`[bench] ${text}\n`);
const whole = (number) => Math.round(number).toLocaleString('en');
const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });

/** Milliseconds that an answer takes. */
function ask(worker, path, status = 200) {
  const begin = performance.now();
  return new Promise((resolve, reject) => {
    const request = http.get(`${worker.http.slice(0, -1)}${path}`, { agent }, (response) => {
      response.resume();
      response.on('end', () =>
        response.statusCode === status ? resolve(performance.now() - begin) : reject(new Error(`${path}: ${response.statusCode}`)),
      );
    });
    request.on('error', reject);
  });
}

/** One phone's boot: what each request took. */
async function boot(worker, { tenant, mac: own, isNew }, times) {
  await ask(worker, tenant.path(`${UTG.name}.cfg`));
  if (isNew) times.bootstraps.push(await ask(worker, tenant.path(`Config${own}.cfg`)));
  times.sealed.push(await ask(worker, tenant.path(`Config${own}.enc`)));
  await ask(worker, tenant.path(`Initial${own}.cfg`));
  if (!isNew) times.sealed.push(await ask(worker, tenant.path(`Config${own}.enc`)));
}

async function storm() {
  const worker = await Ringfence.start({ probe: true, silent: true });
  try {
    const phones = [];
    for (let number = 0; number < TENANTS; number += 1) {
      const tenant = await seedTenant(worker, {
        templates: XML,
      });
      const list = Array.from({ length: PHONES / TENANTS }, (_, at) => ({
        mac: mac(at + 1),
        state: at % 20 === 0 ? 'armed' : 'confirmed',
      }));
      for (const [at, { mac: own }] of (await seedDevices(worker, tenant, list)).entries())
        phones.push({ tenant, mac: own, isNew: at % 20 === 0 });
    }
    // Of all tenants at once, as after a power cut.
    phones.sort((a, b) => (a.mac < b.mac ? -1 : 1));
    progress(`${whole(phones.length)} phones of ${TENANTS} tenants boot`);
    await worker.probe({ reset: true });
    const times = { bootstraps: [], sealed: [] };
    const queue = [...phones];
    const begin = performance.now();
    await Promise.all(
      Array.from({ length: CONNECTIONS }, async () => {
        while (queue.length > 0) await boot(worker, queue.shift(), times);
      }),
    );
    const seconds = (performance.now() - begin) / 1000;
    const requests = phones.length * 4;
    const counted = () => worker.sql('SELECT coalesce(sum(seen), 0) AS n FROM event_minutes').then(([row]) => row.n);
    // What an isolate only counts it tells in hundreds.
    await eventually(counted, (number) => number > requests - 100 * TENANTS, 'all requests, written or counted');
    const seen = await worker.probe({ reset: true });
    const [{ n: written }] = await worker.sql('SELECT count(*) AS n FROM events');
    const [{ n: fetched }] = await worker.sql('SELECT count(*) AS n FROM devices WHERE fetched_version IS NOT NULL');
    const [{ n: keys }] = await worker.sql("SELECT count(*) AS n FROM devices WHERE key_state = 'confirmed'");
    if (fetched !== phones.length || keys !== phones.length) throw new Error(`${fetched} of ${phones.length} fetched, ${keys} confirmed`);
    const AFTERWARDS = /^(INSERT INTO (event_minutes|events|access_path_devices)|UPDATE (access_paths|devices) SET last_)/;
    const events = seen.sql.filter((sql) => AFTERWARDS.test(sql)).length;
    return {
      phones: phones.length,
      perSecond: requests / seconds,
      statementsPerSecond: seen.d1Statements / seconds,
      statementsPerRequest: seen.d1Statements / requests,
      eventStatementsPerRequest: events / requests,
      rowsWrittenPerRequest: seen.rowsWritten / requests,
      slowestBootstrapMs: Math.max(...times.bootstraps),
      medianBootstrapMs: median(times.bootstraps),
      medianSealedMs: median(times.sealed),
      eventsWritten: written,
      eventsCounted: await counted(),
    };
  } finally {
    await worker.stop();
  }
}

/** What a tenant's bootstraps take: alone, and while another tenant's phones ask for what they have, and for what there is not. */
async function beside() {
  const worker = await Ringfence.start({ silent: true });
  try {
    const [noisy, quiet] = [await seedTenant(worker), await seedTenant(worker)];
    const [loud] = await seedDevices(worker, noisy, [{ mac: mac(1), state: 'confirmed' }]);
    const armed = await seedDevices(
      worker,
      quiet,
      Array.from({ length: BOOTSTRAPS * 3 }, (_, at) => ({ mac: mac(at + 1) })),
    );
    const some = async () => {
      const all = [];
      for (let count = 0; count < BOOTSTRAPS; count += 1) all.push(await ask(worker, quiet.path(`Config${armed.pop().mac}.cfg`)));
      return { median: median(all), slowest: Math.max(...all) };
    };
    await ask(worker, noisy.path(`Config${loud.mac}.enc`));
    const result = { alone: await some() };
    for (const [name, path, status] of [
      ['hot', `Config${loud.mac}.enc`, 200],
      ['refused', `Config${mac(0xffffff)}.enc`, 404],
    ]) {
      progress(`bootstraps of one tenant while another one's phones ask: ${name}`);
      let isOver = false;
      const flood = (async () => {
        while (!isOver) await load(`${worker.http.slice(0, -1)}${noisy.path(path)}`, { seconds: 1, status });
      })();
      result[name] = await some();
      isOver = true;
      await flood;
    }
    return result;
  } finally {
    await worker.stop();
  }
}

const result = { ...(await storm()), beside: await beside() };
agent.destroy();
say(`\nA power cut is over: ${whole(result.phones)} phones of ${TENANTS} tenants, four requests each, ${CONNECTIONS} at a time`);
say(
  `  ${whole(result.perSecond)} requests a second; a bootstrap took ${whole(result.medianBootstrapMs)} ms, the slowest ${whole(result.slowestBootstrapMs)} ms`,
);
say(
  `  D1: ${result.statementsPerRequest.toFixed(2)} statements a request (${whole(result.statementsPerSecond)} a second), of which ${result.eventStatementsPerRequest.toFixed(3)} for events; ${result.rowsWrittenPerRequest.toFixed(2)} rows written`,
);
say(`  ${whole(result.eventsWritten)} events written, ${whole(result.eventsCounted)} of ${whole(result.phones * 4)} requests counted`);
say('\nA bootstrap while another tenant floods (median, slowest, as ratios to those alone)');
for (const name of ['hot', 'refused']) {
  const { median: middle, slowest } = result.beside[name];
  say(
    `  ${(middle / result.beside.alone.median).toFixed(1).padStart(6)}  ${(slowest / result.beside.alone.slowest).toFixed(1).padStart(6)}  ${name}`,
  );
}
const file = join(ROOT, '.local/bench.json');
mkdirSync(join(ROOT, '.local'), { recursive: true });
const others = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
writeFileSync(file, `${JSON.stringify({ ...others, storm: result }, null, 2)}\n`);
