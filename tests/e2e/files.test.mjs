// The files beside the standard one: initial, product, master, system, certificates; tenants by host
// and by access path; families without a one-time file.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { TEXT, XML, element } from '../support/worker/content.mjs';
import { opensslDecrypt } from '../support/openssl.mjs';
import { rawRequest } from '../support/worker/raw.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { UTG, hashAccessPath, mac, newAccessPath, seedDevice, seedTenant, ulid } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

const HDV = { name: 'KX-HDV130N', family: 'hdv', profile: null };

describe('files', () => {
  let worker;
  before(async () => {
    worker = await Ringfence.start();
  });
  after(() => worker?.stop());
  const text = async (response) => {
    assert.equal(response.status, 200);
    const body = await response.text();
    assert.equal(Number(response.headers.get('content-length')), Buffer.byteLength(body));
    return body;
  };

  it("the initial file of a model names the others by the phone's own macros", async () => {
    const tenant = await seedTenant(worker);
    const response = await tenant.get('KX-UTG300B.cfg');
    assert.equal(response.headers.get('cache-control'), 'no-store');
    const file = await text(response);
    const base = `${worker.http}${tenant.accessPath}`;
    assert.equal(element(file, 'CFG_STANDARD_FILE_PATH'), `${base}/Config{MAC}.cfg`);
    assert.equal(element(file, 'CFG_PRODUCT_FILE_PATH'), `${base}/Product{MAC}.enc`);
    assert.equal(element(file, 'CFG_MASTER_FILE_PATH'), `${base}/Master{MAC}.enc`);
  });

  it('the initial file of a device names the others for that device', async () => {
    const tenant = await seedTenant(worker);
    const phone = await seedDevice(worker, tenant, { mac: mac(1) });
    const file = await text(await tenant.get(`Initial${phone.mac}.cfg`));
    assert.equal(element(file, 'CFG_STANDARD_FILE_PATH'), `${worker.http}${tenant.accessPath}/Config${phone.mac}.cfg`);
  });

  it('with state-dependent names it names the plain file before the delivery and the sealed one after', async () => {
    const tenant = await seedTenant(worker, { options: { state_dependent_names: true } });
    const phone = await seedDevice(worker, tenant, { mac: mac(2) });
    const named = async () => element(await text(await tenant.get(`Initial${phone.mac}.cfg`)), 'CFG_STANDARD_FILE_PATH');
    assert.match(await named(), /Config[0-9A-F]{12}\.cfg$/);
    assert.equal((await tenant.get(`Config${phone.mac}.cfg`)).status, 200);
    assert.match(await named(), /Config[0-9A-F]{12}\.enc$/);
    const path = new URL(await named()).pathname;
    assert.equal((await worker.fetch(path)).status, 200);
  });

  it('with state-dependent names a bootstrap whose time is over is not named, before anything has marked it', async () => {
    const tenant = await seedTenant(worker, { options: { state_dependent_names: true } });
    const phone = await seedDevice(worker, tenant, { mac: mac(6), state: 'confirmed' });
    const named = async () => element(await text(await tenant.get(`Initial${phone.mac}.cfg`)), 'CFG_STANDARD_FILE_PATH');
    await worker.sql("UPDATE devices SET key_state = 'armed', armed_until = ?2 WHERE mac = ?1", phone.mac, Date.now() + 60_000);
    assert.match(await named(), /\.cfg$/);
    await worker.sql('UPDATE devices SET armed_until = ?2 WHERE mac = ?1', phone.mac, Date.now() - 1);
    assert.match(await named(), /\.enc$/);
    assert.equal((await worker.fetch(new URL(await named()).pathname)).status, 200);
  });

  it('every URL that an initial file names is served', async () => {
    const tenant = await seedTenant(worker, { options: { state_dependent_names: true } });
    const phone = await seedDevice(worker, tenant, { mac: mac(3), state: 'confirmed' });
    await worker.sql(
      'INSERT INTO certificates (tenant_id, name, body, created_at) VALUES (?1, ?2, ?3, 1)',
      tenant.id,
      'root.pem',
      Buffer.from('certificate').toString('base64'),
    );
    const file = await text(await tenant.get(`Initial${phone.mac}.cfg`));
    const urls = [...file.matchAll(/>(https?:[^<]+)</g)].map((match) => match[1]);
    assert.equal(urls.length, 4);
    for (const url of urls) assert.equal((await fetch(url)).status, 200, url);
  });

  it('product and master files are sealed with the key of the phone that asks', async () => {
    const tenant = await seedTenant(worker);
    const phones = [
      await seedDevice(worker, tenant, { mac: mac(4), state: 'confirmed' }),
      await seedDevice(worker, tenant, { mac: mac(5), state: 'confirmed' }),
    ];
    for (const phone of phones) {
      const product = Buffer.from(await (await tenant.get(`Product${phone.mac}.enc`)).arrayBuffer());
      assert.equal(element(opensslDecrypt(product, phone.key).toString(), 'PRODUCT_NOTE'), 'product');
      const master = Buffer.from(await (await tenant.get(`Master${phone.mac}.enc`)).arrayBuffer());
      assert.equal(element(opensslDecrypt(master, phone.key).toString(), 'NTP_ADDR'), 'ntp.example');
    }
    assert.equal((await tenant.get('ConfigKX-UTG300B.cfg')).status, 404);
    assert.equal((await tenant.get('ConfigCom.cfg')).status, 404);
  });

  it('product and master files are plain where the tenant says so', async () => {
    const tenant = await seedTenant(worker, { options: { shared_files: 'plain' } });
    const phone = await seedDevice(worker, tenant, { mac: mac(6), state: 'confirmed' });
    const product = await tenant.get('ConfigKX-UTG300B.cfg');
    assert.equal(product.headers.get('cache-control'), 'no-store');
    assert.equal(element(await text(product), 'PRODUCT_NOTE'), 'product');
    assert.equal(element(await text(await tenant.get('ConfigCom.cfg')), 'NTP_ADDR'), 'ntp.example');
    // A phone that was told the sealed name before goes on getting the file.
    assert.equal((await tenant.get(`Product${phone.mac}.enc`)).status, 200);
    const initial = await text(await tenant.get('KX-UTG300B.cfg'));
    assert.ok(element(initial, 'CFG_PRODUCT_FILE_PATH').endsWith('/Config{MODEL}.cfg'));
    assert.ok(element(initial, 'CFG_MASTER_FILE_PATH').endsWith('/ConfigCom.cfg'));
  });

  it('a regional model name is no MAC, and ConfigCom.cfg is no product file', async () => {
    const tenant = await seedTenant(worker, {
      options: { shared_files: 'plain' },
      models: [UTG, { name: 'Com', family: 'utg', profile: 'utg-128' }],
    });
    assert.equal(element(await text(await tenant.get('ConfigCom.cfg')), 'NTP_ADDR'), 'ntp.example');
  });

  it("the operator's template of the very model beats the family's", async () => {
    const tenant = await seedTenant(worker, {
      options: { shared_files: 'plain' },
      models: [UTG, { name: 'KX-UTG200B', family: 'utg', profile: 'utg-128' }],
      templates: { ...XML, 'product/utg/KX-UTG200B': XML['product/utg'].replace('>product<', '>special<') },
    });
    assert.equal(element(await text(await tenant.get('ConfigKX-UTG200B.cfg')), 'PRODUCT_NOTE'), 'special');
    assert.equal(element(await text(await tenant.get('ConfigKX-UTG300B.cfg')), 'PRODUCT_NOTE'), 'product');
  });

  it('a file that is one for all models has no template of one of them', async () => {
    const other = { name: 'KX-UTG200B', family: 'utg', profile: 'utg-128' };
    const own = (text) => XML['master/utg'].replace('>ntp.example<', `>${text}<`);
    const tenant = await seedTenant(worker, {
      options: { shared_files: 'plain' },
      models: [UTG, other],
      templates: { ...XML, [`master/utg/${UTG.name}`]: own('near'), [`master/utg/${other.name}`]: own('nearer') },
    });
    assert.equal(element(await text(await tenant.get('ConfigCom.cfg')), 'NTP_ADDR'), 'ntp.example');
    const answer = await new Api(worker).call('PUT', `/tenants/${tenant.id}/templates/master/utg/${UTG.name}`, {
      body: { source: own('near') },
    });
    assert.equal(answer.status, 400);
    assert.match(answer.body.detail, /the same for every model/);
  });

  it('the nearer layer wins, in the standard file; shared files see only what they share', async () => {
    const tenant = await seedTenant(worker, {
      options: { shared_files: 'plain' },
      settings: { SIP_USER: 'tenant', NOTE: 'tenant' },
      templates: { ...XML, 'product/utg': XML['product/utg'].replace('>product<', '>{{ NOTE }}<') },
    });
    const site = ulid();
    await worker.sql(
      'INSERT INTO sites (id, tenant_id, name, created_at, updated_at) VALUES (?1, ?2, ?3, 1, 1)',
      site,
      tenant.id,
      'Harbour',
    );
    const put = (scope, name, value) =>
      worker.sql('INSERT INTO settings (tenant_id, scope, name, value) VALUES (?1, ?2, ?3, ?4)', tenant.id, scope, name, value);
    const phone = await seedDevice(worker, tenant, { mac: mac(7), state: 'confirmed', site });
    const user = async () => {
      await tenant.changed();
      const sealed = Buffer.from(await (await tenant.get(`Config${phone.mac}.enc`)).arrayBuffer());
      return element(opensslDecrypt(sealed, phone.key).toString(), 'SIP_USER_ID_1');
    };
    assert.equal(await user(), 'tenant');
    await put(`site:${site}`, 'SIP_USER', 'site');
    assert.equal(await user(), 'site');
    await put('model:KX-UTG300B', 'SIP_USER', 'model');
    assert.equal(await user(), 'model');
    await put(`device:${phone.id}`, 'SIP_USER', 'device');
    assert.equal(await user(), 'device');
    await put(`site:${site}`, 'NOTE', 'site');
    await tenant.changed();
    assert.equal(element(await text(await tenant.get('ConfigKX-UTG300B.cfg')), 'PRODUCT_NOTE'), 'tenant');
  });

  it('a password of awkward characters reaches the phone as it is', async () => {
    const tenant = await seedTenant(worker);
    const phone = await seedDevice(worker, tenant, {
      mac: mac(8),
      state: 'confirmed',
      settings: { SIP_PASS: { secret: 'e3#rl2(&ae#1<>"\'' } },
    });
    const sealed = Buffer.from(await (await tenant.get(`Config${phone.mac}.enc`)).arrayBuffer());
    assert.equal(element(opensslDecrypt(sealed, phone.key).toString(), 'SIP_PASS_1'), 'e3#rl2(&ae#1<>"\'');
  });

  describe('of a family without a one-time file', () => {
    it('are plain over HTTPS, as often as asked, in the text format, and wrapped in KV', async () => {
      const tenant = await seedTenant(worker, { models: [HDV], templates: TEXT });
      const phone = await seedDevice(worker, tenant, { mac: mac(9), model: HDV.name, settings: { SIP_PASS: { secret: 'e3#rl2(&ae#1' } } });
      const name = `Config${phone.mac}.cfg`;
      const first = await tenant.get(name);
      assert.equal(first.headers.get('cache-control'), 'no-store');
      assert.match(first.headers.get('content-type'), /^text\/plain/);
      const file = await text(first);
      assert.ok(file.startsWith('# Panasonic SIP Phone Standard Format File #'));
      assert.ok(file.includes('SIP_PASS_1="e3#rl2(&ae#1"\r\n'));
      assert.ok(file.endsWith('\r\n\r\n') || file.endsWith('"\r\n\r\n'));
      assert.ok(file.split('\r\n').every((line) => !line.includes('\n')));
      const key = `f1:${tenant.id}:standard:plain:${phone.mac}`;
      const stored = await eventually(() => worker.ask('kvRead', { name: key }), Boolean);
      assert.ok(!Buffer.from(stored.base64, 'base64').includes('SIP_PASS'));
      assert.equal(await text(await tenant.get(name)), file);
      const overHttp = await rawRequest(worker.port, tenant.path(name), { headers: [['Host', 'phones.example']] });
      assert.equal(overHttp.status, 404);
      assert.equal((await tenant.device(phone.mac)).key_state, 'armed');
    });

    it('name each other in the initial file', async () => {
      const tenant = await seedTenant(worker, { models: [HDV], templates: TEXT });
      const file = await text(await tenant.get('KX-HDV130N.cfg'));
      assert.ok(file.includes(`CFG_STANDARD_FILE_PATH="${worker.http}${tenant.accessPath}/Config{MAC}.cfg"\r\n`));
      assert.ok(file.includes('/Config{MODEL}.cfg"'));
      assert.ok((await text(await tenant.get('ConfigCom.cfg'))).includes('NTP_ADDR="ntp.example"'));
      assert.ok((await text(await tenant.get('ConfigKX-HDV130N.cfg'))).includes('PRODUCT_NOTE="product"'));
    });

    it('a tenant with two families names the one its plain master file is for', async () => {
      const models = [UTG, HDV];
      const tenant = await seedTenant(worker, { models, templates: { ...XML, ...TEXT }, options: { shared_files: 'plain' } });
      assert.equal((await tenant.get('ConfigCom.cfg')).status, 404);
      await tenant.setOptions({ shared_files: 'plain', shared_family: 'hdv' });
      assert.ok((await text(await tenant.get('ConfigCom.cfg'))).startsWith('# Panasonic'));
    });
  });

  it('built-in templates serve a tenant that wrote none', async () => {
    const tenant = await seedTenant(worker, { templates: {} });
    const phone = await seedDevice(worker, tenant, { mac: mac(10) });
    const initial = await text(await tenant.get('KX-UTG300B.cfg'));
    assert.ok(element(initial, 'CFG_STANDARD_FILE_PATH').endsWith('/Config{MAC}.cfg'));
    assert.equal(element(await text(await tenant.get(`Config${phone.mac}.cfg`)), 'CFG_FILE_KEY'), phone.key);
    assert.equal((await tenant.get(`Config${phone.mac}.enc`)).status, 200);
    assert.equal((await tenant.get(`Product${phone.mac}.enc`)).status, 200);
    assert.equal((await tenant.get(`Master${phone.mac}.enc`)).status, 200);
  });

  it('root certificates are served under their own names', async () => {
    const tenant = await seedTenant(worker);
    const bytes = Buffer.from('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    await worker.sql(
      'INSERT INTO certificates (tenant_id, name, body, created_at) VALUES (?1, ?2, ?3, 1)',
      tenant.id,
      'root.pem',
      bytes.toString('base64'),
    );
    const response = await tenant.get('certs/root.pem');
    assert.equal(response.status, 200);
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), bytes);
    assert.equal(Number(response.headers.get('content-length')), bytes.length);
    assert.equal((await tenant.get('certs/other.pem')).status, 404);
    const other = await seedTenant(worker);
    assert.equal((await other.get('certs/root.pem')).status, 404);
  });

  it('a tenant bound to a hostname is served there and nowhere else', async () => {
    const tenant = await seedTenant(worker, { hostname: 'phones.example' });
    const phone = await seedDevice(worker, tenant, { mac: mac(11), state: 'confirmed' });
    const port = Number(new URL(worker.https).port);
    const ask = (host) => rawRequest(port, tenant.path(`Config${phone.mac}.enc`), { secure: true, headers: [['Host', host]] });
    assert.equal((await ask('phones.example')).status, 200);
    assert.equal((await ask('PHONES.example')).status, 200);
    assert.equal((await ask('elsewhere.example')).status, 404);
    assert.equal((await tenant.get(`Config${phone.mac}.enc`)).status, 404);
  });

  it('several access paths are valid at once; an expired one is refused and the other goes on', async () => {
    const tenant = await seedTenant(worker);
    const phone = await seedDevice(worker, tenant, { mac: mac(12), state: 'confirmed' });
    const second = newAccessPath();
    await worker.sql(
      'INSERT INTO access_paths (id, tenant_id, hash, label, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, 1, ?5)',
      ulid(),
      tenant.id,
      hashAccessPath(second),
      'next',
      Date.now() + 3600_000,
    );
    const at = (path) => worker.fetch(`/${path}/Config${phone.mac}.enc`).then((response) => response.status);
    assert.equal(await at(tenant.accessPath), 200);
    assert.equal(await at(second), 200);
    await worker.sql('UPDATE access_paths SET expires_at = 1 WHERE hash = ?1', hashAccessPath(tenant.accessPath));
    await tenant.changed();
    assert.equal(await at(tenant.accessPath), 404);
    assert.equal(await at(second), 200);
  });
});
