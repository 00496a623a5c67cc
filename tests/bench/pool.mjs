// A rollout to 100,000 phones in one pool: how fast its jobs are handed out, what the object holds, and what four pools do beside
// each other. The relay is one that answers each job at once, so the queue is what is measured. Adds `pool` to .local/bench.json.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT } from '../support/config.mjs';
import { poolAndTenant } from '../support/relay/notify.mjs';
import { FakeRelay } from '../support/relay/relay.mjs';
import { Api } from '../support/worker/api.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { seedCrowd } from '../support/worker/seed.mjs';
import { cpu } from './cpu.mjs';

const QUICK = Boolean(process.env.QUICK);
const JOBS = QUICK ? 5000 : 100_000;
const POOLS = 4;
/** The fastest pace that a rollout may name, unless the pool's options say otherwise: that many are to be handed out a second. */
const GOAL = 1000;

const say = (text) => process.stdout.write(`${text}\n`);
const progress = (text) => process.stderr.write(`[bench] ${text}\n`);
const whole = (number) => Math.round(number).toLocaleString('en');
const rss = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]) / 1024;

/** `count` pools with `each` jobs. What came of it. */
async function run(count, each) {
  const worker = await Ringfence.start({ silent: true });
  const relays = [];
  try {
    const api = new Api(worker);
    const [pid] = worker.workerdPids();
    const pools = [];
    for (let number = 0; number < count; number += 1) {
      const here = await poolAndTenant(worker, api, {
        options: { rollout_per_second_max: 10_000, lease_s: 600, fetch_poll_ms: 60_000, fetch_timeout_s: 3600 },
        settings: { NOTIFY_AOR: 'sip:101@pbx.test', NOTIFY_ADDRESS: '192.0.2.1' },
      });
      await seedCrowd(worker, here.tenant, each);
      pools.push(here);
    }
    const before = rss(pid);
    for (const here of pools) relays.push(await FakeRelay.connect(worker, here.relays[0].credential, { capacity: 1000 }));
    const begin = { at: performance.now(), cpu: cpu([pid]) };
    for (const here of pools) await api.post(`${here.at}/rollouts`, { per_second: 10_000 });
    const answered = () => relays.reduce((sum, relay) => sum + relay.jobs.length, 0);
    while (answered() < count * each) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      if (performance.now() - begin.at > 420_000) throw new Error(`${answered()} of ${count * each} jobs were handed out`);
    }
    return { seconds: (performance.now() - begin.at) / 1000, cpu: cpu([pid]) - begin.cpu, growth: rss(pid) - before };
  } finally {
    for (const relay of relays) await relay.close();
    await worker.stop();
  }
}

progress(`${whole(JOBS)} jobs in one pool`);
const one = await run(1, JOBS);
progress(`${whole(JOBS)} jobs in ${POOLS} pools`);
const several = await run(POOLS, JOBS / POOLS);
say(`\n${whole(JOBS)} jobs                     handed out/s   CPU s per 1,000   growth of workerd`);
for (const [name, { seconds, cpu: spent, growth }] of [
  ['in one pool', one],
  [`in ${POOLS} pools at once`, several],
]) {
  say(
    `  ${name.padEnd(28)} ${whole(JOBS / seconds).padStart(12)} ${((spent / JOBS) * 1000).toFixed(2).padStart(17)} ${`${whole(growth)} MiB`.padStart(19)}   goal ${whole(GOAL)}/s: ${JOBS / seconds >= GOAL ? 'met' : 'MISSED'}`,
  );
}
const file = join(ROOT, '.local/bench.json');
mkdirSync(join(ROOT, '.local'), { recursive: true });
const others = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
writeFileSync(file, `${JSON.stringify({ ...others, pool: { jobs: JOBS, one, several } }, null, 2)}\n`);
