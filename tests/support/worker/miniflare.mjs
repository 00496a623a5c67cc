// Miniflare, loaded so that a Worker of many megabytes starts in a third of the time. Every test file starts at
// least one, most of them in a process of its own: what a start costs is paid some two hundred times.
//
// Two things cost it. Miniflare hands workerd its configuration, our module in it, as one message in one buffer that
// grows by 4 KiB at a time and is copied whole each time: the module of 16 MB was copied some hundred times. And
// Node reads four megabytes of JavaScript anew in each process. So the buffer grows by megabytes here, and V8's
// compiled form is kept below `target/`. Nothing else of Miniflare is touched.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { constants, Script } from 'node:vm';

import { ROOT } from '../config.mjs';

const require = createRequire(import.meta.url);
const FILE = require.resolve('miniflare');
const { version } = require('miniflare/package.json');
/** V8 refuses what another version of it has compiled. */
const COMPILED = join(ROOT, 'target/tests', `miniflare-${version}-${process.version}-${process.arch}.compiled`);

const GROWTH = 'MIN_SINGLE_SEGMENT_GROWTH = 4096';
const source = readFileSync(FILE, 'utf8');
if (!source.includes(GROWTH)) {
  throw new Error(`miniflare ${version} has no "${GROWTH}": look at what a start costs, and mend ${import.meta.url}`);
}

function compiled() {
  try {
    return readFileSync(COMPILED);
  } catch {
    return undefined;
  }
}

const script = new Script(Module.wrap(source.replace(GROWTH, 'MIN_SINGLE_SEGMENT_GROWTH = 1 << 22')), {
  filename: FILE,
  cachedData: compiled(),
  importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
});
const loaded = new Module(FILE);
script.runInThisContext()(loaded.exports, createRequire(FILE), loaded, FILE, dirname(FILE));

export const { Log, LogLevel, Miniflare } = loaded.exports;

/** Keeps the compiled form for the next process; of what has run until now, the functions inside too. */
export function keepCompiled() {
  if (script.cachedDataRejected === false) return;
  mkdirSync(dirname(COMPILED), { recursive: true });
  const made = `${COMPILED}.${process.pid}`;
  writeFileSync(made, script.createCachedData());
  renameSync(made, COMPILED);
}
