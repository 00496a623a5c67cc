// Rotation of the master key: two are accepted at once, it may stop anywhere, and nothing is lost.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { element } from '../support/worker/content.mjs';
import { opensslDecrypt } from '../support/openssl.mjs';
import { Ringfence, newMasterKey } from '../support/worker/ringfence.mjs';
import { Master, mac, seedDevices, seedTenant } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

const DEVICES = 30;

describe('rotation of the master key', () => {
  let worker;
  let tenant;
  let phones;
  let api;
  let first;
  const second = newMasterKey('k2');
  before(async () => {
    worker = await Ringfence.start();
    first = worker.options.secrets.MASTER_KEY;
    tenant = await seedTenant(worker);
    phones = await seedDevices(
      worker,
      tenant,
      Array.from({ length: DEVICES }, (_, i) => ({ mac: mac(i), state: 'confirmed', settings: { SIP_PASS: { secret: `secret-${i}` } } })),
    );
    api = new Api(worker);
  });
  after(() => worker?.stop());

  const allServed = async () => {
    for (const [index, phone] of phones.entries()) {
      const response = await tenant.get(`Config${phone.mac}.enc`);
      assert.equal(response.status, 200, phone.mac);
      const text = opensslDecrypt(Buffer.from(await response.arrayBuffer()), phone.key).toString();
      assert.equal(element(text, 'SIP_PASS_1'), `secret-${index}`);
    }
  };
  const forget = async () => {
    const keys = await worker.ask('kvList', {});
    await worker.ask('kvDelete', { names: keys.map((key) => key.name) });
  };

  it('begins with both keys: everything opens, new things are wrapped under the new one', async () => {
    await worker.restart({ secrets: { MASTER_KEY: second, MASTER_KEY_PREVIOUS: first } });
    const state = await api.get('/rotation');
    assert.equal(state.current, 'k2');
    assert.equal(state.previous, 'k1');
    assert.equal(state.remaining, DEVICES * 2);
    await forget();
    await allServed();
    await api.put(`/tenants/${tenant.id}/devices/${mac(0x500)}`, { model: 'KX-UTG300B' });
    assert.equal((await tenant.device(mac(0x500))).key_master, 'k2');
  });

  it('a key that another device has under the old master key is still refused', async () => {
    const answer = await api.call('POST', `/tenants/${tenant.id}/devices/${mac(0x500)}/import-key`, { body: { key: phones[0].key } });
    assert.equal(answer.status, 409);
  });

  it('goes past values that do not open, and names them', async () => {
    const rows = await worker.sql("SELECT id, generation, key_wrapped FROM devices WHERE key_master = 'k1' ORDER BY id LIMIT 5");
    for (const row of rows) await worker.sql("UPDATE devices SET key_wrapped = 'v1.k1.AAAAAAAAAAAAAAAA.AAAA' WHERE id = ?", row.id);
    const { remaining } = await api.get('/rotation');
    const answer = await api.post('/rotation', { limit: 3 });
    assert.equal(answer.rewrapped, 3);
    assert.deepEqual(
      answer.failed,
      rows.map((row) => `device-key:${row.id}:${row.generation}`),
    );
    assert.equal(answer.remaining, remaining - 3 - rows.length);
    for (const row of rows) await worker.sql('UPDATE devices SET key_wrapped = ? WHERE id = ?', row.key_wrapped, row.id);
  });

  it('is interrupted by SIGKILL anywhere and goes on where it was', async () => {
    let remaining = (await api.get('/rotation')).remaining;
    for (let kill = 0; kill < 3; kill += 1) {
      const step = api.call('POST', '/rotation', { body: { limit: 7 } }).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, kill * 15));
      await worker.kill();
      await step;
      await worker.restart();
      const now = (await api.get('/rotation')).remaining;
      // A step is one transaction: all of it or nothing.
      assert.ok(now === remaining || now === remaining - 7, `${remaining} → ${now}`);
      remaining = now;
      await forget();
      await allServed();
    }
    for (let step = 0; remaining > 0; step += 1) {
      assert.ok(step < 40, 'it ends');
      const answer = await api.post('/rotation', { limit: 11 });
      assert.ok(answer.remaining < remaining);
      assert.deepEqual(answer.failed ?? [], []);
      remaining = answer.remaining;
    }
  });

  it('has the end of the audit chain left to do, as long as the old key seals it', async () => {
    const { remaining } = await api.get('/rotation');
    assert.equal(remaining, 0);
    await worker.sql("UPDATE audit_head SET master = 'k1'");
    assert.equal((await api.get('/rotation')).remaining, 1);
    // Its seal is not the old key's: somebody else wrote it.
    const forged = await api.post('/rotation');
    assert.deepEqual([forged.failed, forged.remaining], [['audit_head'], 0]);
    await worker.sql("UPDATE audit_head SET master = 'k2'");
    assert.deepEqual((await api.post('/rotation')).failed ?? [], []);
  });

  it('ends even if only such values are left', async () => {
    const keys = await worker.sql('SELECT id, key_wrapped FROM devices ORDER BY id LIMIT 3');
    const secrets = await worker.sql(
      'SELECT tenant_id, scope, name, value FROM settings WHERE master IS NOT NULL ORDER BY tenant_id, scope LIMIT 3',
    );
    const damage = (key, secret) =>
      Promise.all([
        ...keys.map((row) => worker.sql('UPDATE devices SET key_wrapped = ?, key_master = ? WHERE id = ?', ...key(row), row.id)),
        ...secrets.map((row) =>
          worker.sql(
            'UPDATE settings SET value = ?, master = ? WHERE tenant_id = ? AND scope = ? AND name = ?',
            ...secret(row),
            row.tenant_id,
            row.scope,
            row.name,
          ),
        ),
      ]);
    const damaged = () => ['v1.k1.AAAAAAAAAAAAAAAA.AAAA', 'k1'];
    await damage(damaged, damaged);
    const answer = await api.post('/rotation', { limit: 2 });
    assert.equal(answer.rewrapped, 0);
    assert.equal(answer.remaining, 0);
    assert.equal(answer.failed.length, keys.length + secrets.length);
    assert.equal((await api.get('/rotation')).remaining, keys.length + secrets.length);
    await damage(
      (row) => [row.key_wrapped, 'k2'],
      (row) => [row.value, 'k2'],
    );
  });

  it('takes wrapped files out of KV that the old key opens, and counts them', async () => {
    // A phone of a family without sealing: its file is in KV, wrapped under the new key.
    const text = await seedTenant(worker, {
      models: [{ name: 'KX-HDV130', family: 'hdv' }],
      templates: {},
      settings: { standard_SIP_PASS_1: { secret: 'Tr0ub4dor' } },
    });
    const phone = { mac: mac(0x700), model: 'KX-HDV130' };
    await seedDevices(worker, text, [phone]);
    const key = `f1:${text.id}:standard:plain:${phone.mac}`;
    const stored = () => eventually(() => worker.ask('kvRead', { name: key }), Boolean);
    assert.equal((await text.get(`Config${phone.mac}.cfg`)).status, 200);
    const [{ expiration }] = await eventually(
      () => worker.ask('kvList', { prefix: key }),
      (keys) => keys.length === 1,
    );
    const days = (expiration - Date.now() / 1000) / 86400;
    assert.ok(days > 29 && days <= 30, `it ends by itself after ${days} days`);
    const { metadata } = await stored();
    assert.equal(JSON.parse(metadata).m, 'k2');
    assert.equal((await api.get('/rotation')).files, 0);
    // As one that the old key wraps, and one from before files said so.
    const old = JSON.parse(metadata);
    await worker.ask('kvPut', { name: key, value: 'x', metadata: JSON.stringify({ ...old, m: 'k1' }) });
    delete old.m;
    for (let number = 0; number < 5; number += 1)
      await worker.ask('kvPut', { name: `f1:${text.id}:product:plain:${number}`, value: 'x', metadata: JSON.stringify(old) });
    const sealed = (await worker.ask('kvList', { prefix: 'f1:' })).filter(({ name }) => name.includes(':sealed:')).length;
    assert.ok(sealed > 0);
    const before = await api.get('/rotation');
    assert.deepEqual([before.files, before.remaining], [6, 6]);
    const step = await api.post('/rotation', {});
    assert.deepEqual([step.files, step.remaining], [0, 0]);
    assert.deepEqual(
      (await worker.ask('kvList', { prefix: 'f1:' })).map(({ name }) => name.split(':')[3]),
      Array(sealed).fill('sealed'),
    );
    assert.equal((await text.get(`Config${phone.mac}.cfg`)).status, 200);
    assert.equal(JSON.parse((await stored()).metadata).m, 'k2');
    await worker.sql('DELETE FROM devices WHERE tenant_id = ?1', text.id);
  });

  it('ends: the old key goes, everything is served, fingerprints are those of the new key', async () => {
    await worker.restart({ secrets: { MASTER_KEY_PREVIOUS: null } });
    await forget();
    await allServed();
    const master = new Master(second);
    for (const phone of phones) {
      const row = await tenant.device(phone.mac);
      assert.equal(row.key_master, 'k2');
      assert.equal(row.key_fingerprint, master.fingerprint(phone.key));
    }
    assert.deepEqual(await worker.sql("SELECT name FROM settings WHERE master IS NOT NULL AND master <> 'k2'"), []);
    const state = await api.get('/rotation');
    assert.equal(state.remaining, 0);
    assert.equal(state.unreadable, 0);
  });
});
