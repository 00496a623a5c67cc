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

const QUIET_MS = 400;

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

  /** What one request costs: KV reads and writes, statements, rows read and written, sealings. */
  async function cost(path, status, options) {
    // A minute that begins has a row of its own.
    while (Date.now() % 60_000 > 50_000) await new Promise((resolve) => setTimeout(resolve, 250));
    await settled();
    await worker.probe({ reset: true });
    const answer = await rawRequest(worker.port, path, options);
    assert.equal(answer.status, status, path);
    const { kvReads, kvWrites, d1Statements, rowsRead, rowsWritten, encryptions } = await settled();
    return { answer, counts: [kvReads, kvWrites, d1Statements, rowsRead, rowsWritten, encryptions] };
  }

  /** Each row of the table, measured in a tenant with so many devices more. */
  async function measured(crowd) {
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
    found['sealed file, hot'] = (await cost(sealed, 200)).counts;
    found['304'] = (await cost(sealed, 304, { headers: [['If-None-Match', etag]] })).counts;
    await tenant.changed();
    found['sealed file, first after a change above the device'] = (await cost(sealed, 200)).counts;
    const another = await seedDevice(worker, tenant, { mac: mac(4), state: 'confirmed' });
    found['sealed file, first of another device'] = (await cost(tenant.path(`Config${another.mac}.enc`), 200)).counts;
    found['initial file'] = (await cost(tenant.path(`Initial${fresh.mac}.cfg`), 200)).counts;
    found.bootstrap = (await cost(tenant.path(`Config${fresh.mac}.cfg`), 200)).counts;
    const refused = tenant.path(`Config${mac(3)}.enc`);
    await warm(refused);
    found['refusal: no such device, once more'] = (await cost(refused, 404)).counts;
    await warm(tenant.path('nothing'));
    found['refusal: no such name'] = (await cost(tenant.path('nothing'), 404)).counts;
    found['refusal: no such access path'] = (await cost(`/${newAccessPath()}/Config${phone.mac}.enc`, 404)).counts;
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
