// Changes of what phones get that are only tried: an adoption, a move to another tenant, access paths that phones are to
// move to, and certificates. Each says what it would do, shows the lines of a device, and writes nothing.

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
    const rows = [];
    for (const name of tables) rows.push(name, await worker.sql(`SELECT * FROM ${name}`));
    rows.push(await worker.sql('SELECT id, tenant_id, mac, model, revision, version FROM devices'));
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
});
