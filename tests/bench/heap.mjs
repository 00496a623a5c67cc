// What the isolate holds: after so many requests of so many phones, each with its own file, and with a pool's jobs waiting in its
// object. Bytes of V8 are what it has in use, garbage with it; the module's memory is beside that, and never shrinks. An isolate
// may have 128 MB of both. Adds `heap` to .local/bench.json.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT } from '../support/config.mjs';
import { tcpPort } from '../support/ports.mjs';
import { poolAndTenant } from '../support/relay/notify.mjs';
import { eventually } from '../support/wait.mjs';
import { Api } from '../support/worker/api.mjs';
import { standard, XML } from '../support/worker/content.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedCrowd, seedDevices, seedTenant } from '../support/worker/seed.mjs';
import { eachOnce } from './load.mjs';
import { Profiler } from './own/profiler.mjs';

const QUICK = Boolean(process.env.QUICK);
const PHONES = QUICK ? 1000 : 10_000;
const ROUNDS = 10;
const JOBS = QUICK ? 5000 : 100_000;
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
try {
  const api = new Api(worker);
  const profiler = await Profiler.attach(inspectorPort);
  const look = async (when) => {
    const { module } = await (await worker.fetch('/__held')).json();
    held.push({ when, v8: await profiler.heap(), module });
  };
  const tenant = await seedTenant(worker, {
    templates: { ...XML, 'standard/utg': standard(20_500) },
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
  progress(`${whole(JOBS)} jobs in a pool whose relay is not there`);
  const here = await poolAndTenant(worker, api, {
    options: { rollout_per_second_max: 10_000, lease_s: 600 },
    settings: { NOTIFY_AOR: 'sip:101@pbx.test', NOTIFY_ADDRESS: '192.0.2.1' },
  });
  await seedCrowd(worker, here.tenant, JOBS);
  await look(`a pool without jobs`);
  const { id } = await api.post(`${here.at}/rollouts`, { per_second: 10_000 });
  await eventually(
    () => api.get(`${here.at}/rollouts/${id}`),
    ({ total, state }) => total >= JOBS || state === 'done',
    'the jobs of the rollout',
    300_000,
  );
  await look(`${whole(JOBS)} jobs waiting`);
} finally {
  await worker.stop();
}

say(`\n${'What the isolate holds, MiB'.padEnd(50)}       V8    module`);
for (const { when, v8, module } of held) say(`  ${when.padEnd(48)} ${mebibytes(v8)}  ${mebibytes(module)}`);
const file = join(ROOT, '.local/bench.json');
mkdirSync(join(ROOT, '.local'), { recursive: true });
const others = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
writeFileSync(file, `${JSON.stringify({ ...others, heap: { phones: PHONES, jobs: JOBS, held } }, null, 2)}\n`);
