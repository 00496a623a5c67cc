// NOTIFY through Kamailio, as registrar and proxy in front of a phone that SIPp plays.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { kamailio } from '../support/sip/kamailio.mjs';
import { connectedRelay, untilJobEnded, addPhone, poolAndTenant } from '../support/relay/notify.mjs';
import { udpPort } from '../support/ports.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { sipp } from '../support/sip/sipp.mjs';

const PASSWORD = 'proxy-e3rl2ae1';

describe('a phone behind a proxy', () => {
  let worker;
  let api;
  let here;
  let relay;
  let proxy;
  before(async () => {
    worker = await Ringfence.start();
    api = new Api(worker);
    here = await poolAndTenant(worker, api);
    relay = await connectedRelay({ port: worker.port, credential: here.relays[0].credential });
    proxy = await kamailio({ password: PASSWORD });
  });
  after(async () => {
    await relay?.stop();
    await proxy?.end();
    await worker?.stop();
  });

  async function told(user, password) {
    const device = await addPhone(worker, here.tenant, {
      NOTIFY_AOR: `sip:${user}@pbx.test`,
      NOTIFY_ROUTE: `sip:127.0.0.1:${proxy.port};lr`,
      NOTIFY_USERNAME: user,
      NOTIFY_PASSWORD: { secret: password },
    });
    return { device, go: async () => untilJobEnded(api, here.at, (await api.post(`${here.at}/devices/${device.mac}/notify`)).job.id) };
  }

  it('is told after the proxy asked for a password (407), fetches, and the job reads fetched', async () => {
    const { device, go } = await told('101', PASSWORD);
    const port = await udpPort();
    const register = await sipp('register', {
      keys: { user: '101', domain: proxy.domain, contact: `127.0.0.1:${port}` },
      args: ['-m', '1', `127.0.0.1:${proxy.port}`],
    });
    assert.deepEqual(await register.gone, { code: 0, signal: null }, register.errors());
    await register.end();
    const handset = await sipp('fetch', { port, keys: { url: device.url } });
    const job = await go();
    assert.deepEqual([job.state, job.code, job.attempts.length], ['fetched', 200, 1], job.message);
    assert.match(handset.lines()[0], /told sip:101/);
    await handset.end();
  });

  it('is not told with a wrong password, and the job says so', async () => {
    const { go } = await told('101', 'wrong');
    const job = await go();
    assert.deepEqual([job.state, job.code, job.attempts.length], ['rejected', 407, 1]);
    assert.match(job.message, /password|credential/i);
  });

  it('is not registered: told again, then rejected with 480', async () => {
    const { go } = await told('102', PASSWORD);
    const job = await go();
    assert.deepEqual([job.state, job.code, job.attempts.length], ['rejected', 480, 3]);
  });

  // Whoever stands on the way may want the password, and its nonces may be good for one request alone.
  for (const mode of [undefined, 'NONCE_COUNT', 'ONE_TIME']) {
    describe(`and a phone that challenges too, the proxy's nonces ${mode ?? 'as they come'}`, () => {
      let strict;
      let serial = 0;
      before(async () => {
        strict = await kamailio({ password: PASSWORD, mode });
      });
      after(() => strict?.end());

      async function through(scenario, password = PASSWORD) {
        const user = `${mode?.length ?? 0}${(serial += 1)}`;
        const device = await addPhone(worker, here.tenant, {
          NOTIFY_AOR: `sip:${user}@pbx.test`,
          NOTIFY_ROUTE: `sip:127.0.0.1:${strict.port};lr`,
          NOTIFY_USERNAME: user,
          NOTIFY_PASSWORD: { secret: password },
        });
        const port = await udpPort();
        const register = await sipp('register', {
          keys: { user, domain: strict.domain, contact: `127.0.0.1:${port}` },
          args: ['-m', '1', `127.0.0.1:${strict.port}`],
        });
        assert.deepEqual(await register.gone, { code: 0, signal: null }, register.errors());
        await register.end();
        const handset = await sipp(scenario, { port, keys: { url: device.url, username: user, password: PASSWORD } });
        const job = await untilJobEnded(api, here.at, (await api.post(`${here.at}/devices/${device.mac}/notify`)).job.id);
        await handset.end();
        return job;
      }

      for (const scenario of ['fetch', 'challenge', 'stale']) {
        it(`is told with right credentials: ${scenario}`, async () => {
          const job = await through(scenario);
          assert.deepEqual([job.state, job.code, job.attempts.length], ['fetched', 200, 1], `${job.reason}: ${job.message}`);
        });
      }

      it('is not told with wrong ones, which are sent once', async () => {
        const job = await through('challenge', 'wrong');
        assert.deepEqual([job.state, job.code, job.reason], ['rejected', 407, 'credentials_refused']);
        assert.ok(job.attempts[0].datagrams <= 4, `${job.attempts[0].datagrams} datagrams`);
      });
    });
  }
});
