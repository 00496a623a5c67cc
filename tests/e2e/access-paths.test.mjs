// An access path says when it was last used, and by how many devices: so an operator knows when it may go.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { rawRequest } from '../support/worker/raw.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { hashAccessPath, mac, seedDevice, seedTenant } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

const HOUR = 3600_000;
const DAY = 24 * HOUR;

describe('an access path', () => {
  let worker;
  let api;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
    api = new Api(worker);
  });
  after(() => worker?.stop());

  const shown = async (tenant) => (await api.get(`/tenants/${tenant.id}/access-paths`)).items;
  const used = (tenant, good) => eventually(async () => (await shown(tenant))[0], good);
  const ask = (path) => rawRequest(worker.port, path);

  it('is shown with the devices that got a file under it; another one, and what was refused, do not count', async () => {
    const tenant = await seedTenant(worker);
    const phones = [
      await seedDevice(worker, tenant, { mac: mac(1), state: 'confirmed' }),
      await seedDevice(worker, tenant, { mac: mac(2) }),
      await seedDevice(worker, tenant, { mac: mac(3) }),
    ];
    const made = await api.post(`/tenants/${tenant.id}/access-paths`, { label: 'new' });
    assert.deepEqual([made.last_used_at, made.devices_7d], [null, 0]);
    const begin = Date.now();
    await ask(`/${made.segment}/Config${phones[2].mac}.enc`);
    await ask(tenant.path(`Config${phones[0].mac}.enc`));
    await ask(tenant.path(`Config${phones[0].mac}.enc`));
    await ask(tenant.path(`Config${phones[1].mac}.cfg`));
    await ask(tenant.path(`Config${mac(9)}.cfg`));
    const [old, fresh] = await eventually(
      () => shown(tenant),
      ([path]) => path.devices_7d === 2,
    );
    assert.ok(old.last_used_at >= begin && old.last_used_at <= Date.now());
    assert.deepEqual([fresh.id, fresh.last_used_at, fresh.devices_7d], [made.id, null, 0]);
    await ask(`/${made.segment}/Initial${phones[2].mac}.cfg`);
    const after = await eventually(
      () => shown(tenant),
      (paths) => paths[1].devices_7d === 1,
    );
    assert.equal(after[0].devices_7d, 2);
    const put = await api.put(`/tenants/${tenant.id}/access-paths/${made.id}`, { label: 'newer' });
    assert.equal(put.devices_7d, 1);
    const events = await tenant.events(`access_path = '${made.id}'`);
    assert.deepEqual(
      events.map((event) => event.reason),
      ['key_not_delivered', 'initial'],
    );
  });

  it('is used too by a request that names no device', async () => {
    const tenant = await seedTenant(worker, { options: { shared_files: 'plain' } });
    await ask(tenant.path('KX-UTG300B.cfg'));
    const [path] = await eventually(
      () => shown(tenant),
      ([one]) => one.last_used_at !== null,
    );
    assert.equal(path.devices_7d, 0);
  });

  it('is used whether events are written or not', async () => {
    const tenant = await seedTenant(worker, { options: { events_per_minute: 0 } });
    const phone = await seedDevice(worker, tenant, { mac: mac(4), state: 'confirmed' });
    await ask(tenant.path(`Config${phone.mac}.enc`));
    await used(tenant, (path) => path.devices_7d === 1);
    assert.deepEqual(await tenant.events(), []);
  });

  it('costs a statement once an hour for each device, in the batch that is there', async () => {
    const tenant = await seedTenant(worker);
    const phone = await seedDevice(worker, tenant, { mac: mac(5), state: 'confirmed' });
    await ask(tenant.path(`Config${phone.mac}.enc`));
    await used(tenant, (path) => path.devices_7d === 1);
    await worker.probe({ reset: true });
    await ask(tenant.path(`Config${phone.mac}.enc`));
    await new Promise((resolve) => setTimeout(resolve, 1200));
    const { sql } = await worker.probe({ reset: true });
    assert.ok(sql.some((text) => text.startsWith('INSERT INTO phone_events')));
    assert.ok(!sql.some((text) => /access_path_devices|last_used_at/.test(text)), sql.join('\n'));
  });

  it('that devices used more than seven days ago says when, and counts none', async () => {
    const tenant = await seedTenant(worker);
    const phone = await seedDevice(worker, tenant, { mac: mac(6), state: 'confirmed' });
    await ask(tenant.path(`Config${phone.mac}.enc`));
    await used(tenant, (path) => path.devices_7d === 1);
    const then = Date.now() - 8 * DAY;
    await worker.sql('UPDATE access_path_devices SET last_at = ?2 WHERE device_id = ?1', phone.id, then);
    const [path] = await shown(tenant);
    assert.deepEqual([path.last_used_at, path.devices_7d], [then, 0]);
  });

  it('and a device leave nothing behind when they go', async () => {
    const tenant = await seedTenant(worker);
    const phones = [
      await seedDevice(worker, tenant, { mac: mac(7), state: 'confirmed' }),
      await seedDevice(worker, tenant, { mac: mac(8), state: 'confirmed' }),
    ];
    for (const phone of phones) await ask(tenant.path(`Config${phone.mac}.enc`));
    await used(tenant, (path) => path.devices_7d === 2);
    await api.delete(`/tenants/${tenant.id}/devices/${phones[0].mac}`);
    const [path] = await shown(tenant);
    assert.equal(path.devices_7d, 1);
    await api.delete(`/tenants/${tenant.id}/access-paths/${path.id}`);
    assert.deepEqual(await worker.sql('SELECT * FROM access_path_devices WHERE access_path_id = ?1', path.id), []);
    // An event keeps the id of a path that is gone.
    assert.equal((await tenant.events(`access_path = '${path.id}'`)).length, 2);
  });

  it('is named in events also where KV has its value of before the id was in it', async () => {
    const tenant = await seedTenant(worker);
    const phone = await seedDevice(worker, tenant, { mac: mac(10), state: 'confirmed' });
    await ask(tenant.path(`Config${phone.mac}.enc`));
    const name = `t1:${hashAccessPath(tenant.accessPath)}`;
    const value = await eventually(() => worker.ask('kvRead', { name }), Boolean);
    const { access_path: id, ...before } = JSON.parse(Buffer.from(value.base64, 'base64').toString());
    assert.equal(id, (await shown(tenant))[0].id);
    await worker.ask('kvPut', { name, value: JSON.stringify({ ...before, of_a_newer_version: 1 }) });
    const answer = await ask(tenant.path(`Config${phone.mac}.enc`));
    assert.equal(answer.status, 200);
    const [event] = await eventually(
      () => tenant.events(`request_id = '${answer.header('ringfence-request-id')}'`),
      (list) => list.length === 1,
    );
    assert.equal(event.access_path, id);
  });
});
