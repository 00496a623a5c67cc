// What the isolate holds: after ten requests of each of its phones, which have a file of their own, and with a pool's jobs queued in its
// object; and how long a run of that object's alarm takes then. Bytes of V8 are what it has in use, garbage with it; the module's
// memory is beside that, and never shrinks. An isolate may have 128 MB of both. Ends with an error where the jobs are not queued. Adds
// `heap` to .local/bench.json.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT } from '../support/config.mjs';
import { tcpPort } from '../support/ports.mjs';
import { poolAndTenant } from '../support/relay/notify.mjs';
import { FakeRelay } from '../support/relay/relay.mjs';
import { eventually } from '../support/wait.mjs';
import { Api } from '../support/worker/api.mjs';
import { standardTemplate, XML } from '../support/worker/content.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedCrowd, seedDevices, seedTenant } from '../support/worker/seed.mjs';
import { eachOnce, median } from './load.mjs';
import { Profiler } from './own/profiler.mjs';

const QUICK = Boolean(process.env.QUICK);
const PHONES = QUICK ? 1000 : 10_000;
const ROUNDS = 10;
const JOBS = QUICK ? 5000 : 100_000;
/** How many of the jobs a relay leases that never answers: without a relay a rollout is closed, and makes no job. */
const LEASED = 10;
/** How many of the jobs are handed out while nearly all of the others are still queued. */
const DRAINED = QUICK ? 1000 : 5000;
/** What an isolate may have of V8's memory and the module's together: the platform's bound. */
const BOUND = 128e6;
const PREFIX = '0080F1';

const say = (text) => process.stdout.write(`${text}\n`);
const progress = (text) => process.stderr.write(`[bench] ${text}\n`);
const whole = (number) => Math.round(number).toLocaleString('en');
const mebibytes = (bytes) => (bytes / 2 ** 20).toFixed(1).padStart(8);

const inspectorPort = await tcpPort();
const worker = await Ringfence.start({
  front: join(ROOT, 'tests/bench/own/held.mjs'),
  build: process.env.RINGFENCE_BUILD ?? join(ROOT, 'build'),
  silent: true,
  inspectorPort,
});
const held = [];
const alarms = [];
let queued;
let handedOut;
try {
  const api = new Api(worker);
  const profiler = await Profiler.attach(inspectorPort);
  const ask = async () => (await worker.fetch('/__held')).json();
  const look = async (when) => {
    const { module } = await ask();
    held.push({ when, v8: await profiler.heap(), module });
  };
  /** How long the alarm took, each time that it rang during `work`. */
  const ringing = async (when, work) => {
    await ask();
    await work();
    const { alarms: times } = await ask();
    if (times.length === 0) throw new Error(`the alarm did not ring: ${when}`);
    alarms.push({ when, count: times.length, median: median(times), slowest: Math.max(...times) });
  };
  const tenant = await seedTenant(worker, {
    templates: { ...XML, 'standard/utg': standardTemplate(20_500) },
    options: { events_per_minute: 60 },
  });
  progress(`${whole(PHONES)} phones`);
  for (let first = 0; first < PHONES; first += 250) {
    const some = Array.from({ length: 250 }, (_, at) => ({ mac: mac(first + at, PREFIX), state: 'confirmed' }));
    await seedDevices(worker, tenant, some);
  }
  const urls = Array.from(
    { length: PHONES },
    (_, number) => `${worker.http.slice(0, -1)}${tenant.path(`Config${mac(number, PREFIX)}.enc`)}`,
  );
  await eachOnce(urls.slice(0, 1));
  await look('one request');
  for (let round = 1; round <= ROUNDS; round += 1) {
    progress(`${whole(round * PHONES)} requests`);
    await eachOnce(urls);
    // The first round makes each file; what it leaves to be written is done before the look.
    if ([1, 2, ROUNDS / 2, ROUNDS].includes(round)) {
      await new Promise((resolve) => setTimeout(resolve, 3000));
      await look(`${whole(round * PHONES)} requests of ${whole(PHONES)} phones`);
    }
  }
  progress(`${whole(JOBS)} jobs in a pool whose relay has ${LEASED} and does not answer`);
  const here = await poolAndTenant(worker, api, {
    relays: 2,
    options: { rollout_per_second_max: 10_000, lease_s: 3600, fetch_poll_ms: 60_000, fetch_timeout_s: 3600 },
    settings: { NOTIFY_AOR: 'sip:101@pbx.test', NOTIFY_ADDRESS: '192.0.2.1' },
  });
  await seedCrowd(worker, here.tenant, JOBS);
  await look('a pool without jobs');
  const mute = await FakeRelay.connect(worker, here.relays[0].credential, { capacity: LEASED, answer: () => undefined });
  // A relay of which nothing is heard is cut off.
  const pings = setInterval(() => mute.socket.send('PING'), 10_000);
  try {
    // Counting takes the object's time: not without a pause.
    const queue = async () => {
      await new Promise((resolve) => setTimeout(resolve, 500));
      return (await api.get(`/pools/${here.pool.id}`)).queue;
    };
    await ringing(`${whole(JOBS)} jobs are made`, async () => {
      await api.post(`${here.at}/rollouts`, { per_second: 10_000 });
      ({ queued } = await eventually(queue, (now) => now.queued + now.leased >= JOBS, 'the jobs of the rollout', 600_000));
    });
    if (queued < JOBS - LEASED) throw new Error(`${queued} of ${JOBS} jobs are queued`);
    progress(`${whole(queued)} jobs are queued; ${whole(DRAINED)} of them go to a relay that answers`);
    await look(`${whole(queued)} jobs queued`);
    await ringing(`${whole(DRAINED)} of ${whole(queued)} or more are handed out`, async () => {
      const begin = performance.now();
      const busy = await FakeRelay.connect(worker, here.relays[1].credential);
      await eventually(
        () => busy.jobs.length,
        (count) => count >= DRAINED,
        'the jobs of a relay that answers',
        300_000,
      );
      handedOut = (busy.jobs.length / (performance.now() - begin)) * 1000;
      await busy.close();
    });
    const left = (await queue()).queued;
    await look(`${whole(left)} jobs queued`);
  } finally {
    clearInterval(pings);
    await mute.close();
  }
} finally {
  await worker.stop();
}

say(`\n${'What the isolate holds, MiB'.padEnd(50)}       V8    module`);
for (const { when, v8, module } of held) say(`  ${when.padEnd(48)} ${mebibytes(v8)}  ${mebibytes(module)}`);
const most = Math.max(...held.map(({ v8, module }) => v8 + module));
say(`  at most ${mebibytes(most).trim()} MiB of both; goal ${mebibytes(BOUND).trim()}: ${most <= BOUND ? 'met' : 'MISSED'}`);
say(`\nThe alarm of a pool with ${whole(queued)} queued jobs, milliseconds${' '.repeat(8)}runs   median  slowest`);
for (const { when, count, median: middle, slowest } of alarms)
  say(`  ${when.padEnd(56)} ${whole(count).padStart(8)} ${middle.toFixed(1).padStart(8)} ${slowest.toFixed(1).padStart(8)}`);
say(`  ${whole(handedOut)} jobs handed out a second`);
const file = join(ROOT, '.local/bench.json');
mkdirSync(join(ROOT, '.local'), { recursive: true });
const others = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
writeFileSync(file, `${JSON.stringify({ ...others, heap: { phones: PHONES, jobs: JOBS, queued, held, alarms, handedOut } }, null, 2)}\n`);
