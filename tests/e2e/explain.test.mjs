// What a phone would hear, explained: the same verdict as the real request has, whatever is asked of whatever
// fleet; and nothing consumed, written or told to whoever may not know.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';

import { Api } from '../support/worker/api.mjs';
import { everything } from '../support/worker/disk.mjs';
import { ADDRESSES, Random, fleet, requests } from '../support/worker/fleet.mjs';
import { rawRequest } from '../support/worker/raw.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { UTG, hashAccessPath, mac, newAccessPath, seedDevice, seedTenant, ulid } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

const STEPS = ['throttle', 'access_path', 'host', 'method', 'name', 'transport', 'device', 'key', 'form', 'copy', 'file'];
/** The server's own, or the connection's. */
const NOT_OURS = new Set(['ringfence-request-id', 'date', 'connection', 'transfer-encoding']);

/** Everything that D1 and KV hold, once nothing is being written any more. */
async function atRest(worker) {
  let last = everything(worker);
  for (let turn = 0; turn < 100; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 60));
    const now = everything(worker);
    if (isDeepStrictEqual(now, last)) return now;
    last = now;
  }
  throw new Error('the Worker goes on writing');
}

const headersOf = (answer) => Object.fromEntries(answer.headers.filter(([name]) => !NOT_OURS.has(name)));

describe('explain', () => {
  const seed = process.env.EXPLAIN_SEED ?? String(randomInt(1e9));
  let worker;
  let api;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
    api = new Api(worker);
  });
  after(() => worker?.stop());

  const explain = (input, by = api) => by.post('/explain', input);
  const url = (path, host) => `http://${host ?? `127.0.0.1:${worker.port}`}${path}`;
  const step = (view, id) => view.steps.find((one) => one.step === id);
  const outcomes = (view) => Object.fromEntries(view.steps.map((one) => [one.step, one.outcome]));
  /** What the Worker says of a request that was answered: its event, or the log line of one that is nobody's. */
  const said = async (answer, tenant) => {
    const id = answer.header('ringfence-request-id');
    if (tenant === null) {
      const line = await worker.logLine((one) => one.event === 'phone' && one.request_id === id);
      return { outcome: line.outcome, reason: line.reason, status: Number(line.status), detail: line.detail ?? null };
    }
    const [event] = await eventually(
      () => tenant.events(`request_id = '${id}'`),
      (list) => list.length === 1,
      `the event of ${id}`,
    );
    return event;
  };
  const real = ({ path, method = 'GET', headers = {}, address, userAgent, host }) =>
    rawRequest(worker.port, path, {
      method,
      headers: [
        ...Object.entries(headers),
        ...(address ? [['CF-Connecting-IP', address]] : []),
        ...(userAgent ? [['User-Agent', userAgent]] : []),
        ...(host ? [['Host', host]] : []),
      ],
    });
  const input = ({ path, method, headers, address, userAgent, host }) => ({
    url: url(path, host),
    ...{ method, headers, address },
    user_agent: userAgent,
  });

  it('finds what the real request then finds, on random fleets, and writes nothing', { timeout: 240_000 }, async (context) => {
    context.diagnostic(`seed ${seed}; EXPLAIN_SEED=${seed} repeats it`);
    const random = new Random(seed);
    const tenants = await fleet(worker, random, 7);
    const etags = new Map();
    const reasons = new Map();
    let compared = 0;
    for (let round = 0; round < 15; round += 1) {
      const asked = requests(random, tenants, round === 0 ? tenants.length : 26, etags);
      const before = await atRest(worker);
      await worker.probe({ reset: true });
      const explained = [];
      for (const one of asked) explained.push(await explain(input(one)));
      const counts = await worker.probe({ reset: true });
      assert.deepEqual([counts.kvWrites, counts.kvDeletes, counts.rowsWritten], [0, 0, 0], `seed ${seed}, round ${round}`);
      assert.deepEqual(everything(worker), before, `seed ${seed}, round ${round}: something was written`);
      // Each request is for another device, and events come together: to wait for each one's takes minutes.
      const answers = [];
      for (const one of asked) answers.push(await real(one));
      for (const [at, one] of asked.entries()) {
        const [view, answer] = [explained[at], answers[at]];
        const where = `seed ${seed}, round ${round}, request ${at}: ${JSON.stringify({ ...one, tenant: one.tenant?.id })}`;
        const event = await said(answer, one.tenant);
        const found = { outcome: event.outcome, reason: event.reason, status: event.status, detail: JSON.parse(event.detail ?? 'null') };
        assert.deepEqual(view.verdict, found, where);
        assert.equal(answer.status, view.hears.status, where);
        if (view.hears.is_exact) assert.deepEqual(view.hears.headers, headersOf(answer), where);
        if (answer.status === 200 && one.method === 'GET') assert.equal(view.hears.length, answer.body.length, where);
        assert.deepEqual(
          view.steps.map((each) => each.step),
          STEPS,
        );
        const failed = view.steps.filter((each) => each.outcome === 'failed').length;
        if (['refused', 'broken'].includes(found.outcome)) assert.ok(failed >= 1, `${where}: no step failed`);
        if (one.tenant) assert.ok(!JSON.stringify(view).includes(one.tenant.accessPath), `${where}: the access path is told`);
        reasons.set(found.reason, (reasons.get(found.reason) ?? 0) + 1);
        if (answer.header('etag') && one.device) etags.set(one.device.mac, [answer.header('etag')]);
        compared += 1;
      }
      for (const { tenant } of asked) if (tenant !== null) tenant.isCold = false;
      await meanwhile(random, tenants);
    }
    assert.ok(compared >= 300);
    assert.ok(reasons.size >= 18, `only ${[...reasons.keys()]}`);
    context.diagnostic(JSON.stringify(Object.fromEntries([...reasons].sort())));
  });

  /** What goes on between requests: some of it behind KV's back, so that its copies are stale. */
  async function meanwhile(random, tenants) {
    const of = random.pick(tenants);
    const { mac: own } = random.pick(of.devices);
    const key = [of.id, own];
    const happenings = [
      async () => {
        await worker.sql('UPDATE tenants SET seq = seq + 1, version = seq + 1 WHERE id = ?1', of.id);
        await worker.ask('kvDelete', { names: [`t1:${hashAccessPath(of.accessPath)}`] });
        of.isCold = true;
      },
      () => worker.sql('UPDATE devices SET disabled = 1 - disabled WHERE tenant_id = ?1 AND mac = ?2', ...key),
      () => worker.sql('UPDATE tenants SET seq = seq + 1, version = seq + 1 WHERE id = ?1', of.id),
      () => worker.sql("UPDATE tenants SET options = json_set(options, '$.retry_window_s', 0) WHERE id = ?1", of.id),
      () => worker.sql("UPDATE devices SET key_state = 'armed', armed_until = NULL WHERE tenant_id = ?1 AND mac = ?2", ...key),
      () => api.post(`/tenants/${of.id}/devices/${own}/rekey`).catch(() => {}),
      () => api.post(`/tenants/${of.id}/devices/${own}/rearm`).catch(() => {}),
      () => worker.sql('UPDATE devices SET version = version + 1 WHERE tenant_id = ?1 AND mac = ?2', ...key),
      () =>
        api.post(`/tenants/${of.id}/devices/${own}/move`, { tenant: random.pick(tenants.filter((one) => one !== of)).id }).catch(() => {}),
    ];
    for (let turn = 0; turn < 3; turn += 1) await random.pick(happenings)();
  }

  it('says at each step what is there, and shows no secret', async () => {
    const tenant = await seedTenant(worker, { settings: { SIP_USER: '7123' } });
    const phone = await seedDevice(worker, tenant, { mac: mac(0x70001), settings: { SIP_PASS: { secret: 'Tr0ub4dor' } } });
    const path = tenant.path(`Config${phone.mac}.cfg`);
    const before = await atRest(worker);
    const view = await explain({ url: url(path), address: '192.0.2.1' });
    assert.deepEqual(everything(worker), before);
    assert.deepEqual(outcomes(view), Object.fromEntries(STEPS.map((id) => [id, 'passed'])));
    assert.deepEqual([view.verdict.outcome, view.verdict.reason, view.verdict.status], ['served', 'bootstrap', 200]);
    assert.match(view.next, /bootstrap waits/);
    assert.deepEqual([view.asked.from, view.asked.path, view.asked.tls], ['url', `Config${phone.mac}.cfg`, true]);
    const [{ id }] = await worker.sql('SELECT id FROM access_paths WHERE tenant_id = ?1', tenant.id);
    const { details } = step(view, 'access_path');
    assert.deepEqual([details.id, details.label, details.tenant, details.is_expired], [id, 'test', tenant.id, false]);
    assert.deepEqual([step(view, 'name').details.kind, step(view, 'name').details.form], ['standard', 'plain']);
    assert.equal(step(view, 'device').details.device.mac, phone.mac);
    assert.deepEqual([step(view, 'key').details.state, step(view, 'key').details.bootstrap_waits], ['armed', true]);
    assert.deepEqual([step(view, 'form').details.served, step(view, 'form').details.profile], ['bootstrap', 'utg-128']);
    const parameter = (name) => step(view, 'file').details.parameters.find((one) => one.name === name);
    assert.deepEqual([parameter('SIP_USER_ID_1').value, parameter('SIP_USER_ID_1').layer], ['7123', 'tenant']);
    assert.equal(parameter('SIP_PASS_1').layer, 'device');
    for (const secret of ['Tr0ub4dor', phone.key, tenant.accessPath]) assert.ok(!JSON.stringify(view).includes(secret));

    // It was not taken by that.
    const taken = await real({ path, address: '192.0.2.1' });
    assert.deepEqual([taken.status, taken.body.length], [200, view.hears.length]);
    await said(taken, tenant);
    const again = await explain({ url: url(path), address: '192.0.2.9' });
    assert.deepEqual([again.verdict.reason, step(again, 'key').outcome], ['bootstrap_consumed', 'failed']);
    assert.match(step(again, 'key').message, /192\.0\.2\.1/);
    // What lies behind the step at which it ended is told all the same.
    assert.equal(step(again, 'file').outcome, 'information');
  });

  it('names the step at which a request ends', async () => {
    const HDV = { name: 'KX-HDV130N', family: 'hdv', profile: null };
    const tenant = await seedTenant(worker, { models: [UTG, HDV] });
    const closed = await seedTenant(worker);
    await worker.sql('UPDATE access_paths SET expires_at = 1 WHERE tenant_id = ?1', closed.id);
    const bound = await seedTenant(worker, { hostname: 'bound.example' });
    const broken = await seedTenant(worker, {
      templates: { 'standard/utg': '<PANASIPPhoneConfig><Device>{{ NOT_SET }}</Device></PANASIPPhoneConfig>' },
    });
    let number = 0x71000;
    const seeded = (of, more) => seedDevice(worker, of, { mac: mac((number += 1)), ...more });
    const phone = await seeded(tenant, { state: 'confirmed' });
    const plain = (one) => `Config${one.mac}.cfg`;
    const cases = [
      ['access_path', 'unknown_access_path', `/${newAccessPath()}/${plain(phone)}`],
      ['access_path', 'no_access_path', '/favicon.ico'],
      ['access_path', 'access_path_closed', closed.path(plain(await seeded(closed)))],
      ['host', 'access_path_closed', bound.path(plain(await seeded(bound)))],
      ['method', 'method_not_allowed', tenant.path(plain(phone)), { method: 'PUT' }],
      ['name', 'wrong_case', tenant.path(plain(phone).toLowerCase())],
      ['name', 'no_such_path', tenant.path('wp-login.php')],
      ['transport', 'not_tls', tenant.path(plain(phone)), {}, 'elsewhere.example'],
      ['device', 'unknown_device', tenant.path(`Config${mac(0x7fffff)}.cfg`), { user_agent: 'Panasonic_KX-UT113/01.133 (0080f0c8c381)' }],
      ['device', 'unknown_model', tenant.path('KX-UTG999Z.cfg')],
      ['device', 'disabled', tenant.path(plain(await seeded(tenant, { disabled: 1 })))],
      ['key', 'bootstrap_expired', tenant.path(plain(await seeded(tenant, { state: 'expired' })))],
      ['key', 'key_not_delivered', tenant.path(`Config${(await seeded(tenant)).mac}.enc`)],
      ['key', 'head_of_bootstrap', tenant.path(plain(await seeded(tenant))), { method: 'HEAD' }],
      ['key', 'conditional_bootstrap', tenant.path(plain(await seeded(tenant))), { headers: { 'If-None-Match': '*' } }],
      ['form', 'wrong_form', tenant.path(`Config${(await seeded(tenant, { model: HDV.name })).mac}.enc`)],
      ['file', 'no_certificate', tenant.path('certs/root.pem')],
      ['file', 'file_not_made', broken.path(plain(await seeded(broken)))],
    ];
    for (const [failed, reason, path, more, host] of cases) {
      const view = await explain({ url: url(path, host), ...more });
      const where = `${reason}: ${JSON.stringify(view)}`;
      assert.equal(view.verdict.reason, reason, where);
      assert.deepEqual(
        view.steps.filter((one) => one.outcome === 'failed').map((one) => one.step),
        [failed],
        where,
      );
      const at = STEPS.indexOf(failed);
      for (const one of view.steps.slice(1, at)) assert.ok(['passed', 'information', 'skipped'].includes(one.outcome), where);
      for (const one of view.steps.slice(at + 1)) assert.ok(['information', 'skipped'].includes(one.outcome), where);
      for (const one of view.steps) assert.equal(one.details === null, one.outcome === 'skipped' || one.details === null, where);
      assert.match(view.next, /\.$/);
    }
    const near = await explain({ url: url(tenant.path(plain(phone).toLowerCase())) });
    assert.deepEqual([step(near, 'name').details.expected, step(near, 'name').details.differs[0]], [plain(phone), 'wrong_case']);
    // The MAC in the name is a device's.
    assert.equal(step(near, 'device').details.device.mac, phone.mac);
    const stranger = await explain({
      url: url(tenant.path(`Config${mac(0x7fffff)}.cfg`)),
      user_agent: 'Panasonic_KX-UT113/01.133 (0080f0c8c381)',
    });
    const { details } = step(stranger, 'device');
    assert.deepEqual(
      [details.device, details.mac, details.guess.vendor, details.guess.model],
      [null, mac(0x7fffff), 'Panasonic', 'KX-UT113'],
    );
  });

  it('tells a stale copy in KV from the latest, and the last good file from the present one', async () => {
    const tenant = await seedTenant(worker);
    const phone = await seedDevice(worker, tenant, { mac: mac(0x72001), state: 'confirmed' });
    const path = tenant.path(`Config${phone.mac}.enc`);
    await real({ path });
    await eventually(() => worker.ask('kvRead', { name: `f1:${tenant.id}:standard:sealed:${phone.mac}` }), Boolean);
    await atRest(worker);
    const copy = async () => {
      const view = await explain({ url: url(path) });
      const { served_from, is_stale } = step(view, 'copy').details;
      return [view.verdict.reason, served_from, is_stale];
    };
    assert.deepEqual(await copy(), ['sealed', 'kv', false]);
    // D1 has gone on, and KV has not heard of it.
    await worker.sql('UPDATE tenants SET seq = seq + 1, version = seq + 1 WHERE id = ?1', tenant.id);
    assert.deepEqual(await copy(), ['sealed', 'kv', true]);
    const known = step(await explain({ url: url(path) }), 'access_path').details;
    assert.ok(known.in_kv && known.kv_version < known.d1_version);
    await tenant.changed();
    assert.deepEqual(await copy(), ['sealed', 'd1', true]);
    await worker.sql(
      "UPDATE file_templates SET source = '<PANASIPPhoneConfig><Device>{{ NOT_SET }}</Device></PANASIPPhoneConfig>' WHERE tenant_id = ?1 AND kind = 'standard'",
      tenant.id,
    );
    await tenant.changed();
    const view = await explain({ url: url(path) });
    assert.deepEqual([view.verdict.reason, view.verdict.status, step(view, 'file').outcome], ['sealed_last_good', 200, 'failed']);
    assert.match(step(view, 'file').details.error, /NOT_SET/);
    assert.equal((await said(await real({ path }), tenant)).reason, 'sealed_last_good');
  });

  it('says whether the address is throttled', async () => {
    const address = '203.0.113.77';
    const throttled = async () => step(await explain({ url: url(`/${newAccessPath()}/x`), address }), 'throttle').details.is_throttled;
    assert.equal(await throttled(), false);
    await eventually(
      async () => {
        await Promise.all(Array.from({ length: 20 }, () => real({ path: `/${newAccessPath()}/x`, address })));
        return throttled();
      },
      Boolean,
      'a throttle',
    );
    const tenant = await seedTenant(worker);
    // KV does not know it yet, and D1 is not asked for such an address.
    const view = await explain({ url: url(tenant.path('x')), address });
    assert.deepEqual([view.verdict.reason, step(view, 'throttle').outcome], ['unknown_access_path', 'failed']);
    assert.equal((await said(await real({ path: tenant.path('x'), address }), null)).reason, 'unknown_access_path');
  });

  it('takes a MAC in any notation, and finds tenant, access path and name', async () => {
    const tenant = await seedTenant(worker, { models: [UTG, { name: 'GXP1630', family: 'gxp', profile: 'gxp-256' }] });
    const phone = await seedDevice(worker, tenant, { mac: mac(0x73001) });
    const grandstream = await seedDevice(worker, tenant, { mac: '000B82A11FA7', model: 'GXP1630' });
    for (const text of [phone.mac, phone.mac.toLowerCase(), phone.mac.match(/../g).join(':')]) {
      const view = await explain({ mac: text });
      assert.deepEqual([view.verdict.reason, view.asked.from, view.asked.path], ['bootstrap', 'mac', `Config${phone.mac}.cfg`]);
      const answer = await explain({ url: url(tenant.path(`Config${phone.mac}.cfg`)) });
      assert.deepEqual(view.hears, answer.hears);
    }
    assert.equal((await explain({ mac: grandstream.mac })).asked.path, 'cfg000b82a11fa7.xml');
    assert.equal((await explain({ mac: phone.mac, name: `Config${phone.mac}.enc` })).verdict.reason, 'key_not_delivered');
    // One that nobody has entered: the tenant must be said.
    const unknown = await api.call('POST', '/explain', { body: { mac: mac(0x73fff) } });
    assert.deepEqual([unknown.status, /Name the `tenant`/.test(unknown.body.detail)], [409, true]);
    const stranger = await explain({ mac: mac(0x73fff), tenant: tenant.id, model: 'GXP1630' });
    assert.deepEqual([stranger.verdict.reason, stranger.asked.path], ['unknown_device', `cfg${mac(0x73fff).toLowerCase()}.xml`]);
    const other = await seedTenant(worker);
    await seedDevice(worker, other, { mac: phone.mac, state: 'delivered' });
    const several = await api.call('POST', '/explain', { body: { mac: phone.mac } });
    assert.equal(several.status, 409);
    for (const { id } of [tenant, other]) assert.ok(several.body.detail.includes(id));
    assert.equal((await explain({ mac: phone.mac, tenant: other.id })).verdict.reason, 'bootstrap_consumed');
    // An access path by its id, and one whose segment is stored.
    const made = await api.post(`/tenants/${other.id}/access-paths`, { label: 'new' });
    await api.put(`/tenants/${other.id}/access-paths/${made.id}/target`, { url: made.url });
    const under = await explain({ mac: phone.mac, tenant: other.id, access_path: made.id, name: `Initial${phone.mac}.cfg` });
    assert.deepEqual([step(under, 'access_path').details.label, under.hears.is_exact], ['new', true]);
    const initial = await real({ path: `/${made.segment}/Initial${phone.mac}.cfg` });
    assert.deepEqual([under.verdict.reason, under.hears.length], ['initial', initial.body.length]);
    assert.ok(!JSON.stringify(under).includes(made.segment));
  });

  it('explains a request that was answered, beside how it ended then', async () => {
    const tenant = await seedTenant(worker);
    const phone = await seedDevice(worker, tenant, { mac: mac(0x74001), disabled: 1 });
    const address = ADDRESSES[0];
    const ended = async (name, more) => {
      const answer = await real({ path: tenant.path(name), address, userAgent: 'a phone', ...more });
      await said(answer, tenant);
      return answer.header('ringfence-request-id');
    };
    const refused = await ended(`Config${phone.mac}.cfg`);
    const first = await explain({ request_id: refused });
    assert.deepEqual([first.then.reason, first.verdict.reason, first.asked.from], ['disabled', 'disabled', 'request_id']);
    assert.deepEqual([first.asked.address, first.asked.user_agent, first.then.request_id], [address, 'a phone', refused]);
    await worker.sql('UPDATE devices SET disabled = 0 WHERE id = ?1', phone.id);
    const now = await explain({ request_id: refused });
    assert.deepEqual([now.then.reason, now.verdict.reason], ['disabled', 'bootstrap']);
    for (const [name, more, reason] of [
      [`Config${phone.mac.toLowerCase()}.cfg`, {}, 'wrong_case'],
      [`Config${phone.mac}%252Ecfg`, {}, 'encoded_twice'],
      ['Config%7BMAC%7D.cfg', {}, 'macro_not_replaced'],
      [`Config${phone.mac}.cfg%3Fx=1`, {}, 'query_in_name'],
      [`Config${phone.mac}.cfg`, { method: 'HEAD' }, 'head_of_bootstrap'],
      [`Config${phone.mac}.cfg`, { host: 'elsewhere.example' }, 'not_tls'],
      [`Config${phone.mac}.cfg`, { method: 'PUT' }, 'method_not_allowed'],
      [`Initial${phone.mac}.cfg`, {}, 'initial'],
    ]) {
      const view = await explain({ request_id: await ended(name, more) });
      assert.deepEqual([view.then.reason, view.verdict.reason], [reason, reason], JSON.stringify(view));
    }
    // Taken then, gone now.
    const taken = await explain({ request_id: await ended(`Config${phone.mac}.cfg`) });
    assert.deepEqual([taken.then.reason, taken.verdict.reason], ['bootstrap', 'bootstrap_consumed']);
    // Its access path is gone.
    await worker.sql('DELETE FROM access_paths WHERE tenant_id = ?1', tenant.id);
    await tenant.changed();
    const gone = await explain({ request_id: refused });
    assert.deepEqual([gone.then.reason, gone.verdict.reason], ['disabled', 'unknown_access_path']);
  });

  it('refuses what it cannot explain, says why, and repeats nothing of it', async () => {
    const tenant = await seedTenant(worker);
    const segment = tenant.accessPath;
    const whole = url(tenant.path('x.cfg'));
    const cases = [
      [{}, 400, /exactly one of `url`/],
      [{ url: whole, mac: mac(1) }, 400, /exactly one of `url`/],
      [{ url: whole, tenant: tenant.id }, 400, /`tenant` has no meaning beside `url`/],
      [{ request_id: ulid(), address: '192.0.2.1' }, 400, /`address` has no meaning beside `request_id`/],
      [{ url: `phones.example/${segment}/x.cfg` }, 422, /https:\/\/host\/access-path\/name/],
      [{ url: `ftp://phones.example/${segment}/x.cfg` }, 422, /https:\/\/host/],
      [{ url: `https://[/${segment}/x.cfg` }, 422, /https:\/\/host/],
      [{ url: `/${segment}/${'x'.repeat(3000)}` }, 422, /at most 2048 bytes/],
      [{ url: [whole] }, 400, /expected a string/],
      [{ mac: whole }, 422, /`mac` is a MAC address/],
      [{ request_id: whole }, 422, /`request_id` is/],
      [{ request_id: ulid() }, 404, /No event has this `request_id`/],
      [{ mac: mac(1), tenant: whole }, 404, /tenant/],
      [{ mac: mac(1), tenant: tenant.id, access_path: whole }, 404, /access path/],
      [{ mac: mac(1), tenant: tenant.id, model: whole }, 422, /`model`/],
      [{ url: whole, address: whole }, 422, /`address` is an IPv4 or IPv6/],
      [{ url: whole, method: whole }, 422, /`method` is/],
      [{ url: whole, headers: { [segment + ' ']: 'x' } }, 422, /`headers` has names/],
      [{ url: whole, headers: Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`x-${at}`, 'x'])) }, 422, /at most 16/],
      [{ uri: whole }, 400, /unknown field `uri`/],
    ];
    for (const [body, status, message] of cases) {
      const answer = await api.call('POST', '/explain', { body });
      assert.equal(answer.status, status, `${JSON.stringify(body)}: ${answer.text}`);
      assert.match(answer.body.detail, message);
      assert.ok(!answer.text.includes(segment), answer.text);
    }
    const lines = worker.logLines().filter((line) => line.operation === 'explain');
    assert.ok(lines.length >= cases.length);
    for (const line of lines) assert.ok(!JSON.stringify(line).includes(segment));
    assert.deepEqual(await worker.sql("SELECT * FROM audit WHERE action LIKE '%explain%'"), []);
    // A URL that was put together twice: the access path reads as the name of a model.
    for (const name of [`${segment}.cfg`, `${segment}/x.cfg`, `Config${segment}.cfg`, `x%2F${segment}`]) {
      const answer = await api.call('POST', '/explain', { body: { url: url(tenant.path(name)), user_agent: segment } });
      assert.equal(answer.status, 200);
      assert.ok(!answer.text.includes(segment), answer.text);
    }
    // A path alone is asked at the tenant's own host.
    const bound = await seedTenant(worker, { hostname: 'alone.example' });
    const view = await explain({ url: `/${bound.accessPath}/x.cfg?y=1` });
    assert.deepEqual(
      [view.asked.host, view.asked.tls, view.verdict.reason, view.asked.path],
      ['alone.example', true, 'unknown_model', 'x.cfg'],
    );
  });

  it('shows a tenant’s token nothing of another tenant', async () => {
    const tenant = await seedTenant(worker);
    const other = await seedTenant(worker);
    const own = await seedDevice(worker, tenant, { mac: mac(0x75001) });
    const theirs = await seedDevice(worker, other, { mac: mac(0x75002) });
    const token = new Api(worker, (await api.post('/tokens', { name: 'own', access: 'read', tenant: tenant.id })).token);
    const answered = await real({ path: other.path(`Config${theirs.mac}.enc`) });
    await said(answered, other);
    const [{ id: path }] = await worker.sql('SELECT id FROM access_paths WHERE tenant_id = ?1', other.id);
    const seen = async (body) => {
      const { status, body: answer } = await token.call('POST', '/explain', { body });
      delete answer.request_id;
      return { status, answer };
    };
    assert.equal((await seen({ url: url(tenant.path(`Config${own.mac}.cfg`)) })).answer.verdict.reason, 'bootstrap');
    assert.equal((await seen({ mac: own.mac })).answer.verdict.reason, 'bootstrap');
    const name = `Config${theirs.mac}.cfg`;
    for (const [body, nobodys] of [
      [{ url: url(other.path(name)) }, { url: url(`/${newAccessPath()}/${name}`) }],
      [{ request_id: answered.header('ringfence-request-id') }, { request_id: ulid() }],
      [
        { mac: own.mac, tenant: other.id },
        { mac: own.mac, tenant: ulid() },
      ],
      [
        { mac: own.mac, access_path: path },
        { mac: own.mac, access_path: ulid() },
      ],
      [{ mac: theirs.mac }, { mac: mac(0x75fff) }],
    ]) {
      const text = (found) => JSON.stringify(found).replaceAll(mac(0x75fff), theirs.mac);
      assert.equal(text(await seen(body)), text(await seen(nobodys)));
    }
    assert.equal(step(await explain({ url: url(other.path(name)) }), 'access_path').details.tenant, other.id);
    assert.equal((await explain({ request_id: answered.header('ringfence-request-id') })).verdict.reason, 'key_not_delivered');
    assert.equal((await new Api(worker, null).call('POST', '/explain', { body: {} })).status, 401);

    // A device that went to another tenant: where it went is the other's to tell.
    await api.post(`/tenants/${tenant.id}/devices/${own.mac}/move`, { tenant: other.id });
    const initial = { url: url(tenant.path(`Initial${own.mac}.cfg`)) };
    const mine = (await seen(initial)).answer;
    assert.deepEqual([mine.verdict.reason, step(mine, 'device').details.forwarded_to], ['forwarded', null]);
    assert.ok(!JSON.stringify(mine).includes(other.id));
    assert.equal(step(await explain(initial), 'device').details.forwarded_to, other.id);
  });
});
