// What the other tests stand on: the readers of wrangler.toml and of SQL files, scripts, and what the benchmarks measure against.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, cpSync, mkdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { ROOT, bindings } from '../support/config.mjs';
import { baselines, plain } from '../bench/baselines.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { statements } from '../support/worker/sql.mjs';
import { parseToml } from '../support/toml.mjs';

describe('the reader of wrangler.toml', () => {
  it('reads tables, lists of tables and values', () => {
    const text = 'a = "x" # c\nb = [1, "y"]\n[t]\nc = true\n[[l.m]]\nd = "1"\n[[l.m]]\nd = "2"\n';
    assert.deepEqual(parseToml(text), { a: 'x', b: [1, 'y'], t: { c: true }, l: { m: [{ d: '1' }, { d: '2' }] } });
  });

  it('refuses what it does not understand, with its line', () => {
    for (const text of ['a = 1979-05-27', 'a = { b = 1 }', 'a', "a = 'x'", 'a = "x" y']) {
      assert.throws(() => parseToml(`\n${text}`), /line 2/, text);
    }
  });

  it('finds what the Worker needs', () => {
    const found = bindings();
    assert.ok(found.d1Databases.DB);
    assert.ok(found.kvNamespaces.FILES);
    assert.match(found.compatibilityDate, /^\d{4}-\d\d-\d\d$/);
  });
});

describe('the reader of SQL files', () => {
  it('splits at semicolons that end a statement, and there alone', () => {
    const sql =
      "-- a; b\nCREATE TABLE a (b TEXT DEFAULT ';'); /* ; */\nCREATE TRIGGER t BEFORE DELETE ON a\nBEGIN SELECT CASE WHEN 1 THEN 2 END; SELECT 3; END;\nSELECT 1";
    assert.equal(statements(sql).length, 3);
    assert.match(statements(sql)[1], /^CREATE TRIGGER[\s\S]*END$/);
  });
});

describe('what the benchmarks measure the Worker against', () => {
  it('answers beside it, from the same namespace', async () => {
    const worker = await Ringfence.start({ extra: [...baselines(), plain] });
    try {
      const { kv, constant, webcrypto, plain: least } = worker.direct;
      await worker.ask('kvPut', { name: 'a file', value: Buffer.from('its bytes') });
      const bytes = async (url) => Buffer.from(await (await fetch(url)).arrayBuffer());
      assert.equal((await bytes(`${kv}tenant/a%20file`)).toString(), 'its bytes');
      assert.equal((await bytes(`${constant}28000`)).length, 28_000);
      assert.equal((await bytes(`${webcrypto}2000/2`)).toString(), 'done');
      assert.equal((await bytes(`${least}200/2000`)).length, 2_000);
    } finally {
      await worker.stop();
    }
  });
});

describe('scripts/secrets.sh', () => {
  it('makes secrets once, readable by the owner alone, and keeps them the second time', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ringfence-secrets-'));
    mkdirSync(join(folder, 'scripts'));
    cpSync(join(ROOT, 'scripts/secrets.sh'), join(folder, 'scripts/secrets.sh'));
    execFileSync(join(folder, 'scripts/secrets.sh'));
    const first = readFileSync(join(folder, '.dev.vars'), 'utf8');
    assert.match(first, /^MASTER_KEY=[\w-]+:[A-Za-z0-9+/]{43}=$/m);
    assert.match(first, /^ADMIN_TOKEN=[0-9a-f]{48}$/m);
    assert.match(first, /^LOCAL_HTTP=loopback$/m);
    assert.equal(statSync(join(folder, '.dev.vars')).mode & 0o077, 0);
    execFileSync(join(folder, 'scripts/secrets.sh'));
    assert.equal(readFileSync(join(folder, '.dev.vars'), 'utf8'), first);
  });
});

describe('a deployment', () => {
  it('cannot have the switch for local HTTP: no configuration that is deployed names it as a variable', () => {
    const config = parseToml(readFileSync(join(ROOT, 'wrangler.toml'), 'utf8'));
    assert.equal(config.vars?.LOCAL_HTTP, undefined);
    assert.ok(!/secret put "?LOCAL_HTTP|new_secret LOCAL_HTTP/.test(readFileSync(join(ROOT, 'scripts/deploy.sh'), 'utf8')));
  });

  it('has secrets nowhere in git', () => {
    const tracked = spawnSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' }).stdout.split('\n');
    assert.ok(tracked.includes('wrangler.toml'));
    assert.ok(!tracked.some((name) => /(^|\/)\.dev\.vars|(^|\/)\.env|^\.local\//.test(name)));
  });
});
