// The database: every statement of src has an index behind it, and migrations carry data from
// every earlier schema.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { ROOT } from '../support/config.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedDevice, seedTenant, ulid } from '../support/worker/seed.mjs';
import { migrations } from '../support/worker/sql.mjs';

/**
 * Plans that read a whole table on purpose: `[what the statement has, what is scanned, why]`.
 */
const WHOLE_TABLES = [
  [/FROM tenants WHERE id > \?1 ORDER BY id/, 'tenants', 'a page of tenants, in the order of the primary key'],
  [
    /^DELETE FROM (tokens|access_paths) WHERE id > '' AND id NOT IN/,
    '',
    'a restored database that nothing is known about: all but what is kept goes',
  ],
  [
    /^UPDATE devices SET key_state = 'expired', revision = revision \+ 1, updated_at = \?1 WHERE key_state = 'armed'/,
    'devices',
    'after a restore every bootstrap that waits expires; reads the index of those alone',
  ],
  [/^DELETE FROM tenants WHERE id = /, 'event_minutes', 'a tenant that goes, seldom: the minutes of the last three hours alone'],
  [/^WITH alike AS MATERIALIZED/, 'a', 'the groups that the devices of a tenant were put into'],
  [/^WITH alike AS MATERIALIZED/, 'g', 'the same groups, once more'],
];

/** SQL in string literals of src, with Rust's line continuations and constants resolved. */
function statementsInSource() {
  const folder = join(ROOT, 'src');
  const sources = readdirSync(folder, { recursive: true })
    // The objects of the witness and of webhooks have tables of their own.
    .filter((name) => name.endsWith('.rs') && !/^(witness|webhooks)\//.test(name))
    .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8').split('#[cfg(test)]\nmod tests')[0] }));
  const literal = /"((?:[^"\\]|\\[\s\S])*)"/g;
  const clean = (text) =>
    text
      .replace(/\\\n\s*/g, '')
      .replace(/\\n/g, ' ')
      .replace(/\\"/g, '"')
      .replace(/\s+/g, ' ')
      .trim();
  const constantsOf = (text) =>
    Object.fromEntries(
      [...text.matchAll(/const (\w+): &str =\s*"((?:[^"\\]|\\[\s\S])*)"/g)].map(([, name, value]) => [name, clean(value)]),
    );
  const shared = Object.assign({}, ...sources.map(({ text }) => constantsOf(text)));
  const found = [];
  for (const { name, text } of sources) {
    // A file's own constants come before another's of the same name.
    const constants = { ...shared, ...constantsOf(text) };
    const resolve = (sql) => sql.replace(/\{(\w+)\}/g, (whole, name) => constants[name] ?? whole);
    for (const [, raw] of text.matchAll(literal)) {
      const sql = resolve(resolve(clean(raw)));
      if (/^(SELECT|UPDATE|INSERT|DELETE|WITH)\b.*\b(FROM|SET|INTO)\b/i.test(sql)) found.push({ file: name, sql });
    }
  }
  return found;
}

describe('the schema', () => {
  let worker;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
  });
  after(() => worker?.stop());

  async function plan(sql) {
    const last = Math.max(0, ...[...sql.matchAll(/\?(\d+)/g)].map((match) => Number(match[1])));
    return worker.sql(`EXPLAIN QUERY PLAN ${sql}`, ...Array(last).fill(null));
  }

  /**
   * Steps that read a whole table or index: SCAN of anything but constant rows, json_each, what a statement made of a list
   * that it was given (`list…`), and what a subquery gave, whose own steps are in the plan too.
   */
  async function scans(sql) {
    const rows = await plan(sql);
    return rows
      .map((row) => row.detail)
      .filter((detail) => /^SCAN /.test(detail) && !/CONSTANT ROW|VIRTUAL TABLE|^SCAN (list|\(subquery-\d+\))/.test(detail))
      .filter((detail) => !WHOLE_TABLES.some(([statement, table]) => statement.test(sql) && detail.startsWith(`SCAN ${table}`)));
  }

  it('has an index behind every statement written in src', async () => {
    const statements = statementsInSource();
    assert.ok(statements.length >= 20, `only ${statements.length} statements were found in the source`);
    const partial = [];
    for (const { file, sql } of statements) {
      // A statement put together at run time is seen below, when it runs.
      if (/\{\w*\}/.test(sql)) {
        partial.push(sql);
        continue;
      }
      let found;
      try {
        found = await scans(sql);
      } catch (error) {
        // The beginning of a statement that continues in another literal.
        if (/incomplete input|syntax error/.test(error.message)) {
          partial.push(sql);
          continue;
        }
        throw new Error(`${file}: ${sql}: ${error.message}`, { cause: error });
      }
      assert.deepEqual(found, [], `${file}: ${sql}`);
    }
    assert.ok(partial.length < statements.length / 2, `most statements could not be read: ${partial.join('\n')}`);
  });

  it('has an index behind every statement that runs', async () => {
    const tenant = await seedTenant(worker);
    const phone = await seedDevice(worker, tenant, { mac: mac(1) });
    const api = new Api(worker);
    await worker.probe({ reset: true });
    const phoneAsks = [
      'KX-UTG300B.cfg',
      `Initial${phone.mac}.cfg`,
      `Config${phone.mac}.cfg`,
      `Config${phone.mac}.cfg`,
      `Config${phone.mac}.enc`,
      `Product${phone.mac}.enc`,
      `Master${phone.mac}.enc`,
      'ConfigCom.cfg',
      'certs/root.pem',
      'nothing',
      `Config${mac(0xffff)}.enc`,
    ];
    for (const name of phoneAsks) await tenant.get(name);
    const t = `/tenants/${tenant.id}`;
    const site = (await api.post(`${t}/sites`, { name: 'Harbour' })).id;
    const lists = [
      '',
      '?limit=1',
      '?state=armed',
      '?model=KX-UTG300B',
      `?site=${site}`,
      '?disabled=false',
      '?never_seen=true',
      '?last_seen_before=9999999999999',
      '?last_seen_after=1',
      '?state=armed&model=KX-UTG300B&disabled=false',
      '?stale=true',
      '?failing=true',
      '?failing=true&sort=-last_seen',
      '?unexpected_network=true',
      '?disabled=true',
      '?extension=101',
      '?extension=101&state=armed',
      '?family=utg',
      '?vendor=Panasonic&never_seen=true',
      ...['added', 'mac', 'label', 'model', 'last_seen', 'changed'].flatMap((by) => [
        `?sort=${by}`,
        `?sort=-${by}&limit=1`,
        `?sort=${by}&disabled=false`,
      ]),
      '?q=KX-UTG',
      '?q=KX-UTG&limit=1',
      `?q=00:80&state=armed&site=${site}`,
    ];
    for (const query of lists) {
      const page = await api.get(`${t}/devices${query}`);
      if (page.next) await api.get(`${t}/devices${query}${query ? '&' : '?'}cursor=${page.next}`);
    }
    for (const query of ['limit=1', 'q=KX-UTG', `mac=${phone.mac}`, 'doubled=true']) await api.get(`/devices?${query}`);
    for (const path of [
      '/tenants',
      '/tokens',
      '/audit',
      '/audit/verify',
      '/audit/export?limit=1',
      '/rotation',
      t,
      `${t}/audit`,
      `${t}/audit?object=settings`,
      `${t}/audit?action=device.update&token=admin`,
      `${t}/audit?token=admin&after=1&before=9999999999999`,
      `${t}/audit?request_id=${ulid()}`,
      '/audit?action=device.update',
      '/audit/export/part',
      `/audit?request_id=${ulid()}`,
      `${t}/events?reason=bootstrap_consumed`,
      `${t}/events?reason=sealed&kind=standard`,
      `${t}/events?address=127.0.0.1&outcome=refused`,
      `${t}/events?request_id=${ulid()}`,
      `${t}/device-counts`,
      `${t}/device-table`,
      `${t}/device-table?q=reception&state=armed`,
      `${t}/devices.csv`,
      `${t}/operations`,
      `${t}/events`,
      `${t}/events?outcome=served`,
      `${t}/events?device=${phone.mac}`,
      `${t}/events?device=${mac(0xffff)}&after=1`,
      `${t}/events?after=1&before=9999999999999`,
      `${t}/access-paths`,
      `${t}/sites`,
      `${t}/models`,
      `${t}/settings`,
      `${t}/templates`,
      `${t}/certificates`,
      `${t}/devices/${phone.mac}`,
      `${t}/devices/${phone.mac}/effective`,
    ]) {
      await api.get(path);
    }
    const path = await api.post(`${t}/access-paths`, { label: 'new', target: true });
    await api.get(`${t}/access-paths/${path.id}/target`);
    await api.put(`${t}/access-paths/${path.id}`, { label: 'newer' });
    await api.delete(`${t}/access-paths/${path.id}/target`);
    await api.put(`${t}/access-paths/${path.id}/target`, {});
    await tenant.get('KX-UTG300B.cfg');
    await api.put(`${t}/settings`, { settings: { A: 'x' } });
    await api.put(`${t}/sites/${site}/settings`, { settings: { A: 'x' } });
    await api.put(`${t}/models/KX-UTG300B/settings`, { settings: { A: 'x' } });
    for (const note of ['one', 'two']) {
      const source = `<PANASIPPhoneConfig><Device><Phone><PRODUCT_NOTE>${note}</PRODUCT_NOTE></Phone></Device></PANASIPPhoneConfig>\n`;
      await api.put(`${t}/templates/product/utg`, { source });
    }
    await api.put(`${t}/settings`, { settings: { A: 'y', PASS: { secret: 'x' } } });
    const { name, hostname, options } = await api.get(t);
    await api.put(t, { name, hostname, options: { ...options, events_per_minute: 90 } });
    for (const path of ['settings', 'options', 'templates/product/utg']) {
      await api.get(`${t}/history/${path}?limit=1`);
      await api.get(`${t}/diff/${path}`);
      await api.post(`${t}/rollback/${path}`, { version: 0 });
    }
    const test = await api.post(`${t}/file-tests`, { name: 'a', file: 'standard', parameter: 'X', expect: 'absent' });
    await api.put(`${t}/file-tests/${test.id}`, { name: 'b', file: 'standard', parameter: 'X', expect: 'absent' });
    await api.get(`${t}/file-tests/${test.id}`);
    await api.get(`${t}/file-tests`);
    await api.get(`${t}/file-test-run`);
    await api.delete(`${t}/file-tests/${test.id}`);
    await api.get(`${t}/devices/${phone.mac}/files/standard/diff`);
    await api.call('PUT', `${t}/settings?dry_run=true&device=${phone.mac}`, { body: { settings: { A: 'z' } } });
    await api.put(`${t}/devices/${mac(2)}`, { model: 'KX-UTG300B', site });
    await api.put(`${t}/devices/${mac(2)}`, { model: 'KX-UTG300B', label: 'x' });
    for (const action of ['rekey', 'rearm', 'disable', 'enable'])
      await api.call('POST', `${t}/devices/${phone.mac}/${action}`, { body: {} });
    await api.delete(`${t}/devices/${mac(2)}`);
    for (const selection of [{ query: `site=${site}` }, { query: 'q=KX-UTG' }, { macs: [phone.mac] }]) {
      const body = { selection, action: { set: { settings: { A: 'x', B: { secret: 'y' } } } } };
      await api.call('POST', `${t}/operations?dry_run=true`, { body });
      const { body: started } = await api.call('POST', `${t}/operations`, { body });
      if (!started.operation) continue;
      const operation = `${t}/operations/${started.operation.id}`;
      await api.get(`${operation}/devices`);
      await api.get(`${operation}/devices?outcome=done`);
      await api.call('POST', `${operation}/cancel`, { body: {} });
      await new Promise((resolve) => setTimeout(resolve, 300));
      await api.call('DELETE', operation);
    }
    // Beside another tenant's phones in the pool.
    await seedDevice(worker, await seedTenant(worker), { mac: mac(3) });
    await api.put(`${t}/destinations`, { destinations: { domains: ['pbx.test'], networks: [] } });
    await api.put(`${t}/devices/${phone.mac}/settings`, { settings: { NOTIFY_AOR: 'sip:101@pbx.test' } });
    await api.post(`${t}/devices/${phone.mac}/notify`);
    const other = await seedTenant(worker);
    await api.post(`${t}/devices/${phone.mac}/move`, { tenant: other.id, settings: 'drop' });
    await tenant.get(`Initial${phone.mac}.cfg`);
    await other.get(`Initial${phone.mac}.cfg`);
    await api.delete(`/tenants/${other.id}/devices/${phone.mac}/forward`);
    await api.delete(`${t}/sites/${site}`);
    await api.post('/rotation', {});
    await worker.ask('scheduled', {});
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { sql } = await worker.probe({ reset: true });
    const distinct = [...new Set(sql)];
    assert.ok(distinct.length > 40, `${distinct.length} different statements ran`);
    const bad = [];
    for (const text of distinct) {
      for (const detail of await scans(text)) bad.push(`${detail}: ${text}`);
    }
    assert.deepEqual(bad, []);
  });

  it('is STRICT throughout, with foreign keys that hold', async () => {
    // Not the virtual table of a search, nor what FTS5 keeps for it under names of its own.
    const tables = await worker.sql(
      "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'device\\_search%' ESCAPE '\\' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> 'd1_migrations'",
    );
    assert.ok(tables.length >= 13);
    for (const { name, sql } of tables) assert.match(sql, /\bSTRICT\b[^)]*$/, name);
    assert.deepEqual(await worker.sql('PRAGMA foreign_key_check'), []);
    await assert.rejects(
      worker.sql("INSERT INTO access_paths (id, tenant_id, hash, label, created_at) VALUES ('x', 'nobody', 'x', 'x', 1)"),
      /FOREIGN KEY/,
    );
    await assert.rejects(
      worker.sql("INSERT INTO tenants (id, name, options, created_at, updated_at) VALUES ('x', 'x', '{}', 'soon', 1)"),
      /cannot store TEXT/,
    );
  });

  it('leaves it to the families what kinds of files there are', async () => {
    const tenant = await seedTenant(worker);
    const insert = (kind) =>
      worker.sql(
        "INSERT INTO file_templates (tenant_id, kind, family, source, created_at, updated_at) VALUES (?1, ?2, 'ut', 'x', 1, 1)",
        tenant.id,
        kind,
      );
    await insert('ring_tone');
    await assert.rejects(insert('ring_tone'), /UNIQUE/);
    await assert.rejects(insert(null), /NOT NULL/);
  });

  it('does not take two devices with one key, or one MAC twice in a tenant', async () => {
    const tenant = await seedTenant(worker);
    const phone = await seedDevice(worker, tenant, { mac: mac(10) });
    await assert.rejects(seedDevice(worker, tenant, { mac: mac(11), key: phone.key }), /UNIQUE.*key_fingerprint/);
    await assert.rejects(seedDevice(worker, tenant, { mac: mac(10) }), /UNIQUE/);
  });
});

describe('migrations', () => {
  const all = migrations();

  it('are numbered without a gap, and only go forward', () => {
    all.forEach(({ name }, index) => assert.match(name, new RegExp(`^${String(index + 1).padStart(4, '0')}_[a-z0-9_]+\\.sql$`)));
    for (const { name, statements } of all.slice(1)) {
      for (const sql of statements) assert.doesNotMatch(sql, /\bDROP TABLE (?!.*_old)/i, `${name}: ${sql}`);
    }
  });

  for (const [index, { name }] of all.entries()) {
    it(`from the schema of ${name}, with data in it, lead to one that serves that data`, async () => {
      const worker = await Ringfence.start({ migrate: false });
      try {
        await worker.migrate({ last: name });
        const tenant = await seedTenant(worker);
        const armed = await seedDevice(worker, tenant, { mac: mac(1) });
        const confirmed = await seedDevice(worker, tenant, { mac: mac(2), state: 'confirmed' });
        await worker.sql(
          "INSERT INTO file_templates (tenant_id, kind, family, source, revision, created_at, updated_at) VALUES (?1, 'system', 'ut', 'x', 3, 1, 2)",
          tenant.id,
        );
        await worker.sql(
          "INSERT INTO audit (id, tenant_id, token_id, action, object, after, address, request_id, at) VALUES (?1, ?2, 'admin', 'test', 'x', ?3, '', 'r', 1)",
          ulid(),
          tenant.id,
          'x'.repeat(5000),
        );
        const isKept = await worker.sql("SELECT 1 FROM sqlite_master WHERE name = 'phone_events'");
        await worker.sql(
          `INSERT INTO ${isKept.length ? 'phone_events' : 'events'} (id, tenant_id, mac, outcome, reason, status, bytes, address, user_agent, country, request_id, at)
           VALUES (?1, ?2, ?3, 'refused', 'no_such_name', 404, 0, '192.0.2.1', '', '', 'r', 1)`,
          ulid(),
          tenant.id,
          armed.mac,
        );
        const before = await worker.sql('SELECT id, mac, key_state, generation, key_wrapped FROM devices ORDER BY mac');
        if (index + 1 < all.length) await worker.migrate({ first: all[index + 1].name });
        assert.deepEqual(await worker.sql('SELECT id, mac, key_state, generation, key_wrapped FROM devices ORDER BY mac'), before);
        assert.deepEqual(await worker.sql('PRAGMA foreign_key_check'), []);
        assert.deepEqual(
          await worker.sql("SELECT kind, family, model, source, revision, created_at, updated_at FROM file_templates WHERE family = 'ut'"),
          [{ kind: 'system', family: 'ut', model: '', source: 'x', revision: 3, created_at: 1, updated_at: 2 }],
        );
        assert.deepEqual(await worker.sql('SELECT number, action, octet_length(after) AS bytes FROM audit'), [
          { number: 1, action: 'test', bytes: 5000 },
        ]);
        assert.deepEqual(await worker.sql('SELECT devices, audit_bytes FROM tenants'), [{ devices: 2, audit_bytes: 5001 }]);
        const { items } = await new Api(worker).get(`/tenants/${tenant.id}/events?device=${armed.mac}`);
        assert.deepEqual(
          items.map(({ reason, address }) => [reason, address]),
          [['no_such_name', '192.0.2.1']],
        );
        assert.equal((await tenant.get(`Config${armed.mac}.cfg`)).status, 200);
        assert.equal((await tenant.get(`Config${confirmed.mac}.enc`)).status, 200);
        const view = await new Api(worker).get(`/tenants/${tenant.id}/devices/${confirmed.mac}`);
        assert.equal(view.key.state, 'confirmed');
      } finally {
        await worker.stop();
      }
    });
  }
});
