// The one plaintext: who gets it, who does not, and what never consumes it (invariant 2).

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { element } from '../support/worker/content.mjs';
import { rawRequest, withoutRequestId } from '../support/worker/raw.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedDevice, seedDevices, seedTenant } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

describe('a bootstrap', () => {
  let worker;
  let tenant;
  let next = 0x100000;
  before(async () => {
    worker = await Ringfence.start();
    tenant = await seedTenant(worker);
  });
  after(() => worker?.stop());

  const device = (options = {}) => seedDevice(worker, tenant, { mac: mac((next += 1)), ...options });
  const plain = (device) => tenant.path(`Config${device.mac}.cfg`);
  const sealed = (device) => tenant.path(`Config${device.mac}.enc`);
  const raw = (path, options) => rawRequest(worker.port, path, options);

  it('goes out once, whole, with the key in it, and is not to be stored', async () => {
    const phone = await device();
    const answer = await raw(plain(phone));
    assert.equal(answer.status, 200);
    assert.equal(Number(answer.header('content-length')), answer.body.length);
    assert.equal(answer.header('cache-control'), 'no-store');
    assert.equal(answer.header('etag'), undefined);
    assert.match(answer.header('content-type'), /xml/);
    const file = answer.body.toString();
    assert.equal(element(file, 'CFG_FILE_KEY'), phone.key);
    assert.equal(element(file, 'CFG_FILE_KEY_LENGTH'), '128');
    assert.equal(element(file, 'SIP_AUTHID_1'), phone.mac.toLowerCase());
    const again = await raw(plain(phone));
    assert.equal(again.status, 404);
    assert.ok(!again.bytes.includes(phone.key));
  });

  it('has exactly one winner among 50 requests at once, for 20 devices at once', async () => {
    const phones = await seedDevices(
      worker,
      tenant,
      Array.from({ length: 20 }, () => ({ mac: mac((next += 1)) })),
    );
    const unknown = withoutRequestId(await raw(tenant.path(`Config${mac(0xfffffe)}.cfg`)));
    const answers = await Promise.all(phones.map((phone) => Promise.all(Array.from({ length: 50 }, () => raw(plain(phone))))));
    answers.forEach((list, index) => {
      const winners = list.filter((answer) => answer.status === 200);
      assert.equal(winners.length, 1, `device ${index} had ${winners.length} winners`);
      assert.equal(element(winners[0].body.toString(), 'CFG_FILE_KEY'), phones[index].key);
      const refusals = list.filter((answer) => answer.status !== 200);
      assert.equal(refusals.length, 49);
      for (const refusal of refusals) assert.equal(withoutRequestId(refusal), unknown);
    });
  });

  it('has one winner among 50 requests at once that come from one known address', async () => {
    const phone = await device();
    const headers = [['CF-Connecting-IP', '192.0.2.33']];
    const answers = await Promise.all(Array.from({ length: 50 }, () => raw(plain(phone), { headers })));
    assert.equal(answers.filter((answer) => answer.status === 200).length, 1);
    // Another location's clock may be ahead of this one's.
    await worker.sql('UPDATE devices SET delivered_at = delivered_at + 60000 WHERE id = ?1', phone.id);
    assert.equal((await raw(plain(phone), { headers })).status, 404);
  });

  it('is neither consumed nor revealed by HEAD', async () => {
    const phone = await device();
    const head = await raw(plain(phone), { method: 'HEAD' });
    assert.equal(head.status, 404);
    assert.equal(head.body.length, 0);
    assert.equal((await tenant.device(phone.mac)).key_state, 'armed');
    assert.equal((await raw(plain(phone))).status, 200);
  });

  const DATE = 'Sat, 21 Nov 2026 10:00:00 GMT';
  const ETAG = '"0123456789abcdef0123456789abcdef"';

  // RFC 9110 §13.2.2 for what has neither an ETag nor a modification date.
  for (const headers of [
    [['If-None-Match', '*']],
    [['If-None-Match', `${ETAG}, *`]],
    [
      ['If-None-Match', '*'],
      ['If-Modified-Since', DATE],
    ],
    [['If-Match', ETAG]],
    [
      ['If-Match', ETAG],
      ['If-None-Match', '"other"'],
    ],
    [
      ['If-Match', '*'],
      ['If-None-Match', '*'],
    ],
  ]) {
    it(`is neither consumed nor revealed by ${headers.map((header) => header.join(': ')).join(' and ')}`, async () => {
      const phone = await device();
      const answer = await raw(plain(phone), { headers });
      assert.equal(answer.status, 404);
      assert.ok(!answer.bytes.includes(phone.key));
      assert.equal((await tenant.device(phone.mac)).key_state, 'armed');
      assert.equal((await raw(plain(phone))).status, 200);
    });
  }

  for (const headers of [
    [['If-Modified-Since', DATE]],
    [['If-Modified-Since', 'Fri, 01 Jan 2100 00:00:00 GMT']],
    [['If-Modified-Since', 'the day before']],
    [['If-Unmodified-Since', DATE]],
    [['If-None-Match', ETAG]],
    [
      ['If-None-Match', `W/${ETAG}, "*"`],
      ['If-Modified-Since', DATE],
    ],
    [['If-Match', '*']],
    [
      ['If-Range', ETAG],
      ['Range', 'bytes=5-'],
    ],
    [
      ['If-Range', DATE],
      ['Range', 'bytes=5-'],
    ],
    [
      ['If-Unmodified-Since', DATE],
      ['Range', 'bytes=0-9'],
    ],
  ]) {
    it(`goes out whole, once, to a phone that sends ${headers.map((header) => header.join(': ')).join(' and ')}`, async () => {
      const phone = await device();
      const answer = await raw(plain(phone), { headers });
      assert.equal(answer.status, 200);
      assert.equal(answer.header('content-range'), undefined);
      assert.equal(Number(answer.header('content-length')), answer.body.length);
      assert.equal(element(answer.body.toString(), 'CFG_FILE_KEY'), phone.key);
      assert.equal((await raw(plain(phone), { headers })).status, 404);
      assert.equal((await tenant.device(phone.mac)).key_state, 'delivered');
    });
  }

  it('is refused to HEAD with any condition', async () => {
    const phone = await device();
    for (const header of [
      ['If-Modified-Since', DATE],
      ['If-None-Match', ETAG],
      ['If-Match', '*'],
    ]) {
      assert.equal((await raw(plain(phone), { method: 'HEAD', headers: [header] })).status, 404);
    }
    assert.equal((await tenant.device(phone.mac)).key_state, 'armed');
  });

  it('goes to a phone that boots, is re-keyed and boots again, with a date in each of its requests', async () => {
    const phone = await device();
    const headers = [['If-Modified-Since', DATE]];
    assert.equal((await raw(plain(phone), { headers })).status, 200);
    const sealedAnswer = await raw(sealed(phone), { headers });
    assert.equal(sealedAnswer.status, 200);
    const api = new Api(worker);
    await api.post(`/tenants/${tenant.id}/devices/${phone.mac}/rekey`);
    const known = [...headers, ['If-None-Match', sealedAnswer.header('etag')]];
    const again = await raw(plain(phone), { headers: known });
    assert.equal(again.status, 200);
    assert.notEqual(element(again.body.toString(), 'CFG_FILE_KEY'), phone.key);
  });

  for (const range of ['bytes=0-9', 'bytes=-5', 'bytes=5-', 'bytes=0-1,4-5', 'bytes=999999-']) {
    it(`ignores Range: ${range} and sends the whole file`, async () => {
      const phone = await device();
      const answer = await raw(plain(phone), { headers: [['Range', range]] });
      assert.equal(answer.status, 200);
      assert.equal(answer.header('content-range'), undefined);
      assert.equal(Number(answer.header('content-length')), answer.body.length);
      assert.equal(element(answer.body.toString(), 'CFG_FILE_KEY'), phone.key);
    });
  }

  it('is neither consumed nor revealed by POST, PUT, DELETE, OPTIONS or PROPFIND', async () => {
    const phone = await device();
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      const answer = await raw(plain(phone), { method });
      assert.notEqual(answer.status, 200, method);
      assert.ok(!answer.bytes.includes(phone.key), method);
    }
    assert.equal((await tenant.device(phone.mac)).key_state, 'armed');
  });

  it('never leaves over plain HTTP, and the attempt does not consume it', async () => {
    const phone = await device();
    const unknown = await raw(tenant.path(`Config${mac(0xfffffe)}.cfg`), { headers: [['Host', 'phones.example']] });
    const answer = await raw(plain(phone), { headers: [['Host', 'phones.example']] });
    assert.equal(answer.status, 404);
    assert.equal(withoutRequestId(answer), withoutRequestId(unknown));
    assert.equal((await tenant.device(phone.mac)).key_state, 'armed');
    const port = Number(new URL(worker.https).port);
    const secure = await rawRequest(port, plain(phone), { secure: true, headers: [['Host', 'phones.example']] });
    assert.equal(secure.status, 200);
  });

  it('whose transfer was cut stays consumed', async () => {
    const phone = await device();
    await raw(plain(phone), { abortAfter: 1 });
    assert.equal((await raw(plain(phone))).status, 404);
    const row = await tenant.device(phone.mac);
    assert.equal(row.key_state, 'delivered');
    assert.ok(row.delivered_at > 0);
  });

  it('leaves on record when, from where, with what and from which country it was taken', async () => {
    // A tenant of its own: the minute of the other one may be full by now.
    const tenant = await seedTenant(worker);
    const phone = await seedDevice(worker, tenant, { mac: mac((next += 1)) });
    const before = Date.now();
    await raw(tenant.path(`Config${phone.mac}.cfg`), {
      headers: [
        ['CF-Connecting-IP', '192.0.2.17'],
        ['CF-IPCountry', 'NZ'],
        ['User-Agent', `Panasonic_KX-UTG300B/01.133 (${phone.mac.toLowerCase()})`],
      ],
    });
    const row = await tenant.device(phone.mac);
    assert.equal(row.key_state, 'delivered');
    assert.equal(row.delivered_address, '192.0.2.17');
    assert.equal(row.delivered_country, 'NZ');
    assert.equal(row.delivered_user_agent, `Panasonic_KX-UTG300B/01.133 (${phone.mac.toLowerCase()})`);
    assert.ok(row.delivered_at >= before - 1000 && row.delivered_at <= Date.now() + 1000);
    const [event] = await eventually(
      () => tenant.events(`device_id = '${phone.id}'`),
      (events) => events.length === 1,
    );
    assert.equal(event.outcome, 'served');
    assert.equal(event.reason, 'bootstrap');
    assert.equal(event.address, '192.0.2.17');
  });

  it('that has expired is refused, also before the cron trigger has marked it', async () => {
    const phone = await device({ armedUntil: Date.now() - 1 });
    assert.equal((await raw(plain(phone))).status, 404);
    assert.equal((await tenant.device(phone.mac)).key_state, 'armed');
    await worker.ask('scheduled', {});
    await eventually(
      () => tenant.device(phone.mac),
      (row) => row.key_state === 'expired',
    );
    assert.equal((await raw(plain(phone))).status, 404);
    assert.equal((await raw(sealed(phone))).status, 404);
  });

  it('of a disabled device is refused and stays armed', async () => {
    const phone = await device({ disabled: 1 });
    assert.equal((await raw(plain(phone))).status, 404);
    assert.equal((await tenant.device(phone.mac)).key_state, 'armed');
  });

  it('is claimed in D1 and not in KV: an empty cache opens nothing again', async () => {
    const phone = await device();
    assert.equal((await raw(plain(phone))).status, 200);
    await eventually(
      () => worker.ask('kvList', { prefix: 'f1:' }),
      (keys) => keys.some((key) => key.name.includes(phone.mac)),
    );
    const keys = await worker.ask('kvList', {});
    await worker.ask('kvDelete', { names: keys.map((key) => key.name) });
    assert.equal((await raw(plain(phone))).status, 404);
    assert.equal((await raw(sealed(phone))).status, 200);
  });

  it('is never in KV, in a log line or in an event, and neither is its key', async () => {
    const tenant = await seedTenant(worker);
    const phone = await seedDevice(worker, tenant, { mac: mac((next += 1)), settings: { SIP_PASS: { secret: 'quite-a-secret-91' } } });
    const answer = await raw(tenant.path(`Config${phone.mac}.cfg`));
    assert.equal(element(answer.body.toString(), 'SIP_PASS_1'), 'quite-a-secret-91');
    await eventually(
      () => tenant.events(`device_id = '${phone.id}'`),
      (events) => events.length > 0,
    );
    for (const { name } of await worker.ask('kvList', {})) {
      const { base64, metadata } = await worker.ask('kvRead', { name });
      const value = Buffer.from(base64, 'base64').toString('latin1') + JSON.stringify(metadata);
      assert.ok(!value.includes(phone.key) && !value.includes('quite-a-secret-91') && !value.includes('PANASIP'), name);
    }
    for (const table of ['devices', 'phone_events', 'settings', 'audit', 'tenants']) {
      const dump = JSON.stringify(await worker.sql(`SELECT * FROM ${table}`));
      assert.ok(!dump.includes(phone.key) && !dump.includes('quite-a-secret-91'), table);
    }
    assert.ok(!worker.log.includes(phone.key) && !worker.log.includes('quite-a-secret-91'));
  });
});

describe('with a retry window', () => {
  let worker;
  let tenant;
  let next = 0x200000;
  before(async () => {
    worker = await Ringfence.start();
    tenant = await seedTenant(worker, { options: { retry_window_s: 3600 } });
  });
  after(() => worker?.stop());

  const from = (address) => ({ headers: [['CF-Connecting-IP', address]] });
  const raw = (path, options) => rawRequest(worker.port, path, options);

  it('the same address may take a bootstrap again until the first sealed fetch; nobody else may', async () => {
    const phone = await seedDevice(worker, tenant, { mac: mac((next += 1)) });
    const plain = tenant.path(`Config${phone.mac}.cfg`);
    const sealed = tenant.path(`Config${phone.mac}.enc`);
    const first = await raw(plain, from('192.0.2.1'));
    assert.equal(first.status, 200);
    const again = await raw(plain, from('192.0.2.1'));
    assert.equal(again.status, 200);
    assert.deepEqual(again.body, first.body);
    assert.equal((await raw(plain, from('192.0.2.2'))).status, 404);
    assert.equal((await raw(plain, from('2001:db8::1'))).status, 404);
    assert.equal((await raw(plain, from('192.0.2.1'))).status, 200);
    assert.equal((await raw(sealed, from('192.0.2.1'))).status, 200);
    await eventually(
      () => tenant.device(phone.mac),
      (row) => row.key_state === 'confirmed',
    );
    assert.equal((await raw(plain, from('192.0.2.1'))).status, 404);
  });

  it('the window counts from the first delivery and is not prolonged by a retry', async () => {
    const phone = await seedDevice(worker, tenant, { mac: mac((next += 1)) });
    const plain = tenant.path(`Config${phone.mac}.cfg`);
    assert.equal((await raw(plain, from('192.0.2.1'))).status, 200);
    const { delivered_at: first } = await tenant.device(phone.mac);
    assert.equal((await raw(plain, from('192.0.2.1'))).status, 200);
    assert.equal((await tenant.device(phone.mac)).delivered_at, first);
    await worker.sql('UPDATE devices SET delivered_at = delivered_at - 3600001 WHERE id = ?1', phone.id);
    assert.equal((await raw(plain, from('192.0.2.1'))).status, 404);
  });

  it('a request without a known address has no window', async () => {
    const phone = await seedDevice(worker, tenant, { mac: mac((next += 1)) });
    const plain = tenant.path(`Config${phone.mac}.cfg`);
    assert.equal((await raw(plain)).status, 200);
    assert.equal((await raw(plain)).status, 404);
  });
});

describe('where the plain name answers the sealed file after delivery', () => {
  let worker;
  let tenant;
  before(async () => {
    worker = await Ringfence.start();
    tenant = await seedTenant(worker, { options: { plain_name_after_delivery: 'sealed' } });
  });
  after(() => worker?.stop());

  it('the second request gets exactly the bytes of the sealed name', async () => {
    const phone = await seedDevice(worker, tenant, { mac: mac(0x300001) });
    const plain = tenant.path(`Config${phone.mac}.cfg`);
    assert.equal(element((await rawRequest(worker.port, plain)).body.toString(), 'CFG_FILE_KEY'), phone.key);
    const second = await rawRequest(worker.port, plain);
    const sealed = await rawRequest(worker.port, tenant.path(`Config${phone.mac}.enc`));
    assert.equal(second.status, 200);
    assert.equal(sealed.status, 200);
    assert.deepEqual(second.body, sealed.body);
    // At this name a bootstrap, which has no ETag, may wait the next time.
    assert.equal(second.header('etag'), undefined);
  });

  it('a phone that lost its bootstrap and asks again confirms nothing; a sealed name does', async () => {
    const phone = await seedDevice(worker, tenant, { mac: mac(0x300004) });
    const plain = tenant.path(`Config${phone.mac}.cfg`);
    await rawRequest(worker.port, plain, { abortAfter: 1 });
    for (let i = 0; i < 3; i += 1) assert.equal((await rawRequest(worker.port, plain)).status, 200);
    const events = await eventually(
      () => tenant.events(`device_id = '${phone.id}'`),
      (list) => list.length === 4,
    );
    assert.deepEqual(events.map((event) => event.reason).sort(), ['bootstrap', ...Array(3).fill('sealed_at_plain_name')]);
    // Its file is in KV by now: what would have confirmed the key has run.
    await eventually(() => worker.ask('kvRead', { name: `f1:${tenant.id}:standard:sealed:${phone.mac}` }), Boolean);
    const row = await tenant.device(phone.mac);
    assert.equal(row.key_state, 'delivered');
    assert.equal(row.confirmed_at, null);
    assert.ok(row.fetched_version > 0);
    await rawRequest(worker.port, tenant.path(`Config${phone.mac}.enc`));
    await eventually(
      () => tenant.device(phone.mac),
      (now) => now.key_state === 'confirmed',
    );
  });

  it('50 requests at once still have one plaintext among them', async () => {
    const phone = await seedDevice(worker, tenant, { mac: mac(0x300002) });
    const answers = await Promise.all(Array.from({ length: 50 }, () => rawRequest(worker.port, tenant.path(`Config${phone.mac}.cfg`))));
    const plaintexts = answers.filter((answer) => answer.body.includes('PANASIPPhoneConfig'));
    assert.equal(plaintexts.length, 1);
    assert.ok(answers.every((answer) => answer.status === 200 || answer.status === 404));
  });

  it('HEAD of a bootstrap that waits is refused all the same', async () => {
    const phone = await seedDevice(worker, tenant, { mac: mac(0x300003) });
    const head = await rawRequest(worker.port, tenant.path(`Config${phone.mac}.cfg`), { method: 'HEAD' });
    assert.equal(head.status, 404);
    assert.equal((await tenant.device(phone.mac)).key_state, 'armed');
  });
});
