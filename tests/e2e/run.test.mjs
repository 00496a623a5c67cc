// `make run` as a person runs it: the demo phone passes, Ctrl-C leaves nothing behind, a busy port is
// said so, and it works a second time. In a copy of the checkout, so that the local
// database of whoever runs the tests stays theirs.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { ROOT } from '../support/config.mjs';
import { RELAY } from '../support/relay/native-relay.mjs';
import { withDeadline } from '../support/worker/ringfence.mjs';

const PATIENCE_MS = 240_000;

describe('make run', () => {
  let folder;
  let port;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ringfence-run-'));
    for (const name of [
      'Cargo.toml',
      'Cargo.lock',
      'Makefile',
      'package.json',
      'package-lock.json',
      'wrangler.toml',
      'build.rs',
      'migrations',
      'scripts',
      'src',
      'crates',
      'tools',
      'build',
      'assets',
    ]) {
      if (existsSync(join(ROOT, name)))
        cpSync(join(ROOT, name), join(folder, name), { recursive: true, filter: (path) => !/\/target(\/|$)/.test(path) });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    port = await freePort();
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Starts `make run` in a process group and a session of its own. */
  function run(env = {}) {
    const child = spawn('make', ['--no-print-directory', 'run'], {
      cwd: folder,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PORT: String(port), RINGFENCE_RELAY: RELAY, ...env },
    });
    const state = { child, output: '' };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (state.output += text));
    state.ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })));
    return state;
  }

  async function until(state, text) {
    const ended = state.ended.then(() => {
      if (!state.output.includes(text)) throw new Error(`make run ended before "${text}":\n${state.output}`);
    });
    const seen = (async () => {
      while (!state.output.includes(text)) await new Promise((resolve) => setTimeout(resolve, 100));
    })();
    await withDeadline(Promise.race([seen, ended]), `"${text}" in\n${state.output}`, PATIENCE_MS);
  }

  /** Ctrl-C: SIGINT to everything in the terminal's foreground group. */
  async function interrupt(state) {
    process.kill(-state.child.pid, 'SIGINT');
    return withDeadline(state.ended, 'end after Ctrl-C', 30_000);
  }

  /** Processes whose working directory is the copy. */
  const left = () =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        try {
          const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
          const environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
          return environment.includes(`PWD=${folder}`) || command.includes(folder) ? [`${pid} ${command.replaceAll('\0', ' ')}`] : [];
        } catch {
          return [];
        }
      });

  for (const [time, env, ninth] of [
    ['told by the pool itself, the first time', {}, '9. the pool sends a NOTIFY over TCP, Kamailio'],
    ['told by a relay, the second time', { SENDER: 'relay' }, '9. the relay'],
  ]) {
    it(`plays a phone that passes, and Ctrl-C leaves no process: ${time}`, async () => {
      const state = run(env);
      try {
        await until(state, 'stays until Ctrl-C');
        for (const step of [
          '1. the phone asks',
          '2. it asks',
          '3. anybody',
          '4. the phone',
          '5. openssl',
          '6. it is what',
          '8. the operator',
          ninth,
          'the job reads fetched',
          '10. the phone',
          'its number is',
        ]) {
          assert.ok(state.output.includes(step), `${step} in\n${state.output}`);
        }
        assert.ok(state.output.includes('byte for byte'));
        assert.match(state.output, /family gxp, sealed as gxp-256[\s\S]*beginning Salted__; opened/);
        assert.ok(state.output.includes(`http://127.0.0.1:${port}`));
        const bootstrap = readFileSync(join(folder, '.local/phone/bootstrap.xml'), 'utf8');
        const [, key] = /<CFG_FILE_KEY>([^<]{32})</.exec(bootstrap);
        assert.ok(!state.output.includes(key), 'the key is not printed');
        const token = /^ADMIN_TOKEN=(.*)$/m.exec(readFileSync(join(folder, '.dev.vars'), 'utf8'))[1];
        assert.ok(!state.output.includes(token), 'the token is not printed');
        const answer = await fetch(`http://127.0.0.1:${port}/api/v1/tenants`, { headers: { authorization: `Bearer ${token}` } });
        assert.equal(answer.status, 200);
      } finally {
        await interrupt(state);
      }
      assert.match(state.output, /stopped/);
      assert.deepEqual(left(), []);
      assert.equal(await isBusy(port), false);
    });
  }

  it('says that a port is busy, and which command takes another', async () => {
    const server = net.createServer().listen(port, '127.0.0.1');
    try {
      const state = run();
      const { code } = await withDeadline(state.ended, 'end', PATIENCE_MS);
      assert.notEqual(code, 0);
      assert.match(state.output, new RegExp(`port ${port} is in use`));
      assert.match(state.output, /PORT=/);
    } finally {
      server.close();
    }
  });
});

function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function isBusy(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
