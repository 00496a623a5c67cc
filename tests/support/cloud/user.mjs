// Somebody with Node.js alone who installs Ringfence: the package in an empty folder, and for each test an account that stands
// in for Cloudflare's, and a folder of its own in which only what the test writes is.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach } from 'node:test';

import { Ringfence } from '../worker/ringfence.mjs';
import { Cloudflare, TOKEN } from './cloudflare.mjs';
import { Installed } from './package.mjs';

/** What a first deployment is asked for where nobody looks at a terminal. */
export const FIRST = ['deploy', '--secrets-file', 'secrets.txt'];

/** The WebAssembly module that has nothing in it. */
const NO_MODULE = Buffer.from('\0asm\x01\0\0\0', 'latin1');

class User {
  /** Where the package has its module. */
  get module() {
    return join(this.npx.folder, 'node_modules/ringfence/worker/index_bg.wasm');
  }

  /**
   * The package's module is an empty one. An account that stands in for Cloudflare's keeps nothing of it, and runs the one of
   * the checkout: where a test is about something else, the whole one is two seconds of packing for nothing.
   */
  lighten() {
    renameSync(this.module, `${this.module}.whole`);
    writeFileSync(this.module, NO_MODULE);
  }

  /** Does something with the package as it is shipped. */
  async whole(use) {
    renameSync(`${this.module}.whole`, this.module);
    try {
      return await use();
    } finally {
      this.lighten();
    }
  }

  /** Does something signed in by `wrangler login`, as whoever has no token in the environment. */
  async signedIn(use) {
    const folder = join(this.npx.home, '.config/.wrangler/config');
    mkdirSync(folder, { recursive: true });
    const expires = new Date(Date.now() + 3_600_000).toISOString();
    writeFileSync(join(folder, 'default.toml'), `oauth_token = "${TOKEN}"\nexpiration_time = "${expires}"\nscopes = ["account:read"]\n`);
    try {
      return await use({ CLOUDFLARE_API_TOKEN: '' });
    } finally {
      rmSync(join(folder, 'default.toml'));
    }
  }

  /** What a Worker's rate limits count by. */
  counters(name) {
    const limits = this.cloud.scripts.get(name).bindings.filter(({ type }) => type === 'ratelimit');
    return Object.fromEntries(limits.map((binding) => [binding.name, [binding.namespace_id, binding.simple.limit]]));
  }

  file(name) {
    return join(this.folder, name);
  }

  choose(text) {
    writeFileSync(this.file('ringfence.toml'), text);
  }

  /** Runs a command of the package in the folder. */
  run(args, { env = {}, ...options } = {}) {
    return this.npx.ringfence(args, { cwd: this.folder, env: { ...this.cloud.environment, ...env }, ...options });
  }

  /** What a file of secrets says. */
  saved(name = 'secrets.txt') {
    const lines = readFileSync(this.file(name), 'utf8').trim().split('\n');
    return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  }

  /** Puts the real Worker behind the address, with what was uploaded, as soon as it is. One is enough for all tests. */
  behind({ fresh = false } = {}) {
    const { cloud } = this;
    cloud.afterwards.push(async (method, path) => {
      if (method !== 'PUT' || !/^\/workers\/scripts\/[^/]+$/.test(path)) return;
      if (fresh || !this.worker) {
        await this.worker?.stop();
        const [name] = cloud.scripts.keys();
        const secrets = { MASTER_KEY: cloud.secret(name, 'MASTER_KEY'), ADMIN_TOKEN: cloud.secret(name, 'ADMIN_TOKEN') };
        // Its database is empty: the Worker makes its own tables.
        this.worker = await Ringfence.start({ migrate: false, assets: true, secrets });
      }
      cloud.worker = this.worker;
    });
  }
}

/** The user of the tests in this `describe`; with `light` as `lighten` says. */
export function withAnAccount({ light = false } = {}) {
  const user = new User();
  before(async () => {
    user.npx = await Installed.make();
    if (light) user.lighten();
  });
  after(async () => {
    await user.worker?.stop();
    user.npx?.remove();
  });
  beforeEach(async () => {
    user.cloud = await Cloudflare.start();
    user.folder = mkdtempSync(join(user.npx.folder, 'of-a-user-'));
  });
  afterEach(async () => {
    assert.deepEqual(user.cloud.unknown, [], 'calls that the account does not know');
    await user.cloud.stop();
  });
  return user;
}
