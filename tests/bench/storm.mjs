// A power cut is over: the phones of several tenants boot at once, four requests each, one in twenty for the first time. As fast as
// the machine can, so what counts is what a request costs D1, and that nothing is lost. How long a bootstrap of one
// tenant takes while another tenant's phones ask without end, and while a plain Worker is asked as often: what that takes is the
// machine, and the rest is ours. And how long after its answer a fetch is on its device. Adds `storm` to .local/bench.json.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';

import { ROOT } from '../support/config.mjs';
import { eventually } from '../support/wait.mjs';
import { XML } from '../support/worker/content.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedDevices, seedTenant, UTG } from '../support/worker/seed.mjs';
import { plain } from './baselines.mjs';
import { flood } from './flood.mjs';
import { median } from './load.mjs';

const QUICK = Boolean(process.env.QUICK);
const TENANTS = 8;
const PHONES = QUICK ? 800 : 8000;
const CONNECTIONS = 32;
const BOOTSTRAPS = QUICK ? 20 : 100;
const FETCHES = QUICK ? 20 : 200;
/** A power cut as it is feared: how many phones boot, and within how many seconds. */
const FEARED = { phones: 100_000, seconds: 120 };
/** A tenant's flood is no more to another tenant's bootstrap than as many requests to a plain Worker are. */
const FLOOD_GOAL = 1.1;

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
    // What an isolate only counts it tells in hundreds, and the rest with the first request of a later minute.
    await eventually(counted, (number) => number > requests - 100 * TENANTS, 'all requests, written or counted');
    const seen = await worker.probe({ reset: true });
    progress('what was counted is told with the next minute');
    await new Promise((resolve) => setTimeout(resolve, 60_000 - (Date.now() % 60_000) + 1000));
    for (const path of new Set(phones.map(({ tenant }) => tenant.path(`${UTG.name}.cfg`)))) await ask(worker, path);
    const all = requests + TENANTS;
    await eventually(counted, (number) => number >= all, 'every request, written or counted', 10_000).catch(() => {});
    const known = await counted();
    const [{ n: written }] = await worker.sql('SELECT count(*) AS n FROM phone_events');
    const [{ n: fetched }] = await worker.sql('SELECT count(*) AS n FROM devices WHERE fetched_version IS NOT NULL');
    const [{ n: keys }] = await worker.sql("SELECT count(*) AS n FROM devices WHERE key_state = 'confirmed'");
    if (fetched !== phones.length || keys !== phones.length) throw new Error(`${fetched} of ${phones.length} fetched, ${keys} confirmed`);
    const AFTERWARDS = /^(INSERT INTO (event_minutes|phone_events|access_path_devices)|UPDATE (access_paths|devices) SET last_)/;
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
      eventsCounted: known,
      requests: all,
    };
  } finally {
    await worker.stop();
  }
}

/**
 * What a tenant's bootstraps take: alone; while another tenant's phones ask for what they have, and for what there is not; while a
 * plain Worker of the same runtime is asked for as many bytes as often; and while that is asked as fast as it answers, which leaves no
 * processor idle.
 */
async function beside() {
  const worker = await Ringfence.start({ silent: true, extra: [plain] });
  try {
    const [noisy, quiet] = [await seedTenant(worker), await seedTenant(worker)];
    const [loud] = await seedDevices(worker, noisy, [{ mac: mac(1), state: 'confirmed' }]);
    const armed = await seedDevices(
      worker,
      quiet,
      Array.from({ length: BOOTSTRAPS * 7 }, (_, at) => ({ mac: mac(at + 1) })),
    );
    const some = async () => {
      const all = [];
      for (let count = 0; count < BOOTSTRAPS; count += 1) all.push(await ask(worker, quiet.path(`Config${armed.pop().mac}.cfg`)));
      return { median: median(all), slowest: Math.max(...all) };
    };
    const during = async (url, options) => {
      const asking = flood([url], options);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const found = await some();
      return { ...found, perSecond: await asking.stop() };
    };
    await ask(worker, noisy.path(`Config${loud.mac}.enc`));
    // The first of them are slow, until what they run is compiled.
    await some();
    const result = { alone: await some() };
    for (const [name, path, status] of [
      ['hot', `Config${loud.mac}.enc`, 200],
      ['refused', `Config${mac(0xffffff)}.enc`, 404],
    ]) {
      progress(`bootstraps of one tenant while another one's phones ask: ${name}`);
      const url = `${worker.http.slice(0, -1)}${noisy.path(path)}`;
      const bytes = (await (await fetch(url)).arrayBuffer()).byteLength;
      const ours = await during(url, { status });
      const control = await during(`${worker.direct.plain}${status}/${bytes}`, { status, perSecond: ours.perSecond });
      result[name] = { ...ours, bytes, control };
    }
    progress('bootstraps of one tenant while a plain Worker is asked as fast as it answers');
    result.plain = await during(`${worker.direct.plain}200/${result.hot.bytes}`, {});
    return result;
  } finally {
    await worker.stop();
  }
}

/** Milliseconds from the answer of a first fetch of a version until `fetched_at` can be read in D1, which is asked again and again. */
async function fetched() {
  const worker = await Ringfence.start({ silent: true });
  try {
    const [noisy, quiet] = [
      // Each of its requests leaves an event.
      await seedTenant(worker, { options: { events_per_minute: 100_000 } }),
      await seedTenant(worker),
    ];
    const loud = await seedDevices(
      worker,
      noisy,
      Array.from({ length: 50 }, (_, at) => ({ mac: mac(at + 1), state: 'confirmed' })),
    );
    const phones = await seedDevices(
      worker,
      quiet,
      Array.from({ length: FETCHES }, (_, at) => ({ mac: mac(at + 1), state: 'confirmed' })),
    );
    const some = async () => {
      await quiet.changed();
      const all = [];
      for (const { id, mac: own } of phones) {
        const before = (await worker.sql('SELECT fetched_version FROM devices WHERE id = ?1', id))[0].fetched_version;
        await ask(worker, quiet.path(`Config${own}.enc`));
        const begin = performance.now();
        const isFetched = async () =>
          (await worker.sql('SELECT fetched_at IS NOT NULL AND fetched_version IS NOT ?2 AS so FROM devices WHERE id = ?1', id, before))[0]
            .so;
        while (!(await isFetched())) {
          if (performance.now() - begin > 60_000) throw new Error('a fetch is not on its device after a minute');
        }
        all.push(performance.now() - begin);
      }
      return { median: median(all), slowest: Math.max(...all) };
    };
    progress('how late *fetched* is, idle');
    const idle = await some();
    progress('how late *fetched* is while many phones ask');
    const paths = loud.map(({ mac: own }) => noisy.path(`Config${own}.enc`));
    for (const path of paths) await ask(worker, path);
    const asking = flood(paths.map((path) => `${worker.http.slice(0, -1)}${path}`));
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const busy = await some();
    return { idle, busy, perSecond: await asking.stop() };
  } finally {
    await worker.stop();
  }
}

const result = { ...(await storm()), beside: await beside(), fetched: await fetched() };
agent.destroy();
const reached = (isMet, goal) => `goal ${goal}: ${isMet ? 'met' : 'MISSED'}`;
say(`\nA power cut is over: ${whole(result.phones)} phones of ${TENANTS} tenants, four requests each, ${CONNECTIONS} at a time`);
say(
  `  ${whole(result.perSecond)} requests a second; a bootstrap took ${whole(result.medianBootstrapMs)} ms, the slowest ${whole(result.slowestBootstrapMs)} ms`,
);
say(
  `  D1: ${result.statementsPerRequest.toFixed(2)} statements a request (${whole(result.statementsPerSecond)} a second), of which ${result.eventStatementsPerRequest.toFixed(3)} for events; ${result.rowsWrittenPerRequest.toFixed(2)} rows written`,
);
say(
  `  ${whole(result.eventsWritten)} events written, ${whole(result.eventsCounted)} of ${whole(result.requests)} requests counted; ${reached(result.eventsCounted >= result.requests, 'nothing lost')}`,
);
const feared = (FEARED.phones * 4) / FEARED.seconds;
say(
  `  ${whole(FEARED.phones)} phones in ${FEARED.seconds} seconds would ask ${whole(feared)} requests a second: ${whole(feared * result.statementsPerRequest)} statements and ${whole(feared * result.rowsWrittenPerRequest)} rows written a second, by the counts above`,
);
const { alone } = result.beside;
say('\nA bootstrap while another tenant floods (median, slowest, as ratios to those alone)');
const row = (what, { median: middle, slowest, perSecond }, more = '') =>
  say(
    `  ${(middle / alone.median).toFixed(1).padStart(6)}  ${(slowest / alone.slowest).toFixed(1).padStart(6)}  ${what}, ${whole(perSecond)} requests a second${more}`,
  );
for (const name of ['hot', 'refused']) {
  const { control, ...ours } = result.beside[name];
  const share = ours.median / control.median;
  row(name, ours, `, ${share.toFixed(2)} of the next line; ${reached(share <= FLOOD_GOAL, FLOOD_GOAL)}`);
  row(`a plain Worker as often as ${name}`, control);
}
row('a plain Worker as fast as it answers', result.beside.plain);
const late = ({ median: middle, slowest }) => `${middle.toFixed(0)} ms, the slowest ${slowest.toFixed(0)} ms`;
say('\nFrom the answer of a first fetch until `fetched_at` can be read (median)');
say(`  idle: ${late(result.fetched.idle)}`);
say(`  while phones of another tenant ask, ${whole(result.fetched.perSecond)} requests a second: ${late(result.fetched.busy)}`);
const file = join(ROOT, '.local/bench.json');
mkdirSync(join(ROOT, '.local'), { recursive: true });
const others = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
writeFileSync(file, `${JSON.stringify({ ...others, storm: result }, null, 2)}\n`);
