// From an operator's change to the phone that comes back: the real Worker, the real relay over its
// WebSocket, SIPp as phones. The relay's timers are a tenth of RFC 3261's (T1 = 50 ms).

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { connectedRelay, untilJobEnded, addPhone, poolAndTenant } from '../support/relay/notify.mjs';
import { opensslDecrypt } from '../support/openssl.mjs';
import { udpPort } from '../support/ports.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { sipp } from '../support/sip/sipp.mjs';
import { eventually } from '../support/wait.mjs';

describe('a phone told by NOTIFY', () => {
  let worker;
  let api;
  let here;
  let relay;
  before(async () => {
    worker = await Ringfence.start();
    api = new Api(worker);
    here = await poolAndTenant(worker, api, { options: { fetch_timeout_s: 6 } });
    relay = await connectedRelay({ port: worker.port, credential: here.relays[0].credential });
  });
  after(async () => {
    await relay?.stop();
    await worker?.stop();
  });

  /**
   * One device, SIPp in its place, one NOTIFY to it. `play` starts the phone and gives it back
   * (several take turns on one port); `settings` are the device's further ones.
   */
  async function told({ scenario = 'answer', keys = {}, args = [], settings = {} }) {
    const port = await udpPort();
    const device = await addPhone(worker, here.tenant, {
      NOTIFY_AOR: 'sip:101@pbx.test',
      NOTIFY_ADDRESS: `127.0.0.1:${port}`,
      ...settings,
    });
    const sip = scenario && (await sipp(scenario, { port, keys: { url: device.url, ...keys }, args }));
    const { job } = await api.post(`${here.at}/devices/${device.mac}/notify`);
    return { device, sip, port, end: () => untilJobEnded(api, here.at, job.id), job: job.id };
  }

  it('answers 200, fetches its sealed file, and the job reads fetched', async () => {
    const { device, sip, end } = await told({ scenario: 'fetch', settings: { SIP_USER: '4711' } });
    const job = await end();
    assert.deepEqual([job.state, job.reason, job.code, job.attempts.length], ['fetched', 'fetched', 200, 1]);
    assert.ok(job.fetched_at > job.sent_at);
    assert.equal(job.relay, here.relays[0].id);
    await eventually(() => sip.file().length);
    const xml = opensslDecrypt(sip.file(), device.key).toString();
    assert.match(xml, /<SIP_USER_ID_1>4711</);
    const lines = sip.lines();
    assert.equal(lines.length, 1);
    assert.match(lines[0], /told sip:101 event=check-sync/);
    await sip.end();
  });

  it('answers 200 and never comes back, and the job says so', async () => {
    const { sip, end } = await told({ keys: { status: '200 OK' } });
    const job = await end();
    assert.deepEqual([job.state, job.reason, job.code], ['expired', 'never_fetched', 200]);
    assert.match(job.message, /never came back/);
    await sip.end();
  });

  it('asks who it is (401) and is told with the credentials of its settings', async () => {
    const credentials = { NOTIFY_USERNAME: '101', NOTIFY_PASSWORD: { secret: 'e3rl2ae1' } };
    const { sip, end } = await told({ scenario: 'challenge', keys: { username: '101', password: 'e3rl2ae1' }, settings: credentials });
    const job = await end();
    assert.deepEqual([job.state, job.code, job.attempts.length], ['fetched', 200, 1]);
    assert.match(sip.lines()[0], /authorized cseq=2$/);
    await sip.end();
  });

  it('asks who it is, and nobody knows or the password is wrong: rejected, with words', async () => {
    const keys = { username: '101', password: 'e3rl2ae1' };
    const none = await told({ scenario: 'challenge', keys });
    const without = await none.end();
    assert.deepEqual([without.state, without.code, without.attempts.length], ['rejected', 401, 1]);
    assert.match(without.message, /NOTIFY_|credential|password/i);
    await none.sip.end();
    const other = await told({ scenario: 'challenge', keys, settings: { NOTIFY_USERNAME: '101', NOTIFY_PASSWORD: { secret: 'wrong' } } });
    const wrong = await other.end();
    assert.deepEqual([wrong.state, wrong.code, wrong.attempts.length], ['rejected', 403, 1]);
    await other.sip.end();
  });

  for (const [code, text] of [
    [481, 'Subscription does not exist'],
    [489, 'Bad Event'],
  ]) {
    it(`answers ${code}: rejected at once, with words`, async () => {
      const { sip, end } = await told({ keys: { status: `${code} ${text}` } });
      const job = await end();
      assert.deepEqual([job.state, job.code, job.attempts.length], ['rejected', code, 1]);
      assert.ok(job.message.length > 40, job.message);
      assert.equal(sip.lines().length, 1);
      await sip.end();
    });
  }

  /** First this answer, then a phone that fetches, on the same address. */
  async function first(keys) {
    const { device, sip, port, end } = await told({ keys: { linger: '10', ...keys }, args: ['-m', '1'] });
    await sip.gone;
    const better = await sipp('fetch', { port, keys: { url: device.url } });
    const done = await end();
    await Promise.all([sip.end(), better.end()]);
    return done;
  }

  it('is busy (486) and is told again', async () => {
    const done = await first({ status: '486 Busy Here' });
    assert.deepEqual([done.state, done.code, done.attempts.length], ['fetched', 200, 2]);
    assert.deepEqual(done.attempts.map(({ code }) => code).sort(), [200, 486]);
  });

  it('is overloaded (503) and is told again, not before it wants to be', async () => {
    const done = await first({ status: '503 Service Unavailable', more: 'Retry-After: 3' });
    assert.deepEqual([done.state, done.attempts.length], ['fetched', 2]);
    const [one, two] = done.attempts.map(({ leased_at: at }) => at).sort((a, b) => a - b);
    assert.ok(two - one >= 3000, `${two - one} ms`);
  });

  it('is silent: unreachable, after every attempt', async () => {
    const { end } = await told({ scenario: null });
    const job = await end();
    assert.deepEqual([job.state, job.code, job.attempts.length], ['unreachable', null, 3]);
    assert.match(job.message, /3 times/);
  });

  it('hears the fourth copy only, in the same transaction', async () => {
    const { sip, end } = await told({ scenario: 'lossy', args: ['-nr'] });
    const job = await end();
    assert.deepEqual([job.state, job.attempts.length], ['fetched', 1]);
    assert.equal(job.attempts[0].datagrams, 4);
    assert.equal(sip.lines().length, 1);
    await sip.end();
  });

  it('answers each of three copies: one attempt with one result', async () => {
    const stray = await relay.metric('responses_stray_total');
    const { sip, end } = await told({ scenario: 'copies', args: ['-nr'] });
    const job = await end();
    assert.deepEqual([job.state, job.code, job.attempts.length], ['fetched', 200, 1]);
    assert.ok(job.attempts[0].datagrams >= 3, `${job.attempts[0].datagrams} copies`);
    assert.equal(sip.lines().length, 1);
    // One of the answers was the result, the others are of no use to anybody.
    await eventually(
      async () => (await relay.metric('responses_stray_total')) - stray,
      (count) => count === 2,
      'two answers too many',
    );
    await sip.end();
  });

  it('answers when the relay has given up (timer F): told again, and the late answer changes nothing', async () => {
    const before = { stray: await relay.metric('responses_stray_total'), results: await relay.metric('results_total') };
    // Timer F is at 3.2 s. The second NOTIFY goes out half a second to a second later, so that the
    // late answer finds it on its way.
    const { device, sip, end } = await told({ scenario: 'late', keys: { late: '4400', then: '800' } });
    const job = await end();
    assert.deepEqual([job.state, job.reason, job.tries], ['fetched', 'fetched', 1]);
    assert.deepEqual(
      job.attempts.map(({ outcome, code }) => [outcome, code]),
      [
        ['unreachable', null],
        ['answered', 200],
      ],
    );
    assert.ok(job.attempts[1].rtt_ms > 700, 'the second NOTIFY ended with its own answer, not with that to the first');
    const { lines } = sip;
    await eventually(lines, (seen) => seen.length === 4, 'both answers');
    const [first, second] = lines()
      .filter((line) => line.startsWith('told'))
      .map((line) => line.slice('told '.length));
    assert.notEqual(first, second);
    await eventually(
      async () => (await relay.metric('responses_stray_total')) - before.stray,
      (count) => count === 1,
      'one late answer',
    );
    assert.equal((await relay.metric('results_total')) - before.results, 2);
    const after = await api.get(`${here.at}/jobs?device=${device.mac}`);
    assert.deepEqual(
      after.items.map(({ id, ended_at: at }) => [id, at]),
      [[job.id, job.ended_at]],
    );
    await sip.end();
  });
});
