// A rollout to 10,000 phones in ten networks at 500 a second, counted where it matters: at the phones.
// The one place where a rate is asserted: the pace is the feature. Measured over the whole
// run; and no network may be told faster than its own limit, in whichever second one looks.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { connectedRelay, sippPhones, jobs, poolAndTenant } from '../support/relay/notify.mjs';
import { busiest, networks } from '../support/sip/pace.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';

const COUNT = 10_000;
const PACE = 500;
const NETWORKS = 10;
// How many devices of one network follow each other before the next network's turn, as with offices that were
// entered one after the other: a rollout that minds the order alone would tell a whole run in less than half a second.
const RUN = 200;
// What a network gets over a while is about 70 % of it; ten times that is a little above the pace.
const LIMIT = 75;

describe('a large rollout', () => {
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

  it(`tells ${COUNT} phones at ${PACE} a second, each once, and no network more than ${LIMIT} a second`, async (t) => {
    const api = new Api(worker);
    const here = await poolAndTenant(worker, api, { options: { lease_s: 120, fetch_timeout_s: 600, fetch_poll_ms: 60_000 } });
    const network = (number) => Math.floor(number / RUN) % NETWORKS;
    people = await sippPhones(worker, here.tenant, COUNT, { host: (number) => `127.0.${network(number)}.1`, fetches: false });
    await people.start();
    relay = await connectedRelay({ port: worker.port, credential: here.relays[0].credential, t1: 500 });
    const { total } = await api.post(`${here.at}/rollouts`, { per_second: PACE, network_per_second: LIMIT });
    assert.equal(total, COUNT);
    for (const deadline = Date.now() + 120_000; people.told.size < COUNT && Date.now() < deadline;)
      await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal(people.told.size, COUNT);
    assert.equal(people.count, COUNT, 'each once');

    const list = await jobs(api, here.at);
    const numbers = new Map(people.macs.map((mac, number) => [mac, number]));
    const { found, allowed, unevenMs } = networks(
      list.map((job) => ({
        network: network(numbers.get(job.device)),
        leased: job.sent_at,
        heard: people.ticks.get(job.device),
      })),
      LIMIT,
    );
    const ticks = [...people.ticks.values()].sort((a, b) => a - b);
    const rate = ((COUNT - 1) / (ticks[COUNT - 1] - ticks[0])) * 1000;
    t.diagnostic(
      `${rate.toFixed(0)} NOTIFYs/s over ${((ticks[COUNT - 1] - ticks[0]) / 1000).toFixed(1)} s, in the busiest second ${busiest(ticks)}`,
    );
    for (const one of found)
      t.diagnostic(
        `127.0.${one.network}.0/24: ${one.count} phones, in its busiest second ${one.atPhones} told (${one.atPool} leased) at a limit of ${LIMIT}`,
      );
    t.diagnostic(`the ways from pool to phone differed by ${unevenMs} ms`);
    for (const one of found) {
      assert.ok(one.atPool <= allowed.atPool, `${one.atPool} leased in a second`);
      assert.ok(one.atPhones <= allowed.atPhones, `${one.atPhones} told in a second, ${allowed.atPhones} allowed`);
    }
    // No faster than it was told to; how near to that it comes is the machine's.
    assert.ok(rate <= PACE * 1.1, `${rate.toFixed(0)}/s`);
    t.diagnostic(`goal ${PACE * 0.9}/s: ${rate >= PACE * 0.9 ? 'met' : 'MISSED'}`);
  });
});
