// A relay that is asked to stop with jobs in its hands: SIGTERM, as a service manager sends it.
// What is answered in time is finished, the rest is handed back.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { allEnded, connectedRelay, sippPhones, jobs, addPhone, poolAndTenant, countByState } from '../support/relay/notify.mjs';
import { udpPort } from '../support/ports.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { eventually } from '../support/wait.mjs';

// Copies for several seconds, so that phones that come late are told, and none is given up meanwhile.
const T1 = 150;
const DRAIN_S = 6;

describe('a relay that is stopped', () => {
  let worker;
  let api;
  const ends = [];
  before(async () => {
    worker = await Ringfence.start();
    api = new Api(worker);
  });
  after(async () => {
    for (const end of ends) await end();
    await worker?.stop();
  });

  it('finishes what is answered in time, hands back the rest, and the next one finishes that', async (t) => {
    const here = await poolAndTenant(worker, api, { relays: 2, options: { lease_s: 60 } });
    const start = async (n, drain) => {
      const relay = await connectedRelay({ port: worker.port, credential: here.relays[n].credential, t1: T1, drain });
      ends.push(() => relay.stop('SIGKILL'));
      return relay;
    };
    // Two offices, the second of a tenant of its own; nobody is there yet.
    const prompt = await sippPhones(worker, here.tenant, 20);
    const other = await poolAndTenant(worker, api);
    await api.put(`/tenants/${other.tenant.id}/pool`, { pool: here.pool.id });
    for (const { at } of [here, other])
      await api.put(`${at}/destinations`, { destinations: { domains: ['pbx.test'], networks: ['127.0.0.0/8'] } });
    const absent = await sippPhones(worker, other.tenant, 20);
    ends.push(
      () => prompt.end(),
      () => absent.end(),
    );
    const first = await start(0, DRAIN_S);
    for (const { at } of [here, other]) {
      await api.post(`${at}/rollouts`, { per_second: 1000 });
      await eventually(
        () => jobs(api, at, '&state=leased'),
        (list) => list.length === 20,
        'twenty jobs in flight',
      );
    }

    const asked = Date.now();
    first.process.kill('SIGTERM');
    await first.says(/stopping/);
    await prompt.start();
    // While it drains somebody orders more: that is for others.
    const late = await addPhone(worker, here.tenant, { NOTIFY_AOR: 'sip:101@pbx.test', NOTIFY_ADDRESS: `127.0.0.1:${await udpPort()}` });
    const { job } = await api.post(`${here.at}/devices/${late.mac}/notify`);
    assert.deepEqual(await first.gone, { code: 0, signal: null });
    t.diagnostic(`stopped after ${Date.now() - asked} ms of at most ${DRAIN_S * 1000}`);
    assert.match(first.output, / stopped$/m, 'everything was recorded');

    for (const { device } of await jobs(api, here.at)) {
      if (device !== late.mac) assert.equal(prompt.told.get(device), 1);
    }
    assert.equal(absent.told.size, 0);
    const waiting = await jobs(api, other.at);
    assert.deepEqual(countByState(waiting), { queued: 20 }, 'given back, not lost: no lease has to run out');

    const { attempts: offers } = await api.get(`${here.at}/jobs/${job.id}`);
    assert.ok(offers.filter(({ relay }) => relay === here.relays[0].id).length <= 1, `offered again and again: ${offers.length} times`);

    await absent.start();
    await start(1);
    assert.deepEqual(countByState(await allEnded(worker, other.tenant, 20, api)), { fetched: 20 });
    assert.deepEqual(new Set(absent.told.values()), new Set([1]));
    for (const { id } of waiting) {
      const { attempts } = await api.get(`${other.at}/jobs/${id}`);
      assert.deepEqual(
        attempts.map(({ relay, outcome, reason }) => [relay, outcome, reason]),
        // They had been sent, and no phone was there yet.
        [
          [here.relays[0].id, 'returned', 'lease'],
          [here.relays[1].id, 'answered', 'ok'],
        ],
      );
    }
    await eventually(
      () => jobs(api, here.at, '&state=fetched'),
      (list) => list.length === 20,
      'the prompt ones fetched',
    );
    for (const { id, device } of await jobs(api, here.at)) {
      if (device === late.mac) continue;
      const { attempts } = await api.get(`${here.at}/jobs/${id}`);
      assert.deepEqual(
        attempts.map(({ relay, outcome }) => [relay, outcome]),
        [[here.relays[0].id, 'answered']],
      );
    }
  });
});
