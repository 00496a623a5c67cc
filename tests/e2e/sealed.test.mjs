// Sealed files: openssl opens them, and HTTP's conditions and ranges are kept.

import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { after, before, describe, it } from 'node:test';

import { element, standardTemplate, withoutKey } from '../support/worker/content.mjs';
import { opensslDecrypt } from '../support/openssl.mjs';
import { rawBytes, rawRequest } from '../support/worker/raw.mjs';
import { saltOf, sealAsTheCrate } from '../support/worker/reference.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, Master, seedDevice, seedTenant } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

const PROFILES = ['md5', 'sha256'].flatMap((digest) =>
  [128, 192, 256].map((bits) => ({ name: digest === 'md5' ? `utg-${bits}` : `utg-${bits}-${digest}`, bits, digest })),
);
const MODELS = PROFILES.map(({ name }) => ({ name: `KX-${name}`, family: 'utg', profile: name }));

function underAnotherKey(sealed, cipher) {
  try {
    return opensslDecrypt(sealed, 'x'.repeat(32), cipher).toString();
  } catch (error) {
    assert.match(error.message, /openssl refused/);
    return undefined;
  }
}

describe('a sealed file', () => {
  let worker;
  let tenant;
  let phone;
  let path;
  let whole;
  before(async () => {
    worker = await Ringfence.start();
    tenant = await seedTenant(worker, { models: [{ name: 'KX-UTG300B', family: 'utg', profile: 'utg-128' }, ...MODELS] });
    phone = await seedDevice(worker, tenant, { mac: mac(1) });
    assert.equal((await tenant.get(`Config${phone.mac}.cfg`)).status, 200);
    path = tenant.path(`Config${phone.mac}.enc`);
    whole = await raw();
  });
  after(() => worker?.stop());
  const raw = (options) => rawRequest(worker.port, path, options);
  const ranged = (range, ...more) => raw({ headers: [['Range', range], ...more] });

  for (const [number, { name, bits, digest }] of PROFILES.entries()) {
    it(`of ${name} is opened by openssl and is the bootstrap without its key`, async () => {
      const device = await seedDevice(worker, tenant, { mac: mac(0x1000 + number), model: `KX-${name}` });
      const bootstrap = await (await tenant.get(`Config${device.mac}.cfg`)).text();
      assert.equal(element(bootstrap, 'CFG_FILE_KEY'), device.key);
      assert.equal(element(bootstrap, 'CFG_FILE_KEY_LENGTH'), String(bits));
      const sealed = Buffer.from(await (await tenant.get(`Config${device.mac}.enc`)).arrayBuffer());
      const plain = opensslDecrypt(sealed, device.key, { bits, digest }).toString();
      assert.equal(element(plain, 'SIP_AUTHID_1'), device.mac.toLowerCase());
      assert.equal(element(plain, 'CFG_FILE_KEY'), undefined);
      assert.equal(withoutKey(plain), withoutKey(bootstrap));
      // Under another key openssl refuses it, but for one time in 256 or so, when what comes out ends like padding.
      assert.notEqual(underAnotherKey(sealed, { bits, digest }), plain);
    });
  }

  for (const [number, { name, bits, digest }] of PROFILES.entries()) {
    it(`of ${name} is, byte for byte, what the crate makes of it`, async () => {
      const device = await seedDevice(worker, tenant, { mac: mac(0x2000 + number), model: `KX-${name}` });
      await tenant.get(`Config${device.mac}.cfg`);
      const sealed = Buffer.from(await (await tenant.get(`Config${device.mac}.enc`)).arrayBuffer());
      const plain = opensslDecrypt(sealed, device.key, { bits, digest });
      assert.ok(plain.length > 0);
      const reference = sealAsTheCrate(plain, device.key, name, saltOf(sealed));
      assert.ok(sealed.equals(reference));
      assert.ok(!sealed.equals(sealAsTheCrate(plain, device.key, name, Buffer.alloc(8))));
    });
  }

  it('has the salt and the ETag that the documents say', async () => {
    const device = await seedDevice(worker, tenant, { mac: mac(0x61) });
    await tenant.get(`Config${device.mac}.cfg`);
    const answer = await tenant.get(`Config${device.mac}.enc`);
    const sealed = Buffer.from(await answer.arrayBuffer());
    const plain = opensslDecrypt(sealed, device.key, { bits: 128, digest: 'md5' });
    const { generation } = await tenant.device(device.mac);
    const secret = new Master(worker.options.secrets.MASTER_KEY).subkey('salt');
    const tag = createHmac('sha256', secret).update(`device-key:${device.id}:${generation}\0`).update(plain).digest();
    assert.deepEqual(saltOf(sealed), tag.subarray(0, 8));
    const digest = createHash('sha256').update(sealed).digest('hex');
    assert.equal(answer.headers.get('etag'), `"${digest.slice(0, 32)}"`);
  });

  it('is refused before its key was delivered', async () => {
    const device = await seedDevice(worker, tenant, { mac: mac(2) });
    assert.equal((await tenant.get(`Config${device.mac}.enc`)).status, 404);
    assert.equal((await tenant.get(`Config${device.mac}.cfg`)).status, 200);
    assert.equal((await tenant.get(`Config${device.mac}.enc`)).status, 200);
  });

  it('goes on being served when a re-armed bootstrap waits for the same key', async () => {
    const device = await seedDevice(worker, tenant, { mac: mac(3), state: 'armed', delivered: true });
    assert.equal((await tenant.get(`Config${device.mac}.enc`)).status, 200);
    assert.equal((await tenant.device(device.mac)).key_state, 'armed');
  });

  it('confirms the key, once', async () => {
    const device = await seedDevice(worker, tenant, { mac: mac(4) });
    await tenant.get(`Config${device.mac}.cfg`);
    assert.equal((await tenant.device(device.mac)).key_state, 'delivered');
    await tenant.get(`Config${device.mac}.enc`);
    const { confirmed_at: first } = await eventually(
      () => tenant.device(device.mac),
      (row) => row.key_state === 'confirmed',
    );
    await tenant.get(`Config${device.mac}.enc`);
    assert.equal((await tenant.device(device.mac)).confirmed_at, first);
  });

  it('is not confirmed by HEAD', async () => {
    const device = await seedDevice(worker, tenant, { mac: mac(0x60), state: 'delivered' });
    const sealed = tenant.path(`Config${device.mac}.enc`);
    for (let i = 0; i < 2; i += 1) {
      assert.equal((await rawRequest(worker.port, sealed, { method: 'HEAD' })).status, 200);
      await eventually(() => worker.ask('kvRead', { name: `f1:${tenant.id}:standard:sealed:${device.mac}` }), Boolean);
    }
    assert.equal((await tenant.device(device.mac)).key_state, 'delivered');
    assert.equal((await rawRequest(worker.port, sealed)).status, 200);
    await eventually(
      () => tenant.device(device.mac),
      (row) => row.key_state === 'confirmed',
    );
  });

  it('heeds If-Match', async () => {
    assert.equal((await raw({ headers: [['If-Match', whole.header('etag')]] })).status, 200);
    const answer = await raw({ headers: [['If-Match', '"another"']] });
    assert.equal(answer.status, 412);
    assert.equal(answer.body.length, 0);
  });

  it('carries Content-Length, a strong ETag, a type that is no text, and is not for shared caches', () => {
    assert.equal(whole.status, 200);
    assert.equal(Number(whole.header('content-length')), whole.body.length);
    assert.match(whole.header('etag'), /^"[0-9a-f]{32}"$/);
    assert.equal(whole.header('content-type'), 'application/octet-stream');
    assert.match(whole.header('cache-control'), /private|no-store/);
    assert.equal(whole.header('accept-ranges'), 'bytes');
    assert.equal(whole.header('transfer-encoding'), undefined);
    assert.match(whole.header('ringfence-request-id'), /^[0-9A-HJKMNP-TV-Z]{26}$/);
  });

  it('is base64 in lines of 64 columns with a final newline', () => {
    const text = whole.body.toString('latin1');
    assert.ok(text.endsWith('\n'));
    const lines = text.slice(0, -1).split('\n');
    assert.ok(lines.slice(0, -1).every((line) => line.length === 64));
    assert.ok(lines.at(-1).length > 0 && lines.at(-1).length <= 64);
    assert.ok(text.startsWith('U2FsdGVkX1'));
  });

  it('is the same bytes and the same ETag every time, from KV or made anew', async () => {
    for (const { name } of await worker.ask('kvList', {})) await worker.ask('kvDelete', { names: [name] });
    const anew = await raw();
    assert.deepEqual(anew.body, whole.body);
    assert.equal(anew.header('etag'), whole.header('etag'));
  });

  it('changes with its content, and so does its ETag; another phone with the same content has another', async () => {
    const device = await seedDevice(worker, tenant, { mac: mac(5), state: 'delivered' });
    const before = await tenant.get(`Config${device.mac}.enc`);
    await worker.sql(
      "INSERT INTO settings (tenant_id, scope, name, value) VALUES (?1, ?2, 'SIP_USER', '7099')",
      tenant.id,
      `device:${device.id}`,
    );
    await tenant.changed();
    const after = await tenant.get(`Config${device.mac}.enc`);
    assert.notEqual(after.headers.get('etag'), before.headers.get('etag'));
    const plain = opensslDecrypt(Buffer.from(await after.arrayBuffer()), device.key).toString();
    assert.equal(element(plain, 'SIP_USER_ID_1'), '7099');
    assert.notEqual((await raw()).header('etag'), after.headers.get('etag'));
  });

  it('answers HEAD with the headers of GET and no body', async () => {
    const head = await raw({ method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.equal(head.body.length, 0);
    for (const name of ['content-length', 'etag', 'content-type', 'cache-control', 'accept-ranges']) {
      assert.equal(head.header(name), whole.header(name), name);
    }
  });

  it('answers HTTP/1.0, with Content-Length and not chunked', async () => {
    const answer = await raw({ version: '1.0' });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, whole.body);
    assert.equal(Number(answer.header('content-length')), whole.body.length);
    assert.equal(answer.header('transfer-encoding'), undefined);
  });

  it('answers two requests on one connection', async () => {
    const one = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
    const last = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`;
    const bytes = await rawBytes(worker.port, one + last);
    const bodies = bytes.toString('latin1').split(whole.body.toString('latin1'));
    assert.equal(bodies.length, 3);
  });

  for (const [what, value] of [
    ['the ETag', (etag) => etag],
    ['its weak form', (etag) => `W/${etag}`],
    ['a list with it', (etag) => `"0000", ${etag}`],
    ['a star', () => '*'],
  ]) {
    it(`is 304 for If-None-Match with ${what}`, async () => {
      const answer = await raw({ headers: [['If-None-Match', value(whole.header('etag'))]] });
      assert.equal(answer.status, 304);
      assert.equal(answer.body.length, 0);
      assert.equal(answer.header('etag'), whole.header('etag'));
    });
  }

  it('is sent whole for If-None-Match with another ETag', async () => {
    const answer = await raw({ headers: [['If-None-Match', '"00000000000000000000000000000000"']] });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, whole.body);
  });

  it('304 comes before Range', async () => {
    const answer = await ranged('bytes=0-9', ['If-None-Match', whole.header('etag')]);
    assert.equal(answer.status, 304);
  });

  for (const [range, from, to] of [
    ['bytes=0-0', 0, 0],
    ['bytes=10-19', 10, 19],
    ['bytes=10-', 10, Infinity],
    ['bytes=-7', -7, Infinity],
    ['bytes=-999999999', 0, Infinity],
    ['bytes=5-999999999', 5, Infinity],
    ['BYTES=3-4', 3, 4],
  ]) {
    it(`answers Range: ${range} with 206 and that part`, async () => {
      const answer = await ranged(range);
      const length = whole.body.length;
      const first = from < 0 ? length + from : from;
      const last = Math.min(to, length - 1);
      assert.equal(answer.status, 206);
      assert.equal(answer.header('content-range'), `bytes ${first}-${last}/${length}`);
      assert.equal(Number(answer.header('content-length')), last - first + 1);
      assert.deepEqual(answer.body, whole.body.subarray(first, last + 1));
      assert.equal(answer.header('etag'), whole.header('etag'));
    });
  }

  for (const range of ['bytes=99999999-', 'bytes=-0', 'bytes=99999998-99999999']) {
    it(`answers Range: ${range} with 416`, async () => {
      const answer = await ranged(range);
      assert.equal(answer.status, 416);
      assert.equal(answer.header('content-range'), `bytes */${whole.body.length}`);
      assert.equal(answer.body.length, 0);
      assert.equal(answer.header('content-length'), '0');
    });
  }

  for (const range of ['bytes=0-1,4-5', 'bytes=5-2', 'lines=1-2', 'bytes=a-b', 'bytes=', 'bytes=-', '0-5', 'bytes=0x0-5']) {
    it(`sends the whole file for Range: ${range}`, async () => {
      const answer = await ranged(range);
      assert.equal(answer.status, 200);
      assert.deepEqual(answer.body, whole.body);
    });
  }

  it('honours If-Range with the very ETag, and sends the whole file for anything else', async () => {
    const etag = whole.header('etag');
    assert.equal((await ranged('bytes=0-4', ['If-Range', etag])).status, 206);
    for (const value of [`W/${etag}`, '"0000"', 'Sat, 21 Nov 2026 10:00:00 GMT']) {
      const answer = await ranged('bytes=0-4', ['If-Range', value]);
      assert.equal(answer.status, 200, value);
      assert.deepEqual(answer.body, whole.body);
    }
  });

  it('ignores Range on HEAD', async () => {
    const head = await raw({ method: 'HEAD', headers: [['Range', 'bytes=0-9']] });
    assert.equal(head.status, 200);
    assert.equal(Number(head.header('content-length')), whole.body.length);
  });

  it('is refused over plain HTTP, unless the tenant allows it; a bootstrap is refused even then', async () => {
    const host = [['Host', 'phones.example']];
    assert.equal((await raw({ headers: host })).status, 404);
    await tenant.setOptions({ sealed_over_http: true });
    const answer = await raw({ headers: host });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, whole.body);
    const armed = await seedDevice(worker, tenant, { mac: mac(6) });
    assert.equal((await rawRequest(worker.port, tenant.path(`Config${armed.mac}.cfg`), { headers: host })).status, 404);
    assert.equal((await tenant.device(armed.mac)).key_state, 'armed');
    assert.equal((await rawRequest(worker.port, tenant.path('KX-UTG300B.cfg'), { headers: host })).status, 404);
    await tenant.setOptions({});
    assert.equal((await raw({ headers: host })).status, 404);
  });
});

describe('sizes', () => {
  let worker;
  before(async () => {
    worker = await Ringfence.start();
  });
  after(() => worker?.stop());

  for (const kilobytes of [1, 16, 28, 64, 110]) {
    it(`a file of ${kilobytes} KB survives sealing, KV and openssl`, async () => {
      const tenant = await seedTenant(worker, { templates: { 'standard/utg': standardTemplate(kilobytes * 1024) } });
      const device = await seedDevice(worker, tenant, { mac: mac(0x400000 + kilobytes), state: 'delivered' });
      const name = `Config${device.mac}.enc`;
      const first = await rawRequest(worker.port, tenant.path(name));
      assert.equal(first.status, 200);
      const plain = opensslDecrypt(first.body, device.key);
      assert.ok(plain.length > kilobytes * 1024 * 0.8, `${plain.length} bytes`);
      assert.equal(
        (plain.toString().match(/<FILLER_/g) ?? []).length,
        (standardTemplate(kilobytes * 1024).match(/<FILLER_/g) ?? []).length,
      );
      await eventually(
        () => worker.ask('kvList', { prefix: `f1:${tenant.id}:standard:sealed:` }),
        (keys) => keys.length === 1,
      );
      const second = await rawRequest(worker.port, tenant.path(name));
      assert.deepEqual(second.body, first.body);
    });
  }
});
