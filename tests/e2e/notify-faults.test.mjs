// What a dying relay, a dying Worker and a bad line cost: duplicates at most, never a job (issue 3 §6).

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, it } from 'node:test';

import { Api } from './support/api.mjs';
import { allEnded, connected, crowd, jobs, poolAndTenant, tally } from './support/notify.mjs';
import { door } from './support/ports.mjs';
import { Ringfence } from './support/ringfence.mjs';
import { startRelay } from './support/native-relay.mjs';
import { eventually } from './support/wait.mjs';

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('NOTIFY under faults', () => {
  let worker;
  let api;
  let entrance;
  const ends = [];
  before(async () => {
    worker = await Ringfence.start();
    api = new Api(worker);
    entrance = await door(() => worker.port);
  });
  after(async () => {
    for (const end of ends) await end();
    await entrance?.close();
    await worker?.stop();
  });

  it('another relay takes over what a killed one had, within the lease', async () => {
    const here = await poolAndTenant(worker, api, { relays: 2 });
    const people = await crowd(worker, here.tenant, 30);
    ends.push(() => people.end());
    // No phone is there yet: at the ordinary T1 the jobs stay in flight for half a minute.
    const first = await connected({ port: entrance.port, credential: here.relays[0].credential, t1: 500 });
    ends.push(() => first.stop('SIGKILL'));
    await api.post(`${here.at}/rollouts`, { per_second: 1000 });
    await eventually(() => jobs(api, here.at, '&state=leased'), (list) => list.length === 30, 'thirty jobs in flight');
    await first.stop('SIGKILL');
    const killed = Date.now();
    await people.start();
    const second = await connected({ port: entrance.port, credential: here.relays[1].credential });
    ends.push(() => second.stop());
    const list = await allEnded(worker, here.tenant, 30, api);
    assert.deepEqual(tally(list), { fetched: 30 });
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
    const people = await crowd(worker, here.tenant, 30);
    ends.push(() => people.end());
    const relay = await connected({ port: entrance.port, credential: here.relays[0].credential, t1: 500 });
    ends.push(() => relay.stop());
    await api.post(`${here.at}/rollouts`, { per_second: 1000 });
    await eventually(() => jobs(api, here.at, '&state=leased'), (list) => list.length === 30, 'thirty jobs in flight');
    await worker.kill();
    entrance.cut();
    // The phones answer while there is no Worker to hear of it.
    await people.start();
    await pause(2000);
    await worker.restart();
    api = new Api(worker);
    assert.deepEqual(tally(await allEnded(worker, here.tenant, 30, api)), { fetched: 30 });
    assert.equal(people.told.size, 30);
    await relay.stop();
    await people.end();
  });

  it('2,000 jobs, 5 % loss and faults at random: every job in one final state', async (t) => {
    const count = 2000;
    const here = await poolAndTenant(worker, api, { relays: 2, options: { lease_s: 10, fetch_timeout_s: 120, fetch_poll_ms: 1000, max_attempts: 10 } });
    const people = await crowd(worker, here.tenant, count, { args: ['-lost', '5'] });
    ends.push(() => people.end());
    await people.start();
    const start = (n) => startRelay({ port: entrance.port, credential: here.relays[n].credential });
    const relays = [await start(0), await start(1)];
    ends.push(() => Promise.all(relays.map((relay) => relay.stop('SIGKILL'))));
    await Promise.all(relays.map((relay) => relay.says(/connected/)));
    const { id: rollout } = await api.post(`${here.at}/rollouts`, { per_second: 150 });
    const happened = [];
    for (const fault of ['relay', 'cut', 'worker', 'relay', 'cut']) {
      await pause(randomInt(1000, 3000));
      happened.push(`${fault} at ${people.count}`);
      if (fault === 'relay') {
        const n = randomInt(2);
        await relays[n].stop('SIGKILL');
        relays[n] = await start(n);
      } else if (fault === 'cut') {
        entrance.cut();
      } else {
        await worker.kill();
        await worker.restart();
        api = new Api(worker);
      }
    }
    const list = await allEnded(worker, here.tenant, count, api, 150);
    assert.deepEqual(tally(list), { fetched: count });
    assert.equal(new Set(list.map(({ device }) => device)).size, count, 'one job for each device');
    assert.equal((await api.get(`${here.at}/rollouts/${rollout}`)).progress.fetched, count);
    const most = Math.max(...people.told.values());
    t.diagnostic(`${happened.join(', ')}: ${count} phones, ${people.count} NOTIFYs, ${people.count - people.told.size} duplicates, at most ${most} to one phone`);
    assert.equal(people.told.size, count);
    // One by the first sending, one by each fault.
    assert.ok(most <= 1 + happened.length, `${most} to one phone`);
    await people.end();
  });
});
