// Why a phone got nothing: each reason is an event of its tenant, with the name that was asked for and the
// access path, or it is said in docs/troubleshooting.md to be a log line alone.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { ROOT } from '../support/config.mjs';
import { rawRequest, withoutRequestId } from '../support/worker/raw.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { UTG, mac, newAccessPath, seedDevice, seedTenant } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

const HDV = { name: 'KX-HDV130N', family: 'hdv', profile: null };

/** The words in the first column of the table there, by whether they leave a log line only. */
function readme() {
  const [, after] = readFileSync(join(ROOT, 'docs/troubleshooting.md'), 'utf8').split('| reason | cause | do |\n|---|---|---|\n');
  const cells = after
    .split('\n\n')[0]
    .split('\n')
    .map((row) => row.split('|')[1]);
  const words = (some) => some.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map((match) => match[1]));
  return { all: words(cells), logOnly: words(cells.filter((cell) => cell.includes('log line only'))) };
}

/** What looks for the device that a name means. */
const LOOK_UP = /^SELECT d\.id, d\.mac FROM json_each/;

describe('a request that got nothing', () => {
  let worker;
  let tenant;
  let device;
  let answers;
  const api = () => new Api(worker);
  const pathId = async (of) => (await worker.sql('SELECT id FROM access_paths WHERE tenant_id = ?1', of.id))[0].id;
  /** The event of an answer, once it is written. */
  const eventOf = async (of, answer) => {
    const id = answer.header('ringfence-request-id');
    const [event] = await eventually(
      () => of.events(`request_id = '${id}'`),
      (list) => list.length === 1,
      `the event of ${id}`,
    );
    return event;
  };
  const lineOf = (answer) => worker.logLine((line) => line.event === 'phone' && line.request_id === answer.header('ringfence-request-id'));

  before(async () => {
    worker = await Ringfence.start({ probe: true });
    tenant = await seedTenant(worker, { models: [UTG, HDV] });
    device = await seedDevice(worker, tenant, { mac: mac(0x104) });
  });
  after(() => worker?.stop());

  it('leaves an event or a log line, whichever the document says, for every reason there is', async () => {
    const closed = await seedTenant(worker);
    await worker.sql('UPDATE access_paths SET expires_at = 1 WHERE tenant_id = ?1', closed.id);
    const bound = await seedTenant(worker, { hostname: 'phones.example' });
    const broken = await seedTenant(worker, {
      templates: { 'standard/utg': '<PANASIPPhoneConfig><Device>{{ NOT_SET }}</Device></PANASIPPhoneConfig>' },
    });
    // Two families get their files in clear: whose master file is meant?
    const several = await seedTenant(worker, { models: [HDV, { name: 'KX-UT133', family: 'ut', profile: null }] });
    let number = 0x1000;
    const seeded = (options, of = tenant) => seedDevice(worker, of, { mac: mac((number += 1)), ...options });
    const closedDevice = await seeded({ state: 'confirmed' }, closed);
    const boundDevice = await seeded({ state: 'confirmed' }, bound);
    const plain = (phone) => `Config${phone.mac}.cfg`;
    const stuck = await seeded({});
    await worker.sql(
      `CREATE TRIGGER nobody_wins BEFORE UPDATE OF key_state ON devices WHEN old.id = '${stuck.id}' BEGIN SELECT RAISE (IGNORE); END`,
    );
    const brokenDevice = await seeded({}, broken);
    const http = [['Host', 'phones.example']];
    const M = device.mac;
    // reason: [tenant or null, path below the access path or the whole, options of the request]
    const asks = [
      ['no_access_path', null, '/'],
      ['unknown_access_path', null, `/${newAccessPath()}/Config${M}.cfg`],
      ['access_path_closed', closed, plain(closedDevice)],
      ['access_path_closed', bound, plain(boundDevice)],
      ['method_not_allowed', tenant, plain(device), { method: 'POST' }],
      ['no_such_path', tenant, 'wp-login.php'],
      ['no_such_path', tenant, 'a'.repeat(20).concat('/').repeat(40)],
      ['macro_not_replaced', tenant, 'Config%7BMAC%7D.cfg'],
      ['encoded_twice', tenant, `Config${M}%252Ecfg`],
      ['blank_in_name', tenant, `${plain(device)}%20`],
      ['query_in_name', tenant, `${plain(device)}%3Fpassword=secret-9`],
      ['mac_notation', tenant, `Config${M.match(/../g).join(':')}.cfg`],
      ['extra_slash', tenant, `/${plain(device)}`],
      ['extra_folder', tenant, `prov/${plain(device)}`],
      ['wrong_extension', tenant, `Config${M}.xml`],
      ['wrong_case', tenant, `config${M.toLowerCase()}.cfg`],
      ['not_tls', tenant, plain(device), { headers: http }],
      ['unknown_device', tenant, `Config${mac(0xffffff)}.cfg`],
      ['unknown_model', tenant, 'KX-UTG999Z.cfg'],
      ['disabled', tenant, plain(await seeded({ disabled: 1 }))],
      ['key_not_delivered', tenant, `Config${M}.enc`],
      ['bootstrap_consumed', tenant, plain(await seeded({ state: 'delivered' }))],
      ['bootstrap_expired', tenant, plain(await seeded({ state: 'expired' }))],
      ['key_replaced', tenant, plain(await seeded({ state: 'replaced' }))],
      ['head_of_bootstrap', tenant, plain(device), { method: 'HEAD' }],
      ['conditional_bootstrap', tenant, plain(device), { headers: [['If-None-Match', '*']] }],
      ['lost_claim', tenant, plain(stuck)],
      ['wrong_form', tenant, `Config${(await seeded({ model: HDV.name })).mac}.enc`],
      ['no_family', several, 'ConfigCom.cfg'],
      ['no_certificate', tenant, 'certs/root.pem'],
      ['file_not_made', broken, plain(brokenDevice)],
      ['storage', tenant, 'certs/root.pem', {}, { d1: 'fail', d1Match: 'FROM certificates' }],
    ];
    const { all, logOnly } = readme();
    const SERVED = [
      'sealed',
      'sealed_last_good',
      'sealed_at_plain_name',
      'bootstrap',
      'plain_over_https',
      'initial',
      'forwarded',
      'shared',
      'shared_last_good',
      'certificate',
    ];
    assert.deepEqual(new Set([...SERVED, ...asks.map(([reason]) => reason)]), new Set(all));

    const refusals = new Set();
    answers = [];
    for (const [reason, of, name, options = {}, fault] of asks) {
      if (fault) await worker.probe(fault);
      const answer = await rawRequest(worker.port, of ? of.path(name) : name, options);
      if (fault) await worker.probe({ d1: null, d1Match: null });
      if (answer.status === 404 && options.method !== 'HEAD') refusals.add(withoutRequestId(answer));
      else assert.ok(answer.status === 503 || options.method === 'HEAD', `${reason}: ${answer.status}`);
      answers.push({ reason, of, name, answer });
    }
    assert.equal(refusals.size, 1, 'to phones all refusals are the same');
    for (const { reason, of, name, answer } of answers) {
      assert.equal((await lineOf(answer)).reason, reason);
      assert.equal(of === null, logOnly.includes(reason), reason);
      if (of === null) {
        assert.deepEqual(
          await worker.sql('SELECT id FROM phone_events WHERE request_id = ?1', answer.header('ringfence-request-id')),
          [],
          reason,
        );
        assert.ok(!('path' in (await lineOf(answer))), 'of an unknown access path nothing is kept');
        continue;
      }
      const event = await eventOf(of, answer);
      assert.equal(event.reason, reason);
      assert.equal(event.access_path, await pathId(of), reason);
      assert.ok(
        event.path.length > 0 && event.path.length <= 200 && event.path.startsWith(decodeURIComponent(name).split('?')[0].slice(0, 12)),
        `${reason}: ${event.path}`,
      );
      assert.equal((await lineOf(answer)).path, event.path, reason);
    }
    await worker.sql('DROP TRIGGER nobody_wins');
  });

  it('is an event of the device whose MAC is in the name, in any notation, with the name that was expected', async () => {
    const own = await seedDevice(worker, tenant, { mac: mac(0xabcdef) });
    const [bare, lower, pairs] = [own.mac, own.mac.toLowerCase(), own.mac.match(/../g)];
    const expected = `Config${bare}.cfg`;
    const names = [
      [`Config${lower}.cfg`, 'wrong_case', { expected }],
      [`config${bare}.cfg`, 'wrong_case', { expected }],
      [`Config${bare}.CFG`, 'wrong_case', { expected }],
      [`Config${bare}.cfg%20`, 'blank_in_name', { expected }],
      [`config${bare}.cfg%20`, 'blank_in_name', { also: ['wrong_case'], expected }],
      [`Config${bare.slice(0, 6)}%20${bare.slice(6)}.cfg`, 'blank_in_name', { expected }],
      [`Config${pairs.join('%3A')}.cfg`, 'mac_notation', { expected }],
      [`Config${pairs.join('-').toLowerCase()}.enc`, 'mac_notation', { expected: `Config${bare}.enc` }],
      [`%43onfig${lower}%2Ecfg`, 'wrong_case', { expected }],
      [`spa${lower}.bin`, 'no_such_path', null],
      [`provision/face${lower}/boot`, 'no_such_path', null],
    ];
    const asked = [];
    for (const [name, reason, detail] of names)
      asked.push({ name, reason, detail, answer: await rawRequest(worker.port, tenant.path(name)) });
    const plainHttp = await rawRequest(worker.port, tenant.path(expected), { headers: [['Host', 'phones.example']] });
    asked.push({ name: expected, reason: 'not_tls', detail: null, answer: plainHttp });
    for (const { name, reason, detail, answer } of asked) {
      const event = await eventOf(tenant, answer);
      assert.equal(event.reason, reason, name);
      assert.deepEqual(event.detail && JSON.parse(event.detail), detail, name);
      assert.equal(event.path, decodeURIComponent(name));
      assert.deepEqual([event.device_id, event.mac], [own.id, bare], name);
    }
    const notation = pairs.join(':').toLowerCase();
    const { items } = await api().get(`/tenants/${tenant.id}/events?device=${notation}`);
    assert.equal(items.length, asked.length);
    const one = items.find((item) => item.path === `Config${lower}.cfg`);
    assert.deepEqual([one.reason, one.detail, one.mac, one.access_path], ['wrong_case', { expected }, bare, await pathId(tenant)]);
  });

  it('is nobody’s event where the MAC is another tenant’s', async () => {
    const other = await seedTenant(worker);
    const foreign = await seedDevice(worker, other, { mac: mac(0xfedcba) });
    const event = await eventOf(tenant, await rawRequest(worker.port, tenant.path(`config${foreign.mac}.cfg`)));
    assert.deepEqual([event.reason, event.device_id, event.mac], ['wrong_case', null, foreign.mac]);
    assert.deepEqual(await other.events(), []);
  });

  it('shows what was sent as it was meant, whether the client escaped it or not, and no more than is safe', async () => {
    const shown = async (name) => (await eventOf(tenant, await rawRequest(worker.port, tenant.path(name)))).path;
    assert.equal(await shown('Config{MAC}.cfg'), 'Config{MAC}.cfg');
    assert.equal(await shown('Config%3CMAC%3E.cfg'), 'Config<MAC>.cfg');
    assert.equal(await shown('a%0D%0A%1B%5B2J%E2%80%AEb.txt'), 'a\\r\\n\\u{1b}[2J\\u{202e}b.txt');
    assert.equal(await shown(`${tenant.accessPath}/Config.txt?token=secret-1`), '…/Config.txt');
    assert.equal(await shown(`x/${tenant.accessPath.toUpperCase()}/y`), 'x/…/y');
    assert.equal(await shown('0123456789abcdef0123456789abcdef/KX.txt%3Fa=secret-2'), '…/KX.txt');
    assert.equal(await shown('u/admin:secret-3@phones.example'), 'u/…@phones.example');
    assert.equal((await shown(`${'ab/'.repeat(150)}`)).length, 200);
    for (const text of [JSON.stringify(await worker.sql('SELECT * FROM phone_events')), worker.log]) {
      assert.ok(!text.includes(tenant.accessPath) && !/secret-\d/.test(text));
    }
  });

  it('thinks about the name after the answer: nothing is asked of D1 before it that is not asked for any other', async () => {
    const before = async (name) => {
      await worker.probe({ reset: true });
      await rawRequest(worker.port, tenant.path(name));
      await new Promise((resolve) => setTimeout(resolve, 200));
      const { kvReads, sql } = await worker.probe({ reset: true });
      return {
        kvReads,
        sql: sql.filter((text) => !/^(INSERT|UPDATE)/.test(text) && !LOOK_UP.test(text)),
        found: sql.filter((text) => LOOK_UP.test(text)).length,
      };
    };
    const unrelated = await before('wp-login.php');
    const near = await before(`Config${device.mac}.CFG`);
    assert.deepEqual([near.kvReads, near.sql], [unrelated.kvReads, unrelated.sql]);
    assert.deepEqual([unrelated.found, near.found], [0, 1]);
  });

  it('stays bounded by the events of a minute, whatever is thought about it', async () => {
    const MAX_EVENTS = 5;
    const quiet = await seedTenant(worker, { options: { events_per_minute: MAX_EVENTS } });
    const first = Math.floor(Date.now() / 60_000);
    await worker.probe({ reset: true });
    for (let i = 0; i < 60; i += 1) await rawRequest(worker.port, quiet.path(`config${mac(i)}.cfg`));
    await worker.sql('UPDATE access_paths SET expires_at = 1 WHERE tenant_id = ?1', quiet.id);
    await quiet.changed();
    for (let i = 0; i < 60; i += 1) await rawRequest(worker.port, quiet.path(`Config${mac(i)}.cfg`));
    await new Promise((resolve) => setTimeout(resolve, 500));
    const minutes = Math.floor(Date.now() / 60_000) - first + 1;
    assert.ok((await quiet.events()).length <= MAX_EVENTS * minutes);
    const { sql } = await worker.probe({ reset: true });
    const lookUps = sql.filter((text) => LOOK_UP.test(text)).length;
    // An isolate tries no more events than the minute has room for.
    assert.ok(lookUps > 0 && lookUps <= MAX_EVENTS * minutes, `${lookUps} look-ups`);
  });
});
