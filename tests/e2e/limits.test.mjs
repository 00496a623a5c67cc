// Quotas of tenants: held in the transaction of the change, whoever races, and told with what is used.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac } from '../support/worker/seed.mjs';

describe('quotas', () => {
  let worker;
  let admin;
  let number = 0;
  before(async () => {
    worker = await Ringfence.start();
    admin = new Api(worker);
  });
  after(() => worker?.stop());

  /** A tenant with limits and a token of its own. */
  async function newTenant(limits) {
    const tenant = (await admin.post('/tenants', { name: `Tenant ${(number += 1)}` })).id;
    const { token } = await admin.post('/tokens', { name: 'own', access: 'write', tenant });
    await admin.put(`/tenants/${tenant}/limits`, limits);
    return { tenant, t: `/tenants/${tenant}`, api: new Api(worker, token) };
  }

  function assertOver(answer, quota, used, limit) {
    assert.equal(answer.status, 409, answer.text);
    assert.equal(answer.body.type, 'urn:ringfence:problem:over-quota');
    assert.deepEqual([answer.body.quota, answer.body.used, answer.body.limit], [quota, used, limit]);
    assert.match(answer.body.detail, new RegExp(`quota \`${quota}\` does not allow this: it uses ${used} of ${limit}`));
  }

  it('are shown to the tenant and set with a token for all tenants alone', async () => {
    const { t, api } = await newTenant({ devices: 5 });
    const { quotas, limits } = await api.get(`${t}/limits`);
    assert.deepEqual(quotas.devices, { used: 0, limit: 5 });
    assert.deepEqual(quotas.sites, { used: 0, limit: 5000 });
    assert.deepEqual(limits, { devices: 5 });
    assert.equal((await api.call('PUT', `${t}/limits`, { body: { devices: 6 } })).status, 403);
    assert.equal((await admin.call('PUT', `${t}/limits`, { body: { devices: -1 } })).status, 400);
    assert.equal((await admin.call('PUT', `${t}/limits`, { body: { deviecs: 1 } })).status, 400);
    const [entry] = (await admin.get(`${t}/audit`)).items;
    assert.deepEqual([entry.action, entry.after], ['tenant.limits', { devices: 5 }]);
  });

  it('of devices: exactly as many of many at once as the limit allows, and room again after a removal', async () => {
    const { t, api } = await newTenant({ devices: 3 });
    const add = (n) => api.call('PUT', `${t}/devices/${mac(n)}`, { body: { model: 'KX-UTG300B' } });
    assert.equal((await add(1)).status, 200);
    const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => add(n + 2)));
    assert.equal(answers.filter((answer) => answer.status === 200).length, 2);
    const refused = answers.filter((answer) => answer.status !== 200);
    assertOver(refused[0], 'devices', 3, 3);
    assert.equal((await api.get(`${t}/devices`)).items.length, 3);
    const { items } = await api.get(`${t}/devices`);
    await api.delete(`${t}/devices/${items[0].mac}`);
    assert.equal((await add(20)).status, 200);
    // A refused one leaves nothing, not even an entry.
    const entries = (await api.get(`${t}/audit?limit=200`)).items.filter((item) => item.action === 'device.create');
    assert.equal(entries.length, 4);
    // Lowering removes nothing, and what needs no more goes on.
    await admin.put(`${t}/limits`, { devices: 1 });
    assertOver(await add(21), 'devices', 3, 1);
    assert.equal((await api.call('PUT', `${t}/devices/${mac(20)}`, { body: { model: 'KX-UTG300B', label: 'x' } })).status, 200);
  });

  it('of sites, models, templates and tokens', async () => {
    const { tenant, t, api } = await newTenant({ sites: 1, models: 1, tokens: 1, template_bytes: 300 });
    const site = (name) => api.call('POST', `${t}/sites`, { body: { name } });
    assert.equal((await site('a')).status, 201);
    assertOver(await site('b'), 'sites', 1, 1);
    const model = (name) => api.call('PUT', `${t}/models/${name}`, { body: { family: 'utg' } });
    assert.equal((await model('KX-UTG300B')).status, 200);
    assertOver(await model('KX-UTG200B'), 'models', 1, 1);
    assertOver(await api.call('PUT', `${t}/devices/${mac(1)}`, { body: { model: 'KX-UTG200B' } }), 'models', 1, 1);
    const template = (bytes) => api.call('PUT', `${t}/templates/standard/hdv`, { body: { source: `{# ${'x'.repeat(bytes)} #}` } });
    assert.equal((await template(200)).status, 200);
    assertOver(await template(400), 'template_bytes', 206, 300);
    assertOver(await admin.call('POST', '/tokens', { body: { name: 'x', access: 'read', tenant } }), 'tokens', 1, 1);
  });

  it('of settings: their bytes, over all layers; less is always taken', async () => {
    const { t, api } = await newTenant({ settings_bytes: 3000 });
    const put = (path, bytes) => api.call('PUT', `${t}/${path}`, { body: { settings: { TEXT: 'x'.repeat(bytes) } } });
    assert.equal((await put('settings', 1800)).status, 200);
    await api.put(`${t}/devices/${mac(1)}`, { model: 'KX-UTG300B' });
    assertOver(await put(`devices/${mac(1)}/settings`, 1800), 'settings_bytes', 1804, 3000);
    assertOver(
      await api.call('PUT', `${t}/devices/${mac(2)}`, { body: { model: 'KX-UTG300B', settings: { TEXT: 'x'.repeat(1800) } } }),
      'settings_bytes',
      1804,
      3000,
    );
    assert.equal((await put(`devices/${mac(1)}/settings`, 1000)).status, 200);
    await admin.put(`${t}/limits`, { settings_bytes: 100 });
    assertOver(await put('settings', 1801), 'settings_bytes', 2808, 100);
    assert.equal((await put('settings', 1700)).status, 200);
    await api.delete(`${t}/devices/${mac(1)}`);
    assert.equal((await api.get(`${t}/limits`)).quotas.settings_bytes.used, 1704);
  });

  it("of the audit log bind the tenant's own tokens, and no operator of all tenants", async () => {
    const { t, api } = await newTenant({ audit_bytes: 9000 });
    const site = (by) => by.call('POST', `${t}/sites`, { body: { name: `Site ${(number += 1)}` } });
    let answer;
    for (let count = 0; count < 300 && answer?.status !== 409; count += 1) answer = await site(api);
    assert.equal(answer.body.quota, 'audit_bytes');
    assert.match(answer.body.detail, /exports and cuts the audit log, or raises the limit/);
    const { used } = (await admin.get(`${t}/limits`)).quotas.audit_bytes;
    assert.ok(used <= 9000 && used > 8900, String(used));
    // What is done first and entered afterwards is not done.
    await admin.put(`${t}/destinations`, { destinations: { domains: ['pbx.example'], networks: [] } });
    await admin.put(`${t}/devices/${mac(1)}`, { model: 'KX-UTG300B', settings: { NOTIFY_AOR: 'sip:101@pbx.example' } });
    assert.equal((await api.call('POST', `${t}/devices/${mac(1)}/notify`, { body: {} })).body.quota, 'audit_bytes');
    assert.equal((await admin.get(`${t}/jobs`)).items.length, 0);
    assert.equal((await site(admin)).status, 201);
    await admin.put(`${t}/limits`, {});
    assert.equal((await site(api)).status, 201);
  });
});
