// Signing in to the console by Cloudflare Access: an assertion that its keys have signed, for this application
// and now, opens what the token of that address opens; nothing else of it does.

import assert from 'node:assert/strict';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { seedTenant } from '../support/worker/seed.mjs';

const AUDIENCE = 'f00dcafe'.repeat(8);
const HEADER = 'cf-access-jwt-assertion';

/** Access as a team has it: keys at its address, and assertions that it signs. */
class Team {
  static async start() {
    const team = new Team();
    team.keys = {};
    team.asked = 0;
    team.add('one');
    team.server = createServer((request, response) => {
      assert.equal(request.url, '/cdn-cgi/access/certs');
      team.asked += 1;
      const keys = Object.entries(team.keys).map(([kid, { publicKey }]) => ({
        kid,
        use: 'sig',
        alg: 'RS256',
        ...publicKey.export({ format: 'jwk' }),
      }));
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys, public_certs: [] }));
    });
    await new Promise((resolve) => team.server.listen(0, '127.0.0.1', resolve));
    team.issuer = `http://127.0.0.1:${team.server.address().port}`;
    return team;
  }

  add(kid) {
    this.keys[kid] = generateKeyPairSync('rsa', { modulusLength: 2048 });
  }

  /** An assertion; `claims` and `header` replace what is right. */
  assertion(claims = {}, { kid = 'one', by = this.keys[kid]?.privateKey, alg = 'RS256' } = {}) {
    const now = Math.floor(Date.now() / 1000);
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const all = {
      aud: [AUDIENCE],
      email: 'Ada@Example.org',
      exp: now + 600,
      iat: now,
      nbf: now,
      iss: this.issuer,
      type: 'app',
      sub: 'x',
      ...claims,
    };
    const signed = `${part({ alg, kid, typ: 'JWT' })}.${part(all)}`;
    return `${signed}.${createSign('RSA-SHA256').update(signed).sign(by).toString('base64url')}`;
  }
}

describe('Cloudflare Access', () => {
  let team;
  let worker;
  let admin;
  let tenant;
  before(async () => {
    team = await Team.start();
    worker = await Ringfence.start({ assets: true, secrets: { ACCESS_TEAM: team.issuer, ACCESS_AUDIENCE: AUDIENCE } });
    admin = new Api(worker);
    tenant = await seedTenant(worker);
    await admin.post('/tokens', { name: 'Ada', tenant: tenant.id, access: 'read', email: 'ADA@example.org' });
  });
  after(async () => {
    team?.server.close();
    await worker?.stop();
  });

  const ask = (assertion) => worker.fetch('/console/sign-in', { headers: assertion ? { [HEADER]: assertion } : {} });
  const signIn = (assertion, headers = {}) =>
    worker.fetch('/console/sign-in/access', {
      method: 'POST',
      redirect: 'manual',
      headers: {
        ...(assertion ? { [HEADER]: assertion } : {}),
        'content-type': 'application/x-www-form-urlencoded',
        origin: new URL(worker.http).origin,
        ...headers,
      },
      body: 'next=%2Fconsole%2Fsessions',
    });

  it('opens what the token of that address opens', async () => {
    const page = await (await ask(team.assertion())).text();
    assert.match(page, /Go on as ada@example\.org/);
    const answer = await signIn(team.assertion());
    assert.deepEqual([answer.status, answer.headers.get('location')], [303, '/console/sessions']);
    const cookie = answer.headers.get('set-cookie').split(';')[0];
    const look = (path, assertion = team.assertion()) =>
      worker.fetch(path, { redirect: 'manual', headers: { cookie, ...(assertion ? { [HEADER]: assertion } : {}) } });
    assert.equal((await look(`/console/tenants/${tenant.id}`)).status, 200);
    assert.equal((await look('/console/tokens')).status, 403);
    const [session] = (await admin.get('/sessions')).items;
    assert.equal(session.token_name, 'Ada');
    const { items } = await admin.get(`/tenants/${tenant.id}/audit?action=session.create`);
    assert.equal(items.length, 1);
    // It ends with its token.
    const [{ id }] = (await admin.get('/tokens')).items.filter(({ email }) => email === 'ada@example.org');
    await admin.delete(`/tokens/${id}`);
    assert.equal((await look(`/console/tenants/${tenant.id}`)).status, 303);
    const gone = await signIn(team.assertion());
    assert.equal(gone.status, 403);
    assert.match(await gone.text(), /no API token that is valid has this/);
  });

  it('holds a session that it opened to whom it names with each request, and no other session', async () => {
    const token = await admin.post('/tokens', { name: 'Joan', access: 'read', email: 'joan@example.org' });
    const joan = (claims, by) => team.assertion({ email: 'joan@example.org', ...claims }, by);
    const cookieOf = (answer) => answer.headers.get('set-cookie').split(';')[0];
    const look = (cookie, assertion) =>
      worker.fetch('/console/tenants', { redirect: 'manual', headers: { cookie, ...(assertion ? { [HEADER]: assertion } : {}) } });
    const cookie = cookieOf(await signIn(joan()));
    const now = Math.floor(Date.now() / 1000);
    assert.equal((await look(cookie, joan())).status, 200);
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    for (const [assertion, what] of [
      [undefined, 'none: the request did not come through Access'],
      [team.assertion({ email: 'ada@example.org' }), 'of somebody else'],
      [joan({ exp: now - 1 }), 'one that is over'],
      [joan({ aud: ['another'] }), 'for another application'],
      [joan({}, { by: other }), 'that Access did not sign'],
    ]) {
      const answer = await look(cookie, assertion);
      assert.deepEqual(
        [answer.status, answer.headers.get('location')],
        [303, '/console/sign-in?said=over&next=%2Fconsole%2Ftenants'],
        what,
      );
      assert.match(answer.headers.get('set-cookie'), /Max-Age=0/, what);
    }
    // Without the right of Access a form does nothing, either.
    const write = await worker.fetch('/console/sign-out', {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie, origin: new URL(worker.http).origin },
    });
    assert.match(write.headers.get('location'), /sign-in\?said=over/);
    assert.equal((await look(cookie, joan({ email: 'JOAN@example.org' }))).status, 200);
    // Whoever signed in by the token itself needs no Access.
    const byToken = await worker.fetch('/console/sign-in', {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: new URL(worker.http).origin },
      body: new URLSearchParams({ token: token.token, next: '' }),
    });
    for (const assertion of [undefined, joan({ exp: now - 1 }), team.assertion({ email: 'ada@example.org' })]) {
      assert.equal((await look(cookieOf(byToken), assertion)).status, 200);
    }
  });

  it('is not believed in anything that it did not sign for this application and now', async () => {
    await admin.post('/tokens', { name: 'Grace', access: 'write', email: 'grace@example.org' });
    const grace = (claims, by) => team.assertion({ email: 'grace@example.org', ...claims }, by);
    assert.equal((await signIn(grace())).status, 303);
    const now = Math.floor(Date.now() / 1000);
    const good = grace();
    const [header, , signature] = good.split('.');
    const forged = Buffer.from(JSON.stringify({ aud: AUDIENCE, email: 'grace@example.org', exp: now + 9, iss: team.issuer })).toString(
      'base64url',
    );
    const none = `${Buffer.from('{"alg":"none","kid":"one"}').toString('base64url')}.${forged}.`;
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    for (const [assertion, why] of [
      [undefined, /says nothing about this request/],
      ['', /says nothing|not a signed assertion/],
      ['x.y.z', /not a signed assertion/],
      [none, /not a signed assertion/],
      [grace({}, { alg: 'HS256' }), /not a signed assertion/],
      [`${header}.${forged}.${signature}`, /signed by no key/],
      [grace({}, { by: other }), /signed by no key/],
      [grace({}, { kid: 'nobody', by: other }), /signed by no key/],
      [grace({ aud: ['another'] }), /another team or application/],
      [grace({ iss: 'https://evil.example' }), /another team or application/],
      [grace({ exp: now - 1 }), /too old/],
      [grace({ nbf: now + 600 }), /not valid yet/],
      [grace({ email: '' }), /names no person/],
      [grace({ email: 'eve@example.org' }), /no API token/],
    ]) {
      const answer = await signIn(assertion);
      assert.equal(answer.status, 403, String(why));
      assert.match(await answer.text(), why);
      assert.equal(answer.headers.get('set-cookie'), null);
    }
    // Nor from another site's form, nor does it open a page by itself, nor the API.
    assert.equal((await signIn(grace(), { origin: 'https://evil.example' })).status, 403);
    const page = await worker.fetch('/console/tenants', { redirect: 'manual', headers: { [HEADER]: grace() } });
    assert.equal(page.status, 303);
    assert.equal((await worker.fetch('/api/v1/tenants', { headers: { [HEADER]: grace() } })).status, 401);
    assert.match(await (await ask('x.y.z')).text(), /is not believed/);
    for (const line of worker.logLines()) assert.ok(!JSON.stringify(line).includes(signature));
  });

  it('has its keys read once, and anew for one that is not known', async () => {
    await admin.post('/tokens', { name: 'Mary', access: 'read', email: 'mary@example.org' });
    const mary = (by) => team.assertion({ email: 'mary@example.org' }, by);
    const asked = team.asked;
    for (let time = 0; time < 5; time += 1) assert.equal((await signIn(mary())).status, 303);
    assert.ok(team.asked - asked <= 1, `${team.asked - asked} times`);
    // Whoever names keys that do not exist does not have them asked for each time.
    team.add('stranger');
    const { privateKey } = team.keys.stranger;
    delete team.keys.stranger;
    const before = team.asked;
    for (let time = 0; time < 5; time += 1) assert.equal((await signIn(mary({ kid: `no-${time}`, by: privateKey }))).status, 403);
    assert.ok(team.asked - before <= 1, `${team.asked - before} times`);
  });

  it('takes one address for one token', async () => {
    for (const email of ['mary@example.org', 'MARY@example.org']) {
      const again = await admin.call('POST', '/tokens', { body: { name: 'Other', access: 'read', email } });
      assert.equal(again.status, 409);
      assert.match(again.body.detail, /Another token has this/);
    }
    assert.equal((await admin.call('POST', '/tokens', { body: { name: 'x', access: 'read', email: 'nobody' } })).status, 422);
  });

  it('says nothing where it is not set up', async () => {
    await worker.restart({ secrets: { ACCESS_AUDIENCE: null } });
    assert.doesNotMatch(await (await ask(team.assertion())).text(), /Go on as|not believed/);
    assert.equal((await signIn(team.assertion())).status, 403);
  });
});
