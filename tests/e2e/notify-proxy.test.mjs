// NOTIFY through Kamailio, as registrar and proxy in front of a phone that SIPp plays (issue 3 §6).

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from './support/api.mjs';
import { kamailio } from './support/kamailio.mjs';
import { connected, ended, phone, poolAndTenant } from './support/notify.mjs';
import { udpPort } from './support/ports.mjs';
import { Ringfence } from './support/ringfence.mjs';
import { sipp } from './support/sipp.mjs';

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
    relay = await connected({ port: worker.port, credential: here.relays[0].credential });
    proxy = await kamailio({ password: PASSWORD });
  });
  after(async () => {
    await relay?.stop();
    await proxy?.end();
    await worker?.stop();
  });

  async function told(user, password) {
    const device = await phone(worker, here.tenant, {
      NOTIFY_AOR: `sip:${user}@pbx.test`, NOTIFY_ROUTE: `sip:127.0.0.1:${proxy.port};lr`,
      NOTIFY_USERNAME: user, NOTIFY_PASSWORD: { secret: password },
    });
    return { device, go: async () => ended(api, here.at, (await api.post(`${here.at}/devices/${device.mac}/notify`)).job.id) };
  }

  it('is told after the proxy asked for a password (407), fetches, and the job reads fetched', async () => {
    const { device, go } = await told('101', PASSWORD);
    const port = await udpPort();
    const register = await sipp('register', {
      keys: { user: '101', domain: proxy.domain, contact: `127.0.0.1:${port}` }, args: ['-m', '1', `127.0.0.1:${proxy.port}`],
    });
    assert.deepEqual(await register.gone, { code: 0, signal: null }, register.errors());
    await register.end();
    const handset = await sipp('fetch', { port, keys: { url: device.url } });
    const job = await go();
    assert.deepEqual([job.state, job.code, job.attempts.length], ['fetched', 200, 1], job.words);
    assert.match(handset.lines()[0], /told sip:101/);
    await handset.end();
  });

  it('is not told with a wrong password, and the job says so', async () => {
    const { go } = await told('101', 'wrong');
    const job = await go();
    assert.deepEqual([job.state, job.code, job.attempts.length], ['rejected', 407, 1]);
    assert.match(job.words, /password|credential/i);
  });

  it('is not registered: told again, then rejected with 480', async () => {
    const { go } = await told('102', PASSWORD);
    const job = await go();
    assert.deepEqual([job.state, job.code, job.attempts.length], ['rejected', 480, 3]);
  });
});
