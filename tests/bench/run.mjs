// How fast the Worker is, beside named baselines, in one run; and what each request costs in KV reads,
// D1 statements and sealings. Numbers are ratios wherever they can be: this machine is no Cloudflare
// location. Prints a report and writes .local/bench.json.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { ROOT } from '../support/config.mjs';
import { standardTemplate, XML } from '../support/worker/content.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { hashAccessPath, mac, seedCrowd, seedDevice, seedDevices, seedTenant } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';
import { aesCrate, baselines } from './baselines.mjs';
import { eachOnce, generator, interleaved, median, repeat } from './load.mjs';

const QUICK = Boolean(process.env.QUICK);
const ROUNDS = QUICK ? 1 : 5;
const SECONDS = QUICK ? 1 : 2;
const CROWD = QUICK ? 10_000 : 100_000;
/** Bytes of the plaintext whose sealed file has about 28 KB. */
const PLAIN_28K = 20_500;

/** Of a hot request under load: D1 statements and rows written. */
const GOALS = { statements: 0.05, rowsWritten: 2 };
const UNDER_LOAD = QUICK ? 1000 : 5000;

const results = { generator, rounds: ROUNDS, rates: {}, ratios: {}, counts: {}, underLoad: {}, sealing: {}, size: {}, startup: {} };
const say = (text) => process.stdout.write(`${text}\n`);
const progress = (text) => process.stderr.write(`[bench] ${text}\n`);
const whole = (number) => Math.round(number).toLocaleString('en');
const templates = { ...XML, 'standard/utg': standardTemplate(PLAIN_28K) };

async function settled(worker, tenant, phone) {
  const name = `f1:${tenant.id}:standard:sealed:${phone.mac}`;
  await eventually(
    () => worker.ask('kvRead', { name }),
    (value) => value !== null && JSON.parse(value.metadata).c === true,
  );
  return name;
}

// --- Rates -------------------------------------------------------------------------------------------

async function rates() {
  const worker = await Ringfence.start({ extra: baselines(), silent: true });
  try {
    const tenant = await seedTenant(worker, { templates, options: { events_per_minute: 60 } });
    const phone = await seedDevice(worker, tenant, { mac: mac(1), state: 'delivered' });
    const url = (name) => `${worker.http.slice(0, -1)}${tenant.path(name)}`;
    const sealed = url(`Config${phone.mac}.enc`);
    const first = await fetch(sealed);
    const length = (await first.arrayBuffer()).byteLength;
    const etag = first.headers.get('etag');
    const file = await settled(worker, tenant, phone);
    const kv = `${worker.direct.kv}${encodeURIComponent(`t1:${hashAccessPath(tenant.accessPath)}`)}/${encodeURIComponent(file)}`;
    const hot = () => repeat(sealed, { seconds: SECONDS });
    const refusal = () => repeat(url(`Config${mac(0xffffff)}.enc`), { seconds: SECONDS, status: 404 });

    progress(`a sealed file of ${whole(length)} bytes, ${generator}, ${ROUNDS} rounds`);
    results.fileBytes = length;
    Object.assign(
      results.rates,
      await interleaved(
        {
          'baseline: two KV reads and the bytes, JavaScript': () => repeat(kv, { seconds: SECONDS }),
          'baseline: a constant of as many bytes, JavaScript': () => repeat(`${worker.direct.constant}${length}`, { seconds: SECONDS }),
          'sealed file, hot': hot,
          'sealed file, 304': () => repeat(sealed, { seconds: SECONDS, headers: { 'If-None-Match': etag }, status: 304 }),
          'refusal, unknown MAC': refusal,
          'refusal, unknown access path': () =>
            repeat(`${worker.http}AAAAAAAAAAAAAAAAAAAAAA/Config${phone.mac}.cfg`, { seconds: SECONDS, status: 404 }),
        },
        ROUNDS,
        () => quiet(worker),
      ),
    );

    progress('requests that can be made once: bootstrap, first fetch after a change');
    const each = QUICK ? 50 : 200;
    let next = 0x10000;
    const seeded = (state) =>
      seedDevices(
        worker,
        tenant,
        Array.from({ length: each }, () => ({ mac: mac((next += 1)), state })),
      );
    const changing = await seeded('confirmed');
    const once = { baseline: [], change: [], bootstrap: [] };
    for (let round = 0; round < Math.min(3, ROUNDS); round += 1) {
      await quiet(worker);
      once.baseline.push(await eachOnce(Array(each * 2).fill(kv)));
      await tenant.changed();
      await fetch(url('KX-UTG300B.cfg'));
      await quiet(worker);
      once.change.push(await eachOnce(changing.map((one) => url(`Config${one.mac}.enc`))));
      const armed = await seeded('armed');
      await quiet(worker);
      once.bootstrap.push(await eachOnce(armed.map((one) => url(`Config${one.mac}.cfg`))));
    }
    results.rates['baseline: two KV reads and the bytes, by node'] = median(once.baseline);
    results.rates['first fetch after a change, rendered and sealed on the fly, by node'] = median(once.change);
    results.rates['bootstrap, by node'] = median(once.bootstrap);

    progress(`the same with ${whole(CROWD)} devices in D1`);
    const before = await crowded(worker, tenant, 1000, 'BCC342', { hot, refusal });
    const after = await crowded(worker, tenant, CROWD, 'BCC343', { hot, refusal });
    results.rates['sealed file, hot, 1,000 devices'] = before.hot;
    results.rates['refusal, 1,000 devices'] = before.refusal;
    results.rates[`sealed file, hot, ${whole(CROWD)} devices`] = after.hot;
    results.rates[`refusal, ${whole(CROWD)} devices`] = after.refusal;
    results.ratios[`hot with ${whole(CROWD)} devices / with 1,000`] = { value: after.hot / before.hot, goal: 0.9 };
    results.ratios[`refusal with ${whole(CROWD)} devices / with 1,000`] = { value: after.refusal / before.refusal, goal: 0.9 };
  } finally {
    await worker.stop();
  }
  const rate = results.rates;
  const baseline = rate['baseline: two KV reads and the bytes, JavaScript'];
  const byNode = rate['baseline: two KV reads and the bytes, by node'];
  const ratio = (name, value, goal) => {
    results.ratios[name] = { value, ...(goal ? { goal } : {}) };
  };
  ratio('sealed file, hot / two KV reads', rate['sealed file, hot'] / baseline, 0.95);
  ratio('304 / two KV reads', rate['sealed file, 304'] / baseline, 1.0);
  ratio('constant / two KV reads', rate['baseline: a constant of as many bytes, JavaScript'] / baseline);
  ratio('refusal, unknown MAC / two KV reads', rate['refusal, unknown MAC'] / baseline);
  ratio('refusal, unknown access path / unknown MAC', rate['refusal, unknown access path'] / rate['refusal, unknown MAC']);
  ratio('first fetch after a change / two KV reads', rate['first fetch after a change, rendered and sealed on the fly, by node'] / byNode);
  ratio('bootstrap / two KV reads', rate['bootstrap, by node'] / byNode);
}

async function crowded(worker, tenant, count, prefix, subjects) {
  await seedCrowd(worker, tenant, count, { prefix });
  return interleaved(subjects, ROUNDS, () => quiet(worker));
}

/** Until D1 has nothing left to write: an empty read, which waits its turn, comes back soon. */
async function quiet(worker) {
  for (let soon = 0, tries = 0; soon < 3 && tries < 50; tries += 1) {
    const begin = performance.now();
    await worker.sql('SELECT 1');
    soon = performance.now() - begin < 100 ? soon + 1 : 0;
  }
}

// --- Counts ------------------------------------------------------------------------------------------

const AFTERWARDS =
  /^(INSERT INTO (event_minutes|phone_events|access_path_devices)|UPDATE access_paths SET last_used_at|UPDATE devices SET (last_seen_at|key_state = 'confirmed')|SELECT d\.generation, max|SELECT d\.id, d\.mac FROM json_each)/;

async function counts() {
  progress('what each request costs');
  const worker = await Ringfence.start({ probe: true });
  try {
    const tenant = await seedTenant(worker, { templates });
    const phone = await seedDevice(worker, tenant, { mac: mac(1) });
    const count = async (name, path, init) => {
      await worker.probe({ reset: true });
      const response = await worker.fetch(path, init);
      await response.arrayBuffer();
      await new Promise((resolve) => setTimeout(resolve, 500));
      const seen = await worker.probe({ reset: true });
      const before = seen.sql.filter((sql) => !AFTERWARDS.test(sql)).length;
      results.counts[name] = {
        status: response.status,
        kvReads: seen.kvReads,
        kvWrites: seen.kvWrites,
        d1Statements: seen.sql.length,
        d1NotEvents: before,
        rowsRead: seen.rowsRead,
        rowsWritten: seen.rowsWritten,
        sealings: seen.encryptions,
      };
      return response;
    };
    await worker.fetch(tenant.path('KX-UTG300B.cfg'));
    await new Promise((resolve) => setTimeout(resolve, 500));
    const sealed = tenant.path(`Config${phone.mac}.enc`);
    await count('initial file', tenant.path('KX-UTG300B.cfg'));
    await count('bootstrap', tenant.path(`Config${phone.mac}.cfg`));
    await count('sealed, the first (confirms)', sealed);
    await settled(worker, tenant, phone);
    const hot = await count('sealed, hot', sealed);
    await count('sealed, 304', sealed, { headers: { 'If-None-Match': hot.headers.get('etag') } });
    await tenant.changed();
    await worker.fetch(tenant.path('KX-UTG300B.cfg'));
    await new Promise((resolve) => setTimeout(resolve, 500));
    await count('sealed, first after a change', sealed);
    await count('consumed bootstrap', tenant.path(`Config${phone.mac}.cfg`));
    await count('unknown MAC', tenant.path(`Config${mac(0xffffff)}.cfg`));
    await count('unknown access path', `/AAAAAAAAAAAAAAAAAAAAAA/Config${phone.mac}.cfg`);
  } finally {
    await worker.stop();
  }
}

/** What hot requests cost D1 when many come: of a tenant whose minute has room for an event of each, and of one whose minute is full. */
async function underLoad() {
  progress(`what ${whole(UNDER_LOAD)} hot requests cost D1`);
  const worker = await Ringfence.start({ probe: true, silent: true });
  try {
    for (const [name, room] of [
      ['below the minute of its tenant', 100_000],
      ['above the minute of its tenant', 1],
    ]) {
      const tenant = await seedTenant(worker, { templates, options: { events_per_minute: room } });
      const list = Array.from({ length: 20 }, (_, number) => ({ mac: mac(number + 1), state: 'confirmed' }));
      const phones = await seedDevices(worker, tenant, list);
      const urls = phones.map((phone) => `${worker.http.slice(0, -1)}${tenant.path(`Config${phone.mac}.enc`)}`);
      const seen = async () =>
        (await worker.sql('SELECT coalesce(sum(seen), 0) AS n FROM event_minutes WHERE tenant_id = ?1', tenant.id))[0].n;
      // Each file is made, each use of the access path is noted, and the full minute is known to be full.
      for (let time = 0; time < 3; time += 1) await eachOnce(urls);
      await new Promise((resolve) => setTimeout(resolve, 3000));
      const before = await seen();
      await worker.probe({ reset: true });
      await eachOnce(Array.from({ length: UNDER_LOAD }, (_, number) => urls[number % urls.length]));
      // What an isolate only counts it tells in hundreds.
      await eventually(seen, (now) => now - before > UNDER_LOAD - 100, 'all requests, written or counted');
      await new Promise((resolve) => setTimeout(resolve, 1200));
      const { d1Statements, rowsRead, rowsWritten } = await worker.probe({ reset: true });
      results.underLoad[name] = Object.fromEntries(
        Object.entries({ statements: d1Statements, rowsRead, rowsWritten }).map(([what, number]) => [what, number / UNDER_LOAD]),
      );
    }
  } finally {
    await worker.stop();
  }
}

// --- Sealing -----------------------------------------------------------------------------------------

async function sealing() {
  const wasm = join(ROOT, 'target/bench-seal/wasm32-unknown-unknown/release/seal_wasm.wasm');
  if (!existsSync(wasm)) throw new Error('scripts/bench.sh builds the aes crate for this; run that');
  progress('sealing: WebCrypto and the aes crate in WebAssembly');
  const worker = await Ringfence.start({
    migrate: false,
    extra: [...baselines().filter(({ name }) => name === 'webcrypto'), aesCrate(readFileSync(wasm))],
  });
  try {
    // workerd stops its clock while a Worker computes, so it is measured from outside: the time of a
    // request that seals many times, less that of one that seals never.
    const timed = async (who, size, times) => {
      const begin = performance.now();
      const response = await fetch(`${worker.direct[who]}${size}/${times}`);
      if (response.status !== 200) throw new Error(`${who}: ${response.status}`);
      await response.text();
      return performance.now() - begin;
    };
    for (const kilobytes of [1, 16, 64, 120]) {
      const size = kilobytes * 1024;
      const row = {};
      for (const who of ['webcrypto', 'aes']) {
        const times = Math.max(10, Math.round((who === 'aes' ? 2000 : 8000) / Math.max(kilobytes, 4)));
        await timed(who, size, 5);
        const samples = [];
        for (let round = 0; round < 3; round += 1) samples.push(((await timed(who, size, times)) - (await timed(who, size, 0))) / times);
        row[who] = median(samples);
      }
      results.sealing[`${kilobytes} KB`] = { webcryptoMs: row.webcrypto, aesCrateMs: row.aes, ratio: row.aes / row.webcrypto };
    }
  } finally {
    await worker.stop();
  }
}

// --- Size and start-up -------------------------------------------------------------------------------

async function sizeAndStartup() {
  progress('size and start-up');
  const js = gzipSync(readFileSync(join(ROOT, 'build/index.js')), { level: 9 }).length;
  const wasm = gzipSync(readFileSync(join(ROOT, 'build/index_bg.wasm')), { level: 9 }).length;
  results.size = { jsGzip: js, wasmGzip: wasm, total: js + wasm, goal: 1_000_000 };
  mkdirSync(join(ROOT, '.local'), { recursive: true });
  const profile = join(ROOT, '.local/startup.cpuprofile');
  const run = spawnSync('wrangler', ['check', 'startup', '--outfile', profile], { cwd: ROOT, encoding: 'utf8', timeout: 180_000 });
  if (run.status === 0 && existsSync(profile)) {
    const { startTime, endTime, nodes, samples, timeDeltas } = JSON.parse(readFileSync(profile, 'utf8'));
    const idle = new Set(nodes.filter((node) => ['(idle)', '(program)'].includes(node.callFrame.functionName)).map((node) => node.id));
    const busy = samples.reduce((sum, id, index) => sum + (idle.has(id) ? 0 : timeDeltas[index]), 0);
    results.startup = { wallMs: (endTime - startTime) / 1000, busyMs: busy / 1000 };
  } else {
    results.startup = { skipped: `wrangler check startup: ${run.stderr?.trim().split('\n').at(-1)}` };
  }
}

// --- Report ------------------------------------------------------------------------------------------

function report() {
  say('\nRatios (1.00 is the baseline of the same run)');
  for (const [name, { value, goal }] of Object.entries(results.ratios)) {
    const reached = goal === undefined ? '' : value >= goal ? `goal ${goal}: met` : `goal ${goal}: MISSED`;
    say(`  ${value.toFixed(2).padStart(6)}  ${name.padEnd(52)} ${reached}`);
  }
  say(`\nRequests per second (${generator}, median of ${ROUNDS}; file of ${whole(results.fileBytes)} bytes)`);
  for (const [name, rate] of Object.entries(results.rates)) say(`  ${whole(rate).padStart(8)}  ${name}`);
  say('\nPer request                      status  KV reads  KV writes  D1 statements (less events)  rows read/written  sealings');
  for (const [name, c] of Object.entries(results.counts)) {
    say(
      `  ${name.padEnd(32)} ${c.status}  ${String(c.kvReads).padStart(8)}  ${String(c.kvWrites).padStart(9)}  ${`${c.d1Statements} (${c.d1NotEvents})`.padStart(27)}  ${`${c.rowsRead}/${c.rowsWritten}`.padStart(17)}  ${String(c.sealings).padStart(8)}`,
    );
  }
  say('\nPer hot request under load');
  for (const [name, found] of Object.entries(results.underLoad)) {
    const reached = (what) => `goal ${GOALS[what]}: ${found[what] <= GOALS[what] ? 'met' : 'MISSED'}`;
    say(
      `  ${name.padEnd(32)} ${found.statements.toFixed(3)} D1 statements (${reached('statements')}), ${found.rowsWritten.toFixed(2)} rows written (${reached('rowsWritten')}), ${found.rowsRead.toFixed(1)} read`,
    );
  }
  say('\nSealing one file (AES-128-CBC)      WebCrypto    aes crate in WebAssembly');
  for (const [size, s] of Object.entries(results.sealing)) {
    say(`  ${size.padEnd(32)} ${s.webcryptoMs.toFixed(3)} ms     ${s.aesCrateMs.toFixed(3)} ms   (${s.ratio.toFixed(1)} times as long)`);
  }
  const { total, goal, jsGzip, wasmGzip } = results.size;
  say(
    `\nSize, gzip: ${whole(total)} bytes (JavaScript ${whole(jsGzip)}, WebAssembly ${whole(wasmGzip)}); goal ${whole(goal)}: ${total <= goal ? 'met' : 'MISSED'}`,
  );
  say(
    results.startup.skipped
      ? `Start-up: skipped (${results.startup.skipped})`
      : `Start-up: ${results.startup.busyMs.toFixed(1)} ms of CPU in ${results.startup.wallMs.toFixed(1)} ms (wrangler check startup)`,
  );
}

await counts();
await underLoad();
await rates();
await sealing();
await sizeAndStartup();
mkdirSync(join(ROOT, '.local'), { recursive: true });
writeFileSync(join(ROOT, '.local/bench.json'), `${JSON.stringify(results, null, 2)}\n`);
report();
