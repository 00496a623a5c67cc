// Who guesses from one address asks D1 a bounded number of times a minute, and nobody else is harmed.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';

import { eventually } from '../support/wait.mjs';
import { rawRequest } from '../support/worker/raw.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, newAccessPath, seedDevice, seedTenant, ulid } from '../support/worker/seed.mjs';

/** Twice the limit and more, should a minute of the limiter end meanwhile. */
const GUESSES = 250;

describe('an address that guesses', () => {
  let worker;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
  });
  after(() => worker?.stop());

  const wrongToken = () => `rf_${ulid()}_${randomBytes(32).toString('base64url')}`;
  const api = (address, token) =>
    worker.fetch('/api/v1/tenants', { headers: { authorization: `Bearer ${token}`, 'cf-connecting-ip': address } });

  const door = (address) =>
    worker.fetch('/relay/v1', {
      headers: { authorization: `Bearer rfr_${ulid()}_${randomBytes(32).toString('base64url')}`, 'cf-connecting-ip': address },
    });

  /** Guesses until `over` says that the address is barred; how many it took. */
  async function guess(once, over) {
    for (let count = 1; count <= GUESSES; count += 1) {
      if (await over(await once())) return count;
      // The counting follows the answer.
      if (count >= 100) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return assert.fail(`not barred after ${GUESSES} guesses`);
  }

  it('with wrong tokens gets 429; its valid tokens work all the same, and D1 is spared', async () => {
    const make = async (name) =>
      (
        await worker.fetch('/api/v1/tokens', {
          method: 'POST',
          body: JSON.stringify({ name, access: 'read' }),
          headers: { authorization: `Bearer ${worker.adminToken}`, 'content-type': 'application/json' },
        })
      ).json();
    const made = await make('one');
    const count = await guess(
      () => api('192.0.2.1', wrongToken()),
      (answer) => answer.status === 429 || assert.equal(answer.status, 401),
    );
    assert.ok(count > 100, `barred after ${count}`);
    const barred = await api('192.0.2.1', wrongToken());
    assert.deepEqual([barred.status, barred.headers.get('retry-after')], [429, '60']);
    assert.match((await barred.json()).detail, /Wait a minute/);
    // Never used before, by this address or another.
    assert.equal((await api('192.0.2.1', made.token)).status, 200);
    // The right id with a wrong secret is a wrong token.
    assert.equal((await api('192.0.2.1', `${made.token.slice(0, -8)}AAAAAAAA`)).status, 429);
    assert.equal((await api('192.0.2.1', worker.adminToken)).status, 200);
    assert.equal((await api('192.0.2.2', made.token)).status, 200);
    // A relay beside it is not kept out: its door counts for itself.
    assert.equal((await door('192.0.2.1')).status, 401);
    // However many come: all tokens are read once in ten seconds, and nothing else.
    await worker.probe({ reset: true });
    const answers = await Promise.all(Array.from({ length: 100 }, () => api('192.0.2.1', wrongToken())));
    assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [429]);
    const { sql } = await worker.probe({ reset: true });
    assert.ok(sql.length <= 2, sql.join('\n'));
  });

  it('with relay credentials gets 429 at the door, and nowhere else', async () => {
    await guess(
      () => door('192.0.2.3'),
      (answer) => answer.status === 429 || assert.equal(answer.status, 401),
    );
    assert.equal((await door('192.0.2.3')).headers.get('retry-after'), '60');
    assert.equal((await door('192.0.2.4')).status, 401);
    assert.equal((await api('192.0.2.3', wrongToken())).status, 401);
  });

  it('with access paths is refused as before, without D1; a phone beside it is served', async () => {
    const tenant = await seedTenant(worker);
    const phone = await seedDevice(worker, tenant, { mac: mac(1), state: 'confirmed' });
    const options = { headers: [['CF-Connecting-IP', '2001:db8::1']] };
    const file = () => rawRequest(worker.port, tenant.path(`Config${phone.mac}.enc`), options);
    assert.equal((await file()).status, 200);
    // As somebody who has a whole /64.
    let host = 0;
    const stranger = () =>
      rawRequest(worker.port, `/${newAccessPath()}/Config${phone.mac}.enc`, {
        headers: [['CF-Connecting-IP', `2001:db8::${(host += 1).toString(16)}`]],
      });
    const first = await stranger();
    await worker.probe({ reset: true });
    await guess(stranger, async (answer) => {
      assert.deepEqual([answer.status, answer.body], [first.status, first.body]);
      return (await worker.probe({ reset: true })).sql.length === 0;
    });
    assert.equal((await file()).status, 200);
    // Whoever guesses leaves no event, and takes no room in the minute of the tenant whose phone is beside it.
    await eventually(
      () => worker.sql('SELECT status, count(*) AS n FROM phone_events WHERE tenant_id = ?1 GROUP BY status', tenant.id),
      (rows) => rows.length === 1 && rows[0].status === 200 && rows[0].n === 2,
    );
    // KV does not answer: then nobody can be told from a phone, and D1 is asked for all.
    await worker.probe({ kv: 'fail', reset: true });
    assert.equal((await file()).status, 200);
    await worker.probe({ kv: null });
  });
});
