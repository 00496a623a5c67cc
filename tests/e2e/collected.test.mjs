// What answers leave to be written is written together: how much that is under load, and what becomes of it when D1 is slow, fails,
// or the isolate ends.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedDevice, seedDevices, seedTenant } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

/** What is written after answers. */
const WRITTEN =
  /^(INSERT INTO (event_minutes|phone_events|access_path_devices|unknown_phones)|UPDATE (devices SET (fetched_version|last_seen_at)|access_paths SET last_used_at|event_minutes))/;
const EVENTS = 'INSERT INTO phone_events';

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('what answers leave to be written', () => {
  let worker;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
  });
  after(() => worker?.stop());
  afterEach(() => worker.probe({ d1: null, d1Match: null, hold: null, release: true }));

  /** A tenant with phones that have their keys, and as many requests of them at once as `count`. */
  async function office(phones, options = {}) {
    const tenant = await seedTenant(worker, { options: { events_per_minute: 10_000, ...options } });
    const devices = await seedDevices(
      worker,
      tenant,
      Array.from({ length: phones }, (_, number) => ({ mac: mac(number + 1), state: 'confirmed' })),
    );
    return { tenant, devices };
  }

  /** Makes `count` requests, twenty at a time; none may fail. */
  async function ask(path, count) {
    let next = 0;
    const one = async () => {
      while (next < count) {
        const answer = await worker.fetch(path((next += 1) - 1));
        await answer.arrayBuffer();
        assert.equal(answer.status, 200);
      }
    };
    await Promise.all(Array.from({ length: 20 }, one));
  }

  const events = (tenant) => worker.sql('SELECT count(*) AS n FROM phone_events WHERE tenant_id = ?1', tenant.id).then(([row]) => row.n);

  /** An office of three whose phones have asked three times each, all of which is written. */
  async function quietOffice() {
    const { tenant, devices } = await office(3);
    const path = (number) => tenant.path(`Config${devices[number % 3].mac}.enc`);
    await ask(path, 9);
    await eventually(
      () => events(tenant),
      (count) => count === 9,
    );
    await pause(1200);
    return { tenant, path };
  }

  it('takes few statements under load, two rows of a hot request at most, and loses nothing', async () => {
    const { tenant, devices } = await office(20, { events_per_minute: 300 });
    const path = (number) => tenant.path(`Config${devices[number % devices.length].mac}.enc`);
    // Every file is in KV, and every use of the access path is noted.
    await ask(path, 40);
    await eventually(
      () => events(tenant),
      (count) => count === 40,
    );
    await pause(1500);
    await worker.probe({ reset: true });
    await ask(path, 2000);
    const minutes = () => worker.sql('SELECT sum(seen) AS n FROM event_minutes WHERE tenant_id = ?1', tenant.id).then(([row]) => row.n);
    // What an isolate only counts is told in hundreds, and the rest with the next minute.
    await eventually(minutes, (count) => count >= 1940);
    const seen = await worker.probe({ reset: true });
    const statements = seen.sql.filter((sql) => WRITTEN.test(sql)).length;
    assert.ok(statements <= 0.05 * 2000, `${statements} statements for 2,000 requests`);
    assert.ok(seen.rowsWritten <= 2 * 2000, `${seen.rowsWritten} rows for 2,000 requests`);
    assert.equal(seen.sql.length, statements, 'nothing else is asked of D1');
    const written = await worker.sql(
      'SELECT minute, count(*) AS n FROM (SELECT at / 60000 AS minute FROM phone_events WHERE tenant_id = ?1) GROUP BY 1',
      tenant.id,
    );
    for (const { n } of written) assert.ok(n <= 300, `${n} events in a minute that has room for 300`);
    for (const { mac: own } of devices) assert.ok((await tenant.device(own)).fetched_version !== null);
  });

  it('takes one batch for a request when nothing else happens, soon after the answer', async () => {
    const { tenant, devices } = await office(1);
    await worker.fetch(tenant.path(`Config${devices[0].mac}.enc`));
    await pause(1500);
    await worker.probe({ reset: true });
    await worker.fetch(tenant.path(`Config${devices[0].mac}.enc`));
    await pause(400);
    const { trips } = await worker.probe({ reset: true });
    assert.deepEqual(
      trips.map((texts) => texts.map((text) => text.split(' ').slice(0, 3).join(' '))),
      [['INSERT INTO event_minutes', 'INSERT INTO phone_events', 'UPDATE devices SET', 'UPDATE devices SET']],
    );
  });

  it('is written when D1 answers again', async () => {
    const { tenant, path } = await quietOffice();
    await worker.probe({ d1: 'fail', d1Match: `^(${EVENTS}|INSERT INTO event_minutes)` });
    await ask(path, 30);
    await pause(600);
    assert.equal(await events(tenant), 9);
    await worker.probe({ d1: null });
    await eventually(
      () => events(tenant),
      (count) => count === 39,
    );
    const line = await worker.logLine(({ event }) => event === 'events_not_written');
    assert.match(line.error, /^D1: /);
    assert.match(line.number, /^[0-9]+$/);
  });

  it('is written once where D1 took it and its answer was lost', async () => {
    const { tenant, devices } = await office(1);
    const path = () => tenant.path(`Config${devices[0].mac}.enc`);
    await ask(path, 1);
    await eventually(
      () => events(tenant),
      (count) => count === 1,
    );
    await pause(1200);
    await worker.probe({ d1: 'lose-answer', d1Match: `^(${EVENTS}|INSERT INTO event_minutes)` });
    await ask(path, 5);
    await pause(300);
    await worker.probe({ d1: null });
    await eventually(
      () => events(tenant),
      (count) => count >= 6,
    );
    await pause(3000);
    assert.equal(await events(tenant), 6);
  });

  it('waits while D1 is slow, and answers do not', async () => {
    const { tenant, path } = await quietOffice();
    await worker.probe({ hold: `^${EVENTS}`, reset: true });
    await ask(path, 60);
    await pause(2500);
    const held = await worker.probe({});
    assert.ok(held.holding);
    assert.equal(held.sql.filter((sql) => sql.startsWith(EVENTS)).length, 0, 'a second list does not go off beside one that waits');
    assert.equal(await events(tenant), 9);
    await worker.probe({ release: true });
    await eventually(
      () => events(tenant),
      (count) => count === 69,
    );
  });

  it('the version that a job waits for is on the device within a second and what D1 takes', async () => {
    const { tenant, devices } = await office(2);
    const path = (number) => tenant.path(`Config${devices[number % 2].mac}.enc`);
    await ask(path, 4);
    await eventually(
      () => events(tenant),
      (count) => count === 4,
    );
    await worker.sql('UPDATE devices SET fetched_version = NULL WHERE tenant_id = ?1', tenant.id);
    await ask(path, 4);
    await eventually(
      () => worker.sql('SELECT count(*) AS n FROM devices WHERE tenant_id = ?1 AND fetched_version IS NOT NULL', tenant.id),
      ([{ n }]) => n === 2,
    );
  });

  it('versions that many devices take at once are written together, as soon as the one before is', async () => {
    const { tenant, devices } = await office(30);
    await worker.probe({ hold: EVENTS, reset: true });
    const first = tenant.path(`Config${devices[0].mac}.enc`);
    await ask(() => first, 1);
    await eventually(
      () => worker.probe(),
      (state) => state.holding,
      'the first is being written',
    );
    await ask((number) => tenant.path(`Config${devices[number + 1].mac}.enc`), 29);
    // What a request leaves is collected after its answer.
    await pause(1000);
    await worker.probe({ release: true });
    await eventually(
      () => worker.sql('SELECT count(*) AS n FROM devices WHERE tenant_id = ?1 AND fetched_version IS NOT NULL', tenant.id),
      ([{ n }]) => n === 30,
    );
    assert.equal(await events(tenant), 30);
    const { trips } = await worker.probe();
    const writings = trips.filter((texts) => texts.some((text) => text.startsWith(EVENTS)));
    assert.equal(writings.length, 2);
  });

  it('phones that are no device are noted among many others', async () => {
    const { tenant, devices } = await office(2);
    const known = (number) => tenant.path(`Config${devices[number % 2].mac}.enc`);
    const headers = (number) => ({ 'user-agent': `Panasonic_KX-UT113/01.133 (${mac(0x900000 + number).toLowerCase()})` });
    await Promise.all([
      ask(known, 60),
      ...Array.from({ length: 40 }, async (_, number) => {
        const answer = await worker.fetch(tenant.path(`Config${mac(0x900000 + number)}.cfg`), { headers: headers(number) });
        assert.equal(answer.status, 404);
      }),
    ]);
    await eventually(
      () => events(tenant),
      (count) => count === 100,
    );
    const [{ n }] = await worker.sql('SELECT count(*) AS n FROM unknown_phones WHERE tenant_id = ?1', tenant.id);
    assert.equal(n, 40);
    const [{ added }] = await worker.sql('SELECT sum(new_phones) AS added FROM event_minutes WHERE tenant_id = ?1', tenant.id);
    assert.equal(added, 40);
  });

  it('one tenant that is deleted takes nothing of the others with it', async () => {
    const [going, staying] = [await office(1), await office(1)];
    const path = ({ tenant, devices }) => tenant.path(`Config${devices[0].mac}.enc`);
    for (const one of [going, staying]) await ask(() => path(one), 2);
    await eventually(
      () => events(staying.tenant),
      (count) => count === 2,
    );
    await pause(1200);
    await worker.probe({ hold: `^${EVENTS}` });
    await ask((number) => path(number % 2 === 0 ? going : staying), 1);
    await ask((number) => path(number % 2 === 0 ? going : staying), 10);
    await worker.sql('DELETE FROM tenants WHERE id = ?1', going.tenant.id);
    await worker.probe({ release: true });
    await eventually(
      () => events(staying.tenant),
      (count) => count === 7,
    );
  });
});

describe('an isolate that ends', () => {
  it('loses events alone: no claim, no confirmation', async () => {
    const worker = await Ringfence.start({ probe: true });
    try {
      const tenant = await seedTenant(worker, { options: { events_per_minute: 10_000 } });
      const phone = await seedDevice(worker, tenant, { mac: mac(1) });
      await worker.probe({ hold: `^(${EVENTS}|INSERT INTO event_minutes)` });
      const bootstrap = await worker.fetch(tenant.path(`Config${phone.mac}.cfg`));
      assert.equal(bootstrap.status, 200);
      assert.equal((await worker.fetch(tenant.path(`Config${phone.mac}.enc`))).status, 200);
      await eventually(
        () => tenant.device(phone.mac),
        ({ key_state: state }) => state === 'confirmed',
      );
      await worker.kill();
      await worker.restart();
      assert.equal((await tenant.device(phone.mac)).key_state, 'confirmed');
      assert.equal((await worker.fetch(tenant.path(`Config${phone.mac}.cfg`))).status, 404);
      assert.equal((await worker.fetch(tenant.path(`Config${phone.mac}.enc`))).status, 200);
      await eventually(
        () => tenant.events(),
        (rows) => rows.length >= 1,
      );
    } finally {
      await worker.stop();
    }
  });
});
