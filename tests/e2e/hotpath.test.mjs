// What one request costs in storage and sealings: the numbers of docs/limits-costs.md, "Costs".

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { opensslDecrypt } from '../support/openssl.mjs';
import { XML } from '../support/worker/content.mjs';
import { rawRequest } from '../support/worker/raw.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { hashAccessPath, mac, seedDevice, seedTenant } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

const EVENT = /^(INSERT INTO (event_minutes|phone_events|access_path_devices)|UPDATE devices SET (fetched_version|last_seen_at))/;

/** What reads the settings, and the templates, that a device's file is made from. */
const SETTINGS = /^SELECT list_of_scopes\.value AS scope/;
const TEMPLATES = /^SELECT f\.kind, f\.model, f\.source FROM devices/;

describe('the hot path', () => {
  let worker;
  let tenant;
  let phone;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
    tenant = await seedTenant(worker);
    phone = await seedDevice(worker, tenant, { mac: mac(1), state: 'delivered' });
    await rawRequest(worker.port, sealed());
    await settled();
    // Now the isolate has seen what KV holds for this access path.
    await rawRequest(worker.port, sealed());
  });
  after(() => worker?.stop());

  const sealed = () => tenant.path(`Config${phone.mac}.enc`);
  /** Until the file is in KV as one that has nothing new to say. */
  const settled = () =>
    eventually(
      () => worker.ask('kvRead', { name: `f1:${tenant.id}:standard:sealed:${phone.mac}` }),
      (value) => value !== null && JSON.parse(value.metadata).c === true,
    );
  /** The counts of one request, with D1 holding its breath: what is asked before the answer. */
  async function cost(path, options) {
    await worker.probe({ reset: true });
    const answer = await rawRequest(worker.port, path, options);
    await new Promise((resolve) => setTimeout(resolve, 200));
    return { answer, ...(await worker.probe({ reset: true })) };
  }

  /** How many rows a statement of a request has read. */
  const readOf = (statement, { sql, read }) => read[sql.findIndex((text) => statement.test(text))];

  it('a sealed file takes two KV reads, no D1 but its event afterwards, no sealing, no KV write', async () => {
    const { answer, kvReads, kvReadsAtOnce, kvWrites, encryptions, sql, witnessCalls } = await cost(sealed());
    assert.equal(answer.status, 200);
    assert.equal(kvReads, 2);
    assert.equal(witnessCalls, 0);
    // Neither waits for the other.
    assert.equal(kvReadsAtOnce, 2);
    assert.equal(kvWrites, 0);
    assert.equal(encryptions, 0);
    for (const text of sql) assert.match(text, EVENT);
  });

  it('the answer does not wait for D1: it comes with D1 down', async () => {
    await worker.probe({ d1: 'fail' });
    assert.equal((await rawRequest(worker.port, sealed())).status, 200);
    await worker.probe({ d1: null });
  });

  it('206 costs the same, and 304 one KV read: the isolate knows what the phone has', async () => {
    const { answer } = await cost(sealed());
    for (const [header, status, reads] of [
      [['Range', 'bytes=0-9'], 206, 2],
      [['If-None-Match', answer.header('etag')], 304, 1],
      [['If-None-Match', `"other", W/${answer.header('etag')}`], 304, 1],
      // What else there is to weigh is weighed with the file.
      [['If-None-Match', '"other"'], 200, 2],
      [['If-Match', '"other"'], 412, 2],
    ]) {
      const { answer: again, kvReads, encryptions, sql } = await cost(sealed(), { headers: [header] });
      assert.deepEqual([again.status, kvReads, encryptions], [status, reads, 0], `${header}`);
      for (const text of sql) assert.match(text, EVENT);
    }
    const both = {
      headers: [
        ['If-None-Match', answer.header('etag')],
        ['If-Match', '"other"'],
      ],
    };
    assert.equal((await cost(sealed(), both)).answer.status, 412);
    const gone = await tenant.get(`Config${phone.mac}.cfg`, { headers: { 'If-None-Match': answer.header('etag') } });
    assert.equal(gone.status, 404, 'another name is another file');
  });

  it('what the isolate knew of a file decides nothing once the file is another one', async () => {
    const one = await seedDevice(worker, tenant, { mac: mac(5), state: 'confirmed' });
    const path = tenant.path(`Config${one.mac}.enc`);
    await rawRequest(worker.port, path);
    const name = `f1:${tenant.id}:standard:sealed:${one.mac}`;
    await eventually(
      () => worker.ask('kvRead', { name }),
      (value) => value !== null && JSON.parse(value.metadata).c === true,
    );
    const headers = [['If-None-Match', (await rawRequest(worker.port, path)).header('etag')]];
    assert.equal((await cost(path, { headers })).kvReads, 1);
    // A change above the device, a fence for it, and another device under the same MAC: the tenant's value tells.
    const value = JSON.parse(
      Buffer.from((await worker.ask('kvRead', { name: `t1:${hashAccessPath(tenant.accessPath)}` })).base64, 'base64'),
    );
    const publish = (more) =>
      worker.ask('kvPut', {
        name: `t1:${hashAccessPath(tenant.accessPath)}`,
        value: JSON.stringify({ ...value, ...more }),
        metadata: '{"v":1}',
      });
    await publish({ fences: [{ mac: one.mac, version: value.version + 1_000_000 }] });
    const fenced = await cost(path, { headers });
    assert.ok(fenced.encryptions === 1, 'it is made anew');
    await publish({ expires_at: 1 });
    assert.equal((await rawRequest(worker.port, path, { headers })).status, 404);
    await publish({});
    assert.equal((await rawRequest(worker.port, path, { headers })).status, 304);
  });

  it('a sealed file at the plain name is made once: after that D1 says that it is current, and KV has it', async () => {
    const other = await seedTenant(worker, {
      models: [{ name: 'GXP1630', family: 'gxp', profile: 'gxp-256' }],
      templates: {},
    });
    const one = await seedDevice(worker, other, {
      mac: mac(1),
      model: 'GXP1630',
      state: 'delivered',
      settings: { time_zone: 'Europe/Berlin' },
    });
    const path = other.path(`cfg${one.mac.toLowerCase()}.xml`);
    const first = await cost(path);
    assert.deepEqual([first.answer.status, first.encryptions], [200, 1]);
    await eventually(() => worker.ask('kvRead', { name: `f1:${other.id}:standard:sealed:${one.mac}` }), Boolean);
    const again = await cost(path);
    assert.deepEqual([again.answer.status, again.encryptions, again.kvWrites, again.kvReads], [200, 0, 0, 3]);
    assert.deepEqual(again.answer.body, first.answer.body);
    assert.equal(again.answer.header('etag'), undefined, 'a bootstrap may wait there the next time');
    const reading = again.trips.filter((texts) => !texts.some((text) => EVENT.test(text)));
    assert.equal(reading.length, 1, 'one round trip');
    // Settings and templates are not read again: the device itself, where the database stands, and whether it left.
    const [rows] = await worker.sql('SELECT count(*) AS n FROM settings WHERE tenant_id = ?1', other.id);
    assert.ok(rows.n > 0);
    assert.ok(readOf(SETTINGS, again) <= readOf(SETTINGS, first) - rows.n);
    // Whatever changes is seen at once.
    await worker.sql('UPDATE devices SET version = (SELECT seq + 1 FROM tenants WHERE id = ?1) WHERE id = ?2', other.id, one.id);
    await worker.sql('UPDATE tenants SET seq = seq + 1 WHERE id = ?1', other.id);
    assert.equal((await cost(path)).encryptions, 1);
    await worker.sql("UPDATE devices SET key_state = 'armed' WHERE id = ?1", one.id);
    const bootstrap = await rawRequest(worker.port, path);
    assert.equal(bootstrap.status, 200);
    assert.match(bootstrap.body.toString(), /<gs_provision/);
    await worker.sql('UPDATE devices SET disabled = 1 WHERE id = ?1', one.id);
    assert.equal((await rawRequest(worker.port, path)).status, 404);
  });

  it('a change above the device is one version; the next request renders, seals once and refreshes KV', async () => {
    await tenant.changed();
    const first = await cost(sealed());
    assert.equal(first.answer.status, 200);
    assert.equal(first.encryptions, 1);
    await settled();
    const second = await cost(sealed());
    assert.equal(second.encryptions, 0);
    assert.equal(second.kvReads, 2);
    for (const text of second.sql) assert.match(text, EVENT);
    assert.deepEqual(second.answer.body, first.answer.body);
  });

  it('what is above devices is read once for each version, not once for each device', async () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`NOTE_${at}`, `${at}`]));
    const other = await seedTenant(worker, { settings: { ...many, SIP_PASS: 'Harbour-77', OTHER: { secret: 'x' } } });
    const phones = [];
    for (const number of [1, 2, 3]) {
      phones.push(await seedDevice(worker, other, { mac: mac(number), state: 'delivered', settings: { SIP_USER: `70${number}` } }));
    }
    const fetched = async ({ mac: own, key }) => {
      const counts = await cost(other.path(`Config${own}.enc`));
      assert.deepEqual([counts.answer.status, counts.encryptions], [200, 1]);
      const text = opensslDecrypt(counts.answer.body, key).toString();
      return { text, settings: readOf(SETTINGS, counts), templates: readOf(TEMPLATES, counts) };
    };
    const made = [];
    for (const phone of phones) made.push(await fetched(phone));
    const [first, ...later] = made;
    for (const [at, each] of later.entries()) {
      // Not the 42 of the tenant; D1 also counts what it looks through to see what is known.
      assert.ok(each.settings <= 20 && first.settings > 42, `${each.settings} rows of settings after ${first.settings}`);
      assert.ok(each.templates < first.templates, `${each.templates} rows of templates after ${first.templates}`);
      // Its own setting, and the tenant's.
      assert.equal(
        each.text,
        first.text.replaceAll('701', `70${at + 2}`).replaceAll(phones[0].mac.toLowerCase(), phones[at + 1].mac.toLowerCase()),
      );
    }
    // Whatever changes above them is seen at once, and read once more.
    await worker.sql("UPDATE settings SET value = 'Quay-88' WHERE tenant_id = ?1 AND name = 'SIP_PASS'", other.id);
    await other.changed();
    const after = await fetched(phones[2]);
    assert.equal(after.settings, first.settings);
    assert.ok(after.text.includes('Quay-88'));
    assert.equal(after.text, later[1].text.replaceAll('Harbour-77', 'Quay-88'));
  });

  it('what the isolate knew of a tenant’s names decides nothing once they have changed', async () => {
    const named = (plain, name) => ({ urls: { standard: { plain: [plain], sealed: [name] } } });
    const other = await seedTenant(worker, { options: named('Config{MAC}.cfg', 'Config{MAC}.enc') });
    const one = await seedDevice(worker, other, { mac: mac(1), state: 'delivered' });
    const before = await rawRequest(worker.port, other.path(`Config${one.mac}.enc`));
    assert.equal(before.status, 200);
    // The name of the sealed file is the plain one’s from now on, and the other way round.
    await other.setOptions(named('Config{MAC}.enc', 'Config{MAC}.enc.enc'));
    assert.equal((await rawRequest(worker.port, other.path(`Config${one.mac}.enc`))).status, 404);
    assert.equal((await rawRequest(worker.port, other.path(`Config${one.mac}.enc.enc`))).status, 200);
  });

  it('a file that names its own URL costs the same, under the access path that it was asked under', async () => {
    const standard = '<PANASIPPhoneConfig><Device><Phone><URL>{{ urls.base }}</URL></Phone></Device></PANASIPPhoneConfig>\n';
    const other = await seedTenant(worker, { templates: { ...XML, 'standard/utg': standard } });
    const one = await seedDevice(worker, other, { mac: mac(4), state: 'delivered' });
    const path = other.path(`Config${one.mac}.enc`);
    // KV knows the tenant from here on.
    await rawRequest(worker.port, other.path('nothing'));
    await eventually(
      () => worker.ask('kvRead', { name: `t1:${hashAccessPath(other.accessPath)}` }),
      (value) => value !== null,
    );
    const first = await cost(path);
    assert.deepEqual([first.kvReads, first.encryptions, first.trips[0].length], [2, 1, 4]);
    await eventually(
      () => worker.ask('kvRead', { name: `f1:${other.id}:standard:sealed:${one.mac}` }),
      (value) => value !== null && JSON.parse(value.metadata).c === true,
    );
    await rawRequest(worker.port, path);
    for (let time = 0; time < 2; time += 1) {
      const { answer, kvReads, kvReadsAtOnce, kvWrites, encryptions, sql } = await cost(path);
      assert.deepEqual([answer.status, kvReads, kvReadsAtOnce, kvWrites, encryptions], [200, 2, 2, 0, 0]);
      for (const text of sql) assert.match(text, EVENT);
    }
    await worker.probe({ d1: 'fail' });
    assert.equal((await rawRequest(worker.port, path)).status, 200);
    await worker.probe({ d1: null });
  });

  it('a bootstrap takes one conditional write', async () => {
    const fresh = await seedDevice(worker, tenant, { mac: mac(2) });
    const { answer, sql, witnessCalls } = await cost(tenant.path(`Config${fresh.mac}.cfg`));
    assert.equal(answer.status, 200);
    const claims = sql.filter((text) => /^UPDATE devices SET key_state = 'delivered'/.test(text));
    assert.equal(claims.length, 1);
    assert.match(claims[0], /RETURNING/);
    const other = sql.filter((text) => /^(INSERT|UPDATE|DELETE)/.test(text) && !EVENT.test(text) && text !== claims[0]);
    // In the claim's own transaction: the number that the witness is told, in one call.
    assert.equal(other.length, 1);
    assert.match(other[0], /^UPDATE standing SET number = number \+ 1/);
    assert.ok(witnessCalls >= 1 && witnessCalls <= 2, `${witnessCalls} calls of the witness`);
  });

  it('the claim refreshes KV, so that the next request at that location is right', async () => {
    const fresh = await seedDevice(worker, tenant, { mac: mac(3) });
    await rawRequest(worker.port, tenant.path(`Config${fresh.mac}.cfg`));
    await eventually(() => worker.ask('kvRead', { name: `f1:${tenant.id}:standard:sealed:${fresh.mac}` }), Boolean);
    const { answer, encryptions } = await cost(tenant.path(`Config${fresh.mac}.enc`));
    assert.equal(answer.status, 200);
    assert.equal(encryptions, 0);
  });

  it('nothing that repeats a sealed fetch writes the confirmation again', async () => {
    await rawRequest(worker.port, sealed());
    const { sql } = await cost(sealed());
    assert.ok(!sql.some((text) => text.includes('confirmed')));
  });
});
