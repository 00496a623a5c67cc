// Many devices at once: a batch by the API, a table through the console's import, and the table that a list is
// exported as. What was exported is imported again, and is exported the same.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedDevices, seedTenant } from '../support/worker/seed.mjs';

const MODEL = 'KX-UTG300B';
const LINE = { line_1_domain: 'pbx.example', line_1_password: { secret: 'Harbour-77' } };
/** The audit chain goes on after the answer, and is no part of it. */
const CHAIN = /audit_head|audit_chain|FROM audit WHERE number/;

describe('many devices at once', () => {
  let worker;
  let admin;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
    admin = new Api(worker);
  });
  after(() => worker?.stop());

  /** A tenant without models, sites and devices of its own. */
  async function empty() {
    const { id } = await admin.post('/tenants', { name: `Import ${Math.random()}` });
    return { id, t: `/tenants/${id}` };
  }
  const batch = (t, devices, query = '') => admin.post(`${t}/device-batch${query}`, { devices });
  const outcomes = (answer) => answer.items.map((item) => item.outcome);
  const device = (number, more = {}) => ({ mac: mac(number), model: MODEL, ...more });
  /** All that a tenant has which a batch could write. */
  const stored = async (id) => {
    const of = (sql) => worker.sql(sql, id);
    return {
      devices: await of(
        'SELECT mac, model, site_id, label, version, revision, key_fingerprint FROM devices WHERE tenant_id = ?1 ORDER BY mac',
      ),
      settings: await of('SELECT scope, name, value FROM settings WHERE tenant_id = ?1 ORDER BY scope, name'),
      layers: await of('SELECT scope, revision, bytes FROM layers WHERE tenant_id = ?1 ORDER BY scope'),
      versions: await of('SELECT object, number, revision, bytes FROM versions WHERE tenant_id = ?1 ORDER BY object, number'),
      sites: await of('SELECT name FROM sites WHERE tenant_id = ?1 ORDER BY name'),
      models: await of('SELECT name FROM models WHERE tenant_id = ?1 ORDER BY name'),
      audit: await of('SELECT action, object FROM audit WHERE tenant_id = ?1 ORDER BY number'),
      tenant: await of('SELECT seq, version, devices, settings_bytes, history_bytes FROM tenants WHERE id = ?1'),
    };
  };

  it('says of each what became of it, and what is refused keeps no other back', async () => {
    const { id, t } = await empty();
    const rows = [
      device(1, { label: 'Front desk', site_name: 'Quay', set: { line_1_user: '201', ...LINE } }),
      device(2, { site_name: 'Quay' }),
      { mac: mac(3) },
      { mac: 'desk', model: MODEL },
      device(2),
      device(4, { set: { line_1_port: '99999' } }),
      device(5, { set: { line_1_user: '205' } }),
      device(6, { model: 'Nobody knows this' }),
      device(7, { site: 'nowhere' }),
      device(8, { settings: { NTP: 'ntp.example' }, label: 'x'.repeat(101) }),
    ];
    const before = await stored(id);
    const tried = await batch(t, rows, '?dry_run=true');
    assert.deepEqual(await stored(id), before, 'a dry run writes nothing');
    assert.equal(tried.dry_run, true);
    const expected = ['created', 'created', ...Array(8).fill('refused')];
    assert.deepEqual(outcomes(tried), expected, JSON.stringify(tried.items));
    assert.deepEqual([tried.new_models, tried.new_sites], [[MODEL], ['Quay']]);

    const done = await batch(t, rows, '?comment=first+table');
    assert.deepEqual({ ...done, dry_run: true }, tried, 'and says what is done then');
    const why = done.items.map((item) => `${item.cause} ${item.detail}`);
    assert.match(why[2], /^invalid-value `model`/);
    assert.match(why[3], /^invalid-value `mac`/);
    assert.match(why[4], /an earlier device of the same call/);
    assert.match(why[5], /line_1_port/);
    assert.match(why[6], /^invalid-files/);
    assert.equal(done.items[6].files[0].mac, mac(5));
    assert.match(why[7], /`model`/);
    assert.match(why[8], /`site`/);
    assert.match(why[9], /`label`/);

    const is = await stored(id);
    assert.deepEqual(
      is.devices.map((row) => [row.mac, row.label]),
      [
        [mac(1), 'Front desk'],
        [mac(2), ''],
      ],
    );
    assert.deepEqual([is.sites, is.models], [[{ name: 'Quay' }], [{ name: MODEL }]]);
    const secret = is.settings.find((row) => row.name === 'line_1_password');
    assert.match(secret.value, /^v1\./, 'a secret is wrapped');
    assert.deepEqual(
      is.audit.slice(-4).map((entry) => `${entry.action} ${entry.object}`.replace(/sites\/.*/, 'sites')),
      ['site.create sites', `device.create devices/${mac(1)}`, `device.create devices/${mac(2)}`, 'device.batch devices'],
    );
    assert.ok(!JSON.stringify(is).includes('Harbour-77'));
    const shown = await admin.get(`${t}/devices/${mac(1)}`);
    assert.deepEqual([shown.key.state, shown.key.generation, shown.key.bootstrap_waits], ['armed', 1, true]);
    const file = await admin.call('GET', `${t}/devices/${mac(1)}/files/standard/preview?reveal=true`);
    assert.match(file.text, /Harbour-77/, 'and opens in the file');
    const found = await admin.get(`${t}/devices?q=201`);
    assert.deepEqual(
      found.items.map((item) => item.mac),
      [mac(1)],
      'what was imported is found',
    );
  });

  it('changes nothing when it is repeated, and writes what another call would have', async () => {
    const { id, t } = await empty();
    const rows = [device(1, { set: { A: '1', B: '2' } }), device(2, { label: 'two' })];
    assert.deepEqual(outcomes(await batch(t, rows)), ['created', 'created']);
    const once = await stored(id);
    assert.deepEqual(outcomes(await batch(t, rows)), ['unchanged', 'unchanged']);
    assert.deepEqual(await stored(id), once);

    // One by one in one tenant, together in another: the rows are the same.
    const other = await empty();
    await batch(other.t, rows);
    const changes = [device(1, { set: { A: '3', C: { secret: 'Harbour-78' } }, label: 'one' }), device(2, { settings: { D: '4' } })];
    const told = ({ items }) => items.map(({ changes: names }) => names);
    const tried = await batch(t, changes, '?dry_run=true');
    assert.deepEqual(told(tried), [['label', 'settings.A', 'settings.C'], ['settings.D']]);
    assert.ok(!JSON.stringify(tried).includes('Harbour-78'), 'secrets by their names alone');
    const made = await batch(t, changes);
    assert.deepEqual([outcomes(made), told(made)], [['changed', 'changed'], told(tried)]);
    await admin.put(`${other.t}/devices/${mac(1)}`, {
      model: MODEL,
      label: 'one',
      settings: { A: '3', B: { keep: true }, C: { secret: 'Harbour-78' } },
    });
    await admin.put(`${other.t}/devices/${mac(2)}`, { model: MODEL, label: 'two', settings: { D: '4' } });
    // Ids, wrapped values and the tenant's own count differ.
    const plain = async (tenant) => {
      const { devices, settings, layers, versions } = await stored(tenant);
      const ids = new Map((await worker.sql('SELECT id, mac FROM devices WHERE tenant_id = ?1', tenant)).map((row) => [row.id, row.mac]));
      const text = JSON.stringify({
        devices: devices.map(({ mac: address, model, label, revision }) => [address, model, label, revision]),
        settings: settings.map(({ scope, name, value }) => [scope, name, value.startsWith('v1.') ? 'wrapped' : value]),
        layers,
        versions,
        since: await worker.sql('SELECT scope, name, since FROM settings WHERE tenant_id = ?1 ORDER BY scope, name', tenant),
        retired: await worker.sql(
          'SELECT object, last, name, first, value FROM setting_versions WHERE tenant_id = ?1 ORDER BY object, last, name',
          tenant,
        ),
      });
      const named = [...ids].reduce((said, [from, to]) => said.replaceAll(from, to), text);
      // The devices' ids sort as they were drawn.
      return JSON.parse(named, (_, value) => (Array.isArray(value) ? value.map((it) => JSON.stringify(it)).toSorted() : value));
    };
    assert.deepEqual(await plain(id), await plain(other.id));
    const history = await admin.get(`${t}/history/devices/${mac(1)}/settings`);
    assert.equal(history.items.length, 3);
  });

  it('is one change for 500 devices, whose cost has a bound, and is published once', async (context) => {
    const tenant = await seedTenant(worker);
    const t = `/tenants/${tenant.id}`;
    const rows = Array.from({ length: 500 }, (_, number) =>
      device(number + 1, { label: `Desk ${number}`, set: { line_1_user: `${number}`, ...LINE, key: 'x' } }),
    );
    await worker.probe({ reset: true });
    const made = await batch(t, rows);
    const { trips, rowsRead, rowsWritten } = await worker.probe({ reset: true });
    const own = trips.filter((statements) => !statements.some((sql) => CHAIN.test(sql)));
    context.diagnostic(JSON.stringify({ trips: own.length, statements: own.flat().length, rowsRead, rowsWritten }));
    assert.deepEqual([made.created, made.refused, made.checked.devices], [500, 0, 500]);
    assert.ok(own.length <= 4, `${own.length} round trips`);
    assert.ok(own.flat().length <= 40, `${own.flat().length} statements`);
    assert.ok(rowsRead <= 100 * 500, `${rowsRead} rows read`);

    const changed = rows.map((row) => ({ ...row, label: `New ${row.label}` }));
    await worker.probe({ reset: true });
    assert.equal((await batch(t, changed)).changed, 500);
    const { kvWrites, kvDeletes } = await worker.probe({ reset: true });
    assert.deepEqual([kvWrites, kvDeletes], [1, 0], 'the tenant once, and no file by itself');
    const few = changed.slice(0, 3).map((row) => ({ ...row, label: 'few' }));
    assert.equal((await batch(t, few)).changed, 3);
    const after = await worker.probe({ reset: true });
    assert.deepEqual([after.kvWrites, after.kvDeletes], [0, 3 * 14], 'the files of a few by themselves');
    const many = await admin.call('POST', `${t}/device-batch`, { body: { devices: [...rows, device(999)] } });
    assert.deepEqual([many.status, many.body.detail.includes('500')], [422, true]);
  });

  it('gives a phone its new file after the call that changed it', async () => {
    // With the built-in templates, which read the settings of lines.
    const tenant = await seedTenant(worker, { templates: {} });
    const t = `/tenants/${tenant.id}`;
    const [phone] = await seedDevices(worker, tenant, [{ mac: mac(1), state: 'confirmed' }]);
    const first = await tenant.get(`Config${phone.mac}.enc`);
    assert.equal(first.status, 200);
    assert.deepEqual(outcomes(await batch(t, [{ mac: phone.mac, set: { line_1_user: '201', ...LINE } }])), ['changed']);
    const second = await tenant.get(`Config${phone.mac}.enc`);
    assert.notEqual(second.headers.get('etag'), first.headers.get('etag'));
  });

  it('is held to the quotas as a whole, and to the rights of its token', async () => {
    const { id, t } = await empty();
    await admin.put(`${t}/limits`, { devices: 2 });
    const rows = [1, 2, 3].map((number) => device(number));
    const before = await stored(id);
    const refused = await admin.call('POST', `${t}/device-batch`, { body: { devices: rows } });
    assert.deepEqual([refused.status, refused.body.quota], [409, 'devices']);
    assert.deepEqual(await stored(id), before);
    assert.equal((await batch(t, rows.slice(1))).created, 2);
    const reader = new Api(worker, (await admin.post('/tokens', { name: 'reader', access: 'read', tenant: id })).token);
    assert.equal((await reader.call('POST', `${t}/device-batch`, { body: { devices: rows } })).status, 403);
  });

  it('a table has what the list shows, without secrets, and nothing that a spreadsheet runs', async () => {
    const { t } = await empty();
    await batch(t, [
      device(1, { label: '=1+1', site_name: '@Quay, west', set: { line_1_user: '201', ...LINE, NOTE: '+49 "931"\nx' } }),
      device(2, { label: 'two', set: { EMPTY: '' } }),
    ]);
    const { status, headers, text } = await admin.call('GET', `${t}/devices.csv?sort=mac`);
    assert.deepEqual([status, headers.get('content-type'), headers.get('ringfence-next')], [200, 'text/csv; charset=utf-8', null]);
    assert.equal(
      text,
      'mac,model,family,site,label,secrets,setting:EMPTY,setting:NOTE,line_1_domain,line_1_user\r\n' +
        `00:80:F0:00:00:01,${MODEL},utg,"'@Quay, west",'=1+1,line_1_password,,"'+49 ""931""\nx",pbx.example,201\r\n` +
        `00:80:F0:00:00:02,${MODEL},utg,,two,,',,,\r\n`,
    );
    const one = await admin.call('GET', `${t}/devices.csv?extension=201`);
    assert.equal(one.text.split('\r\n').length, 3);
    const found = await admin.call('GET', `${t}/devices.csv?q=${mac(2)}`);
    assert.match(found.text, /two/);
    assert.equal((await admin.call('GET', `${t}/devices.csv?limit=3`)).status, 400);
    // How long a table is can be asked before, by the same filter.
    for (const [query, devices] of [
      ['', 2],
      ['?extension=201', 1],
      [`?q=${mac(2)}`, 1],
      ['?state=confirmed', 0],
    ]) {
      assert.deepEqual(await admin.get(`${t}/device-table${query}`), { devices, next: null }, query);
    }
    assert.equal((await admin.call('GET', `${t}/device-table?limit=3`)).status, 400);
  });
});
