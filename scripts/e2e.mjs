// Runs test files, each in a process of its own: so many at once, in the order in which they are named.
//
//   node scripts/e2e.mjs AT-ONCE FILE…
//
// `node --test` sorts the files that it is given by their names, so that what takes minutes could begin last, alone.

import { resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const [atOnce, ...files] = process.argv.slice(2);

run({
  files: files.map((file) => resolve(file)),
  concurrency: Number(atOnce),
  // A test that fails may leave a socket open; that must not keep its file from ending.
  forceExit: true,
  timeout: 900_000,
})
  .on('test:fail', () => (process.exitCode = 1))
  .compose(new spec())
  .pipe(process.stdout);
