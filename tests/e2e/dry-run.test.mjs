// Changes that are only tried: an adoption, a move to another tenant, access paths that phones are to move to, and
// certificates, of which each shows the lines of a device; what becomes of a key, of a device in or out of service, of
// phones that ask under an access path or can be notified; and every other change of the API. Each says what it would do,
// and writes nothing.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { TEXT, XML } from '../support/worker/content.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { UTG, mac, seedDevice, seedTenant } from '../support/worker/seed.mjs';
import { authority } from '../support/tls.mjs';
import { eventually } from '../support/wait.mjs';

const HDV = { name: 'KX-HDV130N', family: 'hdv', profile: null };
const URL_OF_ITS_OWN = {
  ...TEXT,
  'standard/utg': '<PANASIPPhoneConfig><Device><Phone><BASE>{{ urls.base }}</BASE></Phone></Device></PANASIPPhoneConfig>\n',
};

/** The signs and texts of the lines that differ. */
function told(hunks) {
  const sign = { insert: '+', delete: '-' };
  return hunks.flatMap(({ lines }) => lines.filter(({ kind }) => kind !== 'equal').map(({ kind, text }) => sign[kind] + text.trim()));
}

describe('a change that is only tried', () => {
  let worker;
  let admin;
  before(async () => {
    worker = await Ringfence.start();
    admin = new Api(worker);
  });
  after(() => worker?.stop());

  /** All that a change could write. */
  async function state() {
    const tables = ['tenants', 'audit', 'settings', 'models', 'access_paths', 'certificates', 'unknown_phones', 'moves'];
    tables.push('sites', 'file_templates', 'file_tests', 'tokens', 'pools', 'pool_credentials', 'relays', 'operations');
    tables.push('webhooks', 'webhook_secrets', 'versions', 'setting_versions', 'layers');
    const rows = [];
    for (const name of tables) rows.push(name, await worker.sql(`SELECT * FROM ${name}`));
    rows.push(
      await worker.sql(
        'SELECT id, tenant_id, mac, model, revision, version, disabled, key_state, generation, key_wrapped, armed_until FROM devices',
      ),
    );
    rows.push((await worker.ask('kvList', { prefix: 't1:' })).map((key) => [key.name, key.metadata]));
    return JSON.stringify(rows);
  }

  /** What a change would do; and that it did not. */
  async function tried(method, path, body, query = '') {
    const before = await state();
    const answer = await admin.call(method, `${path}?dry_run=true${query}`, { body });
    assert.equal(answer.status, 200, `${method} ${path}: ${answer.text}`);
    assert.equal(await state(), before, `${method} ${path} writes nothing`);
    return answer.body;
  }
  /** That a trial is refused as the change itself is, with what it says, and writes nothing. */
  async function refused(method, path, status, says) {
    const before = await state();
    const answer = await admin.call(method, `${path}?dry_run=true`);
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
    assert.match(answer.body.detail, says);
    assert.equal(await state(), before, `${method} ${path} writes nothing`);
    assert.equal((await admin.call(method, path)).status, status, `${method} ${path} itself`);
  }
  const numbers = ({ affected, compared, changed, broken }) => [affected, compared, changed, broken];
  const lines = (dry, kind) => told(dry.diff.find((file) => file.kind === kind).hunks);

  it('adopts nobody, and shows the files that the phone would have', async () => {
    const tenant = await seedTenant(worker);
    const t = `/tenants/${tenant.id}`;
    await tenant.get(`Config${mac(1)}.cfg`, { headers: { 'user-agent': 'Panasonic_KX-UTG300B/01.061' } });
    await eventually(
      () => admin.get(`${t}/unknown`),
      ({ items }) => items.length === 1,
    );
    const path = `${t}/unknown/${mac(1)}/adopt`;
    const dry = await tried('POST', path, { settings: { SIP_USER: '4711' } }, `&device=${mac(1)}`);
    assert.deepEqual(numbers(dry), [1, 1, 1, 0]);
    const standard = lines(dry, 'standard');
    assert.ok(standard.includes('+<SIP_USER_ID_1>4711</SIP_USER_ID_1>'), standard.join('\n'));
    assert.ok(standard.every((line) => line.startsWith('+')));
    assert.equal((await admin.call('POST', `${path}?dry_run=true`, { body: { site: 'nowhere' } })).status, 422);
    assert.deepEqual((await admin.get(`${t}/devices`)).items, []);
    const done = await admin.call('POST', `${path}?comment=ticket%209`, { body: {} });
    assert.equal(done.status, 201, done.text);
    const [entry] = (await admin.get(`${t}/audit?object=devices/${mac(1)}`)).items;
    assert.equal(entry.after['?comment'], 'ticket 9');
  });

  it('moves no device, and compares what its phone has with what it would have there', async () => {
    const [here, there] = [
      await seedTenant(worker, { settings: { SIP_USER: 'from-here' } }),
      await seedTenant(worker, { settings: { SIP_USER: 'from-there' } }),
    ];
    const broken = await seedTenant(worker, { templates: { ...XML, 'standard/utg': '<PANASIPPhoneConfig><oops></PANASIPPhoneConfig>' } });
    const phone = await seedDevice(worker, here, { mac: mac(2), state: 'confirmed' });
    const path = `/tenants/${here.id}/devices/${phone.mac}/move`;
    const device = `&device=${phone.mac}`;
    const dry = await tried('POST', path, { tenant: there.id }, device);
    assert.deepEqual(numbers(dry), [1, 1, 1, 0]);
    assert.deepEqual(lines(dry, 'standard'), ['-<SIP_USER_ID_1>from-here</SIP_USER_ID_1>', '+<SIP_USER_ID_1>from-there</SIP_USER_ID_1>']);
    const initial = lines(dry, 'initial');
    assert.ok(
      initial.some((line) => line.startsWith('-') && line.includes('/other-access-path/')),
      initial.join('\n'),
    );
    assert.ok(
      initial.some((line) => line.startsWith('+') && line.includes('/target-access-path/')),
      initial.join('\n'),
    );
    assert.deepEqual(lines(dry, 'product'), [], 'a file that is the same is the same');

    const bad = await tried('POST', path, { tenant: broken.id }, device);
    assert.deepEqual(numbers(bad), [1, 1, 1, 1]);
    assert.deepEqual([bad.files[0].mac, bad.files[0].file], [phone.mac, 'standard']);
    assert.ok(bad.diff.find(({ kind }) => kind === 'standard').to_error);
    for (const [body, status] of [
      [{ tenant: 'nobody' }, 422],
      [{ tenant: there.id, site: 'nowhere' }, 422],
      [{ tenant: there.id, forward: { days: 0 } }, 422],
    ]) {
      assert.equal((await admin.call('POST', `${path}?dry_run=true`, { body })).status, status, JSON.stringify(body));
    }
    const moved = await admin.call('POST', `${path}?comment=sold`, { body: { tenant: there.id } });
    assert.equal(moved.status, 200, moved.text);
    const [entry] = (await admin.get(`/tenants/${there.id}/audit?action=device.move`)).items;
    assert.equal(entry.after['?comment'], 'sold');
    const again = await tried('POST', path, { tenant: there.id }, device);
    assert.deepEqual(numbers(again), [0, 0, 0, 0], 'it is there already');
  });

  it('has no phone move to an access path, and knows those that are there', async () => {
    const tenant = await seedTenant(worker, { models: [UTG, HDV], templates: URL_OF_ITS_OWN });
    const t = `/tenants/${tenant.id}`;
    const fresh = await admin.post(`${t}/access-paths`, { label: 'new' });
    const away = await seedDevice(worker, tenant, { mac: mac(3), state: 'confirmed' });
    const arrived = await seedDevice(worker, tenant, { mac: mac(4), state: 'confirmed' });
    const silent = await seedDevice(worker, tenant, { mac: mac(5), state: 'confirmed' });
    await tenant.get(`Config${away.mac}.enc`);
    await worker.fetch(`/${fresh.segment}/Config${arrived.mac}.enc`);
    const used = () => worker.sql('SELECT device_id FROM access_path_devices WHERE device_id IN (?1, ?2)', away.id, arrived.id);
    await eventually(used, (rows) => rows.length === 2, 'both are written down');
    const path = `${t}/access-paths/${fresh.id}/target`;
    const secret = [fresh.segment, tenant.accessPath];
    const of = (phone) => `&device=${phone.mac}`;

    const there = await tried('PUT', path, { url: fresh.url }, of(away));
    assert.deepEqual(numbers(there), [3, 3, 2, 0], 'the one that is there already keeps its files');
    const [from, to, ...more] = lines(there, 'standard');
    assert.match(from, /^-<BASE>https:\/\/[^/]+\/other-access-path<\/BASE>$/);
    assert.match(to, /^\+<BASE>https:\/\/[^/]+\/target-access-path<\/BASE>$/);
    assert.deepEqual(more, []);
    assert.ok(secret.every((segment) => !JSON.stringify(there).includes(segment)));
    assert.deepEqual(lines(await tried('PUT', path, { url: fresh.url }, of(arrived)), 'standard'), []);
    assert.notDeepEqual(lines(await tried('PUT', path, { url: fresh.url }, of(silent)), 'standard'), []);
    const wrong = await admin.call('PUT', `${path}?dry_run=true`, { body: { url: 'another' } });
    assert.equal(wrong.status, 422);
    assert.deepEqual(numbers(await tried('DELETE', path)), [0, 0, 0, 0], 'it is no target');

    await admin.put(path, { url: fresh.url });
    assert.deepEqual(numbers(await tried('PUT', path, {})), [3, 3, 0, 0], 'it is one already');
    const back = await tried('DELETE', path, undefined, of(away));
    assert.deepEqual(numbers(back), [3, 3, 2, 0]);
    assert.deepEqual(
      lines(back, 'standard').map((line) => line.replace(/https:\/\/[^/]+/, '')),
      ['-<BASE>/target-access-path</BASE>', '+<BASE>/other-access-path</BASE>'],
    );
    const other = await admin.post(`${t}/access-paths`, { label: 'newer' });
    const further = await tried('PUT', `${t}/access-paths/${other.id}/target`, { url: other.url }, of(arrived));
    assert.deepEqual(numbers(further), [3, 3, 3, 0]);
    assert.equal(lines(further, 'standard').length, 2);
  });

  it('stores and removes no certificate, and says which files would name another one', async () => {
    const tenant = await seedTenant(worker);
    const t = `/tenants/${tenant.id}`;
    const phone = await seedDevice(worker, tenant, { mac: mac(6), state: 'confirmed' });
    const root = authority();
    const pem = readFileSync(root.file, 'utf8');
    root.end();
    const path = `${t}/certificates/root.pem`;
    const device = `&device=${phone.mac}`;
    const added = await tried('PUT', path, { pem }, device);
    assert.deepEqual(numbers(added), [1, 1, 1, 0]);
    const [line] = lines(added, 'initial').filter((text) => text.includes('root.pem'));
    assert.match(line, /^\+<CFG_ROOT_CERTIFICATE_PATH1>.*\/certs\/root\.pem</);
    assert.equal((await admin.call('PUT', `${path}?dry_run=true`, { body: { pem: 'nonsense' } })).status, 422);
    await admin.put(path, { pem });
    assert.deepEqual(numbers(await tried('PUT', path, { pem })), [1, 1, 0, 0]);
    const removed = await tried('DELETE', path, undefined, device);
    assert.deepEqual(numbers(removed), [1, 1, 1, 0]);
    assert.ok(lines(removed, 'initial').some((text) => text.startsWith('-<CFG_ROOT_CERTIFICATE_PATH1>')));
  });

  /** What the change would do besides, by what it is about. */
  const about = (dry, word) => dry.effects.filter((effect) => effect.about === word);
  const said = (dry) => dry.effects.map(({ text }) => text).join(' ');

  it('leaves a key as it is, and says what becomes of it and of the plaintext file', async () => {
    const tenant = await seedTenant(worker, { options: { bootstrap_expiry_s: 7200 } });
    const phone = await seedDevice(worker, tenant, { mac: mac(11), state: 'confirmed', generation: 3 });
    const fresh = await seedDevice(worker, tenant, { mac: mac(12), state: 'armed' });
    const at = `/tenants/${tenant.id}/devices`;
    const rekey = await tried('POST', `${at}/${phone.mac}/rekey`);
    assert.equal(rekey.affected, 1);
    assert.match(said(rekey), /Key 3 \(confirmed\) is replaced by key 4, whose state is armed\./);
    assert.match(said(rekey), /handed out once, to whoever asks for it first within 2 hours\./);
    assert.match(said(rekey), /the phone gets no file until it has taken the new plaintext file/);
    assert.deepEqual(
      about(rekey, 'plaintext_file').map(({ number }) => number),
      [1],
    );
    assert.deepEqual(about(rekey, 'jobs'), [], 'nobody asked for a NOTIFY');
    // Nobody knows where this phone is: the key is replaced without the NOTIFY.
    const [untold] = about(await tried('POST', `${at}/${phone.mac}/rekey`, undefined, '&notify=true'), 'jobs');
    assert.equal(untold.number, 0);
    assert.match(untold.text, /^The phone is not notified\. .*NOTIFY_AOR/);
    const rearm = await tried('POST', `${at}/${phone.mac}/rearm`);
    assert.match(said(rearm), /Key 3 stays, and its state becomes armed instead of confirmed\./);
    assert.match(said(rearm), /is handed out once more/);
    assert.match(said(rearm), /Sealed files are served under the same key meanwhile\./);
    const key = 'Ab1'.repeat(10) + 'Zz';
    const known = await tried('POST', `${at}/${fresh.mac}/import-key`, { key });
    assert.match(said(known), /Key 1 \(armed\) is replaced by key 2, whose state is delivered\./);
    assert.match(said(known), /The plaintext file that waits is withdrawn/);
    assert.ok(!JSON.stringify(known).includes(key));
    // The same answers as the change itself gives, where it is refused.
    await admin.post(`${at}/${phone.mac}/import-key`, { key });
    const twice = await admin.call('POST', `${at}/${fresh.mac}/import-key?dry_run=true`, { body: { key } });
    assert.equal(twice.status, 409, twice.text);
    assert.equal((await admin.call('POST', `${at}/${fresh.mac}/import-key?dry_run=true`, { body: { key: 'short' } })).status, 422);
    const late = await admin.call('POST', `${at}/${phone.mac}/rekey?dry_run=true`, { ifMatch: '"77"' });
    assert.equal(late.status, 412);
    // What was said is what is done.
    const done = await admin.post(`${at}/${phone.mac}/rekey?comment=ticket%2011`, undefined);
    assert.deepEqual([done.key.state, done.key.generation, done.key.bootstrap_waits], ['armed', 5, true]);
    const [entry] = (await admin.get(`/tenants/${tenant.id}/audit?action=device.rekey`)).items;
    assert.equal(entry.after['?comment'], 'ticket 11');
  });

  it('promises no plaintext file that is handed out once to a phone whose model has no sealing profile', async () => {
    const tenant = await seedTenant(worker, { models: [UTG, HDV] });
    const at = `/tenants/${tenant.id}/devices`;
    const plain = await seedDevice(worker, tenant, { mac: mac(25), model: HDV.name, state: 'armed' });
    const resting = await seedDevice(worker, tenant, { mac: mac(26), model: HDV.name, state: 'armed', disabled: 1 });
    const key = 'Zy9'.repeat(10) + 'Xx';
    for (const dry of [
      await tried('POST', `${at}/${plain.mac}/rekey`),
      await tried('POST', `${at}/${plain.mac}/import-key`, { key }),
      await tried('POST', `${at}/${plain.mac}/disable`),
      await tried('POST', `${at}/${resting.mac}/enable`),
    ]) {
      assert.deepEqual(about(dry, 'plaintext_file'), [], said(dry));
    }
    assert.match(said(await tried('POST', `${at}/${plain.mac}/rekey`)), /no sealing profile/);
  });

  it('takes no device out of service, and shows which files one gets that is put back', async () => {
    const tenant = await seedTenant(worker, { settings: { SIP_USER: '4711' } });
    const [working, resting] = [
      await seedDevice(worker, tenant, { mac: mac(13), state: 'armed' }),
      await seedDevice(worker, tenant, { mac: mac(14), state: 'confirmed', disabled: 1 }),
    ];
    const at = `/tenants/${tenant.id}/devices`;
    const off = await tried('POST', `${at}/${working.mac}/disable`);
    assert.deepEqual(numbers(off), [1, 0, 0, 0], 'no file was made');
    assert.match(said(off), /each of its requests is refused/);
    assert.match(said(off), /handed out to nobody while/);
    const on = await tried('POST', `${at}/${resting.mac}/enable`, undefined, `&device=${resting.mac}`);
    assert.deepEqual(numbers(on), [1, 1, 1, 0]);
    assert.ok(lines(on, 'standard').includes('+<SIP_USER_ID_1>4711</SIP_USER_ID_1>'));
    assert.match(said(on), /gets its sealed files again/);
    assert.deepEqual(about(await tried('POST', `${at}/${working.mac}/enable`), 'nothing').length, 1);
    // One whose files are broken is told so before it is back.
    const broken = await seedTenant(worker, { templates: { ...XML, 'standard/utg': '<PANASIPPhoneConfig><oops></PANASIPPhoneConfig>' } });
    const phone = await seedDevice(worker, broken, { mac: mac(15), state: 'confirmed', disabled: 1 });
    assert.deepEqual(numbers(await tried('POST', `/tenants/${broken.id}/devices/${phone.mac}/enable`)), [1, 1, 1, 1]);
  });

  it('removes and ends no access path, and counts the phones that ask under it', async () => {
    const tenant = await seedTenant(worker);
    const t = `/tenants/${tenant.id}`;
    const other = await admin.post(`${t}/access-paths`, { label: 'other' });
    const [one, two, gone] = [16, 17, 18].map((number) => mac(number));
    for (const address of [one, two, gone]) await seedDevice(worker, tenant, { mac: address, state: 'confirmed' });
    for (const address of [one, two, gone]) await tenant.get(`Config${address}.enc`);
    const used = (number) =>
      eventually(
        () => worker.sql('SELECT * FROM access_path_devices'),
        (rows) => rows.length >= number,
      );
    await used(3);
    // One has moved since.
    const [{ id: device }] = await worker.sql('SELECT id FROM devices WHERE mac = ?1 AND tenant_id = ?2', gone, tenant.id);
    await worker.sql('INSERT INTO access_path_devices VALUES (?1, ?2, ?3)', other.id, device, Date.now() + 60_000);
    const path = (await admin.get(`${t}/access-paths`)).items.find(({ label }) => label === 'test');
    const removed = await tried('DELETE', `${t}/access-paths/${path.id}`);
    assert.equal(removed.affected, 2);
    assert.deepEqual(
      about(removed, 'access').map(({ number }) => number),
      [2, 3, 1, null],
    );
    assert.match(
      said(removed),
      /2 phones in service got files under this access path last: from then on each of these requests is refused/,
    );
    const put = (body) => tried('PUT', `${t}/access-paths/${path.id}`, body);
    assert.equal((await put({ label: 'test', expires_at: Date.now() + 86_400_000 })).affected, 2);
    const label = await put({ label: 'renamed' });
    assert.deepEqual([label.affected, label.effects.length], [0, 1]);
    assert.match(said(await tried('DELETE', `${t}/access-paths/${other.id}`)), /1 phone in service/);
    assert.match(said(await tried('POST', `${t}/access-paths`, { label: 'newest' })), /a further access path/);
  });

  it('decides nothing about destinations and pools, and counts the phones that can be notified', async () => {
    const tenant = await seedTenant(worker);
    const t = `/tenants/${tenant.id}`;
    const site = (await admin.post(`${t}/sites`, { name: 'Pier' })).id;
    for (const [number, host, more] of [
      [19, 'pbx.example'],
      [20, 'pbx.example', { site }],
      [21, 'elsewhere.example'],
      // Out of service it is notified by nobody, whatever is decided.
      [24, 'pbx.example', { disabled: 1 }],
    ]) {
      await seedDevice(worker, tenant, { mac: mac(number), settings: { NOTIFY_AOR: `sip:${number}@${host}` }, ...more });
    }
    // A pool of its own: in one with other tenants nobody is reached without destinations.
    const own = await admin.post('/pools', { name: 'Own' });
    await admin.put(`${t}/pool`, { pool: own.id });
    const dry = await tried('PUT', `${t}/destinations`, { destinations: { domains: ['pbx.example'], networks: [] } });
    assert.deepEqual(
      about(dry, 'reach').map(({ number }) => number),
      [1, 0, 2],
      said(dry),
    );
    assert.equal(dry.affected, 3);
    await admin.put(`${t}/destinations`, { destinations: { domains: ['pbx.example'], networks: [] } });
    const wider = await tried('PUT', `${t}/destinations`, { destinations: null });
    assert.deepEqual(
      about(wider, 'reach').map(({ number }) => number),
      [0, 1, 3],
      said(wider),
    );
    const pool = await admin.post('/pools', { name: 'Elsewhere' });
    assert.equal((await tried('PUT', `${t}/pool`, { pool: pool.id })).affected, 3);
    assert.equal((await tried('PUT', `${t}/pool`, { pool: own.id })).affected, 0);
    // What counts is the pool that reaches a phone, not the one that is named.
    assert.equal((await tried('PUT', `${t}/sites/${site}/pool`, { pool: own.id })).affected, 0);
    assert.equal((await tried('PUT', `${t}/sites/${site}/pool`, { pool: pool.id })).affected, 1);
    const other = await seedTenant(worker);
    await seedDevice(worker, other, { mac: mac(27) });
    assert.equal((await tried('PUT', `/tenants/${other.id}/pool`, { pool: 'default' })).affected, 0);
    assert.equal((await tried('PUT', `/tenants/${other.id}/pool`, { pool: pool.id })).affected, 1);
    assert.match(said(await tried('DELETE', `/pools/${pool.id}`)), /The pool is removed/);
    await refused('DELETE', `/pools/${own.id}`, 409, /tenants: 1, sites: 0, relays: 0/);
    await admin.put(`${t}/sites/${site}/pool`, { pool: pool.id });
    await refused('DELETE', `/pools/${pool.id}`, 409, /tenants: 0, sites: 1, relays: 0/);
    await admin.put(`${t}/sites/${site}/pool`, { pool: null });
    const job = await tried('POST', `${t}/devices/${mac(19)}/notify`, {});
    assert.match(said(job), /One NOTIFY with the event check-sync/);
    const [told] = about(await tried('POST', `${t}/devices/${mac(19)}/rekey`, undefined, '&notify=true'), 'jobs');
    assert.deepEqual([told.number, told.text], [1, job.effects[0].text]);
    assert.equal((await tried('POST', `${t}/rollouts`, { selection: {} })).affected, 3);
    assert.deepEqual((await admin.get(`${t}/jobs`)).items, []);
    assert.deepEqual((await admin.get(`${t}/rollouts`)).items, []);
  });

  it('is every other change of the API, too', async () => {
    const tenant = await seedTenant(worker);
    const t = `/tenants/${tenant.id}`;
    const phone = await seedDevice(worker, tenant, { mac: mac(22), settings: { SIP_USER: '4711' } });
    const empty = await admin.post('/tenants', { name: 'Empty' });
    const site = await admin.post(`${t}/sites`, { name: 'Quay' });
    const pool = await admin.post('/pools', { name: 'Further' });
    const credentials = { username: 'u', password: 'pass-77' };
    await admin.put(`/pools/${pool.id}/proxy-credentials`, credentials);
    const relay = await admin.post(`/pools/${pool.id}/relays`, { name: 'one' });
    const token = await admin.post('/tokens', { name: 'x', access: 'read', tenant: tenant.id });
    const hook = { name: 'Hook', url: 'https://hooks.example/', kinds: ['file.broken'] };
    const [own, all] = [await admin.post(`${t}/webhooks`, hook), await admin.post('/webhooks', hook)];
    const test = { name: 'User', file: 'standard', parameter: 'SIP_USER_ID_1', expect: 'equals', value: '4711' };
    const stored = await admin.post(`${t}/file-tests`, test);
    await admin.post(`${t}/access-paths`, { label: 'second' });
    const unmet = await tried('POST', `${t}/file-tests`, { ...test, name: 'Other', value: '4712' });
    assert.deepEqual(
      about(unmet, 'tests').map(({ number }) => number),
      [1, 1],
    );
    assert.deepEqual([unmet.tests[0].mac, unmet.tests[0].found], [phone.mac, ['4711']]);
    for (const [method, path, body] of [
      ['PUT', `${t}/file-tests/${stored.id}`, { ...test, value: '4712' }],
      ['DELETE', `${t}/file-tests/${stored.id}`],
      ['PUT', `${t}/limits`, { devices: 5 }],
      ['PUT', `${t}/sites/${site.id}/pool`, { pool: pool.id }],
      ['POST', '/tenants', { name: 'Another' }],
      ['DELETE', `/tenants/${empty.id}`],
      ['POST', '/tokens', { name: 'y', access: 'read' }],
      ['DELETE', `/tokens/${token.id}`],
      ['POST', '/pools', { name: 'Newest' }],
      ['PUT', `/pools/${pool.id}`, { name: 'Renamed' }],
      ['DELETE', `/pools/${pool.id}/proxy-credentials`],
      ['PUT', `/pools/${pool.id}/proxy-credentials`, { ...credentials, username: 'v' }],
      ['POST', `/pools/${pool.id}/relays`, { name: 'two' }],
      ['DELETE', `/pools/${pool.id}/relays/${relay.id}`],
      ...[
        [`${t}/webhooks`, own],
        ['/webhooks', all],
      ].flatMap(([at, { id }]) => [
        ['POST', at, { ...hook, name: 'Second' }],
        ['PUT', `${at}/${id}`, { ...hook, name: 'Renamed' }],
        ['POST', `${at}/${id}/rotate-secret`, {}],
        ['DELETE', `${at}/${id}`],
      ]),
      ['DELETE', `${t}/devices/${phone.mac}/forward`],
    ]) {
      const dry = await tried(method, path, body);
      assert.ok(dry.effects.length > 0, `${method} ${path}`);
      assert.ok(
        dry.effects.every(({ text }) => /^[A-Z`0-9].*\.$/.test(text)),
        said(dry),
      );
      assert.ok(!JSON.stringify(dry).includes('pass-77'));
    }
    // What is wrong with a change is said as for the change itself.
    await refused('DELETE', `/pools/${pool.id}`, 409, /tenants: 0, sites: 0, relays: 1/);
    assert.equal((await admin.call('POST', '/pools?dry_run=true', { body: { name: '' } })).status, 422);
    assert.equal((await admin.call('DELETE', `${t}?dry_run=true`)).status, 409);
    assert.equal((await admin.call('POST', `${t}/webhooks?dry_run=true`, { body: { ...hook, url: 'https://10.0.0.1/' } })).status, 422);
    // What is only done, and keeps nothing, is not tried.
    assert.equal((await admin.call('POST', '/sign-in-codes?dry_run=true')).status, 400);
  });
});
