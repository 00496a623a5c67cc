// Events are bounded, so that a scan cannot fill the database; old ones go.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { rawRequest } from '../support/worker/raw.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedDevice, seedTenant, ulid } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

describe('events', () => {
  let worker;
  before(async () => {
    worker = await Ringfence.start();
  });
  after(() => worker?.stop());

  it('of a scan are written up to the limit of a minute, and the rest is counted', async () => {
    const LIMIT = 20;
    const SCAN = 300;
    const tenant = await seedTenant(worker, { options: { events_per_minute: LIMIT } });
    const first = Math.floor(Date.now() / 60_000);
    for (let i = 0; i < SCAN; i += 1) {
      assert.equal((await rawRequest(worker.port, tenant.path(`Config${mac(i)}.cfg`))).status, 404);
    }
    const minutes = Math.floor(Date.now() / 60_000) - first + 1;
    const seen = () => worker.sql('SELECT sum(seen) AS n FROM event_minutes WHERE tenant_id = ?1', tenant.id).then(([row]) => row.n);
    // What an isolate has counted and not yet reported is below a hundred a minute.
    const counted = await eventually(seen, (n) => n > SCAN - 100 * minutes);
    assert.ok(counted <= SCAN);
    const written = (await tenant.events()).length;
    assert.ok(written > 0 && written <= LIMIT * minutes, `${written} written`);
    const rows = (await worker.sql('SELECT count(*) AS n FROM event_minutes WHERE tenant_id = ?1', tenant.id))[0].n;
    assert.ok(rows <= minutes);
  });

  it('of one tenant take no room from another', async () => {
    const [loud, quiet] = [await seedTenant(worker, { options: { events_per_minute: 1 } }), await seedTenant(worker)];
    for (let i = 0; i < 10; i += 1) await rawRequest(worker.port, loud.path(`Config${mac(i)}.cfg`));
    await rawRequest(worker.port, quiet.path(`Config${mac(1)}.cfg`));
    await eventually(
      () => quiet.events(),
      (events) => events.length === 1,
    );
  });

  it('of a full minute are missing, and yet a served device is noted as seen', async () => {
    const tenant = await seedTenant(worker, { options: { events_per_minute: 0 } });
    const phone = await seedDevice(worker, tenant, { mac: mac(1), state: 'confirmed' });
    assert.equal((await rawRequest(worker.port, tenant.path(`Config${phone.mac}.enc`))).status, 200);
    await eventually(
      () => tenant.device(phone.mac),
      (row) => row.last_seen_at !== null && row.fetched_version !== null,
    );
    assert.equal((await tenant.events()).length, 0);
  });

  it('say device, kind, form, outcome, reason, address, User-Agent, country and bytes', async () => {
    const tenant = await seedTenant(worker);
    const phone = await seedDevice(worker, tenant, { mac: mac(2), state: 'confirmed' });
    const answer = await rawRequest(worker.port, tenant.path(`Config${phone.mac}.enc`), {
      headers: [
        ['CF-Connecting-IP', '2001:db8::7'],
        ['CF-IPCountry', 'PT'],
        ['User-Agent', 'a phone'],
      ],
    });
    const [event] = await eventually(
      () => tenant.events(),
      (events) => events.length === 1,
    );
    assert.deepEqual(
      [
        event.device_id,
        event.mac,
        event.kind,
        event.form,
        event.outcome,
        event.reason,
        event.address,
        event.user_agent,
        event.country,
        event.bytes,
        event.status,
        event.request_id,
      ],
      [
        phone.id,
        phone.mac,
        'standard',
        'sealed',
        'served',
        'sealed',
        '2001:db8::7',
        'a phone',
        'PT',
        answer.body.length,
        200,
        answer.header('ringfence-request-id'),
      ],
    );
    assert.match(event.id, /^[0-9A-HJKMNP-TV-Z]{26}$/);
  });

  it('of a range and of a 304 count the bytes that left', async () => {
    const tenant = await seedTenant(worker);
    const phone = await seedDevice(worker, tenant, { mac: mac(3), state: 'confirmed' });
    const path = tenant.path(`Config${phone.mac}.enc`);
    const whole = await rawRequest(worker.port, path);
    await rawRequest(worker.port, path, { headers: [['Range', 'bytes=0-9']] });
    await rawRequest(worker.port, path, { headers: [['If-None-Match', whole.header('etag')]] });
    await rawRequest(worker.port, path, { method: 'HEAD' });
    const events = await eventually(
      () => tenant.events(),
      (list) => list.length === 4,
    );
    const byStatus = events.map((event) => [event.status, event.bytes]).sort((a, b) => a[0] - b[0] || b[1] - a[1]);
    assert.deepEqual(byStatus, [
      [200, whole.body.length],
      [200, 0],
      [206, 10],
      [304, 0],
    ]);
  });

  it('older than the tenant keeps them are removed by the cron trigger, newer ones stay', async () => {
    const tenant = await seedTenant(worker, { options: { event_retention_days: 2 } });
    const DAY = 24 * 3600_000;
    const add = (age) =>
      worker.sql(
        `INSERT INTO phone_events (id, tenant_id, outcome, reason, status, bytes, address, user_agent, country, request_id, at)
         VALUES (?1, ?2, 'refused', 'unknown_device', 404, 0, '', '', '', ?1, ?3)`,
        ulid(undefined, Date.now() - age),
        tenant.id,
        Date.now() - age,
      );
    await add(3 * DAY);
    await add(DAY);
    await worker.ask('scheduled', {});
    await eventually(
      () => tenant.events(),
      (events) => events.length === 1,
    );
    assert.ok((await tenant.events())[0].at > Date.now() - 2 * DAY);
  });

  it('of before an upgrade are read behind those of now, each once, and go when their days are over', async () => {
    const tenant = await seedTenant(worker, { options: { event_retention_days: 2 } });
    const phone = await seedDevice(worker, tenant, { mac: mac(4), state: 'confirmed' });
    const HOUR = 3600_000;
    const [gone, ...ids] = [72, 7, 6, 5, 4, 3, 2, 1].map((hours) => ulid(undefined, Date.now() - hours * HOUR));
    const add = (table, id) =>
      worker.sql(
        `INSERT INTO ${table} (id, tenant_id, mac, kind, outcome, reason, status, bytes, address, user_agent, country, request_id, at)
         VALUES (?1, ?2, ?3, 'standard', 'broken', 'file_not_made', 503, 0, '192.0.2.7', '', '', ?1, 5)`,
        id,
        tenant.id,
        phone.mac,
      );
    // A Worker of before writes into its own table, and each event is in the other one, too: but for those of before the upgrade.
    for (const id of [gone, ...ids.slice(0, 5)]) await add('events', id);
    assert.equal((await tenant.events()).length, 6);
    await worker.sql('DELETE FROM phone_events WHERE tenant_id = ?1 AND id < ?2', tenant.id, ids[3]);
    for (const id of ids.slice(5)) await add('phone_events', id);
    const api = new Api(worker);
    const pages = async (filter) => {
      const found = [];
      let next = '';
      do {
        const page = await api.get(`/tenants/${tenant.id}/events?limit=2${filter}${next && `&cursor=${next}`}`);
        found.push(...page.items.map(({ request_id }) => request_id));
        next = page.next ?? '';
      } while (next);
      return found;
    };
    const all = [gone, ...ids].toReversed();
    for (const filter of ['', `&device=${phone.mac}`, '&outcome=broken', '&reason=file_not_made', '&address=192.0.2.7', '&kind=standard']) {
      assert.deepEqual(await pages(filter), all, filter);
    }
    assert.deepEqual(await pages(`&request_id=${ids[0]}`), [ids[0]]);
    assert.deepEqual(await pages('&outcome=served'), []);
    await worker.ask('scheduled', {});
    await eventually(
      () => pages(''),
      (list) => list.length === ids.length,
    );
    assert.deepEqual(await worker.sql('SELECT id FROM events WHERE id = ?1', gone), []);
  });
});
