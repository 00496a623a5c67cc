// What is said of all tenants, and what is tried before it is done: numbers that lead to the devices, the requests of
// all, rollouts that go on; tokens by their names; and the lines of a device's files beside the forms that change it.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Console, checkPage } from '../support/browser/console.mjs';
import { connectedRelay, poolAndTenant } from '../support/relay/notify.mjs';
import { ageEvents } from '../support/worker/age.mjs';
import { Api } from '../support/worker/api.mjs';
import { mac, seedDevice, seedTenant, ulid } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

const AGENT = { headers: { 'user-agent': 'Panasonic_KX-UTG300B/01.061' } };

describe('the console over all tenants', () => {
  let console_;
  let admin;
  let boss;
  let one;
  let other;
  const cron = () => console_.worker.ask('scheduled', {});
  before(async () => {
    console_ = await Console.open();
    admin = console_.admin;
    one = await seedTenant(console_.worker, { name: 'Harbour Hotels', options: { bootstrap_expiry_s: 0 } });
    other = await seedTenant(console_.worker, { name: 'Mill Works', settings: { SIP_USER: 'mill' } });
    for (const number of [1, 2]) await seedDevice(console_.worker, one, { mac: mac(number), state: 'confirmed' });
    await seedDevice(console_.worker, other, { mac: mac(3), state: 'armed' });
    boss = await console_.come();
  });
  after(() => console_?.close());

  const press = (page, name) => page.getByRole('button', { name, exact: true }).click();
  const number = (page, words) => page.locator('.numbers li').filter({ hasText: words });

  it('leads from each number to the tenants that have such devices, and from there to the devices', async () => {
    await one.get(`Config${mac(1)}.cfg`);
    await one.get(`Config${mac(2)}.enc`);
    await eventually(
      () => one.events('1'),
      (events) => events.length === 2,
    );
    await ageEvents(console_.worker);
    await cron();
    const { page } = boss;
    await boss.open('/console');
    const links = page.locator('.numbers li a');
    assert.equal(await links.count(), await page.locator('.numbers li').count(), 'each number is a link');
    assert.equal(await number(page, 'devices').first().locator('b').innerText(), '3');
    await checkPage(boss, 'fleet-of-all');
    await number(page, 'came back, have their key').locator('a').click();
    await page.getByRole('heading', { level: 1, name: 'Devices: came back, have their key' }).waitFor();
    await checkPage(boss, 'fleet-by-tenant');
    const rows = await page.locator('tbody tr').allInnerTexts();
    assert.deepEqual(
      rows.map((row) => row.replace(/\s+/g, ' ').trim()),
      ['Harbour Hotels 2', 'Mill Works ● 0'].map((row) => row.replace('● ', '')),
    );
    await page.getByRole('link', { name: '2', exact: true }).click();
    await page.waitForURL(/\/devices\?state=confirmed$/);
    // Requests that were refused lead to themselves.
    await boss.open('/console');
    const refused = number(page, 'requests refused or failed in the last day').locator('a');
    assert.match(await refused.innerText(), /^1\b/);
    await refused.click();
    await page.getByRole('row', { name: 'Harbour Hotels' }).getByRole('link', { name: '1', exact: true }).click();
    await page.waitForURL(/\/requests\?outcome=refused&after=\d+$/);
    assert.equal(await page.locator('.list > li').count(), 1);
    await boss.open(`/console/tenants/${one.id}`);
    assert.match(await number(page, 'requests refused in the last day').innerText(), /^1\b/);
    assert.equal(await boss.open('/console/fleet/nothing'), 404);
  });

  it('draws the requests of all tenants in the last day', async () => {
    const { hours, counted_at: at } = await admin.get('/event-counts');
    assert.ok(at > 0);
    const sum = (name) => hours.reduce((all, hour) => all + hour[name], 0);
    assert.deepEqual([sum('served'), sum('refused')], [1, 1]);
    const { page } = boss;
    await boss.open('/console');
    await page.getByRole('img', { name: 'Requests of the last day by hour: 1 served, 1 refused or failed.' }).waitFor();
    const { token } = await admin.post('/tokens', { name: 'Of one', access: 'read', tenant: one.id });
    assert.equal((await new Api(console_.worker, token).call('GET', '/event-counts')).status, 403);
  });

  it('lists the rollouts that go on, of every tenant', async () => {
    const { worker } = console_;
    const { relays, tenant, at } = await poolAndTenant(worker, admin);
    for (const place of [20, 21]) {
      const settings = { NOTIFY_ADDRESS: '127.0.0.1:9' };
      await seedDevice(worker, tenant, { mac: mac(place), state: 'confirmed', settings });
    }
    const relay = await connectedRelay({ port: worker.port, credential: relays[0].credential });
    try {
      const { id } = await admin.post(`${at}/rollouts`, { per_second: 0.001 });
      await admin.post(`${at}/rollouts/${id}/pause`);
      const { page } = boss;
      await boss.open('/console');
      const row = page.locator('tbody tr').filter({ hasText: 'paused' });
      await row.getByRole('link', { name: /of 2 notified$/ }).click();
      await page.waitForURL(new RegExp(`/rollouts/${id}$`));
      await admin.post(`${at}/rollouts/${id}/cancel`);
      await boss.open('/console');
      assert.equal(await page.locator('tbody tr').filter({ hasText: 'paused' }).count(), 0, 'what has ended is not there');
    } finally {
      await relay.stop('SIGKILL');
    }
  });

  it('calls tokens by their names, also those that were removed', async () => {
    const made = await admin.post('/tokens', { name: 'Ada of the night shift', access: 'write', tenant: one.id });
    const ada = new Api(console_.worker, made.token);
    const t = `/tenants/${one.id}`;
    await ada.put(`${t}/settings`, { settings: { NOTE: 'a' } });
    const started = await ada.post(`${t}/operations`, { selection: { macs: [mac(1)] }, action: 'enable' });
    await admin.put(`${t}/settings`, { settings: { NOTE: 'b' } });
    const of = (path) => `/console/tenants/${one.id}${path}`;
    const pages = [of('/audit'), '/console/audit', of('/history/settings'), of(`/operations/${started.operation.id}`)];
    const { page } = boss;
    for (const path of pages) {
      await boss.open(path);
      const text = await page.locator('main').innerText();
      assert.match(text, new RegExp(`Ada of the night shift \\(?${made.id}`), path);
    }
    await boss.open(of('/history/settings'));
    await page.getByRole('cell', { name: 'ADMIN_TOKEN' }).waitFor();
    await checkPage(boss, 'history-names');
    // Somebody of another tenant learns no name; who may see only the tenant knows the tenant's.
    const own = await admin.post('/tokens', { name: 'Own', access: 'read', tenant: one.id });
    const reader = await console_.come({}, own.token);
    await reader.open(of('/audit'));
    assert.match(await reader.page.locator('main').innerText(), /Ada of the night shift/);
    const boss2 = await admin.post('/tokens', { name: 'Head office', access: 'write' });
    await new Api(console_.worker, boss2.token).put(`${t}/settings`, { settings: { NOTE: 'c' } });
    await reader.open(of('/history/settings'));
    const seen = await reader.page.locator('main').innerText();
    assert.ok(seen.includes('a token for every tenant') && !seen.includes('Head office'), seen);
    await admin.delete(`/tokens/${made.id}`);
    for (const path of pages) {
      await boss.open(path);
      const text = await page.locator('main').innerText();
      assert.match(text, new RegExp(`a token that was removed \\(?${made.id}`), path);
    }
  });

  it('shows what an adoption, a change and a move of a device would do before they are done', async () => {
    const { page } = boss;
    const of = (path) => `/console/tenants/${one.id}${path}`;
    await one.get(`Config${mac(9)}.cfg`, AGENT);
    await eventually(
      () => admin.get(`/tenants/${one.id}/unknown`),
      ({ items }) => items.length === 1,
    );
    await boss.open(of(`/unknown/${mac(9)}/adopt`));
    await page.getByLabel('Label').fill('Back office');
    await press(page, 'Check');
    await page.getByRole('heading', { name: 'What this would change' }).waitFor();
    await page.getByRole('heading', { name: 'standard: other lines' }).waitFor();
    assert.equal(await page.getByLabel('Label').inputValue(), 'Back office');
    // A line that is there in the newer file alone has its number there alone.
    const added = page.locator('pre.diff .added').first();
    assert.match(await added.getAttribute('data-numbers'), /^ {4} +\d+$/);
    await checkPage(boss, 'adopt-checked');
    assert.equal((await admin.call('GET', `/tenants/${one.id}/devices/${mac(9)}`)).status, 404);
    await press(page, 'Adopt');
    await page.getByText('Adopted').waitFor();

    await boss.open(of(`/devices/${mac(1)}/edit`));
    await page.getByLabel('Label').fill('Reception');
    await press(page, 'Check');
    await page.getByText('The same as before:').waitFor();
    await press(page, 'Save');
    await page.getByRole('status').getByText('Saved').waitFor();

    await boss.open(of(`/devices/${mac(1)}/move`));
    await page.getByLabel('Tenant that it goes to').selectOption({ label: 'Mill Works' });
    await page.getByLabel('Until its phone was there').uncheck();
    await press(page, 'Check');
    await page.getByRole('heading', { name: 'standard: other lines' }).waitFor();
    const differing = await page.locator('pre.diff').allInnerTexts();
    assert.ok(
      differing.some((text) => text.includes('+ ') && text.includes('mill')),
      differing.join('\n'),
    );
    assert.ok(!(await page.getByLabel('Until its phone was there').isChecked()), 'what was chosen stays');
    await checkPage(boss, 'move-checked');
    assert.equal((await admin.call('GET', `/tenants/${one.id}/devices/${mac(1)}`)).status, 200);

    const path = await admin.post(`/tenants/${one.id}/access-paths`, { label: 'newer' });
    await boss.open(of(`/access-paths/${path.id}/target/set`));
    await page.getByLabel('Access path', { exact: true }).fill(path.url);
    await press(page, 'Check');
    await page.getByText('Would get other files').waitFor();
    await checkPage(boss, 'target-checked');
    assert.equal((await admin.get(`/tenants/${one.id}/access-paths/${path.id}`)).target_since, null);
  });

  it('counts the refused requests of a busy tenant, of which none is among the newest', async () => {
    const busy = await seedTenant(console_.worker, { name: 'Busy Works' });
    const now = Date.now();
    const asked = (ago, outcome, reason, status) => [ulid(undefined, now - ago), outcome, reason, status, now - ago];
    const events = [asked(7_200_000, 'refused', 'no_such_path', 404), asked(7_100_000, 'refused', 'no_such_path', 404)];
    // Older than a day: it is not counted.
    events.push(asked(25 * 3_600_000, 'refused', 'no_such_path', 404));
    for (let number = 0; number < 250; number += 1) events.push(asked(3_600_000 + number, 'served', 'sealed', 200));
    await console_.worker.sql(
      `INSERT INTO phone_events (id, tenant_id, outcome, reason, status, bytes, address, user_agent, country, request_id, at)
       SELECT value ->> 0, ?1, value ->> 1, value ->> 2, value ->> 3, 0, '198.51.100.9', '', '', 'r', value ->> 4 FROM json_each(?2)`,
      busy.id,
      JSON.stringify(events),
    );
    const { page } = boss;
    await boss.open(`/console/tenants/${busy.id}`);
    const refused = number(page, 'requests refused in the last day');
    assert.equal(await refused.locator('b').innerText(), '2');
    await refused.locator('a').click();
    await page.waitForURL(/\/requests\?outcome=refused&after=\d+$/);
    assert.equal(await page.locator('.list > li').count(), 2);
  });
});
