// What one API token may do a minute, so that the tenants who share a database and a thread have their
// share of it.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { wranglerConfig } from '../support/config.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { eventually } from '../support/wait.mjs';

const limits = Object.fromEntries(wranglerConfig().ratelimits.map(({ name, simple }) => [name, simple.limit]));

describe('a token', () => {
  let worker;
  let admin;
  let tenant;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
    admin = new Api(worker);
    tenant = (await admin.post('/tenants', { name: 'Tenant' })).id;
  });
  after(() => worker?.stop());

  const newToken = async (options) => new Api(worker, (await admin.post('/tokens', { name: 'test', access: 'write', ...options })).token);
  const lint = (api) => api.call('POST', '/lint', { body: { family: 'utg', kind: 'standard', text: '<a/>' } });

  /** Calls, some at once, until one is refused; how many were not, and the refusal. Twice the limit, should a minute end meanwhile. */
  async function spend(call, limit) {
    const AT_ONCE = 6;
    for (let count = 0; count <= 2 * limit; count += AT_ONCE) {
      const answers = await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => call(count + at)));
      const taken = answers.filter(({ status }) => status !== 429);
      for (const answer of taken) assert.ok(answer.status < 300, answer.text);
      if (taken.length < AT_ONCE) return { count: count + taken.length, answer: answers.find(({ status }) => status === 429) };
    }
    return assert.fail(`not refused after ${2 * limit} calls`);
  }

  for (const [what, binding, call] of [
    ['checks', 'TOKEN_CHECKS', lint],
    [
      'changes',
      'TOKEN_WRITES',
      (api, count) => api.call('POST', `/tenants/${tenant}/sites`, { body: { name: `Site ${count} ${Math.random()}` } }),
    ],
    ['looks', 'TOKEN_READS', (api) => api.call('GET', '/tenants')],
  ]) {
    it(`of one tenant is refused too many ${what}, and nothing else is`, async () => {
      const api = await newToken({ tenant });
      const { count, answer } = await spend((number) => call(api, number), limits[binding]);
      assert.ok(count >= limits[binding], `refused after ${count}`);
      assert.equal(answer.headers.get('retry-after'), '60');
      assert.equal(answer.body.type, 'urn:ringfence:problem:too-many-requests');
      assert.match(answer.body.detail, /This token made too many calls in a minute/);
      assert.equal((await call(api, 'again')).status, 429);
      const others = {
        TOKEN_READS: (by) => by.call('GET', '/tenants'),
        TOKEN_CHECKS: lint,
        TOKEN_WRITES: (by) => by.call('POST', `/tenants/${tenant}/access-paths`, { body: {} }),
      };
      for (const [name, other] of Object.entries(others)) {
        if (name !== binding) assert.ok((await other(api)).status < 300, name);
      }
      // Not another token, also of the same tenant.
      assert.ok((await call(await newToken({ tenant }), 'other')).status < 300);
      assert.ok((await call(admin, 'admin')).status < 300);
      await worker.logLine((line) => line.event === 'token_over_limit' && line.limit === binding);
    });
  }

  it('spends what is refused to it too, and costs no look-up once it has nothing left', async () => {
    const elsewhere = (await admin.post('/tenants', { name: 'Elsewhere' })).id;
    for (const [status, call] of [
      [403, (api) => api.call('GET', '/devices')],
      [404, (api) => api.call('GET', `/tenants/${elsewhere}/devices`)],
    ]) {
      const api = await newToken({ tenant });
      const answers = [];
      for (let count = 0; count <= 2 * limits.TOKEN_READS && answers.at(-1) !== 429; count += 1) answers.push((await call(api)).status);
      assert.equal(answers.at(-1), 429);
      assert.ok(answers.length > limits.TOKEN_READS && answers.slice(0, -1).every((found) => found === status), `${answers.slice(-3)}`);
      assert.equal((await call(api)).status, 429);
      // A token that was just made is not among those that the isolate has read yet.
      await eventually(
        async () => {
          await worker.probe({ reset: true });
          for (let count = 0; count < 20; count += 1) assert.equal((await call(api)).status, 429);
          return (await worker.probe({ reset: true })).sql;
        },
        (sql) => sql.length <= 1,
        'twenty calls without a look-up for each',
      );
      // Whoever knows its id alone learns nothing from it.
      const [, id] = api.token.split('_');
      const guess = new Api(
        worker,
        api.token.replace(/.{4}$/, (end) => (end === 'AAAA' ? 'BBBB' : 'AAAA')),
      );
      assert.ok(id.length > 0);
      assert.equal((await call(guess)).status, 401);
    }
  });

  it('that looks at secrets spends of its changes', async () => {
    const api = await newToken({ tenant, access: 'read', reveal: true });
    const { count } = await spend(() => api.call('GET', `/tenants/${tenant}/settings?reveal=true`), limits.TOKEN_WRITES);
    assert.ok(count >= limits.TOKEN_WRITES);
    assert.equal((await api.call('GET', `/tenants/${tenant}/settings`)).status, 200);
  });

  it('for all tenants has a larger allowance, and ADMIN_TOKEN is not counted', async () => {
    const all = await newToken({});
    for (const api of [all, admin]) {
      for (let count = 0; count < limits.TOKEN_CHECKS + 20; count += 1) assert.equal((await lint(api)).status, 200);
    }
  });

  it('does not outlive the one that makes it', async () => {
    const end = Date.now() + 3_600_000;
    const short = await newToken({ expires_at: end });
    const make = (expires_at) => short.call('POST', '/tokens', { body: { name: 'x', access: 'read', expires_at } });
    for (const later of [null, end + 1]) {
      const answer = await make(later);
      assert.equal(answer.status, 403, answer.text);
      assert.match(answer.body.detail, /cannot make one that ends later/);
    }
    assert.equal((await make(end)).status, 201);
    assert.equal((await admin.call('POST', '/tokens', { body: { name: 'x', access: 'read' } })).status, 201);
  });

  it('of one tenant does not learn whether another has a name', async () => {
    await admin.post('/tenants', { name: 'Somebody else' });
    const api = await newToken({ tenant });
    const answers = [];
    for (const name of ['Somebody else', 'Nobody']) answers.push(await api.call('PUT', `/tenants/${tenant}`, { body: { name } }));
    assert.deepEqual(
      answers.map((answer) => [answer.status, answer.body.detail]),
      Array(2).fill([403, 'A change of `name` takes a token for all tenants. Leave it as it is, or use such a token.']),
    );
    // Its own stays possible, with other options.
    assert.equal((await api.call('PUT', `/tenants/${tenant}`, { body: { name: 'Tenant', options: { retry_window_s: 5 } } })).status, 200);
  });

  it('of one tenant does not raise what all share', async () => {
    const api = await newToken({ tenant });
    const put = (by, options) => by.call('PUT', `/tenants/${tenant}`, { body: { name: 'Tenant', options } });
    for (const options of [{ events_per_minute: 100_000 }, { event_retention_days: 3660 }]) {
      const answer = await put(api, options);
      assert.equal(answer.status, 422, answer.text);
      assert.match(answer.body.detail, /A token for all tenants may set more/);
    }
    assert.equal((await put(admin, { events_per_minute: 5000 })).status, 200);
    assert.equal((await put(api, { events_per_minute: 5000, retry_window_s: 9 })).status, 200);
    assert.equal((await put(api, { events_per_minute: 0 })).status, 200);
  });
});
