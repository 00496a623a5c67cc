// Webhooks: signed messages that a foreign reader accepts, told once, delivered though the receiver fails and the
// process is killed, and sent to nobody inside.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Webhook } from 'standardwebhooks';

import { receiver } from '../support/receiver.mjs';
import { connectedRelay, sippPhones, poolAndTenant } from '../support/relay/notify.mjs';
import { rawRequest } from '../support/worker/raw.mjs';
import { eventually } from '../support/wait.mjs';
import { Api } from '../support/worker/api.mjs';
import { newMasterKey, Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedDevice, seedTenant, ulid } from '../support/worker/seed.mjs';

const KINDS = ['bootstrap.unexpected_network', 'device.never_came_back', 'site.silent', 'rollout.paused', 'scan.suspected', 'file.broken'];

describe('webhooks', () => {
  let worker;
  let api;
  let inbox;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
    api = new Api(worker);
    inbox = await receiver();
  });
  after(async () => {
    await worker?.stop();
    await inbox?.close();
  });

  const make = (at, path, more = {}) => api.post(`${at}/webhooks`, { name: path, url: inbox.url(path), kinds: ['file.broken'], ...more });
  const told = (path, count = 1) =>
    eventually(
      () => inbox.at(path),
      (messages) => messages.length >= count,
      `${count} messages at ${path}`,
    );
  /** A webhook that was made an hour ago and begins to look now. */
  async function longThere(at, path, more) {
    const hook = await make(at, path, { ...more, disabled: true });
    await worker.sql('UPDATE webhooks SET created_at = created_at - 3600000 WHERE id = ?1', hook.id);
    const { name, url, kinds, options } = hook;
    return { ...hook, start: () => api.put(`${at}/webhooks/${hook.id}`, { name, url, kinds, options, disabled: false }) };
  }

  it('sign what they send so that another implementation accepts it, with both secrets during a rotation', async () => {
    const hook = await make('', 'signed');
    assert.match(hook.secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
    const sent = await api.post(`/webhooks/${hook.id}/test`);
    const [{ headers, body }] = await told('signed');
    const message = new Webhook(hook.secret).verify(body, headers);
    assert.equal(message.type, 'webhook.test');
    assert.ok(Math.abs(Date.parse(message.timestamp) - Date.now()) < 60_000);
    assert.equal(headers['webhook-id'], sent.id);
    assert.equal(headers['content-type'], 'application/json');
    assert.throws(() => new Webhook(hook.secret).verify(`${body} `, headers), /signature/i);
    assert.throws(() => new Webhook(`whsec_${Buffer.alloc(32).toString('base64')}`).verify(body, headers), /signature/i);

    const newer = await api.post(`/webhooks/${hook.id}/rotate-secret`, { overlap_hours: 1 });
    await api.post(`/webhooks/${hook.id}/test`);
    const [, second] = await told('signed', 2);
    assert.equal(second.headers['webhook-signature'].split(' ').length, 2);
    for (const secret of [hook.secret, newer.secret]) new Webhook(secret).verify(second.body, second.headers);
    await worker.sql('UPDATE webhook_secrets SET ends_at = 1 WHERE ends_at IS NOT NULL');
    await api.post(`/webhooks/${hook.id}/test`);
    const [, , third] = await told('signed', 3);
    new Webhook(newer.secret).verify(third.body, third.headers);
    assert.throws(() => new Webhook(hook.secret).verify(third.body, third.headers), /signature/i);
  });

  it('keep secrets wrapped, show them once, and leave an entry for each change without them', async () => {
    const { id: tenant } = await seedTenant(worker);
    const at = `/tenants/${tenant}`;
    const hook = await make(at, 'kept');
    const stored = JSON.stringify(await worker.sql('SELECT * FROM webhook_secrets'));
    assert.ok(!stored.includes(hook.secret.slice(6, 30)));
    for (const answer of [await api.get(`${at}/webhooks`), await api.get(`${at}/webhooks/${hook.id}`)]) {
      assert.ok(!JSON.stringify(answer).includes('whsec_'));
    }
    await api.post(`${at}/webhooks/${hook.id}/rotate-secret`, {});
    await api.delete(`${at}/webhooks/${hook.id}`);
    const { items } = await api.get(`${at}/audit?limit=50`);
    assert.deepEqual(
      items.map(({ action }) => action).filter((action) => action.startsWith('webhook')),
      ['webhook.delete', 'webhook.rotate_secret', 'webhook.create'],
    );
    assert.ok(!JSON.stringify(items).includes(hook.secret.slice(6, 30)));
    assert.deepEqual(await worker.sql('SELECT * FROM webhook_secrets WHERE webhook_id = ?1', hook.id), []);
  });

  it('belong to a tenant or to the installation, in a bounded number, and go to public names alone', async () => {
    const [one, other] = [await seedTenant(worker), await seedTenant(worker)];
    const { token } = await api.post('/tokens', { name: 'own', access: 'write', tenant: one.id });
    const own = new Api(worker, token);
    const at = `/tenants/${one.id}`;
    const hook = await own.post(`${at}/webhooks`, { name: 'a', url: 'https://hooks.example/a', kinds: ['file.broken'], disabled: true });
    assert.equal((await own.call('GET', '/webhooks')).status, 403);
    assert.equal((await own.call('GET', `/tenants/${other.id}/webhooks`)).status, 404);
    assert.equal((await api.call('GET', `/tenants/${other.id}/webhooks/${hook.id}`)).status, 404);
    assert.equal((await api.call('GET', `/webhooks/${hook.id}`)).status, 404);
    const bad = [
      { url: 'http://hooks.example/' },
      { url: 'https://10.0.0.1/' },
      { url: 'https://0xa.1/' },
      { url: 'https://[fe80::1]/' },
      { url: 'https://printer.local/' },
      { url: 'https://user:word@hooks.example/' },
      { kinds: [] },
      { kinds: ['relay.lost'] },
      { kinds: ['else'] },
      { options: { scan_minutes: 1 } },
    ];
    for (const more of bad) {
      const body = { name: 'b', url: 'https://hooks.example/', kinds: ['file.broken'], ...more };
      const { status } = await own.call('POST', `${at}/webhooks`, { body });
      assert.ok([400, 422].includes(status), `${status} ${JSON.stringify(more)}`);
    }
    // A host that a deployment has: the loopback receiver of these tests is none then.
    const secure = await rawRequest(Number(new URL(worker.https).port), '/api/v1/webhooks', {
      method: 'POST',
      secure: true,
      headers: [
        ['Host', 'phones.example'],
        ['Authorization', `Bearer ${worker.adminToken}`],
        ['Content-Type', 'application/json'],
      ],
      body: JSON.stringify({ name: 'c', url: inbox.url('c'), kinds: ['file.broken'] }),
    });
    assert.ok([400, 422].includes(secure.status), secure.statusLine);
    for (let n = 2; n <= 10; n += 1)
      await own.post(`${at}/webhooks`, { name: `${n}`, url: 'https://hooks.example/', kinds: ['file.broken'], disabled: true });
    const over = await own.call('POST', `${at}/webhooks`, { body: { name: '11', url: 'https://hooks.example/', kinds: ['file.broken'] } });
    assert.equal(over.status, 409);
    assert.match(over.body.detail, /at most 10/);
  });

  it('tell of what came about, several of a kind in one message, and of other tenants nothing', async () => {
    const tenant = await seedTenant(worker, { options: { events_per_minute: 10_000 } });
    const other = await seedTenant(worker);
    const at = `/tenants/${tenant.id}`;
    const hook = await longThere(at, 'all', { kinds: KINDS, options: { daily: [], scan_requests: 10, site_silent_percent: 50 } });
    const site = (await api.post(`${at}/sites`, { name: 'Harbour' })).id;
    const half = Date.now() - 30 * 60_000;
    for (let n = 0; n < 6; n += 1) {
      const device = await seedDevice(worker, tenant, { mac: mac(0x100 + n), state: 'delivered', site });
      await worker.sql(
        'UPDATE devices SET last_seen_at = ?2, delivered_at = ?3 WHERE id = ?1',
        device.id,
        n < 4 ? 1 : Date.now(),
        n < 2 ? half - 3_600_000 : 1,
      );
      if (n === 5)
        await worker.sql(
          'UPDATE devices SET unexpected_network = 1, delivered_at = ?2, delivered_address = ?3 WHERE id = ?1',
          device.id,
          half,
          '192.0.2.77',
        );
    }
    const foreign = await seedDevice(worker, other, { mac: mac(0x200), state: 'delivered' });
    await worker.sql('UPDATE devices SET unexpected_network = 1, delivered_at = ?2 WHERE id = ?1', foreign.id, half);
    const recent = Date.now() - 120_000;
    const events = [
      ...Array.from({ length: 12 }, () => [null, null, 'refused', 'no_such_path', 404]),
      [mac(0x101), 'standard', 'broken', 'file_not_made', 503],
      [mac(0x101), 'standard', 'broken', 'file_not_made', 503],
      [mac(0x102), 'standard', 'broken', 'file_not_made', 503],
    ];
    await worker.batch(
      ...events.map(([phone, kind, outcome, reason, status]) => [
        `INSERT INTO phone_events (id, tenant_id, mac, kind, outcome, reason, status, bytes, address, user_agent, country, request_id, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, '198.51.100.9', '', '', 'r', ?8)`,
        ulid(undefined, recent),
        tenant.id,
        phone,
        kind,
        outcome,
        reason,
        status,
        recent,
      ]),
    );
    await worker.probe({ reset: true });
    await hook.start();
    const messages = await told('all', 5);
    const by = Object.fromEntries(
      messages.map(({ body, headers }) => [JSON.parse(body).type, new Webhook(hook.secret).verify(body, headers).data]),
    );
    assert.deepEqual(Object.keys(by).sort(), KINDS.filter((kind) => kind !== 'rollout.paused').sort());
    assert.deepEqual(
      by['bootstrap.unexpected_network'].items.map((item) => [item.mac, item.address]),
      [[mac(0x105), '192.0.2.77']],
    );
    assert.deepEqual(by['device.never_came_back'].items.map((item) => item.mac).sort(), [mac(0x100), mac(0x101)]);
    assert.deepEqual(
      by['site.silent'].items.map(({ site, name, devices, silent }) => [site, name, devices, silent]),
      [[site, 'Harbour', 6, 4]],
    );
    assert.deepEqual(
      by['scan.suspected'].items.map(({ address, requests }) => [address, requests]),
      [['198.51.100.9', 12]],
    );
    assert.deepEqual(
      by['file.broken'].items.map(({ mac, kind, requests }) => [mac, kind, requests]),
      [
        [mac(0x101), 'standard', 2],
        [mac(0x102), 'standard', 1],
      ],
    );
    for (const { body } of messages) {
      assert.ok(!body.includes(tenant.accessPath) && !body.includes(other.id) && !body.includes(mac(0x200)), body);
    }
    // The same again is nothing new.
    await hook.start();
    await api.post(`${at}/webhooks/${hook.id}/test`);
    await told('all', 6);
    assert.equal(inbox.at('all').length, 6);
    const { items } = await api.get(`${at}/webhooks/${hook.id}/messages?state=delivered`);
    assert.equal(items.length, 6);
  });

  it('tell of a rollout that stopped itself at phones that refuse, and of a relay that was killed', async () => {
    const { pool, relays, tenant, at } = await poolAndTenant(worker, api);
    const relay = await connectedRelay({ port: worker.port, credential: relays[0].credential });
    const options = { rollout_paused_minutes: 0, relay_lost_minutes: 1 };
    const kinds = ['rollout.paused', 'relay.lost'];
    const own = await make(at, 'own-rollouts', { kinds: ['rollout.paused'], options: { rollout_paused_minutes: 0 } });
    const all = await make('', 'all-pools', { kinds, options });
    const other = `/tenants/${(await seedTenant(worker)).id}`;
    const bystander = await make(other, 'bystander', { kinds: ['rollout.paused'], options: { rollout_paused_minutes: 0 } });
    /** Has a webhook look now, and not within five minutes. */
    const look = (hook, base = '') => {
      const { name, url, kinds, options } = hook;
      return api.put(`${base}/webhooks/${hook.id}`, { name, url, kinds, options, disabled: false });
    };
    const of = (path, type) => inbox.at(path).filter(({ body }) => JSON.parse(body).type === type);
    const one = (path, type, what) =>
      eventually(
        () => of(path, type),
        (messages) => messages.length > 0,
        what,
      );
    // Whoever refuses is not a phone that is slow: nobody of this stage comes back.
    const people = await sippPhones(worker, tenant, 10, { keys: { status: '403 Forbidden' }, fetches: false });
    try {
      await people.start();
      const { id } = await api.post(`${at}/rollouts`, {
        stages: [{ devices: 5 }, { percent: 100 }],
        threshold: { share: 0.9, within_s: 1 },
      });
      const paused = await eventually(
        () => api.get(`${at}/rollouts/${id}`),
        ({ state }) => state === 'paused',
        'the pause',
      );
      assert.deepEqual([paused.reason, paused.released], ['threshold', 5]);
      await look(own, at);
      const [{ body, headers }] = await one('own-rollouts', 'rollout.paused', 'the tenant is told');
      const { data } = new Webhook(own.secret).verify(body, headers);
      assert.deepEqual(
        data.items.map(({ tenant, rollout, pool, reason, message }) => ({ tenant, rollout, pool, reason, message })),
        [{ tenant: tenant.id, rollout: id, pool: pool.id, reason: 'threshold', message: paused.message }],
      );
      await look(all);
      await one('all-pools', 'rollout.paused', 'the installation is told');
      assert.equal(of('all-pools', 'relay.lost').length, 0, 'a relay that is connected is not lost');

      relay.process.kill('SIGKILL');
      assert.equal((await relay.gone).signal, 'SIGKILL');
      // The pool hears the end of the connection a moment after the process has gone, and that is the last of the relay.
      const relayPath = `/pools/${pool.id}/relays/${relays[0].id}`;
      await eventually(
        () => api.get(relayPath),
        ({ connected }) => !connected,
        'the pool knows that the relay has gone',
      );
      const away = Date.now();
      let lost = [];
      // It has to be away for a minute.
      for (const deadline = away + 150_000; lost.length === 0 && Date.now() < deadline;) {
        await look(all);
        await new Promise((resolve) => setTimeout(resolve, 2_000));
        lost = of('all-pools', 'relay.lost');
      }
      assert.equal(lost.length, 1, 'the relay is told of');
      const [{ items }] = lost.map((message) => new Webhook(all.secret).verify(message.body, message.headers).data);
      assert.deepEqual(
        items.map(({ pool, relay }) => [pool, relay]),
        [[pool.id, relays[0].id]],
      );
      assert.ok(items[0].last_seen_at <= away, `${items[0].last_seen_at} ${away}`);
      assert.ok(Date.now() - items[0].last_seen_at >= 60_000, `${items[0].last_seen_at}`);
      // What goes on being so is told once, and to nobody whom it does not concern.
      for (const [hook, base] of [
        [all, ''],
        [own, at],
        [bystander, other],
      ]) {
        await look(hook, base);
        await api.post(`${base}/webhooks/${hook.id}/test`);
      }
      await one('all-pools', 'webhook.test', 'a message after the look');
      await one('own-rollouts', 'webhook.test', 'a message after the look');
      await one('bystander', 'webhook.test', 'a message after the look');
      assert.equal(inbox.at('bystander').length, 1);
      assert.equal(of('all-pools', 'relay.lost').length, 1);
      assert.equal(of('all-pools', 'rollout.paused').length, 1);
      assert.equal(of('own-rollouts', 'rollout.paused').length, 1);
      assert.equal(of('own-rollouts', 'relay.lost').length, 0);
    } finally {
      await people.end();
      await relay.stop('SIGKILL');
    }
  });

  it('try again, follow no redirect, show dead messages, and send them again under the same id', async () => {
    const hook = await make('', 'fails');
    const statuses = [500, 302];
    inbox.answer = (request, response, { path }) => {
      const status = path === '/fails' ? (statuses.shift() ?? 410) : 204;
      response.writeHead(status, status === 302 ? { location: inbox.url('elsewhere') } : {}).end('x'.repeat(100_000));
    };
    const at = `/webhooks/${hook.id}`;
    const sent = await api.post(`${at}/test`);
    const state = () => api.get(`${at}/messages`).then(({ items }) => items.find((one) => one.id === sent.id));
    const first = await eventually(state, (message) => message.tries === 1);
    assert.deepEqual([first.state, first.status, first.error], ['waiting', 500, 'status']);
    assert.ok(first.next_at > Date.now());
    const second = await eventually(state, (message) => message.tries === 2, 'a second try');
    assert.deepEqual([second.state, second.status, second.error], ['waiting', 302, 'redirect']);
    assert.equal((await api.call('POST', `${at}/messages/${sent.id}/resend`)).status, 404);
    // The receiver wants nothing more of it.
    const dying = await api.post(`${at}/test`);
    const dead = await eventually(
      () => api.get(`${at}/messages?state=dead`),
      ({ items }) => items.length === 1,
    );
    assert.deepEqual([dead.items[0].id, dead.items[0].status], [dying.id, 410]);
    // Lists know it without asking the object, those of all tenants too.
    const counted = await eventually(
      () => api.get(at),
      (view) => view.dead === 1,
    );
    assert.equal(counted.revision, 1, 'that is no change of the webhook');
    const given = (await api.get('/webhooks?dead=true')).items;
    assert.deepEqual(
      given.map(({ id, dead: number }) => [id, number]),
      [[hook.id, 1]],
    );
    inbox.answer = (request, response) => response.writeHead(200).end();
    await api.post(`${at}/messages/${dying.id}/resend`);
    assert.equal((await api.get(at)).dead, 0, 'at once');
    assert.deepEqual((await api.get('/webhooks?dead=true')).items, []);
    await eventually(
      () => api.get(`${at}/messages?state=delivered`),
      ({ items }) => items.some((one) => one.id === dying.id),
    );
    assert.equal(inbox.at('elsewhere').length, 0);
    const tries = inbox.at('fails').filter(({ headers }) => headers['webhook-id'] === dying.id);
    assert.equal(tries.length, 2);
  });

  it('say how many messages were given up though a look fails, and those that are switched off, too', async () => {
    const hook = await make('', 'given-up');
    const at = `/webhooks/${hook.id}`;
    const { name, url, kinds, options } = hook;
    const put = (disabled) => api.put(at, { name, url, kinds, options, disabled });
    const dead = async () => (await api.get(at)).dead;
    inbox.answer = (request, response) => response.writeHead(410).end();
    await worker.sql('ALTER TABLE events RENAME TO events_away');
    try {
      // It looks at once, and cannot.
      await put(false);
      await api.post(`${at}/test`);
      await eventually(dead, (number) => number === 1, 'it is counted though no look is made');
    } finally {
      await worker.sql('ALTER TABLE events_away RENAME TO events');
      inbox.answer = (request, response) => response.writeHead(204).end();
    }
    await put(true);
    // As if the number had not reached the database before it was switched off.
    const lost = () => worker.sql('UPDATE webhooks SET dead = 0 WHERE id = ?1', hook.id);
    await lost();
    assert.equal((await api.get(`${at}/messages?state=dead`)).items.length, 1);
    assert.equal(await dead(), 1, 'the list of its messages corrects it');
    await lost();
    await put(true);
    await eventually(dead, (number) => number === 1, 'its alarm corrects it');
    await api.delete(at);
  });

  it('lose nothing when the process is killed in the middle, and repeat a message under the same id', async () => {
    const hook = await make('', 'killed');
    let held;
    const holding = new Promise((resolve) => {
      inbox.answer = (request, response, message) => {
        if (held) return response.writeHead(204).end();
        held = message;
        return resolve();
      };
    });
    const sent = await api.post(`/webhooks/${hook.id}/test`);
    await holding;
    await worker.kill();
    await worker.restart();
    await api.post(`/webhooks/${hook.id}/test`);
    const messages = await told('killed', 3);
    const ids = messages.map(({ headers }) => headers['webhook-id']);
    assert.equal(ids.filter((id) => id === sent.id).length, 2);
    for (const { body, headers } of messages) new Webhook(hook.secret).verify(body, headers);
    assert.equal(messages.find(({ headers }) => headers['webhook-id'] === sent.id).body, held.body);
    inbox.answer = (request, response) => response.writeHead(204).end();
  });

  it('go on under a new master key', async () => {
    const hook = await make('', 'rotated');
    const old = worker.options.secrets.MASTER_KEY;
    await worker.restart({ secrets: { MASTER_KEY: newMasterKey('k2'), MASTER_KEY_PREVIOUS: old } });
    for (;;) if ((await api.post('/rotation', {})).remaining === 0) break;
    const rows = await worker.sql('SELECT DISTINCT master FROM webhook_secrets');
    assert.deepEqual(rows, [{ master: 'k2' }]);
    await worker.restart({ secrets: { MASTER_KEY_PREVIOUS: null } });
    await api.post(`/webhooks/${hook.id}/test`);
    const [{ body, headers }] = await told('rotated');
    new Webhook(hook.secret).verify(body, headers);
  });
});
