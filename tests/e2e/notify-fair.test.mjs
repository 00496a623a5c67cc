// Tenants in one pool, with the real relay: nobody waits for the silent phones of another.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { connectedRelay, sippPhones, addPhone, poolAndTenant } from '../support/relay/notify.mjs';
import { udpPort } from '../support/ports.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { seedTenant } from '../support/worker/seed.mjs';
import { sipp } from '../support/sip/sipp.mjs';
import { eventually } from '../support/wait.mjs';

const PLACES = 200;

describe('two tenants in one pool', () => {
  let worker;
  let api;
  let here;
  let relay;
  before(async () => {
    worker = await Ringfence.start();
    api = new Api(worker);
    here = await poolAndTenant(worker, api, { options: { lease_s: 120, rollout_per_second_max: 10_000 } });
    // RFC 3261's own timers: a silent phone holds its place for 32 s.
    relay = await connectedRelay({ port: worker.port, credential: here.relays[0].credential, t1: 500, capacity: PLACES });
  });
  after(async () => {
    await relay?.stop();
    await worker?.stop();
  });

  it('one has a rollout over 2,000 silent phones, and the other’s single job is the next to go out', async () => {
    const silent = await sippPhones(worker, here.tenant, 2000);
    await api.put(`${here.at}/destinations`, { destinations: { domains: ['pbx.test'], networks: ['127.0.0.0/8'] } });
    await api.post(`${here.at}/rollouts`, { per_second: 10_000, network_per_second: 0 });
    // An eighth of the places is kept for others.
    await eventually(
      () => relay.metric('notifies_total'),
      (n) => n >= PLACES - PLACES / 8,
      'the rollout',
    );
    const before = await relay.metric('notifies_total');
    assert.equal(before, PLACES - PLACES / 8);

    const other = await seedTenant(worker, {});
    await api.put(`/tenants/${other.id}/pool`, { pool: here.pool.id });
    await api.put(`/tenants/${other.id}/destinations`, { destinations: { domains: ['other.test'], networks: ['127.0.0.1'] } });
    const port = await udpPort();
    const device = await addPhone(worker, other, { NOTIFY_AOR: 'sip:901@other.test', NOTIFY_ADDRESS: `127.0.0.1:${port}` });
    const handset = await sipp('fetch', { port, keys: { url: device.url } });
    const { job } = await api.post(`/tenants/${other.id}/devices/${device.mac}/notify`);
    const done = await eventually(
      () => api.get(`/tenants/${other.id}/jobs/${job.id}`),
      ({ state }) => ['answered', 'fetched'].includes(state),
      'the other’s job',
    );
    const between = (await relay.metric('notifies_total')) - before;
    assert.ok(between <= 3, `${between} NOTIFYs since, one of them the job’s`);
    assert.equal(done.attempts.length, 1);
    await handset.end();
    await silent.end();
  });
});
