// What of a request's CPU time is the Worker's own: KV, D1 and the witness answer from the isolate's memory (own/memory.mjs), and
// a plain JavaScript Worker that gives the same answer after two reads of a map is beside it. CPU time is the kernel's, of
// workerd alone, and V8 has compiled what it asks before it is measured. Adds `own` to .local/bench.json.
//
//   node tests/bench/own.mjs [PART OF A ROW'S NAME]
//
// RINGFENCE_BUILD names another folder with a built Worker. RINGFENCE_PROFILE_OUT=FOLDER writes a CPU profile of each row there (of a
// build with names: RINGFENCE_NAMES=1 scripts/build.sh).

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT } from '../support/config.mjs';
import { tcpPort } from '../support/ports.mjs';
import { standardTemplate, XML } from '../support/worker/content.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, newAccessPath, seedDevice, seedTenant, UTG } from '../support/worker/seed.mjs';
import { plain } from './baselines.mjs';
import { cpuOfCompiler, settled } from './cpu.mjs';
import { load } from './load.mjs';
import { Profiler } from './own/profiler.mjs';

const QUICK = Boolean(process.env.QUICK);
const ROUNDS = QUICK ? 3 : 9;
const SECONDS = 1;
/** For how many seconds a row is asked at most before it is measured. */
const MAX_WARM_UP = 30;
/** The compiler's share below which a row is measured even before `MAX_WARM_UP` is over. */
const COMPILED = 0.05;
/**
 * Of a tenant whose minute is full a request leaves no event, and at this rate nearly every minute is full with the first second. This
 * many a minute are more than there can be requests; the API lets an operator set 100,000, which is a rate of 1,667 a second.
 */
const NEVER_FULL = 100_000_000;
const PROFILES = process.env.RINGFENCE_PROFILE_OUT;
const only = process.argv[2];

const GXP = { name: 'GXP1630', family: 'gxp', profile: 'gxp-256' };
const YEALINK = { name: 'SIP-T46S', family: 'yealink', profile: null };

const say = (text) => process.stdout.write(`${text}\n`);
const progress = (text) => process.stderr.write(`[bench] ${text}\n`);
const milliseconds = (number) => number.toFixed(3).padStart(8);

/** Files of about `bytes` bytes, a template for each family. */
function templates(bytes) {
  const lines = (of) => Array.from({ length: Math.floor((bytes - 300) / of(0).length) }, (_, number) => of(number)).join('');
  const digits = (number) => String(number).padStart(5, '0');
  return {
    ...XML,
    'standard/utg': standardTemplate(Math.round(bytes * 0.74)),
    'standard/gxp': `<?xml version="1.0" encoding="UTF-8" ?>
<gs_provision version="1"><mac>{{ device.mac_lower }}</mac><config version="1">
<P35>{{ SIP_USER | default("7001") }}</P35>
${lines((number) => `    <P8${digits(number)}>${'abcdefghij'.repeat(4)}</P8${digits(number)}>\n`)}</config></gs_provision>
`,
    'standard/yealink': `#!version:1.0.0.1
account.1.user_name = {{ SIP_USER | default("7001") }}
${lines((number) => `features.filler_${digits(number)} = ${'abcdefghij'.repeat(4)}\n`)}`,
  };
}

/** What is asked, of tenants with files of 2, 28 and 100 KB: each with what makes it that and no other question. */
async function rows(worker) {
  const list = [];
  const tenants = {};
  for (const kilobytes of [2, 28, 100]) {
    tenants[kilobytes] = await seedTenant(worker, {
      models: [UTG, GXP, YEALINK],
      templates: templates(kilobytes * 1000),
      options: { events_per_minute: 60 },
    });
  }
  const heard = await seedTenant(worker, {
    templates: templates(28_000),
    options: { events_per_minute: NEVER_FULL },
  });
  let next = 0;
  const phone = (tenant, options) => seedDevice(worker, tenant, { mac: mac((next += 1)), ...options });
  const at = (tenant, path) => `${worker.http.slice(0, -1)}${tenant.path(path)}`;
  const add = (name, tenant, path, rest = {}) => list.push({ name, url: at(tenant, path), ...rest });
  for (const [kilobytes, tenant] of Object.entries(tenants)) {
    const of = (what) => `${what}, ${kilobytes} KB`;
    const sealed = await phone(tenant, { state: 'confirmed' });
    const changed = await phone(tenant, { state: 'confirmed' });
    const armed = await phone(tenant);
    const gxp = await phone(tenant, { model: GXP.name, state: 'delivered' });
    const yealink = await phone(tenant, { model: YEALINK.name });
    add(of('hot, sealed (utg)'), tenant, `Config${sealed.mac}.enc`, { warm: 2 });
    add(of('hot, sealed at the plain name (gxp)'), tenant, `cfg${gxp.mac.toLowerCase()}.xml`, { warm: 2 });
    add(of('hot, in clear (yealink)'), tenant, `${yealink.mac.toLowerCase()}.cfg`, { warm: 2 });
    add(of('304 (utg)'), tenant, `Config${sealed.mac}.enc`, { warm: 2, status: 304 });
    // What is above the devices is read once by an isolate: another phone of the model was here before.
    const later = { before: at(tenant, `Config${sealed.mac}.enc`) };
    add(of('first after a change (utg)'), tenant, `Config${changed.mac}.enc`, later);
    add(of('bootstrap (utg)'), tenant, `Config${armed.mac}.cfg`, later);
    if (kilobytes !== '28') continue;
    const other = await phone(tenant, { model: GXP.name, state: 'armed' });
    const plainly = await phone(tenant, { model: YEALINK.name });
    const laterPlain = { before: at(tenant, `${yealink.mac.toLowerCase()}.cfg`) };
    const laterGxp = { before: at(tenant, `cfg${gxp.mac.toLowerCase()}.xml`) };
    add('first after a change (yealink), 28 KB', tenant, `${plainly.mac.toLowerCase()}.cfg`, laterPlain);
    add('bootstrap (gxp), 28 KB', tenant, `cfg${other.mac.toLowerCase()}.xml`, laterGxp);
    add('initial', tenant, `${UTG.name}.cfg`, later);
    // KV has the tenant.
    add('refusal, unknown MAC', tenant, `Config${mac(0xffffff)}.enc`, { ...later, status: 404 });
    add('refusal, no such path', tenant, 'wp-login.php', { ...later, status: 404 });
    const nobody = { path: (name) => `/${newAccessPath()}/${name}` };
    add('refusal, unknown access path', nobody, `Config${sealed.mac}.enc`, { status: 404 });
    const known = await phone(heard, { state: 'confirmed' });
    const withEvent = { hasEvent: true };
    add('hot, sealed (utg), 28 KB, with its event', heard, `Config${known.mac}.enc`, { warm: 2, ...withEvent });
    const laterHeard = { before: at(heard, `Config${known.mac}.enc`) };
    add('refusal, unknown MAC, with its event', heard, `Config${mac(0xffffff)}.enc`, { ...laterHeard, status: 404, ...withEvent });
  }
  return list.filter(({ name }) => !only || name.includes(only));
}

const memory = async (worker, wanted) => (await fetch(`${worker.http}__memory/${wanted}`, { method: 'POST' })).text();

/** Asks a row's question for real, as often as it takes to become that row, and then once more to be remembered. */
async function prepare(worker, row) {
  const ask = async (headers = {}) => {
    const response = await fetch(row.url, { headers });
    const bytes = (await response.arrayBuffer()).byteLength;
    await new Promise((resolve) => setTimeout(resolve, 300));
    return { status: response.status, bytes, etag: response.headers.get('etag') };
  };
  await memory(worker, 'off');
  if (row.before) await (await fetch(row.before)).arrayBuffer();
  for (let time = 0; time < (row.warm ?? 0); time += 1) await ask();
  await memory(worker, 'on');
  let last = await ask();
  row.headers = row.status === 304 ? { 'If-None-Match': last.etag } : {};
  if (row.status === 304) last = await ask(row.headers);
  if (last.status !== (row.status ?? 200)) throw new Error(`${row.name}: ${last.status}`);
  row.bytes = last.bytes;
}

/**
 * Asks until V8 compiles next to nothing any more: CPU milliseconds of a request of the first second, and how many seconds of CPU
 * compiling took. V8 compiles a function at once and badly, and well once it has run for a while. Half of what a request
 * costs in its first seconds is that second time, and no request after them pays it.
 */
async function warmUp(pids, { url, headers, status }) {
  const begun = { all: await settled(pids), compiler: cpuOfCompiler(pids) };
  let first;
  let before = begun;
  for (let second = 0; second < MAX_WARM_UP; second += 1) {
    const { count } = await load(url, { seconds: 1, headers, status });
    const now = { all: await settled(pids), compiler: cpuOfCompiler(pids) };
    first ??= ((now.all - before.all) / count) * 1000;
    const share = (now.compiler - before.compiler) / (now.all - before.all);
    before = now;
    if (share < COMPILED) break;
  }
  return { first, compiling: before.compiler - begun.compiler };
}

/** CPU milliseconds of a request. */
async function measure(pids, url, { headers, status }) {
  const from = await settled(pids);
  const { count } = await load(url, { seconds: SECONDS, headers, status });
  return (((await settled(pids)) - from) / count) * 1000;
}

/** How many events a request of a row leaves to be written, beside the rounds that are measured. */
async function eventsOf(worker, pids, { name, url, headers, status, hasEvent }) {
  await settled(pids);
  await memory(worker, 'count');
  const { count } = await load(url, { seconds: SECONDS, headers, status });
  // What is collected is written a second later at the latest.
  await new Promise((resolve) => setTimeout(resolve, 1200));
  const share = Number(await memory(worker, 'counted')) / count;
  if (hasEvent && share < 0.9) throw new Error(`${name}: ${share.toFixed(2)} events a request`);
  return share;
}

/** Where the time of a row goes, as a file for top.mjs or a browser. */
async function profile(port, { name, url, headers, status }) {
  const profiler = await Profiler.attach(port);
  await profiler.start();
  await load(url, { seconds: SECONDS, headers, status });
  const found = await profiler.stop();
  mkdirSync(PROFILES, { recursive: true });
  writeFileSync(join(PROFILES, `${name.replaceAll(/[^a-z0-9]+/gi, '-')}.cpuprofile`), JSON.stringify(found));
}

async function run() {
  const inspectorPort = PROFILES ? await tcpPort() : undefined;
  const worker = await Ringfence.start({
    front: join(ROOT, 'tests/bench/own/memory.mjs'),
    build: process.env.RINGFENCE_BUILD ?? join(ROOT, 'build'),
    extra: [plain],
    silent: !process.env.RINGFENCE_LOG,
    inspectorPort,
  });
  const results = {};
  try {
    const pids = worker.workerdPids();
    const list = await rows(worker);
    for (const row of list) {
      progress(row.name);
      await prepare(worker, row);
      const warmed = await warmUp(pids, row);
      const baseline = `${worker.direct.plain}${row.status ?? 200}/${row.bytes}`;
      await load(baseline, { seconds: 1, status: row.status });
      if (PROFILES) {
        await profile(inspectorPort, row);
        continue;
      }
      const own = [];
      const plainly = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        own.push(await measure(pids, row.url, row));
        plainly.push(await measure(pids, baseline, { status: row.status }));
      }
      const events = await eventsOf(worker, pids, row);
      results[row.name] = { bytes: row.bytes, warmed, own, plainly, events };
    }
  } finally {
    await worker.stop();
  }
  return results;
}

const measured = await run();
/**
 * Of the round with least: whoever else uses the machine makes a request dearer, and none cheaper. The time of a fixed piece of work
 * beside each round does not mend it: on a machine whose processors are lent it triples while a request costs what it did.
 */
const least = (list) => Math.min(...list);
const own = Object.fromEntries(
  Object.entries(measured).map(([name, { bytes, warmed, own: mine, plainly, events }]) => {
    const [whole, baseline] = [least(mine), least(plainly)];
    return [
      name,
      {
        bytes,
        wholeMs: whole,
        baselineMs: baseline,
        ownMs: whole - baseline,
        firstMs: warmed.first,
        compilingSeconds: warmed.compiling,
        eventsPerRequest: events,
      },
    ];
  }),
);
const GOALS = {
  'hot, sealed (utg), 28 KB': 0.15,
  '304 (utg), 28 KB': 0.1,
  refusal: 0.2,
  'first after a change (utg), 28 KB': 0.8,
  'bootstrap (utg), 28 KB': 1,
};
say(
  `\nCPU of a request, milliseconds, the least of ${ROUNDS} rounds; *first*: a request of the first second, as it is measured; *events*: a request`,
);
say('     all   plain     own   first  compiled   bytes  events');
for (const [name, { wholeMs, baselineMs, ownMs, firstMs, compilingSeconds, bytes, eventsPerRequest }] of Object.entries(own)) {
  const goal = GOALS[Object.keys(GOALS).find((start) => name.startsWith(start))];
  const reached = goal === undefined ? '' : ownMs <= goal ? `goal ${goal}: met` : `goal ${goal}: MISSED`;
  say(
    `${milliseconds(wholeMs)}${milliseconds(baselineMs)}${milliseconds(ownMs)}${milliseconds(firstMs)}${compilingSeconds.toFixed(1).padStart(8)} s${String(bytes).padStart(8)}${eventsPerRequest.toFixed(2).padStart(8)}  ${name.padEnd(48)} ${reached}`,
  );
}
const file = join(ROOT, '.local/bench.json');
mkdirSync(join(ROOT, '.local'), { recursive: true });
const others = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
if (!only) writeFileSync(file, `${JSON.stringify({ ...others, own }, null, 2)}\n`);
