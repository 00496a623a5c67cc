// How often a call of the API goes to D1, one time after the other, before it answers: what makes it slow
// where the database is far away. Each has a bound, and what it does is said in docs/limits-costs.md.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { ROOT } from '../support/config.mjs';
import { standardTemplate } from '../support/worker/content.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedTenant } from '../support/worker/seed.mjs';

const MODEL = 'KX-UTG300B';
/** The audit chain goes on after the answer, and is no part of it. */
const CHAIN = /audit_head|audit_chain|FROM audit WHERE number/;

/** The table of docs/limits-costs.md: each call with its round trips of today. */
function table() {
  const text = readFileSync(join(ROOT, 'docs/limits-costs.md'), 'utf8');
  const [, rows] = text.match(/^\| call \| round trips \| at first \|\n\|---\|---\|---\|\n((?:\|.*\n)+)/m);
  return new Map([...rows.matchAll(/^\| (.+?) \| (\d+) \| (?:\d+|new) \|$/gm)].map(([, what, now]) => [what, now]));
}

describe('round trips to D1', () => {
  let worker;
  let t;
  let calls;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
    const admin = new Api(worker);
    const tenant = await seedTenant(worker, { name: 'Harbour' });
    const other = await seedTenant(worker);
    t = `/tenants/${tenant.id}`;
    const own = new Api(worker, (await admin.post('/tokens', { name: 'own', access: 'write', tenant: tenant.id })).token);
    await tenant.get(`Config${mac(4)}.cfg`);
    const site = (await admin.post(`${t}/sites`, { name: 'Quay' })).id;
    const device = `${t}/devices/${mac(1)}`;
    const body = { model: MODEL, site, settings: { X: '1' } };
    // One that can be notified: nobody sends, so the pool's object asks D1 nothing meanwhile.
    const notified = `${t}/devices/${mac(5)}`;
    await admin.put(notified, { model: MODEL, settings: { NOTIFY_AOR: 'sip:205@pbx.example' } });
    const batch = Array.from({ length: 10 }, (_, n) => ({ mac: mac(11 + n), model: MODEL, site }));
    const path = await admin.post(`${t}/access-paths`, { label: 'new' });
    const target = `${t}/access-paths/${path.id}/target`;
    calls = [
      ['a device is added', 4, own, 'PUT', device, body],
      ['a device is added by POST', 4, own, 'POST', `${t}/devices`, { mac: mac(2), ...body }],
      ['a device is added with its model', 4, own, 'PUT', `${t}/devices/${mac(3)}`, { ...body, model: 'KX-UTG200B' }],
      ['an unknown phone is adopted', 5, own, 'POST', `${t}/unknown/${mac(4)}/adopt`, { model: MODEL, site }],
      ['a device is changed', 4, own, 'PUT', device, { ...body, label: 'x' }],
      ['the same change once more', 2, own, 'PUT', device, { ...body, label: 'x' }],
      ["a device's settings are changed", 4, own, 'PUT', `${device}/settings`, { settings: { X: '2' } }],
      ["a site's settings are changed", 7, own, 'PUT', `${t}/sites/${site}/settings`, { settings: { Y: '2' } }],
      ["a tenant's settings are changed", 7, own, 'PUT', `${t}/settings`, { settings: { Z: '2' } }],
      ['a template is changed', 10, own, 'PUT', `${t}/templates/standard/utg`, { source: standardTemplate(1000) }],
      ['a model is added', 8, own, 'PUT', `${t}/models/KX-UTG100B`, { family: 'utg' }],
      ["a tenant's options are changed", 8, own, 'PUT', t, { name: 'Harbour', options: { events_per_minute: 77 } }],
      ['ten devices are added as a batch', 4, own, 'POST', `${t}/device-batch`, { devices: batch }],
      ['a phone is notified', 7, own, 'POST', `${notified}/notify`, {}],
      ['a rollout is started', 7, own, 'POST', `${t}/rollouts`, { selection: { macs: [mac(5)] } }],
      ['phones are told to move to an access path', 7, own, 'PUT', target, { url: path.url }],
      ['how far they have moved is shown', 3, own, 'GET', target],
      ['a device is shown', 2, own, 'GET', device],
      ['a file is previewed', 4, own, 'GET', `${device}/files/standard/preview`],
      ['a device is re-keyed', 7, own, 'POST', `${device}/rekey`, {}],
      ['a device moves', 13, admin, 'POST', `${device}/move`, { tenant: other.id }],
      ['a device is removed', 5, own, 'DELETE', `${t}/devices/${mac(2)}`],
    ];
  });
  after(() => worker?.stop());

  it('are as many as the documents say', async (context) => {
    const documented = table();
    const found = {};
    for (const [what, , by, method, path, more] of calls) {
      // What the call before left to do is done.
      await new Promise((resolve) => setTimeout(resolve, 500));
      await worker.probe({ reset: true });
      const answer = await by.call(method, path, more ? { body: more } : {});
      assert.ok(answer.status < 300, `${what}: ${answer.text}`);
      const { trips } = await worker.probe({});
      found[what] = trips.filter((statements) => !statements.some((sql) => CHAIN.test(sql))).length;
    }
    context.diagnostic(JSON.stringify(found));
    for (const [what, bound] of calls) {
      assert.equal(found[what], bound, what);
      assert.equal(documented.get(what), String(bound), `docs/limits-costs.md does not say: ${what}, ${bound}`);
    }
    assert.equal(documented.size, calls.length, 'the table of docs/limits-costs.md has calls that nobody counts');
  });
});
