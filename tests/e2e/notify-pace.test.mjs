// A rollout to several destination networks: an office is one address, and must not be told faster than
// its own pace. `make bench` has the same with 10,000 phones, and holds the pace itself to a figure.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { allEnded, connectedRelay, sippPhones, poolAndTenant, countByState } from '../support/relay/notify.mjs';
import { networks } from '../support/sip/pace.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';

const COUNT = 600;
const MAX_PER_SECOND = 40;

describe('a rollout to several networks', () => {
  let worker;
  let people;
  let relay;
  before(async () => {
    worker = await Ringfence.start();
  });
  after(async () => {
    await relay?.stop('SIGKILL');
    await people?.end();
    await worker?.stop();
  });

  it('tells no network faster than its own limit, and everybody once', async (t) => {
    const api = new Api(worker);
    const here = await poolAndTenant(worker, api, { options: { lease_s: 60 } });
    // Half of all are in one network, which without its limit would be told 75 times a second.
    const network = (number) => (number % 2 === 0 ? 7 : 8 + ((number >> 1) % 2));
    people = await sippPhones(worker, here.tenant, COUNT, { host: (number) => `127.0.${network(number)}.${1 + (number % 200)}` });
    await people.start();
    relay = await connectedRelay({ port: worker.port, credential: here.relays[0].credential, t1: 500 });
    await api.post(`${here.at}/rollouts`, { per_second: 150, network_per_second: MAX_PER_SECOND });
    const list = await allEnded(worker, here.tenant, COUNT, api);
    assert.deepEqual(countByState(list), { fetched: COUNT });
    assert.deepEqual(new Set(people.told.values()), new Set([1]));
    const numbers = new Map(people.macs.map((mac, number) => [mac, number]));
    const { found, allowed, unevenMs } = networks(
      list.map((job) => ({
        network: network(numbers.get(job.device)),
        leased: job.sent_at,
        heard: people.ticks.get(job.device),
      })),
      MAX_PER_SECOND,
    );
    for (const one of found)
      t.diagnostic(
        `127.0.${one.network}.0/24: ${one.count} phones, in its busiest second ${one.atPhones} told (${one.atPool} leased) at a limit of ${MAX_PER_SECOND}`,
      );
    t.diagnostic(`the ways from pool to phone differed by ${unevenMs} ms`);
    for (const one of found) {
      assert.ok(one.atPool <= allowed.atPool, `${one.atPool} leased in a second`);
      assert.ok(one.atPhones <= allowed.atPhones, `${one.atPhones} told in a second, ${allowed.atPhones} allowed`);
    }
  });
});
