// A pool that sends itself, through Kamailio, while the connection is cut, the proxy is killed, the object is ended in the
// middle of its work and the Worker is killed: duplicates at most, never a job.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { allEnded, sippPhones, jobs, poolAndTenant, countByState } from '../support/relay/notify.mjs';
import { kamailio } from '../support/sip/kamailio.mjs';
import { seededRandom } from '../support/sip/line.mjs';
import { forwardTcp } from '../support/ports.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';

const PASSWORD = 'proxy-e3rl2ae1';
const COUNT = 2000;
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('a pool that sends itself, under faults', () => {
  let worker;
  let api;
  const ends = [];
  before(async () => {
    worker = await Ringfence.start({ probe: true });
    api = new Api(worker);
  });
  after(async () => {
    for (const end of ends.reverse()) await end();
    await worker?.stop();
  });

  it('2,000 jobs: every job in one final state', async (t) => {
    const seed = Number(process.env.RINGFENCE_SEED ?? randomInt(1, 2 ** 31));
    t.diagnostic(`RINGFENCE_SEED=${seed} breaks the same things at the same points of the rollout`);
    const roll = seededRandom(seed);
    let proxy;
    const way = await forwardTcp(() => proxy.port);
    ends.push(() => way.close());
    const here = await poolAndTenant(worker, api, {
      relays: 0,
      options: {
        sender: 'edge',
        edge: { proxy: '127.0.0.1', port: way.port, transport: 'tcp', domains: ['pbx.test'], capacity: 200, idle_s: 2 },
        lease_s: 40,
        fetch_timeout_s: 900,
        fetch_poll_ms: 1000,
        max_attempts: 10,
      },
    });
    await api.put(`/pools/${here.pool.id}/proxy-credentials`, { username: 'ringfence', password: PASSWORD });
    const people = await sippPhones(worker, here.tenant, COUNT, {
      behind: null,
      scenario: 'slow',
      keys: { min: '50', max: '400', linger: '6000' },
    });
    ends.push(() => people.end());
    await people.start();
    const start = (ports) => kamailio({ password: PASSWORD, streams: true, phones: people.port, ports });
    proxy = await start();
    ends.push(() => proxy.end());

    /** What was broken, and between which times. */
    const broken = [];
    const breaks = (work) => async () => {
      const from = Date.now();
      await work();
      broken.push({ from, to: Date.now() });
    };
    const faults = {
      cut: breaks(() => way.cut()),
      proxy: breaks(async () => {
        await proxy.kill();
        way.cut();
        await pause(500);
        proxy = await start(proxy.ports);
      }),
      object: breaks(async () => {
        const made = worker.poolMade(here.pool.id);
        await worker.probe({ abort: here.pool.id });
        // The alarm that was set for this wakes the next one.
        for (const deadline = Date.now() + 60_000; worker.poolMade(here.pool.id) <= made; await pause(100)) {
          assert.ok(Date.now() < deadline, 'no object was made anew');
        }
      }),
      worker: breaks(async () => {
        await worker.kill();
        await worker.restart();
        api = new Api(worker);
      }),
    };
    const wanted = ['cut', 'cut', 'cut', 'proxy', 'proxy', 'object', 'object', 'object', 'worker', 'worker'];
    const order = wanted
      .map((fault) => [roll(), fault])
      .sort(([a], [b]) => a - b)
      .map(([, fault]) => fault);
    const happened = [];
    const { id: rollout } = await api.post(`${here.at}/rollouts`, { per_second: 120 });
    for (const [turn, fault] of order.entries()) {
      // One in each tenth of the rollout, at a random point of it.
      const point = ((turn + roll()) / order.length) * COUNT;
      for (const deadline = Date.now() + 300_000; people.told.size < point; await pause(20)) {
        assert.ok(Date.now() < deadline, `${people.told.size} were told, and no more`);
      }
      const inFlight = (await jobs(api, here.at, '&state=leased')).length;
      happened.push({ fault, at: people.told.size, inFlight });
      await faults[fault]();
    }
    const list = await allEnded(worker, here.tenant, COUNT, api, 400);

    assert.deepEqual(countByState(list), { fetched: COUNT });
    assert.equal(new Set(list.map(({ device }) => device)).size, COUNT, 'one job for each device');
    assert.equal((await api.get(`${here.at}/rollouts/${rollout}`)).progress.fetched, COUNT);
    assert.equal(people.told.size, COUNT);
    for (const fault of Object.keys(faults)) {
      assert.ok(
        happened.some((one) => one.fault === fault && one.inFlight > 0),
        `no ${fault} met a job in flight`,
      );
    }

    // The history of each job against what the phones heard.
    const counts = { attempts: 0, lost: 0, transport: 0, twice: 0 };
    const waiting = [...list];
    const look = async ({ id, ended_at: end }) => {
      const { attempts, ...job } = await api.get(`${here.at}/jobs/${id}`);
      assert.deepEqual([job.state, job.ended_at], ['fetched', end], 'a final state is left no more');
      const told = people.told.get(job.device);
      counts.attempts += attempts.length;
      counts.lost += attempts.filter(({ outcome }) => outcome === 'lost').length;
      counts.transport += attempts.filter(({ reason }) => reason === 'transport').length;
      counts.twice += told - 1;
      assert.ok(told <= attempts.length, `${told} NOTIFYs, ${JSON.stringify(attempts)}`);
      // A further NOTIFY has a reason: something was broken while an attempt before it was on its way.
      const excused = attempts
        .slice(0, -1)
        .filter(({ leased_at: from, ended_at: to }) => broken.some((one) => one.from <= to && one.to >= from));
      assert.ok(told - 1 <= excused.length, `${told} NOTIFYs, ${JSON.stringify(attempts)}, ${JSON.stringify(broken)}`);
    };
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        while (waiting.length > 0) await look(waiting.shift());
      }),
    );
    for (const { fault, at, inFlight } of happened) t.diagnostic(`${fault} with ${at} phones told and ${inFlight} jobs in flight`);
    t.diagnostic(
      `${way.made()} connections; ${counts.lost} attempts lost and ${counts.transport} broken off of ${counts.attempts}; ${counts.twice} NOTIFYs were a second one`,
    );
  });
});
