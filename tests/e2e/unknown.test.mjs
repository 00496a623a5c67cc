// A phone that nobody entered: it gets the one refusal, its tenant sees it with what it says of itself, one call
// makes it a device, and its next request gets the one-time file. A scan fills no table.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { rawRequest, withoutRequestId } from '../support/worker/raw.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedDevice, seedTenant } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

const PANASONIC = {
  mac: '0080F0C8C381',
  agent: 'Panasonic_KX-UT113/01.133 (0080f0c8c381)',
  name: 'Config0080F0C8C381.cfg',
  guess: { vendor: 'Panasonic', family: 'ut', model: 'KX-UT113', firmware: '01.133' },
};
const GRANDSTREAM = {
  mac: 'C074AD2BD859',
  agent: 'Grandstream Model HW GXP1628 SW 1.0.4.138 DevId c074ad2bd859',
  name: 'cfgc074ad2bd859.xml',
  guess: { vendor: 'Grandstream', family: 'gxp', model: 'GXP1628', firmware: '1.0.4.138' },
};
const SNOM = {
  mac: '000413922D24',
  agent: 'Mozilla/4.0 (compatible; snomD785-SIP 10.1.33.33 2010.12-00004-g9ba52f5 000413922D24 SXM:0 UXM:0)',
  name: 'snomD785-000413922D24.htm',
  guess: { vendor: 'Snom', family: 'snom', model: 'snomD785', firmware: '10.1.33.33' },
};
const PHONES = { PANASONIC, GRANDSTREAM, SNOM };

describe('a phone that nobody entered', () => {
  let worker;
  let api;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
    api = new Api(worker);
  });
  after(() => worker?.stop());

  /** A tenant as an operator makes it, with the client of a token of its own. */
  async function newTenant(options = {}) {
    const { id } = await api.post('/tenants', { name: `Tenant ${Math.random()}`, options });
    const t = `/tenants/${id}`;
    const { segment } = await api.post(`${t}/access-paths`, { label: 'all' });
    const { token } = await api.post('/tokens', { name: 'own', access: 'write', tenant: id });
    return { id, t, segment, api: new Api(worker, token) };
  }
  const ask = (tenant, name, agent, more = []) =>
    rawRequest(worker.port, `/${tenant.segment ?? tenant.accessPath}/${name}`, {
      headers: [...(agent === undefined ? [] : [['User-Agent', agent]]), ...more],
    });
  const listed = (tenant, count) =>
    eventually(
      async () => (await api.get(`/tenants/${tenant.id}/unknown`)).items,
      (items) => items.length === count,
      `${count} unknown phones`,
    );
  /** Until nothing is written any more: what an isolate has collected waits for a second at most. */
  const settled = () => new Promise((resolve) => setTimeout(resolve, 1300));

  for (const [vendor, phone] of Object.entries(PHONES)) {
    it(`${vendor}: is refused, shown with its guess, adopted, and then gets its file`, async () => {
      const tenant = await newTenant();
      const known = await ask(tenant, 'Config0080F0FFFFFF.cfg', 'nobody');
      const refused = await ask(tenant, phone.name, phone.agent, [['CF-Connecting-IP', '192.0.2.7']]);
      assert.equal(refused.status, 404);
      assert.equal(withoutRequestId(refused), withoutRequestId(known));
      const items = await listed(tenant, 2);
      const item = items.find((one) => one.mac === phone.mac);
      assert.deepEqual(item.guess, phone.guess);
      assert.deepEqual([item.times, item.path, item.last_seen.address], [1, phone.name, '192.0.2.7']);
      assert.equal(item.last_seen.user_agent, phone.agent);
      assert.ok(item.first_seen_at > 0 && item.first_seen_at === item.last_seen.at);
      // The event has it too.
      const event = (await api.get(`${tenant.t}/events?device=${phone.mac}`)).items[0];
      assert.deepEqual([event.reason, event.device], ['unknown_device', null]);
      assert.deepEqual(event.detail.guess, { ...phone.guess, mac: phone.mac });

      const lower = phone.mac.toLowerCase().match(/../g).join(':');
      const answer = await tenant.api.call('POST', `${tenant.t}/unknown/${lower}/adopt`, { body: { label: 'Desk' } });
      assert.equal(answer.status, 201, answer.text);
      const { model, family, label, key } = answer.body;
      assert.deepEqual([model, family, label], [phone.guess.model, phone.guess.family, 'Desk']);
      assert.deepEqual([key.state, key.bootstrap_waits], ['armed', true]);
      assert.match(answer.headers.get('etag'), /^"1"$/);
      await listed(tenant, 1);
      const [entry] = (await api.get(`${tenant.t}/audit`)).items;
      assert.deepEqual([entry.action, entry.object], ['device.create', `devices/${phone.mac}`]);

      const file = await ask(tenant, phone.name, phone.agent);
      assert.equal(file.status, 200);
      await settled();
      assert.equal((await api.get(`${tenant.t}/unknown`)).items.length, 1);
      const again = await tenant.api.call('POST', `${tenant.t}/unknown/${phone.mac}/adopt`, {});
      assert.equal(again.status, 409);
    });
  }

  it('that is sealed boots with its one-time file and gets sealed ones from then on', async () => {
    const tenant = await newTenant({ state_dependent_names: true });
    const agent = 'Panasonic_KX-UTG300B/01.133 (0080f0c571eb)';
    const own = '0080F0C571EB';
    assert.equal((await ask(tenant, `Initial${own}.cfg`, agent)).status, 404);
    await listed(tenant, 1);
    await tenant.api.post(`${tenant.t}/unknown/${own}/adopt`);
    assert.match((await ask(tenant, `Initial${own}.cfg`, agent)).body.toString(), new RegExp(`Config${own}\\.cfg`));
    assert.equal((await ask(tenant, `Config${own}.cfg`, agent)).status, 200);
    assert.equal((await ask(tenant, `Config${own}.cfg`, agent)).status, 404);
    assert.equal((await ask(tenant, `Config${own}.enc`, agent)).status, 200);
    assert.equal((await api.get(`${tenant.t}/devices/${own}`)).key.generation, 1);
  });

  it('takes what the operator says before what it says itself', async () => {
    const tenant = await newTenant();
    const site = (await api.post(`${tenant.t}/sites`, { name: 'Quay' })).id;
    await ask(tenant, PANASONIC.name, PANASONIC.agent);
    await listed(tenant, 1);
    const adopt = (body) => tenant.api.call('POST', `${tenant.t}/unknown/${PANASONIC.mac}/adopt`, { body });
    assert.equal((await adopt({ site: 'nowhere' })).status, 422);
    assert.equal((await adopt({ family: 'utg' })).status, 400);
    const answer = await adopt({ model: 'KX-UTG300B', site, settings: { standard_Prov_X: '1' } });
    assert.equal(answer.status, 201, answer.text);
    const { model, family, site: at } = answer.body;
    assert.deepEqual([model, family, at], ['KX-UTG300B', 'utg', site]);
    const { settings } = await api.get(`${tenant.t}/devices/${PANASONIC.mac}/settings`);
    assert.deepEqual(settings, { standard_Prov_X: '1' });
  });

  it('of which nothing says the model, or of a model that suggests no family, is adopted with a word of the operator', async () => {
    const tenant = await newTenant();
    await ask(tenant, `Config${mac(1)}.cfg`, 'curl/8.5.0');
    await ask(tenant, `Config${mac(2)}.cfg`, `Fanvil AABBCCDDEEFF 0.0.10 ${mac(2).toLowerCase()}`);
    await ask(tenant, `Config${mac(3)}.cfg`, `Nobody`);
    await ask(tenant, `Config${mac(4)}.cfg`, `Fanvil X6U Pro 0.0.10 ${mac(4).toLowerCase()}`);
    const items = await listed(tenant, 4);
    const guessed = [2, 4].map((number) => items.find((one) => one.mac === mac(number)).guess.model);
    assert.deepEqual(guessed, ['AABBCCDDEEFF', 'X6U Pro']);
    const adopt = (number, body) => tenant.api.call('POST', `${tenant.t}/unknown/${mac(number)}/adopt`, { body });
    for (const [number, body, text] of [
      [1, {}, /does not say which model.*say `model`/],
      [2, {}, /say `model`/],
      [3, { model: 'IP335' }, /suggests no family. Add the model with its `family`/],
    ]) {
      const answer = await adopt(number, body);
      assert.equal(answer.status, 422, answer.text);
      assert.match(answer.body.detail, text);
    }
    await listed(tenant, 4);
    // No name of a file has blanks.
    assert.equal((await adopt(4, {})).body.model, 'X6U-Pro');
    await api.put(`${tenant.t}/models/IP335`, { family: 'ut' });
    assert.equal((await adopt(3, { model: 'IP335' })).status, 201);
    assert.equal((await adopt(1, { model: 'KX-UT113' })).status, 201);
    await listed(tenant, 1);
  });

  it('that asks by its model alone is known by the MAC that it names itself', async () => {
    const tenant = await newTenant();
    assert.equal((await ask(tenant, 'KX-UT113.cfg', PANASONIC.agent)).status, 404);
    const [item] = await listed(tenant, 1);
    assert.deepEqual([item.mac, item.guess, item.path], [PANASONIC.mac, PANASONIC.guess, 'KX-UT113.cfg']);
    // Not where the device is there: then somebody has set a wrong name.
    await tenant.api.post(`${tenant.t}/unknown/${PANASONIC.mac}/adopt`, { model: 'KX-UT133' });
    assert.equal((await ask(tenant, 'KX-UT113.cfg', PANASONIC.agent)).status, 404);
    await settled();
    await listed(tenant, 0);
  });

  it('is counted as often as it comes, by whatever name, until it is dismissed', async () => {
    const tenant = await newTenant();
    for (const name of ['cfgc074ad2bd859', 'cfgc074ad2bd859.xml', 'cfg.xml', 'cfgC074AD2BD859.xml'])
      await ask(tenant, name, GRANDSTREAM.agent);
    const [item] = await eventually(
      async () => (await api.get(`${tenant.t}/unknown`)).items,
      ([one]) => one?.times === 4,
    );
    assert.deepEqual([item.mac, item.guess], [GRANDSTREAM.mac, GRANDSTREAM.guess]);
    assert.ok(item.first_seen_at <= item.last_seen.at);
    const path = `${tenant.t}/unknown/${GRANDSTREAM.mac}`;
    assert.equal((await tenant.api.call('DELETE', path)).status, 204);
    await listed(tenant, 0);
    const [entry] = (await api.get(`${tenant.t}/audit`)).items;
    assert.deepEqual([entry.action, entry.object], ['unknown.dismiss', `unknown/${GRANDSTREAM.mac}`]);
    assert.equal((await tenant.api.call('DELETE', path)).status, 404);
    await ask(tenant, GRANDSTREAM.name, GRANDSTREAM.agent);
    assert.equal((await listed(tenant, 1))[0].times, 1);
  });

  it('leaves the list when its device is added in another way, or comes from another tenant', async () => {
    const [tenant, other] = [await newTenant(), await newTenant()];
    await ask(tenant, PANASONIC.name, PANASONIC.agent);
    await ask(tenant, SNOM.name, SNOM.agent);
    await listed(tenant, 2);
    await api.put(`${tenant.t}/devices/${PANASONIC.mac}`, { model: 'KX-UT113' });
    await listed(tenant, 1);
    await api.put(`${other.t}/devices/${SNOM.mac}`, { model: 'snomD785' });
    await api.post(`${other.t}/devices/${SNOM.mac}/move`, { tenant: tenant.id });
    await listed(tenant, 0);
    // The phone still asks where it was.
    await ask(other, SNOM.name, SNOM.agent);
    await settled();
    await listed(other, 0);
    // A device that was removed and goes on asking is unknown.
    await api.delete(`${tenant.t}/devices/${PANASONIC.mac}`);
    await ask(tenant, PANASONIC.name, PANASONIC.agent);
    await listed(tenant, 1);
  });

  it('is nobody’s but its tenant’s', async () => {
    const [tenant, other] = [await newTenant(), await newTenant()];
    await ask(tenant, PANASONIC.name, PANASONIC.agent);
    await listed(tenant, 1);
    const list = `${tenant.t}/unknown`;
    const { token } = await api.post('/tokens', { name: 'reads', access: 'read', tenant: tenant.id });
    const reads = new Api(worker, token);
    assert.equal((await reads.call('GET', list)).status, 200);
    for (const [by, method, path, status] of [
      [other.api, 'GET', list, 404],
      [other.api, 'POST', `${list}/${PANASONIC.mac}/adopt`, 404],
      [other.api, 'DELETE', `${list}/${PANASONIC.mac}`, 404],
      [reads, 'POST', `${list}/${PANASONIC.mac}/adopt`, 403],
      [reads, 'DELETE', `${list}/${PANASONIC.mac}`, 403],
      [new Api(worker, null), 'GET', list, 401],
      [tenant.api, 'POST', `${list}/nobody/adopt`, 400],
      [tenant.api, 'DELETE', `${list}/FFFFFFFFFFFF`, 400],
      [tenant.api, 'POST', `${list}/${mac(9)}/adopt`, 404],
      [api, 'POST', `/tenants/01JD0000000000000000000000/unknown/${mac(9)}/adopt`, 404],
      [tenant.api, 'GET', `${list}?cursor=x`, 400],
    ]) {
      const answer = await by.call(method, path, method === 'POST' ? { body: {} } : {});
      assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
    }
    await listed(tenant, 1);
    await listed(other, 0);
    assert.equal((await ask(tenant, PANASONIC.name, PANASONIC.agent)).status, 404);
  });

  it('is no phone where no access path is known, or where it is closed', async () => {
    const closed = await seedTenant(worker);
    await worker.sql('UPDATE access_paths SET expires_at = 1 WHERE tenant_id = ?1', closed.id);
    await ask(closed, PANASONIC.name, PANASONIC.agent);
    await rawRequest(worker.port, `/nobody/${PANASONIC.name}`, { headers: [['User-Agent', PANASONIC.agent]] });
    await settled();
    assert.deepEqual(await worker.sql('SELECT * FROM unknown_phones WHERE mac = ?1 AND tenant_id = ?2', PANASONIC.mac, closed.id), []);
  });

  it('is listed in pages, the last one seen first', async () => {
    const tenant = await newTenant();
    for (let number = 1; number <= 5; number += 1) await ask(tenant, `Config${mac(number)}.cfg`, `Htek UC903 2.0.4.2 ${mac(number)}`);
    await listed(tenant, 5);
    const found = [];
    for (let cursor = ''; cursor !== null;) {
      const page = await api.get(`${tenant.t}/unknown?limit=2${cursor && `&cursor=${cursor}`}`);
      assert.ok(page.items.length <= 2);
      found.push(...page.items);
      cursor = page.next;
    }
    assert.equal(new Set(found.map((one) => one.mac)).size, 5);
    const times = found.map((one) => one.last_seen.at);
    assert.deepEqual(
      times,
      [...times].sort((a, b) => b - a),
    );
  });

  it('says nothing that is not printable or without end', async () => {
    const tenant = await newTenant();
    const hostile = [
      `Panasonic_${'A'.repeat(8000)}/01.133`,
      `Panasonic_KX-UT113/01.133${' '.repeat(8000)}(0080f0c8c381)`,
      'Fanvil ' + 'a '.repeat(4000),
      'Htek \u00e9\u0085\u009b2J\u00ff 1.0',
      'Mozilla/4.0 (compatible; ' + '-SIP '.repeat(1500),
    ];
    for (const [number, agent] of hostile.entries()) {
      const begun = Date.now();
      assert.equal((await ask(tenant, `Config${mac(number)}.cfg`, agent)).status, 404);
      assert.ok(Date.now() - begun < 5000);
    }
    const text = JSON.stringify(await listed(tenant, hostile.length));
    assert.ok(text.length < 5000 && !/\\u00[01]/.test(text), text);
  });

  it('does not come from a scan: that fills no table, pushes nobody out, and writes a bounded number of rows', async () => {
    // Ten thousand come to the statements themselves, in src/store/unknown.rs.
    const SCAN = 2_000;
    const tenant = await seedTenant(worker, { options: { events_per_minute: 100_000 } });
    const device = await seedDevice(worker, tenant, { mac: mac(0xffffff), state: 'confirmed' });
    const phones = [PANASONIC, GRANDSTREAM, SNOM];
    for (const turn of [1, 2]) {
      for (const phone of phones) await ask(tenant, phone.name, phone.agent);
      await listed(tenant, phones.length * Math.min(turn, 1));
    }
    await settled();
    const first = Math.floor(Date.now() / 60_000);
    // What is written together stays within what one request has on the plan that costs nothing.
    await worker.probe({ reset: true, d1Most: 50 });
    // Over connections that stay open, many at a time, as somebody scans who wants to be done.
    const scan = async (from, agent) => {
      let next = from;
      let refused = 0;
      const scanner = async () => {
        while (next < from + SCAN / 2) {
          const own = mac(next);
          next += 1;
          const answer = await fetch(new URL(tenant.path(`Config${own}.cfg`), worker.http), { headers: { 'User-Agent': agent(own) } });
          await answer.arrayBuffer();
          if (answer.status === 404) refused += 1;
        }
      };
      await Promise.all(Array.from({ length: 32 }, scanner));
      assert.equal(refused, SCAN / 2, 'each of them is refused');
    };
    await scan(0, () => 'curl/8.5.0');
    await scan(SCAN / 2, (own) => `Panasonic_KX-UT113/01.133 (${own.toLowerCase()})`);
    await settled();
    const minutes = Math.floor(Date.now() / 60_000) - first + 1;
    const rows = await worker.sql('SELECT mac, standing FROM unknown_phones WHERE tenant_id = ?1', tenant.id);
    assert.ok(rows.length <= 200 + phones.length, `${rows.length} rows`);
    assert.ok(rows.length <= 100 * minutes + phones.length, `${rows.length} rows in ${minutes} minutes`);
    for (const phone of phones) assert.ok(rows.some((row) => row.mac === phone.mac && row.standing === 2));
    assert.ok(!rows.some((row) => row.mac === device.mac));
    const added = await worker.sql('SELECT sum(new_phones) AS n FROM event_minutes WHERE tenant_id = ?1', tenant.id);
    // Those that come at once may each find the same room; a statement after the other does not.
    assert.ok(added[0].n <= 100 * (minutes + 1) + phones.length, `${added[0].n} were added`);
    const { sql, d1MostOfOne } = await worker.probe({ reset: true, d1Most: null });
    assert.ok(d1MostOfOne > 3 && d1MostOfOne <= 50, `${d1MostOfOne} statements of one request`);
    assert.deepEqual(
      worker.logLines().filter(({ message }) => message === 'events_not_written'),
      [],
    );
    const trims = sql.filter((text) => /^DELETE FROM unknown_phones/.test(text)).length;
    assert.ok(trims <= 100 * minutes, `${trims} times somebody fell out`);
    const items = (await api.get(`/tenants/${tenant.id}/unknown?limit=200`)).items;
    assert.ok(items.length > 0);
  });

  it('is not noted where the minute has no room for events, and never before the answer', async () => {
    const tenant = await newTenant({ events_per_minute: 0 });
    const { token } = tenant.api;
    assert.ok(token);
    await ask(tenant, PANASONIC.name, PANASONIC.agent);
    await ask(tenant, PANASONIC.name, PANASONIC.agent);
    await settled();
    await listed(tenant, 0);
    const loud = await newTenant();
    await ask(loud, PANASONIC.name, PANASONIC.agent);
    await worker.probe({ reset: true });
    await ask(loud, PANASONIC.name, PANASONIC.agent);
    await settled();
    const { sql } = await worker.probe({ reset: true });
    const names = sql.map((text) => text.split(' ').slice(0, 3).join(' '));
    const begin = names.indexOf('INSERT INTO event_minutes');
    assert.ok(begin > 0 && !names.slice(0, begin).some((text) => /^(INSERT|UPDATE|DELETE)/.test(text)), names.join('; '));
    assert.deepEqual(names.slice(begin, begin + 4), [
      'INSERT INTO event_minutes',
      'INSERT INTO phone_events',
      'INSERT INTO unknown_phones',
      'UPDATE event_minutes SET',
    ]);
  });

  it('that has not asked for as long as events are kept is forgotten by the cron trigger', async () => {
    const tenant = await newTenant({ event_retention_days: 2 });
    for (const phone of [PANASONIC, SNOM]) await ask(tenant, phone.name, phone.agent);
    await listed(tenant, 2);
    await worker.sql(
      'UPDATE unknown_phones SET last_at = ?2 WHERE tenant_id = ?1 AND mac = ?3',
      tenant.id,
      Date.now() - 3 * 24 * 3600_000,
      SNOM.mac,
    );
    await worker.ask('scheduled', {});
    const [item] = await listed(tenant, 1);
    assert.equal(item.mac, PANASONIC.mac);
  });
});
