// Miniflare, loaded so that a Worker of many megabytes starts in a third of the time. Every test file starts at
// least one, most of them in a process of its own: what a start costs is paid some two hundred times.
//
// Two things cost it. Miniflare hands workerd its configuration, our module in it, as one message in one buffer that
// grows by 4 KiB at a time and is copied whole each time: the module of 16 MB was copied some hundred times. And
// Node finds, reads and compiles some two hundred files of JavaScript anew in each process. So the buffer grows by
// megabytes here, Miniflare is one file together with what it requires, and V8's compiled form of that is kept too, both
// below `target/`. Nothing else of Miniflare is touched.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { constants, Script } from 'node:vm';

import { ROOT } from '../config.mjs';

const require = createRequire(import.meta.url);
const FILE = require.resolve('miniflare');
const { version } = require('miniflare/package.json');
const KEPT = join(ROOT, 'target/tests');
/** What the bundle is made of and by; `package-lock.json` has the versions of all that is in it. */
const MADE_OF = [import.meta.filename, join(ROOT, 'package-lock.json')];
const HASH = MADE_OF.reduce((hash, file) => hash.update(readFileSync(file)), createHash('sha256'))
  .digest('hex')
  .slice(0, 12);
const BUNDLE = join(KEPT, `miniflare-${HASH}.cjs`);
/** V8 refuses what another version of it has compiled. */
const COMPILED = join(KEPT, `miniflare-${HASH}-${process.version}-${process.arch}.compiled`);

const GROWTH = 'MIN_SINGLE_SEGMENT_GROWTH = 4096';

/** Writes a file that others may be reading or writing. */
function keep(path, content) {
  mkdirSync(KEPT, { recursive: true });
  const made = `${path}.${process.pid}`;
  writeFileSync(made, content);
  renameSync(made, path);
}

function kept(path, encoding) {
  try {
    return readFileSync(path, encoding);
  } catch {
    return undefined;
  }
}

/** Miniflare and what it requires, as the body of one module. It is ASCII alone, which is the quickest to read. */
async function bundle() {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: [FILE],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    charset: 'ascii',
    // They are programs and libraries of the machine, looked for from where Miniflare is.
    external: ['workerd', 'sharp'],
    logLevel: 'error',
    write: false,
  });
  const [{ text }] = outputFiles;
  if (!text.includes(GROWTH)) {
    throw new Error(`miniflare ${version} has no "${GROWTH}": look at what a start costs, and mend ${import.meta.url}`);
  }
  const grown = text.replace(GROWTH, 'MIN_SINGLE_SEGMENT_GROWTH = 1 << 22');
  keep(BUNDLE, grown);
  return grown;
}

const script = new Script(Module.wrap(kept(BUNDLE, 'latin1') ?? (await bundle())), {
  filename: FILE,
  cachedData: kept(COMPILED),
  importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
});
const loaded = new Module(FILE);
script.runInThisContext()(loaded.exports, createRequire(FILE), loaded, FILE, dirname(FILE));

export const { Log, LogLevel, Miniflare } = loaded.exports;

/** Keeps the compiled form for the next process; of what has run until now, the functions inside too. */
export function keepCompiled() {
  if (script.cachedDataRejected !== false) keep(COMPILED, script.createCachedData());
}
