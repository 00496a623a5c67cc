// One-time codes for signing in to the console: good once, for ten minutes, for a browser that the page's own form
// sends it from; in no log, and in the database as a digest alone.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Visitor } from '../support/browser/browser.mjs';
import { Console } from '../support/browser/console.mjs';
import { Api, secretOf } from '../support/worker/api.mjs';

describe('a one-time code for signing in', () => {
  let console_;
  let worker;
  let admin;
  before(async () => {
    console_ = await Console.open();
    ({ worker, admin } = console_);
  });
  after(() => console_?.close());

  const post = (code, headers = {}) =>
    worker.fetch('/console/sign-in/code', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: new URL(worker.http).origin, ...headers },
      body: new URLSearchParams({ code }),
    });
  const opens = async (code) => (await post(code)).status === 303;

  it('opens one session, once, however many come with it at once', async () => {
    const { code } = await admin.post('/sign-in-codes');
    assert.match(code, /^rfc_[0-9A-Z]{26}_[\w-]{43}$/);
    const before = (await worker.sql('SELECT id FROM sessions')).length;
    const answers = await Promise.all(Array.from({ length: 12 }, () => post(code)));
    const good = answers.filter(({ status }) => status === 303);
    assert.equal(good.length, 1);
    assert.match(good[0].headers.get('set-cookie'), /^__Host-ringfence=rfs_[^;]+; Path=\/; Secure; HttpOnly; SameSite=Strict/);
    assert.equal(good[0].headers.get('location'), '/console');
    for (const { status } of answers.filter((answer) => answer !== good[0])) assert.equal(status, 401);
    assert.equal((await worker.sql('SELECT id FROM sessions')).length, before + 1);
    assert.equal(await opens(code), false);
    assert.match(await (await post(code)).text(), /was used, is more than ten minutes old/);
  });

  it('is no good when it is too old, cut, made up, or sent by another site', async () => {
    const { code, expires_at: end } = await admin.post('/sign-in-codes');
    assert.ok(Math.abs(end - Date.now() - 600_000) < 30_000, 'it lasts for ten minutes');
    for (const wrong of ['', 'x', code.slice(0, -1), `${code.slice(0, -1)}${code.endsWith('A') ? 'B' : 'A'}`, code.replace('rfc', 'rf')]) {
      assert.equal(await opens(wrong), false, wrong);
    }
    assert.equal((await post(code, { origin: 'https://elsewhere.example' })).status, 403);
    assert.equal((await worker.fetch(`/console/sign-in/code?code=${code}`)).status, 404, 'an address opens nothing');
    await worker.sql('UPDATE sign_in_codes SET expires_at = ?1', Date.now() - 1);
    assert.equal(await opens(code), false);
  });

  it('is made by a token that may write for all tenants, opens what that token may, and ends with it', async () => {
    const tenant = await admin.post('/tenants', { name: 'Harbour' });
    const made = {};
    for (const [name, input] of Object.entries({
      one: { access: 'write', tenant: tenant.id },
      reader: { access: 'read' },
      writer: { access: 'write' },
    })) {
      made[name] = await admin.post('/tokens', { name, ...input });
    }
    for (const name of ['one', 'reader']) {
      assert.equal((await new Api(worker, made[name].token).call('POST', '/sign-in-codes', { body: {} })).status, 403, name);
    }
    assert.equal((await new Api(worker, null).call('POST', '/sign-in-codes', { body: {} })).status, 401);
    const writer = new Api(worker, made.writer.token);
    const kept = await writer.post('/sign-in-codes');
    const lost = await writer.post('/sign-in-codes');
    const cookie = (await post(kept.code)).headers.get('set-cookie').split(';')[0];
    const sessions = await (await worker.fetch('/console/sessions', { headers: { cookie } })).text();
    assert.match(sessions, /writer/);
    await admin.delete(`/tokens/${made.writer.id}`);
    assert.equal(await opens(lost.code), false);
  });

  it('is one of five at most, and goes with another ADMIN_TOKEN', async () => {
    const codes = [];
    for (let number = 0; number < 6; number += 1) codes.push((await admin.post('/sign-in-codes')).code);
    assert.equal(await opens(codes[0]), false);
    assert.equal(await opens(codes[1]), true);
    const old = worker.adminToken;
    await worker.restart({ secrets: { ADMIN_TOKEN: 'b'.repeat(48) } });
    assert.equal(await opens(codes[2]), false);
    await worker.restart({ secrets: { ADMIN_TOKEN: old } });
    admin = new Api(worker);
    assert.equal(await opens(codes[2]), true, 'with the old one it is good again');
  });

  it('is in the audit log by its id, and as itself in no log and no table', async () => {
    const { id, code } = await admin.post('/sign-in-codes');
    assert.equal(await opens(code), true);
    await opens(code);
    const { items } = await admin.get('/audit?limit=50');
    assert.ok(items.some(({ action, object }) => action === 'sign_in_code.create' && object === `sign-in-codes/${id}`));
    assert.ok(items.some(({ action, after }) => action === 'session.create' && JSON.stringify(after).includes(id)));
    const secret = secretOf(code);
    assert.ok(!worker.log.includes(secret));
    for (const table of ['sign_in_codes', 'sessions', 'audit']) {
      assert.ok(!JSON.stringify(await worker.sql(`SELECT * FROM ${table}`)).includes(secret), table);
    }
  });

  it('signs a person in by a link, of which no request has the code', async () => {
    const { url, code } = await admin.post('/sign-in-codes');
    const visitor = await Visitor.come(console_.browser, worker.http);
    console_.visitors.push(visitor);
    const asked = [];
    visitor.page.on('request', (request) => asked.push([request.url(), request.method(), request.postData() ?? '']));
    await visitor.open(url);
    const button = visitor.page.getByRole('button', { name: 'Go on with this link' });
    await button.waitFor();
    assert.equal(new URL(visitor.page.url()).hash, '', 'it is out of the address bar');
    assert.deepEqual(await visitor.axe(), []);
    await button.click();
    await visitor.page.waitForURL(/\/console(?!\/sign-in)/);
    assert.deepEqual(visitor.page.wrong, []);
    const secret = secretOf(code);
    const carried = asked.filter((request) => request.join().includes(secret));
    assert.deepEqual(
      carried.map(([address, method]) => [new URL(address).pathname, method]),
      [['/console/sign-in/code', 'POST']],
    );
    assert.ok(carried.every(([address]) => !address.includes(secret)));
    // A link that was used says so, and leads to the other way.
    const again = await Visitor.come(console_.browser, worker.http);
    console_.visitors.push(again);
    await again.open(url);
    await again.page.getByRole('button', { name: 'Go on with this link' }).click();
    await again.page.getByRole('alert').getByText('Sign in with an API token').waitFor();
    assert.ok(await again.page.getByLabel('API token').isVisible());
  });

  it('shows the form for a token alone where there is no code, and where the page may run no script', async () => {
    for (const [path, options] of [
      ['/console/sign-in', {}],
      ['/console/sign-in#code=rfc_x', { javaScriptEnabled: false }],
    ]) {
      const visitor = await Visitor.come(console_.browser, worker.http, options);
      console_.visitors.push(visitor);
      await visitor.open(path);
      assert.equal(await visitor.page.getByRole('button', { name: 'Go on with this link' }).count(), 0);
      assert.ok(await visitor.page.getByLabel('API token').isVisible());
    }
  });
});
