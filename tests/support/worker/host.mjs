// The process that holds one Worker: Miniflare, which starts a workerd. It runs on its own so that a
// test can kill it, or workerd alone, the hard way. The parent (ringfence.mjs) gives the options as
// the first message and then sends `{ id, op, … }`; every message is answered under its id.

import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { bindings } from '../config.mjs';
import { keepCompiled, Log, LogLevel, Miniflare } from './miniflare.mjs';

/** The Worker's own two modules, behind the one in `front` if somebody wants to look inside. */
function modules(build, front) {
  const own = [
    { type: 'ESModule', path: join(build, 'index.js'), contents: readFileSync(join(build, 'index.js'), 'utf8') },
    { type: 'CompiledWasm', path: join(build, 'index_bg.wasm'), contents: readFileSync(join(build, 'index_bg.wasm')) },
  ];
  if (!front) return own;
  return [{ type: 'ESModule', path: join(build, basename(front)), contents: readFileSync(front, 'utf8') }, ...own];
}

/** Workers that a benchmark starts beside the real one, each a single script. */
function others(list, compatibilityDate) {
  return list.map(({ name, script, modules: files, kvNamespaces = {} }) => ({
    name,
    compatibilityDate,
    kvNamespaces,
    ...(files
      ? { modulesRoot: '/bench', modules: files.map((file) => ({ ...file, path: join('/bench', file.path) })) }
      : { modules: true, script }),
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  }));
}

const PROBE = fileURLToPath(new URL('./probe.mjs', import.meta.url));

const STORAGE = fileURLToPath(new URL('./storage.mjs', import.meta.url));

let miniflare;
/** Where the Worker of storage.mjs listens. */
let storage;

/** Bytes, which JSON has no word for; a Buffer has made a list of itself before it comes here as `value`. */
function plain(key, value) {
  const before = this[key];
  return before instanceof Uint8Array ? { base64: Buffer.from(before).toString('base64') } : value;
}

const operations = {
  async start({
    build,
    persist,
    secrets,
    probe = false,
    front = probe ? PROBE : undefined,
    inspectorPort,
    port = 0,
    extra = [],
    silent = false,
    tls = {},
    assets = false,
    twin = false,
    services = {},
  }) {
    const config = bindings();
    const names = twin ? [config.name, `${config.name}-twin`] : [config.name];
    // They put two Workers of the runtime's own before ours: only where a test looks at them.
    if (!assets) delete config.assets;
    miniflare = new Miniflare({
      host: '127.0.0.1',
      port,
      // Without a certificate of the test's, Miniflare brings its own.
      https: true,
      httpsKey: tls.key,
      httpsCert: tls.certificate,
      // Never asks the network for a sample of `request.cf`.
      cf: false,
      inspectorPort,
      log: new Log(LogLevel.ERROR),
      defaultPersistRoot: persist,
      handleRuntimeStdio(stdout, stderr) {
        // Log lines must be read, or workerd waits; a benchmark has them thrown away.
        if (silent) stdout.resume();
        else stdout.pipe(process.stdout);
        stderr.pipe(process.stderr);
      },
      workers: [
        ...names.map((name) => ({
          ...config,
          name,
          bindings: { ...config.bindings, ...secrets },
          serviceBindings: services,
          modulesRoot: build,
          modules: modules(build, front),
          unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
        })),
        {
          name: 'storage',
          compatibilityDate: config.compatibilityDate,
          d1Databases: config.d1Databases,
          kvNamespaces: config.kvNamespaces,
          modules: true,
          script: readFileSync(STORAGE, 'utf8'),
          unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
        },
        ...others(extra, config.compatibilityDate),
      ],
    });
    const https = await miniflare.ready;
    keepCompiled();
    storage = await miniflare.unsafeGetDirectURL('storage');
    const direct = {};
    for (const name of [...names, ...extra.map((other) => other.name)]) {
      direct[name] = (await miniflare.unsafeGetDirectURL(name)).href;
    }
    return { https: https.href, http: direct[names[0]], twin: direct[names[1]], direct };
  },

  /** What storage.mjs does: `{ what, … }`, and what the operation takes. */
  async storage({ what, ...rest }) {
    const answer = await fetch(storage, { method: 'POST', body: JSON.stringify({ op: what, ...rest }, plain) });
    const { value, error } = await answer.json();
    if (error !== undefined) throw new Error(error);
    return value;
  },

  /** Runs the cron trigger. */
  async scheduled({ cron }) {
    const worker = await miniflare.getWorker();
    return worker.scheduled({ cron, scheduledTime: new Date() });
  },

  /**
   * Evicts a Durable Object that runs, as the runtime does with an idle one. `webSockets` says what
   * becomes of its connections: `hibernate` keeps them, as an eviction does; `close` drops them, as
   * a deploy does.
   */
  async evict({ className, name, webSockets }) {
    await miniflare.unsafeEvictDurableObject(bindings().name, className, { name, webSockets });
  },

  /** Ends the Worker. When all that it has printed is passed on, `mark` says so on both streams. */
  async stop({ mark }) {
    await miniflare?.dispose();
    miniflare = undefined;
    // What its streams still have goes out in this turn; Miniflare has closed them.
    await new Promise(setImmediate);
    process.stdout.write(mark);
    process.stderr.write(mark);
  },
};

process.on('message', async ({ id, op, ...rest }) => {
  try {
    process.send({ id, value: (await operations[op](rest)) ?? null });
  } catch (error) {
    process.send({ id, error: String(error?.stack ?? error) });
  }
});
// The parent is gone: so is the reason to live.
process.on('disconnect', async () => {
  await miniflare?.dispose().catch(() => {});
  process.exit(0);
});
