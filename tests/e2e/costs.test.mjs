// What a request of a phone costs, to the row: what it asks of KV and D1 with all that it leaves to be written. The table in
// docs/limits-costs.md ("To the row") says the same, and beside ten thousand devices it is no more.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { ROOT } from '../support/config.mjs';
import { eventually } from '../support/wait.mjs';
import { rawRequest } from '../support/worker/raw.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, newAccessPath, seedDevice, seedDevices, seedTenant } from '../support/worker/seed.mjs';

const QUIET_MS = 800;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The rows of the table: what, then the counts. */
function documented() {
  const text = readFileSync(join(ROOT, 'docs/limits-costs.md'), 'utf8');
  const [, table] = text.split('\n### To the row\n');
  const rows = [...table.split('\n## ')[0].matchAll(/^\| ([^|]+) ((?:\| \d+ ){6})\|$/gm)];
  return Object.fromEntries(rows.map(([, what, counts]) => [what, counts.match(/\d+/g).map(Number)]));
}

describe('what a request costs', () => {
  let worker;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
  });
  after(() => worker?.stop());

  /** The counts so far, as soon as nothing is added to them any more. */
  async function settled() {
    let [last, since] = ['', 0];
    return eventually(
      async () => {
        const counts = await worker.probe({});
        const now = JSON.stringify(counts);
        if (now !== last) [last, since] = [now, Date.now()];
        return { counts, quiet: Date.now() - since };
      },
      ({ quiet }) => quiet > QUIET_MS,
    ).then(({ counts }) => counts);
  }

  /** What one request costs after `change`: KV reads and writes, statements, rows read and written, sealings. */
  async function cost(tenant, path, status, { change, ...options } = {}) {
    // The first event in a minute makes the minute's row, which another one leaves before what is measured.
    while (Date.now() % MINUTE_MS > MINUTE_MS - 10_000) await pause(250);
    const minute = Math.floor(Date.now() / MINUTE_MS);
    if (tenant.minute !== minute) await rawRequest(worker.port, tenant.path('minute'));
    tenant.minute = minute;
    await settled();
    // Not before: the request for the minute would be the first one after the change.
    await change?.();
    await settled();
    await worker.probe({ reset: true });
    const answer = await rawRequest(worker.port, path, options);
    assert.equal(answer.status, status, path);
    const { kvReads, kvWrites, d1Statements, rowsRead, rowsWritten, encryptions } = await settled();
    return { answer, counts: [kvReads, kvWrites, d1Statements, rowsRead, rowsWritten, encryptions] };
  }

  /** Each row of the table, measured in a tenant with `crowd` further devices. */
  async function measured(crowd) {
    // That a device has used the access path is noted once an hour: it is for all of the table, or not yet.
    while (Date.now() % HOUR_MS > HOUR_MS - 2 * MINUTE_MS) await pause(1_000);
    const options = { events_per_minute: 10_000 };
    const tenant = await seedTenant(worker, { options });
    if (crowd) {
      const many = Array.from({ length: crowd }, (_, at) => ({ mac: mac(0x10000 + at), state: 'confirmed' }));
      await seedDevices(worker, tenant, many);
      // Devices that changed a moment ago are told to KV with the tenant, and read for it.
      await worker.sql('UPDATE devices SET fenced_at = 0 WHERE tenant_id = ?1', tenant.id);
    }
    const [phone, fresh] = [
      await seedDevice(worker, tenant, { mac: mac(1), state: 'confirmed' }),
      await seedDevice(worker, tenant, { mac: mac(2) }),
    ];
    const sealed = tenant.path(`Config${phone.mac}.enc`);
    const warm = async (path) => {
      await rawRequest(worker.port, path);
      await settled();
      return rawRequest(worker.port, path);
    };
    const found = {};
    const etag = (await warm(sealed)).header('etag');
    found['sealed file, hot'] = (await cost(tenant, sealed, 200)).counts;
    found['304'] = (await cost(tenant, sealed, 304, { headers: [['If-None-Match', etag]] })).counts;
    const change = () => tenant.changed();
    found['sealed file, first after a change above the device'] = (await cost(tenant, sealed, 200, { change })).counts;
    const another = await seedDevice(worker, tenant, { mac: mac(4), state: 'confirmed' });
    found['sealed file, first of another device'] = (await cost(tenant, tenant.path(`Config${another.mac}.enc`), 200)).counts;
    found['initial file'] = (await cost(tenant, tenant.path(`Initial${fresh.mac}.cfg`), 200)).counts;
    found.bootstrap = (await cost(tenant, tenant.path(`Config${fresh.mac}.cfg`), 200)).counts;
    const refused = tenant.path(`Config${mac(3)}.enc`);
    await warm(refused);
    found['refusal: no such device, once more'] = (await cost(tenant, refused, 404)).counts;
    await warm(tenant.path('nothing'));
    found['refusal: no such name'] = (await cost(tenant, tenant.path('nothing'), 404)).counts;
    found['refusal: no such access path'] = (await cost(tenant, `/${newAccessPath()}/Config${phone.mac}.enc`, 404)).counts;
    return found;
  }

  it('is as much as the documents say', async (context) => {
    const found = await measured(0);
    for (const [what, counts] of Object.entries(found)) context.diagnostic(`| ${what} | ${counts.join(' | ')} |`);
    assert.deepEqual(found, documented());
  });

  it('is no more beside ten thousand devices', async () => {
    assert.deepEqual(await measured(10_000), documented());
  });
});
