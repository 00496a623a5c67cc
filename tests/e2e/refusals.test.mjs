// Every refusal is one answer, byte for byte, and writes nothing before it goes out.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { eventually } from '../support/wait.mjs';
import { rawRequest, withoutRequestId } from '../support/worker/raw.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, newAccessPath, seedDevice, seedTenant } from '../support/worker/seed.mjs';

describe('a refusal', () => {
  let worker;
  let tenant;
  let other;
  let causes;
  let seen;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
    tenant = await seedTenant(worker, {
      models: [
        { name: 'KX-UTG300B', family: 'utg', profile: 'utg-128' },
        { name: 'KX-HDV130N', family: 'hdv', profile: null },
      ],
    });
    other = await seedTenant(worker);
    const bound = await seedTenant(worker, { hostname: 'phones.example' });
    const expired = await seedTenant(worker);
    await worker.sql('UPDATE access_paths SET expires_at = 1 WHERE tenant_id = ?1', expired.id);
    const device = (number, options = {}) => seedDevice(worker, options.tenant ?? tenant, { mac: mac(number), ...options });
    const consumed = await device(1, { state: 'delivered' });
    const confirmed = await device(2, { state: 'confirmed' });
    const stale = await device(3, { armedUntil: 1 });
    const gone = await device(4, { state: 'expired' });
    const armed = await device(5);
    const disabled = await device(6, { disabled: 1 });
    const disabledSealed = await device(7, { disabled: 1, state: 'confirmed' });
    const foreign = await device(8, { tenant: other, state: 'armed' });
    const foreignSealed = await device(9, { tenant: other, state: 'confirmed' });
    const boundPhone = await device(10, { tenant: bound, state: 'confirmed' });
    const expiredPhone = await device(11, { tenant: expired, state: 'confirmed' });
    const plainFamily = await device(12, { model: 'KX-HDV130N' });
    const replaced = await device(13, { state: 'replaced' });

    const nowhere = `/${newAccessPath()}`;
    causes = {
      'an unknown access path': `${nowhere}/Config${armed.mac}.cfg`,
      'an unknown access path, sealed name': `${nowhere}/Config${confirmed.mac}.enc`,
      'an unknown access path, initial file': `${nowhere}/KX-UTG300B.cfg`,
      'no access path': `/Config${armed.mac}.cfg`,
      'an access path alone': `/${tenant.accessPath}`,
      'an access path and a slash': tenant.path(''),
      'the root': '/',
      'an unknown MAC': tenant.path(`Config${mac(0xffffff)}.cfg`),
      'an unknown MAC, sealed name': tenant.path(`Config${mac(0xffffff)}.enc`),
      'an unknown MAC, initial file': tenant.path(`Initial${mac(0xffffff)}.cfg`),
      'an unknown model': tenant.path('KX-UTG999Z.cfg'),
      'a device of another tenant': tenant.path(`Config${foreign.mac}.cfg`),
      'a device of another tenant, sealed name': tenant.path(`Config${foreignSealed.mac}.enc`),
      'a disabled device': tenant.path(`Config${disabled.mac}.cfg`),
      'a disabled device, sealed name': tenant.path(`Config${disabledSealed.mac}.enc`),
      'a disabled device, initial file': tenant.path(`Initial${disabled.mac}.cfg`),
      'a consumed bootstrap': tenant.path(`Config${consumed.mac}.cfg`),
      'a consumed bootstrap, key confirmed': tenant.path(`Config${confirmed.mac}.cfg`),
      'a bootstrap past its time': tenant.path(`Config${stale.mac}.cfg`),
      'an expired bootstrap': tenant.path(`Config${gone.mac}.cfg`),
      'a replaced key': tenant.path(`Config${replaced.mac}.cfg`),
      'a sealed name before the key was delivered': tenant.path(`Config${armed.mac}.enc`),
      'a shared sealed name before the key was delivered': tenant.path(`Product${armed.mac}.enc`),
      'a plain shared name where shared files are sealed': tenant.path('ConfigKX-UTG300B.cfg'),
      'a system file of a family that has none': tenant.path('System.cfg'),
      'a sealed name of a device without a profile': tenant.path(`Config${plainFamily.mac}.enc`),
      'a path that no template fits': tenant.path('wp-login.php'),
      'a path with other letter case': tenant.path(`config${armed.mac}.cfg`),
      'a lower-case MAC under {MAC}': tenant.path(`Config${mac(0xabcdef).toLowerCase()}.cfg`),
      'a certificate that is not there': tenant.path('certs/root.pem'),
      'another host than the tenant is bound to': bound.path(`Config${boundPhone.mac}.enc`),
      'an access path that has expired': expired.path(`Config${expiredPhone.mac}.enc`),
    };
    seen = {};
    for (const [cause, path] of Object.entries(causes)) seen[cause] = await rawRequest(worker.port, path);
    seen['plain HTTP'] = await rawRequest(worker.port, tenant.path(`Config${confirmed.mac}.enc`), {
      headers: [['Host', 'phones.example']],
    });
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      seen[`the method ${method}`] = await rawRequest(worker.port, tenant.path(`Config${confirmed.mac}.enc`), { method });
    }
  });
  after(() => worker?.stop());

  it('is the same bytes whatever its cause', () => {
    const expected = withoutRequestId(seen['an unknown access path']);
    assert.match(expected, /^HTTP\/1\.1 404 /);
    for (const [cause, answer] of Object.entries(seen)) assert.equal(withoutRequestId(answer), expected, cause);
  });

  it('is the same to HEAD, without a body', async () => {
    const expected = withoutRequestId(await rawRequest(worker.port, causes['an unknown access path'], { method: 'HEAD' }));
    assert.match(expected, /^HTTP\/1\.1 404 /);
    assert.ok(expected.endsWith('\r\n\r\n'));
    for (const [cause, path] of Object.entries(causes)) {
      const answer = await rawRequest(worker.port, path, { method: 'HEAD' });
      assert.equal(withoutRequestId(answer), expected, cause);
    }
  });

  it('is not to be cached and says its length', () => {
    const answer = seen['an unknown MAC'];
    assert.equal(answer.header('cache-control'), 'no-store');
    assert.equal(Number(answer.header('content-length')), answer.body.length);
  });

  it('reads D1 and KV as often whatever its cause, and writes nothing but its event and, after it, who asked', async () => {
    const counts = async (path) => {
      await worker.probe({ reset: true });
      await rawRequest(worker.port, path);
      const { sql } = await worker.probe({ reset: true });
      return sql;
    };
    for (const [cause, path] of Object.entries(causes)) {
      const sql = await counts(path);
      const written = sql.filter((text) => /^(INSERT|UPDATE|DELETE|REPLACE)/i.test(text));
      for (const text of written) {
        assert.match(
          text,
          /^(INSERT INTO (event_minutes|phone_events|unknown_phones) |UPDATE event_minutes SET new_phones |DELETE FROM unknown_phones )/,
          `${cause}: ${text}`,
        );
      }
    }
  });

  it('changes no device', async () => {
    const rows = await worker.sql('SELECT mac, key_state, last_seen_at FROM devices ORDER BY mac');
    assert.deepEqual(
      rows.map((row) => [row.mac, row.key_state, row.last_seen_at]),
      [
        [mac(1), 'delivered', null],
        [mac(2), 'confirmed', null],
        [mac(3), 'armed', null],
        [mac(4), 'expired', null],
        [mac(5), 'armed', null],
        [mac(6), 'armed', null],
        [mac(7), 'confirmed', null],
        [mac(8), 'armed', null],
        [mac(9), 'confirmed', null],
        [mac(10), 'confirmed', null],
        [mac(11), 'confirmed', null],
        [mac(12), 'armed', null],
        [mac(13), 'replaced', null],
      ],
    );
  });

  it('of a request that belongs to no tenant leaves a log line and no event', async () => {
    // What was asked before is in D1 a second after its answer.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const before = (await worker.sql('SELECT count(*) AS n FROM phone_events'))[0].n;
    const answer = await rawRequest(worker.port, `/${newAccessPath()}/Config${mac(1)}.cfg`);
    const id = answer.header('ringfence-request-id');
    const line = await worker.logLine((entry) => entry.request_id === id);
    assert.equal(line.outcome, 'refused');
    assert.equal(line.reason, 'unknown_access_path');
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal((await worker.sql('SELECT count(*) AS n FROM phone_events'))[0].n, before);
  });

  it('does not wait for its event, which is written once, and as soon as D1 takes it again', async () => {
    const here = await seedTenant(worker);
    const path = here.path(`Config${mac(0x700001)}.cfg`);
    const events = () => worker.sql('SELECT reason FROM phone_events WHERE tenant_id = ?1', here.id);
    await worker.probe({ d1: 'fail', d1Match: '^INSERT INTO (event_minutes|phone_events)' });
    const expected = withoutRequestId(seen['an unknown access path']);
    for (let time = 0; time < 5; time += 1) assert.equal(withoutRequestId(await rawRequest(worker.port, path)), expected);
    assert.deepEqual(await events(), []);
    await worker.probe({ d1: null, d1Match: null });
    await eventually(events, (rows) => rows.length === 5);
    // A list that D1 refused is tried again half a second, two and five seconds later.
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    assert.deepEqual(
      (await events()).map(({ reason }) => reason),
      Array(5).fill('unknown_device'),
    );
  });

  it('tells the operator its reason in the log, with the request id of the answer', async () => {
    const reasons = {
      'an unknown MAC': 'unknown_device',
      'a consumed bootstrap': 'bootstrap_consumed',
      'a bootstrap past its time': 'bootstrap_expired',
      'a disabled device': 'disabled',
      'plain HTTP': 'not_tls',
      'a path that no template fits': 'no_such_path',
      'an access path that has expired': 'access_path_closed',
      'a sealed name before the key was delivered': 'key_not_delivered',
    };
    for (const [cause, reason] of Object.entries(reasons)) {
      const id = seen[cause].header('ringfence-request-id');
      const line = await worker.logLine((entry) => entry.request_id === id);
      assert.equal(line.reason, reason, cause);
    }
  });
});
