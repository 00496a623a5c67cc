// A rollout to 10,000 phones at 500 a second, counted where it matters: at the phones (issue 3 §6).
// The one place where a rate is asserted: the pace is the feature. Measured over the whole run.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../e2e/support/api.mjs';
import { connected, poolAndTenant } from '../e2e/support/notify.mjs';
import { Ringfence } from '../e2e/support/ringfence.mjs';
import { seedCrowd } from '../e2e/support/seed.mjs';
import { sipp } from '../e2e/support/sipp.mjs';

const COUNT = 10_000;
const PACE = 500;

describe('a large rollout', () => {
  let worker;
  let phones;
  let relay;
  before(async () => {
    worker = await Ringfence.start();
  });
  after(async () => {
    await relay?.stop('SIGKILL');
    await phones?.end();
    await worker?.stop();
  });

  it(`tells ${COUNT} phones at ${PACE} a second, each once`, async (t) => {
    const api = new Api(worker);
    phones = await sipp('answer', { keys: { status: '200 OK', linger: '500' }, args: ['-l', '100000'] });
    const here = await poolAndTenant(worker, api, {
      options: { lease_s: 120, fetch_timeout_s: 600, fetch_poll_ms: 60_000 },
      settings: { NOTIFY_AOR: 'sip:101@pbx.test', NOTIFY_ADDRESS: phones.address },
    });
    await seedCrowd(worker, here.tenant, COUNT);
    relay = await connected({ port: worker.port, credential: here.relays[0].credential, t1: 500 });
    const { total } = await api.post(`${here.at}/rollouts`, { per_second: PACE });
    assert.equal(total, COUNT);
    const deadline = Date.now() + 120_000;
    while (phones.lines().length < COUNT && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 500));
    const lines = phones.lines();
    const ticks = lines.map((line) => Number(/tick=(\d+)$/.exec(line)[1]));
    const seconds = (Math.max(...ticks) - Math.min(...ticks)) / 1000;
    const rate = (lines.length - 1) / seconds;
    const buckets = new Map();
    for (const tick of ticks) buckets.set(Math.floor(tick / 1000), (buckets.get(Math.floor(tick / 1000)) ?? 0) + 1);
    t.diagnostic(`${lines.length} NOTIFYs in ${seconds.toFixed(1)} s: ${rate.toFixed(0)}/s, in single seconds ${Math.min(...buckets.values())} to ${Math.max(...buckets.values())}`);
    assert.equal(lines.length, COUNT);
    assert.ok(Math.abs(rate - PACE) <= PACE / 10, `${rate.toFixed(0)}/s`);
  });
});
