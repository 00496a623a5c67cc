// Within an access path a refusal costs the same whatever its reason: the same statements, and as many rows
// read by each. Counted, not timed (the time follows from it, and a clock on a busy machine tells little).

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { rawRequest, withoutRequestId } from '../support/worker/raw.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedDevice, seedTenant } from '../support/worker/seed.mjs';

/** What is written after the answer. */
const AFTER = /^(INSERT|UPDATE|DELETE)/;

describe('refusals within an access path', () => {
  let worker;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
  });
  after(() => worker?.stop());

  /** A tenant with one device for each reason to be refused; each has settings of its own. */
  async function fleet(options) {
    const tenant = await seedTenant(worker, { options, settings: { NTP: 'ntp.example', ZONE: 'UTC' } });
    const settings = { SIP_PASS: { secret: 'Tr0ub4dor' }, LINE: '1' };
    const device = (number, more) => seedDevice(worker, tenant, { mac: mac(number), settings, ...more });
    const past = Date.now() - 60_000;
    return {
      tenant,
      devices: {
        unknown: { mac: mac(0xffff) },
        // Before all others in the order of MACs, and behind them.
        unknownFirst: { mac: mac(0) },
        // Its time is over, and the cron trigger has not come by.
        expiredUnswept: await device(1, { state: 'armed', armedUntil: past }),
        expired: await device(2, { state: 'expired', armedUntil: past }),
        consumed: await device(3, { state: 'delivered' }),
        confirmed: await device(4, { state: 'confirmed' }),
        disabled: await device(5, { state: 'armed', disabled: 1 }),
      },
    };
  }

  async function costs({ tenant, devices }, name, only = () => true) {
    const found = {};
    for (const [what, { mac: of }] of Object.entries(devices).filter(([what]) => only(what))) {
      await rawRequest(worker.port, tenant.path(name(of)));
      await worker.probe({ reset: true });
      const answer = await rawRequest(worker.port, tenant.path(name(of)));
      await new Promise((resolve) => setTimeout(resolve, 100));
      const { sql, read, kvReads } = await worker.probe({ reset: true });
      const before = sql.map((text, at) => [text, read[at]]).filter(([text]) => !AFTER.test(text));
      found[what] = { answer: withoutRequestId(answer), status: answer.status, kvReads, before };
    }
    return found;
  }

  function assertEven(found) {
    const [first, ...others] = Object.keys(found);
    assert.equal(found[first].status, 404);
    assert.ok(found[first].before.length >= 3);
    for (const other of others) assert.deepEqual(found[other], found[first], `${other} and ${first}`);
  }

  for (const retry of [0, 60]) {
    it(`of the plain name read the same rows (retry window ${retry} s)`, async () => {
      const all = await fleet({ events_per_minute: 0, retry_window_s: retry });
      // Whoever took it at another address has no window here.
      await worker.sql("UPDATE devices SET delivered_address = '203.0.113.9' WHERE tenant_id = ?1", all.tenant.id);
      assertEven(await costs(all, (of) => `Config${of}.cfg`));
    });
  }

  it('of the sealed name read the same rows', async () => {
    const all = await fleet({ events_per_minute: 0 });
    const refused = (what) => !['consumed', 'confirmed'].includes(what);
    assertEven(await costs(all, (of) => `Config${of}.enc`, refused));
  });

  it('of the initial file read the same rows, whatever became of the device', async () => {
    const all = await fleet({ events_per_minute: 0 });
    const { tenant } = all;
    const target = await seedTenant(worker, { settings: { NTP: 'ntp.example' } });
    const admin = new Api(worker);
    const moved = async (number, more, past = () => {}) => {
      const device = await seedDevice(worker, tenant, { mac: mac(number), state: 'confirmed', settings: { LINE: '1' } });
      await admin.post(`/tenants/${tenant.id}/devices/${device.mac}/move`, { tenant: target.id, ...more });
      await past(`/tenants/${target.id}/devices/${device.mac}`);
      return device;
    };
    const devices = {
      unknown: all.devices.unknown,
      unknownFirst: all.devices.unknownFirst,
      disabled: all.devices.disabled,
      movedAway: await moved(11, { forward: { enabled: false } }),
      ended: await moved(12, {}, (there) => admin.delete(`${there}/forward`)),
      outOfService: await moved(13, {}, (there) => admin.post(`${there}/disable`)),
      gone: await moved(14, {}, (there) => admin.delete(there)),
      over: await moved(15, {}, () => worker.sql('UPDATE moves SET ends_at = 1 WHERE mac = ?1', mac(15))),
    };
    assertEven(await costs({ tenant, devices }, (of) => `Initial${of}.cfg`));
    const sentOn = await moved(16, {});
    assert.equal((await tenant.get(`Initial${sentOn.mac}.cfg`)).status, 200);
  });

  it('of a name that is one family’s index and another family’s file read the same rows', async () => {
    const all = await fleet({ events_per_minute: 0 });
    const { tenant, devices } = all;
    const admin = new Api(worker);
    const at = `/tenants/${tenant.id}`;
    const device = async (model, number) => {
      const { mac: own } = await admin.put(`${at}/devices/${mac(number)}`, { model, settings: { ntp: 'ntp.example' } });
      return { mac: own };
    };
    const index = await device('VVX450', 21);
    const file = await device('SIP-T46S', 22);
    devices.indexOutOfService = await device('VVX450', 23);
    devices.fileOutOfService = await device('SIP-T46S', 24);
    for (const { mac: own } of [devices.indexOutOfService, devices.fileOutOfService]) await admin.post(`${at}/devices/${own}/disable`);
    // Its own name is another one.
    devices.ofAnotherFamily = await device('GXP2170', 25);
    // Its phone could be sent on, but not here, or not any more.
    const target = await seedTenant(worker, {});
    const moved = async (what, model, number, more) => {
      devices[what] = await device(model, number);
      await admin.post(`${at}/devices/${mac(number)}/move`, { tenant: target.id, ...more });
    };
    await moved('movedAway', 'SIP-T46S', 26, { forward: { enabled: false } });
    await moved('ofAnotherFamilyMoved', 'snomD785', 27);
    await moved('over', 'SIP-T46S', 28);
    await worker.sql('UPDATE moves SET ends_at = 1 WHERE mac = ?1', mac(28));
    assertEven(await costs(all, (of) => `${of.toLowerCase()}.cfg`));
    const [own, other] = await Promise.all([index, file].map((one) => tenant.get(`${one.mac.toLowerCase()}.cfg`)));
    assert.match(await own.text(), new RegExp(`CONFIG_FILES="${index.mac.toLowerCase()}-ringfence\\.cfg"`));
    assert.match(await other.text(), /^#!version:1\.0\.0\.1/);
  });

  it('a device that gets something does, with its settings', async () => {
    const { tenant } = await fleet({ events_per_minute: 0 });
    const armed = await seedDevice(worker, tenant, { mac: mac(9), armedUntil: Date.now() + 60_000 });
    assert.equal((await tenant.get(`Config${armed.mac}.cfg`)).status, 200);
    assert.equal((await tenant.get(`Config${armed.mac}.enc`)).status, 200);
  });
});
