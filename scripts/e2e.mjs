// Runs test files, each in a process of its own: AT-ONCE files of a list at a time, in the order in which they are named. A list
// behind a `+` runs beside the first one; as soon as it has nothing left, one more of the first list runs at once.
//
//   node scripts/e2e.mjs AT-ONCE FILE… [+ AT-ONCE FILE…]
//
// `node --test` sorts the files that it is given by their names, so that what takes minutes could begin last, alone.

import { basename, resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { stripVTControlCharacters } from 'node:util';

/** The words of each list: how many of its files at a time, and the files. */
const lists = [[]];
for (const word of process.argv.slice(2)) {
  if (word === '+') lists.push([]);
  else lists.at(-1).push(word);
}
const queues = lists.map(([atOnce, ...files]) => ({ atOnce: Number(atOnce), files }));
if (queues.some(({ atOnce, files }) => !Number.isInteger(atOnce) || atOnce < 1 || files.length === 0)) {
  console.error('e2e.mjs AT-ONCE FILE… [+ AT-ONCE FILE…]: how many files at a time, and which');
  process.exit(2);
}
const all = queues.flatMap(({ files }) => files).length;

const begun = Date.now();
const seconds = () => `${Math.round((Date.now() - begun) / 1000)}`.padStart(4);
const running = new Set();
const failed = [];
let done = 0;

/** Runs a file; what it says is shown when it has ended, so that no two mix. */
async function test(file) {
  const name = basename(file, '.test.mjs');
  running.add(name);
  let hasFailed = false;
  const events = run({
    files: [resolve(file)],
    // A test that fails may leave a socket open; that must not keep its file from ending.
    forceExit: true,
    timeout: 900_000,
  }).on('test:fail', () => (hasFailed = true));
  let said = '';
  for await (const text of events.compose(new spec())) said += text;
  running.delete(name);
  done += 1;
  if (hasFailed) failed.push(name);
  // The counts of a file alone say what its lines say; where one fails, all is worth reading.
  const lines = said.split('\n').filter((line) => hasFailed || !stripVTControlCharacters(line).startsWith('ℹ '));
  process.stdout.write(lines.join('\n'));
  const still = running.size ? `; running: ${[...running].join(', ')}` : '';
  process.stdout.write(`[e2e ${seconds()}s] ${done} of ${all} files${still}\n`);
}

/** Takes from the first of the lists that has something left. */
async function lane(...from) {
  for (;;) {
    const file = from.find(({ files }) => files.length)?.files.shift();
    if (!file) return;
    await test(file);
  }
}

const [first] = queues;
await Promise.all(
  queues.flatMap((own) => Array.from({ length: own.atOnce }, (_, at) => (own !== first && at === 0 ? lane(own, first) : lane(own)))),
);
if (done !== all) {
  process.stdout.write(`[e2e] ${all - done} files were not run\n`);
  process.exitCode = 1;
}
if (failed.length) {
  process.stdout.write(`[e2e] these have failed: ${failed.join(', ')}\n`);
  process.exitCode = 1;
}
