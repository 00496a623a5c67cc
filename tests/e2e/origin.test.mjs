// What a phone's file or a text of an operator may do beside what it is for: nothing. No answer is
// taken for a page by a browser, no file runs a script in the API's origin, and a hostile text for
// lint keeps nobody waiting.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { rawRequest } from '../support/worker/raw.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, newAccessPath, seedDevice, seedTenant } from '../support/worker/seed.mjs';

const INERT = "default-src 'none'; sandbox";

describe('the origin that phones and operators share', () => {
  let worker;
  let admin;
  let tenant;
  let sealed;
  let armed;
  before(async () => {
    worker = await Ringfence.start({ probe: true, assets: true });
    admin = new Api(worker);
    tenant = await seedTenant(worker);
    armed = await seedDevice(worker, tenant, { mac: mac(1) });
    sealed = await seedDevice(worker, tenant, { mac: mac(2), state: 'confirmed' });
  });
  after(() => worker?.stop());

  it('says of every answer that its type is what it is', async () => {
    const path = tenant.path(`Config${sealed.mac}.enc`);
    const { headers } = await worker.fetch(path);
    const etag = headers.get('etag');
    const bearer = ['Authorization', `Bearer ${worker.adminToken}`];
    const asked = [
      [200, '/healthz'],
      [200, path],
      [304, path, { headers: [['If-None-Match', etag]] }],
      [206, path, { headers: [['Range', 'bytes=0-9']] }],
      [416, path, { headers: [['Range', 'bytes=999999-']] }],
      [412, path, { headers: [['If-Match', '"x"']] }],
      [200, path, { method: 'HEAD' }],
      [200, tenant.path(`Initial${armed.mac}.cfg`)],
      [200, tenant.path(`Config${armed.mac}.cfg`)],
      [404, `/${newAccessPath()}/Config${armed.mac}.cfg`],
      [404, '/'],
      [404, path, { method: 'POST' }],
      [200, '/api/v1/openapi.json'],
      [401, '/api/v1/tenants'],
      [200, '/api/v1/tenants', { headers: [bearer] }],
      [404, '/api/v1/nothing', { headers: [bearer] }],
      [405, '/api/v1/tenants', { method: 'DELETE', headers: [bearer] }],
      [401, '/relay/v1'],
    ];
    for (const [status, of, options] of asked) {
      const answer = await rawRequest(worker.port, of, options);
      assert.equal(answer.status, status, of);
      assert.equal(answer.header('x-content-type-options'), 'nosniff', `${status} ${of}`);
    }
    await worker.probe({ d1: 'fail', kv: 'fail' });
    for (const of of [tenant.path(`Config${mac(3)}.cfg`), '/healthz']) {
      const answer = await rawRequest(worker.port, of);
      assert.equal(answer.status, 503, of);
      assert.equal(answer.header('x-content-type-options'), 'nosniff', of);
    }
    await worker.probe({ d1: null, kv: null });
  });

  it('makes inert what a browser would show, and leaves a sealed file as short as it is', async () => {
    const device = await seedDevice(worker, tenant, { mac: mac(4) });
    for (const name of [`Initial${device.mac}.cfg`, `Config${device.mac}.cfg`]) {
      const answer = await tenant.get(name);
      assert.equal(answer.status, 200, name);
      assert.match(answer.headers.get('content-type'), /^text\/xml/);
      assert.equal(answer.headers.get('content-security-policy'), INERT, name);
    }
    const { headers } = await tenant.get(`Config${sealed.mac}.enc`);
    assert.equal(headers.get('content-type'), 'application/octet-stream');
    assert.equal(headers.get('content-security-policy'), null);
  });

  it('takes no template with a namespace, in which a browser would find scripts', async () => {
    const source = `<PANASIPPhoneConfig><Initial><CfgFiles><img xmlns="http://www.w3.org/1999/xhtml" onerror="x()"/>
<CFG_STANDARD_FILE_PATH>{{ urls.standard }}</CFG_STANDARD_FILE_PATH></CfgFiles></Initial></PANASIPPhoneConfig>
`;
    const answer = await admin.call('PUT', `/tenants/${tenant.id}/templates/initial/utg`, { body: { source } });
    assert.equal(answer.status, 422);
    const finding = answer.body.devices[0].findings.find((it) => it.code === 'xml-namespace');
    assert.equal(finding.help, 'Delete xmlns.');
  });

  it('lints a text as large as a body may be while everybody else is answered', async () => {
    const { token } = await admin.post('/tokens', { name: 'reader', access: 'read', tenant: tenant.id });
    const reader = new Api(worker, token);
    for (const piece of ['{', '<', '{<']) {
      const text = `A_URL="http://x/${piece.repeat(1_040_000 / piece.length)}"`;
      const begun = Date.now();
      const lint = reader.call('POST', '/lint', { body: { family: 'uds124', kind: 'standard', text } });
      const phone = tenant.get(`Config${sealed.mac}.enc`);
      assert.equal((await phone).status, 200);
      assert.equal((await lint).status, 200);
      // It took 107 seconds when every brace looked for its partner to the end of the text.
      assert.ok(Date.now() - begun < 10_000, `${piece}: ${Date.now() - begun} ms`);
    }
  });
});
