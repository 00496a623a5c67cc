// A pool that sends itself beside the same pool with the relay, in one run: the same 10,000 NOTIFYs over one TCP connection
// to the same peer (SIPp, which answers 200 at once), in turn. What counts is the CPU time of a NOTIFY, of all programs that
// have to do with it: workerd, and the relay where there is one. Adds `edge` to .local/bench.json.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Api } from '../support/worker/api.mjs';
import { ROOT } from '../support/config.mjs';
import { connectedRelay, poolAndTenant } from '../support/relay/notify.mjs';
import { RELAY } from '../support/relay/native-relay.mjs';
import { forwardTcp } from '../support/ports.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { seedCrowd } from '../support/worker/seed.mjs';
import { sipp } from '../support/sip/sipp.mjs';
import { cpu } from './cpu.mjs';
import { median } from './load.mjs';

const QUICK = Boolean(process.env.QUICK);
const COUNT = QUICK ? 2_000 : 10_000;
const ROUNDS = QUICK ? 1 : 3;

const say = (text) => process.stdout.write(`${text}\n`);
const progress = (text) => process.stderr.write(`[bench] ${text}\n`);
const whole = (number) => Math.round(number).toLocaleString('en');

const peak = (pid) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]) / 1024;

/** One rollout to COUNT phones by `sender`; what it cost. */
async function rollout(sender) {
  const worker = await Ringfence.start({ silent: true });
  const peer = await sipp(join(ROOT, 'tests/bench/sipp/heard.xml'), { tcp: true, args: ['-l', '1000000'] });
  const way = await forwardTcp(() => peer.port);
  let relay;
  try {
    const api = new Api(worker);
    const here = await poolAndTenant(worker, api, {
      relays: sender === 'relay' ? 1 : 0,
      options: {
        rollout_per_second_max: 10_000,
        lease_s: 120,
        fetch_poll_ms: 60_000,
        sender,
        edge: { proxy: '127.0.0.1', port: way.port, transport: 'tcp', capacity: 1000, per_second: 0 },
      },
      settings: { NOTIFY_AOR: 'sip:101@pbx.test' },
    });
    await seedCrowd(worker, here.tenant, COUNT);
    if (sender === 'relay') {
      relay = await connectedRelay({
        port: worker.port,
        credential: here.relays[0].credential,
        capacity: 1000,
        sip: `outbound_proxy = "sip:127.0.0.1:${way.port};transport=tcp"`,
      });
    }
    const [workerd] = worker.workerdPids();
    const pids = [workerd, ...(relay ? [relay.process.pid] : [])];
    const before = peak(workerd);
    const from = { cpu: cpu(pids), at: performance.now() };
    await api.post(`${here.at}/rollouts`, { per_second: 10_000 });
    for (let heard = 0; heard < COUNT; heard = peer.lines().length) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      if (performance.now() - from.at > 240_000) throw new Error(`${heard} of ${COUNT} were heard`);
    }
    const seconds = (performance.now() - from.at) / 1000;
    return {
      seconds,
      heard: peer.lines().length,
      cpuPerThousand: ((cpu(pids) - from.cpu) / COUNT) * 1000,
      connections: way.made(),
      growthMiB: peak(workerd) - before,
    };
  } finally {
    await relay?.stop('SIGKILL');
    await way.close();
    await peer.end();
    await worker.stop();
  }
}

if (!existsSync(RELAY)) throw new Error('scripts/bench.sh builds the relay for this; run that');
progress(`the pool itself and a relay: ${whole(COUNT)} NOTIFYs over one connection, ${ROUNDS} rounds in turn`);
const rounds = { edge: [], relay: [] };
for (let round = 0; round < ROUNDS; round += 1) {
  for (const sender of ['relay', 'edge']) rounds[sender].push(await rollout(sender));
}
const of = (list) => ({
  perSecond: median(list.map(({ seconds }) => COUNT / seconds)),
  cpuPerThousand: median(list.map((one) => one.cpuPerThousand)),
  growthMiB: median(list.map((one) => one.growthMiB)),
  connections: Math.max(...list.map(({ connections }) => connections)),
  twice: list.reduce((sum, { heard }) => sum + heard - COUNT, 0),
});
const result = { count: COUNT, rounds: ROUNDS, edge: of(rounds.edge), relay: of(rounds.relay) };
say(`\nNOTIFY over one TCP connection, ${whole(COUNT)} of one rollout, median of ${ROUNDS}`);
say('                       heard/s   CPU s per 1,000   growth of workerd   connections   heard twice');
for (const [name, one] of Object.entries({ 'the pool itself': result.edge, 'baseline: a relay': result.relay })) {
  say(
    `  ${name.padEnd(18)} ${whole(one.perSecond).padStart(9)} ${one.cpuPerThousand.toFixed(3).padStart(17)} ${`${one.growthMiB.toFixed(1)} MiB`.padStart(19)} ${String(one.connections).padStart(13)} ${String(one.twice).padStart(13)}`,
  );
}
say(`  ${(result.edge.perSecond / result.relay.perSecond).toFixed(2)}  heard/s, the pool itself / a relay`);
say(`  ${(result.edge.cpuPerThousand / result.relay.cpuPerThousand).toFixed(2)}  CPU of a NOTIFY, the pool itself / workerd and a relay`);

const file = join(ROOT, '.local/bench.json');
mkdirSync(join(ROOT, '.local'), { recursive: true });
const others = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
writeFileSync(file, `${JSON.stringify({ ...others, edge: result }, null, 2)}\n`);
