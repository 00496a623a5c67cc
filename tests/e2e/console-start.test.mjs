// The first run in the console: from an installation without tenants to a phone that has its files, watched live.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Console, checkPage } from '../support/browser/console.mjs';
import { element } from '../support/worker/content.mjs';
import { mac } from '../support/worker/seed.mjs';

describe('the first run', () => {
  let console_;
  before(async () => {
    console_ = await Console.open();
  });
  after(() => console_?.close());

  it('leads from nothing to a phone that has its files', async () => {
    const boss = await console_.come();
    const { page } = boss;
    await page.getByRole('heading', { level: 1, name: 'Start' }).waitFor();
    await checkPage(boss, 'start');
    await page.getByLabel('Name').fill('Harbour Hotels');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByLabel('Label').waitFor();
    await checkPage(boss, 'start-path');
    await page.getByRole('button', { name: 'Make an access path' }).click();
    const base = await page.locator('.secret .code').innerText();
    const segment = new URL(base).pathname.split('/')[1];
    await checkPage(boss, 'start-phone');
    // What cannot be is refused, and what was typed stays.
    await page.getByLabel('MAC').fill('front desk');
    await page.getByLabel('Model').fill('KX-UTG300B');
    await page.getByRole('button', { name: 'Add a device' }).click();
    await page.getByRole('alert').waitFor();
    assert.equal(await page.getByLabel('Model').inputValue(), 'KX-UTG300B');
    await page.getByLabel('MAC').fill('00:80:f0:00:00:01');
    await page.getByRole('button', { name: 'Add a device' }).click();
    await page.getByText('The phone has not asked yet.').waitFor();
    await page.locator('svg.code-picture').waitFor();
    assert.ok(!page.url().includes(segment));
    await checkPage(boss, 'start-watch');

    // The phone boots; the page sees each step by itself.
    const get = (name) => fetch(new URL(name, base), { headers: { 'user-agent': 'Panasonic_KX-UTG300B/01.133' } });
    const initial = await (await get('KX-UTG300B.cfg')).text();
    const standard = element(initial, 'CFG_STANDARD_FILE_PATH').replace('{MAC}', mac(1));
    assert.ok(standard.startsWith(base));
    assert.equal((await fetch(standard)).status, 200);
    await page.getByText('The phone took its key.').waitFor();
    await page.getByText('The phone does not have its files yet.').waitFor();
    await page.locator('svg.code-picture').waitFor();
    assert.equal((await fetch(standard.replace(/\.cfg$/, '.enc'))).status, 200);
    await page.getByText('The phone has its files. All is well.').waitFor();
    await page.locator('#live:not([hx-get])').waitFor();
    await checkPage(boss, 'start-done');
    await page
      .getByRole('link', { name: 'To the phone’s page' })
      .or(page.getByRole('link', { name: "To the phone's page" }))
      .click();
    await page.locator('.lead').getByText('Took its key').waitFor();
    assert.ok(!console_.worker.log.includes(segment));
    assert.deepEqual(page.wrong, []);
  });

  it('goes on where it was left, without JavaScript', async () => {
    const boss = await console_.come({ javaScriptEnabled: false });
    const { page } = boss;
    // There is a tenant now, so the fleet is shown; the way is still there for a further one.
    await boss.open('/console');
    await page.getByRole('heading', { level: 1, name: 'Fleet' }).waitFor();
    await boss.open('/console/start');
    await page.getByLabel('Name').fill('Quay Inn');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByRole('button', { name: 'Make an access path' }).click();
    const base = await page.locator('.secret .code').innerText();
    const here = new URL(page.url()).pathname;
    await boss.open(here);
    await page.getByLabel('MAC').fill(mac(2));
    await page.getByLabel('Model').fill('KX-UTG300B');
    await page.getByLabel('Access path').fill(base);
    await page.getByRole('button', { name: 'Add a device' }).click();
    await page.locator('svg.code-picture').waitFor();
    // Without the script a reload brings it up to date.
    await boss.open(here);
    await page.getByText('The phone has not asked yet.').waitFor();
    assert.match(page.url(), new RegExp(`/start/${mac(2)}$`));
    await fetch(new URL(`Config${mac(2)}.cfg`, base));
    await boss.open(here);
    await page.getByText('The phone took its key.').waitFor();
  });

  it('is not offered to who may only read', async () => {
    const { token } = await console_.admin.post('/tokens', { name: 'Reader', access: 'read' });
    await console_.worker.sql('SELECT 1');
    const reader = await console_.come({}, token);
    await reader.open('/console');
    await reader.page.getByRole('heading', { level: 1, name: 'Fleet' }).waitFor();
  });
});
