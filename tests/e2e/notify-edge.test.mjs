// A pool that sends its NOTIFYs itself, over TCP and TLS: SIPp is the proxy and the phone in one where only the connection
// matters, and Kamailio challenges and passes on by UDP to phones that SIPp plays. Debian's SIPp has no TLS.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { kamailio } from '../support/sip/kamailio.mjs';
import { connectedRelay, sippPhones, untilJobEnded, addPhone, poolAndTenant } from '../support/relay/notify.mjs';
import { forwardTcp } from '../support/ports.mjs';
import { newMasterKey, Ringfence } from '../support/worker/ringfence.mjs';
import { sipp } from '../support/sip/sipp.mjs';
import { authority } from '../support/tls.mjs';
import { eventually } from '../support/wait.mjs';

const PASSWORD = 'proxy-e3rl2ae1';
const OF_A_PHONE = 'phone-e3rl2ae1';

/** A Worker that stands for a private network: it takes connections and passes them on to loopback. */
const TUNNEL = `
  import { connect } from 'cloudflare:sockets';
  export default {
    async connect(inner) {
      const { localAddress } = await inner.opened;
      const outer = connect('127.0.0.1:' + localAddress.split(':').pop());
      await Promise.all([inner.readable.pipeTo(outer.writable), outer.readable.pipeTo(inner.writable)]);
    },
  };
`;

describe('a pool that sends itself', () => {
  let ca;
  let worker;
  let api;
  before(async () => {
    ca = authority();
    worker = await Ringfence.start({
      ca: ca.file,
      services: { PRIVATE_NET: 'tunnel' },
      extra: [{ name: 'tunnel', script: TUNNEL }],
    });
    api = new Api(worker);
  });
  after(async () => {
    await worker?.stop();
    ca?.end();
  });

  /** A pool that sends to this proxy, and a tenant in it. */
  const pool = (edge, { relays = 0, sender = 'edge', ...options } = {}) =>
    poolAndTenant(worker, api, {
      options: { sender, edge: { proxy: '127.0.0.1', transport: 'tcp', idle_s: 1, ...edge }, ...options },
      relays,
    });

  /** Tells a phone; the job once it has ended. */
  async function tell(here, settings, { fetches = true, seconds } = {}) {
    const device = await addPhone(worker, here.tenant, settings);
    const { job } = await api.post(`${here.at}/devices/${device.mac}/notify`);
    if (fetches) {
      await eventually(
        () => api.get(`${here.at}/jobs/${job.id}`),
        ({ answered_at: at, ended_at: end }) => at !== null || end !== null,
        'an answer',
      );
      await worker.fetch(device.url);
    }
    return untilJobEnded(api, here.at, job.id, seconds);
  }

  const edge = async (here) => (await api.get(`/pools/${here.pool.id}`)).queue.edge;

  it('needs no relay: SIPp hears it over TCP, and the connection is closed when it is quiet', async () => {
    const proxy = await sipp('answer', { tcp: true, keys: { status: '200 OK', linger: '100' } });
    const way = await forwardTcp(() => proxy.port);
    const here = await pool({ port: way.port });
    const done = await tell(here, { NOTIFY_AOR: 'sip:101@pbx.test' });
    assert.deepEqual([done.state, done.code, done.relay], ['fetched', 200, 'edge'], done.message);
    assert.deepEqual(
      done.attempts.map(({ outcome, datagrams, destination }) => [outcome, datagrams, destination]),
      [['answered', 1, `tcp:127.0.0.1:${way.port}`]],
    );
    assert.match(proxy.lines()[0], /told sip:101 event=check-sync/);
    await eventually(
      () => way.open(),
      (open) => open === 0,
      'the end of the connection',
    );
    assert.equal(way.made(), 1);
    const state = await edge(here);
    assert.equal(state.in_flight, 0);
    assert.ok(state.connected_at > 0 && state.failed_at === null);
    // A later one opens another.
    assert.equal((await tell(here, { NOTIFY_AOR: 'sip:102@pbx.test' })).state, 'fetched');
    assert.equal(way.made(), 2);
    await way.close();
    await proxy.end();
  });

  it('sends 400 over one connection, no faster than it is told to', async () => {
    const proxy = await sipp('answer', { tcp: true, keys: { status: '200 OK', linger: '100' } });
    const way = await forwardTcp(() => proxy.port);
    const here = await pool({ port: way.port, per_second: 100, idle_s: 5 });
    const { macs } = await sippPhones(worker, here.tenant, 400, { behind: null });
    await api.post(`${here.at}/rollouts`, { per_second: 1000 });
    for (const deadline = Date.now() + 60_000; proxy.lines().length < 400 && Date.now() < deadline;) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.equal(proxy.lines().length, 400);
    assert.equal(new Set(proxy.lines().map((line) => /sip:(\w+)/.exec(line)[1])).size, macs.length);
    const ticks = proxy.lines().map((line) => Number(/tick=(\d+)/.exec(line)[1]));
    // 400 at 100 a second; a little less, for what the pacer makes up when it came late.
    assert.ok(ticks.at(-1) - ticks[0] >= 3500, `400 in ${ticks.at(-1) - ticks[0]} ms`);
    assert.equal(way.made(), 1);
    await way.close();
    await proxy.end();
  });

  for (const transport of ['tcp', 'tls']) {
    it(`answers the challenge of Kamailio over ${transport}, and that of the phone behind it`, async () => {
      const proxy = await kamailio({ password: PASSWORD, tls: ca.issue(['DNS:localhost']) });
      const here = await pool({
        proxy: 'localhost',
        port: transport === 'tls' ? proxy.tlsPort : proxy.port,
        transport,
        domains: ['pbx.test'],
      });
      const user = `2${transport}`;
      const device = await addPhone(worker, here.tenant, {
        NOTIFY_AOR: `sip:${user}@pbx.test`,
        NOTIFY_USERNAME: user,
        NOTIFY_PASSWORD: { secret: OF_A_PHONE },
      });
      const handset = await proxy.registered(user, 'challenge', { username: user, password: OF_A_PHONE, url: device.url });
      const path = `/pools/${here.pool.id}/proxy-credentials`;
      await api.put(path, { username: 'ringfence', password: PASSWORD });
      const { job } = await api.post(`${here.at}/devices/${device.mac}/notify`);
      const done = await untilJobEnded(api, here.at, job.id);
      assert.deepEqual([done.state, done.code, done.attempts.length], ['fetched', 200, 1], done.message);
      assert.equal(done.attempts[0].datagrams, 3, 'one, one for the proxy, one for the phone');
      assert.match(handset.lines().join(), /authorized/);
      await handset.end();
      await proxy.end();
    });
  }

  it('answers a challenge with the password that it has now, also while it is sending', async () => {
    const proxy = await kamailio({ password: PASSWORD, streams: true });
    // The connection of the first NOTIFY would serve the next one, too.
    const here = await pool({ port: proxy.port, idle_s: 60 }, { max_attempts: 1 });
    const path = `/pools/${here.pool.id}/proxy-credentials`;
    await api.put(path, { username: 'ringfence', password: 'another' });
    const handset = await proxy.registered('305');
    const refused = await tell(here, { NOTIFY_AOR: 'sip:305@pbx.test' }, { fetches: false });
    assert.deepEqual([refused.state, refused.code], ['rejected', 407], refused.message);
    await api.put(path, { username: 'ringfence', password: PASSWORD });
    const done = await tell(here, { NOTIFY_AOR: 'sip:305@pbx.test' });
    assert.deepEqual([done.state, done.code], ['fetched', 200], done.message);
    await handset.end();
    await proxy.end();
  });

  it('believes no certificate of a stranger and none for another name, and says so', async () => {
    const stranger = authority('Another CA');
    const issued = [stranger.issue(['DNS:localhost']), ca.issue(['DNS:pbx.example'])];
    for (const tls of issued) {
      const proxy = await kamailio({ password: PASSWORD, tls });
      const here = await pool({ proxy: 'localhost', port: proxy.tlsPort, transport: 'tls' }, { max_attempts: 1 });
      const done = await tell(here, { NOTIFY_AOR: 'sip:101@pbx.test' }, { fetches: false });
      assert.deepEqual([done.state, done.attempts[0].reason], ['unreachable', 'transport'], done.message);
      const { failure, failed_at: failed, connected_at: never } = await edge(here);
      assert.ok(failure && failed > 0 && never === null, failure);
      await proxy.end();
    }
    stranger.end();
  });

  it('says that nobody takes the connection, and tries again later', async () => {
    const here = await pool({ port: 9_999 }, { max_attempts: 2 });
    const done = await tell(here, { NOTIFY_AOR: 'sip:101@pbx.test' }, { fetches: false });
    assert.deepEqual([done.state, done.attempts.length], ['unreachable', 2], done.message);
    assert.match(done.message, /What happened to the connection: /);
  });

  /** A peer that takes connections and does this with them. */
  async function peer(work) {
    const sockets = new Set();
    const server = net.createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      work(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return {
      port: server.address().port,
      end: () => {
        sockets.forEach((socket) => socket.destroy());
        return new Promise((resolve) => server.close(resolve));
      },
    };
  }

  it('closes a connection over which comes what is no SIP', async () => {
    const noise = await peer((socket) => socket.on('data', () => socket.write(Buffer.alloc(100_000, 'x'))));
    const here = await pool({ port: noise.port }, { max_attempts: 1 });
    const done = await tell(here, { NOTIFY_AOR: 'sip:101@pbx.test' }, { fetches: false });
    assert.equal(done.state, 'unreachable', done.message);
    assert.ok((await edge(here)).failure);
    await noise.end();
  });

  it('waits for a proxy that says nothing no longer than a transaction lasts', async () => {
    const silent = await peer((socket) => socket.resume());
    const here = await pool({ port: silent.port }, { max_attempts: 1, lease_s: 60 });
    const done = await tell(here, { NOTIFY_AOR: 'sip:101@pbx.test' }, { fetches: false, seconds: 90 });
    assert.deepEqual([done.state, done.attempts[0].reason], ['unreachable', 'no_answer'], done.message);
    await silent.end();
  });

  it('does not dial what a device names, and says what to do', async () => {
    const proxy = await sipp('answer', { tcp: true, keys: { status: '200 OK' } });
    const other = await sipp('answer', { keys: { status: '200 OK' } });
    const here = await pool({ port: proxy.port, domains: ['pbx.test'] });
    for (const settings of [
      { NOTIFY_AOR: 'sip:101@pbx.test', NOTIFY_ADDRESS: other.address },
      { NOTIFY_AOR: 'sip:101@pbx.test', NOTIFY_ROUTE: `sip:${other.address};lr` },
    ]) {
      const done = await tell(here, settings, { fetches: false });
      assert.deepEqual([done.state, done.reason], ['rejected', 'needs_a_relay'], done.message);
      assert.match(done.message, /sends to its proxy alone.*What to do: /);
    }
    const beyond = await tell(here, { NOTIFY_AOR: 'sip:101@elsewhere.test' }, { fetches: false });
    assert.deepEqual([beyond.state, beyond.reason], ['rejected', 'domain_not_allowed'], beyond.message);
    assert.deepEqual([proxy.lines(), other.lines()], [[], []]);
    await other.end();
    await proxy.end();
  });

  it('gives a relay what it cannot deliver, where relays help', async () => {
    const handset = await sipp('answer', { keys: { status: '200 OK' } });
    const here = await pool({ port: 9_999 }, { sender: 'edge_then_relay', relays: 1 });
    const relay = await connectedRelay({ port: worker.port, credential: here.relays[0].credential });
    // Nobody is at the proxy's port. The relay reaches the phone by its address of record.
    const failed = await tell(here, { NOTIFY_AOR: `sip:101@${handset.address}` });
    assert.equal(failed.state, 'fetched', failed.message);
    assert.deepEqual(
      failed.attempts.map(({ relay: by }) => by),
      ['edge', here.relays[0].id],
    );
    // What names a way of its own goes to the relay at once.
    const direct = await tell(here, { NOTIFY_AOR: 'sip:102@pbx.test', NOTIFY_ADDRESS: handset.address });
    assert.deepEqual(
      direct.attempts.map(({ relay: by }) => by),
      [here.relays[0].id],
    );
    await relay.stop();
    await handset.end();
  });

  it('takes its proxy from its options as they are now', async () => {
    const [first, second] = [
      await sipp('answer', { tcp: true, keys: { status: '200 OK' } }),
      await sipp('answer', { tcp: true, keys: { status: '200 OK' } }),
    ];
    const here = await pool({ port: first.port, idle_s: 60 });
    await tell(here, { NOTIFY_AOR: 'sip:101@pbx.test' });
    const current = await api.get(`/pools/${here.pool.id}`);
    await api.put(
      `/pools/${here.pool.id}`,
      { name: current.name, options: { ...current.options, edge: { ...current.options.edge, port: second.port } } },
      { ifMatch: `"${current.revision}"` },
    );
    await tell(here, { NOTIFY_AOR: 'sip:102@pbx.test' });
    assert.deepEqual([first.lines().length, second.lines().length], [1, 1]);
    await first.end();
    await second.end();
  });

  it('goes on with what comes in the moment in which its options change', async () => {
    const proxies = [
      await sipp('answer', { tcp: true, keys: { status: '200 OK' } }),
      await sipp('answer', { tcp: true, keys: { status: '200 OK' } }),
    ];
    const here = await pool({ port: proxies[0].port, idle_s: 60 });
    const phones = [];
    for (const user of ['101', '102']) phones.push(await addPhone(worker, here.tenant, { NOTIFY_AOR: `sip:${user}@pbx.test` }));
    for (let round = 1; round <= 12; round += 1) {
      const current = await api.get(`/pools/${here.pool.id}`);
      const edge = { ...current.options.edge, port: proxies[round % 2].port };
      const body = { name: current.name, options: { ...current.options, edge } };
      // The end of one has the pool look round; it looks again 50 ms later, and finds new options and the other at once.
      const told = async ({ mac, url }, finish) => {
        const { job } = await api.post(`${here.at}/devices/${mac}/notify`);
        const found = () => api.get(`${here.at}/jobs/${job.id}`);
        await eventually(found, ({ answered_at: at }) => at !== null, `an answer in round ${round}`, 20_000);
        await worker.fetch(url);
        if (finish) return untilJobEnded(api, here.at, job.id);
        for (const deadline = Date.now() + 20_000; (await found()).ended_at === null;) assert.ok(Date.now() < deadline);
      };
      await told(phones[0]);
      await api.put(`/pools/${here.pool.id}`, body, { ifMatch: `"${current.revision}"` });
      assert.equal((await told(phones[1], true)).state, 'fetched');
    }
    await Promise.all(proxies.map((proxy) => proxy.end()));
  });

  it('reaches a proxy by the binding of a private network', async () => {
    const proxy = await sipp('answer', { tcp: true, keys: { status: '200 OK' } });
    const here = await pool({ proxy: 'pbx.internal', port: proxy.port, binding: 'PRIVATE_NET' });
    const done = await tell(here, { NOTIFY_AOR: 'sip:101@pbx.test' });
    assert.deepEqual([done.state, done.attempts.length], ['fetched', 1], done.message);
    const without = await pool({ proxy: 'pbx.internal', port: proxy.port, binding: 'NOT_THERE' }, { max_attempts: 1 });
    const failed = await tell(without, { NOTIFY_AOR: 'sip:101@pbx.test' }, { fetches: false });
    assert.match(failed.message, /the Worker has no binding NOT_THERE/);
    await proxy.end();
  });

  describe('is set by whoever runs the installation', () => {
    it('who is told what cannot work', async () => {
      for (const [edge, said] of [
        [undefined, /which proxy/],
        [{ proxy: 'pbx.example:5060' }, /without a port/],
        [{ proxy: 'pbx.example', port: 25 }, /1024 to 65535/],
        [{ proxy: '169.254.169.254' }, /metadata/],
        [{ proxy: 'pbx.example', binding: 'NET' }, /TCP alone/],
      ]) {
        const { status, body } = await api.call('POST', '/pools', { body: { name: 'x', options: { sender: 'edge', edge } } });
        assert.equal(status, 422, JSON.stringify(body));
        assert.match(body.detail, said);
      }
    });

    it('and by nobody with the token of a tenant', async () => {
      const here = await pool({ port: 9_999 });
      const { token } = await api.post('/tokens', { name: 'tenant', tenant: here.tenant.id, access: 'write' });
      const tenant = new Api(worker, token);
      const at = `/pools/${here.pool.id}`;
      const options = { name: 'mine', options: { sender: 'edge', edge: { proxy: 'elsewhere.example' } } };
      for (const [method, path, body] of [
        ['PUT', at, options],
        ['GET', `${at}/proxy-credentials`],
        ['PUT', `${at}/proxy-credentials`, { username: 'a', password: 'b' }],
        ['DELETE', `${at}/proxy-credentials`],
      ]) {
        assert.equal((await tenant.call(method, path, { body })).status, 403, `${method} ${path}`);
      }
    });

    it('whose password for the proxy is shown nowhere', async () => {
      const here = await pool({ port: 9_999 });
      const path = `/pools/${here.pool.id}/proxy-credentials`;
      assert.equal((await api.call('GET', path)).status, 404);
      const put = await api.put(path, { username: 'ringfence', password: PASSWORD, realm: 'pbx.test' });
      assert.deepEqual(Object.keys(put).sort(), ['realm', 'updated_at', 'username']);
      assert.deepEqual(await api.get(path), put);
      const rows = await worker.sql('SELECT * FROM pool_credentials WHERE pool_id = ?1', here.pool.id);
      assert.match(rows[0].password, /^v1\.k1\./);
      for (const text of [JSON.stringify(rows), JSON.stringify(await api.get('/audit?limit=20')), worker.log]) {
        assert.ok(!text.includes(PASSWORD));
      }
      const empty = await api.call('PUT', path, { body: { username: 'a"b', password: 'x' } });
      assert.equal(empty.status, 422, JSON.stringify(empty.body));
      assert.equal((await api.call('DELETE', path)).status, 204);
      assert.equal((await api.call('DELETE', path)).status, 404);
    });

    it('and goes on under a new master key', async () => {
      const proxy = await kamailio({ password: PASSWORD, streams: true });
      const here = await pool({ port: proxy.port });
      await api.put(`/pools/${here.pool.id}/proxy-credentials`, { username: 'ringfence', password: PASSWORD });
      const old = worker.options.secrets.MASTER_KEY;
      await worker.restart({ secrets: { MASTER_KEY: newMasterKey('k2'), MASTER_KEY_PREVIOUS: old } });
      assert.ok((await api.get('/rotation')).remaining > 0);
      for (;;) if ((await api.post('/rotation', {})).remaining === 0) break;
      assert.deepEqual(await worker.sql('SELECT DISTINCT master FROM pool_credentials'), [{ master: 'k2' }]);
      await worker.restart({ secrets: { MASTER_KEY_PREVIOUS: null } });
      const handset = await proxy.registered('301');
      const done = await tell(here, { NOTIFY_AOR: 'sip:301@pbx.test' });
      assert.deepEqual([done.state, done.attempts[0].datagrams], ['fetched', 2], done.message);
      await handset.end();
      await proxy.end();
    });
  });
});
