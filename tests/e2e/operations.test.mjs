// Operations: one change of many devices. Each device is changed once, by the rules of the call for it alone,
// whatever is cut off in the middle, and says what became of it.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedDevices, seedTenant } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

describe('an operation', () => {
  let worker;
  let admin;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
    admin = new Api(worker);
  });
  after(() => worker?.stop());

  /** A tenant with devices 1 to `count`, whose keys were delivered. */
  async function fleet(count, more = {}) {
    const tenant = await seedTenant(worker, more);
    const t = `/tenants/${tenant.id}`;
    const phones = await seedDevices(
      worker,
      tenant,
      Array.from({ length: count }, (_, number) => ({ mac: mac(number + 1), state: 'confirmed' })),
    );
    return { tenant, t, phones };
  }

  const start = async (t, selection, action, more = {}, api = admin) =>
    (await api.post(`${t}/operations`, { selection, action, ...more })).operation;

  const over = (t, id) =>
    eventually(
      () => admin.get(`${t}/operations/${id}`),
      (operation) => operation.state !== 'running' && operation.devices.pending === 0,
      'the end of an operation',
    );

  const outcomes = async (t, id, query = '') => (await admin.get(`${t}/operations/${id}/devices?limit=200${query}`)).items;

  const rows = (tenant) =>
    worker.sql('SELECT mac, generation, key_state, disabled, revision FROM devices WHERE tenant_id = ?1 ORDER BY mac', tenant.id);

  it('says beforehand what it would do, and does nothing', async () => {
    const { t, tenant } = await fleet(3);
    const before = await rows(tenant);
    const said = await admin.post(`${t}/operations?dry_run=true`, { selection: { query: 'state=confirmed' }, action: 'rekey' });
    assert.deepEqual([said.operation, said.devices, said.by_state], [null, 3, { confirmed: 3 }]);
    assert.match(said.message, /new key/);
    const some = await admin.post(`${t}/operations?dry_run=true`, {
      selection: { macs: [mac(1), '00:80:f0:00:00:01', mac(99)] },
      action: 'delete',
    });
    assert.deepEqual([some.devices, some.missing], [1, [mac(99)]]);
    assert.deepEqual(await rows(tenant), before);
    assert.deepEqual((await admin.get(`${t}/operations`)).items, []);
    assert.deepEqual((await admin.get(`${t}/audit`)).items, []);
  });

  it('says beforehand what becomes of the files of the first devices, and writes nothing of it', async () => {
    const { t, tenant } = await fleet(12, { templates: {} });
    // Of one device the setting is there already.
    await admin.put(`${t}/devices/${mac(1)}/settings`, { settings: { ntp: 'ntp.example' } });
    const macs = Array.from({ length: 12 }, (_, number) => mac(number + 1));
    const before = await rows(tenant);
    const audited = (await admin.get(`${t}/audit`)).items.length;
    const tried = (action) => admin.post(`${t}/operations?dry_run=true`, { selection: { macs }, action });
    const { sample, devices } = await tried({ set: { settings: { ntp: 'ntp.example' } } });
    assert.equal(devices, 12);
    assert.deepEqual([sample.devices, sample.changed, sample.refused, sample.cause], [10, 9, 0, null]);
    assert.equal(sample.mac, mac(2));
    const lines = sample.diff.flatMap(({ hunks }) => hunks).flatMap(({ lines }) => lines);
    assert.ok(
      lines.some(({ kind, text }) => kind === 'insert' && text.includes('ntp.example')),
      JSON.stringify(sample.diff),
    );
    const broken = await tried({ set: { settings: { time_zone: 'Nowhere/City' } } });
    assert.deepEqual([broken.sample.devices, broken.sample.refused], [10, 10]);
    assert.ok(broken.sample.cause.length > 10 && !broken.sample.cause.includes('Nowhere'), broken.sample.cause);
    assert.equal((await tried('rekey')).sample, null);
    assert.deepEqual(await rows(tenant), before);
    assert.equal((await admin.get(`${t}/audit`)).items.length, audited);
    assert.deepEqual((await admin.get(`${t}/devices/${mac(2)}/settings`)).settings, {});
  });

  it('gives each device of the selection a new key, once, and publishes a step at once', async () => {
    const { t, tenant, phones } = await fleet(45);
    await tenant.get(`Config${phones[0].mac}.enc`);
    await worker.probe({ reset: true });
    const { id, state, devices } = await start(t, { query: 'state=confirmed' }, 'rekey');
    assert.deepEqual([state, devices.all], ['running', 45]);
    const operation = await over(t, id);
    assert.equal(operation.state, 'done');
    assert.deepEqual(operation.devices, { all: 45, pending: 0, done: 45, unchanged: 0, refused: 0, cancelled: 0 });
    const { kvWrites } = await worker.probe({ reset: true });
    // Three steps of twenty at most and one access path, which is written again where two changes cross.
    assert.ok(kvWrites >= 3 && kvWrites <= 9, `${kvWrites} writes to KV`);
    assert.deepEqual([...new Set((await rows(tenant)).map((row) => `${row.key_state} ${row.generation}`))], ['armed 2']);
    assert.equal((await tenant.get(`Config${phones[0].mac}.enc`)).status, 404, 'what was sealed under the old key is gone');
    const entries = (await admin.get(`${t}/audit?request_id=${id}&limit=200`)).items;
    assert.deepEqual(
      entries.map((entry) => [entry.action, entry.object, entry.token]).toSorted(),
      [
        ['operation.start', `operations/${id}`, 'admin'],
        ...phones.map((phone) => ['device.rekey', `devices/${phone.mac}`, 'admin']),
      ].toSorted(),
    );
    const found = await outcomes(t, id, '&outcome=done');
    assert.deepEqual(found.map((one) => one.mac).toSorted(), phones.map((phone) => phone.mac).toSorted());
    assert.deepEqual(await outcomes(t, id, '&outcome=refused'), []);
    assert.equal((await admin.get('/audit/verify')).broken?.length ?? 0, 0);
  });

  it('writes and removes settings and leaves the others, with a cause where it is refused', async () => {
    const { t } = await fleet(4);
    await admin.put(`${t}/devices/${mac(1)}/settings`, { settings: { NOTE: 'old', KEPT: 'yes', PASS: { secret: 'Tr0ub4dor' } } });
    await admin.put(`${t}/devices/${mac(2)}/settings`, { settings: { NOTE: 'new' } });
    const gone = await start(t, { macs: [1, 2, 3, 4].map((number) => mac(number)) }, { set: { settings: { NOTE: 'new' } } });
    const first = await over(t, gone.id);
    assert.deepEqual([first.devices.done, first.devices.unchanged], [3, 1]);
    assert.deepEqual((await admin.get(`${t}/devices/${mac(1)}/settings`)).settings, { KEPT: 'yes', NOTE: 'new', PASS: { secret: null } });

    const secret = await start(t, { query: '' }, { set: { settings: { NOTE: { secret: 'Tr0ub4dor-9' } } } });
    assert.deepEqual(secret.action, { set: { settings: { NOTE: { secret: null } } } });
    assert.equal((await over(t, secret.id)).devices.done, 4);
    const revealed = await admin.get(`${t}/devices/${mac(3)}/settings?reveal=true`);
    assert.deepEqual(revealed.settings.NOTE, { secret: 'Tr0ub4dor-9' });
    // Its own copy is gone with its end.
    assert.deepEqual(await worker.sql("SELECT * FROM settings WHERE scope LIKE 'device:operation%'"), []);
    for (const table of ['operations', 'operation_devices', 'audit', 'search_devices']) {
      const text = JSON.stringify(await worker.sql(`SELECT * FROM ${table}`));
      assert.ok(!text.includes('Tr0ub4dor'), table);
    }

    const unset = await start(t, { query: '' }, { unset: { names: ['KEPT'] } });
    const last = await over(t, unset.id);
    assert.deepEqual([last.devices.done, last.devices.unchanged], [1, 3]);
    assert.deepEqual(Object.keys((await admin.get(`${t}/devices/${mac(1)}/settings`)).settings), ['NOTE', 'PASS']);
  });

  it('notes of each device why it was refused, and goes on', async () => {
    const { t } = await fleet(3);
    const admits = { line_1_user: '21' };
    // A line with a user and nothing else breaks the file of each of them.
    const { id } = await start(t, { query: '' }, { set: { settings: admits } });
    const operation = await over(t, id);
    assert.equal(operation.state, 'done');
    assert.equal(operation.devices.refused, 3);
    const [one] = await outcomes(t, id, '&outcome=refused');
    const alone = await admin.call('PUT', `${t}/devices/${one.mac}/settings`, { body: { settings: admits } });
    assert.deepEqual([one.cause, one.detail], [alone.body.type.split(/[:/#]/).at(-1), alone.body.detail]);

    // One that is gone when its turn comes.
    const long = await fleet(30);
    const last = long.phones
      .map((phone) => phone.id)
      .toSorted()
      .at(-1);
    const target = long.phones.find((phone) => phone.id === last);
    const gone = await start(long.t, { query: '' }, 'disable');
    await admin.call('DELETE', `${long.t}/devices/${target.mac}`);
    const end = await over(long.t, gone.id);
    const { outcome, cause } = (await outcomes(long.t, gone.id)).find((device) => device.mac === target.mac);
    assert.ok((outcome === 'refused' && cause === 'not-found') || outcome === 'done', outcome);
    assert.equal(end.devices.done + end.devices.refused, 30);
  });

  it('takes devices out of service and back, changes model and site, tells and removes them', async () => {
    const { t, tenant } = await fleet(3);
    const site = (await admin.post(`${t}/sites`, { name: 'Quay' })).id;
    const run = async (action, api = admin) => (await over(t, (await start(t, { query: '' }, action, {}, api)).id)).devices;
    assert.equal((await run('disable')).done, 3);
    assert.ok((await rows(tenant)).every((row) => row.disabled === 1));
    assert.equal((await run('disable')).unchanged, 3);
    assert.equal((await run('enable')).done, 3);
    assert.equal((await run({ change: { site, model: 'KX-UTG200B' } })).done, 3);
    const view = await admin.get(`${t}/devices/${mac(1)}`);
    assert.deepEqual([view.site, view.model], [site, 'KX-UTG200B']);
    assert.equal((await run({ change: { site: null } })).done, 3);
    assert.equal((await admin.get(`${t}/devices/${mac(1)}`)).site, null);
    assert.equal((await run('rearm')).done, 3);
    await admin.put(`${t}/destinations`, { destinations: { domains: ['pbx.test'], networks: [] } });
    assert.equal((await run({ set: { settings: { NOTIFY_AOR: 'sip:101@pbx.test' } } })).done, 3);
    assert.equal((await run({ notify: {} })).done, 3);
    assert.equal((await admin.get(`${t}/jobs`)).items.length, 3);
    assert.equal((await run('delete')).done, 3);
    assert.deepEqual(await rows(tenant), []);
  });

  it('moves devices, for tokens that may, and tells a tenant not where to', async () => {
    const { t, tenant } = await fleet(25);
    const other = await seedTenant(worker);
    const own = new Api(worker, (await admin.post('/tokens', { name: 'own', access: 'write', tenant: tenant.id })).token);
    const body = { selection: { query: '' }, action: { move: { tenant: other.id } } };
    assert.equal((await own.call('POST', `${t}/operations`, { body })).status, 403);
    const reader = new Api(worker, (await admin.post('/tokens', { name: 'reads', access: 'read', tenant: tenant.id })).token);
    assert.equal((await reader.call('POST', `${t}/operations`, { body: { ...body, action: 'rekey' } })).status, 403);
    const { id } = await start(t, body.selection, body.action);
    assert.equal((await over(t, id)).devices.done, 25);
    assert.equal((await rows(other)).length, 25);
    assert.equal((await rows(tenant)).length, 0);
    const seen = await own.call('GET', `${t}/operations/${id}`);
    assert.ok(!seen.text.includes(other.id));
    assert.ok(!(await own.call('GET', `${t}/audit?request_id=${id}`)).text.includes(other.id));
    assert.equal((await own.call('GET', `/tenants/${other.id}/operations`)).status, 404);
  });

  it('that is cancelled leaves alone whoever waits', async () => {
    const { t, tenant } = await fleet(150);
    const { id } = await start(t, { query: '' }, 'rekey');
    await eventually(
      () => admin.get(`${t}/operations/${id}`),
      (operation) => operation.devices.done >= 20,
      'a first step',
    );
    const cancelled = await admin.post(`${t}/operations/${id}/cancel`);
    assert.equal(cancelled.state, 'cancelled');
    const turned = (await rows(tenant)).filter((row) => row.generation === 2).length;
    const end = await over(t, id);
    assert.equal(end.devices.done + end.devices.cancelled, 150);
    assert.ok(end.devices.cancelled > 0);
    assert.equal((await rows(tenant)).filter((row) => row.generation === 2).length, turned, 'none after the cancellation was answered');
    assert.equal(end.devices.done, turned);
    assert.equal((await admin.post(`${t}/operations/${id}/cancel`)).state, 'cancelled');
    await admin.delete(`${t}/operations/${id}`);
    assert.equal((await admin.call('GET', `${t}/operations/${id}`)).status, 404);
    const entries = (await admin.get(`${t}/audit?object=operations/${id}`)).items.map((entry) => entry.action);
    assert.deepEqual(entries, ['operation.delete', 'operation.cancel', 'operation.start']);
  });

  it('stops when its token is removed', async () => {
    const { t, tenant } = await fleet(150);
    const token = await admin.post('/tokens', { name: 'own', access: 'write', tenant: tenant.id });
    const { id } = await start(t, { query: '' }, 'rekey', {}, new Api(worker, token.token));
    await eventually(
      () => admin.get(`${t}/operations/${id}`),
      (operation) => operation.devices.done >= 20,
      'a first step',
    );
    await admin.delete(`/tokens/${token.id}`);
    const turned = (await rows(tenant)).filter((row) => row.generation === 2).length;
    const end = await over(t, id);
    assert.deepEqual([end.state, end.cause], ['stopped', 'token_removed']);
    assert.equal((await rows(tenant)).filter((row) => row.generation === 2).length, turned);
    assert.equal(end.devices.done + end.devices.refused + end.devices.cancelled, 150);
    assert.equal(end.devices.done, turned);
  });

  it('leaves alone what an operator changed since, where that was asked for', async () => {
    const { t, tenant, phones } = await fleet(60);
    // The second one waits for the first, which changes its devices last.
    const last = phones.toSorted((one, other) => (one.id < other.id ? 1 : -1)).slice(0, 2);
    const first = await start(t, { query: '' }, 'rearm');
    const second = await start(t, { macs: last.map((phone) => phone.mac) }, 'disable', { if_unchanged: true });
    await over(t, first.id);
    const end = await over(t, second.id);
    assert.equal(end.devices.refused, 2);
    const [one] = await outcomes(t, second.id);
    assert.deepEqual([one.outcome, one.cause], ['refused', 'revision-mismatch']);
    assert.ok((await rows(tenant)).every((row) => row.disabled === 0));
  });

  it('is refused with what to do where it cannot be done', async () => {
    const { t, tenant } = await fleet(2);
    const refused = async (body, status, words) => {
      const answer = await admin.call('POST', `${t}/operations`, { body });
      assert.equal(answer.status, status, JSON.stringify(body));
      assert.match(answer.body.detail, words);
    };
    const all = { query: '' };
    await refused({ selection: {}, action: 'rekey' }, 422, /either `query` or `macs`/);
    await refused({ selection: { query: '', macs: [] }, action: 'rekey' }, 422, /either `query` or `macs`/);
    await refused({ selection: { query: 'colour=red' }, action: 'rekey' }, 422, /`selection.query`/);
    await refused({ selection: { query: 'sort=mac' }, action: 'rekey' }, 422, /without `sort`/);
    await refused({ selection: { query: 'state=armed' }, action: 'rekey' }, 422, /no device/);
    await refused(
      { selection: { macs: Array.from({ length: 10_001 }, (_, number) => mac(number)) }, action: 'rekey' },
      422,
      /at most 10000/,
    );
    await refused({ selection: all, action: 'explode' }, 400, /body/i);
    await refused({ selection: all, action: { set: { settings: {} } } }, 422, /1 to 100/);
    await refused({ selection: all, action: { set: { settings: { 'A B': 'x' } } } }, 422, /settings/);
    await refused({ selection: all, action: { change: {} } }, 422, /`model`, `site` or both/);
    await refused({ selection: all, action: { change: { site: 'x' } } }, 422, /site/);
    await refused({ selection: all, action: { move: { tenant: tenant.id } } }, 422, /tenant/);
    // Three go on, as far as the database knows.
    for (const number of [1, 2, 3]) {
      await worker.sql(
        "INSERT INTO operations (id, tenant_id, token_id, token_hash, address, action, selection, if_unchanged, state, devices, pending, created_at) VALUES (?1, ?2, 'admin', 'x', '', '\"rekey\"', '{}', 0, 'running', 1, 1, 1)",
        `fake-${tenant.id}-${number}`,
        tenant.id,
      );
    }
    await refused({ selection: all, action: 'rekey' }, 409, /3 operations of the tenant go on/);
    await worker.sql("UPDATE operations SET pending = 0, state = 'done', devices = 100000, ended_at = 1 WHERE id LIKE 'fake-%'");
    await refused({ selection: all, action: 'rekey' }, 409, /Remove one that is over/);
    // What is long over goes by the cron event.
    await worker.ask('scheduled', {});
    await eventually(
      () => worker.sql("SELECT id FROM operations WHERE id LIKE 'fake-%'"),
      (left) => left.length === 0,
      'their removal',
    );
    assert.equal((await over(t, (await start(t, all, 'rearm')).id)).devices.done, 2);
  });

  it('goes on when KV has failed, and says so meanwhile', async () => {
    const { t, tenant } = await fleet(3);
    await worker.probe({ kv: 'fail-writes' });
    const { id } = await start(t, { query: '' }, 'rekey');
    await eventually(
      () => admin.get(`${t}/operations/${id}`),
      (operation) => operation.failure !== null,
      'failure',
    );
    const midway = await admin.get(`${t}/operations/${id}`);
    assert.deepEqual([midway.state, midway.devices.done], ['running', 0], 'nothing is done before it is published');
    await worker.probe({ kv: null });
    const end = await over(t, id);
    assert.deepEqual([end.state, end.devices.done, end.failure], ['done', 3, null]);
    assert.ok((await rows(tenant)).every((row) => row.generation === 2));
  });
});

describe('SIGKILL in the middle of an operation', () => {
  const DEVICES = 120;
  let worker;
  before(async () => {
    worker = await Ringfence.start();
  });
  after(() => worker?.stop());

  it('leaves each device with one outcome and one new key', async () => {
    const tenant = await seedTenant(worker);
    const t = `/tenants/${tenant.id}`;
    const phones = await seedDevices(
      worker,
      tenant,
      Array.from({ length: DEVICES }, (_, number) => ({ mac: mac(number + 1), state: 'confirmed' })),
    );
    const admin = () => new Api(worker);
    const { operation } = await admin().post(`${t}/operations`, { selection: { query: '' }, action: 'rekey' });
    const path = `${t}/operations/${operation.id}`;
    const progress = [];
    /** Longer than an alarm takes whose step was cut off. */
    const patiently = (good, what, left = 4) =>
      eventually(() => admin().get(path), good, what).catch((error) =>
        left === 0 ? Promise.reject(error) : patiently(good, what, left - 1),
      );
    for (const share of [0.2, 0.6]) {
      const seen = await patiently(({ devices }) => devices.done >= share * DEVICES || devices.pending === 0, 'progress');
      progress.push(seen.devices.pending);
      // Not between two steps, but wherever it is.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 120));
      assert.ok((await worker.kill()).length >= 1, 'a workerd was killed');
      await worker.restart();
    }
    assert.ok(progress[0] > 0, 'the first kill came in the middle');
    const end = await patiently(({ devices }) => devices.pending === 0, 'the end');
    assert.equal(end.state, 'done');
    assert.deepEqual(end.devices, { all: DEVICES, pending: 0, done: DEVICES, unchanged: 0, refused: 0, cancelled: 0 });
    const rows = await worker.sql('SELECT mac, generation, key_state FROM devices WHERE tenant_id = ?1', tenant.id);
    assert.equal(rows.length, DEVICES);
    for (const row of rows) assert.deepEqual([row.generation, row.key_state], [2, 'armed'], row.mac);
    const entries = await worker.sql(
      "SELECT object, count(*) AS number FROM audit WHERE action = 'device.rekey' AND request_id = ?1 GROUP BY object",
      operation.id,
    );
    assert.equal(entries.length, DEVICES);
    assert.ok(
      entries.every((entry) => entry.number === 1),
      'one entry for each',
    );
    // Nobody gets what was sealed under an old key, and the new bootstrap goes out once.
    for (const phone of phones.filter((_, place) => place % 20 === 0)) {
      assert.equal((await tenant.get(`Config${phone.mac}.enc`)).status, 404);
      const took = await tenant.get(`Config${phone.mac}.cfg`);
      assert.equal(took.status, 200);
      assert.ok(!(await took.text()).includes(phone.key));
      assert.equal((await tenant.get(`Config${phone.mac}.cfg`)).status, 404);
    }
  });
});
