// Somebody with Node.js alone who installs Ringfence: the package in an empty folder, and for each test an account that stands
// in for Cloudflare's, and a folder of its own in which only what the test writes is.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach } from 'node:test';

import { Ringfence } from '../worker/ringfence.mjs';
import { Cloudflare } from './cloudflare.mjs';
import { Installed } from './package.mjs';

/** What a first deployment is asked for where nobody looks at a terminal. */
export const FIRST = ['deploy', '--secrets-file', 'secrets.txt'];

class User {
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

/** The user of the tests in this `describe`. */
export function withAnAccount() {
  const user = new User();
  before(async () => {
    user.npx = await Installed.make();
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
