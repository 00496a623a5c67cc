// workerd killed with SIGKILL during 200 claims and started again: no key is delivered twice, and
// none is lost without a trace.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { element } from '../support/worker/content.mjs';
import { opensslDecrypt } from '../support/openssl.mjs';
import { rawRequest } from '../support/worker/raw.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedDevices, seedTenant } from '../support/worker/seed.mjs';

const DEVICES = 200;

describe('SIGKILL during claims', () => {
  let worker;
  before(async () => {
    worker = await Ringfence.start();
  });
  after(() => worker?.stop());

  it('delivers no key twice and loses none', async () => {
    const tenant = await seedTenant(worker);
    const phones = await seedDevices(
      worker,
      tenant,
      Array.from({ length: DEVICES }, (_, number) => ({ mac: mac(number) })),
    );
    const plain = (phone) => tenant.path(`Config${phone.mac}.cfg`);
    const delivered = new Map(phones.map((phone) => [phone.mac, 0]));
    const note = (phone, answer) => {
      if (answer?.status !== 200) return;
      // Only a whole file counts: a phone discards half of one.
      assert.equal(Number(answer.header('content-length')), answer.body.length);
      assert.equal(element(answer.body.toString(), 'CFG_FILE_KEY'), phone.key);
      delivered.set(phone.mac, delivered.get(phone.mac) + 1);
    };

    // Phones ask in waves of 20; the kill comes when a third of them have their file.
    let answered = 0;
    let killed;
    const ask = async (phone) => {
      const answer = await rawRequest(worker.port, plain(phone)).catch(() => undefined);
      if (answer?.status === 200 && Number(answer.header('content-length')) === answer.body.length) note(phone, answer);
      answered += 1;
      if (answered === Math.floor(DEVICES / 3)) killed = worker.kill();
    };
    const queue = [...phones];
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        while (queue.length > 0) await ask(queue.shift());
      }),
    );
    assert.ok((await killed).length >= 1, 'a workerd was killed');
    const before = [...delivered.values()].filter(Boolean).length;
    assert.ok(before > 0 && before < DEVICES, `${before} were delivered before the kill`);

    await worker.restart();
    const rows = await worker.sql('SELECT mac, key_state, ever_delivered FROM devices WHERE tenant_id = ?1', tenant.id);
    assert.equal(rows.length, DEVICES);
    const stateOf = new Map(rows.map((row) => [row.mac, row]));
    for (const phone of phones) {
      const state = stateOf.get(phone.mac).key_state;
      // Whoever has the key is on record; nothing is in between.
      if (delivered.get(phone.mac) > 0) assert.notEqual(state, 'armed', phone.mac);
      assert.ok(['armed', 'delivered'].includes(state), `${phone.mac} is ${state}`);
    }

    for (const phone of phones) note(phone, await rawRequest(worker.port, plain(phone)));
    let cut = 0;
    for (const phone of phones) {
      const times = delivered.get(phone.mac);
      assert.ok(times <= 1, `${phone.mac} was delivered ${times} times`);
      if (times === 0) {
        // Claimed, and cut off before the file was whole: on record as delivered, to be re-armed.
        assert.equal(stateOf.get(phone.mac).key_state, 'delivered', phone.mac);
        cut += 1;
      }
    }
    assert.ok(cut <= 20, `${cut} transfers were cut, of 20 at a time`);
    // No key is lost: every one still seals what openssl opens.
    for (const phone of phones.filter((_, index) => index % 10 === 0)) {
      const answer = await rawRequest(worker.port, tenant.path(`Config${phone.mac}.enc`));
      assert.equal(answer.status, 200);
      assert.equal(element(opensslDecrypt(answer.body, phone.key).toString(), 'SIP_AUTHID_1'), phone.mac.toLowerCase());
    }
  });
});
