// The walkthroughs of ARCHITECTURE.md, through the API and a phone's requests alone.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { element, withoutKey } from '../support/worker/content.mjs';
import { opensslDecrypt } from '../support/openssl.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { eventually } from '../support/wait.mjs';

const MAC = '0080F0C571EB';
// Settings that the built-in templates put where their names say.
const USER = 'standard_Line1_Sip_SIP_USER_ID';
const PASS = 'standard_Line1_Sip_SIP_PASS';

describe('a provider with one customer', () => {
  let worker;
  let api;
  let tenant;
  let base;
  let site;
  let key;
  before(async () => {
    worker = await Ringfence.start();
    api = new Api(worker);
  });
  after(() => worker?.stop());

  const device = () => api.get(`/tenants/${tenant}/devices/${MAC}`);
  const get = (name) =>
    fetch(new URL(name, base), {
      headers: { 'user-agent': `Panasonic_KX-UTG300B/01.133 (${MAC.toLowerCase()})`, 'cf-connecting-ip': '192.0.2.50' },
    });
  const bytes = async (name) => Buffer.from(await (await get(name)).arrayBuffer());
  const opened = async (name) => opensslDecrypt(await bytes(name), key).toString();
  const preview = (kind, more = '?reveal=true') => api.get(`/tenants/${tenant}/devices/${MAC}/files/${kind}/preview${more}`);

  it('an operator sets up a tenant, a site, a device and its settings', async () => {
    tenant = (await api.post('/tenants', { name: 'Harbour Hotels' })).id;
    site = (await api.post(`/tenants/${tenant}/sites`, { name: 'Quay' })).id;
    await api.put(`/tenants/${tenant}/models/KX-UTG300B`, { family: 'utg', profile: 'utg-128' });
    await api.put(`/tenants/${tenant}/settings`, { settings: { SIP_USER: 'unset' } });
    const made = await api.put(`/tenants/${tenant}/devices/00:80:f0:c5:71:eb`, {
      model: 'KX-UTG300B',
      site,
      label: 'Reception',
      settings: { [USER]: '7001', [PASS]: { secret: 'e3#rl2(&ae#1' } },
    });
    assert.equal(made.mac, MAC);
    assert.equal(made.key.state, 'armed');
    assert.equal(made.key.generation, 1);
    assert.ok(made.key.armed_until > Date.now());
    const path = await api.post(`/tenants/${tenant}/access-paths`, { label: 'first' });
    assert.match(path.segment, /^[\w-]{22,}$/);
    base = path.url;
    assert.ok(base.endsWith(`/${path.segment}/`));
    const listed = await api.call('GET', `/tenants/${tenant}/access-paths`);
    assert.ok(!listed.text.includes(path.segment), 'the segment is shown once');
  });

  it('looking consumes nothing: preview, lint, effective view, HEAD', async () => {
    const shown = await preview('standard', '');
    assert.ok(shown.text.includes('PANASIPPhoneConfig'));
    assert.ok(!shown.text.includes('e3#rl2'), 'secrets are masked');
    assert.ok(!shown.text.includes('CFG_FILE_KEY'));
    await api.get(`/tenants/${tenant}/devices/${MAC}/lint`);
    await api.get(`/tenants/${tenant}/devices/${MAC}/effective`);
    assert.equal((await device()).key.state, 'armed');
  });

  it('the phone boots: initial file, bootstrap once, then sealed files that openssl opens', async () => {
    const initial = await (await get('KX-UTG300B.cfg')).text();
    const named = element(initial, 'CFG_STANDARD_FILE_PATH');
    assert.ok(named.startsWith(base));
    const standard = named.replace('{MAC}', MAC);
    const bootstrap = await (await fetch(standard)).text();
    key = element(bootstrap, 'CFG_FILE_KEY');
    assert.match(key, /^[A-Za-z0-9]{32}$/);
    assert.equal((await fetch(standard)).status, 404);
    const file = await opened(`Config${MAC}.enc`);
    assert.equal(file, (await preview('standard')).text);
    assert.equal(withoutKey(bootstrap), withoutKey(file));
    assert.ok(file.includes('e3#rl2(&amp;ae#1'));
    const confirmed = await eventually(device, (view) => view.key.state === 'confirmed');
    assert.equal(confirmed.last_seen.address, '192.0.2.50');
    assert.equal(confirmed.fetched_version, confirmed.file_version);
    for (const kind of ['product', 'master']) {
      const name = new URL(element(initial, `CFG_${kind.toUpperCase()}_FILE_PATH`).replace('{MAC}', MAC)).pathname;
      const sealed = Buffer.from(await (await worker.fetch(name)).arrayBuffer());
      assert.equal(opensslDecrypt(sealed, key).toString(), (await preview(kind)).text);
    }
  });

  it('the operator sees who did what', async () => {
    const { items } = await eventually(
      () => api.get(`/tenants/${tenant}/events?device=${MAC}`),
      (page) =>
        page.items.some((item) => item.reason === 'sealed') &&
        page.items.some((item) => item.reason === 'bootstrap') &&
        page.items.some((item) => item.reason === 'bootstrap_consumed'),
    );
    const bootstrap = items.find((item) => item.reason === 'bootstrap');
    assert.equal(bootstrap.outcome, 'served');
    assert.equal(bootstrap.kind, 'standard');
    assert.match(bootstrap.request_id, /^[0-9A-Z]{26}$/);
    assert.ok(bootstrap.bytes > 0);
    const refused = await api.get(`/tenants/${tenant}/events?outcome=refused`);
    assert.ok(refused.items.every((item) => item.outcome === 'refused'));
  });

  it('a changed line reaches the phone with its next request, from any layer', async () => {
    const before = await get(`Config${MAC}.enc`);
    await before.arrayBuffer();
    const view = await device();
    await api.put(`/tenants/${tenant}/devices/${MAC}/settings`, { settings: { [USER]: '7002', [PASS]: { keep: true } } });
    assert.ok((await device()).file_version > view.file_version);
    const after = await get(`Config${MAC}.enc`);
    assert.notEqual(after.headers.get('etag'), before.headers.get('etag'));
    const text = opensslDecrypt(Buffer.from(await after.arrayBuffer()), key).toString();
    assert.ok(text.includes('7002') && text.includes('e3#rl2(&amp;ae#1'));
    assert.equal(text, (await preview('standard')).text);

    for (const [scope, name] of [
      [`sites/${site}`, 'site'],
      ['models/KX-UTG300B', 'model'],
    ]) {
      await api.put(`/tenants/${tenant}/templates/standard/utg`, {
        source:
          '<PANASIPPhoneConfig><Device><Phone><NOTE>{{ NOTE | default("none") }}</NOTE><USER>{{ SIP_USER }}</USER></Phone></Device></PANASIPPhoneConfig>\n',
      });
      await api.put(`/tenants/${tenant}/${scope}/settings`, { settings: { NOTE: name } });
      assert.equal(element(await opened(`Config${MAC}.enc`), 'NOTE'), name);
    }
    const effective = await api.get(`/tenants/${tenant}/devices/${MAC}/effective`);
    const note = effective.items.find((item) => item.name === 'NOTE');
    assert.equal(note.value, 'model');
    assert.equal(note.from, 'standard');
    assert.equal(note.layer, 'model');
  });

  it('a change that would break a file is refused with the devices and findings, and changes nothing', async () => {
    const good = await opened(`Config${MAC}.enc`);
    for (const [path, body, expected] of [
      [
        `/tenants/${tenant}/templates/standard/utg`,
        { source: '<PANASIPPhoneConfig><Device><Phone><X>{{ MISSING }}</X></Phone></Device></PANASIPPhoneConfig>' },
        /MISSING/,
      ],
      [
        `/tenants/${tenant}/templates/standard/utg`,
        { source: '<PANASIPPhoneConfig><Device><Phone></Device></PANASIPPhoneConfig>' },
        /line/,
      ],
      [
        `/tenants/${tenant}/templates/standard/utg`,
        {
          source: '<PANASIPPhoneConfig><Device><System><Prov><CFG_FILE_KEY>x</CFG_FILE_KEY></Prov></System></Device></PANASIPPhoneConfig>',
        },
        /key-in-file/,
      ],
    ]) {
      const answer = await api.call('PUT', path, { body });
      assert.equal(answer.status, 422, answer.text);
      assert.match(answer.text, expected);
    }
    const answer = await api.call('PUT', `/tenants/${tenant}/templates/standard/utg?force=true`, { body: { source: '{{ MISSING }}' } });
    assert.ok([400, 422].includes(answer.status));
    const broken = await api.call('PUT', `/tenants/${tenant}/devices/${MAC}/settings`, { body: { settings: {} } });
    // SIP_USER is on the tenant's layer too, so this one is fine; taking that away is not.
    assert.equal(broken.status, 200);
    const refused = await api.call('PUT', `/tenants/${tenant}/settings`, { body: { settings: {} } });
    assert.equal(refused.status, 422);
    assert.equal(refused.body.type, 'urn:ringfence:problem:invalid-files');
    assert.ok(refused.body.devices.some((entry) => entry.mac === MAC));
    assert.match(refused.text, /SIP_USER/);
    await api.put(`/tenants/${tenant}/devices/${MAC}/settings`, { settings: { [USER]: '7002', [PASS]: { secret: 'e3#rl2(&ae#1' } } });
    assert.equal(await opened(`Config${MAC}.enc`), good);
  });

  it('a lost key: re-key, and the first walkthrough again', async () => {
    const old = key;
    const sealed = await bytes(`Config${MAC}.enc`);
    const view = await api.post(`/tenants/${tenant}/devices/${MAC}/rekey`);
    assert.equal(view.key.generation, 2);
    assert.equal(view.key.state, 'armed');
    assert.equal((await get(`Config${MAC}.enc`)).status, 404);
    const bootstrap = await (await get(`Config${MAC}.cfg`)).text();
    key = element(bootstrap, 'CFG_FILE_KEY');
    assert.notEqual(key, old);
    const anew = await bytes(`Config${MAC}.enc`);
    assert.notDeepEqual(anew, sealed);
    assert.equal(opensslDecrypt(anew, key).toString(), (await preview('standard')).text);
    assert.throws(() => assert.equal(opensslDecrypt(anew, old).toString().includes('PANASIP'), true));
  });

  it('an access path is rotated: both answer, then the old one is removed and refused', async () => {
    const {
      items: [first],
    } = await api.get(`/tenants/${tenant}/access-paths`);
    const next = await api.post(`/tenants/${tenant}/access-paths`, { label: 'next' });
    const old = base;
    assert.equal((await fetch(new URL(`Config${MAC}.enc`, next.url))).status, 200);
    assert.equal((await fetch(new URL(`Config${MAC}.enc`, old))).status, 200);
    await api.delete(`/tenants/${tenant}/access-paths/${first.id}`);
    assert.equal((await fetch(new URL(`Config${MAC}.enc`, old))).status, 404);
    assert.equal((await fetch(new URL(`Config${MAC}.enc`, next.url))).status, 200);
    base = next.url;
  });

  it('after a restart everything is as it was', async () => {
    const before = await bytes(`Config${MAC}.enc`);
    await worker.restart();
    base = new URL(new URL(base).pathname, worker.http).href;
    assert.deepEqual(await bytes(`Config${MAC}.enc`), before);
    assert.equal((await get(`Config${MAC}.cfg`)).status, 404);
  });
});
