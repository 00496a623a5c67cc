// Tenants who share a pool: each addresses its own phones only, whatever it writes into its settings.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { untilJobEnded, addPhone, QUICK } from '../support/relay/notify.mjs';
import { FakeRelay } from '../support/relay/relay.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { seedTenant, ulid } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

describe('tenants in one pool', () => {
  let worker;
  let api;
  const open = [];
  before(async () => {
    worker = await Ringfence.start();
    api = new Api(worker);
  });
  afterEach(async () => {
    for (const close of open.splice(0)) await close();
  });
  after(() => worker?.stop());

  /** A pool with a relay, and two tenants in it with a phone each. */
  async function neighbours(options = {}) {
    const pool = await api.post('/pools', { name: `Pool ${ulid()}`, options: { ...QUICK, ...options } });
    const { credential } = await api.post(`/pools/${pool.id}/relays`, { name: 'one' });
    const relay = await FakeRelay.connect(worker, credential);
    open.push(() => relay.close());
    const tenants = [];
    for (const user of ['101', '201']) {
      const tenant = await seedTenant(worker, {});
      await api.put(`/tenants/${tenant.id}/pool`, { pool: pool.id });
      const device = await addPhone(worker, tenant, { NOTIFY_AOR: `sip:${user}@pbx.test` });
      const at = `/tenants/${tenant.id}`;
      tenants.push({
        tenant,
        device,
        at,
        notify: () => api.call('POST', `${at}/devices/${device.mac}/notify`, { body: {} }),
        set: (settings) => api.call('PUT', `${at}/devices/${device.mac}/settings`, { body: { settings } }),
      });
    }
    return { pool, relay, one: tenants[0], other: tenants[1] };
  }

  const OWN = { domains: ['pbx.test'], networks: ['198.51.100.0/24'] };

  it('are told nobody’s phones until somebody has said whom each may address', async () => {
    const { one, relay } = await neighbours();
    const refused = await one.notify();
    assert.equal(refused.status, 422);
    assert.equal(refused.body.reason, 'tenant_without_destinations');
    assert.match(refused.body.detail, /destinations/);

    const { token } = await api.post('/tokens', { name: 'one', tenant: one.tenant.id, access: 'write' });
    const own = new Api(worker, token);
    assert.equal((await own.call('PUT', `${one.at}/destinations`, { body: { destinations: OWN } })).status, 403);
    const wrong = await api.call('PUT', `${one.at}/destinations`, { body: { destinations: { domains: ['sip:pbx.test'], networks: [] } } });
    assert.equal(wrong.status, 422);
    assert.deepEqual(await api.put(`${one.at}/destinations`, { destinations: OWN }), { destinations: OWN });
    assert.deepEqual(await own.get(`${one.at}/destinations`), { destinations: OWN });
    const [entry] = (await api.get(`${one.at}/audit?limit=1`)).items;
    assert.equal(entry.action, 'tenant.destinations');

    const told = await one.notify();
    assert.equal(told.status, 202);
    await relay.frame('job');
    assert.deepEqual(relay.jobs[0].destinations, OWN);
  });

  it('cannot save what leads to others, nor an address of record that another has, however it is written', async () => {
    const { one, other } = await neighbours();
    for (const { at } of [one, other]) await api.put(`${at}/destinations`, { destinations: OWN });
    for (const [settings, reason] of [
      [{ NOTIFY_AOR: 'sip:101@elsewhere.test' }, 'tenant_destination_not_allowed'],
      [{ NOTIFY_AOR: 'sip:101@pbx.test', NOTIFY_ADDRESS: '203.0.113.7:5060' }, 'tenant_destination_not_allowed'],
      [{ NOTIFY_AOR: 'sip:101@pbx.test', NOTIFY_ROUTE_2: 'sip:203.0.113.7;lr' }, 'tenant_destination_not_allowed'],
      [{ NOTIFY_AOR: 'sip:201@pbx.test' }, 'address_of_another_tenant'],
      [{ NOTIFY_AOR: '201@PBX.test' }, 'address_of_another_tenant'],
      [{ NOTIFY_AOR: '"Mine" <sip:%32%301@pbx.test:5062>;expires=60' }, 'address_of_another_tenant'],
      [{ NOTIFY_AOR_2: { secret: 'sip:201@pbx.test;user=phone' } }, 'address_of_another_tenant'],
    ]) {
      const refused = await one.set(settings);
      assert.deepEqual([refused.status, refused.body.reason], [422, reason], JSON.stringify(settings));
      assert.doesNotMatch(refused.body.detail, /elsewhere|203\.0\.113|201/);
    }
    for (const settings of [
      { NOTIFY_AOR: 'sip:2011@pbx.test' },
      { NOTIFY_AOR: 'sip:101@pbx.test', NOTIFY_ADDRESS: '198.51.100.7:5060', NOTIFY_ROUTE: '<sip:198.51.100.9;lr>' },
    ])
      assert.equal((await one.set(settings)).status, 200, JSON.stringify(settings));
  });

  it('tell nobody by what was stored before: the job ends and says why', async () => {
    const { one, other, relay } = await neighbours();
    for (const { at } of [one, other]) await api.put(`${at}/destinations`, { destinations: OWN });
    const store = (name, value) =>
      worker.sql(
        'INSERT INTO settings (tenant_id, scope, name, value) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET value = ?4',
        one.tenant.id,
        `device:${one.device.id}`,
        name,
        value,
      );
    for (const [name, value, reason] of [
      ['NOTIFY_AOR', 'sip:201@pbx.test', 'address_of_another_tenant'],
      ['NOTIFY_AOR', 'sip:101@elsewhere.test', 'tenant_destination_not_allowed'],
    ]) {
      await store(name, value);
      const refused = await one.notify();
      assert.deepEqual([refused.status, refused.body.reason], [422, reason]);
      const { id } = await api.post(`${one.at}/rollouts`, {});
      const { items } = await eventually(
        () => api.get(`${one.at}/jobs?rollout=${id}`),
        ({ items: [job] }) => job?.ended_at,
      );
      assert.deepEqual([items[0].state, items[0].reason], ['rejected', reason]);
    }
    // What changes between the order and the sending counts too.
    await store('NOTIFY_AOR', 'sip:101@pbx.test');
    await api.put(`/pools/${(await api.get(`${one.at}/pool`)).pool}`, { name: `Pool ${ulid()}`, options: { ...QUICK, change_wait_s: 2 } });
    await worker.sql('UPDATE tenants SET updated_at = ?2, version = version + 1 WHERE id = ?1', one.tenant.id, Date.now());
    const { body } = await one.notify();
    await store('NOTIFY_AOR', 'sip:201@pbx.test');
    const job = await untilJobEnded(api, one.at, body.job.id);
    assert.deepEqual([job.state, job.reason], ['rejected', 'address_of_another_tenant']);
    assert.equal(relay.jobs.length, 0);
  });

  it('are told by their first line where no other may address its domain, and nowhere else', async () => {
    const { one, other, relay } = await neighbours();
    const to = (tenant, domains) => api.put(`${tenant.at}/destinations`, { destinations: { domains, networks: [] } });
    const line = { line_1_user: '201', line_1_domain: 'pbx.test', line_1_password: { secret: 'e3#rl2(&ae#1' } };
    assert.equal((await one.set(line)).status, 200);
    const untold = async () => {
      const refused = await one.notify();
      assert.deepEqual([refused.status, refused.body.reason], [422, 'no_target'], refused.text);
    };
    // Nobody has said whose the domain is; then it is another's; then of both.
    await untold();
    await to(other, ['pbx.test']);
    await untold();
    await to(one, ['*.test', 'pbx.test']);
    await untold();
    const { id } = await api.post(`${one.at}/rollouts`, {});
    const { items } = await eventually(
      () => api.get(`${one.at}/jobs?rollout=${id}`),
      ({ items: [last] }) => last?.ended_at,
    );
    assert.deepEqual([items[0].state, items[0].reason], ['rejected', 'no_target']);
    assert.equal(relay.jobs.length, 0);
    await to(other, ['*.pbx.test', 'other.test']);
    assert.equal((await one.notify()).status, 202);
    await relay.frame('job');
    const [job] = relay.jobs;
    assert.equal(job.target.aor, 'sip:201@pbx.test');
    assert.equal(job.credentials.username, '201');
    // The other one has the same address in a setting of before, and tells nobody by it.
    const refused = await other.notify();
    assert.deepEqual([refused.status, refused.body.reason], [422, 'tenant_destination_not_allowed']);
    // As soon as it may address the domain again, nobody's line stands in.
    await to(other, ['*.test']);
    await untold();
    assert.equal(relay.jobs.length, 1);
  });

  it('need no list where they trust one another, and one alone needs none', async () => {
    const { one, pool } = await neighbours({ trusting: true });
    assert.equal((await one.set({ NOTIFY_AOR: 'sip:201@pbx.test' })).status, 200);
    assert.equal((await one.notify()).status, 202);
    await api.put(`/pools/${pool.id}`, { name: pool.name, options: QUICK });
    assert.equal((await one.set({ NOTIFY_AOR: 'sip:102@pbx.test' })).body.reason, 'tenant_without_destinations');
  });
});
