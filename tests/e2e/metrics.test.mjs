// GET /metrics as Prometheus sees it: who may read it, what it says, what it costs, and that dashboard and alert
// rules ask for what there is.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { ROOT } from '../support/config.mjs';
import { promtool, startPrometheus } from '../support/prometheus.mjs';
import { connectedRelay, poolAndTenant } from '../support/relay/notify.mjs';
import { eventually } from '../support/wait.mjs';
import { ageEvents } from '../support/worker/age.mjs';
import { Api } from '../support/worker/api.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedDevice, seedTenant } from '../support/worker/seed.mjs';

const MONITORING = join(ROOT, 'docs/monitoring');

/** The samples of a page by their text before the value. */
const samples = (page) =>
  new Map(
    page
      .split('\n')
      .filter((line) => line && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );

/** The names of Ringfence's metrics in a text. */
const named = (text) => [...new Set(text.match(/\bringfence_[a-z_]+\b/g))];

describe('metrics', () => {
  let worker;
  let api;
  let token;
  const scrape = (bearer = token) => worker.fetch('/metrics', { headers: bearer ? { authorization: `Bearer ${bearer}` } : {} });
  const page = async () => samples(await (await scrape()).text());
  const cron = () => worker.ask('scheduled', {});

  before(async () => {
    worker = await Ringfence.start({ probe: true });
    api = new Api(worker);
    token = (await api.post('/tokens', { name: 'Prometheus', access: 'metrics' })).token;
  });
  after(() => worker?.stop());

  it('take a token of their own, which opens nothing else', async () => {
    const { id } = await seedTenant(worker);
    const stranger = await scrape(null);
    assert.equal(stranger.status, 401);
    const body = await stranger.json();
    // As the API answers every stranger.
    const other = await worker.fetch('/api/v1/tenants');
    const { request_id: own, ...said } = body;
    const { request_id: its, ...alike } = await other.json();
    assert.notEqual(own, its);
    assert.deepEqual(said, alike);
    assert.equal((await scrape('rf_01JD0000000000000000000000_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc')).status, 401);
    for (const access of ['read', 'write']) {
      const { token } = await api.post('/tokens', { name: access, access });
      assert.equal((await scrape(token)).status, 403);
    }
    assert.equal((await scrape(worker.adminToken)).status, 403);
    assert.equal((await scrape()).status, 200);
    assert.equal((await worker.fetch('/metrics', { method: 'POST', headers: { authorization: `Bearer ${token}` } })).status, 405);

    const scraper = new Api(worker, token);
    for (const path of ['/tenants', `/tenants/${id}`, `/tenants/${id}/devices`, '/tokens', '/sessions', '/families', '/audit', '/pools']) {
      assert.equal((await scraper.call('GET', path)).status, 403, path);
    }
    assert.equal((await scraper.call('POST', '/lint', { body: {} })).status, 403);
    assert.equal((await scraper.call('POST', '/tokens', { body: { name: 'x', access: 'write' } })).status, 403);
    const signIn = await worker.fetch('/console/sign-in', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: new URL(worker.http).origin },
      body: new URLSearchParams({ token }),
    });
    assert.equal(signIn.headers.get('set-cookie'), null);
    assert.ok(signIn.status >= 400, `${signIn.status}`);
    assert.deepEqual(await worker.sql('SELECT id FROM sessions'), []);
  });

  it('have tokens that are for the whole installation, are listed, end, and are removed', async () => {
    const { id: tenant } = await seedTenant(worker);
    for (const more of [{ tenant }, { reveal: true }, { access: 'scrape' }]) {
      const answer = await api.call('POST', '/tokens', { body: { name: 'x', access: 'metrics', ...more } });
      assert.ok([400, 422].includes(answer.status), `${answer.status} ${JSON.stringify(more)}`);
    }
    const made = await api.post('/tokens', { name: 'for a while', access: 'metrics', expires_at: Date.now() + 3_600_000 });
    const shown = await api.get(`/tokens/${made.id}`);
    assert.deepEqual([shown.access, shown.expires_at, shown.tenant, shown.reveal], ['metrics', made.expires_at, null, false]);
    const listed = await api.get('/tokens?limit=200');
    assert.equal(listed.items.find((one) => one.id === made.id).access, 'metrics');
    assert.equal(listed.items.find((one) => one.name === 'Prometheus').expires_at, null);
    assert.equal((await scrape(made.token)).status, 200);
    // A Worker that does not know such tokens takes it for one that has expired.
    const [row] = await worker.sql('SELECT access, expires_at FROM tokens WHERE id = ?1', made.id);
    assert.deepEqual(row, { access: 'read', expires_at: 1 });
    await worker.sql('UPDATE tokens SET metrics_until = 2 WHERE id = ?1', made.id);
    assert.equal((await scrape(made.token)).status, 401);
    await api.delete(`/tokens/${made.id}`);
    assert.equal((await scrape(made.token)).status, 401);
  });

  it('count what phones hear, each request once, and only up', async () => {
    const tenant = await seedTenant(worker);
    const phone = await seedDevice(worker, tenant, { mac: mac(1) });
    await cron();
    const zero = await page();
    const FETCH = (kind, outcome, reason) => `ringfence_fetches_total{kind="${kind}",outcome="${outcome}",reason="${reason}"}`;
    assert.equal((await tenant.get(`Config${phone.mac}.cfg`)).status, 200);
    assert.equal((await tenant.get(`Config${phone.mac}.cfg`)).status, 404);
    assert.equal((await tenant.get(`Config${phone.mac}.enc`)).status, 200);
    for (let i = 0; i < 3; i += 1) assert.equal((await tenant.get('wp-login.php')).status, 404);
    await eventually(
      () => tenant.events(),
      (events) => events.length === 6,
    );
    // Not yet: an event may be written a little after its request.
    await cron();
    assert.equal((await page()).get('ringfence_bootstraps_total'), zero.get('ringfence_bootstraps_total'));
    await ageEvents(worker);
    await cron();
    const first = await page();
    const more = (name) => first.get(name) - (zero.get(name) ?? 0);
    assert.equal(more(FETCH('standard', 'served', 'bootstrap')), 1);
    assert.equal(more(FETCH('standard', 'refused', 'bootstrap_consumed')), 1);
    assert.equal(more(FETCH('standard', 'served', 'sealed')), 1);
    assert.equal(more(FETCH('none', 'refused', 'no_such_path')), 3);
    assert.equal(more('ringfence_bootstraps_total'), 1);
    assert.equal(more('ringfence_requests_total'), 6);

    // A second run counts nothing again, and what retention removes stays counted.
    await worker.sql('DELETE FROM phone_events');
    await worker.sql('DELETE FROM event_minutes');
    await cron();
    const second = await page();
    for (const [name, value] of first) {
      if (/_total/.test(name)) assert.equal(second.get(name), value, name);
    }
    const count = second.get('ringfence_last_count_timestamp_seconds');
    assert.ok(Math.abs(count - Date.now() / 1000) < 600, `${count}`);
  });

  it('count devices by state and condition', async () => {
    const tenant = await seedTenant(worker);
    const states = ['armed', 'delivered', 'confirmed', 'confirmed', 'expired', 'replaced'];
    const before = await page();
    const phones = [];
    for (const [at, state] of states.entries()) {
      phones.push(await seedDevice(worker, tenant, { mac: mac(0x100 + at), state, disabled: state === 'expired' ? 1 : 0 }));
    }
    await worker.sql('UPDATE devices SET delivered_at = 1, unexpected_network = 1 WHERE id = ?1', phones[1].id);
    await cron();
    const now = await page();
    const more = (name) => now.get(name) - before.get(name);
    const state = (name) => more(`ringfence_devices{state="${name}"}`);
    assert.deepEqual(['armed', 'delivered', 'confirmed', 'expired', 'replaced'].map(state), [1, 1, 2, 1, 1]);
    const condition = (name) => more(`ringfence_devices_in_condition{condition="${name}"}`);
    assert.deepEqual(
      ['disabled', 'failing', 'never_came_back', 'never_seen', 'stale', 'unexpected_network'].map(condition),
      [1, 0, 1, 6, 0, 1],
    );
  });

  it('have no name of anybody, and as many series whoever asks for what', async () => {
    const tenant = await seedTenant(worker, { name: 'Zebra Ltd' });
    const ask = async (from, to) => {
      for (let n = from; n < to; n += 1) await tenant.get(`Config${mac(n)}.enc`, { headers: { 'user-agent': `Phone/${n}` } });
      const found = () => tenant.events().then((events) => events.length);
      await eventually(found, (n) => n >= to - from);
      await ageEvents(worker);
      await cron();
      await worker.sql('DELETE FROM phone_events');
      return (await scrape()).text();
    };
    const few = samples(await ask(0x2000, 0x2001));
    const text = await ask(0x2001, 0x2028);
    assert.deepEqual([...samples(text).keys()], [...few.keys()]);
    assert.ok(few.size < 100, `${few.size}`);
    for (const word of ['Zebra', tenant.id, tenant.accessPath, mac(0x2010), mac(0x2010).toLowerCase(), '127.0.0.1', 'Phone/']) {
      assert.ok(!text.includes(word), word);
    }
  });

  it('cost a scrape two calls of D1 and few rows, however many devices and events there are', async () => {
    await scrape();
    await worker.probe({ reset: true });
    assert.equal((await scrape()).status, 200);
    const { d1Calls, d1Statements, rowsRead, rowsWritten, kvReads, kvWrites } = await worker.probe({ reset: true });
    assert.deepEqual(
      { d1Calls, d1Statements, rowsWritten, kvReads, kvWrites },
      {
        d1Calls: 2,
        d1Statements: 6,
        rowsWritten: 0,
        kvReads: 0,
        kvWrites: 0,
      },
    );
    assert.ok(rowsRead < 60, `${rowsRead} rows`);
  });

  it('and their alerts and dashboard pass promtool and are read by a real Prometheus', async () => {
    const { pool, relays, tenant } = await poolAndTenant(worker, api);
    const relay = await connectedRelay({ port: worker.port, credential: relays[0].credential });
    const itself = { sender: 'edge', edge: { proxy: '127.0.0.1', transport: 'tcp' } };
    const edge = await api.post('/pools', { name: 'sends itself', options: itself });
    let prometheus;
    try {
      const device = await seedDevice(worker, tenant, { mac: mac(0x3000) });
      assert.equal((await tenant.get(`Config${device.mac}.cfg`)).status, 200);
      await eventually(
        () => tenant.events(),
        (events) => events.length === 1,
      );
      await ageEvents(worker);
      await cron();
      const answer = await scrape();
      assert.match(answer.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
      const text = await answer.text();
      const checked = promtool(['check', 'metrics'], { input: text });
      assert.deepEqual(checked, { status: 0, output: '' });
      const broken = promtool(['check', 'metrics'], { input: '# HELP x_total X.\n# TYPE x_total gauge\nx_total 1\n' });
      assert.notEqual(broken.status, 0, 'promtool says nothing about a gauge that is called a counter');
      const rules = promtool(['check', 'rules', 'alerts.yml'], { cwd: MONITORING });
      assert.equal(rules.status, 0, rules.output);
      const tested = promtool(['test', 'rules', 'alerts.test.yml'], { cwd: MONITORING });
      assert.equal(tested.status, 0, tested.output);

      prometheus = await startPrometheus({ port: worker.port, token, rules: join(MONITORING, 'alerts.yml') });
      await prometheus.until('up{job="ringfence"}');
      assert.equal(await prometheus.until('ringfence_bootstraps_total'), samples(text).get('ringfence_bootstraps_total'));
      assert.ok(samples(text).get('ringfence_bootstraps_total') >= 2);
      assert.equal(await prometheus.until(`ringfence_relays_connected{pool="${pool.id}"}`), 1);
      assert.deepEqual(await prometheus.query(`ringfence_pool_info{pool="${pool.id}"}`).then(([{ labels }]) => labels.name), pool.name);

      assert.equal(await prometheus.until(`ringfence_edge_sender_up{pool="${edge.id}"}`), 1);

      // The queue and what it says of itself, as it changes.
      await relay.stop();
      await prometheus.until(`ringfence_relays_connected{pool="${pool.id}"}`, (value) => value === 0);
      assert.equal(await prometheus.until(`ringfence_relays{pool="${pool.id}"}`), 1);

      const alerts = readFileSync(join(MONITORING, 'alerts.yml'), 'utf8');
      const dashboard = JSON.parse(readFileSync(join(MONITORING, 'dashboard.json'), 'utf8'));
      const asked = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
      assert.ok(asked.length >= 15, `${asked.length} queries`);
      const { data: known } = await prometheus.api('label/__name__/values');
      const wanted = named(`${alerts}\n${asked.join('\n')}`);
      assert.ok(wanted.length >= 14, wanted.join(' '));
      for (const name of wanted) assert.ok(known.includes(name), `${name} is in no scrape`);
      for (const name of named(text)) assert.ok(wanted.includes(name), `${name} is on no dashboard and in no alert`);
      for (const expr of asked) await prometheus.query(expr.replaceAll('$__rate_interval', '1m'));
      const documented = readFileSync(join(ROOT, 'docs/monitoring.md'), 'utf8');
      for (const name of wanted) assert.ok(documented.includes(`\`${name}`), `${name} is not in docs/monitoring.md`);
      const { data } = await prometheus.api('rules');
      const inUse = data.groups.flatMap((group) => group.rules);
      assert.ok(inUse.length >= 10);
      for (const rule of inUse) assert.equal(rule.lastError ?? '', '', rule.name);
    } finally {
      await prometheus?.stop();
      await relay.stop();
    }
  });
});
