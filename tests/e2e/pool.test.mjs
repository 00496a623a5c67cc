// The queue of NOTIFY jobs on the real Worker and its Durable Object, with relays played by a
// WebSocket client, without SIP.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { FakeRelay, okResult, rejectedResult, silentResult } from '../support/relay/relay.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedCrowd, seedDevice, seedTenant, ulid } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

/** Everything in seconds that is in minutes otherwise. */
const QUICK = {
  change_wait_s: 0,
  fetch_poll_ms: 100,
  fetch_timeout_s: 3,
  lease_s: 2,
  retry_base_s: 1,
  retry_cap_s: 2,
  max_attempts: 3,
  network_per_second: 0,
};
const AOR = { NOTIFY_AOR: 'sip:101@pbx.example' };

async function newPool(api, name, options = {}) {
  const pool = await api.post('/pools', { name, options: { ...QUICK, ...options } });
  const relay = await api.post(`/pools/${pool.id}/relays`, { name: 'one' });
  return { ...pool, relay: relay.id, credential: relay.credential };
}

describe('the NOTIFY queue', () => {
  let worker;
  let api;
  let serial = 1;
  before(async () => {
    worker = await Ringfence.start();
    api = new Api(worker);
  });
  const open = [];
  // Whatever a test did: nothing of it may keep this process from ending.
  afterEach(async () => {
    for (const close of open.splice(0)) await close();
  });
  after(() => worker?.stop());

  /** A relay that the end of the test disconnects. */
  async function connect(credential, options) {
    const relay = await FakeRelay.connect(worker, credential, options);
    open.push(() => relay.close());
    return relay;
  }

  /** A tenant with one device in a pool of its own. */
  async function scene({ settings = AOR, options = {}, tenantSettings = {} } = {}) {
    const pool = await newPool(api, `Pool ${ulid()}`, options);
    const tenant = await seedTenant(worker, { settings: tenantSettings });
    await api.put(`/tenants/${tenant.id}/pool`, { pool: pool.id });
    const device = await seedDevice(worker, tenant, { mac: mac((serial += 1)), settings });
    const at = `/tenants/${tenant.id}`;
    return {
      pool,
      tenant,
      device,
      at,
      notify: (body) => api.post(`${at}/devices/${device.mac}/notify`, body),
      job: (id) => api.get(`${at}/jobs/${id}`),
      ends: (id) =>
        eventually(
          () => api.get(`${at}/jobs/${id}`),
          (job) => job.ended_at !== null,
          'the end of a job',
        ),
      fetches: () => tenant.get(`Config${device.mac}.cfg`),
    };
  }

  describe('the door', () => {
    it('lets nobody in without a relay’s credential, and says the same to each', async () => {
      const { pool } = await scene();
      const wrong = pool.credential.slice(0, -1) + (pool.credential.endsWith('A') ? 'B' : 'A');
      const answers = [];
      for (const authorization of [
        undefined,
        'Bearer x',
        `Bearer ${wrong}`,
        `Bearer ${worker.adminToken}`,
        `Bearer rfr_${ulid()}_${'A'.repeat(43)}`,
      ]) {
        const answer = await worker.fetch('/relay/v1', { headers: authorization ? { authorization } : {} });
        answers.push(`${answer.status} ${await answer.text()}`);
      }
      assert.equal(new Set(answers).size, 1);
      assert.match(answers[0], /^401 /);
      await assert.rejects(connect(wrong));
      const plain = await worker.fetch('/relay/v1', { headers: { authorization: `Bearer ${pool.credential}` } });
      assert.equal(plain.status, 426);
    });

    it('answers frames it does not understand with an error and goes on', async () => {
      const { pool } = await scene();
      const relay = await connect(pool.credential, { hello: false });
      relay.say({ type: 'ack', jobs: [] });
      assert.match((await relay.frame('error')).message, /first frame is hello/);
      relay.say({ type: 'hello', version: '0', software: 'x', instance: 'i', capacity: 1, transports: ['udp4'], unknown: 'field' });
      const welcome = await relay.frame('welcome');
      assert.deepEqual([welcome.pool, welcome.relay], [pool.id, pool.relay]);
      for (const [text, code] of [
        ['{"v":1,"type":"news"}', 'unknown_type'],
        ['{"v":2,"type":"hello"}', 'version'],
        ['not json', 'malformed'],
        [`{"v":1,"type":"ack","jobs":[],"x":"${'x'.repeat(65_536)}"}`, 'too_large'],
      ]) {
        relay.say(text);
        assert.equal((await relay.frame('error')).code, code);
      }
      relay.say('PING');
      await eventually(
        () => relay.texts.length,
        (n) => n === 1,
      );
    });

    it('has room for others, however many connections one credential makes', async () => {
      const { pool } = await scene();
      const second = await api.post(`/pools/${pool.id}/relays`, { name: 'two' });
      const mute = [];
      for (let n = 0; n < 220; n += 1) mute.push(await connect(pool.credential, { hello: false }));
      const other = await connect(second.credential);
      // Two stay, and those for ten seconds without a hello.
      const codes = (await Promise.all(mute.map((relay) => relay.gone))).map(({ code }) => code);
      assert.deepEqual(codes, [...Array(218).fill(4001), 4008, 4008]);
      assert.equal(other.closed, undefined, 'whoever said hello stays');
      const own = await connect(pool.credential);
      assert.equal((await api.get(`/pools/${pool.id}`)).queue.relays_connected, 2);
      assert.equal(own.closed, undefined);
    });

    it('closes for a relay whose credential is removed', async () => {
      const { pool } = await scene();
      const relay = await connect(pool.credential);
      const seen = await api.get(`/pools/${pool.id}/relays/${pool.relay}`);
      assert.deepEqual([seen.connected, seen.software_version, seen.capacity, seen.credential], [true, '0.0.0', 1000, undefined]);
      assert.ok(seen.last_seen_at >= seen.created_at);
      await api.delete(`/pools/${pool.id}/relays/${pool.relay}`);
      assert.equal((await relay.gone).code, 4003);
      await assert.rejects(connect(pool.credential));
    });

    it('stays closed for a connection that was let in before its credential was removed', async () => {
      const { pool } = await scene();
      const [row] = await worker.sql('SELECT * FROM relays WHERE id = ?1', pool.relay);
      await api.delete(`/pools/${pool.id}/relays/${pool.relay}`);
      // What a door that looked a moment earlier has seen.
      const names = Object.keys(row);
      await worker.sql(`INSERT INTO relays (${names}) VALUES (${names.map((_, n) => `?${n + 1}`)})`, ...Object.values(row));
      await assert.rejects(connect(pool.credential));
      const { relays_connected: connected } = (await api.get(`/pools/${pool.id}`)).queue;
      assert.equal(connected, 0);
    });

    it('closes a connection that has fallen silent, and gives its jobs to others', async () => {
      const { pool, notify } = await scene();
      const [silent, alive] = await Promise.all(
        ['silent', 'alive'].map(async (name) => {
          const { credential } = await api.post(`/pools/${pool.id}/relays`, { name });
          const relay = await connect(credential, { hello: false, answer: () => undefined });
          const capacity = name === 'silent' ? 1000 : 10;
          relay.say({
            type: 'hello',
            version: '0',
            software: 'x',
            instance: name,
            capacity,
            in_flight: 0,
            transports: ['udp4'],
            ping_interval_ms: 1000,
          });
          await relay.frame('welcome');
          return relay;
        }),
      );
      const timer = setInterval(() => alive.say('PING'), 500);
      open.push(() => clearInterval(timer));
      // Longer than what the object writes down of a connection is behind, and three pings.
      await new Promise((resolve) => setTimeout(resolve, 15_000));
      await notify();
      await alive.frame('job');
      assert.equal((await silent.gone).code, 4008);
      assert.deepEqual([silent.jobs.length, alive.closed], [0, undefined]);
    });
  });

  describe('a job', () => {
    it('goes out, is answered, and ends fetched when the phone has come back', async () => {
      const { pool, notify, job, ends, fetches, device } = await scene({
        settings: {
          ...AOR,
          NOTIFY_USERNAME: '101',
          NOTIFY_PASSWORD: { secret: 'e3#rl2(&ae#1' },
          NOTIFY_HEADERS: 'Subject: resync',
          CFG_RESYNC_FROM_SIP: 'resync',
        },
      });
      const relay = await connect(pool.credential);
      const { job: brief, joined } = await notify();
      assert.deepEqual([brief.device, brief.event, brief.pool, joined], [device.mac, 'resync', pool.id, false]);
      const {
        jobs: [sent],
      } = await relay.frame('job');
      assert.deepEqual(sent, {
        id: brief.id,
        lease: 1,
        lease_ms: 2000,
        target: { aor: 'sip:101@pbx.example' },
        event: 'resync',
        headers: [{ name: 'Subject', value: 'resync' }],
        credentials: { username: '101', password: 'e3#rl2(&ae#1' },
      });
      await eventually(
        () => job(brief.id),
        ({ state }) => state === 'answered',
      );
      assert.deepEqual((await relay.frame('recorded')).jobs, [{ id: brief.id, lease: 1 }]);
      assert.equal((await fetches()).status, 200);
      const end = await ends(brief.id);
      assert.deepEqual([end.state, end.reason, end.code, end.relay], ['fetched', 'fetched', 200, pool.relay]);
      assert.ok(end.fetched_at > end.sent_at);
      assert.equal(end.attempts.length, 1);
      const [attempt] = end.attempts;
      assert.deepEqual([attempt.outcome, attempt.rtt_ms, attempt.datagrams, attempt.message], ['answered', 12, 1, 'The phone heard.']);
      assert.ok(attempt.acked_at >= attempt.leased_at);
    });

    it('is joined by a second request while it is pending', async () => {
      const { notify, at } = await scene();
      const first = await notify();
      const second = await notify();
      assert.deepEqual([second.joined, second.job.id], [true, first.job.id]);
      assert.equal((await notify({ event: 'reboot' })).joined, false);
      assert.equal((await api.get(`${at}/jobs`)).items.length, 2);
    });

    it('ends by itself when the phone answered and never came back, and says so', async () => {
      const { pool, notify, ends } = await scene();
      await connect(pool.credential);
      const end = await ends((await notify()).job.id);
      assert.deepEqual([end.state, end.reason], ['expired', 'never_fetched']);
      assert.match(end.message, /answered, but never came back/);
    });

    it('tells a phone again that took a stale copy', async () => {
      const { pool, notify, ends, device } = await scene();
      const took = (version) =>
        worker.sql('UPDATE devices SET fetched_version = ?2, fetched_at = ?3 WHERE id = ?1', device.id, version, Date.now() + 1);
      let times = 0;
      await connect(pool.credential, {
        answer: async () => {
          times += 1;
          setTimeout(() => took(times === 1 ? 0 : 99), 50);
          return okResult();
        },
      });
      const end = await ends((await notify()).job.id);
      assert.deepEqual([end.state, end.attempts.length, times], ['fetched', 2, 2]);
    });

    it('is tried again where that can help, and not where it cannot', async () => {
      for (const [answers, state, code] of [
        [[rejectedResult(486), okResult()], 'fetched', 200],
        [[rejectedResult(503, { retry_after_s: 1 }), okResult()], 'fetched', 200],
        [[rejectedResult(481)], 'rejected', 481],
        [[rejectedResult(489)], 'rejected', 489],
        [[silentResult(), silentResult(), silentResult()], 'unreachable', null],
      ]) {
        const { pool, notify, ends, fetches } = await scene();
        let times = 0;
        await connect(pool.credential, {
          answer: () => {
            const answer = answers[times];
            times += 1;
            if (answer.code === 200) setTimeout(fetches, 20);
            return answer;
          },
        });
        const end = await ends((await notify()).job.id);
        assert.deepEqual([end.state, end.code, times], [state, code, answers.length]);
      }
    });

    it('goes to another relay when its own vanishes', async () => {
      const { pool, notify, ends, fetches } = await scene();
      const other = await api.post(`/pools/${pool.id}/relays`, { name: 'two' });
      const lost = await connect(pool.credential, { answer: () => undefined });
      const { job: brief } = await notify();
      await lost.frame('job');
      await lost.close();
      await connect(other.credential, {
        answer: () => {
          setTimeout(fetches, 20);
          return okResult();
        },
      });
      const end = await ends(brief.id);
      assert.deepEqual([end.state, end.relay, end.attempts.length], ['fetched', other.id, 2]);
      assert.deepEqual([end.attempts[0].outcome, end.attempts[0].reason], ['lost', 'lease_over']);
    });

    it('goes out again at once when its relay comes back as another process, or gives it back', async () => {
      const { pool, notify, ends, fetches } = await scene({ options: { lease_s: 600 } });
      const first = await connect(pool.credential, { instance: 'a', answer: () => undefined });
      const { job: brief } = await notify();
      await first.frame('job');
      const second = await connect(pool.credential, {
        instance: 'b',
        answer: (job, relay) => {
          relay.say({ type: 'return', jobs: [{ id: job.id, lease: job.lease }], reason: 'drain' });
        },
      });
      assert.equal((await first.gone).code, 4001);
      await second.frame('job');
      await second.close();
      await connect(pool.credential, {
        instance: 'c',
        answer: () => {
          setTimeout(fetches, 20);
          return okResult();
        },
      });
      assert.equal((await ends(brief.id)).state, 'fetched');
    });

    it('is not offered to a relay that drains, and one on its way when that leaves waits for no lease', async () => {
      const { pool, notify, job, ends, fetches } = await scene({ options: { lease_s: 3000 } });
      const first = await connect(pool.credential, { answer: () => undefined });
      const {
        job: { id },
      } = await notify();
      await first.frame('job');
      // As after SIGTERM: of the job that has just left the pool it knows nothing yet.
      first.say({ type: 'return', jobs: [], reason: 'drain' });
      first.result({ id: 'none', lease: 1 }, {});
      await first.frame('recorded');
      assert.equal((await job(id)).state, 'leased');
      await first.close();
      await eventually(
        () => job(id),
        ({ state }) => state === 'queued',
        'the job back in the queue',
      );

      const second = await connect(pool.credential, {
        instance: 'b',
        answer: ({ id: own, lease }, relay) => {
          relay.say({ type: 'return', jobs: [{ id: own, lease }], reason: 'drain' });
        },
      });
      await second.frame('job');
      await eventually(
        () => job(id),
        ({ state }) => state === 'queued',
        'the job given back',
      );
      // Time for it to be offered again, if it were.
      await new Promise((resolve) => setTimeout(resolve, 500));
      assert.equal(second.jobs.length, 1);
      await second.close();
      await connect(pool.credential, {
        instance: 'c',
        answer: () => {
          setTimeout(fetches, 20);
          return okResult();
        },
      });
      const done = await ends(id);
      assert.deepEqual([done.state, done.attempts.map(({ outcome }) => outcome)], ['fetched', ['lost', 'returned', 'answered']]);
    });

    it('can be taken back, and the relay is told', async () => {
      const { pool, notify, job, at } = await scene();
      const relay = await connect(pool.credential, { answer: () => undefined });
      const {
        job: { id },
      } = await notify();
      await relay.frame('job');
      const cancelled = await api.post(`${at}/jobs/${id}/cancel`);
      assert.equal(cancelled.state, 'cancelled');
      await eventually(
        () => relay.cancelled.length,
        (n) => n === 1,
      );
      relay.result({ id, lease: 1 }, {});
      await relay.frame('recorded');
      assert.equal((await job(id)).state, 'cancelled');
      assert.equal((await api.call('POST', `${at}/jobs/${id}/cancel`)).status, 409);
    });

    it('is not made where nobody is to be told, or a setting would break the request', async () => {
      const nobody = await scene({ settings: {} });
      const answer = await api.call('POST', `${nobody.at}/devices/${nobody.device.mac}/notify`, { body: {} });
      assert.deepEqual([answer.status, answer.body.reason], [422, 'no_target']);
      const injected = await scene({ settings: { ...AOR, NOTIFY_HEADERS: 'Subject: b\rVia: SIP/2.0/UDP evil.example' } });
      const refused = await api.call('POST', `${injected.at}/devices/${injected.device.mac}/notify`, { body: {} });
      assert.deepEqual([refused.status, refused.body.reason], [422, 'bad_setting']);
      const event = await api.call('POST', `${injected.at}/devices/${injected.device.mac}/notify`, { body: { event: 'a\r\nb: c' } });
      assert.equal(event.status, 422);
    });

    it('is refused where a secret cannot be read, and holds up nobody else’s', async () => {
      const { pool, tenant, device, at, notify, ends } = await scene({
        settings: { ...AOR, NOTIFY_USERNAME: '101', NOTIFY_PASSWORD: { secret: 'e3#rl2(&ae#1' } },
        options: { fetch_timeout_s: 60 },
      });
      const other = await seedDevice(worker, tenant, { mac: mac((serial += 1)), settings: { NOTIFY_AOR: 'sip:102@pbx.example' } });
      const { job: first } = await notify();
      const { job: second } = await api.post(`${at}/devices/${other.mac}/notify`, {});
      // As after a rotation that left it behind, when the old key is gone.
      await worker.sql(
        `UPDATE settings SET value = replace(value, 'v1.' || master || '.', 'v1.gone.'), master = 'gone'
         WHERE tenant_id = ?1 AND scope = ?2 AND name = 'NOTIFY_PASSWORD'`,
        tenant.id,
        `device:${device.id}`,
      );
      const relay = await connect(pool.credential);
      assert.deepEqual(
        (await relay.frame('job')).jobs.map(({ id }) => id),
        [second.id],
      );
      const refused = await ends(first.id);
      assert.deepEqual([refused.state, refused.reason, refused.attempts.length], ['rejected', 'bad_setting', 0]);
      assert.match(refused.message, /NOTIFY_PASSWORD cannot be read .* store the setting again/);
      const answer = await api.call('POST', `${at}/devices/${device.mac}/notify`, { body: {} });
      assert.deepEqual([answer.status, answer.body.reason], [422, 'bad_setting']);
      const { id } = await api.post(`${at}/rollouts`, { selection: { macs: [device.mac] } });
      const rollout = await eventually(
        () => api.get(`${at}/rollouts/${id}`),
        ({ state }) => state === 'finished',
        'the end of the rollout',
      );
      assert.equal(rollout.progress.rejected, 1);
    });

    it('waits until a change can be seen everywhere, and not without a change', async () => {
      const { notify, fetches } = await scene({ options: { change_wait_s: 60 } });
      const { job: brief } = await notify();
      assert.ok(brief.due_at > Date.now() + 50_000);
      await fetches();
      const other = await scene({ options: { change_wait_s: 60 } });
      await worker.sql('UPDATE devices SET fetched_version = 99, fetched_at = ?2 WHERE id = ?1', other.device.id, Date.now());
      assert.ok((await other.notify()).job.due_at <= Date.now());
    });

    it('keeps its pool from being deleted', async () => {
      const { pool, notify, at } = await scene();
      const {
        job: { id },
      } = await notify();
      const refused = await api.call('DELETE', `/pools/${pool.id}`);
      assert.equal(refused.status, 409);
      assert.match(refused.body.detail, /pending in this pool \(1\)/);
      await api.post(`${at}/jobs/${id}/cancel`);
      await api.put(`${at}/pool`, { pool: null });
      await api.delete(`/pools/${pool.id}/relays/${pool.relay}`);
      assert.equal((await api.call('DELETE', `/pools/${pool.id}`)).status, 204);
    });

    it('is seen by its own tenant alone', async () => {
      const one = await scene();
      const other = await scene();
      const {
        job: { id },
      } = await one.notify();
      const { token } = await api.post('/tokens', { name: 'other', tenant: other.tenant.id, access: 'write' });
      const stranger = new Api(worker, token);
      assert.equal((await stranger.call('GET', `${one.at}/jobs/${id}`)).status, 404);
      assert.equal((await stranger.call('GET', `${other.at}/jobs/${id}`)).status, 404);
      assert.equal((await stranger.call('PUT', `${other.at}/pool`, { body: { pool: null } })).status, 403);
      assert.equal((await stranger.call('GET', '/pools')).status, 403);
    });
  });

  describe('a rollout', () => {
    /** A tenant with a crowd, and a relay whose phones fetch at once unless told otherwise. */
    async function crowd(count, { fetch = () => true, options, relay: more = {} } = {}) {
      const it = await scene({ options: { fetch_timeout_s: 30, ...options }, tenantSettings: AOR });
      await seedCrowd(worker, it.tenant, count, { prefix: `BCC${(serial += 1).toString(16).toUpperCase().padStart(3, '0')}` });
      // Each by its own name, so that the relay knows who it is told about.
      await worker.sql(
        `INSERT OR REPLACE INTO settings (tenant_id, scope, name, value)
        SELECT tenant_id, 'device:' || id, 'NOTIFY_AOR', 'sip:' || mac || '@pbx.example' FROM devices WHERE tenant_id = ?1`,
        it.tenant.id,
      );
      const came = [];
      const timer = setInterval(() => {
        const macs = came.splice(0);
        if (macs.length === 0) return;
        worker
          .sql(
            'UPDATE devices SET fetched_version = 99, fetched_at = ?1 WHERE tenant_id = ?2 AND mac IN (SELECT value FROM json_each(?3))',
            Date.now(),
            it.tenant.id,
            JSON.stringify(macs),
          )
          .catch(() => {});
      }, 50);
      open.push(() => clearInterval(timer));
      let n = 0;
      const relay = await connect(it.pool.credential, {
        capacity: 10_000,
        answer: (job) => {
          n += 1;
          if (fetch(n)) came.push(/sip:(.*)@/.exec(job.target.aor)[1]);
          return okResult();
        },
        ...more,
      });
      return { ...it, relay, count: count + 1 };
    }

    it('tells everyone at its pace, and shows its progress', async () => {
      const { at, relay, count, pool } = await crowd(299);
      const rollout = await api.post(`${at}/rollouts`, { per_second: 100 });
      assert.deepEqual([rollout.state, rollout.total, rollout.pool], ['running', count, pool.id]);
      const end = await eventually(
        () => api.get(`${at}/rollouts/${rollout.id}`),
        ({ state }) => state === 'finished',
        'the end of the rollout',
      );
      assert.equal(end.progress.fetched, count);
      assert.equal(relay.jobs.length, count);
      // How close it comes to its pace is `make bench`'s to say: here nothing may be faster.
      const rate = (count - 51) / ((relay.jobs.at(-1).at - relay.jobs[0].at) / 1000);
      assert.ok(rate < 110, `${rate.toFixed(0)}/s`);
      assert.equal((await api.get(`${at}/rollouts`)).items[0].id, rollout.id);
      assert.equal((await api.get(`${at}/jobs?rollout=${rollout.id}&state=fetched&limit=200`)).items.length, 200);
    });

    it('stops at a stage whose phones do not come back, and says why; resumes; is cancelled', async () => {
      const { at, relay } = await crowd(40, { fetch: (n) => n % 2 === 0, options: { fetch_timeout_s: 3 } });
      const { id } = await api.post(`${at}/rollouts`, {
        per_second: 100,
        stages: [{ devices: 10 }, { percent: 50 }],
        threshold: { share: 0.9, within_s: 1 },
      });
      const paused = await eventually(
        () => api.get(`${at}/rollouts/${id}`),
        ({ state }) => state === 'paused',
        'the pause',
      );
      assert.deepEqual([paused.reason, paused.released, paused.stage], ['threshold', 10, 0]);
      assert.match(paused.message, /devices of this stage fetched within 1 s .* below 90.0 %/);
      assert.equal(relay.jobs.length, 10);
      await api.post(`${at}/rollouts/${id}/resume`);
      const again = await eventually(
        () => api.get(`${at}/rollouts/${id}`),
        ({ state }) => state === 'paused',
        'the second pause',
      );
      assert.deepEqual([again.stage, again.stages[1].devices], [1, 21]);
      assert.equal((await api.post(`${at}/rollouts/${id}/cancel`)).state, 'cancelled');
      const end = await eventually(
        () => api.get(`${at}/rollouts/${id}`),
        ({ ended_at: ended }) => ended !== null,
        'the end',
      );
      assert.equal(end.progress.queued + end.progress.leased + end.progress.answered, 0);
    });

    it('tells no network faster than its limit', async () => {
      const { at, relay, count } = await crowd(39, { options: { network_per_second: 10 } });
      const { id } = await api.post(`${at}/rollouts`, { per_second: 1000 });
      await eventually(
        () => api.get(`${at}/rollouts/${id}`),
        ({ state }) => state === 'finished',
        'the end of the rollout',
      );
      assert.equal(relay.jobs.length, count);
      const times = relay.jobs.map((job) => job.at);
      for (const from of times) {
        const within = times.filter((at) => at >= from && at < from + 1000).length;
        assert.ok(within <= 12, `${within} in one second`);
      }
    });

    it('obeys its window and can be for some MACs only', async () => {
      const { at, relay, device } = await crowd(3);
      const hour = (new Date().getUTCHours() + 3) % 24;
      const clock = (hours) => `${String(hours % 24).padStart(2, '0')}:00`;
      const window = { from: clock(hour), to: clock(hour + 1), zone: 'Etc/UTC' };
      const { id } = await api.post(`${at}/rollouts`, { window, selection: { macs: [device.mac] } });
      const waiting = await eventually(
        () => api.get(`${at}/rollouts/${id}`),
        ({ reason }) => reason === 'window',
        'the window',
      );
      assert.deepEqual([waiting.total, waiting.state, relay.jobs.length], [1, 'running', 0]);
      // The same hour three hours to the east is now.
      const open = { from: clock(hour), to: clock(hour + 1), zone: 'Etc/GMT-3' };
      const now = await api.post(`${at}/rollouts`, { window: open, selection: { macs: [device.mac.toLowerCase()] } });
      await eventually(
        () => api.get(`${at}/rollouts/${now.id}`),
        ({ state }) => state === 'finished',
        'the end of the rollout',
      );
      assert.equal(relay.jobs.length, 1);
      for (const [body, words] of [
        [{ window: { ...window, zone: 'Mars/Olympus' } }, /no time zone/],
        [{ selection: { macs: [mac(0xffffff)] } }, /no device in service/],
        [{ stages: [{ percent: 0 }] }, /percent/],
        [{ per_second: 0 }, /per_second/],
      ]) {
        const refused = await api.call('POST', `${at}/rollouts`, { body });
        assert.equal(refused.status, 422);
        assert.match(refused.body.detail, words);
      }
    });
  });

  it('offers to tell the phones with a change', async () => {
    const { at, device, pool } = await scene({ tenantSettings: AOR, settings: {} });
    const own = await api.put(`${at}/devices/${device.mac}/settings?notify=true`, { settings: { SIP_USER: '102' } });
    assert.deepEqual([own.notified.jobs[0].job.device, own.notified.jobs[0].joined], [device.mac, false]);
    const rekeyed = await api.post(`${at}/devices/${device.mac}/rekey?notify=true`);
    assert.deepEqual([rekeyed.notified.jobs[0].joined, rekeyed.key.generation], [true, 2]);
    const all = await api.put(`${at}/settings?notify=true`, { settings: { ...AOR, SIP_USER: '103' } });
    assert.deepEqual([all.notified.rollouts[0].total, all.notified.rollouts[0].pool], [1, pool.id]);
    const none = await api.put(`${at}/settings?notify=true`, { settings: { SIP_USER: '104' } });
    assert.equal(none.notified.rollouts.length, 1);
    const untold = await api.put(`${at}/devices/${device.mac}/settings?notify=true`, { settings: { SIP_USER: '105' } });
    assert.match(untold.notified.problem, /set NOTIFY_AOR/);
  });

  it('loses nothing when workerd is killed', async () => {
    const { pool, notify, ends, at, device, tenant } = await scene({ options: { fetch_timeout_s: 60 } });
    const relay = await connect(pool.credential, { answer: () => undefined });
    const {
      job: { id },
    } = await notify();
    const { job: waiting } = await notify({ event: 'other' });
    await relay.frame('job');
    await worker.kill();
    await worker.restart();
    api = new Api(worker);
    const fetches = () => tenant.get(`Config${device.mac}.cfg`);
    await connect(pool.credential, {
      answer: () => {
        setTimeout(fetches, 20);
        return okResult();
      },
    });
    assert.equal((await ends(id)).state, 'fetched');
    assert.equal((await ends(waiting.id)).state, 'fetched');
    assert.equal((await api.get(`${at}/jobs`)).items.length, 2);
  });

  it('keeps pools that are in use, and their options in bounds', async () => {
    const { pool } = await scene();
    assert.equal((await api.call('DELETE', `/pools/${pool.id}`)).status, 409);
    assert.equal((await api.call('DELETE', '/pools/default')).status, 409);
    const refused = await api.call('PUT', `/pools/${pool.id}`, { body: { name: 'x', options: { lease_s: 0 } } });
    assert.match(refused.body.detail, /lease_s is 0; it may be 2 to 3600/);
    const shown = await api.call('GET', `/pools/${pool.id}`);
    assert.deepEqual(shown.body.queue, { queued: 0, leased: 0, answered: 0, relays_connected: 0, rollouts: [] });
    assert.equal((await api.call('PUT', `/pools/${pool.id}`, { body: { name: 'x', options: {} }, ifMatch: '"9"' })).status, 412);
  });
});
