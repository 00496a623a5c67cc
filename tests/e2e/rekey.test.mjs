// Re-key while sealed files are being fetched: once the operator's call has been answered, nothing
// sealed under the old key leaves that location.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { element } from '../support/worker/content.mjs';
import { opensslDecrypt } from '../support/openssl.mjs';
import { rawRequest } from '../support/worker/raw.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedDevice, seedTenant } from '../support/worker/seed.mjs';

describe('re-key', () => {
  let worker;
  let tenant;
  let api;
  before(async () => {
    worker = await Ringfence.start();
    tenant = await seedTenant(worker);
    api = new Api(worker);
  });
  after(() => worker?.stop());

  const opens = (bytes, key) => {
    try {
      return opensslDecrypt(bytes, key).includes('<PANASIPPhoneConfig>');
    } catch {
      return false;
    }
  };

  it('while files are fetched: no answer under the old key after the acknowledgement', async () => {
    const phone = await seedDevice(worker, tenant, { mac: mac(1), state: 'confirmed' });
    const names = [`Config${phone.mac}.enc`, `Product${phone.mac}.enc`, `Master${phone.mac}.enc`];
    for (const name of names) assert.equal((await tenant.get(name)).status, 200);
    const plain = tenant.path(`Config${phone.mac}.cfg`);
    const keys = [phone.key];

    for (let round = 0; round < 5; round += 1) {
      let acknowledged = false;
      let stop = false;
      const late = [];
      const fetching = Array.from({ length: 12 }, async (_, index) => {
        while (!stop) {
          const sent = acknowledged;
          const answer = await rawRequest(worker.port, tenant.path(names[index % names.length]));
          assert.ok([200, 404].includes(answer.status), `status ${answer.status}`);
          // Only a request that was sent after the acknowledgement must not see the old key.
          if (sent && answer.status === 200) late.push(answer.body);
        }
      });
      await new Promise((resolve) => setTimeout(resolve, 150));
      await api.post(`/tenants/${tenant.id}/devices/${phone.mac}/rekey`);
      acknowledged = true;
      await new Promise((resolve) => setTimeout(resolve, 400));
      stop = true;
      await Promise.all(fetching);
      assert.equal(late.length, 0, `${late.length} sealed files left after the re-key and before the new bootstrap`);
      for (const name of names) assert.equal((await tenant.get(name)).status, 404, name);

      const bootstrap = await rawRequest(worker.port, plain);
      assert.equal(bootstrap.status, 200);
      const key = element(bootstrap.body.toString(), 'CFG_FILE_KEY');
      assert.ok(!keys.includes(key), 'a new key');
      for (const name of names) {
        const sealed = Buffer.from(await (await tenant.get(name)).arrayBuffer());
        assert.ok(opens(sealed, key), `${name} under the new key`);
        for (const old of keys) assert.ok(!opens(sealed, old), `${name} under an old key`);
      }
      keys.push(key);
    }
    const row = await tenant.device(phone.mac);
    assert.equal(row.generation, 6);
  });

  it('parallel with the bootstrap: whoever has a plaintext has the key of one generation, and each went out once', async () => {
    const phone = await seedDevice(worker, tenant, { mac: mac(2) });
    const plain = tenant.path(`Config${phone.mac}.cfg`);
    const seen = new Map();
    let stop = false;
    const fetching = Array.from({ length: 8 }, async () => {
      while (!stop) {
        const answer = await rawRequest(worker.port, plain);
        if (answer.status !== 200) continue;
        const key = element(answer.body.toString(), 'CFG_FILE_KEY');
        seen.set(key, (seen.get(key) ?? 0) + 1);
      }
    });
    for (let round = 0; round < 10; round += 1) {
      await api.post(`/tenants/${tenant.id}/devices/${phone.mac}/rekey`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    stop = true;
    await Promise.all(fetching);
    assert.ok(seen.size >= 1 && seen.size <= 11);
    for (const [, times] of seen) assert.equal(times, 1, 'a key left twice');
  });

  it('re-arm after a cut transfer serves the same key once more, says who took the last one, and is audited', async () => {
    const phone = await seedDevice(worker, tenant, { mac: mac(3) });
    const plain = tenant.path(`Config${phone.mac}.cfg`);
    await rawRequest(worker.port, plain, {
      abortAfter: 1,
      headers: [
        ['CF-Connecting-IP', '192.0.2.99'],
        ['User-Agent', 'cut-off'],
      ],
    });
    assert.equal((await rawRequest(worker.port, plain)).status, 404);
    const answer = await api.post(`/tenants/${tenant.id}/devices/${phone.mac}/rearm`);
    assert.equal(answer.last_taken_by.address, '192.0.2.99');
    assert.equal(answer.last_taken_by.user_agent, 'cut-off');
    const again = await rawRequest(worker.port, plain);
    assert.equal(element(again.body.toString(), 'CFG_FILE_KEY'), phone.key);
    assert.equal((await rawRequest(worker.port, plain)).status, 404);
    const { items } = await api.get(`/tenants/${tenant.id}/audit`);
    const entry = items.find((item) => item.action === 'device.rearm' && item.object.includes(phone.mac));
    assert.ok(entry);
    assert.equal(entry.token, 'admin');
    assert.ok(!JSON.stringify(entry).includes(phone.key));
  });

  it('disable takes everything away at once, enable gives it back', async () => {
    const phone = await seedDevice(worker, tenant, { mac: mac(4), state: 'confirmed' });
    const name = `Config${phone.mac}.enc`;
    const good = await (await tenant.get(name)).text();
    await api.post(`/tenants/${tenant.id}/devices/${phone.mac}/disable`);
    assert.equal((await tenant.get(name)).status, 404);
    assert.equal((await tenant.get(`Initial${phone.mac}.cfg`)).status, 404);
    await api.post(`/tenants/${tenant.id}/devices/${phone.mac}/enable`);
    assert.equal(await (await tenant.get(name)).text(), good);
  });

  it('a deleted device is gone at once; added again it has a new key and a new bootstrap', async () => {
    const phone = await seedDevice(worker, tenant, { mac: mac(5), state: 'confirmed' });
    const name = `Config${phone.mac}.enc`;
    assert.equal((await tenant.get(name)).status, 200);
    await api.delete(`/tenants/${tenant.id}/devices/${phone.mac}`);
    assert.equal((await tenant.get(name)).status, 404);
    await api.put(`/tenants/${tenant.id}/devices/${phone.mac}`, { model: 'KX-UTG300B' });
    assert.equal((await tenant.get(name)).status, 404);
    const bootstrap = await (await tenant.get(`Config${phone.mac}.cfg`)).text();
    assert.notEqual(element(bootstrap, 'CFG_FILE_KEY'), phone.key);
    const sealed = Buffer.from(await (await tenant.get(name)).arrayBuffer());
    assert.ok(!opens(sealed, phone.key));
    assert.ok(opens(sealed, element(bootstrap, 'CFG_FILE_KEY')));
  });

  it('an imported key seals at once, and the bootstrap is closed', async () => {
    const phone = await seedDevice(worker, tenant, { mac: mac(6) });
    const key = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';
    await api.post(`/tenants/${tenant.id}/devices/${phone.mac}/import-key`, { key });
    assert.equal((await tenant.get(`Config${phone.mac}.cfg`)).status, 404);
    const sealed = Buffer.from(await (await tenant.get(`Config${phone.mac}.enc`)).arrayBuffer());
    assert.ok(opens(sealed, key));
    const other = await seedDevice(worker, tenant, { mac: mac(7) });
    const taken = await api.call('POST', `/tenants/${tenant.id}/devices/${other.mac}/import-key`, { body: { key } });
    assert.equal(taken.status, 409);
  });

  it('parallel re-keys of one device: each acknowledged generation is its own, none is lost', async () => {
    const phone = await seedDevice(worker, tenant, { mac: mac(8), state: 'confirmed' });
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => api.call('POST', `/tenants/${tenant.id}/devices/${phone.mac}/rekey`, { body: {} })),
    );
    const good = answers.filter((answer) => answer.status === 200);
    assert.ok(good.length >= 1);
    for (const answer of answers) assert.ok([200, 409, 412].includes(answer.status), `${answer.status} ${answer.text}`);
    const row = await tenant.device(phone.mac);
    assert.equal(row.generation, 1 + good.length);
    const bootstrap = await (await tenant.get(`Config${phone.mac}.cfg`)).text();
    const key = element(bootstrap, 'CFG_FILE_KEY');
    const sealed = Buffer.from(await (await tenant.get(`Config${phone.mac}.enc`)).arrayBuffer());
    assert.ok(opens(sealed, key));
  });
});
