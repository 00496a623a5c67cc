// The real Worker in workerd, as the tests use it: start, look, break, kill, start again.

import { fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ROOT } from '../config.mjs';
import { migrations } from './sql.mjs';
import { eventually } from '../wait.mjs';

/** What wrote a database's files says how they are read. */
const { version: MINIFLARE } = createRequire(import.meta.url)('miniflare/package.json');

/** What storage.mjs does. */
const STORAGE = new Set(['sql', 'kvList', 'kvPut', 'kvRead', 'kvDelete']);

/** No call of the harness may hang a test run. */
const PATIENCE_MS = 120_000;

/** Secrets as scripts/secrets.sh makes them, new for every run. */
export function newSecrets() {
  return {
    MASTER_KEY: newMasterKey('k1'),
    ADMIN_TOKEN: randomBytes(24).toString('hex'),
    LOCAL_HTTP: 'loopback',
  };
}

export function newMasterKey(id) {
  return `${id}:${randomBytes(32).toString('base64')}`;
}

/** A promise that fails instead of waiting for ever. */
export function withDeadline(promise, what, milliseconds = PATIENCE_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: no answer in ${milliseconds} ms`)), milliseconds);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Whatever happens to a test, no workerd outlives it. */
const running = new Set();
process.once('exit', () => running.forEach((host) => host.killGroup()));

/** A process of host.mjs, which holds one Worker at a time. One whose Worker was stopped is there for the next one. */
class Host {
  static #idle = [];

  /** One for a Worker that believes the CA in that file besides, if one is given. */
  static take(ca) {
    // Only what is started with it knows it.
    const host = (ca ? undefined : Host.#idle.pop()) ?? new Host(ca);
    host.#count(true);
    return host;
  }

  constructor(ca) {
    this.isPlain = !ca;
    // Its own process group: killing the group leaves nothing behind.
    this.process = fork(new URL('./host.mjs', import.meta.url).pathname, {
      detached: true,
      silent: true,
      serialization: 'advanced',
      // Miniflare hands it to the runtime.
      env: { ...process.env, ...(ca && { NODE_EXTRA_CA_CERTS: ca }) },
    });
    this.streams = [this.process.stdout, this.process.stderr];
    for (const stream of this.streams) stream.setEncoding('utf8').on('data', (text) => this.owner?.heard(stream, text));
    this.process.on('message', (message) => this.owner?.answered(message));
    this.process.on('exit', (code, signal) => {
      running.delete(this);
      Host.#idle = Host.#idle.filter((host) => host !== this);
      this.owner?.ended(code, signal);
    });
    running.add(this);
  }

  /** Its Worker is stopped, and all that it said has been heard. */
  free() {
    this.owner = undefined;
    this.#count(false);
    Host.#idle.push(this);
  }

  /** Whether the process that has started it waits for it. */
  #count(does) {
    for (const one of [this.process, this.process.channel, ...this.streams]) {
      if (does) one?.ref();
      else one?.unref();
    }
  }

  /** SIGKILL for the host and everything it started. */
  killGroup() {
    try {
      process.kill(-this.process.pid, 'SIGKILL');
    } catch {
      // Nobody is left in the group.
    }
  }
}

export class Ringfence {
  /**
   * Starts a Worker. `probe` puts tests/support/worker/probe.mjs in front, which counts and breaks
   * storage; `migrate: false` leaves the database empty; `extra` are further Workers and
   * `silent` throws log lines away (both for benchmarks). `tls` is the certificate of its HTTPS port
   * (see tls.mjs), and `assets` serves the console's static parts too. `twin` starts the same Worker once more over
   * the same database and namespace, as another isolate of the same deployment: its address is `worker.twin`. `ca` is a
   * file with a CA that the Worker's own connections believe besides, and `services` binds further Workers by name. `front` is
   * another module than the probe's to stand in front, and `inspectorPort` lets a profiler in.
   */
  static async start({
    probe = false,
    front,
    inspectorPort,
    migrate = true,
    build = join(ROOT, 'build'),
    secrets = {},
    extra = [],
    silent = false,
    tls,
    assets = false,
    twin = false,
    ca,
    services,
  } = {}) {
    const worker = new Ringfence();
    worker.copies = [];
    worker.persist = mkdtempSync(join(tmpdir(), 'ringfence-'));
    worker.options = {
      build,
      probe,
      front,
      inspectorPort,
      extra,
      silent,
      tls,
      assets,
      twin,
      ca,
      services,
      secrets: { ...newSecrets(), ...secrets },
    };
    if (migrate) cpSync(await Ringfence.#migrated(), join(worker.persist, 'd1'), { recursive: true });
    await worker.#launch();
    return worker;
  }

  /**
   * The files of a database that the Worker has brought to its schema: once for all tests, which copy it. How a
   * database of before comes there is tested in migrate.test.mjs and schema.test.mjs, step by step.
   */
  static async #migrated() {
    const key = createHash('sha256')
      .update(JSON.stringify(['made by the Worker', migrations(), MINIFLARE]))
      .digest('hex')
      .slice(0, 16);
    const folder = join(ROOT, 'target/tests', `database-${key}`);
    if (existsSync(folder)) return folder;
    const worker = await Ringfence.start({ migrate: false });
    const answer = await worker.fetch('/healthz');
    if (answer.status !== 200) throw new Error(`the Worker did not migrate: ${await answer.text()}\n${worker.log}`);
    const applied = (await worker.sql('SELECT name FROM d1_migrations ORDER BY id')).map(({ name }) => name);
    const wanted = migrations().map(({ name }) => name);
    if (`${applied}` !== `${wanted}`) throw new Error(`the build is older than migrations/: ${applied}`);
    await worker.#end();
    // Whoever comes first has made it; another one made the same meanwhile.
    const made = `${folder}.${process.pid}`;
    cpSync(join(worker.persist, 'd1'), made, { recursive: true });
    try {
      renameSync(made, folder);
    } catch (error) {
      if (!['EEXIST', 'ENOTEMPTY'].includes(error.code)) throw error;
      rmSync(made, { recursive: true });
    }
    await worker.stop();
    return folder;
  }

  get adminToken() {
    return this.options.secrets.ADMIN_TOKEN;
  }

  async #launch() {
    this.log = '';
    this.exited = undefined;
    this.mark = undefined;
    this.unmarked = new Map();
    this.marked = new Set();
    this.waiting = new Map();
    this.next = 0;
    this.gone = new Promise((resolve) => (this.leave = resolve));
    this.host = Host.take(this.options.ca);
    this.host.owner = this;
    const { https, http, twin, direct } = await this.ask('start', { ...this.options, persist: this.persist });
    this.https = https;
    this.twin = twin;
    this.http = http;
    this.direct = direct;
    this.port = Number(new URL(http).port);
  }

  /** What the host, or workerd below it, has printed. */
  heard(stream, text) {
    if (process.env.RINGFENCE_LOG) process.stderr.write(text);
    if (this.mark === undefined) {
      this.log += text;
      return;
    }
    // The mark may come in pieces.
    const [before, after] = ((this.unmarked.get(stream) ?? '') + text).split(this.mark);
    this.unmarked.set(stream, before);
    if (after === undefined) return;
    this.log += before;
    this.marked.add(stream);
    if (this.marked.size === 2) this.silence();
  }

  answered({ id, value, error }) {
    const entry = this.waiting.get(id);
    this.waiting.delete(id);
    if (error === undefined) entry?.resolve(value);
    else entry?.reject(new Error(`${entry.op}: ${error}`));
  }

  /** The host has ended. */
  ended(code, signal) {
    this.exited = { code, signal };
    for (const [stream, text] of this.unmarked) if (!this.marked.has(stream)) this.log += text;
    for (const entry of this.waiting.values()) entry.reject(new Error(`the host ended during ${entry.op}\n${this.log}`));
    this.waiting.clear();
    this.leave();
  }

  /** One operation of host.mjs, or of storage.mjs. */
  ask(op, rest = {}) {
    if (STORAGE.has(op)) return this.ask('storage', { what: op, ...rest });
    const id = (this.next += 1);
    const answer = new Promise((resolve, reject) => this.waiting.set(id, { op, resolve, reject }));
    this.host.process.send({ id, op, ...rest });
    return withDeadline(answer, op);
  }

  /** Applies the migrations whose name is not after `last`, and not before `first`, and writes that down as wrangler does. */
  async migrate({ first = '', last = '\uffff' } = {}) {
    await this.sql(
      'CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)',
    );
    for (const { name, statements } of migrations()) {
      if (name < first || name > last) continue;
      await this.batch(...statements.map((sql) => [sql]), ['INSERT INTO d1_migrations (name) VALUES (?1)', name]);
    }
  }

  /** The rows of one statement. */
  async sql(sql, ...values) {
    const [{ rows }] = await this.ask('sql', { statements: [[sql, ...values]] });
    return rows;
  }

  /** Several statements as one transaction: `[sql, …values]` each. */
  batch(...statements) {
    return this.ask('sql', { statements });
  }

  /** An HTTP request that ends in time and follows nothing. `path` is relative to the Worker. */
  fetch(path, init = {}) {
    return fetch(new URL(path, this.http), {
      redirect: 'manual',
      signal: AbortSignal.timeout(PATIENCE_MS),
      ...init,
    });
  }

  /** Sets faults and answers with the counts of probe.mjs. */
  async probe(wanted = {}) {
    return (await this.fetch('/__probe', { method: 'POST', body: JSON.stringify(wanted) })).json();
  }

  /** The first line of the log that fits. The log comes by a pipe of its own, perhaps after the answer. */
  logLine(fits) {
    return eventually(() => this.logLines().find(fits), Boolean, 'a line of the log');
  }

  /** Structured log lines that workerd printed so far. */
  logLines() {
    return this.log.split('\n').flatMap((line) => {
      try {
        return [JSON.parse(line)];
      } catch {
        return [];
      }
    });
  }

  /**
   * Evicts the object of a pool, though it may be busy just now; it must run. `webSockets` is
   * `hibernate` (connections survive, as they do when an idle object leaves the memory) or `close`
   * (as when the runtime itself goes).
   */
  async evictPool(pool, webSockets) {
    for (let turn = 1; ; turn += 1) {
      try {
        return await this.ask('evict', { className: 'Pool', name: pool, webSockets });
      } catch (error) {
        // "It still has active references": an alarm was at work.
        if (turn === 20) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  /** How often the runtime has made the object of a pool since the Worker started; needs the probe. */
  poolMade(pool) {
    return this.logLines().filter((line) => line.message === 'pool_constructed' && line.pool === pool).length;
  }

  /** The process ids of the workerd below this host. */
  workerdPids() {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => {
        try {
          // Field 2 is the command in brackets, 4 the parent.
          const [, command, parent] = /^\d+ \((.*)\) \S+ (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'));
          return command === 'workerd' && Number(parent) === this.host.process.pid;
        } catch {
          return false;
        }
      })
      .map(Number);
  }

  /** SIGKILL for workerd, then for what is left; the storage stays for `restart`. */
  async kill() {
    const pids = this.workerdPids();
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    this.killGroup();
    await withDeadline(this.gone, 'end of the killed host');
    return pids;
  }

  /** Starts again over the same storage; `secrets` replaces some of them (null removes one). */
  async restart({ secrets = {}, ...options } = {}) {
    if (this.exited === undefined) await this.#end();
    this.options = { ...this.options, ...options, secrets: { ...this.options.secrets, ...secrets } };
    for (const [name, value] of Object.entries(secrets)) {
      if (value === null) delete this.options.secrets[name];
    }
    await this.#launch();
  }

  /**
   * Stops, copies the database's files aside, and starts again; `restoreDatabase` puts them back in the same
   * way. That is what D1's Time Travel does: the database alone goes back, nothing else does.
   */
  async copyDatabase() {
    if (this.exited === undefined) await this.#end();
    const copy = mkdtempSync(join(tmpdir(), 'ringfence-d1-'));
    this.copies.push(copy);
    cpSync(join(this.persist, 'd1'), copy, { recursive: true });
    await this.#launch();
    return copy;
  }

  async restoreDatabase(copy) {
    if (this.exited === undefined) await this.#end();
    rmSync(join(this.persist, 'd1'), { recursive: true });
    cpSync(copy, join(this.persist, 'd1'), { recursive: true });
    await this.#launch();
  }

  async stop() {
    for (const copy of this.copies) rmSync(copy, { recursive: true, force: true });
    if (this.exited === undefined) await this.#end();
    rmSync(this.persist, { recursive: true, force: true });
  }

  async #end() {
    const silent = new Promise((resolve) => (this.silence = resolve));
    this.mark = `all is said: ${randomBytes(12).toString('hex')}\n`;
    const stopped = Promise.all([this.ask('stop', { mark: this.mark }), withDeadline(silent, 'the last of the log')]).then(
      () => true,
      () => false,
    );
    const isStopped = await Promise.race([stopped, this.gone.then(() => false)]);
    if (isStopped && this.host.isPlain) {
      this.exited = { code: 0, signal: null };
      this.host.free();
      // Another Worker may have it from now on.
      this.host = undefined;
    } else {
      this.killGroup();
      await withDeadline(this.gone, 'end of the host');
    }
  }

  /** SIGKILL for the host and everything it started. */
  killGroup() {
    this.host.killGroup();
  }
}
