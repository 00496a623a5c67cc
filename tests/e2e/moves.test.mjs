// A device goes from one tenant to another with its key, its state and its history, and its phone finds
// the way there by itself.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { TEXT, XML, element } from '../support/worker/content.mjs';
import { opensslDecrypt } from '../support/openssl.mjs';
import { Ringfence, newMasterKey } from '../support/worker/ringfence.mjs';
import { mac, newAccessPath, seedDevice, seedTenant, UTG } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

const MODEL = 'KX-UTG300B';
const OPTIONS = { state_dependent_names: true };

describe('a device that moves', () => {
  let worker;
  let admin;
  let a;
  let b;
  let number = 0;
  let own;
  // The URL under which moved phones come: it is told once.
  let first;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
    admin = new Api(worker);
  });
  after(() => worker?.stop());
  beforeEach(async () => {
    a = await seedTenant(worker, { options: OPTIONS, settings: { SIP_USER: 'from-a' } });
    b = await seedTenant(worker, { options: OPTIONS, settings: { SIP_USER: 'from-b' } });
    own = mac((number += 1));
  });

  const at = (tenant, address = own) => `/tenants/${tenant.id}/devices/${address}`;
  const move = (from, to, more = {}, options = {}) =>
    admin.call('POST', `${at(from)}/move`, { body: { tenant: to.id, ...more }, ...options });
  const text = async (response) => (await response).text();
  const opened = async (tenant, key, name = `Config${own}.enc`) => {
    const response = await tenant.get(name);
    assert.equal(response.status, 200);
    return opensslDecrypt(Buffer.from(await response.arrayBuffer()), key).toString();
  };
  const path = (url) => new URL(url).pathname;

  /** Adds a device and has its phone boot; the key. */
  async function booted(tenant, more = {}) {
    await admin.put(at(tenant), { model: MODEL, label: 'Front desk', ...more });
    const key = element(await text(tenant.get(`Config${own}.cfg`)), 'CFG_FILE_KEY');
    await opened(tenant, key);
    await eventually(
      () => admin.get(at(tenant)),
      (view) => view.key.state === 'confirmed' && view.fetched_version !== null,
    );
    // All that its requests left is written.
    await eventually(
      () => tenant.events(`mac = '${own}' AND reason = 'sealed'`),
      (events) => events.length === 1,
    );
    return key;
  }

  async function refusedAt(tenant, name) {
    const refusal = await tenant.get('nothing-of-that-name');
    const answer = await tenant.get(name);
    assert.equal(answer.status, 404, name);
    assert.equal(await answer.text(), await refusal.text());
    const headers = (response) => JSON.stringify([...response.headers].filter(([header]) => header !== 'ringfence-request-id'));
    assert.equal(headers(answer), headers(refusal));
  }

  it('whose phone asks for no initial file is sent on by its own, with no setting in it', async () => {
    for (const [model, name] of [
      ['snomD785', (address) => `snomD785-${address}.htm`],
      ['SIP-T46S', (address) => `${address.toLowerCase()}.cfg`],
      ['VVX450', (address) => `${address.toLowerCase()}-ringfence.cfg`],
      ['OBi202', (address) => `${address}.xml`],
      ['6867i', (address) => `${address}.cfg`],
    ]) {
      own = mac((number += 1));
      const secret = 'pa5s-0f-desk';
      const settings = { line_1_user: '2017', line_1_domain: 'pbx.test', line_1_password: { secret } };
      await admin.put(at(a), { model, settings });
      const plain = await text(a.get(name(own)));
      assert.ok(plain.includes(secret) && plain.includes(a.path('').slice(1, -1)), model);
      const { forward } = (await move(a, b)).body;
      const url = forward.url ?? first;
      const leads = await text(a.get(name(own)));
      assert.ok(leads.includes(new URL(url).pathname.split('/')[1]), `${model}: ${leads}`);
      assert.doesNotMatch(leads, /pa5s|2017|pbx\.test|from-[ab]/);
      assert.ok(!leads.includes(a.path('').slice(1, -1)), model);
      first = url;
      // At a name of another family, and where the device is.
      await refusedAt(a, `cfg${own.toLowerCase()}.xml`);
      const there = await text(worker.fetch(new URL(`${url.replace(/\/$/, '')}/${name(own)}`).pathname));
      assert.ok(there.includes(secret), model);
      await eventually(
        () => admin.get(at(b)),
        (view) => view.forwarded_until === undefined,
      );
      await refusedAt(a, name(own));
    }
    const reasons = (await admin.get(`/tenants/${a.id}/events`)).items.map((item) => item.reason);
    assert.ok(reasons.includes('forwarded'));
    // Of one whose files are sealed nothing is sent on.
    own = mac((number += 1));
    await admin.put(at(a), { model: 'GXP2170' });
    await move(a, b);
    await refusedAt(a, `cfg${own.toLowerCase()}.xml`);
  });

  it('keeps its key, state and history; its phone is sent on until it has been there', async () => {
    const key = await booted(a, { settings: { SIP_PASS: { secret: 'pa5s-0f-desk' }, NOTE: 'x' } });
    // An event is written up to a second after the answer.
    const reasonsAt = async ({ id }) => (await admin.get(`/tenants/${id}/events?device=${own}`)).items.map((item) => item.reason);
    const hasBoth = (reasons) => reasons.includes('bootstrap') && reasons.includes('sealed');
    await eventually(() => reasonsAt(a), hasBoth);
    const before = await admin.get(at(a));
    const moved = (await move(a, b)).body;
    assert.equal(moved.tenant, b.id);
    for (const member of ['id', 'mac', 'model', 'label', 'created_at', 'last_seen'])
      assert.deepEqual(moved[member], before[member], member);
    assert.deepEqual(moved.key, before.key);
    assert.deepEqual([moved.fetched_version, moved.site], [null, null]);
    assert.ok(moved.forwarded_until > Date.now() + 29 * 24 * 3600e3);
    assert.equal(moved.checked.devices, 1);
    assert.equal((await admin.call('GET', at(a))).status, 404);
    assert.ok(hasBoth(await reasonsAt(b)), 'its events came along');

    // Where it was: nothing but the way to where it is.
    for (const name of [`Config${own}.cfg`, `Config${own}.enc`, `Product${own}.enc`, `Initial${mac(0xfffff0)}.cfg`])
      await refusedAt(a, name);
    const initial = await text(a.get(`Initial${own}.cfg`));
    const standard = element(initial, 'CFG_STANDARD_FILE_PATH');
    assert.ok(standard.startsWith(moved.forward.url) && standard.endsWith(`Config${own}.enc`), standard);
    assert.ok(element(initial, 'CFG_MASTER_FILE_PATH').startsWith(moved.forward.url));
    assert.equal((await a.get(`Initial${own}.cfg`)).status, 200, 'as often as it asks');
    assert.equal((await admin.get(at(b))).forwarded_until, moved.forwarded_until, 'asking there is not being here');

    // Where it is: the same key opens what the new tenant made.
    const file = opensslDecrypt(Buffer.from(await (await worker.fetch(path(standard))).arrayBuffer()), key).toString();
    assert.ok(file.includes('from-b') && file.includes('pa5s-0f-desk'));
    const arrived = await eventually(
      () => admin.get(at(b)),
      (view) => view.forwarded_until === undefined && view.fetched_version !== null,
    );
    assert.equal(arrived.fetched_version, arrived.file_version);
    await refusedAt(a, `Initial${own}.cfg`);
    const reasons = (await admin.get(`/tenants/${a.id}/events`)).items.map((item) => item.reason);
    assert.ok(reasons.includes('forwarded'));
    const { items } = await admin.get(`/devices?q=${own}`);
    assert.deepEqual(
      items.map((item) => item.tenant),
      [b.id],
      'a search knows',
    );
  });

  it('with a bootstrap that waits takes it along: it is served once, in the new tenant', async () => {
    await admin.put(at(a), { model: MODEL });
    assert.equal((await move(a, b)).status, 200);
    await refusedAt(a, `Config${own}.cfg`);
    const standard = element(await text(a.get(`Initial${own}.cfg`)), 'CFG_STANDARD_FILE_PATH');
    assert.ok(standard.endsWith(`Config${own}.cfg`), 'the phone has no key yet');
    const answers = await Promise.all(Array.from({ length: 10 }, () => worker.fetch(path(standard))));
    const good = answers.filter((answer) => answer.status === 200);
    assert.equal(good.length, 1);
    assert.ok((await good[0].text()).includes('from-b'));
  });

  it('is entered in both tenants, neither told of the other, and for all-tenant tokens together', async () => {
    await booted(a);
    const answer = await move(a, b);
    const { forward } = answer.body;
    const request = answer.headers.get('ringfence-request-id');
    const of = async (tenant) => (await admin.get(`/tenants/${tenant.id}/audit`)).items.filter((item) => item.action === 'device.move');
    for (const [tenant, other] of [
      [a, b],
      [b, a],
    ]) {
      const entries = await of(tenant);
      assert.equal(entries.length, 1);
      assert.equal(entries[0].request_id, request);
      assert.ok(!JSON.stringify(entries).includes(other.id));
    }
    const [{ after }] = await of(b);
    assert.deepEqual(after.forward, { access_path: forward.access_path, made: true, segment_stored: true, until: forward.until });
    const made = (await admin.get(`/tenants/${b.id}/audit`)).items.filter((item) => item.action === 'access-path.create');
    assert.deepEqual(
      made.map((item) => [item.object, item.request_id, item.after]),
      [[`access-paths/${forward.access_path}`, request, { label: 'Moved phones', expires_at: null }]],
    );
    const both = (await admin.get('/audit')).items.filter((item) => item.request_id === request && item.tenant === null);
    assert.deepEqual([both[0].before.tenant, both[0].after.tenant], [a.id, b.id]);
  });

  it('leaves no key, password or segment in clear', async () => {
    const segment = newAccessPath();
    const made = await admin.post(`/tenants/${b.id}/access-paths`, { label: 'new' });
    assert.notEqual(made.segment, segment);
    await booted(a, { settings: { SIP_PASS: { secret: 'planted-pa5sword' } } });
    const answer = await move(a, b, { forward: { url: made.url } });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(answer.body.forward, { access_path: made.id, until: answer.body.forwarded_until });
    const entries = (await admin.get(`/tenants/${b.id}/audit`)).items;
    assert.deepEqual(
      entries.filter((item) => item.action === 'access-path.create').map((item) => item.after.label),
      ['new'],
    );
    const { after } = entries.find((item) => item.action === 'device.move');
    assert.deepEqual([after.forward.access_path, after.forward.made, after.forward.segment_stored], [made.id, false, true]);
    assert.ok(!answer.text.includes('planted'));
    const rows = JSON.stringify([
      await worker.sql('SELECT * FROM access_paths'),
      await worker.sql('SELECT * FROM settings'),
      await worker.sql('SELECT * FROM moves'),
      await worker.sql('SELECT * FROM audit'),
      await worker.sql('SELECT * FROM phone_events'),
    ]);
    assert.ok(!rows.includes('planted') && !rows.includes(made.segment));
    assert.ok(element(await text(a.get(`Initial${own}.cfg`)), 'CFG_STANDARD_FILE_PATH').startsWith(made.url));
    assert.deepEqual(await worker.sql('SELECT name FROM settings WHERE tenant_id = ?1 AND scope LIKE ?2', a.id, 'device:%'), []);
  });

  it('leaves settings behind where that is wanted, and takes site, model and label as they are said', async () => {
    await booted(a, { settings: { SIP_USER: 'own' } });
    const site = (await admin.post(`/tenants/${b.id}/sites`, { name: 'Quay' })).id;
    const moved = (await move(a, b, { settings: 'drop', site, model: 'KX-UTG200B', label: 'New desk' })).body;
    assert.deepEqual([moved.site, moved.model, moved.label], [site, 'KX-UTG200B', 'New desk']);
    assert.deepEqual((await admin.get(`${at(b)}/settings`)).settings, {});
  });

  describe('is refused, and nothing is written, where it', () => {
    let before;
    beforeEach(async () => {
      await booted(a, { settings: { X: '1' } });
      before = await admin.get(at(a));
    });

    async function refused(answer, status, words) {
      assert.equal(answer.status, status, answer.text);
      assert.match(JSON.stringify(answer.body), words);
      assert.deepEqual(await admin.get(at(a)), before);
      assert.equal((await admin.get(`/tenants/${b.id}/audit`)).items.filter((item) => item.action === 'device.move').length, 0);
    }

    it('is not what the other tenant takes that model for', async () => {
      await worker.sql('UPDATE models SET profile = NULL WHERE tenant_id = ?1', b.id);
      await b.changed();
      await refused(await move(a, b), 409, /plaintext over HTTPS in the other tenant and utg, sealed as utg-128 here/);
      assert.equal((await move(a, b, { model: MODEL })).status, 200, 'unless it is said');
    });

    it('breaks files there', async () => {
      const fragile = XML['standard/utg'].replace('<Lines>', '{% if X is defined %}{{ NOT_SET }}{% endif %}<Lines>');
      await admin.put(`/tenants/${b.id}/templates/standard/utg`, { source: fragile });
      const answer = await move(a, b);
      assert.equal(answer.body.type, 'urn:ringfence:problem:invalid-files');
      await refused(answer, 422, /NOT_SET/);
      assert.equal((await move(a, b, { settings: 'drop' })).status, 200);
    });

    it('names a tenant, site or access path that is not there, or its own tenant', async () => {
      await refused(await move(a, { id: '01JD0000000000000000000000' }), 422, /`tenant` is not the id/);
      await refused(await move(a, a), 422, /change the device/);
      const site = (await admin.post(`/tenants/${a.id}/sites`, { name: 'Quay' })).id;
      await refused(await move(a, b, { site }), 422, /`site` is not the id of a site of the other tenant/);
      for (const url of [`https://x/${a.accessPath}/`, 'nothing', '', 'https://x'])
        await refused(await move(a, b, { forward: { url } }), 422, /no access path of the other tenant/);
      for (const days of [0, 366]) await refused(await move(a, b, { forward: { days } }), 422, /1 to 365/);
      await refused(await admin.call('POST', `${at(a)}/move`, { body: {} }), 400, /tenant/);
      await refused(await move(a, b, {}, { ifMatch: '"99"' }), 412, /./);
    });

    it('needs more there than the other tenant may have', async () => {
      const limit = (limits) => admin.put(`/tenants/${b.id}/limits`, limits);
      const over = async (answer, quota) => {
        assert.equal(answer.body.type, 'urn:ringfence:problem:over-quota', answer.text);
        assert.equal(answer.body.quota, quota);
        await refused(answer, 409, /does not allow this/);
      };
      await limit({ devices: 0 });
      await over(await move(a, b), 'devices');
      await limit({ settings_bytes: 0 });
      await over(await move(a, b), 'settings_bytes');
      await limit({ models: 1 });
      await admin.put(`/tenants/${a.id}/models/KX-UTG200B`, { family: 'utg' });
      await over(await move(a, b, { model: 'KX-UTG200B' }), 'models');
      assert.equal((await admin.get(`/tenants/${b.id}/access-paths`)).items.length, 1, 'nor an access path');
      await limit({});
      assert.equal((await move(a, b)).status, 200);
    });

    it('would be told at an address, or under an address of record, that the other tenant may not use', async () => {
      for (const [tenant, domain, network] of [
        [a, 'pbx.test', '192.0.2.0/24'],
        [b, 'other.test', '198.51.100.0/24'],
      ])
        await admin.put(`/tenants/${tenant.id}/destinations`, { destinations: { domains: [domain], networks: [network] } });
      for (const [name, value] of Object.entries({ NOTIFY_AOR: 'sip:101@pbx.test', NOTIFY_ADDRESS: '192.0.2.9:5060' })) {
        await admin.put(`${at(a)}/settings`, { settings: { X: '1', [name]: value } });
        before = await admin.get(at(a));
        await refused(await move(a, b), 422, new RegExp(name));
      }
      assert.equal((await move(a, b, { settings: 'drop' })).status, 200);
    });

    it('needs an access path, and the other tenant has as many as it may have', async () => {
      for (let number = 1; number < 20; number += 1) await admin.post(`/tenants/${b.id}/access-paths`, { label: `${number}` });
      await refused(await move(a, b), 409, /has 20 access paths already/);
      // One that was added in the meantime counts too.
      const [last] = (await admin.get(`/tenants/${b.id}/access-paths`)).items.slice(-1);
      await admin.delete(`/tenants/${b.id}/access-paths/${last.id}`);
      await worker.probe({ hold: '^UPDATE tenants SET seq', release: true });
      const late = move(a, b);
      await eventually(
        () => worker.probe({}),
        ({ holding }) => holding,
        'a held call',
      );
      await admin.post(`/tenants/${b.id}/access-paths`, { label: 'first' });
      await worker.probe({ release: true });
      await refused(await late, 409, /has 20 access paths already/);
      assert.equal((await admin.get(`/tenants/${b.id}/access-paths`)).items.length, 20);
      assert.equal((await move(a, b, { forward: { enabled: false } })).status, 200);
    });

    it('finds its MAC there', async () => {
      await admin.put(at(b), { model: MODEL });
      await refused(await move(a, b), 409, /has a device with this MAC already/);
    });

    it('is asked for by a token that may not write both', async () => {
      const token = async (options) => new Api(worker, (await admin.post('/tokens', { name: 't', ...options })).token);
      const ask = (api) => api.call('POST', `${at(a)}/move`, { body: { tenant: b.id } });
      await refused(await ask(await token({ access: 'write', tenant: a.id })), 403, /for all tenants/);
      await refused(await ask(await token({ access: 'write', tenant: b.id })), 404, /./);
      await refused(await ask(await token({ access: 'read' })), 403, /only read/);
      await refused(await ask(new Api(worker, null)), 401, /./);
    });
  });

  describe('sends its phone on', () => {
    it('under one access path for all that came, which moves made', async () => {
      await booted(a);
      const first = (await move(a, b)).body;
      assert.match(first.forward.url, /^http/);
      own = mac((number += 1));
      await booted(a);
      const second = (await move(a, b)).body;
      assert.deepEqual([second.forward.access_path, second.forward.url], [first.forward.access_path, undefined]);
      const paths = (await admin.get(`/tenants/${b.id}/access-paths`)).items;
      assert.equal(paths.filter((item) => item.label === 'Moved phones').length, 1);
      // Without the access path nobody is sent there.
      assert.equal((await a.get(`Initial${own}.cfg`)).status, 200);
      await admin.delete(`/tenants/${b.id}/access-paths/${first.forward.access_path}`);
      await refusedAt(a, `Initial${own}.cfg`);
    });

    it('not at all, where that is said; until its days are over; until an operator ends it', async () => {
      await booted(a);
      assert.equal((await move(a, b, { forward: { enabled: false } })).body.forward, null);
      await refusedAt(a, `Initial${own}.cfg`);
      for (const end of [
        () => worker.sql('UPDATE moves SET ends_at = ?2 WHERE tenant_id = ?1', a.id, Date.now()),
        () => admin.delete(`${at(b)}/forward`),
        () => admin.post(`${at(b)}/disable`),
        () => admin.delete(at(b)),
        () => admin.delete(`/tenants/${b.id}/devices/${own}`),
      ]) {
        own = mac((number += 1));
        await booted(a);
        assert.equal((await move(a, b)).status, 200);
        assert.equal((await a.get(`Initial${own}.cfg`)).status, 200);
        await end();
        await refusedAt(a, `Initial${own}.cfg`);
      }
      // Whoever looked at another state of the device ends nothing.
      own = mac((number += 1));
      await booted(a);
      await move(a, b);
      assert.equal((await admin.call('DELETE', `${at(b)}/forward`, { ifMatch: '"0"' })).status, 412);
      assert.equal((await a.get(`Initial${own}.cfg`)).status, 200);
      // Asked once more, nothing is there to end.
      own = mac((number += 1));
      await booted(b);
      assert.equal((await admin.call('DELETE', `${at(b)}/forward`)).status, 204);
    });

    it('straight to where it is, over two moves; and not any more once it is back', async () => {
      const c = await seedTenant(worker, { options: OPTIONS, settings: { SIP_USER: 'from-c' } });
      const key = await booted(a);
      await move(a, b);
      const there = (await move(b, c)).body;
      for (const tenant of [a, b]) {
        assert.ok(element(await text(tenant.get(`Initial${own}.cfg`)), 'CFG_STANDARD_FILE_PATH').startsWith(there.forward.url));
      }
      assert.equal((await move(c, a)).status, 200);
      assert.ok((await opened(a, key)).includes('from-a'));
      const back = element(await text(a.get(`Initial${own}.cfg`)), 'CFG_STANDARD_FILE_PATH');
      assert.ok(back.includes(`/${a.accessPath}/`), 'its own tenant again');
      await eventually(
        () => admin.get(at(a)),
        (view) => view.forwarded_until === undefined,
      );
      for (const tenant of [b, c]) await refusedAt(tenant, `Initial${own}.cfg`);
    });

    it('after a rotation of the master key too', async () => {
      await booted(a);
      const moved = (await move(a, b)).body;
      const { MASTER_KEY } = worker.options.secrets;
      await worker.restart({ secrets: { MASTER_KEY: newMasterKey('k2'), MASTER_KEY_PREVIOUS: MASTER_KEY } });
      for (let remaining = 1; remaining > 0;) ({ remaining } = await admin.post('/rotation', { limit: 90 }));
      assert.equal((await admin.get('/rotation')).unreadable, 0);
      await worker.restart({ secrets: { MASTER_KEY_PREVIOUS: null } });
      assert.ok(
        element(await text(a.get(`Initial${own}.cfg`)), 'CFG_STANDARD_FILE_PATH').startsWith(
          `${worker.http}${moved.forward.url.split('/')[3]}/`,
        ),
      );
    });
  });

  it('of a family in clear is answered in clear, by its new tenant alone', async () => {
    const HDV = { name: 'KX-HDV130N', family: 'hdv' };
    a = await seedTenant(worker, { models: [HDV], templates: TEXT, settings: { SIP_USER: 'from-a' } });
    b = await seedTenant(worker, { models: [UTG], templates: { ...XML, ...TEXT }, settings: { SIP_USER: 'from-b' } });
    await admin.put(at(a), { model: HDV.name });
    assert.ok((await text(a.get(`Config${own}.cfg`))).includes('from-a'));
    assert.ok((await text(a.get(`Config${own}.cfg`))).includes('from-a'));
    assert.equal((await move(a, b)).status, 200, 'the model is added as it was');
    await refusedAt(a, `Config${own}.cfg`);
    assert.ok((await text(b.get(`Config${own}.cfg`))).includes('from-b'));
  });

  describe('at the same moment as', () => {
    /** Holds a statement back; `past` happens meanwhile. */
    async function held(statement, start, past) {
      await worker.probe({ hold: statement, release: true });
      const answer = start();
      await eventually(
        () => worker.probe({}),
        ({ holding }) => holding,
        'a held call',
      );
      await past();
      await worker.probe({ release: true });
      return answer;
    }

    it('a claim: the bootstrap that was made before the move goes to nobody', async () => {
      await admin.put(at(a), { model: MODEL });
      // The numbers of both tenants are made the same: versions alone would not tell them apart.
      const device = await a.device(own);
      await worker.sql(
        'UPDATE tenants SET seq = ?2, version = (SELECT version FROM tenants WHERE id = ?3) WHERE id = ?1',
        b.id,
        device.version - 1,
        a.id,
      );
      const answer = await held(
        '^UPDATE devices SET key_state',
        () => a.get(`Config${own}.cfg`),
        async () => {
          assert.equal((await move(a, b, { forward: { enabled: false } })).status, 200);
          assert.equal((await b.device(own)).version, device.version);
        },
      );
      assert.equal(answer.status, 404);
      const bootstrap = await text(b.get(`Config${own}.cfg`));
      assert.ok(bootstrap.includes('from-b') && element(bootstrap, 'CFG_FILE_KEY'));
    });

    it('a phone that takes its bootstrap first: the move keeps what it did', async () => {
      await admin.put(at(a), { model: MODEL });
      let bootstrap;
      const answer = await held(
        '^UPDATE tenants SET seq',
        () => move(a, b),
        async () => {
          bootstrap = await text(a.get(`Config${own}.cfg`));
        },
      );
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.body.key.state, 'delivered');
      await refusedAt(b, `Config${own}.cfg`);
      assert.ok((await opened(b, element(bootstrap, 'CFG_FILE_KEY'))).includes('from-b'));
    });

    it('another move: one of the two is done', async () => {
      const c = await seedTenant(worker, { options: OPTIONS });
      await booted(a);
      const late = await held(
        '^UPDATE tenants SET seq',
        () => move(a, b),
        async () => {
          assert.equal((await move(a, c)).status, 200);
        },
      );
      assert.equal(late.status, 404, late.text);
      const many = await Promise.all(Array.from({ length: 6 }, (_, at) => move(c, at % 2 ? a : b)));
      assert.ok(many.some((answer) => answer.status === 200));
      assert.equal((await worker.sql('SELECT tenant_id FROM devices WHERE mac = ?1', own)).length, 1);
      assert.deepEqual(await worker.sql('PRAGMA foreign_key_check'), []);
    });

    it('changes on either side: it is checked against what is there', async () => {
      await booted(a, { settings: { X: '1' } });
      const fragile = XML['standard/utg'].replace('<Lines>', '{% if X is defined %}{{ NOT_SET }}{% endif %}<Lines>');
      const broken = await held(
        '^UPDATE tenants SET seq',
        () => move(a, b),
        () => admin.put(`/tenants/${b.id}/templates/standard/utg`, { source: fragile }),
      );
      assert.equal(broken.status, 422, broken.text);
      await admin.put(`/tenants/${b.id}/templates/standard/utg`, { source: XML['standard/utg'] });
      const mended = await held(
        '^UPDATE tenants SET seq',
        () => move(a, b),
        () => admin.put(`${at(a)}/settings`, { settings: { X: '2' } }),
      );
      assert.equal(mended.status, 200, mended.text);
      assert.equal((await admin.get(`${at(b)}/settings`)).settings.X, '2');
    });

    it('the same MAC added in the other tenant: one of the two', async () => {
      await booted(a);
      const answer = await held(
        '^UPDATE tenants SET seq',
        () => move(a, b),
        () => admin.put(at(b), { model: MODEL }),
      );
      assert.equal(answer.status, 409, answer.text);
      assert.equal((await admin.get(at(a))).key.state, 'confirmed');
    });

    it('a failure between the database and the edge: repeated, it is in effect', async () => {
      const key = await booted(a);
      assert.equal((await a.get(`Config${own}.enc`)).status, 200);
      await worker.probe({ kv: 'fail-writes' });
      const failed = await move(a, b);
      await worker.probe({ kv: null });
      assert.equal(failed.status, 503, failed.text);
      assert.match(failed.body.detail, /stored/);
      const repeated = await move(a, b);
      assert.equal(repeated.status, 200, repeated.text);
      assert.equal(repeated.body.tenant, b.id);
      await refusedAt(a, `Config${own}.enc`);
      assert.ok((await opened(b, key)).includes('from-b'));
    });

    it('a crash in between: a file that is left over goes out once at most', async () => {
      const key = await booted(a);
      await eventually(
        async () => (await worker.ask('kvList', { prefix: `f1:${a.id}:standard:sealed:` })).length,
        (n) => n === 1,
      );
      await worker.probe({ kv: 'fail-writes' });
      assert.equal((await move(a, b)).status, 503);
      await worker.kill();
      await worker.restart();
      await a.get(`Config${own}.enc`);
      await eventually(
        async () => (await a.get(`Config${own}.enc`)).status,
        (status) => status === 404,
        'a refusal',
      );
      assert.ok((await opened(b, key)).includes('from-b'));
      assert.equal((await b.device(own)).fetched_version, (await admin.get(at(b))).file_version);
    });
  });

  it('whose file cannot be read there tells its former tenant nothing of why', async () => {
    await booted(a, { settings: { LINE_PASS_OF_THE_OTHER: { secret: 'pa5s' } } });
    await move(a, b);
    await worker.sql("UPDATE settings SET value = 'v1.k9.AAAAAAAAAAAAAAAA.AAAA' WHERE tenant_id = ?1 AND master IS NOT NULL", b.id);
    assert.equal((await a.get(`Initial${own}.cfg`)).status, 503);
    const [event] = await eventually(
      () => a.events("outcome = 'unavailable'"),
      (events) => events.length === 1,
    );
    assert.match(event.detail, /of the tenant that the device is in cannot be read now/);
    const all = JSON.stringify(event);
    assert.ok(!all.includes('LINE_PASS') && !all.includes(b.id), all);
    const line = await worker.logLine((one) => one.event === 'forward_failed' && one.tenant === b.id);
    assert.match(line.error, /LINE_PASS_OF_THE_OTHER/);
  });

  it('leaves what was asked for in its name to be read where it was', async () => {
    await booted(a);
    await move(a, b);
    const named = async (tenant) => (await admin.get(`/tenants/${tenant.id}/events?device=${own}`)).items.map((item) => item.reason);
    assert.deepEqual(await named(a), [], 'its history went along');
    await a.get(`Config${own}.enc`);
    await a.get(`Initial${own}.cfg`);
    await eventually(
      () => named(a),
      (reasons) => reasons.length === 2,
    );
    assert.deepEqual(await named(a), ['forwarded', 'unknown_device']);
    // A phone that nobody has added yet.
    await b.get(`Config${mac(0xeeee01)}.cfg`);
    const early = await eventually(
      async () => (await admin.get(`/tenants/${b.id}/events?device=${mac(0xeeee01)}`)).items,
      (items) => items.length === 1,
    );
    assert.deepEqual([early[0].reason, early[0].device], ['unknown_device', null]);
  });

  it('with jobs that wait has them cancelled', async () => {
    // Tenants that share a pool each say whom they may address.
    for (const tenant of [a, b])
      await admin.put(`/tenants/${tenant.id}/destinations`, { destinations: { domains: ['pbx.test'], networks: ['127.0.0.0/8'] } });
    await booted(a, { settings: { NOTIFY_AOR: 'sip:101@pbx.test', NOTIFY_ADDRESS: '127.0.0.1:5060' } });
    const { job } = await admin.post(`${at(a)}/notify`);
    assert.equal((await move(a, b)).body.cancelled_jobs, 1);
    const ended = await admin.get(`/tenants/${a.id}/jobs/${job.id}`);
    assert.equal(ended.state, 'cancelled');
  });

  it('takes as many of its events along as are sensible', async () => {
    const device = await seedDevice(worker, a, { mac: own, state: 'confirmed' });
    await worker.sql(
      `INSERT INTO phone_events (id, tenant_id, device_id, mac, outcome, reason, status, bytes, address, user_agent, country, request_id, at)
       SELECT printf('01K%023d', value), ?1, ?2, ?3, 'served', 'sealed', 200, 1, '', '', '', '', value FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 700) SELECT value FROM n)`,
      a.id,
      device.id,
      own,
    );
    assert.equal((await move(a, b)).status, 200);
    const count = async (tenant) => (await tenant.events(`device_id = '${device.id}'`)).length;
    assert.deepEqual([await count(a), await count(b)], [200, 500]);
  });
});
