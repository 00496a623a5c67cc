// Lists of devices, events and changes: what each filter and sort shows, that pages hold together while
// things change, and what they and the counts read among 100,000 devices.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedCrowd, seedDevice, seedTenant, ulid } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

const MODEL = 'KX-UTG300B';

describe('a list of devices', () => {
  let worker;
  let admin;
  let tenant;
  let t;
  let site;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
    admin = new Api(worker);
    const models = [
      { name: MODEL, family: 'utg', profile: 'utg-128' },
      { name: 'KX-UT113', family: 'ut' },
    ];
    tenant = await seedTenant(worker, { models, options: { expected_networks: ['203.0.113.0/24'] } });
    t = `/tenants/${tenant.id}`;
    site = (await admin.post(`${t}/sites`, { name: 'Quay' })).id;
    await admin.put(`${t}/devices/${mac(1)}`, { model: MODEL, label: 'Delta', site });
    await admin.put(`${t}/devices/${mac(2)}`, { model: MODEL, label: 'Alpha' });
    await admin.put(`${t}/devices/${mac(3)}`, { model: MODEL, label: 'Charlie' });
    const line = { line_1_user: '21', line_1_domain: 'pbx.example', line_1_password: { secret: 'x' } };
    await admin.put(`${t}/devices/${mac(4)}`, { model: MODEL, label: 'Bravo', settings: line });
    await seedDevice(worker, tenant, { mac: mac(5), model: 'KX-UT113', site });
  });
  after(() => worker?.stop());

  const macs = async (query) => (await admin.get(`${t}/devices?${query}`)).items.map((item) => item.mac);
  const numbers = async (query) => (await macs(query)).map((item) => Number.parseInt(item.slice(6), 16));

  it('is sorted by each of its orders, both ways', async () => {
    const orders = {
      added: [1, 2, 3, 4, 5],
      mac: [1, 2, 3, 4, 5],
      label: [5, 2, 4, 3, 1],
      model: [5, 1, 2, 3, 4],
    };
    for (const [by, expected] of Object.entries(orders)) {
      assert.deepEqual(await numbers(`sort=${by}`), expected, by);
      if (by !== 'model') assert.deepEqual(await numbers(`sort=-${by}`), expected.toReversed(), by);
    }
    await admin.put(`${t}/devices/${mac(2)}`, { model: MODEL, label: 'Alpha 2' });
    assert.equal((await numbers('sort=-changed'))[0], 2);
    assert.equal((await numbers('sort=changed')).at(-1), 2);
    assert.equal((await admin.call('GET', `${t}/devices?sort=colour`)).status, 400);
    assert.equal((await admin.call('GET', `${t}/devices?sort=label&q=alpha`)).status, 400);
  });

  it('shows those that a filter leaves', async () => {
    assert.deepEqual(await numbers('family=ut'), [5]);
    assert.deepEqual(await numbers('vendor=panasonic'), [5, 1, 2, 3, 4]);
    assert.deepEqual(await numbers('vendor=panasonic&family=utg&sort=mac'), [1, 2, 3, 4]);
    assert.deepEqual(await numbers('vendor=Yealink'), []);
    assert.equal((await admin.call('GET', `${t}/devices?vendor=nobody`)).status, 400);
    assert.deepEqual(await numbers(`site=${site}`), [1, 5]);
    assert.deepEqual(await numbers(`site=${site}&model=KX-UT113&sort=-label`), [5]);
    assert.deepEqual(await numbers('extension=21'), [4]);
    assert.deepEqual(await numbers('extension=2'), []);
    assert.deepEqual(await numbers('extension=21&sort=label'), [4]);
  });

  it('knows who is stale, who fails, who was never seen and whose bootstrap went elsewhere', async () => {
    const ask = (number, form) => tenant.get(`Config${mac(number)}.${form}`, { headers: { 'cf-connecting-ip': '198.51.100.7' } });
    assert.equal((await ask(1, 'cfg')).status, 200);
    assert.equal((await ask(1, 'enc')).status, 200);
    assert.equal((await ask(2, 'cfg')).status, 200);
    // Its bootstrap is gone.
    assert.equal((await ask(2, 'cfg')).status, 404);
    const failing = () => numbers('failing=true');
    await eventually(failing, (found) => found.length === 1, 'a device that fails');
    assert.deepEqual(await failing(), [2]);
    const view = await admin.get(`${t}/devices/${mac(2)}`);
    assert.equal(view.failing.reason, 'bootstrap_consumed');
    assert.equal(view.key.from_unexpected_network, true);
    assert.deepEqual(await numbers('unexpected_network=true'), [1, 2]);
    assert.deepEqual(await numbers('never_seen=true'), [3, 4, 5]);
    assert.deepEqual(await numbers('stale=true'), []);
    assert.deepEqual((await numbers('sort=last_seen')).slice(0, 3), [3, 4, 5]);
    assert.deepEqual((await numbers('sort=-last_seen')).slice(2), [5, 4, 3]);
    // A change of one device, then one above all of them.
    await admin.put(`${t}/devices/${mac(1)}/settings`, { settings: { NTP: 'a.example' } });
    assert.deepEqual(await numbers('stale=true'), [1]);
    await admin.put(`${t}/settings`, { settings: { NTP: 'b.example' } });
    assert.deepEqual(await numbers('stale=true'), [1, 2]);
    assert.deepEqual(await numbers('stale=true&failing=true'), [2]);
    assert.equal((await ask(2, 'enc')).status, 200);
    await eventually(failing, (found) => found.length === 0, 'no device that fails');
    assert.deepEqual(await numbers('stale=true'), [1]);
    const counts = await admin.get(`${t}/device-counts`);
    assert.deepEqual(counts.all, {
      devices: 5,
      disabled: 0,
      stale: 1,
      failing: 0,
      never_seen: 3,
      seen_24h: 2,
      silent_7d: 0,
      unexpected_network: 2,
    });
    assert.equal(counts.by_model['KX-UT113'].devices, 1);
    assert.equal(counts.by_vendor.Panasonic.devices, 5);
    assert.deepEqual(
      counts.by_site.map(({ name, devices }) => [name, devices]),
      [
        ['Quay', 2],
        [null, 3],
      ],
    );
    const states = Object.values(counts.by_state).map((state) => state.devices);
    assert.equal(
      states.reduce((sum, number) => sum + number, 0),
      5,
    );
    // A new key: who took the old bootstrap does not matter any more.
    await admin.post(`${t}/devices/${mac(2)}/rekey`);
    assert.deepEqual(await numbers('unexpected_network=true'), [1]);
  });

  it('refuses networks that are none, and too many', async () => {
    const { name, options } = await admin.get(t);
    for (const wrong of [['203.0.113.0/33'], ['office'], Array.from({ length: 51 }, (_, number) => `10.0.${number}.0/24`)]) {
      const answer = await admin.call('PUT', t, { body: { name, options: { ...options, expected_networks: wrong } } });
      assert.ok([400, 422].includes(answer.status), `${answer.status}`);
    }
  });

  it('goes on where it stopped, though devices come, go and change in between', async () => {
    const crowd = await seedTenant(worker, {});
    const path = `/tenants/${crowd.id}`;
    for (let number = 0; number < 12; number += 1)
      await admin.put(`${path}/devices/${mac(0x100 + number)}`, { model: MODEL, label: `Desk ${number % 3}` });
    for (const sort of ['label', '-label', 'mac', '-added', 'last_seen']) {
      const seen = [];
      let cursor = '';
      for (let page = 0; page < 20; page += 1) {
        const answer = await admin.get(`${path}/devices?sort=${sort}&limit=5${cursor && `&cursor=${cursor}`}`);
        seen.push(...answer.items.map((item) => item.mac));
        if (page === 0) {
          await admin.delete(`${path}/devices/${seen[0]}`);
          await admin.put(`${path}/devices/${seen[0]}`, { model: MODEL, label: 'Desk 9' });
        }
        if (!answer.next) break;
        cursor = answer.next;
      }
      const again = seen.indexOf(seen[0], 1);
      const others = seen.filter((_, place) => place !== again);
      assert.equal(new Set(others).size, others.length, `${sort}: none comes twice but the one that was added anew`);
      assert.equal(new Set(seen).size, 12, sort);
    }
    const list = await admin.get(`${path}/devices?sort=label&limit=1`);
    for (const other of ['sort=-label', 'sort=mac', 'state=armed', 'q=desk']) {
      assert.equal((await admin.call('GET', `${path}/devices?${other}&cursor=${list.next}`)).status, 400, other);
    }
  });

  it('of events is filtered by reason, kind, address and request', async () => {
    const answer = await tenant.get(`Config${mac(0xffff)}.cfg`, { headers: { 'cf-connecting-ip': '198.51.100.99' } });
    const request = answer.headers.get('ringfence-request-id');
    const events = async (query) => (await admin.get(`${t}/events?${query}`)).items;
    const [event] = await eventually(
      () => events(`request_id=${request}`),
      (found) => found.length === 1,
      'the event of a request',
    );
    assert.deepEqual([event.reason, event.address, event.request_id], ['unknown_device', '198.51.100.99', request]);
    assert.deepEqual(
      (await events('address=198.51.100.99')).map((one) => one.id),
      [event.id],
    );
    for (const [query, fits] of [
      ['reason=bootstrap_consumed', (one) => one.reason === 'bootstrap_consumed'],
      ['reason=bootstrap', (one) => one.reason === 'bootstrap'],
      ['kind=standard&outcome=served', (one) => one.kind === 'standard' && one.outcome === 'served'],
      ['address=198.51.100.7&reason=bootstrap', (one) => one.address === '198.51.100.7' && one.reason === 'bootstrap'],
    ]) {
      const found = await events(query);
      assert.ok(found.length > 0 && found.every(fits), query);
    }
    assert.deepEqual(await events(`request_id=${ulid()}`), []);
    assert.equal((await admin.call('GET', `${t}/events?request_id=x`)).status, 400);
  });

  it('of changes is filtered by action, token, object, time and request', async () => {
    const [, , id] = t.split('/');
    const made = await admin.post('/tokens', { name: 'own', access: 'write', tenant: id });
    const own = new Api(worker, made.token);
    const answer = await own.call('PUT', `${t}/devices/${mac(3)}`, { body: { model: MODEL, label: 'Charlie 2' } });
    const request = answer.headers.get('ringfence-request-id');
    const actions = async (path, query) => (await admin.get(`${path}/audit?${query}`)).items.map((entry) => entry.action);
    for (const path of [t, '']) {
      assert.deepEqual(await actions(path, `request_id=${request}`), ['device.update'], path);
      assert.deepEqual(await actions(path, `token=${made.id}`), ['device.update'], path);
      assert.deepEqual(await actions(path, `token=${made.id}&action=device.create`), [], path);
      assert.ok((await actions(path, 'action=device.update')).every((action) => action === 'device.update'));
      assert.deepEqual(await actions(path, `token=${made.id}&before=1`), []);
      assert.deepEqual(await actions(path, `object=devices/${mac(3)}&token=${made.id}&after=1`), ['device.update']);
    }
  });
});

describe('among 100,000 devices', () => {
  const CROWD = 100_000;
  let worker;
  let admin;
  let t;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
    admin = new Api(worker);
    const crowd = await seedTenant(worker, {});
    t = `/tenants/${crowd.id}`;
    await seedCrowd(worker, crowd, CROWD);
    // All took version 1; a few lack a change of their own, fail, are out of service, have a line.
    await worker.sql('UPDATE devices SET last_seen_at = 1000 + (rowid % 977), fetched_version = 1 WHERE tenant_id = ?1', crowd.id);
    await worker.sql(
      "UPDATE devices SET failed_at = 9999, failed_reason = 'wrong_form' WHERE tenant_id = ?1 AND rowid % 10007 = 0",
      crowd.id,
    );
    await worker.sql('UPDATE devices SET disabled = 1 WHERE tenant_id = ?1 AND rowid % 20011 = 0', crowd.id);
    await worker.sql('UPDATE devices SET version = 2 WHERE tenant_id = ?1 AND rowid % 30011 = 0', crowd.id);
  });
  after(() => worker?.stop());

  async function read(path) {
    await worker.probe({ reset: true });
    const answer = await admin.get(path);
    const { rowsRead } = await worker.probe({ reset: true });
    return { answer, rowsRead };
  }

  it('a page reads what it shows, by whatever one filter or order', async (context) => {
    const seen = {};
    for (const query of [
      ...['added', 'mac', 'label', 'model', 'last_seen', 'changed'].flatMap((by) => [`sort=${by}`, `sort=-${by}`]),
      'state=confirmed',
      `model=${MODEL}`,
      'family=utg',
      'disabled=true',
      'stale=true',
      'failing=true',
      'never_seen=true',
      'unexpected_network=true',
      'extension=101',
      'last_seen_after=1500',
      'last_seen_before=1500',
    ]) {
      let cursor = '';
      for (const page of [1, 2]) {
        const { answer, rowsRead } = await read(`${t}/devices?${query}&limit=10${cursor && `&cursor=${cursor}`}`);
        seen[`${query} ${page}`] = [answer.items.length, rowsRead];
        // A device, its model, its tenant; of what is looked for, the index.
        assert.ok(rowsRead <= 60 + 8 * answer.items.length, `${query}, page ${page}: ${rowsRead} rows read for ${answer.items.length}`);
        if (!answer.next) break;
        cursor = answer.next;
      }
    }
    context.diagnostic(JSON.stringify(seen));
    for (const query of ['disabled=true', 'stale=true', 'failing=true']) assert.ok(seen[`${query} 1`][0] >= 2, query);
  });

  it('a page of several filters reads no more than its bound, and all pages find what there is', async () => {
    const found = [];
    let cursor = '';
    let pages = 0;
    do {
      const { answer, rowsRead } = await read(`${t}/devices?sort=-mac&failing=true&limit=200${cursor && `&cursor=${cursor}`}`);
      assert.ok(rowsRead <= 30_000, `${rowsRead} rows read`);
      found.push(...answer.items.map((item) => item.mac));
      cursor = answer.next;
      pages += 1;
      assert.ok(pages < 40);
    } while (cursor);
    const [{ number }] = await worker.sql('SELECT count(*) AS number FROM devices WHERE failed_at > last_seen_at');
    assert.ok(number >= 2);
    assert.equal(new Set(found).size, number);
    assert.deepEqual(found, found.toSorted().toReversed());
  });

  it('counting reads each device once, and then none of them for a while', async (context) => {
    const begin = Date.now();
    const { answer, rowsRead } = await read(`${t}/device-counts`);
    context.diagnostic(`${rowsRead} rows read in ${Date.now() - begin} ms`);
    assert.equal(answer.all.devices, CROWD);
    assert.equal(answer.by_state.confirmed.devices, CROWD);
    assert.ok(answer.all.failing >= 2 && answer.all.stale >= 2 && answer.all.disabled >= 2);
    // D1 counts a device's place in the index beside its row.
    assert.ok(rowsRead <= 2 * CROWD + 200, `${rowsRead} rows read`);
    // What was counted is said again, with when that was, unless somebody wants it counted again.
    const kept = await read(`${t}/device-counts`);
    assert.ok(kept.rowsRead <= 20, `${kept.rowsRead} rows read`);
    assert.deepEqual(kept.answer, answer);
    const again = await read(`${t}/device-counts?again=true`);
    assert.ok(again.rowsRead >= CROWD && again.answer.counted_at > answer.counted_at);
    assert.deepEqual({ ...again.answer, counted_at: 0 }, { ...answer, counted_at: 0 });
  });
});
