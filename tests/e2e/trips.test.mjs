// How often one call of the API goes to D1, one time after the other, before it answers.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from './support/api.mjs';
import { Ringfence } from './support/ringfence.mjs';
import { mac, seedTenant } from './support/seed.mjs';

const MODEL = 'KX-UTG300B';

describe('calls of D1', () => {
  let worker;
  let admin;
  let api;
  let t;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
    admin = new Api(worker);
    const tenant = await seedTenant(worker);
    t = `/tenants/${tenant.id}`;
    api = new Api(worker, (await admin.post('/tokens', { name: 'own', access: 'write', tenant: tenant.id })).token);
  });
  after(() => worker?.stop());

  it('count', async (t0) => {
    const site = (await admin.post(`${t}/sites`, { name: 'Quay' })).id;
    const device = `${t}/devices/${mac(1)}`;
    const body = { model: MODEL, site, settings: { X: '1' } };
    const other = await seedTenant(worker);
    const rows = [];
    for (const [what, by, method, path, more] of [
      ['add a device', api, 'PUT', device, body],
      ['add a device (POST)', api, 'POST', `${t}/devices`, { mac: mac(2), ...body }],
      ['add a device, for all tenants', admin, 'PUT', `${t}/devices/${mac(3)}`, body],
      ['change a device', api, 'PUT', device, { ...body, label: 'x' }],
      ['the same once more', api, 'PUT', device, { ...body, label: 'x' }],
      ['change its settings', api, 'PUT', `${device}/settings`, { settings: { X: '2' } }],
      ['change a site', api, 'PUT', `${t}/sites/${site}/settings`, { settings: { Y: '2' } }],
      ['change a tenant', api, 'PUT', `${t}/settings`, { settings: { Z: '2' } }],
      ['preview', api, 'GET', `${device}/files/standard/preview`],
      ['lint', api, 'GET', `${device}/lint`],
      ['show a device', api, 'GET', device],
      ['re-key', api, 'POST', `${device}/rekey`, {}],
      ['move a device', admin, 'POST', `${device}/move`, { tenant: other.id }],
      ['remove a device', api, 'DELETE', `${t}/devices/${mac(2)}`],
    ]) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      await worker.probe({ reset: true });
      const answer = await by.call(method, path, more ? { body: more } : {});
      const counts = await worker.probe({});
      assert.ok(answer.status < 300, `${what}: ${answer.text}`);
      if (process.env.SHOW === what) t0.diagnostic(counts.sql.map((s) => s.slice(0, 150)).join(' ;; '));
      rows.push([what, counts.d1Calls, counts.d1Statements]);
    }
    t0.diagnostic(rows.map((row) => row.join(' | ')).join('\n'));
  });
});
