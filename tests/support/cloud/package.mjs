// The npm package as somebody has it who has Node.js and nothing else: packed, installed in an empty folder, run.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

import { ROOT } from '../config.mjs';
import { inTerminal } from '../terminal.mjs';
import { withDeadline } from '../worker/ringfence.mjs';

/** The Worker that is built, and what the packing script is told of it: the fast profile keeps paths of the machine. */
export function builtWorker() {
  const worker = join(ROOT, 'build');
  const module = readFileSync(join(worker, 'index_bg.wasm'), 'latin1');
  return { worker, isFast: module.includes('/registry/src/') };
}

/** Runs the packing script; `{ status, output }`. */
export function pack(out, { worker = builtWorker().worker, fast = builtWorker().isFast, env = {}, umask = '022' } = {}) {
  const words = ['scripts/dist.mjs', '--worker', worker, '--out', out, ...(fast ? ['--fast'] : [])];
  const { status, stdout, stderr } = spawnSync('bash', ['-c', `umask ${umask}; exec "$0" "$@"`, process.execPath, ...words], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: 120_000,
    env: { ...process.env, ...env },
  });
  return { status, output: stdout + stderr };
}

/** The packed file in a folder. */
export const tarball = (out) =>
  join(
    out,
    readdirSync(out).find((name) => name.endsWith('.tgz')),
  );

/** Whatever happens to a test, nothing that it started outlives it. */
const running = new Set();
process.once('exit', () => running.forEach((state) => state.signal('SIGKILL')));

export class Installed {
  /** Packs and installs. */
  static async make() {
    const it = new Installed();
    it.home = mkdtempSync(join(tmpdir(), 'ringfence-npx-'));
    it.folder = join(it.home, 'empty');
    mkdirSync(it.folder);
    const packed = pack(join(it.home, 'dist'));
    if (packed.status !== 0) throw new Error(packed.output);
    // Node.js, its npm, and what a shell needs: no compiler.
    const bin = join(it.home, 'bin');
    mkdirSync(bin);
    symlinkSync(join(ROOT, 'node_modules/.bin/node'), join(bin, 'node'));
    for (const name of ['npm', 'npx', 'sh', 'env', 'uname']) {
      const { stdout } = spawnSync('bash', ['-c', `command -v ${name}`], { encoding: 'utf8' });
      symlinkSync(realpathSync(stdout.trim()), join(bin, name));
    }
    it.environment = {
      PATH: bin,
      HOME: it.home,
      SHELL: '/bin/sh',
      TERM: 'dumb',
      // What npm has fetched once it need not fetch again.
      npm_config_cache: process.env.npm_config_cache ?? join(homedir(), '.npm'),
      ...(existsSync(join(homedir(), '.npmrc')) ? { npm_config_userconfig: join(homedir(), '.npmrc') } : {}),
      ...Object.fromEntries(
        Object.entries(process.env).filter(([name]) => /^(npm_config_|https?_proxy|no_proxy|NODE_EXTRA_CA|NODE_COMPILE_CACHE)/i.test(name)),
      ),
    };
    const installed = await it.run([
      'npm',
      'install',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      tarball(join(it.home, 'dist')),
    ]);
    if (installed.status !== 0) throw new Error(installed.output);
    return it;
  }

  /**
   * Starts a command: `{ child, output, end, signal }`. `terminal` gives it one of its own. It is a process group, so that
   * nothing that it starts is left.
   */
  start(words, { env = {}, terminal = false, input = '', cwd = this.folder } = {}) {
    const [program, args] = terminal ? inTerminal(words) : [words[0], words.slice(1)];
    const environment = { ...this.environment, ...env };
    const path = terminal ? `/usr/bin/${program}` : join(environment.PATH, program);
    const child = spawn(path, args, { cwd, env: environment, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    // Whoever ends without reading it need not.
    child.stdin.on('error', () => {}).end(input);
    const state = { child, output: '' };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (state.output += text));
    state.end = new Promise((resolve) => child.on('close', (status, signal) => resolve({ status, signal, output: state.output })));
    state.signal = (signal) => {
      try {
        process.kill(-child.pid, signal);
      } catch {
        // Nobody is left in the group.
      }
    };
    running.add(state);
    state.end.then(() => running.delete(state));
    return state;
  }

  /** Runs a command to its end. */
  async run(words, options) {
    const state = this.start(words, options);
    return withDeadline(state.end, words.join(' '), 240_000).catch((error) => {
      state.signal('SIGKILL');
      throw new Error(`${error.message}\n${state.output}`);
    });
  }

  /** The command as npm has put it there; `npx` has npx find it, which takes a second more. */
  ringfence(args, { npx = false, ...options } = {}) {
    const words = npx ? ['npx', 'ringfence'] : ['node', join(this.folder, 'node_modules/.bin/ringfence')];
    return this.run([...words, ...args], options);
  }

  remove() {
    rmSync(this.home, { recursive: true, force: true });
  }
}
