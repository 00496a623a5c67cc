// The audit log: bounded whatever a change was about, a chain that shows when it was tampered with, and
// an old period that can be exported and cut.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { newMasterKey, Ringfence } from '../support/worker/ringfence.mjs';
import { mac, ulid } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

const DAY = 24 * 3600 * 1000;
const START = '0'.repeat(64);

/** The chain as a stranger would follow it, from an export alone: docs/operations.md says how. */
function follow(text) {
  let hash;
  const entries = [];
  let end;
  for (const line of text.trimEnd().split('\n')) {
    const value = JSON.parse(line);
    if (value.chain) {
      hash ??= value.chain.hash;
      assert.equal(value.chain.hash, hash, `at entry ${value.chain.number}`);
      end = value.chain;
    } else {
      hash = createHash('sha256').update(`${hash}\n${line}\n`).digest('hex');
      entries.push(value);
    }
  }
  return { entries, end };
}

/** Adds an entry by hand, as one that was written `days` days ago. */
function oldEntry(worker, days, object = 'settings') {
  return worker.sql(
    "INSERT INTO audit (id, tenant_id, token_id, action, object, before, after, address, request_id, at) VALUES (?1, NULL, 'admin', 'test.old', ?2, NULL, '{\"a\":1}', '192.0.2.1', 'r', ?3)",
    ulid(),
    object,
    Date.now() - days * DAY,
  );
}

describe('the audit log', () => {
  let worker;
  let admin;
  let number = 0;
  before(async () => {
    worker = await Ringfence.start();
    admin = new Api(worker);
  });
  after(() => worker?.stop());

  const newTenant = async () => (await admin.post('/tenants', { name: `Tenant ${(number += 1)}` })).id;
  const newToken = async (options) => new Api(worker, (await admin.post('/tokens', { name: 'test', access: 'write', ...options })).token);
  const entries = (tenant, action) =>
    admin.get(`/tenants/${tenant}/audit?limit=200`).then(({ items }) => items.filter((item) => !action || item.action === action));

  it('takes bounded bytes for changes of many long texts, and says how many more', async () => {
    const tenant = await newTenant();
    const api = await newToken({ tenant });
    const t = `/tenants/${tenant}`;
    for (let turn = 0; turn < 24; turn += 1) {
      const settings = Object.fromEntries(Array.from({ length: 450 }, (_, i) => [`TEXT_${i}`, `${turn}`.padEnd(2000, 'x')]));
      await api.put(`${t}/settings`, { settings });
    }
    const [{ n, most, total }] = await worker.sql(
      "SELECT count(*) AS n, max(octet_length(before) + octet_length(after)) AS most, sum(octet_length(before) + octet_length(after)) AS total FROM audit WHERE tenant_id = ?1 AND action = 'settings.update'",
      tenant,
    );
    assert.equal(n, 24);
    assert.ok(most <= 8192, `${most} bytes`);
    assert.ok(total <= 24 * 8192, `${total} bytes`);
    const [last] = await entries(tenant, 'settings.update');
    const { '…': rest, ...shown } = last.after;
    assert.equal(Object.keys(shown).length + rest.more, 450);
    assert.equal(shown.TEXT_0.length, 2000);
  });

  it('refuses a longer entry in the database itself', async () => {
    const insert =
      "INSERT INTO audit (id, token_id, action, object, after, address, request_id, at) VALUES (?1, 'x', 'x', '', ?2, '', '', 1)";
    await assert.rejects(worker.sql(insert, ulid(), 'x'.repeat(8193)), /at most 8192 bytes/);
  });

  it('resists REPLACE, UPDATE and DELETE', async () => {
    await newTenant();
    const rows = () => worker.sql('SELECT * FROM audit ORDER BY number');
    const all = await rows();
    const [{ id, number: place }] = all.slice(-1);
    const values = "'t', 'forged', '', '', '', 1";
    for (const sql of [
      `INSERT OR REPLACE INTO audit (id, token_id, action, object, address, request_id, at) VALUES ('${id}', ${values})`,
      `REPLACE INTO audit (id, token_id, action, object, address, request_id, at) VALUES ('${id}', ${values})`,
      `INSERT OR REPLACE INTO audit (number, id, token_id, action, object, address, request_id, at) VALUES (${place}, 'new', ${values})`,
      "UPDATE audit SET action = 'forged'",
      `UPDATE OR REPLACE audit SET number = ${place} WHERE number = ${place - 1}`,
      'DELETE FROM audit',
      'DELETE FROM audit_chain',
      "UPDATE audit_chain SET hash = 'x'",
      "REPLACE INTO audit_chain (number, hash) VALUES (1, 'x')",
    ]) {
      await assert.rejects(worker.sql(sql), /append-only/, sql);
    }
    assert.deepEqual(await rows(), all);
    const cut = `INSERT INTO audit_cuts VALUES (${place}, 'x', 1, 'x', 1, 1, 1, 'x', 1)`;
    await assert.rejects(worker.sql(cut), /ends at an entry of the chain/);
  });

  it('shows no value of a setting, also of one that is marked secret later; the same value has the same digest', async () => {
    const tenant = await newTenant();
    const path = `/tenants/${tenant}/settings`;
    await admin.put(path, { settings: { PASS: 'hunter2-in-clear' } });
    await admin.put(path, { settings: { PASS: 'another-in-clear' } });
    await admin.put(path, { settings: { PASS: 'hunter2-in-clear' } });
    await admin.put(path, { settings: { PASS: { secret: 'hunter2-in-clear' } } });
    await admin.put(`/tenants/${tenant}/devices/${mac(1)}`, { model: 'KX-UTG300B', settings: { PASS: 'hunter2-in-clear' } });
    const text = JSON.stringify([await entries(tenant), await worker.sql('SELECT * FROM audit')]);
    assert.ok(!text.includes('in-clear'), text);
    const [secret, third, second, first] = await entries(tenant, 'settings.update');
    assert.equal(first.after.PASS.length, 16);
    assert.match(first.after.PASS.digest, /^[0-9a-f]{16}$/);
    assert.equal(third.after.PASS.digest, first.after.PASS.digest);
    assert.notEqual(second.after.PASS.digest, first.after.PASS.digest);
    assert.deepEqual(secret.after.PASS, { secret: null });
    const [device] = await entries(tenant, 'device.create');
    assert.notEqual(device.after.settings.PASS.digest, first.after.PASS.digest);
  });

  it('has an entry of each look at secrets, written before the answer, and the log line says so', async () => {
    const tenant = await newTenant();
    const t = `/tenants/${tenant}`;
    await admin.put(`${t}/settings`, { settings: { SIP_PASS: { secret: 'x1' } } });
    const device = `${t}/devices/${mac(1)}`;
    await admin.put(device, { model: 'KX-UTG300B' });
    const made = await admin.post('/tokens', { name: 'looks', access: 'read', reveal: true, tenant });
    const api = new Api(worker, made.token);
    for (const [path, object] of [
      [`${t}/settings`, 'settings'],
      [`${t}/models/KX-UTG300B/settings`, 'models/KX-UTG300B/settings'],
      [`${device}/settings`, `devices/${mac(1)}/settings`],
      [`${device}/files/standard/preview`, `devices/${mac(1)}/files/standard`],
      [`${device}/effective`, `devices/${mac(1)}/effective`],
    ]) {
      await api.get(path);
      const before = (await entries(tenant, 'secrets.reveal')).length;
      await api.get(`${path}?reveal=true`);
      const all = await entries(tenant, 'secrets.reveal');
      assert.equal(all.length, before + 1, path);
      assert.deepEqual([all[0].object, all[0].token], [object, made.id]);
    }
    const written = () => worker.logLines().filter((line) => line.event === 'api' && line.token === made.id);
    const lines = await eventually(written, (all) => all.length >= 10, 'ten lines of the log');
    assert.equal(lines.filter((line) => line.revealed === 'true').length, 5);
    assert.equal(lines.length, 10);
    // What is not shown leaves no entry.
    const before = (await entries(tenant, 'secrets.reveal')).length;
    assert.equal((await api.call('GET', `${t}/devices/${mac(2)}/settings?reveal=true`)).status, 404);
    const blind = await newToken({ tenant, access: 'read' });
    assert.equal((await blind.call('GET', `${t}/settings?reveal=true`)).status, 403);
    assert.equal((await entries(tenant, 'secrets.reveal')).length, before);
  });

  it('has an entry of each phone that is told, on whatever way it was ordered', async () => {
    const tenant = await newTenant();
    const device = `/tenants/${tenant}/devices/${mac(1)}`;
    await admin.put(`/tenants/${tenant}/destinations`, { destinations: { domains: ['pbx.example'], networks: [] } });
    await admin.put(device, { model: 'KX-UTG300B', settings: { NOTIFY_AOR: 'sip:101@pbx.example' } });
    const told = () => entries(tenant, 'device.notify');
    const ways = [
      () => admin.post(`${device}/notify`),
      () => admin.put(`${device}/settings?notify=true`, { settings: { NOTIFY_AOR: 'sip:102@pbx.example' } }),
      () => admin.post(`${device}/rekey?notify=true`),
    ];
    for (const [count, way] of ways.entries()) {
      const answer = await way();
      const job = answer.job ?? answer.notified.jobs[0].job;
      const all = await told();
      assert.equal(all.length, count + 1, way.toString());
      assert.deepEqual([all[0].object, all[0].after.job], [`devices/${mac(1)}`, job.id]);
    }
  });
});

describe('the chain over the audit log', () => {
  let worker;
  let admin;
  let number = 0;
  beforeEach(async () => {
    await worker?.stop();
    worker = await Ringfence.start();
    admin = new Api(worker);
  });
  after(() => worker?.stop());

  const change = async (times = 1) => {
    for (let turn = 0; turn < times; turn += 1) await admin.post('/tenants', { name: `Tenant ${(number += 1)}` });
  };
  const verify = () => admin.get('/audit/verify');
  const exported = async (query = '') => (await admin.call('GET', `/audit/export${query}`)).text;
  /** What somebody can do who may write to the database: the triggers are no obstacle. */
  const tamper = async (...statements) => {
    for (const name of [
      'audit_is_not_changed',
      'audit_is_not_deleted',
      'audit_is_not_replaced',
      'audit_chain_is_not_changed',
      'audit_chain_is_not_deleted',
      'audit_chain_is_not_replaced',
    ]) {
      await worker.sql(`DROP TRIGGER IF EXISTS ${name}`);
    }
    for (const statement of statements) await worker.sql(...[statement].flat());
  };

  it('is extended by changes, by time, and by whoever asks; an export is followed without Ringfence', async () => {
    assert.deepEqual((await verify()).to, { number: 0, hash: START });
    await change(3);
    const chained = async () => (await worker.sql('SELECT count(*) AS n FROM audit_chain'))[0].n;
    for (let turn = 0; turn < 100 && (await chained()) < 3; turn += 1) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(await chained(), 3);
    await oldEntry(worker, 0);
    await worker.ask('scheduled', {});
    assert.equal(await chained(), 4);
    await Promise.all(Array.from({ length: 20 }, () => change()));
    const found = await verify();
    assert.deepEqual([found.ok, found.fault, found.next, found.pending, found.to.number], [true, null, null, 0, 24]);
    const { entries, end } = follow(await exported());
    assert.deepEqual(
      entries.map((entry) => entry.number),
      Array.from({ length: 24 }, (_, i) => i + 1),
    );
    assert.deepEqual(end, { number: 24, hash: found.to.hash, complete: true });
    // In pages, which follow each other.
    let text = '';
    let after = 0;
    for (;;) {
      const page = await exported(`?limit=7&after=${after}`);
      text += page;
      const said = follow(page).end;
      after = said.number;
      if (said.complete) break;
    }
    assert.deepEqual(follow(text).end, end);
  });

  it('shows an entry that was changed, taken out, put in between, or chained anew', async () => {
    const cases = [
      [["UPDATE audit SET token_id = 'somebody' WHERE number = 2"], /entry 2 is not what it was/],
      [['DELETE FROM audit WHERE number = 2'], /entry 2 is missing/],
      [
        ['DELETE FROM audit WHERE number = 4', 'DELETE FROM audit_chain WHERE number = 4'],
        /ends at entry 3, but its sealed end is entry 4/,
      ],
      [
        ["UPDATE audit SET object = 'x' WHERE number = 4", "UPDATE audit_chain SET hash = 'x' WHERE number = 4"],
        /entry 4 is not what it was/,
      ],
      [
        [
          'UPDATE audit_head SET number = 3, hash = (SELECT hash FROM audit_chain WHERE number = 3)',
          'DELETE FROM audit WHERE number = 4',
          'DELETE FROM audit_chain WHERE number = 4',
        ],
        /was not written by this deployment/,
      ],
      [['DELETE FROM audit_head'], /was not written by this deployment/],
      [["UPDATE audit_head SET master = 'other'"], /sealed under the master key `other`/],
      [
        [
          "INSERT INTO audit_cuts SELECT number, hash, 1, hash, 1, 1, 1, 'x', 1 FROM audit_chain WHERE number = 2",
          'DELETE FROM audit WHERE number <= 2',
          'DELETE FROM audit_chain WHERE number <= 2',
        ],
        /the sealed one at entry 0/,
      ],
    ];
    for (const [statements, fault] of cases) {
      await worker.stop();
      worker = await Ringfence.start();
      admin = new Api(worker);
      await change(4);
      assert.equal((await verify()).ok, true);
      await tamper(...statements);
      const found = await verify();
      assert.equal(found.ok, false, statements.join('; '));
      assert.match(found.fault, fault);
      // The service goes on all the same.
      await change();
    }
  });

  it('can be cut where it is old and was exported to its end, and nowhere else', async () => {
    for (let turn = 0; turn < 5; turn += 1) await oldEntry(worker, 200, `old/${turn}`);
    for (let turn = 0; turn < 3; turn += 1) await oldEntry(worker, 91, `less/${turn}`);
    await oldEntry(worker, 89);
    await change(2);
    const all = follow(await exported());
    assert.equal(all.entries.length, 11);
    const cut = (body) => admin.call('POST', '/audit/cut', { body });
    const young = await cut({ number: all.end.number, hash: all.end.hash });
    assert.equal(young.status, 422);
    assert.match(young.body.detail, /younger than 90 days/);
    const until = follow(await exported(`?until=${Date.now() - 100 * DAY}`)).end;
    assert.deepEqual([until.number, until.complete], [5, true]);
    for (const wrong of [
      { number: 5, hash: START },
      { number: 4, hash: until.hash },
      { number: 99, hash: until.hash },
      { number: 0, hash: START },
    ]) {
      const answer = await cut(wrong);
      assert.equal(answer.status, 422);
      assert.match(answer.body.detail, /Export the period to its end/);
    }
    for (const options of [{ access: 'read' }, { access: 'write', tenant: (await admin.get('/tenants')).items[0].id }]) {
      const { token } = await admin.post('/tokens', { name: 'x', ...options });
      assert.equal((await new Api(worker, token).call('POST', '/audit/cut', { body: { number: 5, hash: until.hash } })).status, 403);
    }
    const { witnessed } = await admin.get('/restored');
    const done = await cut({ number: until.number, hash: until.hash });
    assert.equal(done.status, 200, done.text);
    // A cut is a change like any other: a restore to the time before it is noticed.
    assert.equal((await admin.get('/restored')).witnessed, witnessed + 1);
    assert.deepEqual([done.body.first_number, done.body.number, done.body.entries, done.body.hash], [1, 5, 5, until.hash]);
    assert.deepEqual(await worker.sql('SELECT count(*) AS n, min(number) AS first FROM audit'), [{ n: 9, first: 6 }]);
    assert.deepEqual(await worker.sql('SELECT number, entries, token_id FROM audit_cuts'), [{ number: 5, entries: 5, token_id: 'admin' }]);
    const [entry] = (await admin.get('/audit')).items;
    assert.deepEqual([entry.action, entry.after.number, entry.after.hash], ['audit.cut', 5, until.hash]);
    // What is left is whole, and begins where the period ended.
    const found = await verify();
    assert.deepEqual([found.ok, found.from.number, found.from.hash, found.cuts.length], [true, 5, until.hash, 1]);
    const rest = follow(await exported());
    assert.equal(rest.entries[0].number, 6);
    assert.equal((await cut({ number: until.number, hash: until.hash })).status, 422, 'twice');
    // A second cut follows the first.
    const next = follow(await exported(`?until=${Date.now() - 90 * DAY}`)).end;
    assert.equal((await cut({ number: next.number, hash: next.hash })).body.first_number, 6);
    assert.equal((await verify()).ok, true);
    // Nothing else goes, and a cut stays.
    await assert.rejects(worker.sql('DELETE FROM audit WHERE number > 8'), /append-only/);
    await assert.rejects(worker.sql('DELETE FROM audit_cuts'), /stays/);
    await assert.rejects(worker.sql('UPDATE audit_cuts SET entries = 1'), /stays/);
  });

  it('survives a rotation of the master key', async () => {
    await change(2);
    await verify();
    const old = worker.options.secrets.MASTER_KEY;
    await worker.restart({ secrets: { MASTER_KEY: newMasterKey('k2'), MASTER_KEY_PREVIOUS: old } });
    while ((await admin.post('/rotation', {})).remaining > 0);
    await worker.restart({ secrets: { MASTER_KEY_PREVIOUS: null } });
    await change();
    const found = await verify();
    assert.deepEqual([found.ok, found.fault], [true, null]);
  });
});
