// What templates, settings and options were; back to it; what a change would do before it is made; what a phone has
// against what it would get; and tests of files that refuse a change.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { TEXT, XML, element } from '../support/worker/content.mjs';
import { opensslDecrypt } from '../support/openssl.mjs';
import { Ringfence, newMasterKey } from '../support/worker/ringfence.mjs';
import { UTG, mac, seedDevice, seedTenant } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

const HDV = { name: 'KX-HDV130N', family: 'hdv', profile: null };
const SECRETS = ['e3rl2-first-secret', 'q9vn7-second-secret', 'k4ty8-third-secret'];

/** What nobody may read off an answer. */
function hasNoSecret(text) {
  for (const secret of SECRETS) {
    for (let at = 0; at + 8 <= secret.length; at += 4) assert.ok(!text.includes(secret.slice(at, at + 8)), `${secret} in ${text}`);
  }
}

/** The signs and texts of a difference. */
function told(hunks) {
  const sign = { equal: ' ', insert: '+', delete: '-' };
  return hunks.flatMap((hunk) => hunk.lines.map((line) => sign[line.kind] + line.text.trim())).filter((line) => !line.startsWith(' '));
}

describe('the history', () => {
  let worker;
  let tenant;
  let api;
  let admin;
  let reader;
  let phone;
  let plain;
  let t;
  before(async () => {
    worker = await Ringfence.start();
    tenant = await seedTenant(worker, { models: [UTG, HDV], templates: { ...XML, ...TEXT } });
    phone = await seedDevice(worker, tenant, { mac: mac(1), state: 'confirmed' });
    plain = await seedDevice(worker, tenant, { mac: mac(2), model: HDV.name });
    admin = new Api(worker);
    t = `/tenants/${tenant.id}`;
    const token = async (access) => (await admin.post('/tokens', { name: access, access, tenant: tenant.id })).token;
    api = new Api(worker, await token('write'));
    reader = new Api(worker, await token('read'));
  });
  after(() => worker?.stop());

  /** The sealed standard file as the phone gets it. */
  async function sealed() {
    const response = await tenant.get(`Config${phone.mac}.enc`);
    assert.equal(response.status, 200);
    const bytes = Buffer.from(await response.arrayBuffer());
    return { bytes, etag: response.headers.get('etag'), text: opensslDecrypt(bytes, phone.key).toString() };
  }

  it('of a template begins with what there was, says who, and brings the very bytes and ETag back', async () => {
    const first = await sealed();
    const path = 'templates/standard/utg';
    assert.deepEqual(await api.get(`${t}/history/${path}`), { items: [], next: null });
    const none = await api.call('GET', `${t}/diff/${path}`);
    assert.equal(none.status, 409, none.text);
    const changed = XML['standard/utg'].replace('</Sip>', '<SIP_NOTE>new</SIP_NOTE>\n</Sip>');
    const saved = await api.call('PUT', `${t}/${path}?comment=ticket%207`, { body: { source: changed } });
    assert.equal(saved.status, 200, saved.text);
    const second = await sealed();
    assert.equal(element(second.text, 'SIP_NOTE'), 'new');
    assert.notEqual(second.etag, first.etag);

    const { items } = await reader.get(`${t}/history/${path}`);
    assert.deepEqual(
      items.map(({ version, comment, current }) => [version, comment, current]),
      [
        [1, 'ticket 7', true],
        [0, '', false],
      ],
    );
    assert.equal(items[0].request_id, saved.headers.get('ringfence-request-id'));
    const { items: entries } = await api.get(`${t}/audit?object=${path}`);
    assert.equal(items[0].token, entries[0].token);
    assert.equal(items[1].token, null);
    const difference = await reader.get(`${t}/diff/${path}?from=0&to=1`);
    assert.deepEqual(told(difference.hunks), ['+<SIP_NOTE>new</SIP_NOTE>']);
    assert.equal(difference.hunks[0].lines.find((line) => line.kind === 'insert').from, null);
    assert.deepEqual((await reader.get(`${t}/diff/${path}?from=1&to=1`)).hunks, []);

    assert.equal((await reader.call('POST', `${t}/rollback/${path}`, { body: { version: 0 } })).status, 403);
    assert.equal((await api.call('POST', `${t}/rollback/${path}`, { body: { version: 0 }, ifMatch: '"99"' })).status, 412);
    assert.equal((await api.call('POST', `${t}/rollback/${path}`, { body: { version: 9 } })).status, 404);
    const back = await api.call('POST', `${t}/rollback/${path}?comment=sorry`, {
      body: { version: 0 },
      ifMatch: saved.headers.get('etag'),
    });
    assert.equal(back.status, 200, back.text);
    assert.equal(back.body.source, XML['standard/utg']);
    const third = await sealed();
    assert.ok(third.bytes.equals(first.bytes), 'the same bytes');
    assert.equal(third.etag, first.etag);
    const again = await api.get(`${t}/history/${path}`);
    assert.equal(again.items[0].comment, 'roll-back to 0: sorry');
    const { items: after } = await api.get(`${t}/audit?object=${path}`);
    assert.deepEqual([after[0].after['?rolled_back_to'], after[0].after['?comment']], [0, 'roll-back to 0: sorry']);
  });

  it('of a template that nobody had written goes back to none', async () => {
    const path = `templates/standard/utg/${UTG.name}`;
    await api.put(`${t}/${path}`, { source: XML['standard/utg'].replace('"7001"', '"7009"') });
    assert.equal(element((await sealed()).text, 'SIP_USER_ID_1'), '7009');
    const back = await api.post(`${t}/rollback/${path}`, { version: 0 });
    assert.deepEqual([back.model, back.revision], [UTG.name, 0]);
    assert.equal((await api.call('GET', `${t}/${path}`)).status, 404);
    assert.equal(element((await sealed()).text, 'SIP_USER_ID_1'), '7001');
    const { items } = await api.get(`${t}/history/${path}?limit=2`);
    assert.deepEqual(
      items.map(({ version }) => version),
      [2, 1],
    );
    const next = await api.get(`${t}/history/${path}?limit=2&cursor=${(await api.get(`${t}/history/${path}?limit=2`)).next}`);
    assert.deepEqual(next.items.map(({ version }) => version).concat(next.next), [0, null]);
  });

  it('of settings keeps secrets wrapped, shows that they changed and never them, and brings them back', async () => {
    const path = `devices/${phone.mac}/settings`;
    const put = (settings) => api.put(`${t}/${path}`, { settings });
    await put({ SIP_USER: '1', SIP_PASS: { secret: SECRETS[0] } });
    const first = await sealed();
    await put({ SIP_USER: '1', SIP_PASS: { secret: SECRETS[1] }, EXTRA: 'x' });
    await put({ SIP_USER: '2', SIP_PASS: { keep: true } });
    assert.equal(element((await sealed()).text, 'SIP_PASS_1'), SECRETS[1]);
    const difference = await api.call('GET', `${t}/diff/${path}?from=1&to=2`);
    assert.deepEqual(difference.body.settings, [
      { name: 'EXTRA', from: null, to: 'x' },
      { name: 'SIP_PASS', from: { secret: null }, to: { secret: null } },
    ]);
    const later = await api.get(`${t}/diff/${path}`);
    assert.deepEqual([later.from, later.to, later.settings.map(({ name }) => name)], [2, 3, ['EXTRA', 'SIP_USER']]);
    const rows = await worker.sql('SELECT * FROM setting_versions');
    assert.ok(rows.some((row) => row.name === 'SIP_PASS' && row.master !== null && row.value.startsWith('v1.')));
    hasNoSecret(JSON.stringify([rows, difference.body, later, await worker.sql('SELECT * FROM versions')]));
    const back = await api.call('POST', `${t}/rollback/${path}`, { body: { version: 1 } });
    assert.equal(back.status, 200, back.text);
    hasNoSecret(back.text);
    const third = await sealed();
    assert.ok(third.bytes.equals(first.bytes));
    assert.equal(third.etag, first.etag);
  });

  it('of settings does not open what was moved to another setting, and survives a rotation', async () => {
    const path = `devices/${phone.mac}/settings`;
    const [row] = await worker.sql("SELECT * FROM setting_versions WHERE name = 'SIP_PASS' AND last = 1");
    const elsewhere = "UPDATE setting_versions SET name = 'OTHER' WHERE object = ?1 AND last = 1 AND name = 'SIP_PASS'";
    await worker.sql(elsewhere, row.object);
    const moved = await api.call('POST', `${t}/rollback/${path}`, { body: { version: 1 } });
    assert.equal(moved.status, 503, moved.text);
    await worker.sql("UPDATE setting_versions SET name = 'SIP_PASS' WHERE object = ?1 AND name = 'OTHER'", row.object);

    const old = worker.options.secrets.MASTER_KEY;
    const current = newMasterKey('k2');
    await worker.restart({ secrets: { MASTER_KEY: current, MASTER_KEY_PREVIOUS: old } });
    const of = async (master) => (await worker.sql('SELECT count(*) AS n FROM setting_versions WHERE master = ?1', master))[0].n;
    const number = await of('k1');
    assert.ok(number >= 2);
    for (let step = 0; (await admin.post('/rotation', { limit: 3 })).remaining > 0; step += 1) assert.ok(step < 40, 'it ends');
    assert.deepEqual([await of('k1'), await of('k2')], [0, number]);
    await worker.restart({ secrets: { MASTER_KEY_PREVIOUS: null } });
    await api.post(`${t}/rollback/${path}`, { version: 3 });
    assert.equal(element((await sealed()).text, 'SIP_PASS_1'), SECRETS[1]);
    await api.post(`${t}/rollback/${path}`, { version: 1 });
    assert.equal(element((await sealed()).text, 'SIP_PASS_1'), SECRETS[0]);
  });

  it('of every layer and of options is there, and goes with what it is of', async () => {
    const site = (await api.post(`${t}/sites`, { name: 'Quay' })).id;
    for (const path of ['settings', `sites/${site}/settings`, `models/${UTG.name}/settings`]) {
      await api.put(`${t}/${path}`, { settings: { NOTE: 'a' } });
      await api.put(`${t}/${path}`, { settings: { NOTE: 'b' } });
      assert.equal((await api.get(`${t}/diff/${path}`)).settings[0].to, 'b');
      assert.deepEqual((await api.post(`${t}/rollback/${path}`, { version: 1 })).settings, { NOTE: 'a' });
      assert.deepEqual((await api.post(`${t}/rollback/${path}`, { version: 0 })).settings, {});
    }
    await api.delete(`${t}/sites/${site}`);
    assert.deepEqual(await worker.sql('SELECT * FROM versions WHERE object = ?1', `layer:site:${site}`), []);

    const { name, hostname, options } = await api.get(t);
    await api.put(t, { name, hostname, options: { ...options, events_per_minute: 77 } });
    assert.deepEqual(
      told((await api.get(`${t}/diff/options?from=0&to=1`)).hunks).map((line) => line.replace(/\d+/, 'n')),
      ['-"events_per_minute": n,', '+"events_per_minute": n,'],
    );
    const back = await api.post(`${t}/rollback/options`, { version: 0 });
    assert.deepEqual(back.options, options);
    // A name is no option, and makes no version.
    await admin.put(t, { name: `${name} renamed`, hostname, options });
    assert.equal((await api.get(`${t}/history/options`)).items[0].comment, 'roll-back to 0');
  });

  it('does not let a roll-back break files', async () => {
    const path = `models/${UTG.name}/settings`;
    await api.put(`${t}/${path}`, { settings: { GREETING: 'hello' } });
    const good = (await api.get(`${t}/history/${path}`)).items[0].version;
    await api.put(`${t}/${path}`, { settings: { GREETING: 'fine' } });
    const strict = XML['standard/utg'].replace('</Sip>', '{% if GREETING == "hello" %}<broken>{% endif %}</Sip>');
    await api.put(`${t}/templates/standard/utg`, { source: strict });
    const refused = await api.call('POST', `${t}/rollback/${path}`, { body: { version: good } });
    assert.equal(refused.status, 422, refused.text);
    assert.match(refused.body.type, /invalid-files$/);
    await api.post(`${t}/rollback/templates/standard/utg`, { version: 0 });
    await api.put(`${t}/${path}`, { settings: {} });
  });

  it('says before a change what it would do, and writes nothing', async () => {
    const state = async () =>
      JSON.stringify([
        await worker.sql('SELECT * FROM tenants'),
        await worker.sql('SELECT id, number FROM audit'),
        await worker.sql('SELECT * FROM settings'),
        await worker.sql('SELECT * FROM file_templates'),
        await worker.sql('SELECT * FROM models'),
        await worker.sql('SELECT id, mac, model, revision FROM devices'),
        await worker.sql('SELECT * FROM sites'),
        await worker.sql('SELECT * FROM versions'),
        (await worker.ask('kvList', {})).map((key) => [key.name, key.metadata]),
      ]);
    const before = await state();
    const tried = async (method, path, body, query = '') => {
      const separator = path.includes('?') ? '&' : '?';
      const answer = await api.call(method, `${t}${path}${separator}dry_run=true${query}`, { body });
      assert.equal(answer.status, 200, `${method} ${path}: ${answer.text}`);
      hasNoSecret(answer.text);
      return answer.body;
    };
    const device = `&device=${phone.mac}`;
    const one = await tried('PUT', '/settings', { settings: { SIP_USER: '55' } }, device);
    // The device has a user of its own; the other phone has not.
    assert.deepEqual([one.affected, one.compared, one.changed, one.broken], [2, 2, 1, 0]);
    assert.deepEqual(
      one.diff.map(({ kind, changed }) => [kind, changed]),
      [
        ['initial', false],
        ['standard', false],
        ['product', false],
        ['master', false],
      ],
    );
    const other = await tried('PUT', '/settings', { settings: { SIP_USER: '55' } }, `&device=${plain.mac}`);
    assert.deepEqual(told(other.diff.find(({ kind }) => kind === 'standard').hunks), ['-SIP_USER_ID_1="7001"', '+SIP_USER_ID_1="55"']);

    const secret = await tried(
      'PUT',
      `/devices/${phone.mac}/settings`,
      { settings: { SIP_USER: '1', SIP_PASS: { secret: SECRETS[2] } } },
      device,
    );
    const lines = told(secret.diff.find(({ kind }) => kind === 'standard').hunks);
    assert.equal(lines.length, 2);
    assert.equal(lines[0].slice(1), lines[1].slice(1), 'the same mask, and told that it changed');
    assert.equal(secret.changed, 1);

    const broken = await tried('PUT', '/templates/standard/utg', { source: '<PANASIPPhoneConfig><oops></PANASIPPhoneConfig>' }, device);
    assert.deepEqual([broken.changed, broken.broken], [1, 1]);
    assert.equal(broken.files[0].mac, phone.mac);
    assert.ok(broken.files[0].findings.length > 0);
    assert.ok(broken.diff.find(({ kind }) => kind === 'standard').to_error);
    const builtin = await tried('DELETE', '/templates/standard/utg', undefined, device);
    assert.equal(builtin.changed, 1);
    const model = await tried('PUT', `/models/${UTG.name}`, { family: 'utg', profile: 'utg-256' });
    assert.deepEqual([model.changed, model.broken], [1, 0]);
    const moved = await tried('PUT', `/devices/${plain.mac}`, { model: UTG.name });
    assert.equal(moved.changed, 1);
    const label = await tried('PUT', `/devices/${plain.mac}`, { model: HDV.name, label: 'Front desk' });
    assert.equal(label.changed, 0);
    const added = await tried('POST', '/devices', { mac: mac(9), model: UTG.name }, `&device=${mac(9)}`);
    assert.equal(added.changed, 1);
    assert.ok(told(added.diff.find(({ kind }) => kind === 'standard').hunks).every((line) => line.startsWith('+')));
    const tenantView = await api.get(t);
    const options = await tried('PUT', '', {
      name: tenantView.name,
      hostname: null,
      options: { ...tenantView.options, event_retention_days: 9 },
    });
    assert.deepEqual([options.compared, options.changed], [2, 0]);
    await tried('POST', '/rollback/templates/standard/utg', { version: 1 }, device);
    await tried('POST', '/sites', { name: 'Nowhere' });
    await tried('DELETE', `/devices/${plain.mac}`);
    const same = await tried('PUT', `/devices/${phone.mac}/settings?notify=true`, {
      settings: { SIP_USER: '1', SIP_PASS: { keep: true } },
    });
    assert.equal(same.changed, 0);
    for (const [path, status] of [
      [`/settings?dry_run=true&device=${mac(77)}`, 404],
      ['/settings?dry_run=true&device=front', 400],
      [`/settings?comment=${'x'.repeat(201)}`, 400],
      ['/settings?dry_run=perhaps', 400],
      ['/access-paths?dry_run=true', 400],
    ]) {
      const method = path.startsWith('/access') ? 'POST' : 'PUT';
      assert.equal((await api.call(method, t + path, { body: { settings: { Z: 'x' } } })).status, status, path);
    }
    assert.equal(await state(), before);
  });

  it('tells what a phone has against what it would get, as long as that is known', async () => {
    const path = `${t}/devices/${phone.mac}/files/standard/diff`;
    const { version } = await api.get(`${t}/devices/${phone.mac}/files/standard/preview`);
    await sealed();
    await eventually(
      async () => (await tenant.device(phone.mac)).fetched_version,
      (fetched) => fetched === version,
    );
    const same = await eventually(
      () => reader.get(path),
      ({ source }) => source === 'kept',
    );
    assert.deepEqual([same.source, same.diff.changed, same.diff.hunks], ['kept', false, []]);

    const note = XML['standard/utg'].replace('</Sip>', '<SIP_NOTE>later</SIP_NOTE>\n</Sip>');
    await api.put(`${t}/templates/standard/utg`, { source: note });
    const template = await reader.get(path);
    assert.equal(template.source, 'kept');
    assert.deepEqual(told(template.diff.hunks), ['+<SIP_NOTE>later</SIP_NOTE>']);

    // A change of the device takes its files out of KV.
    await api.put(`${t}/devices/${phone.mac}/settings`, { settings: { SIP_USER: '3', SIP_PASS: { secret: SECRETS[2] } } });
    const answer = await reader.call('GET', path);
    assert.equal(answer.body.source, 'history');
    const names = (sign) =>
      told(answer.body.diff.hunks)
        .filter((line) => line.startsWith(sign))
        .map((line) => line.match(/<(\w+)>/)[1]);
    assert.deepEqual(names('-'), ['SIP_USER_ID_1', 'SIP_PASS_1']);
    assert.deepEqual(names('+'), ['SIP_USER_ID_1', 'SIP_PASS_1', 'SIP_NOTE']);
    assert.equal(answer.body.fetched_version, version);
    hasNoSecret(answer.text);

    const object = `layer:device:${(await tenant.device(phone.mac)).id}`;
    await worker.sql('DELETE FROM versions WHERE object = ?1 AND ended_at IS NOT NULL', object);
    const unknown = await reader.get(path);
    assert.deepEqual([unknown.source, unknown.diff], ['unknown', null]);
    assert.match(unknown.reason, /does not reach back/);
    assert.equal((await reader.get(`${t}/devices/${plain.mac}/files/standard/diff`)).source, 'unknown');
    await api.post(`${t}/rollback/templates/standard/utg`, { version: 0 });
  });

  it('refuses a change that breaks a test of files, and no other', async () => {
    const site = (await api.post(`${t}/sites`, { name: 'Reception' })).id;
    await api.put(`${t}/devices/${plain.mac}`, { model: HDV.name, site });
    const test = {
      name: 'Reception registers as 7001',
      site,
      file: 'standard',
      parameter: 'SIP_USER_ID_1',
      expect: 'equals',
      value: '7001',
    };
    assert.equal((await reader.call('POST', `${t}/file-tests`, { body: test })).status, 403);
    const made = await api.post(`${t}/file-tests`, test);
    assert.equal((await api.call('POST', `${t}/file-tests`, { body: test })).status, 409);
    const run = await reader.get(`${t}/file-test-run`);
    assert.deepEqual(
      run.items.map(({ name, files, failed }) => [name, files, failed]),
      [[test.name, 1, 0]],
    );
    assert.equal(run.devices_of_tenant, run.devices);

    const put = (settings, query = '') => api.call('PUT', `${t}/sites/${site}/settings${query}`, { body: { settings } });
    const refused = await put({ SIP_USER: '9' });
    assert.equal(refused.status, 422, refused.text);
    assert.match(refused.body.type, /failed-tests$/);
    assert.deepEqual(refused.body.tests, [
      {
        test: made.id,
        name: test.name,
        mac: plain.mac,
        model: HDV.name,
        file: 'standard',
        parameter: 'SIP_USER_ID_1',
        expect: 'equals',
        value: '7001',
        found: ['9'],
      },
    ]);
    const tried = await put({ SIP_USER: '9' }, '?dry_run=true');
    assert.equal(tried.body.tests[0].name, test.name);
    assert.equal((await put({ OTHER: 'x' })).status, 200);

    // A secret that a test is about is not shown, nor what it is compared with.
    const wanted = { name: 'Password', device: plain.mac, file: 'standard', parameter: 'SIP_PASS_1', expect: 'contains', value: 'unset' };
    await api.post(`${t}/file-tests`, wanted);
    const secret = await put({ SIP_PASS: { secret: SECRETS[0] } });
    assert.equal(secret.status, 422, secret.text);
    assert.equal(secret.body.tests[0].value, null);
    hasNoSecret(secret.text);

    // One that is broken already stands in the way of nothing but what breaks another.
    await api.put(`${t}/file-tests/${made.id}`, { ...test, value: '7002' });
    assert.equal((await put({ OTHER: 'y' })).status, 200);
    assert.equal((await put({ SIP_USER: '9' })).status, 200);
    const result = (await reader.get(`${t}/file-test-run`)).items.find(({ test: id }) => id === made.id);
    assert.deepEqual([result.failed, result.failures[0].found], [1, ['9']]);
    assert.equal((await put({ SIP_USER: '7002' })).status, 200);
    assert.equal((await put({ SIP_USER: '9' })).status, 422);

    // A device that comes under a test is held to it, and so is a roll-back.
    const comes = await api.call('PUT', `${t}/devices/${phone.mac}`, { body: { model: UTG.name, site } });
    assert.equal(comes.status, 422, comes.text);
    assert.equal(comes.body.tests[0].mac, phone.mac);
    const versions = (await api.get(`${t}/history/sites/${site}/settings`)).items;
    const back = await api.call('POST', `${t}/rollback/sites/${site}/settings`, { body: { version: versions[1].version } });
    assert.match(back.body.type, /failed-tests$/);

    // A test of a file that phones share.
    const shared = { name: 'Time', model: HDV.name, file: 'master', parameter: 'NTP_ADDR', expect: 'present' };
    await api.post(`${t}/file-tests`, shared);
    const source = TEXT['master/hdv'].replace('NTP_ADDR', 'NTP_ADDR_2');
    const gone = await api.call('PUT', `${t}/templates/master/hdv`, { body: { source } });
    assert.equal(gone.status, 422, gone.text);
    assert.deepEqual([gone.body.tests[0].name, gone.body.tests[0].mac, gone.body.tests[0].found], ['Time', null, []]);

    const { items } = await api.get(`${t}/file-tests`);
    assert.equal(items.length, 3);
    assert.equal((await api.call('DELETE', `${t}/file-tests/${made.id}`, { ifMatch: '"1"' })).status, 412);
    for (const { id } of items) await api.delete(`${t}/file-tests/${id}`);
    assert.equal((await put({ SIP_USER: '9' })).status, 200);
    const actions = (await api.get(`${t}/audit`)).items.map(({ action }) => action);
    for (const action of ['file_test.create', 'file_test.update', 'file_test.delete']) assert.ok(actions.includes(action), action);
  });

  it('has at most 100 tests of a tenant', async () => {
    await worker.batch(
      ...Array.from({ length: 100 }, (_, number) => [
        `INSERT INTO file_tests (id, tenant_id, name, kind, parameter, expect, value, created_at, updated_at)
         VALUES (?1, ?2, ?1, 'standard', 'NOWHERE', 'absent', '', 1, 1)`,
        `test-${number}`,
        tenant.id,
      ]),
    );
    const more = { name: 'one more', file: 'standard', parameter: 'X', expect: 'absent' };
    const full = await api.call('POST', `${t}/file-tests`, { body: more });
    assert.equal(full.status, 409, full.text);
    assert.match(full.body.detail, /at most 100/);
    await worker.sql('DELETE FROM file_tests');
  });

  it('is cut by the cron event: what is old goes, what is so stays', async () => {
    const path = 'templates/product/utg';
    await api.put(`${t}/${path}`, { source: XML['product/utg'].replace('product<', 'one<') });
    await api.put(`${t}/${path}`, { source: XML['product/utg'].replace('product<', 'two<') });
    const day = 24 * 3600 * 1000;
    const age = (days) =>
      worker.sql(
        "UPDATE versions SET ended_at = ?1 WHERE object LIKE 'template:product%' AND ended_at IS NOT NULL",
        Date.now() - days * day,
      );
    await age(399);
    await worker.ask('scheduled', {});
    assert.equal((await api.get(`${t}/history/${path}`)).items.length, 3);
    await age(401);
    await worker.ask('scheduled', {});
    const left = await eventually(
      async () => (await api.get(`${t}/history/${path}`)).items,
      (items) => items.length < 3,
    );
    assert.deepEqual(
      left.map(({ version, current }) => [version, current]),
      [[2, true]],
    );
    assert.equal((await api.call('POST', `${t}/rollback/${path}`, { body: { version: 0 } })).status, 404);
    const [{ history_bytes: counted }] = await worker.sql('SELECT history_bytes FROM tenants WHERE id = ?1', tenant.id);
    const [{ bytes }] = await worker.sql('SELECT sum(bytes) AS bytes FROM versions WHERE tenant_id = ?1', tenant.id);
    assert.equal(counted, bytes);
  });
});
