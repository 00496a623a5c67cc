// A relay whose proxy is reached over TCP and TLS: Kamailio takes its NOTIFYs over one connection, challenges them and
// passes them on by UDP to phones that SIPp plays. SIPp is the proxy itself where only the connection matters; Debian's
// has no TLS.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { kamailio } from '../support/sip/kamailio.mjs';
import { connectedRelay, untilJobEnded, addPhone, poolAndTenant } from '../support/relay/notify.mjs';
import { RELAY } from '../support/relay/native-relay.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { sipp } from '../support/sip/sipp.mjs';
import { authority } from '../support/tls.mjs';

const PASSWORD = 'proxy-e3rl2ae1';

/** `ringfence-relay send`: what it printed, read. */
async function send(...args) {
  const child = spawn(RELAY, ['send', ...args, '--json'], {
    env: { ...process.env, RINGFENCE_SIP_PASSWORD: PASSWORD },
    timeout: 60_000,
  });
  let [out, error] = ['', ''];
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (error += data));
  const [code] = await once(child, 'close');
  return { code, error, ...(out && JSON.parse(out)) };
}

describe('a relay and a proxy that takes connections', () => {
  let ca;
  let proxy;
  before(async () => {
    ca = authority();
    proxy = await kamailio({ password: PASSWORD, tls: ca.issue(['DNS:localhost', 'IP:127.0.0.1']) });
  });
  after(async () => {
    await proxy?.end();
    ca?.end();
  });

  const through = (transport, host = '127.0.0.1') => {
    const port = transport === 'tls' ? proxy.tlsPort : proxy.port;
    return ['--route', `sip:${host}:${port}`, '--transport', transport, '--username', '101', '--ca', ca.file];
  };

  for (const transport of ['tcp', 'tls']) {
    it(`sends one NOTIFY over ${transport}, answers the proxy's challenge, and the phone hears it by UDP`, async () => {
      const handset = await proxy.registered(`1${transport}`);
      const told = await send(`sip:1${transport}@pbx.test`, ...through(transport));
      assert.deepEqual([told.outcome, told.code, told.attempts], ['answered', 200, 2], JSON.stringify(told));
      assert.match(told.destination, new RegExp(`^${transport}:127\\.0\\.0\\.1:`));
      assert.match(handset.lines()[0], new RegExp(`told sip:1${transport}`));
      await handset.end();
    });
  }

  it('believes no certificate that the CA did not sign, and none for another name', async () => {
    const other = authority('Another CA');
    try {
      const args = through('tls');
      const stranger = await send('sip:x@pbx.test', ...args.slice(0, -1), other.file);
      assert.deepEqual([stranger.outcome, stranger.reason], ['unreachable', 'transport'], JSON.stringify(stranger));
      assert.match(stranger.explanation, /certificate/i);
      const named = await kamailio({ password: PASSWORD, tls: ca.issue(['DNS:pbx.example']) });
      try {
        const route = ['--route', `sip:127.0.0.1:${named.tlsPort}`];
        const misnamed = await send('sip:x@pbx.test', ...route, ...args.slice(2));
        assert.match(misnamed.explanation, /certificate/i, JSON.stringify(misnamed));
      } finally {
        await named.end();
      }
    } finally {
      other.end();
    }
  });

  it('says that nobody takes the connection', async () => {
    const told = await send('sip:x@pbx.test', '--route', 'sip:127.0.0.1:9', '--transport', 'tcp');
    assert.deepEqual([told.outcome, told.reason, told.retry], ['unreachable', 'transport', 'later'], JSON.stringify(told));
    assert.match(told.explanation, /refused/i);
  });

  it('is answered by SIPp over TCP, many over one connection', async () => {
    const peer = await sipp('answer', { tcp: true, keys: { status: '200 OK', linger: '100' } });
    const told = await send(`sip:1@127.0.0.1:${peer.port}`, '--transport', 'tcp', '--count', '500', '--in-flight', '50');
    assert.equal(told.answered ?? told.outcomes?.answered, 500, JSON.stringify(told));
    assert.equal(peer.lines().length, 500);
    await peer.end();
  });

  describe('of a pool', () => {
    let worker;
    let api;
    let here;
    let relay;
    before(async () => {
      worker = await Ringfence.start();
      api = new Api(worker);
      here = await poolAndTenant(worker, api, { options: { max_attempts: 30 } });
      relay = await connectedRelay({
        port: worker.port,
        credential: here.relays[0].credential,
        t1: 500,
        sip: `outbound_proxy = "sip:localhost:${proxy.tlsPort};transport=tls"\ntls_ca = "${ca.file}"`,
      });
    });
    after(async () => {
      await relay?.stop();
      await worker?.stop();
    });

    it('takes the NOTIFYs of devices that name no way of their own to the proxy by TLS', async () => {
      const user = '301';
      const device = await addPhone(worker, here.tenant, {
        NOTIFY_AOR: `sip:${user}@pbx.test`,
        NOTIFY_USERNAME: user,
        NOTIFY_PASSWORD: { secret: PASSWORD },
      });
      const handset = await proxy.registered(user, 'fetch', { url: device.url });
      const { job } = await api.post(`${here.at}/devices/${device.mac}/notify`);
      const done = await untilJobEnded(api, here.at, job.id);
      assert.deepEqual([done.state, done.code, done.attempts.length], ['fetched', 200, 1], done.message);
      await handset.end();
    });

    it('goes on when the proxy comes back: every job ends, told once or with a reason', async () => {
      const users = Array.from({ length: 20 }, (_, number) => `4${String(number).padStart(2, '0')}`);
      const jobs = [];
      await proxy.end();
      for (const user of users) {
        const device = await addPhone(worker, here.tenant, {
          NOTIFY_AOR: `sip:${user}@pbx.test`,
          NOTIFY_USERNAME: user,
          NOTIFY_PASSWORD: { secret: PASSWORD },
        });
        jobs.push((await api.post(`${here.at}/devices/${device.mac}/notify`)).job.id);
      }
      proxy = await kamailio({ password: PASSWORD, tls: ca.issue(['DNS:localhost', 'IP:127.0.0.1']), ports: proxy.ports });
      for (const id of jobs) {
        const done = await untilJobEnded(api, here.at, id);
        // Nobody is registered: the proxy says so once it is back.
        assert.deepEqual([done.state, done.code], ['rejected', 480], done.message);
        assert.ok(done.attempts.every((attempt) => ['transport', 'status_480', 'no_answer'].includes(attempt.reason)));
      }
    });
  });
});
