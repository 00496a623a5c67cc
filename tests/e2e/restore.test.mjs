// A restore of D1 does not bring back what was taken or removed since. Played with the database's own files:
// they are put back to an earlier point, and nothing else is, as with D1's Time Travel.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { element } from '../support/worker/content.mjs';
import { opensslDecrypt } from '../support/openssl.mjs';
import { rawRequest } from '../support/worker/raw.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedDevice, seedTenant } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

const PROBLEM = 'urn:ringfence:problem:database-restored';

/** A deployment with something of each kind that a restore could bring back. */
class Deployment {
  static async start(options) {
    const it = new Deployment();
    it.worker = await Ringfence.start(options);
    it.admin = new Api(it.worker);
    it.tenant = await seedTenant(it.worker, { settings: { SIP_USER: 'before.example' }, options: { events_per_minute: 600 } });
    it.t = `/tenants/${it.tenant.id}`;
    const device = (number, more = {}) =>
      seedDevice(it.worker, it.tenant, { mac: mac(number), settings: { SIP_PASS: { secret: `secret-${number}` } }, ...more });
    it.steady = await device(1, { state: 'confirmed' });
    it.taken = await device(2);
    it.rekeyed = await device(3, { state: 'confirmed' });
    it.deleted = await device(4);
    it.waiting = await device(5);
    it.stolen = await it.admin.post('/tokens', { name: 'stolen', access: 'write', reveal: true });
    it.kept = await it.admin.post('/tokens', { name: 'kept', access: 'write' });
    it.leaked = await it.admin.post(`${it.t}/access-paths`, { label: 'leaked' });
    it.relay = await it.admin.post('/pools/default/relays', { name: 'removed' });
    return it;
  }

  segmentOfLeaked() {
    return new URL(this.leaked.url).pathname.split('/')[1];
  }

  get(name, segment = this.tenant.accessPath) {
    return rawRequest(this.worker.port, `/${segment}/${name}`);
  }

  with(token) {
    return new Api(this.worker, token);
  }

  door() {
    return this.worker.fetch('/relay/v1', { headers: { authorization: `Bearer ${this.relay.credential}` } });
  }

  /** What happens after the point to which the database is put back. */
  async live() {
    const plain = await this.get(`Config${this.taken.mac}.cfg`);
    assert.equal(plain.status, 200);
    assert.equal((await this.get(`Config${this.taken.mac}.enc`)).status, 200);
    await this.admin.post(`${this.t}/devices/${this.rekeyed.mac}/rekey`);
    const again = await this.get(`Config${this.rekeyed.mac}.cfg`);
    this.newKey = element(again.body.toString(), 'CFG_FILE_KEY');
    assert.notEqual(this.newKey, this.rekeyed.key);
    await this.admin.delete(`${this.t}/devices/${this.deleted.mac}`);
    await this.admin.delete(`${this.t}/access-paths/${this.leaked.id}`);
    await this.admin.delete(`/tokens/${this.stolen.id}`);
    await this.admin.delete(`/pools/default/relays/${this.relay.id}`);
    for (let change = 0; change < 5; change += 1)
      await this.admin.put(`${this.t}/settings`, { settings: { SIP_USER: `${change}.example` } });
    for (const { mac: of } of [this.steady, this.rekeyed]) {
      assert.equal((await this.get(`Config${of}.enc`)).status, 200);
      await eventually(
        () => this.worker.ask('kvRead', { name: `f1:${this.tenant.id}:standard:sealed:${of}` }),
        (value) => value !== null && JSON.parse(value.metadata).c === true,
      );
    }
  }

  /** Calls until nothing remains; the first answer. */
  async takeIntoUse(body = {}) {
    const first = await this.admin.post('/restored', body);
    for (let { remaining } = first, turn = 0; remaining > 0; turn += 1) {
      assert.ok(turn < 20, 'it ends');
      ({ remaining } = await this.admin.post('/restored', body));
    }
    return first;
  }

  assertNoSecret(answer) {
    for (const { key } of [this.steady, this.taken, this.rekeyed, this.deleted, this.waiting]) assert.ok(!answer.bytes.includes(key));
    assert.ok(!answer.bytes.includes('secret-'));
  }
}

describe('a database that was put back', () => {
  let d;
  let copy;
  before(async () => {
    d = await Deployment.start();
    // As every deployment does, it serves something before: KV knows the access path.
    assert.equal((await d.get(`Config${d.steady.mac}.enc`)).status, 200);
    assert.equal((await d.get(`Config${d.steady.mac}.enc`, d.segmentOfLeaked())).status, 200);
    assert.equal((await d.door()).status, 426);
    copy = await d.worker.copyDatabase();
    await d.live();
    await d.worker.restoreDatabase(copy);
  });
  after(() => d?.worker.stop());

  it('is as it was: what was taken waits again, what was removed is there', async () => {
    const rows = await d.worker.sql('SELECT mac, key_state, generation FROM devices WHERE tenant_id = ?1 ORDER BY mac', d.tenant.id);
    assert.deepEqual(
      rows.map((row) => `${row.key_state} ${row.generation}`),
      ['confirmed 1', 'armed 1', 'confirmed 1', 'armed 1', 'armed 1'],
    );
    assert.equal((await d.worker.sql('SELECT count(*) AS n FROM tokens'))[0].n, 2);
    assert.equal((await d.worker.sql('SELECT count(*) AS n FROM access_paths WHERE tenant_id = ?1', d.tenant.id))[0].n, 2);
  });

  it('gives out no bootstrap: not one that was taken, and no other', async () => {
    for (const device of [d.taken, d.deleted, d.waiting, d.rekeyed]) {
      const answer = await d.get(`Config${device.mac}.cfg`);
      assert.equal(answer.status, 503, device.mac);
      assert.ok(answer.header('retry-after'));
      d.assertNoSecret(answer);
    }
    const states = await d.worker.sql("SELECT count(*) AS n FROM devices WHERE key_state = 'armed'");
    assert.equal(states[0].n, 3);
  });

  it('answers under no access path that it alone knows', async () => {
    for (const name of [`Config${d.deleted.mac}.cfg`, `Config${d.steady.mac}.enc`, `Initial${d.steady.mac}.cfg`]) {
      const answer = await d.get(name, d.segmentOfLeaked());
      assert.equal(answer.status, 503);
      d.assertNoSecret(answer);
    }
  });

  it('opens to no token but ADMIN_TOKEN, and to no relay', async () => {
    for (const { token } of [d.stolen, d.kept]) {
      const answer = await d.with(token).call('GET', `${d.t}/settings?reveal=true`);
      assert.deepEqual([answer.status, answer.body.type], [503, PROBLEM]);
      assert.match(answer.body.detail, /POST \/api\/v1\/restored/);
    }
    assert.equal((await d.door()).status, 503);
    assert.equal((await d.admin.call('GET', d.t)).status, 200);
  });

  it('takes no change, and says that it is not well', async () => {
    const change = await d.admin.call('PUT', `${d.t}/settings`, { body: { settings: { SIP_USER: 'x' } } });
    assert.deepEqual([change.status, change.body.type], [503, PROBLEM]);
    assert.equal((await d.worker.fetch('/healthz')).status, 503);
    const line = await d.worker.logLine(({ event }) => event === 'database_restored');
    assert.match(line.error, /stands at \d+, and \d+ was witnessed/);
  });

  it('goes on serving what KV has: sealed files, under the present keys', async () => {
    for (const [device, key] of [
      [d.steady, d.steady.key],
      [d.rekeyed, d.newKey],
    ]) {
      const answer = await d.get(`Config${device.mac}.enc`);
      assert.equal(answer.status, 200);
      assert.match(opensslDecrypt(answer.body, key).toString(), /4\.example/);
    }
  });

  it('tells the operator what the restore undid, by name', async () => {
    const found = await d.admin.get('/restored');
    assert.equal(found.behind, true);
    assert.equal(found.complete, true);
    assert.equal(found.undone, found.witnessed - found.stands_at);
    assert.equal(found.unknown, 0);
    assert.deepEqual(found.tokens, [d.stolen.id]);
    assert.deepEqual(found.access_paths, [d.leaked.id]);
    assert.deepEqual(found.relays, [d.relay.id]);
    assert.deepEqual(found.disabled, [{ tenant: d.tenant.id, mac: d.deleted.mac }]);
    assert.deepEqual(found.rekey, [{ tenant: d.tenant.id, mac: d.rekeyed.mac }]);
    const done = found.steps.map((step) => step.action);
    for (const action of [
      'device.claim',
      'device.rekey',
      'device.delete',
      'token.delete',
      'access-path.delete',
      'relay.delete',
      'settings.update',
    ])
      assert.ok(done.includes(action), action);
    assert.equal(found.steps[0].action, 'settings.update');
  });

  it('is taken into use by ADMIN_TOKEN alone', async () => {
    const refused = await d.with(d.kept.token).call('POST', '/restored', { body: {} });
    assert.equal(refused.status, 503);
    const answer = await d.takeIntoUse();
    assert.equal(answer.behind, true);
    assert.equal((await d.admin.get('/restored')).behind, false);
    assert.equal((await d.worker.fetch('/healthz')).status, 200);
    const again = await d.with(d.kept.token).call('POST', '/restored', { body: {} });
    assert.deepEqual([again.status, again.body.type], [403, 'urn:ringfence:problem:forbidden']);
    const { items } = await d.admin.get('/audit?limit=5');
    const entry = items.find(({ action }) => action === 'database.restored');
    assert.deepEqual([entry.token, entry.after.tokens, entry.after.access_paths], ['admin', [d.stolen.id], [d.leaked.id]]);
    assert.equal(entry.after.undone, answer.undone);
  });

  it('has lost what it should not have again', async () => {
    assert.equal((await d.with(d.stolen.token).call('GET', d.t)).status, 401);
    assert.equal((await d.with(d.kept.token).call('GET', d.t)).status, 200);
    assert.equal((await d.door()).status, 401);
    assert.equal((await d.get(`Config${d.steady.mac}.enc`, d.segmentOfLeaked())).status, 404);
    for (const device of [d.taken, d.deleted, d.waiting, d.rekeyed]) {
      const answer = await d.get(`Config${device.mac}.cfg`);
      assert.equal(answer.status, 404, device.mac);
      d.assertNoSecret(answer);
    }
    assert.equal((await d.tenant.device(d.deleted.mac)).disabled, 1);
    // A stranger may have the key that the database brought back: nothing is sealed with it.
    assert.equal((await d.get(`Config${d.rekeyed.mac}.enc`)).status, 404);
  });

  it('serves the phones that have their key: what it serves is what it has', async () => {
    for (const device of [d.steady, d.taken]) {
      const answer = await d.get(`Config${device.mac}.enc`);
      assert.equal(answer.status, 200, device.mac);
      assert.match(opensslDecrypt(answer.body, device.key).toString(), /before\.example/);
    }
  });

  it('lets changes reach phones at once, though KV had newer versions', async () => {
    for (const value of ['first.example', 'second.example']) {
      await d.with(d.kept.token).put(`${d.t}/settings`, { settings: { SIP_USER: value } });
      const answer = await d.get(`Config${d.steady.mac}.enc`);
      assert.match(opensslDecrypt(answer.body, d.steady.key).toString(), new RegExp(value.replace('.', '\\.')));
    }
  });

  it('arms, re-keys and delivers again', async () => {
    await d.admin.post(`${d.t}/devices/${d.rekeyed.mac}/rekey`);
    await d.admin.post(`${d.t}/devices/${d.waiting.mac}/rearm`);
    const rekeyed = await d.get(`Config${d.rekeyed.mac}.cfg`);
    assert.equal(rekeyed.status, 200);
    const key = element(rekeyed.body.toString(), 'CFG_FILE_KEY');
    assert.ok(key !== d.newKey && key !== d.rekeyed.key);
    // The generation is the one of before, but nothing that was sealed under that one’s key comes back.
    const sealed = await d.get(`Config${d.rekeyed.mac}.enc`);
    assert.match(opensslDecrypt(sealed.body, key).toString(), /second\.example/);
    const waiting = await d.get(`Config${d.waiting.mac}.cfg`);
    assert.equal(element(waiting.body.toString(), 'CFG_FILE_KEY'), d.waiting.key);
    assert.equal((await d.get(`Config${d.waiting.mac}.cfg`)).status, 404);
  });

  it('may be put back once more, to before that', async () => {
    await d.worker.restoreDatabase(copy);
    assert.equal((await d.get(`Config${d.waiting.mac}.cfg`)).status, 503);
    assert.equal((await d.with(d.kept.token).call('GET', d.t)).status, 503);
    const [{ version: first }] = await d.worker.sql('SELECT version FROM tenants WHERE id = ?1', d.tenant.id);
    await d.takeIntoUse({
      remove_all: true,
      keep_access_paths: (await d.worker.sql('SELECT id FROM access_paths WHERE id <> ?1', d.leaked.id)).map(({ id }) => id),
    });
    const [{ version }] = await d.worker.sql('SELECT version FROM tenants WHERE id = ?1', d.tenant.id);
    assert.ok(first < 1e9 && version === 2e9, `${first} → ${version}`);
    assert.equal((await d.with(d.kept.token).call('GET', d.t)).status, 401);
    await d.admin.put(`${d.t}/settings`, { settings: { SIP_USER: 'third.example' } });
    const answer = await d.get(`Config${d.steady.mac}.enc`);
    assert.match(opensslDecrypt(answer.body, d.steady.key).toString(), /third\.example/);
  });
});

describe('the witness', () => {
  let d;
  before(async () => {
    d = await Deployment.start({ probe: true });
  });
  after(() => d?.worker.stop());

  it('is content again once the restore itself was undone', async () => {
    const early = await d.worker.copyDatabase();
    await d.admin.put(`${d.t}/settings`, { settings: { SIP_USER: 'later.example' } });
    const late = await d.worker.copyDatabase();
    await d.worker.restoreDatabase(early);
    assert.equal((await d.get(`Config${d.waiting.mac}.cfg`)).status, 503);
    await d.worker.restoreDatabase(late);
    assert.equal((await d.worker.fetch('/healthz')).status, 200);
    assert.equal((await d.get(`Config${d.waiting.mac}.cfg`)).status, 200);
  });

  it('is asked first: while it does not answer, no bootstrap is spent and no token opens', async () => {
    // A new isolate, which knows nothing of before.
    await d.worker.restart();
    await d.worker.probe({ witness: 'fail' });
    const answer = await d.get(`Config${d.taken.mac}.cfg`);
    assert.equal(answer.status, 503);
    d.assertNoSecret(answer);
    assert.equal((await d.tenant.device(d.taken.mac)).key_state, 'armed');
    assert.equal((await d.with(d.kept.token).call('GET', d.t)).status, 503);
    assert.equal((await d.admin.call('GET', d.t)).status, 200);
    assert.equal((await d.admin.call('PUT', `${d.t}/settings`, { body: { settings: {} } })).status, 503);
    await d.worker.probe({ witness: null });
    assert.equal((await d.with(d.kept.token).call('GET', d.t)).status, 200);
  });

  it('is told before the bytes go out: what it was not told of is not sent', async () => {
    // Now the isolate knows, for some seconds.
    assert.equal((await d.worker.fetch('/healthz')).status, 200);
    await d.worker.probe({ witness: 'fail' });
    const answer = await d.get(`Config${d.taken.mac}.cfg`);
    assert.equal(answer.status, 503);
    d.assertNoSecret(answer);
    // Better a phone too few than a key too many: the operator re-arms it.
    assert.equal((await d.tenant.device(d.taken.mac)).key_state, 'delivered');
    await d.worker.probe({ witness: null });
    await d.admin.post(`${d.t}/devices/${d.taken.mac}/rearm`);
    assert.equal((await d.get(`Config${d.taken.mac}.cfg`)).status, 200);
  });

  it('does not hold up a sealed file from KV', async () => {
    const sealed = () => d.get(`Config${d.steady.mac}.enc`);
    assert.equal((await sealed()).status, 200);
    await eventually(() => d.worker.ask('kvRead', { name: `f1:${d.tenant.id}:standard:sealed:${d.steady.mac}` }), Boolean);
    await d.worker.probe({ witness: 'fail' });
    assert.equal((await sealed()).status, 200);
    await d.worker.probe({ witness: null });
  });
});

describe('a move that a restore undid', () => {
  let d;
  let other;
  before(async () => {
    d = await Deployment.start();
    other = await seedTenant(d.worker);
    assert.equal((await d.get(`Config${d.steady.mac}.enc`)).status, 200);
    const copy = await d.worker.copyDatabase();
    await d.admin.post(`${d.t}/devices/${d.steady.mac}/move`, { tenant: other.id });
    assert.equal((await other.get(`Config${d.steady.mac}.enc`)).status, 200);
    await d.admin.post(`/tenants/${other.id}/devices/${d.steady.mac}/rekey`);
    const bootstrap = await (await other.get(`Config${d.steady.mac}.cfg`)).text();
    assert.notEqual(element(bootstrap, 'CFG_FILE_KEY'), d.steady.key);
    await d.worker.restoreDatabase(copy);
  });
  after(() => d?.worker.stop());

  it('leaves the device disabled in the tenant that it had left', async () => {
    const left = { tenant: d.tenant.id, mac: d.steady.mac };
    const { disabled, rekey } = await d.admin.get('/restored');
    assert.deepEqual([disabled, rekey], [[left], [left]]);
    await d.takeIntoUse();
    const [row] = await d.worker.sql('SELECT tenant_id, disabled FROM devices WHERE mac = ?1', d.steady.mac);
    assert.deepEqual({ ...row }, { tenant_id: d.tenant.id, disabled: 1 });
    assert.equal((await d.get(`Config${d.steady.mac}.enc`)).status, 404);
  });

  it('does not seal with the key that was replaced in the other tenant, once it is enabled', async () => {
    await d.admin.post(`${d.t}/devices/${d.steady.mac}/enable`);
    for (const name of [`Config${d.steady.mac}.enc`, `Config${d.steady.mac}.cfg`]) assert.equal((await d.get(name)).status, 404);
    await d.admin.post(`${d.t}/devices/${d.steady.mac}/rekey`);
    assert.equal((await d.get(`Config${d.steady.mac}.cfg`)).status, 200);
  });
});

describe('a forward that was ended after the point of the restore', () => {
  let d;
  let other;
  before(async () => {
    d = await Deployment.start();
    other = await seedTenant(d.worker);
    await d.admin.post(`${d.t}/devices/${d.steady.mac}/move`, { tenant: other.id });
    assert.equal((await d.get(`Initial${d.steady.mac}.cfg`)).status, 200);
    const copy = await d.worker.copyDatabase();
    await d.admin.delete(`/tenants/${other.id}/devices/${d.steady.mac}/forward`);
    assert.equal((await d.get(`Initial${d.steady.mac}.cfg`)).status, 404);
    await d.worker.restoreDatabase(copy);
  });
  after(() => d?.worker.stop());

  it("does not name the other tenant's access path again", async () => {
    const there = { tenant: other.id, mac: d.steady.mac };
    assert.deepEqual((await d.admin.get('/restored')).forwards, [there]);
    await d.takeIntoUse();
    assert.equal((await d.get(`Initial${d.steady.mac}.cfg`)).status, 404);
  });
});
