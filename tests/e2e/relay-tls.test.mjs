// The relay's way to the pool over TLS, with the certificate of a private CA: what it trusts, and that
// whoever it does not trust never sees its credential.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import tls from 'node:tls';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { startRelay } from '../support/relay/native-relay.mjs';
import { untilJobEnded, addPhone, poolAndTenant } from '../support/relay/notify.mjs';
import { udpPort } from '../support/ports.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { sipp } from '../support/sip/sipp.mjs';
import { authority } from '../support/tls.mjs';
import { eventually } from '../support/wait.mjs';

const CREDENTIAL = 'rfr_not-for-strangers';

describe('a relay that comes over TLS', () => {
  let ca;
  const ends = [];
  before(() => {
    ca = authority();
  });
  after(async () => {
    for (const end of ends) await end();
    ca.end();
  });

  /**
   * Somebody with this certificate who listens where the relay believes its pool to be. `heard` is
   * what came through once TLS stood, `refusals` how often the other side did not let it come so far.
   */
  async function stranger({ key, certificate }) {
    const seen = { heard: '', refusals: 0 };
    const server = tls.createServer({ key, cert: certificate }, (socket) => {
      socket.on('data', (data) => (seen.heard += data.toString('latin1'))).on('error', () => {});
    });
    server.on('tlsClientError', () => (seen.refusals += 1)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    ends.push(() => server.close());
    return Object.assign(seen, { port: server.address().port });
  }

  async function visits(url, env) {
    const relay = await startRelay({ url, credential: CREDENTIAL, env });
    ends.push(() => relay.stop('SIGKILL'));
    return relay;
  }

  it('trusts the CA that it is told to trust, and works', async () => {
    const worker = await Ringfence.start({ tls: ca.issue(['DNS:localhost', 'IP:127.0.0.1']) });
    ends.push(() => worker.stop());
    const api = new Api(worker);
    const here = await poolAndTenant(worker, api);
    const relay = await startRelay({
      url: `wss://127.0.0.1:${new URL(worker.https).port}/relay/v1`,
      credential: here.relays[0].credential,
      env: { SSL_CERT_FILE: ca.file },
    });
    ends.push(() => relay.stop());
    await relay.says(/connected/);
    const port = await udpPort();
    const device = await addPhone(worker, here.tenant, { NOTIFY_AOR: 'sip:101@pbx.test', NOTIFY_ADDRESS: `127.0.0.1:${port}` });
    const handset = await sipp('fetch', { port, keys: { url: device.url } });
    ends.push(() => handset.end());
    const { job } = await api.post(`${here.at}/devices/${device.mac}/notify`);
    assert.equal((await untilJobEnded(api, here.at, job.id)).state, 'fetched');
  });

  it('says its credential to whoever has the right certificate', async () => {
    // So that the next tests would see one.
    const pool = await stranger(ca.issue(['IP:127.0.0.1']));
    await visits(`wss://127.0.0.1:${pool.port}/relay/v1`, { SSL_CERT_FILE: ca.file });
    await eventually(
      () => pool.heard,
      (heard) => heard.includes(CREDENTIAL),
      'a credential',
    );
  });

  for (const [what, names, trusted, words] of [
    ['of a CA that nobody told it to trust', ['IP:127.0.0.1'], false, /certificate.*SSL_CERT_FILE/],
    ['for another name', ['DNS:ringfence.example'], true, /certificate.*127\.0\.0\.1/],
  ]) {
    it(`refuses a certificate ${what}, says so, and keeps its credential`, async () => {
      const pool = await stranger(ca.issue(names));
      const other = authority('Another CA');
      ends.push(() => other.end());
      const relay = await visits(`wss://127.0.0.1:${pool.port}/relay/v1`, { SSL_CERT_FILE: (trusted ? ca : other).file });
      await eventually(
        () => pool.refusals,
        (count) => count >= 2,
        'a second refusal',
      );
      await relay.says(words);
      assert.equal(pool.heard, '');
      assert.doesNotMatch(relay.output, new RegExp(CREDENTIAL));
      assert.equal(await relay.metric('connections_total'), 0);
    });
  }

  it('does not start where its credential would go over a network in clear', async () => {
    const relay = await startRelay({ url: 'ws://ringfence.example/relay/v1', credential: CREDENTIAL });
    assert.deepEqual(await relay.gone, { code: 2, signal: null });
    assert.match(relay.output, /pool\.url: .*in clear/);
    assert.doesNotMatch(relay.output, new RegExp(CREDENTIAL));
  });
});
