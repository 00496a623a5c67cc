// `ringfence dev`: the same bundle on this machine, with a tenant and a phone that boots, until Ctrl-C.

import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';

import { readChoices } from './choices.mjs';
import { configFor, writeConfig } from './config.mjs';
import { demonstrate } from './demo.mjs';
import { isHealthy, signInLink } from './health.mjs';
import { Refusal, isSeenByPersonAlone, say, show } from './say.mjs';
import { makeSecrets } from './secrets.mjs';
import { VERSION } from './shipped.mjs';
import { commandLine, environment } from './wrangler.mjs';

export async function dev({ flags, config, port = 8787, state = '.ringfence', demo = true }) {
  const choices = readChoices(flags, config);
  const folder = resolve(state);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  // What is in there is secret, and may be in somebody's repository.
  writeFileSync(join(folder, '.gitignore'), '*\n');
  const secrets = localSecrets(folder);
  if (!(await isFree(port))) throw new Refusal(`port ${port} is in use: stop what listens there, or take another one: --port 8788`);

  const path = writeConfig(folder, localConfig(choices));
  const log = join(folder, 'worker.log');
  const base = `http://127.0.0.1:${port}`;
  say(`Starting Ringfence ${VERSION} at ${base} (log: ${log})`);
  const server = startWorker(folder, path, port, log);
  try {
    const still = (seconds) => say(`… still starting (${seconds} s)`);
    if (!(await isHealthy(base, 120, { ended: () => server.ended, still }))) {
      if (server.asked) return 0;
      const said = readFileSync(log, 'utf8').trim().split('\n').slice(-20).join('\n');
      throw new Refusal(`the Worker does not answer. Its log says:\n${said}\nMend what it says, then run this again.`);
    }
    if (demo) {
      await demonstrate(base, secrets.ADMIN_TOKEN, folder).catch((error) => {
        if (!(error instanceof Refusal)) throw error;
        throw new Refusal(`the demonstration failed: ${error.message}. Remove ${folder} to begin anew, or say --no-demo.`);
      });
    }
    server.clock = keepTime(base);
    const link = isSeenByPersonAlone() ? await signInLink(base, secrets.ADMIN_TOKEN) : undefined;
    show(`
  console     ${link ?? `${base}/console`}
              ${link ? 'signs you in once, within ten minutes; later' : 'sign in'} with the API token
  API token   the line ADMIN_TOKEN= in ${join(folder, '.dev.vars')}
  the API     ${base}/api/v1/openapi.json
  data        ${folder} (remove it to begin anew)
`);
    say('The Worker is up, and stays until Ctrl-C.');
    await server.end;
    if (server.asked) {
      say('Stopped.');
      return 0;
    }
    throw new Refusal(`the Worker ended by itself. ${log} says why: mend that, then run this again.`);
  } finally {
    clearInterval(server.clock);
    await server.stop();
  }
}

/** wrangler fires no cron trigger on this machine: the Worker is asked for what it does then, now and every five minutes. */
function keepTime(base) {
  const tick = () => fetch(`${base}/cdn-cgi/handler/scheduled`, { signal: AbortSignal.timeout(60_000) }).catch(() => {});
  tick();
  return setInterval(tick, 300_000);
}

/** The shipped configuration, for this machine alone. */
function localConfig(choices) {
  const config = configFor({ ...choices, domains: [], routes: [] }, { limits: false });
  // Names, so that what is kept here is found again whatever the Worker is called.
  config.d1_databases[0].database_id = 'local';
  config.kv_namespaces[0].id = 'local';
  delete config.routes;
  delete config.account_id;
  // Only those that it names would be read from .dev.vars.
  delete config.secrets;
  return config;
}

/** Secrets of this folder's data, made once: it can only be read with its own master key. */
function localSecrets(folder) {
  const path = join(folder, '.dev.vars');
  if (!existsSync(path)) {
    const { MASTER_KEY, ADMIN_TOKEN } = makeSecrets('local1');
    // Plain HTTP on a loopback name counts as TLS with the last one.
    writeFileSync(path, `MASTER_KEY=${MASTER_KEY}\nADMIN_TOKEN=${ADMIN_TOKEN}\nLOCAL_HTTP=loopback\n`, { mode: 0o600, flag: 'wx' });
  }
  const token = /^ADMIN_TOKEN=(.+)$/m.exec(readFileSync(path, 'utf8'))?.[1];
  if (!token) throw new Refusal(`${path} has no ADMIN_TOKEN. Put that line back, or remove ${folder} to begin anew.`);
  return { ADMIN_TOKEN: token };
}

const isFree = (port) =>
  new Promise((resolve) => {
    const server = createServer()
      .once('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/** Windows has no groups of processes; there wrangler ends what it has started. */
const GROUPS = process.platform !== 'win32';

/** wrangler dev in a process group of its own: whatever it starts ends with it. */
function startWorker(folder, path, port, log) {
  const [program, words] = commandLine([
    'dev',
    ...['--config', path, '--persist-to', join(folder, 'data'), '--local', '--ip', '127.0.0.1', '--port', String(port)],
    ...['--show-interactive-dev-session=false', '--inspector-port', '0', '--log-level', 'log'],
  ]);
  const into = openSync(log, 'w', 0o600);
  const child = spawn(program, words, {
    cwd: folder,
    detached: GROUPS,
    stdio: ['ignore', into, into],
    env: environment({ NO_COLOR: '1', FORCE_COLOR: '0' }),
  });
  const server = { asked: false, ended: false };
  server.end = new Promise((resolve) => {
    const end = () => {
      server.ended = true;
      resolve();
    };
    child.once('exit', end).once('error', end);
  });
  const signal = (name) => {
    try {
      process.kill(GROUPS ? -child.pid : child.pid, name);
    } catch {
      // Nobody is left in the group.
    }
  };
  const ask = () => {
    server.asked = true;
    signal('SIGINT');
  };
  process.on('SIGINT', ask).on('SIGTERM', ask);
  process.once('exit', () => signal('SIGKILL'));
  server.stop = async () => {
    if (!server.ended) signal('SIGINT');
    const late = setTimeout(() => signal('SIGKILL'), 5_000);
    await server.end;
    clearTimeout(late);
    signal('SIGKILL');
    process.off('SIGINT', ask).off('SIGTERM', ask);
  };
  return server;
}
