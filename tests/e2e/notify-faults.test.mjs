// What a dying relay, a dying Worker and a bad line cost: duplicates at most, never a job.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { badLine, seededRandom } from '../support/sip/line.mjs';
import { allEnded, connectedRelay, sippPhones, jobs, poolAndTenant, countByState } from '../support/relay/notify.mjs';
import { forwardTcp } from '../support/ports.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { startRelay } from '../support/relay/native-relay.mjs';
import { eventually } from '../support/wait.mjs';

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('NOTIFY under faults', () => {
  let worker;
  let api;
  let entrance;
  const ends = [];
  before(async () => {
    worker = await Ringfence.start({ probe: true });
    api = new Api(worker);
    entrance = await forwardTcp(() => worker.port);
  });
  after(async () => {
    for (const end of ends) await end();
    await entrance?.close();
    await worker?.stop();
  });

  it('another relay takes over what a killed one had, within the lease', async () => {
    const here = await poolAndTenant(worker, api, { relays: 2 });
    const people = await sippPhones(worker, here.tenant, 30);
    ends.push(() => people.end());
    // No phone is there yet: at the ordinary T1 the jobs stay in flight for half a minute.
    const first = await connectedRelay({ port: entrance.port, credential: here.relays[0].credential, t1: 500 });
    ends.push(() => first.stop('SIGKILL'));
    await api.post(`${here.at}/rollouts`, { per_second: 1000 });
    await eventually(
      () => jobs(api, here.at, '&state=leased'),
      (list) => list.length === 30,
      'thirty jobs in flight',
    );
    await first.stop('SIGKILL');
    const killed = Date.now();
    await people.start();
    const second = await connectedRelay({ port: entrance.port, credential: here.relays[1].credential });
    ends.push(() => second.stop());
    const list = await allEnded(worker, here.tenant, 30, api);
    assert.deepEqual(countByState(list), { fetched: 30 });
    for (const { id } of list) {
      const job = await api.get(`${here.at}/jobs/${id}`);
      assert.equal(job.relay, here.relays[1].id);
      assert.equal(job.attempts.length, 2);
      const taken = Math.max(...job.attempts.map(({ leased_at: at }) => at));
      // 5 s of lease, and the grace and the beat of the alarm on top.
      assert.ok(taken - killed < 20_000, `taken over after ${taken - killed} ms`);
    }
    await second.stop();
    await people.end();
  });

  it('a Worker that is killed with jobs in flight goes on where it was', async () => {
    const here = await poolAndTenant(worker, api, { options: { lease_s: 40 } });
    const people = await sippPhones(worker, here.tenant, 30);
    ends.push(() => people.end());
    const relay = await connectedRelay({ port: entrance.port, credential: here.relays[0].credential, t1: 500 });
    ends.push(() => relay.stop());
    await api.post(`${here.at}/rollouts`, { per_second: 1000 });
    await eventually(
      () => jobs(api, here.at, '&state=leased'),
      (list) => list.length === 30,
      'thirty jobs in flight',
    );
    await worker.kill();
    entrance.cut();
    // The phones answer while there is no Worker to hear of it.
    await people.start();
    await pause(2000);
    await worker.restart();
    api = new Api(worker);
    assert.deepEqual(countByState(await allEnded(worker, here.tenant, 30, api)), { fetched: 30 });
    assert.equal(people.told.size, 30);
    await relay.stop();
    await people.end();
  });

  it('2,000 jobs, 5 % loss and faults all along: every job in one final state', async (t) => {
    const count = 2000;
    const seed = Number(process.env.RINGFENCE_SEED ?? randomInt(1, 2 ** 31));
    t.diagnostic(`RINGFENCE_SEED=${seed} breaks the same things at the same points of the rollout`);
    const roll = seededRandom(seed);
    const lease = 10;
    const here = await poolAndTenant(worker, api, {
      relays: 2,
      options: { lease_s: lease, fetch_timeout_s: 900, fetch_poll_ms: 1000, max_attempts: 10 },
    });
    let phones;
    const line = await badLine(() => phones, { loss: 0.05, roll: seededRandom(seed + 1) });
    ends.push(() => line.close());
    const people = await sippPhones(worker, here.tenant, count, {
      behind: line.port,
      scenario: 'slow',
      keys: { min: '50', max: '400', linger: '6000' },
    });
    phones = people.port;
    ends.push(() => people.end());
    await people.start();
    // RFC 3261's own T1: no phone is as slow as that, so a second copy tells of loss.
    const start = (n) => startRelay({ port: entrance.port, credential: here.relays[n].credential, t1: 500 });
    const relays = [await start(0), await start(1)];
    ends.push(() => Promise.all(relays.map((relay) => relay.stop('SIGKILL'))));
    await Promise.all(relays.map((relay) => relay.says(/connected/)));

    /** What was killed, and between which times. */
    const killed = [];
    const faults = {
      async relay() {
        const n = Math.floor(roll() * 2);
        const from = Date.now();
        await relays[n].stop('SIGKILL');
        killed.push({ relay: here.relays[n].id, from, to: Date.now() });
        relays[n] = await start(n);
      },
      async worker() {
        const from = Date.now();
        await worker.kill();
        await worker.restart();
        api = new Api(worker);
        killed.push({ relay: null, from, to: Date.now() });
      },
      cut: () => entrance.cut(),
      async evict() {
        const made = worker.poolMade(here.pool.id);
        await worker.evictPool(here.pool.id, roll() < 0.5 ? 'hibernate' : 'close');
        await eventually(
          () => worker.poolMade(here.pool.id),
          (now) => now > made,
          'an object made anew',
        );
      },
    };
    const wanted = ['relay', 'relay', 'relay', 'worker', 'worker', 'cut', 'cut', 'evict', 'evict', 'evict'];
    const order = wanted
      .map((fault) => [roll(), fault])
      .sort(([a], [b]) => a - b)
      .map(([, fault]) => fault);
    const happened = [];
    const { id: rollout } = await api.post(`${here.at}/rollouts`, { per_second: 120 });
    for (const [turn, fault] of order.entries()) {
      // One in each tenth of the rollout, at a random point of it.
      const point = ((turn + roll()) / order.length) * count;
      for (const deadline = Date.now() + 300_000; people.told.size < point; await pause(20)) {
        assert.ok(Date.now() < deadline, `${people.told.size} were told, and no more`);
      }
      const inFlight = (await jobs(api, here.at, '&state=leased')).length;
      happened.push({ fault, at: people.told.size, inFlight });
      await faults[fault]();
    }
    const list = await allEnded(worker, here.tenant, count, api, 400);

    assert.deepEqual(countByState(list), { fetched: count });
    assert.equal(new Set(list.map(({ device }) => device)).size, count, 'one job for each device');
    assert.equal((await api.get(`${here.at}/rollouts/${rollout}`)).progress.fetched, count);
    assert.equal(people.told.size, count);
    for (const fault of ['relay', 'worker', 'evict']) {
      assert.ok(
        happened.some((one) => one.fault === fault && one.inFlight > 0),
        `no ${fault} met a job in flight`,
      );
    }

    // The history of each job against what was seen on the line.
    const counts = { attempts: 0, lost: 0, copies: 0, twice: 0 };
    let most = 0;
    await inTurn(list, async (known) => {
      const job = await api.get(`${here.at}/jobs/${known.id}`);
      assert.deepEqual([job.state, job.ended_at], ['fetched', known.ended_at], 'a final state is left no more');
      const { attempts } = job;
      const calls = line.sent.get(job.device);
      counts.attempts += attempts.length;
      counts.lost += attempts.filter(({ outcome }) => outcome === 'lost').length;
      counts.copies += attempts.filter(({ datagrams }) => datagrams > 1).length;
      counts.twice += people.told.get(job.device) - 1;
      most = Math.max(most, people.told.get(job.device));
      // Each NOTIFY has a Call-ID of its own, and each is one attempt; but not each attempt comes as
      // far as a NOTIFY, and a job given again to the relay that still has it is the same NOTIFY.
      assert.ok(
        calls.size >= people.told.get(job.device) && calls.size <= attempts.length,
        `${calls.size} NOTIFYs, ${JSON.stringify(attempts)}`,
      );
      // A further NOTIFY means that an attempt before it ended without an answer that the pool heard:
      // its relay was killed; or the Worker was, for longer than the lease; or the relay itself gave
      // up after all its copies, which 5 % of loss brings about once in ten thousand times. A
      // connection that was cut and an object that was evicted explain none.
      const excuses = attempts
        .slice(0, -1)
        .filter(
          ({ relay, leased_at: from, ended_at: to, outcome, reason }) =>
            outcome === 'unreachable' ||
            (outcome === 'returned' && reason === 'lease') ||
            killed.some(
              (kill) => kill.from <= to && kill.to >= from && (kill.relay === relay || (kill.relay === null && to - from >= lease * 1000)),
            ),
        );
      assert.ok(calls.size - 1 <= excuses.length, `${calls.size} NOTIFYs, ${JSON.stringify(attempts)}, ${JSON.stringify(killed)}`);
      // Who lost a datagram and got an answer had sent another.
      if (attempts.length === 1 && attempts[0].outcome === 'answered' && [...calls].some((call) => line.lost.has(call))) {
        assert.ok(attempts[0].datagrams > 1, JSON.stringify(attempts));
      }
    });
    for (const { fault, at, inFlight } of happened) t.diagnostic(`${fault} with ${at} phones told and ${inFlight} jobs in flight`);
    t.diagnostic(
      `${line.datagrams} datagrams, ${line.losses.out} lost to and ${line.losses.back} from the phones; ${counts.copies} of ${counts.attempts} attempts took more than one copy`,
    );
    t.diagnostic(
      `${counts.lost} attempts lost; ${people.count} NOTIFYs for ${count} phones, ${counts.twice} of them duplicates, at most ${most} to one phone`,
    );
    // 5 % each way make second copies of nearly 10 % of the NOTIFYs.
    assert.ok(counts.copies > count * 0.02, `${counts.copies} attempts took more than one copy`);
    await people.end();
  });
});

/** Does `work` for each of `list`, eight at a time. */
async function inTurn(list, work) {
  const waiting = [...list];
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (waiting.length > 0) await work(waiting.shift());
    }),
  );
}
