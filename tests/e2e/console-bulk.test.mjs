// Many devices in the console: filters, orders and columns that the address says; what is picked over several pages,
// by a filter or by pasted MACs; the page that says what will happen; and the operation, followed to its end.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Console, checkPage } from '../support/browser/console.mjs';
import { mac, seedDevices, seedTenant, UTG } from '../support/worker/seed.mjs';

const DEVICES = 130;

describe('many devices in the console', () => {
  let console_;
  let admin;
  let tenant;
  let site;
  let boss;
  let of;
  before(async () => {
    console_ = await Console.open();
    admin = console_.admin;
    tenant = await seedTenant(console_.worker, { models: [UTG, { ...UTG, name: 'KX-UTG200B' }] });
    of = (page) => `/console/tenants/${tenant.id}${page}`;
    site = await admin.post(`/tenants/${tenant.id}/sites`, { name: 'Harbour' });
    await seedDevices(
      console_.worker,
      tenant,
      Array.from({ length: DEVICES }, (_, number) => ({
        mac: mac(number + 1),
        state: number % 2 ? 'confirmed' : 'armed',
        model: number < 10 ? 'KX-UTG200B' : UTG.name,
        site: number < 20 ? site.id : null,
      })),
    );
    boss = await console_.come();
  });
  after(() => console_?.close());

  const macs = (page) => page.locator('table tbody td[data-label="MAC"] a').allInnerTexts();
  const rows = () =>
    console_.worker.sql('SELECT mac, generation, disabled, model, site_id FROM devices WHERE tenant_id = ?1 ORDER BY mac', tenant.id);
  /** One that was killed goes on by its object's alarm, which the runtime may repeat late. */
  const over = async (id) => {
    for (const deadline = Date.now() + 60_000; ;) {
      const operation = await admin.get(`/tenants/${tenant.id}/operations/${id}`);
      if (operation.state !== 'running' && operation.devices.pending === 0) return operation;
      if (Date.now() > deadline) throw new Error(`the operation goes on: ${JSON.stringify(operation)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const started = (page) => new URL(page.url()).pathname.split('/').at(-1);

  it('reaches every filter and order of the API, and the address says which', async () => {
    const { page } = boss;
    await boss.open(of('/devices'));
    await checkPage(boss, 'devices-many');
    await page.getByText('More filters, order').click();
    await page.getByRole('combobox', { name: 'Last seen' }).selectOption('never');
    await page.getByLabel('Order').selectOption('-mac');
    await page.getByText('Columns', { exact: true }).click();
    await checkPage(boss, 'devices-filters');
    await page.getByRole('checkbox', { name: 'Label' }).uncheck();
    await page.getByRole('checkbox', { name: 'Family' }).check();
    await page.getByRole('button', { name: 'Filter' }).click();
    const address = new URL(page.url());
    assert.equal(address.searchParams.get('sort'), '-mac');
    assert.equal((await macs(page))[0], mac(DEVICES));
    const heads = await page.locator('thead th').allInnerTexts();
    assert.ok(heads.includes('Family') && !heads.includes('Label'), heads.join());
    assert.equal(await page.locator('th[aria-sort="descending"]').innerText(), 'MAC');
    // The head turns the order round and keeps columns and filter.
    await page.locator('thead').getByRole('link', { name: 'MAC' }).click();
    assert.equal((await macs(page))[0], mac(1));
    assert.equal(new URL(page.url()).searchParams.get('seen'), 'never');
    assert.ok((await page.locator('thead th').allInnerTexts()).includes('Family'));
    await page.getByRole('link', { name: 'Next page' }).click();
    assert.equal((await macs(page))[0], mac(51));
    // Each filter of the API, as an address.
    const expected = {
      'model=KX-UTG200B': 10,
      [`site=${site.id}`]: 20,
      'state=armed&site=&model=KX-UTG200B': 5,
      'vendor=Panasonic&family=utg&model=KX-UTG200B': 10,
      'extension=7001': 0,
      'disabled=true': 0,
      'stale=true': 0,
      'failing=true': 0,
      'unexpected_network=true': 0,
      'seen=1d': 0,
      'q=00000A': 1,
    };
    for (const [query, number] of Object.entries(expected)) {
      assert.equal(await boss.open(of(`/devices?${query}`)), 200, query);
      assert.equal((await macs(page)).length, number, query);
    }
    assert.deepEqual(page.wrong, []);
  });

  it('changes what is ticked on two pages, after it named the number and what will happen', async () => {
    const visitor = await console_.come({ javaScriptEnabled: false });
    const { page } = visitor;
    await visitor.open(of('/devices?sort=mac'));
    await page.getByRole('checkbox', { name: `Select ${mac(1)}` }).check();
    await page.getByRole('checkbox', { name: `Select ${mac(2)}` }).check();
    await page.getByRole('button', { name: 'Next page, keep what is ticked' }).click();
    assert.equal((await macs(page))[0], mac(51));
    assert.equal(await page.getByLabel('Ticked on other pages, or pasted').inputValue(), `${mac(1)}\n${mac(2)}`);
    await page.getByRole('checkbox', { name: `Select ${mac(60)}` }).check();
    await page.getByLabel('What is done to each').selectOption('disable');
    await page.getByRole('button', { name: 'Go on' }).click();
    const button = page.getByRole('button', { name: 'take out of service: 3 devices' });
    await button.waitFor();
    await page.getByText('its phone gets nothing').waitFor();
    assert.equal((await rows()).filter(({ disabled }) => disabled).length, 0, 'nothing is done yet');
    await visitor.photograph('bulk-confirm');
    await button.click();
    await page.getByRole('status').getByText('Started').waitFor();
    const id = started(page);
    await over(id);
    await page.reload();
    await page.getByRole('link', { name: 'done' }).first().waitFor();
    const done = (await rows()).filter(({ disabled }) => disabled).map((row) => row.mac);
    assert.deepEqual(done, [mac(1), mac(2), mac(60)]);
    await visitor.open(of('/devices?disabled=true'));
    assert.equal((await macs(page)).length, 3);
  });

  it('names pasted lines that are no MACs, keeps what was typed, and passes over strangers by name', async () => {
    const { page } = boss;
    await boss.open(of('/operations/new'));
    const area = page.getByLabel('Ticked on other pages, or pasted');
    await area.fill(`00:80:f0:00:00:01\n0080F00000\n${mac(0x999)}`);
    await page.getByLabel('What is done to each').selectOption('enable');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByRole('alert').getByText('0080F00000: ').waitFor();
    // And as it is typed.
    const said = page.locator('#pick-macs-said');
    const typed = await area.inputValue();
    await area.fill(`${mac(1)}\n0080F00000, front`);
    assert.equal(await said.innerText(), 'No MACs, twelve hexadecimal digits each: 0080F00000, front');
    await area.fill(`${mac(1)} 00:80:f0:00:00:02;0080.f000.0003\n00-80-F0-00-00-01`);
    assert.equal(await said.innerText(), 'MACs so far: 3');
    await area.fill(typed);
    assert.match(await area.inputValue(), /0080F00000\n/);
    assert.equal(await page.getByLabel('What is done to each').inputValue(), 'enable');
    await checkPage(boss, 'bulk-bad-macs');
    await area.fill(`00:80:f0:00:00:01, ${mac(0x999)}`);
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText(`passed over: ${mac(0x999)}`).waitFor();
    await page.getByRole('button', { name: 'put into service: 1 device' }).click();
    await over(started(page));
    assert.equal((await rows())[0].disabled, 0);
    await boss.open(of('/operations/new'));
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByRole('alert').getByText('No device is selected').waitFor();
    assert.deepEqual(page.wrong, []);
  });

  it('takes all that a filter shows, asks what a verb needs, and brings itself up to date', async () => {
    const { page } = boss;
    await boss.open(of('/devices?model=KX-UTG200B'));
    await page.getByLabel('All that the filter shows').check();
    await page.getByLabel('What is done to each').selectOption('set');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByLabel('Name', { exact: true }).fill('NTP_SERVER');
    await page.getByLabel('Value').fill('ntp.example');
    await checkPage(boss, 'bulk-inputs');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('Name: NTP_SERVER · Value: ntp.example').waitFor();
    await checkPage(boss, 'bulk-confirm');
    await page.getByRole('button', { name: 'set a setting: 10 devices' }).click();
    await page.getByRole('heading', { level: 1, name: 'set a setting: NTP_SERVER = ntp.example' }).waitFor();
    const id = started(page);
    // By itself, without a reload.
    await page.locator('.numbers li', { hasText: 'done' }).locator('b', { hasText: '10' }).waitFor();
    await page.locator('#live:not([hx-get])').waitFor();
    await checkPage(boss, 'operation');
    const { settings } = await admin.get(`/tenants/${tenant.id}/devices/${mac(1)}/settings`);
    assert.deepEqual(settings, { NTP_SERVER: 'ntp.example' });
    await boss.open(of('/operations'));
    await checkPage(boss, 'operations');
    await page.getByRole('link', { name: 'set a setting: NTP_SERVER = ntp.example' }).click();
    await page.getByRole('link', { name: 'Remove from the list' }).click();
    await page.getByRole('button', { name: 'Remove from the list' }).click();
    await page.getByRole('status').getByText('Removed').waitFor();
    assert.equal((await admin.call('GET', `/tenants/${tenant.id}/operations/${id}`)).status, 404);
  });

  it('says of each device why it was refused, goes on after a kill, and is cancelled', async () => {
    const { page } = boss;
    await admin.post(`/tenants/${tenant.id}/devices/${mac(3)}/disable`);
    await boss.open(of('/devices?state=armed'));
    await page.getByLabel('All that the filter shows').check();
    await page.getByLabel('What is done to each').selectOption('rekey');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByRole('button', { name: /^re-key: \d+ devices$/ }).click();
    const id = started(page);
    await console_.worker.kill();
    await console_.worker.restart();
    // The page that watches asked while nobody was there, and would go on: the Worker has another port now.
    await page.goto('about:blank');
    page.wrong.length = 0;
    boss.base = console_.worker.http;
    const operation = await over(id);
    assert.equal(operation.devices.done + operation.devices.refused + operation.devices.unchanged, operation.devices.all);
    await boss.open(of(`/operations/${id}?outcome=done`));
    assert.ok((await macs(page)).length > 0);
    await boss.open(of('/devices'));
    await page.getByLabel('All that the filter shows').check();
    await page.getByLabel('What is done to each').selectOption('notify');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByRole('button', { name: `tell to fetch: ${DEVICES} devices` }).click();
    const told = started(page);
    const cancel = page.getByRole('link', { name: 'Cancel the operation' });
    await cancel
      .or(page.getByRole('link', { name: 'Remove from the list' }))
      .first()
      .click();
    if (await page.getByRole('button', { name: 'Cancel the operation' }).count()) {
      await page.getByRole('button', { name: 'Cancel the operation' }).click();
    }
    await over(told);
    await boss.open(of(`/operations/${told}?outcome=refused`));
    await page.locator('td[data-label="Why"]').first().waitFor();
    assert.notEqual((await page.locator('td[data-label="Why"]').first().innerText()).trim(), '');
    await checkPage(boss, 'operation-refused');
  });

  it('offers a token that reads nothing to pick', async () => {
    const { token } = await admin.post('/tokens', { name: 'Reader', tenant: tenant.id, access: 'read' });
    const reader = await console_.come({}, token);
    await reader.open(of('/devices'));
    assert.equal(await reader.page.locator('main form[method="post"], main input[name="mac"]').count(), 0);
    await reader.open(of('/operations'));
    assert.equal(await reader.page.getByRole('link', { name: 'Change many devices' }).count(), 0);
  });
});
