// History in the console: what a save would change before it is made, versions, what differs, and the way back, of
// settings, templates and options; and settings as a form of the vocabulary.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Console, checkPage } from '../support/browser/console.mjs';
import { mac } from '../support/worker/seed.mjs';

describe('history in the console', () => {
  let console_;
  let admin;
  let t;
  let of;
  let boss;
  const phone = mac(1);
  before(async () => {
    console_ = await Console.open();
    admin = console_.admin;
    ({ t, of } = await console_.tenant());
    await admin.put(`${t}/devices/${phone}`, { model: 'KX-UTG300B', label: 'Reception' });
    await admin.put(`${t}/devices/${mac(2)}`, { model: 'KX-UTG300B' });
    boss = await console_.come();
  });
  after(() => console_?.close());

  const save = async (page, name = 'Save') => {
    await page.getByRole('button', { name, exact: true }).click();
    await page.waitForLoadState();
  };
  const vendorRow = async (page, name, value) => {
    const row = page.getByRole('group', { name: 'New setting' }).first();
    await row.getByLabel('Name').fill(name);
    await row.getByLabel('Value').fill(value);
  };

  it('says what a save of settings would change, with the lines of a device, and writes nothing', async () => {
    const { page } = boss;
    await boss.open(of('/settings'));
    await checkPage(boss, 'settings-vocabulary');
    await page.getByText('The whole phone').click();
    await page.getByLabel('NTP', { exact: true }).fill('ntp.example');
    await vendorRow(page, 'standard_Prov_CFG_RESYNC_FROM_SIP', 'check-sync');
    await page.getByLabel('Device to compare').fill(phone);
    await save(page, 'Check');
    const told = page.locator('section', { has: page.getByRole('heading', { name: 'What this would change' }) });
    assert.match(await told.innerText(), /2 devices/);
    assert.ok((await page.locator('.diff .added').count()) > 0, await page.locator('main').innerText());
    await checkPage(boss, 'settings-checked');
    assert.equal(await page.getByLabel('NTP', { exact: true }).inputValue(), 'ntp.example', 'what was typed stays');
    assert.deepEqual((await admin.get(`${t}/settings`)).settings, {});
    await page.getByLabel('Comment').fill('ticket 7');
    await save(page);
    await page.getByRole('status').getByText('Saved').waitFor();
    assert.deepEqual((await admin.get(`${t}/settings`)).settings, { ntp: 'ntp.example', standard_Prov_CFG_RESYNC_FROM_SIP: 'check-sync' });
  });

  it('writes settings of a line with their types, keeps a stored secret, and removes one', async () => {
    const { page } = boss;
    const settings = async () => (await admin.get(`${t}/devices/${phone}/settings?reveal=true`)).settings;
    await boss.open(of(`/devices/${phone}/settings`));
    await page.getByText('Line 1', { exact: true }).click();
    await page.getByLabel('User', { exact: true }).fill('7001');
    await page.getByLabel('Domain', { exact: true }).fill('sip.example');
    await page.getByLabel('Password', { exact: true }).fill('e3rl2');
    await page.getByLabel('Transport').selectOption('tls');
    await save(page);
    await page.getByRole('status').getByText('Saved').waitFor();
    const rest = { line_1_domain: 'sip.example', line_1_transport: 'tls' };
    const first = { line_1_user: '7001', line_1_password: { secret: 'e3rl2' }, ...rest };
    assert.deepEqual(await settings(), first);
    // A second line is offered; the stored secret is not shown and stays.
    await boss.open(of(`/devices/${phone}/settings`));
    assert.ok(!(await page.content()).includes('e3rl2'));
    await page.getByText('Line 2', { exact: true }).waitFor();
    await page.locator('[name="word-line_1_user"]').fill('7002');
    await checkPage(boss, 'device-settings-lines');
    await save(page);
    await page.getByRole('status').getByText('Saved').waitFor();
    assert.deepEqual(await settings(), { ...first, line_1_user: '7002' });
    // Without its user a line needs no password.
    await page.locator('[name="word-line_1_user"]').fill('');
    await page.locator('[name="clear-word-line_1_password"]').check();
    await save(page);
    await page.getByRole('status').getByText('Saved').waitFor();
    assert.deepEqual(await settings(), rest);
  });

  it('lists versions with who, when and why, shows what differs, and goes back after it said what that does', async () => {
    const { page } = boss;
    await admin.put(`${t}/settings`, { settings: { ntp: 'other.example', admin_password: { secret: 'opensesame' } } });
    const before = await admin.get(`${t}/devices/${phone}/files/standard/preview`);
    await boss.open(of('/settings'));
    await page.getByRole('link', { name: 'History' }).click();
    const rows = page.locator('tbody tr');
    assert.equal(await rows.count(), 3);
    assert.match(await rows.nth(1).innerText(), /ticket 7/);
    await checkPage(boss, 'history');
    await page.getByRole('link', { name: 'What changed: 2' }).click();
    const differs = await page.locator('table').first().innerText();
    assert.match(differs, /ntp\.example/);
    assert.match(differs, /other\.example/);
    assert.ok(!(await page.content()).includes('opensesame'));
    await checkPage(boss, 'history-diff');
    await page.getByLabel('Older').selectOption('0');
    await page.getByRole('button', { name: 'Compare' }).click();
    await page.getByRole('heading', { name: 'Versions' }).or(page.getByText('Versions')).first().waitFor();
    assert.equal(new URL(page.url()).searchParams.get('from'), '0');
    await page.getByRole('link', { name: 'Go back to it: 1' }).click();
    await page.getByRole('heading', { name: 'What this would change' }).waitFor();
    await page.getByLabel('Device to compare').fill(phone);
    await save(page, 'Check');
    assert.ok((await page.locator('.diff span').count()) > 0);
    await checkPage(boss, 'rollback');
    assert.deepEqual(await admin.get(`${t}/devices/${phone}/files/standard/preview`), before, 'nothing is done yet');
    await page.getByLabel('Comment').fill('as it was');
    await save(page, 'Go back to version 1');
    await page.getByRole('status').getByText('in effect again').waitFor();
    assert.deepEqual((await admin.get(`${t}/settings`)).settings, { ntp: 'ntp.example', standard_Prov_CFG_RESYNC_FROM_SIP: 'check-sync' });
    assert.match(await rows.first().innerText(), /roll-back to 1: as it was/);
  });

  it('does the same with a template: a check, a save, its lines, and back to the built-in one', async () => {
    const { page } = boss;
    await boss.open(of('/templates/standard/utg'));
    const area = page.getByRole('textbox', { name: 'Template' });
    // What the form sends; the editor is before it.
    const sent = page.locator('textarea[name="source"]');
    await area.waitFor();
    const append = async (text) => {
      await area.focus();
      await page.keyboard.press('Control+End');
      await page.keyboard.type(text);
    };
    await append('<!-- a remark -->\n');
    await page.getByLabel('Device to compare').fill(phone);
    await save(page, 'Check');
    assert.match(await page.locator('main').innerText(), /What this would change/);
    await checkPage(boss, 'template-checked');
    assert.match(await sent.inputValue(), /a remark/);
    assert.equal((await admin.get(`${t}/templates/standard/utg`)).builtin, true);
    await save(page);
    await page.getByRole('status').getByText('Saved').waitFor();
    await boss.open(of('/history/templates/standard/utg'));
    await page.getByRole('link', { name: 'What changed: 1' }).click();
    assert.match(await page.locator('.diff .added').first().innerText(), /a remark|^\+/);
    await page.getByRole('link', { name: 'Go back to it: 0' }).click();
    await save(page, 'Go back to version 0');
    await page.getByRole('status').getByText('in effect again').waitFor();
    assert.equal((await admin.get(`${t}/templates/standard/utg`)).builtin, true);
    // A broken one is refused, in a check too, and stays in the box.
    await boss.open(of('/templates/standard/utg'));
    await append('{{ broken');
    await save(page, 'Check');
    await page.getByRole('alert').waitFor();
    assert.match(await sent.inputValue(), /\{\{ broken$/);
  });

  it('does the same with options, and with a version that somebody overtook', async () => {
    const { page } = boss;
    await boss.open(of('/edit'));
    await page.getByLabel('Options').fill('{"event_days": 7}');
    await save(page, 'Check');
    const status = await page.locator('.problem').count();
    if (status === 0) await page.getByRole('heading', { name: 'What this would change' }).waitFor();
    await checkPage(boss, 'options-checked');
    await page.getByLabel('Options').fill('{"state_dependent_names": true}');
    await save(page);
    await page.getByRole('status').getByText('Saved').waitFor();
    await boss.open(of('/history/options'));
    await page.getByRole('link', { name: 'Go back to it: 0' }).click();
    await admin.put(t, { name: 'Harbour Hotels', options: {} });
    await save(page, 'Go back to version 0');
    await page.getByRole('alert').getByText('changed since you read it').waitFor();
    assert.deepEqual(boss.page.wrong, []);
  });

  it('shows a reader the versions and no way back', async () => {
    const { token } = await admin.post('/tokens', { name: 'Reader', tenant: t.split('/').at(-1), access: 'read' });
    const reader = await console_.come({ javaScriptEnabled: false }, token);
    await reader.open(of('/settings'));
    await reader.page.getByRole('link', { name: 'History' }).click();
    await reader.page
      .getByRole('link', { name: /What changed/ })
      .first()
      .waitFor();
    assert.equal(await reader.page.getByRole('link', { name: /Go back/ }).count(), 0);
  });
});
