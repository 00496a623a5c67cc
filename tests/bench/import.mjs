// What a table of 100,000 phones costs `crates/import`, beside a plain read by the `csv` crate in the same run
// (crates/import/benches/rows.rs). Times are ratios: what a millisecond is worth depends on the machine. Adds `import`
// to .local/bench.json.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT } from '../support/config.mjs';

const ROWS = process.env.QUICK ? 10_000 : 100_000;
const say = (text) => process.stdout.write(`${text}\n`);
const mib = (bytes) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

const bench = spawnSync('cargo', ['bench', '--quiet', '-p', 'ringfence-import', '--bench', 'rows', '--', String(ROWS)], {
  cwd: ROOT,
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'inherit'],
});
if (bench.status !== 0) throw new Error(`the benchmark of crates/import failed: ${bench.status}`);
const found = JSON.parse(bench.stdout.trim().split('\n').at(-1));
const ratio = (time) => Number((time / found.plainMs).toFixed(2));
const result = { ...found, readRatio: ratio(found.readMs), writeRatio: ratio(found.writeMs) };

say(`\nA table of ${ROWS.toLocaleString('en')} phones, ${mib(found.bytes)}`);
say(
  `  read row by row: ${result.readRatio} times a plain read by csv; at most ${mib(found.readPeak)} besides the file (csv alone ${mib(found.plainPeak)})`,
);
say(`  written: ${result.writeRatio} times that read; at most ${mib(found.writePeak)}, for a table of ${mib(found.written)}`);

const file = join(ROOT, '.local/bench.json');
mkdirSync(join(ROOT, '.local'), { recursive: true });
const all = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
writeFileSync(file, `${JSON.stringify({ ...all, import: result }, null, 2)}\n`);
