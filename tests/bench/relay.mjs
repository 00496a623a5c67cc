// How much the relay sends, beside SIPp as the sender in the same run: the same NOTIFY at the same
// offered rate to the same phones (SIPp too), in turn. What counts is the CPU time of a NOTIFY: that
// a rate is reached may depend on what else the machine does. Then how much memory 50,000 NOTIFYs in
// flight take, in the real relay, fed by the real pool. Adds `relay` to .local/bench.json.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Api } from '../support/worker/api.mjs';
import { Child } from '../support/child.mjs';
import { ROOT } from '../support/config.mjs';
import { RELAY } from '../support/relay/native-relay.mjs';
import { connectedRelay, poolAndTenant } from '../support/relay/notify.mjs';
import { udpPort } from '../support/ports.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { seedCrowd } from '../support/worker/seed.mjs';
import { sipp } from '../support/sip/sipp.mjs';
import { median } from './load.mjs';

const QUICK = Boolean(process.env.QUICK);
const ROUNDS = QUICK ? 1 : 5;
const SECONDS = QUICK ? 2 : 5;
/** Offered to both senders: above the goal, so that the goal can be met. */
const OFFERED = 6_000;
const CROWD = QUICK ? 10_000 : 50_000;
const GOALS = { answeredPerSecond: 5_000, perCore: 5_000, inFlight: 50_000, peakMiB: 64 };

const say = (text) => process.stdout.write(`${text}\n`);
const progress = (text) => process.stderr.write(`[bench] ${text}\n`);
const whole = (number) => Math.round(number).toLocaleString('en');
const reached = (met, goal) => `goal ${goal}: ${met ? 'met' : 'MISSED'}`;
const HERTZ = 100; // USER_HZ, which Linux promises to programs

// --- Senders -----------------------------------------------------------------------------------------

/** CPU seconds and peak memory of a process, as Linux tells; `undefined` once it is gone. */
function usage(pid) {
  try {
    const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return peak && { cpu: cpuSeconds(pid), peakMiB: Number(peak) / 1024 };
  } catch {
    return undefined;
  }
}

function cpuSeconds(pid) {
  if (existsSync('/proc/self/schedstat')) {
    // In nanoseconds, a file for each thread. The ticks of `stat` miss a program that sleeps often.
    const threads = readdirSync(`/proc/${pid}/task`).map((thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1'));
    return threads.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0) / 1e9;
  }
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / HERTZ;
}

/** Runs a program to its end, looking at it every 10 ms; the last look. */
async function watched(command, args, options) {
  const child = new Child(command, args, options);
  let last;
  const look = setInterval(() => (last = usage(child.process.pid) ?? last), 10);
  const ended = await child.gone;
  clearInterval(look);
  if (ended.error) throw ended.error;
  return { ...last, output: child.output, code: ended.code };
}

async function byRelay(to, count) {
  const { output, cpu, peakMiB } = await watched(RELAY, [
    'send',
    'sip:101@pbx.test',
    '--address',
    to,
    '--count',
    String(count),
    '--rate',
    String(OFFERED),
    '--in-flight',
    '50000',
    '--json',
  ]);
  const report = JSON.parse(output);
  return { answered: report.answered, seconds: report.elapsed_ms / 1000, copies: report.datagrams - count, cpu, peakMiB };
}

async function bySipp(to, count) {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-sender-'));
  try {
    const { cpu, peakMiB, output } = await watched(
      'sipp',
      [
        '-sf',
        join(ROOT, 'tests/bench/sipp/sender.xml'),
        '-i',
        '127.0.0.1',
        '-p',
        String(await udpPort()),
        '-nostdin',
        '-m',
        String(count),
        '-r',
        String(OFFERED),
        '-l',
        '50000',
        '-timeout',
        '120s',
        '-trace_stat',
        '-stf',
        join(folder, 'statistics'),
        '-fd',
        '600',
        to,
      ],
      { cwd: folder, env: { ...process.env, TERM: 'dumb' } },
    );
    const [names, ...rows] = readFileSync(join(folder, 'statistics'), 'latin1')
      .trim()
      .split('\n')
      .map((line) => line.split(';'));
    const value = (name) => {
      const text = rows.at(-1)?.[names.indexOf(name)];
      if (text === undefined) throw new Error(`SIPp tells no ${name}:\n${output.slice(-2000)}`);
      return text;
    };
    const moment = (name) => Number(value(name).split('\t').at(-1));
    return {
      answered: Number(value('SuccessfulCall(C)')),
      seconds: moment('CurrentTime') - moment('StartTime'),
      copies: Number(value('Retransmissions(C)')),
      cpu,
      peakMiB,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function pace() {
  const count = OFFERED * SECONDS;
  progress(`relay and SIPp as senders: ${whole(count)} NOTIFYs at ${whole(OFFERED)}/s, ${ROUNDS} rounds in turn`);
  const phones = await sipp(join(ROOT, 'tests/bench/sipp/phones.xml'), { args: ['-l', '1000000', '-buff_size', '8388608'] });
  const rounds = { relay: [], sipp: [] };
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      rounds.relay.push(await byRelay(phones.address, count));
      rounds.sipp.push(await bySipp(phones.address, count));
    }
  } finally {
    await phones.end();
  }
  const of = (list) => ({
    answeredPerSecond: median(list.map(({ answered, seconds }) => answered / seconds)),
    cpuPerThousand: median(list.map(({ cpu }) => (cpu / count) * 1000)),
    perCore: median(list.map(({ cpu, answered }) => answered / cpu)),
    failures: list.reduce((sum, { answered }) => sum + count - answered, 0),
    copies: list.reduce((sum, { copies }) => sum + copies, 0),
    sent: count * ROUNDS,
    peakMiB: Math.max(...list.map(({ peakMiB }) => peakMiB)),
  });
  const [relay, baseline] = [of(rounds.relay), of(rounds.sipp)];
  return {
    offered: OFFERED,
    rounds: ROUNDS,
    relay,
    sipp: baseline,
    ratios: { answered: relay.answeredPerSecond / baseline.answeredPerSecond, perCore: relay.perCore / baseline.perCore },
  };
}

// --- Memory ------------------------------------------------------------------------------------------

/** A port that takes NOTIFYs and says nothing. */
async function silence() {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { address: `127.0.0.1:${socket.address().port}`, close: () => socket.close() };
}

/** SIPp with as many NOTIFYs out to the same silent port: its peak memory. */
async function sippFull(to) {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-sender-'));
  const sender = new Child(
    'sipp',
    [
      '-sf',
      join(ROOT, 'tests/bench/sipp/sender.xml'),
      '-i',
      '127.0.0.1',
      '-p',
      String(await udpPort()),
      '-nostdin',
      '-r',
      '10000',
      '-l',
      String(CROWD),
      '-timeout',
      '60s',
      '-trace_stat',
      '-stf',
      'statistics',
      '-fd',
      '1',
      to,
    ],
    { cwd: folder, env: { ...process.env, TERM: 'dumb' } },
  );
  const full = { inFlight: 0, peakMiB: 0 };
  try {
    while (!sender.ended && full.inFlight < CROWD) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      const text = existsSync(join(folder, 'statistics')) ? readFileSync(join(folder, 'statistics'), 'latin1') : '';
      const [names, ...rows] = text
        .split('\n')
        .slice(0, -1)
        .map((line) => line.split(';'));
      full.inFlight = Math.max(full.inFlight, Number(rows.at(-1)?.[names.indexOf('CurrentCall')] ?? 0));
      full.peakMiB = usage(sender.process.pid)?.peakMiB ?? full.peakMiB;
    }
    return full;
  } finally {
    await sender.stop('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

async function memory() {
  progress(`the real pool and relay: ${whole(CROWD)} phones, none of which answers`);
  const nobody = await silence();
  const worker = await Ringfence.start({ silent: true });
  let relay;
  try {
    const api = new Api(worker);
    const here = await poolAndTenant(worker, api, {
      // A lease that outlasts the whole filling, and no second sending in the way of the first.
      options: { rollout_per_second_max: 10_000, lease_s: 600, retry_base_s: 3600, retry_cap_s: 3600, fetch_poll_ms: 60_000 },
      settings: { NOTIFY_AOR: 'sip:101@pbx.test', NOTIFY_ADDRESS: nobody.address },
    });
    await seedCrowd(worker, here.tenant, CROWD);
    // With RFC 3261's T1 of 500 ms a NOTIFY without an answer is out for 32 s, and the pool on this
    // machine may need longer to hand out all jobs. Twice that T1 keeps all NOTIFYs out at once; what one
    // of them takes is the same.
    relay = await connectedRelay({ port: worker.port, credential: here.relays[0].credential, t1: 1000, capacity: CROWD + 10_000 });
    const [, metrics] = /http=Some\((127\.0\.0\.1:\d+)\)/.exec(relay.output) ?? [];
    const idle = usage(relay.process.pid);
    const begin = performance.now();
    await api.post(`${here.at}/rollouts`, { per_second: 10_000 });
    const most = { inFlight: 0, unrecorded: 0 };
    let filled;
    // Until they end: the results, which wait for the pool to record them, count as well.
    for (let now = 0; most.inFlight === 0 || now > most.inFlight / 2;) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      const page = await (await fetch(`http://${metrics}/metrics`)).text();
      const gauge = (name) => Number(new RegExp(`^ringfence_relay_${name} (\\d+)`, 'm').exec(page)?.[1]);
      now = gauge('jobs_in_flight');
      if (now > most.inFlight) {
        most.inFlight = now;
        filled = (performance.now() - begin) / 1000;
      }
      most.unrecorded = Math.max(most.unrecorded, gauge('results_unrecorded'));
      if (process.env.VERBOSE)
        progress(`${now} in flight, ${gauge('results_unrecorded')} unrecorded, ${usage(relay.process.pid)?.peakMiB.toFixed(1)} MiB`);
      if (performance.now() - begin > 300_000) throw new Error(`the relay is not filled: ${now} in flight`);
    }
    return {
      phones: CROWD,
      ...most,
      filledSeconds: filled,
      idleMiB: idle.peakMiB,
      peakMiB: usage(relay.process.pid).peakMiB,
      sipp: await sippFull(nobody.address),
    };
  } finally {
    await relay?.stop('SIGKILL');
    await worker.stop();
    nobody.close();
  }
}

// --- Report ------------------------------------------------------------------------------------------

function report({ pace, memory }) {
  say(`\nNOTIFY, ${whole(pace.offered)}/s offered on loopback, median of ${pace.rounds} (CPU: the sender's own)`);
  say('                     answered/s   CPU s per 1,000   = /s on one core   copies   failures   peak memory');
  for (const [name, s] of Object.entries({ relay: pace.relay, 'baseline: SIPp': pace.sipp })) {
    say(
      `  ${name.padEnd(18)} ${whole(s.answeredPerSecond).padStart(10)} ${s.cpuPerThousand.toFixed(4).padStart(17)} ${whole(s.perCore).padStart(18)} ${whole(s.copies).padStart(8)} ${whole(s.failures).padStart(10)} ${`${s.peakMiB.toFixed(1)} MiB`.padStart(13)}`,
    );
  }
  say(`  ${pace.ratios.answered.toFixed(2)}  answered/s, relay / SIPp`);
  say(`  ${pace.ratios.perCore.toFixed(2)}  answered per CPU second, relay / SIPp`);
  say(
    `  ${whole(pace.relay.answeredPerSecond)} answered/s; ${reached(pace.relay.answeredPerSecond >= GOALS.answeredPerSecond, whole(GOALS.answeredPerSecond))}`,
  );
  say(`  ${whole(pace.relay.perCore)} answered/s on one core; ${reached(pace.relay.perCore >= GOALS.perCore, whole(GOALS.perCore))}`);
  const full = memory.phones >= GOALS.inFlight;
  say(
    `\nMemory, real pool and relay, ${whole(memory.phones)} silent phones: ${whole(memory.inFlight)} in flight after ${memory.filledSeconds.toFixed(1)} s`,
  );
  say(
    `  baseline: SIPp with ${whole(memory.sipp.inFlight)}: ${memory.sipp.peakMiB.toFixed(1)} MiB; ratio relay / SIPp ${(memory.peakMiB / memory.sipp.peakMiB).toFixed(2)}`,
  );
  say(
    `  ${memory.peakMiB.toFixed(1)} MiB at most (${memory.idleMiB.toFixed(1)} idle)${full ? `; ${reached(memory.peakMiB <= GOALS.peakMiB && memory.inFlight >= GOALS.inFlight, `${GOALS.peakMiB} MiB with ${whole(GOALS.inFlight)} in flight`)}` : ''}`,
  );
}

if (!existsSync(RELAY)) throw new Error('scripts/bench.sh builds the relay for this; run that');
const only = process.env.ONLY;
const results = {};
if (only !== 'memory') results.pace = await pace();
if (only !== 'pace') results.memory = await memory();
const file = join(ROOT, '.local/bench.json');
mkdirSync(join(ROOT, '.local'), { recursive: true });
const others = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
writeFileSync(file, `${JSON.stringify({ ...others, relay: results }, null, 2)}\n`);
if (only) say(JSON.stringify(results, null, 2));
else report(results);
