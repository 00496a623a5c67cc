// A panic costs its own request a 500, and nothing else; and the release build has no route that
// panics. scripts/test.sh builds the Worker with the route to target/panic-route.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import { ROOT } from '../support/config.mjs';
import { Api } from '../support/worker/api.mjs';
import { rawRequest, withoutRequestId } from '../support/worker/raw.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, newAccessPath, seedDevice, seedTenant } from '../support/worker/seed.mjs';

const PANICKING = join(ROOT, 'target/panic-route');

describe('a panic', () => {
  const started = [];
  const start = async (options) => {
    const worker = await Ringfence.start(options);
    started.push(worker);
    return worker;
  };
  after(() => Promise.all(started.map((worker) => worker.stop())));

  it('costs its own request a 500; the requests beside it are answered, and the isolate lives on', async () => {
    assert.ok(existsSync(join(PANICKING, 'index_bg.wasm')), 'run scripts/test.sh, which builds target/panic-route');
    const worker = await start({ build: PANICKING });
    const tenant = await seedTenant(worker);
    const phone = await seedDevice(worker, tenant, { mac: mac(1), state: 'confirmed' });
    const path = tenant.path(`Config${phone.mac}.enc`);
    const good = await rawRequest(worker.port, path);
    assert.equal(good.status, 200);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => rawRequest(worker.port, index % 4 === 0 ? '/__panic' : path)),
    );
    answers.forEach((answer, index) => {
      if (index % 4 === 0) {
        assert.equal(answer.status, 500);
        assert.ok(!/panicked|src\/|wasm/.test(answer.body.toString()), answer.body.toString());
      } else {
        assert.equal(answer.status, 200);
        assert.deepEqual(answer.body, good.body);
      }
    });
    assert.match(worker.log, /a panic on purpose/);
    assert.equal(worker.workerdPids().length, 1);
  });

  it('and a trap, which spoils the memory of the module, no more than that: what was in it is made again', async () => {
    const worker = await start({ build: PANICKING });
    const tenant = await seedTenant(worker);
    const phone = await seedDevice(worker, tenant, { mac: mac(1), state: 'confirmed' });
    const admin = new Api(worker);
    const pool = await admin.post('/pools', { name: 'before the trap' });
    const path = tenant.path(`Config${phone.mac}.enc`);
    const good = await rawRequest(worker.port, path);
    for (let trap = 0; trap < 3; trap += 1) {
      const answer = await rawRequest(worker.port, '/__abort');
      assert.equal(answer.status, 500);
      assert.ok(!/unreachable|wasm/.test(answer.body.toString()), answer.body.toString());
      // The entry, the object of the pool and the witness, which hears of every change, are in one isolate.
      assert.deepEqual((await rawRequest(worker.port, path)).body, good.body);
      assert.equal((await admin.get(`/pools/${pool.id}`)).name, 'before the trap');
      await admin.put(`/tenants/${tenant.id}/settings`, { settings: { LINE: String(trap) } });
    }
    // A trap ends in a microtask, where nobody catches it: what the runtime says is that the request would never end.
    assert.equal(worker.log.match(/had hung/g)?.length, 3);
    assert.equal(worker.workerdPids().length, 1);
  });

  it('has no route in the release build', async () => {
    const worker = await start();
    const answer = await rawRequest(worker.port, '/__panic');
    const refusal = await rawRequest(worker.port, `/${newAccessPath()}/nothing`);
    assert.equal(withoutRequestId(answer), withoutRequestId(refusal));
  });
});
