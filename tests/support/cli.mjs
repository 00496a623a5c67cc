// The command line as an operator has it: the real binary, as `make test` builds it.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ROOT } from './config.mjs';
import { withDeadline } from './worker/ringfence.mjs';

export const CLI = process.env.RINGFENCE_CLI ?? join(ROOT, 'target/debug/ringfence');

/** The verbs that were run: their words, as the command line was given. */
export const ran = new Set();

/** Somebody's home with the program in it: configuration and state of their own, and the token in the environment. */
export class Operator {
  constructor(worker, { token = worker.adminToken, tenant } = {}) {
    if (!existsSync(CLI)) throw new Error(`${CLI} is missing: cargo build -p ringfence-cli`);
    this.folder = mkdtempSync(join(tmpdir(), 'ringfence-cli-'));
    this.env = {
      PATH: process.env.PATH,
      HOME: this.folder,
      RINGFENCE_URL: worker.http,
      RINGFENCE_TOKEN: token,
      ...(tenant && { RINGFENCE_TENANT: tenant }),
    };
  }

  /** Writes a file into the home. */
  file(name, text, mode = 0o600) {
    const path = join(this.folder, name);
    writeFileSync(path, text, { mode });
    return path;
  }

  /** Starts the program. The answer has `child`, and `done`: `{ code, signal, out, err }`. */
  start(args, { input, env = {}, cwd = this.folder } = {}) {
    ran.add(args.slice(0, 2).join(' '));
    const child = spawn(CLI, args, { cwd, env: { ...this.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    const said = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text) => (said.out += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (said.err += text));
    // A program that reads nothing may be gone before.
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
    const done = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => resolve({ code, signal, ...said }));
    });
    return { child, said, done: withDeadline(done, `ringfence ${args.join(' ')}`) };
  }

  /** Runs the program to its end. */
  run(args, options) {
    return this.start(args, options).done;
  }

  /** The same, and anything but success is an error; what it answered. */
  async ok(args, options) {
    const { code, out, err } = await this.run(args, options);
    if (code !== 0) throw new Error(`ringfence ${args.join(' ')}: ${code}\n${err}${out.slice(-2000)}`);
    return out;
  }

  /** The same with `--json`, parsed. */
  async json(args, options) {
    return JSON.parse(await this.ok([...args, '--json'], options));
  }

  end() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
