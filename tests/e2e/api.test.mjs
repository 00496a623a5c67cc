// The operator's API from outside: problems, tokens and scopes, paging, If-Match, audit, bounds.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { ROOT } from '../support/config.mjs';
import { Api } from '../support/worker/api.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac } from '../support/worker/seed.mjs';

describe('the API', () => {
  let worker;
  let admin;
  let number = 0;
  before(async () => {
    worker = await Ringfence.start({ assets: true });
    admin = new Api(worker);
  });
  after(() => worker?.stop());

  const newTenant = async (more = {}) => (await admin.post('/tenants', { name: `Tenant ${(number += 1)}`, ...more })).id;
  const newToken = async (options) => new Api(worker, (await admin.post('/tokens', { name: 'test', access: 'write', ...options })).token);

  function assertProblem(answer, status, type) {
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.headers.get('content-type'), /^application\/problem\+json/);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.equal(answer.body.status, status);
    assert.equal(answer.body.type, `urn:ringfence:problem:${type}`);
    assert.ok(answer.body.title.length > 0 && answer.body.detail.length > 0);
    assert.equal(answer.body.request_id, answer.headers.get('ringfence-request-id'));
  }

  describe('without a good token', () => {
    it('is 401, the same whatever is wrong with it', async () => {
      const details = new Set();
      for (const token of ['x', `rf_01JD0000000000000000000000_${'A'.repeat(43)}`, 'x'.repeat(600)]) {
        const answer = await new Api(worker, token).call('GET', '/tenants');
        assertProblem(answer, 401, 'unauthorized');
        assert.match(answer.headers.get('www-authenticate'), /^Bearer/);
        details.add(answer.body.detail);
      }
      assertProblem(await new Api(worker, null).call('GET', '/tenants'), 401, 'unauthorized');
      const wrongScheme = await admin.call('GET', '/tenants', { headers: { authorization: `Basic ${worker.adminToken}` } });
      assertProblem(wrongScheme, 401, 'unauthorized');
    });

    it('a removed or expired token is worth nothing', async () => {
      const made = await admin.post('/tokens', { name: 'short', access: 'read' });
      const api = new Api(worker, made.token);
      assert.equal((await api.call('GET', '/tenants')).status, 200);
      await worker.sql('UPDATE tokens SET expires_at = 1 WHERE id = ?1', made.id);
      assertProblem(await api.call('GET', '/tenants'), 401, 'unauthorized');
      await worker.sql('UPDATE tokens SET expires_at = NULL WHERE id = ?1', made.id);
      await admin.delete(`/tokens/${made.id}`);
      assertProblem(await api.call('GET', '/tenants'), 401, 'unauthorized');
    });

    it("the token's text is in one answer only, and in no table", async () => {
      const made = await admin.post('/tokens', { name: 'once', access: 'read' });
      assert.match(made.token, /^rf_[0-9A-Z]{26}_[\w-]{43}$/);
      // Base64url has underscores of its own.
      const secret = made.token.slice('rf_'.length + 26 + '_'.length);
      for (const path of ['/tokens', `/tokens/${made.id}`, '/audit']) {
        assert.ok(!(await admin.call('GET', path)).text.includes(secret), path);
      }
      assert.ok(!JSON.stringify(await worker.sql('SELECT * FROM tokens')).includes(secret));
      assert.ok(!worker.log.includes(secret));
    });
  });

  describe('scopes', () => {
    it('a token of one tenant sees no other: 404, not 403', async () => {
      const [own, other] = [await newTenant(), await newTenant()];
      const api = await newToken({ tenant: own });
      assert.equal((await api.call('GET', `/tenants/${own}`)).status, 200);
      assertProblem(await api.call('GET', `/tenants/${other}`), 404, 'not-found');
      assertProblem(await api.call('PUT', `/tenants/${other}/settings`, { body: { settings: {} } }), 404, 'not-found');
      assertProblem(await api.call('GET', '/tenants/01JD0000000000000000000000'), 404, 'not-found');
      const { items } = await api.get('/tenants');
      assert.deepEqual(
        items.map((item) => item.id),
        [own],
      );
      for (const path of ['/tokens', '/audit', '/rotation']) assertProblem(await api.call('GET', path), 403, 'forbidden');
      assertProblem(await api.call('POST', '/tenants', { body: { name: 'Mine' } }), 403, 'forbidden');
    });

    it('a token that reads does not write', async () => {
      const tenant = await newTenant();
      const api = await newToken({ access: 'read' });
      assert.equal((await api.call('GET', `/tenants/${tenant}`)).status, 200);
      for (const [method, path, body] of [
        ['POST', '/tenants', { name: 'x' }],
        ['PUT', `/tenants/${tenant}/settings`, { settings: {} }],
        ['POST', `/tenants/${tenant}/access-paths`, {}],
        ['DELETE', `/tenants/${tenant}`, undefined],
        ['POST', '/tokens', { name: 'x', access: 'write' }],
      ]) {
        assertProblem(await api.call(method, path, { body }), 403, 'forbidden');
      }
    });

    it('secrets are shown only to a token that may reveal, and only when asked', async () => {
      const tenant = await newTenant();
      await admin.put(`/tenants/${tenant}/settings`, { settings: { SIP_PASS: { secret: 'very-secret-17' } } });
      const path = `/tenants/${tenant}/settings`;
      assert.ok(!(await admin.call('GET', path)).text.includes('very-secret-17'));
      assert.ok((await admin.call('GET', `${path}?reveal=true`)).text.includes('very-secret-17'));
      const blind = await newToken({ access: 'write' });
      assertProblem(await blind.call('GET', `${path}?reveal=true`), 403, 'forbidden');
      assertProblem(await blind.call('POST', '/tokens', { body: { name: 'x', access: 'read', reveal: true } }), 403, 'forbidden');
      const dump = JSON.stringify([await worker.sql('SELECT * FROM settings'), await worker.sql('SELECT * FROM audit')]);
      assert.ok(!dump.includes('very-secret-17'));
      assert.ok(!worker.log.includes('very-secret-17'));
    });
  });

  describe('lists', () => {
    it('are paged by cursor: every item once, in order, while others are added', async () => {
      const tenant = await newTenant();
      for (let i = 0; i < 25; i += 1) await admin.put(`/tenants/${tenant}/devices/${mac(0x10000 + i)}`, { model: 'KX-UTG300B' });
      const seen = [];
      let cursor = '';
      for (let page = 0; page < 20; page += 1) {
        const answer = await admin.get(`/tenants/${tenant}/devices?limit=4${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
        assert.ok(answer.items.length <= 4);
        seen.push(...answer.items.map((item) => item.mac));
        cursor = answer.next;
        if (page === 1) await admin.put(`/tenants/${tenant}/devices/${mac(0x1ffff)}`, { model: 'KX-UTG300B' });
        if (!cursor) break;
      }
      assert.equal(seen.length, 26);
      assert.equal(new Set(seen).size, 26);
    });

    it('refuse limits out of bounds, cursors that are none, and unknown parameters', async () => {
      for (const query of ['limit=0', 'limit=201', 'limit=x', 'cursor=!!', 'limits=5']) {
        assertProblem(await admin.call('GET', `/tenants?${query}`), 400, 'invalid-request');
      }
    });

    it('of devices filter by state, model, site and last seen', async () => {
      const tenant = await newTenant();
      const site = (await admin.post(`/tenants/${tenant}/sites`, { name: 'Harbour' })).id;
      await admin.put(`/tenants/${tenant}/devices/${mac(1)}`, { model: 'KX-UTG300B', site });
      await admin.put(`/tenants/${tenant}/devices/${mac(2)}`, { model: 'KX-UTG200B' });
      await admin.put(`/tenants/${tenant}/devices/${mac(3)}`, { model: 'KX-UTG200B' });
      await worker.sql('UPDATE devices SET last_seen_at = 5000 WHERE tenant_id = ?1 AND mac = ?2', tenant, mac(2));
      await worker.sql(
        "UPDATE devices SET key_state = 'confirmed', ever_delivered = 1, last_seen_at = 9000 WHERE tenant_id = ?1 AND mac = ?2",
        tenant,
        mac(3),
      );
      const macs = async (query) => (await admin.get(`/tenants/${tenant}/devices?${query}`)).items.map((item) => item.mac);
      assert.deepEqual(await macs('state=confirmed'), [mac(3)]);
      assert.deepEqual(await macs('model=KX-UTG300B'), [mac(1)]);
      assert.deepEqual(await macs(`site=${site}`), [mac(1)]);
      assert.deepEqual(await macs('never_seen=true'), [mac(1)]);
      assert.deepEqual(await macs('last_seen_before=9000'), [mac(2)]);
      assert.deepEqual(await macs('last_seen_after=5000'), [mac(2), mac(3)]);
    });
  });

  describe('writes', () => {
    it('PUT is idempotent: the same again changes nothing and leaves no second audit entry', async () => {
      const tenant = await newTenant();
      const path = `/tenants/${tenant}/settings`;
      const body = { settings: { NTP: 'ntp.example', SIP_PASS: { secret: 'x1' } } };
      const first = await admin.put(path, body);
      const count = async () => (await admin.get(`/tenants/${tenant}/audit`)).items.length;
      const entries = await count();
      const second = await admin.put(path, body);
      assert.equal(second.revision, first.revision);
      assert.equal(await count(), entries);
      const device = `/tenants/${tenant}/devices/${mac(1)}`;
      const one = await admin.put(device, { model: 'KX-UTG300B' });
      const two = await admin.put(device, { model: 'KX-UTG300B' });
      assert.equal(two.revision, one.revision);
      assert.equal(two.key.generation, one.key.generation);
      assert.equal(two.id, one.id);
    });

    it('If-Match protects from lost updates', async () => {
      const tenant = await newTenant();
      const path = `/tenants/${tenant}/settings`;
      await admin.put(path, { settings: { A: '1' } });
      const { headers } = await admin.call('GET', path);
      const etag = headers.get('etag');
      assert.match(etag, /^"\d+"$/);
      await admin.put(path, { settings: { A: '2' } }, { ifMatch: etag });
      assertProblem(await admin.call('PUT', path, { body: { settings: { A: '3' } }, ifMatch: etag }), 412, 'revision-mismatch');
      assert.equal((await admin.get(path)).settings.A, '2');
      for (const bad of ['7', 'W/"1"', '"x"']) {
        assertProblem(await admin.call('PUT', path, { body: { settings: {} }, ifMatch: bad }), 400, 'invalid-request');
      }
    });

    it('parallel writers with one ETag: exactly one wins', async () => {
      const tenant = await newTenant();
      const path = `/tenants/${tenant}/settings`;
      await admin.put(path, { settings: { A: '0' } });
      const etag = (await admin.call('GET', path)).headers.get('etag');
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, i) => admin.call('PUT', path, { body: { settings: { A: String(i + 1) } }, ifMatch: etag })),
      );
      const statuses = answers.map((answer) => answer.status).sort();
      assert.deepEqual(statuses, [200, ...Array(9).fill(412)]);
    });

    it('refuses bodies that are too large, no JSON, of another shape, or with unknown members', async () => {
      const tenant = await newTenant();
      const path = `/tenants/${tenant}/settings`;
      assertProblem(await admin.call('PUT', path, { body: JSON.stringify({ settings: { A: 'x'.repeat(1 << 20) } }) }), 413, 'too-large');
      for (const body of ['', '{', '[]', '"x"', 'null', '{"settings":[]}', '{"settingz":{}}', '\u0000']) {
        const answer = await admin.call('PUT', path, { body });
        assert.ok([400, 422].includes(answer.status), `${JSON.stringify(body)} gave ${answer.status}`);
        assert.match(answer.headers.get('content-type'), /problem\+json/);
      }
    });

    it('names an unknown member of a member by its path', async () => {
      const path = `/tenants/${await newTenant()}`;
      const body = { name: 'x', options: { urls: { master: { plian: [] } }, retry_windows: 1 } };
      const problem = await admin.call('PUT', path, { body });
      assertProblem(problem, 400, 'invalid-request');
      assert.match(problem.body.detail, /`options\.urls\.master\.plian`.*`options\.retry_windows`/);
      assertProblem(await admin.call('GET', '/tenants?limits=1'), 400, 'invalid-request');
    });

    it('refuses URL templates that could never be served, and says which', async () => {
      const path = `/tenants/${await newTenant()}`;
      for (const [urls, template] of [
        [{ initial: { sealed: ['Initial{MAC}.enc'] } }, 'Initial{MAC}.enc'],
        [{ product: { plain: ['certs/{MODEL}.cfg'] } }, 'certs/{MODEL}.cfg'],
      ]) {
        const problem = await admin.call('PUT', path, { body: { name: 'x', options: { urls } } });
        assertProblem(problem, 422, 'invalid-value');
        assert.deepEqual(problem.body.templates, [template]);
      }
    });

    it('refuses names and lengths out of bounds', async () => {
      const tenant = await newTenant();
      for (const name of ['', ' ', 'x'.repeat(300), 'a\u0000b']) {
        const answer = await admin.call('POST', '/tenants', { body: { name } });
        assert.equal(answer.status, 422, JSON.stringify(name));
      }
      for (const settings of [{ 'A B': 'x' }, { '': 'x' }, { [`A${'x'.repeat(100)}`]: 'x' }, { A: 'x'.repeat(100_000) }]) {
        assert.equal((await admin.call('PUT', `/tenants/${tenant}/settings`, { body: { settings } })).status, 422);
      }
      for (const bad of ['zz', '0080F0C571E', '0080F0C571EBA', '000000000000', 'FFFFFFFFFFFF', '01005E000001']) {
        const answer = await admin.call('PUT', `/tenants/${tenant}/devices/${bad}`, { body: { model: 'KX-UTG300B' } });
        assert.equal(answer.status, 400, bad);
      }
    });

    it('takes a MAC in every notation, and it is one device', async () => {
      const tenant = await newTenant();
      const ids = new Set();
      for (const text of ['0080F0C571EB', '0080f0c571eb', '00:80:F0:C5:71:EB', '00-80-f0-c5-71-eb', '0080.f0c5.71eb']) {
        ids.add((await admin.put(`/tenants/${tenant}/devices/${encodeURIComponent(text)}`, { model: 'KX-UTG300B' })).id);
      }
      assert.equal(ids.size, 1);
    });

    it('a name that is taken is a conflict', async () => {
      const tenant = await newTenant();
      const { name } = await admin.get(`/tenants/${tenant}`);
      assertProblem(await admin.call('POST', '/tenants', { body: { name } }), 409, 'conflict');
      await admin.put(`/tenants/${tenant}/devices/${mac(9)}`, { model: 'KX-UTG300B' });
      assertProblem(await admin.call('DELETE', `/tenants/${tenant}`), 409, 'conflict');
      assertProblem(
        await admin.call('POST', `/tenants/${tenant}/devices`, { body: { mac: mac(9), model: 'KX-UTG300B' } }),
        409,
        'conflict',
      );
    });

    it('URL templates that could read one path in two ways are refused with both and an example', async () => {
      const answer = await admin.call('POST', '/tenants', {
        body: { name: 'Ambiguous', options: { urls: { initial: { plain: ['{MODEL}.cfg'] }, product: { plain: ['{MODEL}.cfg'] } } } },
      });
      assertProblem(answer, 422, 'invalid-value');
      assert.deepEqual(answer.body.templates, ['{MODEL}.cfg', '{MODEL}.cfg']);
      assert.ok(answer.body.example_path.endsWith('.cfg'));
    });

    it('answers other methods with 405 and Allow, unknown paths with 404', async () => {
      const answer = await admin.call('PATCH', '/tenants');
      assertProblem(answer, 405, 'method-not-allowed');
      assert.match(answer.headers.get('allow') ?? '', /GET/);
      assertProblem(await admin.call('GET', '/nothing'), 404, 'not-found');
    });

    it('is refused over plain HTTP', async () => {
      const { rawRequest } = await import('../support/worker/raw.mjs');
      const answer = await rawRequest(worker.port, '/api/v1/tenants', {
        headers: [
          ['Host', 'phones.example'],
          ['Authorization', `Bearer ${worker.adminToken}`],
        ],
      });
      assert.ok(answer.status >= 400, `status ${answer.status}`);
      assert.ok(!answer.body.includes('"items"'));
    });
  });

  describe('audit', () => {
    it('names who, what, before and after without secrets, when and from where', async () => {
      const tenant = await newTenant();
      const made = await admin.post('/tokens', { name: 'auditor', access: 'write', tenant });
      const api = new Api(worker, made.token);
      const path = `/tenants/${tenant}/settings`;
      await api.put(path, { settings: { NTP: 'a.example', SIP_PASS: { secret: 'first-secret' } } });
      const answer = await api.call('PUT', path, {
        body: { settings: { NTP: 'b.example', SIP_PASS: { secret: 'second-secret' } } },
        headers: { 'cf-connecting-ip': '192.0.2.77' },
      });
      assert.equal(answer.status, 200);
      const { items } = await api.get(`/tenants/${tenant}/audit`);
      const entry = items.find((item) => item.action === 'settings.update');
      assert.equal(entry.token, made.id);
      assert.equal(entry.object, 'settings');
      assert.equal(entry.before.NTP.length, 9);
      assert.notEqual(entry.before.NTP.digest, entry.after.NTP.digest);
      assert.deepEqual(entry.after.SIP_PASS, { secret: null });
      assert.equal(entry.address, '192.0.2.77');
      assert.equal(entry.request_id, answer.headers.get('ringfence-request-id'));
      assert.ok(Math.abs(entry.at - Date.now()) < 60_000);
      assert.ok(!JSON.stringify(items).includes('-secret'));
    });

    it('is append-only in the database itself', async () => {
      await assert.rejects(worker.sql("UPDATE audit SET action = 'x'"), /append-only/);
      await assert.rejects(worker.sql('DELETE FROM audit'), /append-only/);
    });

    it('every write leaves an entry, a refused one leaves none', async () => {
      const tenant = await newTenant();
      const count = async () => (await worker.sql('SELECT count(*) AS n FROM audit WHERE tenant_id = ?1', tenant))[0].n;
      let before = await count();
      const writes = [
        () => admin.put(`/tenants/${tenant}/models/KX-UTG300B`, { family: 'utg', profile: 'utg-128' }),
        () => admin.post(`/tenants/${tenant}/sites`, { name: 'Harbour' }),
        () => admin.post(`/tenants/${tenant}/access-paths`, { label: 'one' }),
        () => admin.put(`/tenants/${tenant}/devices/${mac(1)}`, { model: 'KX-UTG300B' }),
        () => admin.post(`/tenants/${tenant}/devices/${mac(1)}/rekey`),
        () => admin.post(`/tenants/${tenant}/devices/${mac(1)}/disable`),
        () => admin.post(`/tenants/${tenant}/devices/${mac(1)}/enable`),
        () => admin.put(`/tenants/${tenant}/devices/${mac(1)}/settings`, { settings: { A: 'x' } }),
        () => admin.delete(`/tenants/${tenant}/devices/${mac(1)}`),
      ];
      for (const write of writes) {
        await write();
        const after = await count();
        assert.equal(after, before + 1, write.toString());
        before = after;
      }
      await admin.call('PUT', `/tenants/${tenant}/settings`, { body: { settings: { 'A B': 'x' } } });
      assert.equal(await count(), before);
    });
  });

  it('GET /healthz needs no token and says no secret', async () => {
    const answer = await worker.fetch('/healthz');
    assert.equal(answer.status, 200);
    const text = await answer.text();
    assert.ok(!text.includes(worker.adminToken) && !text.includes(worker.options.secrets.MASTER_KEY));
  });

  it('GET /api/v1/openapi.json describes every path that this test uses', async () => {
    const document = await admin.get('/openapi.json');
    assert.deepEqual(document, JSON.parse(readFileSync(join(ROOT, 'crates/api/openapi.json'), 'utf8')));
    assert.match(document.openapi, /^3\.1/);
    for (const path of ['/api/v1/tenants/{tenant}/devices/{mac}/rekey', '/api/v1/tenants/{tenant}/settings', '/api/v1/rotation']) {
      assert.ok(document.paths[path], path);
    }
  });
});
