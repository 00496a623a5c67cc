// The pool's object is taken out of memory while its jobs are pending. The runtime
// evicts it as it would an idle one; the probe says each time when the object is made anew.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { allEnded, connectedRelay, sippPhones, jobs, poolAndTenant, countByState } from '../support/relay/notify.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { eventually } from '../support/wait.mjs';

describe('a pool whose object is evicted', () => {
  let worker;
  let api;
  const ends = [];
  before(async () => {
    worker = await Ringfence.start({ probe: true });
    api = new Api(worker);
  });
  after(async () => {
    for (const end of ends) await end();
    await worker?.stop();
  });

  /** A pool, its relay, and phones that are not there yet: twenty jobs in flight. */
  async function inFlight(options) {
    const here = await poolAndTenant(worker, api, { options: { lease_s: 60, ...options } });
    const people = await sippPhones(worker, here.tenant, 20);
    ends.push(() => people.end());
    const relay = await connectedRelay({ port: worker.port, credential: here.relays[0].credential, t1: 500 });
    ends.push(() => relay.stop('SIGKILL'));
    await api.post(`${here.at}/rollouts`, { per_second: 1000 });
    await eventually(
      () => jobs(api, here.at, '&state=leased'),
      (list) => list.length === 20,
      'twenty jobs in flight',
    );
    return { here, people, relay };
  }

  /** Every job of before: fetched, under its one lease. */
  async function endedOnce(here, people) {
    const list = await allEnded(worker, here.tenant, 20, api);
    assert.deepEqual(countByState(list), { fetched: 20 });
    for (const { id } of list) {
      const { attempts } = await api.get(`${here.at}/jobs/${id}`);
      assert.deepEqual(
        attempts.map(({ lease, outcome }) => [lease, outcome]),
        [[1, 'answered']],
      );
    }
    assert.deepEqual(new Set(people.told.values()), new Set([1]), 'nobody was told twice');
  }

  it('goes on with the jobs that are out, and its relay notices nothing', async () => {
    const { here, people, relay } = await inFlight();
    const made = worker.poolMade(here.pool.id);
    await worker.evictPool(here.pool.id, 'hibernate');
    // The phones answer, and the relay's word wakes the object.
    await people.start();
    await eventually(
      () => worker.poolMade(here.pool.id),
      (now) => now > made,
      'an object made anew',
    );
    await endedOnce(here, people);
    assert.equal(await relay.metric('connections_total'), 1, 'the connection hibernated');
  });

  it('goes on when its connections go with it: the relay comes back and keeps its leases', async () => {
    const { here, people, relay } = await inFlight();
    const made = worker.poolMade(here.pool.id);
    await worker.evictPool(here.pool.id, 'close');
    await eventually(
      () => relay.metric('connections_total'),
      (count) => count === 2,
      'a second connection',
    );
    assert.ok(worker.poolMade(here.pool.id) > made, 'the object was made anew');
    await people.start();
    await endedOnce(here, people);
  });

  it('is woken by its alarm alone: a phone that comes back meanwhile is found', async () => {
    const here = await poolAndTenant(worker, api, { options: { fetch_poll_ms: 3000, fetch_timeout_s: 60 } });
    const people = await sippPhones(worker, here.tenant, 1, { fetches: false });
    ends.push(() => people.end());
    await people.start();
    const relay = await connectedRelay({ port: worker.port, credential: here.relays[0].credential });
    ends.push(() => relay.stop('SIGKILL'));
    await api.post(`${here.at}/rollouts`, { per_second: 1000 });
    await eventually(
      () => jobs(api, here.at, '&state=answered'),
      (list) => list.length === 1,
      'an answer',
    );
    const made = worker.poolMade(here.pool.id);
    await worker.evictPool(here.pool.id, 'hibernate');
    assert.equal((await here.tenant.get(`Config${people.macs[0]}.enc`)).status, 200);
    // Nobody asks the object anything: the relay has nothing to say, and the test reads the log.
    await eventually(
      () => worker.poolMade(here.pool.id),
      (now) => now > made,
      'an object that its alarm woke',
    );
    assert.deepEqual(countByState(await allEnded(worker, here.tenant, 1, api)), { fetched: 1 });
  });
});
