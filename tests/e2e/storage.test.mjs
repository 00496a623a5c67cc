// What a phone hears when storage fails: 503 with Retry-After, never a 404, never half a file; and
// KV may be lost, empty, stale or down without a wrong answer.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { element } from '../support/worker/content.mjs';
import { opensslDecrypt } from '../support/openssl.mjs';
import { rawRequest } from '../support/worker/raw.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { hashAccessPath, mac, newAccessPath, seedDevice, seedTenant } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

describe('storage', () => {
  let worker;
  let tenant;
  let next = 0x500000;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
    tenant = await seedTenant(worker);
  });
  after(() => worker?.stop());
  beforeEach(() => worker.probe({ d1: null, d1Match: null, kv: null, reset: true }));

  const raw = (path, options) => rawRequest(worker.port, path, options);
  const device = (options = {}) => seedDevice(worker, tenant, { mac: mac((next += 1)), ...options });
  const plain = (phone) => tenant.path(`Config${phone.mac}.cfg`);
  const sealed = (phone) => tenant.path(`Config${phone.mac}.enc`);
  const forget = async () => {
    const keys = await worker.ask('kvList', {});
    await worker.ask('kvDelete', { names: keys.map((key) => key.name) });
  };

  function assertUnavailable(answer, what) {
    assert.equal(answer.status, 503, what);
    assert.match(answer.header('retry-after'), /^[1-9]\d*$/, what);
    assert.equal(answer.header('cache-control'), 'no-store', what);
    assert.equal(Number(answer.header('content-length')), answer.body.length, what);
    assert.ok(!answer.body.includes('Panasonic') && !answer.body.includes('PANASIP') && !/D1|KV|SQL/.test(answer.body.toString()), what);
  }

  it('D1 down and nothing in KV: everything is 503, and nothing was consumed', async () => {
    const armed = await device();
    const confirmed = await device({ state: 'confirmed' });
    await forget();
    await worker.probe({ d1: 'fail' });
    for (const path of [
      plain(armed),
      sealed(confirmed),
      tenant.path('KX-UTG300B.cfg'),
      tenant.path(`Initial${armed.mac}.cfg`),
      tenant.path(`Product${confirmed.mac}.enc`),
      tenant.path('ConfigCom.cfg'),
      tenant.path('certs/root.pem'),
      tenant.path(`Config${mac(0xfffffe)}.cfg`),
      `/${newAccessPath()}/Config${armed.mac}.cfg`,
    ]) {
      assertUnavailable(await raw(path), path);
    }
    await worker.probe({ d1: null });
    assert.equal((await tenant.device(armed.mac)).key_state, 'armed');
    assert.equal((await raw(plain(armed))).status, 200);
  });

  it('D1 down and the tenant in KV: still 503, not 404', async () => {
    const armed = await device();
    const unknown = tenant.path(`Config${mac(0xfffffd)}.cfg`);
    assert.equal((await raw(unknown)).status, 404);
    await eventually(
      () => worker.ask('kvList', { prefix: 't1:' }),
      (keys) => keys.length > 0,
    );
    await worker.probe({ d1: 'fail' });
    assertUnavailable(await raw(plain(armed)));
    assertUnavailable(await raw(unknown));
    assertUnavailable(await raw(tenant.path('nothing-here')));
    const head = await raw(plain(armed), { method: 'HEAD' });
    assert.equal(head.status, 503);
    assert.equal(head.body.length, 0);
  });

  it('D1 down: a sealed file that KV holds is served as ever', async () => {
    const phone = await device({ state: 'delivered' });
    const before = await raw(sealed(phone));
    await eventually(
      () => tenant.device(phone.mac),
      (row) => row.key_state === 'confirmed',
    );
    await eventually(() => worker.ask('kvRead', { name: `f1:${tenant.id}:standard:sealed:${phone.mac}` }), Boolean);
    await worker.probe({ d1: 'fail' });
    const after = await raw(sealed(phone));
    assert.equal(after.status, 200);
    assert.deepEqual(after.body, before.body);
  });

  it('D1 takes no events: answers go out, what is kept for it has a bound, and the log counts what is above it', async () => {
    const MAX_KEPT = 2_000;
    const count = 2_400;
    const here = await seedTenant(worker, { options: { events_per_minute: 10_000 } });
    const phone = await seedDevice(worker, here, { mac: mac(1), state: 'confirmed' });
    const path = here.path(`Config${phone.mac}.enc`);
    const events = async () => (await worker.sql('SELECT count(*) AS n FROM phone_events WHERE tenant_id = ?1', here.id))[0].n;
    await raw(path);
    await eventually(events, (number) => number === 1);
    // Whoever takes over from a request that is not heard of any more is kept waiting as well: this takes as long as it takes.
    await worker.probe({ hold: '^INSERT INTO (event_minutes|phone_events)', holdsEach: true });
    let sent = 0;
    const lane = async () => {
      while ((sent += 1) <= count) assert.equal((await raw(path)).status, 200);
    };
    await Promise.all(Array.from({ length: 20 }, lane));
    assert.ok((await worker.probe({})).holding);
    await worker.probe({ release: true });
    const line = await worker.logLine((entry) => entry.event === 'events_dropped');
    const dropped = Number(line.number);
    // What is being written when D1 stops answering is not among those that are kept.
    assert.ok(dropped > 0 && dropped <= count - MAX_KEPT, `${dropped} dropped`);
    // One request writes a part of them; those that come after it write the rest.
    let more = 0;
    await eventually(
      async () => {
        assert.equal((await raw(path)).status, 200);
        more += 1;
        return (await events()) - more;
      },
      (number) => number >= count - dropped,
    );
    await eventually(events, (number) => number === 1 + count + more - dropped);
  });

  it('the claim fails: 503, and the bootstrap still waits', async () => {
    const phone = await device();
    await worker.probe({ d1: 'fail', d1Match: '^UPDATE devices SET key_state' });
    assertUnavailable(await raw(plain(phone)));
    await worker.probe({ d1: null });
    assert.equal((await tenant.device(phone.mac)).key_state, 'armed');
    assert.equal(element((await raw(plain(phone))).body.toString(), 'CFG_FILE_KEY'), phone.key);
  });

  it('the claim is written but its answer lost: nothing is sent, nobody gets it afterwards', async () => {
    const phone = await device();
    await worker.probe({ d1: 'lose-answer', d1Match: '^UPDATE devices SET key_state' });
    const answer = await raw(plain(phone));
    assertUnavailable(answer);
    assert.ok(!answer.bytes.includes(phone.key));
    await worker.probe({ d1: null });
    assert.equal((await tenant.device(phone.mac)).key_state, 'delivered');
    assert.equal((await raw(plain(phone))).status, 404);
  });

  it('a table is gone (D1 refuses the statement): 503', async () => {
    const phone = await device();
    await forget();
    await worker.sql('ALTER TABLE devices RENAME TO devices_away');
    try {
      assertUnavailable(await raw(plain(phone)));
      assertUnavailable(await raw(sealed(phone)));
    } finally {
      await worker.sql('ALTER TABLE devices_away RENAME TO devices');
    }
    assert.equal((await raw(plain(phone))).status, 200);
  });

  it('KV down: everything is answered from D1', async () => {
    const phone = await device();
    await worker.probe({ kv: 'fail' });
    assert.equal(element((await raw(plain(phone))).body.toString(), 'CFG_FILE_KEY'), phone.key);
    assert.equal((await raw(plain(phone))).status, 404);
    const answer = await raw(sealed(phone));
    assert.equal(answer.status, 200);
    assert.equal(element(opensslDecrypt(answer.body, phone.key).toString(), 'SIP_AUTHID_1'), phone.mac.toLowerCase());
    assert.equal((await raw(tenant.path(`Config${mac(0xfffffc)}.enc`))).status, 404);
  });

  it('KV empty: the same, and KV fills again', async () => {
    const phone = await device({ state: 'confirmed' });
    await worker.probe({ kv: 'empty' });
    const answer = await raw(sealed(phone));
    assert.equal(answer.status, 200);
    await worker.probe({ kv: null });
    assert.deepEqual((await raw(sealed(phone))).body, answer.body);
    await eventually(() => worker.ask('kvRead', { name: `f1:${tenant.id}:standard:sealed:${phone.mac}` }), Boolean);
  });

  it('KV takes no writes: answers stay right after a change', async () => {
    const phone = await device({ state: 'confirmed' });
    await worker.probe({ kv: 'fail-writes' });
    const before = await raw(sealed(phone));
    await worker.sql(
      "INSERT INTO settings (tenant_id, scope, name, value) VALUES (?1, ?2, 'SIP_USER', '7042')",
      tenant.id,
      `device:${phone.id}`,
    );
    await tenant.changed();
    const after = await raw(sealed(phone));
    assert.notDeepEqual(after.body, before.body);
    assert.equal(element(opensslDecrypt(after.body, phone.key).toString(), 'SIP_USER_ID_1'), '7042');
  });

  it('KV holds rubbish under the tenant or the file: D1 answers', async () => {
    const phone = await device({ state: 'confirmed' });
    const good = await raw(sealed(phone));
    const name = `f1:${tenant.id}:standard:sealed:${phone.mac}`;
    await eventually(() => worker.ask('kvRead', { name }), Boolean);
    for (const [value, metadata] of [
      ['rubbish', 'not JSON'],
      ['rubbish', '{}'],
      ['rubbish', undefined],
      ['', '{"v":"x"}'],
    ]) {
      await worker.ask('kvPut', { name, value, metadata });
      const answer = await raw(sealed(phone));
      assert.equal(answer.status, 200);
      assert.deepEqual(answer.body, good.body);
    }
    const [{ name: tenantKey }] = await worker.ask('kvList', { prefix: 't1:' });
    for (const value of ['', '{', '[]', '{"tenant":7}', 'null']) {
      await worker.ask('kvPut', { name: tenantKey, value });
      assert.deepEqual((await raw(sealed(phone))).body, good.body, JSON.stringify(value));
    }
  });

  it('a file that does not render is never a 200: the last good one is served and the operator told', async () => {
    const broken = await seedTenant(worker);
    const phone = await seedDevice(worker, broken, { mac: mac(0x5ffff0), state: 'confirmed' });
    const path = broken.path(`Config${phone.mac}.enc`);
    const good = await raw(path);
    assert.equal(good.status, 200);
    await eventually(() => worker.ask('kvRead', { name: `f1:${broken.id}:standard:sealed:${phone.mac}` }), Boolean);
    await worker.sql(
      "UPDATE file_templates SET source = '<PANASIPPhoneConfig><Device>{{ NOT_SET }}</Device></PANASIPPhoneConfig>' WHERE tenant_id = ?1 AND kind = 'standard'",
      broken.id,
    );
    await broken.changed();
    const last = await raw(path);
    assert.equal(last.status, 200);
    assert.deepEqual(last.body, good.body);
    const [event] = await eventually(
      () => broken.events("reason = 'sealed_last_good'"),
      (events) => events.length > 0,
    );
    assert.match(event.detail, /NOT_SET/);
    const fresh = await seedDevice(worker, broken, { mac: mac(0x5ffff1), state: 'confirmed' });
    assertUnavailable(await raw(broken.path(`Config${fresh.mac}.enc`)));
    const armed = await seedDevice(worker, broken, { mac: mac(0x5ffff2) });
    assertUnavailable(await raw(broken.path(`Config${armed.mac}.cfg`)));
    assert.equal((await broken.device(armed.mac)).key_state, 'armed');
  });

  it('what a newer Worker stored does not disturb this one', async () => {
    const api = new Api(worker);
    const own = await seedTenant(worker);
    const phone = await seedDevice(worker, own, { mac: mac((next += 1)), state: 'confirmed' });
    await own.setOptions({
      newer: { a: 1 },
      retry_window_s: 7,
      urls: { standard: { plain: ['S{MAC}.cfg'], sealed: ['S{MAC}.enc'], newer: [] } },
    });
    assert.equal((await raw(own.path(`S${phone.mac}.enc`))).status, 200);
    assert.equal((await api.get(`/tenants/${own.id}`)).options.retry_window_s, 7);
    const name = `t1:${hashAccessPath(own.accessPath)}`;
    const { base64, metadata } = await eventually(() => worker.ask('kvRead', { name }), Boolean);
    const stored = JSON.parse(Buffer.from(base64, 'base64').toString());
    assert.equal(stored.options.retry_window_s, 7);
    stored.options.newer = 1;
    await worker.ask('kvPut', { name, value: JSON.stringify(stored), metadata });
    await worker.restart();
    await worker.probe({ d1: 'fail' });
    assert.equal((await raw(own.path(`S${phone.mac}.enc`))).status, 200, 'from KV alone');
    await worker.probe({ d1: null });
    const pool = await api.post('/pools', { name: 'newer', options: { lease_s: 99 } });
    await worker.sql("UPDATE pools SET options = json_set(options, '$.newer', 1) WHERE id = ?1", pool.id);
    assert.equal((await api.get(`/pools/${pool.id}`)).options.lease_s, 99);
  });

  it('a master key that is not there any more: 503, and nothing was consumed', async () => {
    const phone = await device();
    await worker.sql("UPDATE devices SET key_wrapped = replace(key_wrapped, 'v1.k1.', 'v1.k0.') WHERE id = ?1", phone.id);
    assertUnavailable(await raw(plain(phone)));
    assert.equal((await tenant.device(phone.mac)).key_state, 'armed');
  });

  it('a wrapped key moved to another row does not open there', async () => {
    const [from, to] = [await device(), await device()];
    await worker.sql('UPDATE devices SET key_wrapped = (SELECT key_wrapped FROM devices WHERE id = ?1) WHERE id = ?2', from.id, to.id);
    const answer = await raw(plain(to));
    assertUnavailable(answer);
    assert.ok(!answer.bytes.includes(from.key));
  });

  it('no MASTER_KEY at all: 503 to phones, a problem document to operators', async () => {
    await worker.restart({ secrets: { MASTER_KEY: '' } });
    assertUnavailable(await raw(tenant.path('ConfigCom.cfg')));
    const answer = await worker.fetch('/api/v1/tenants');
    assert.equal(answer.status, 503);
    assert.match(answer.headers.get('content-type'), /problem\+json/);
  });
});
