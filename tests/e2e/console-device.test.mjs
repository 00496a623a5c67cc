// The page of a device: what is typed into its phone, a picture for a camera, files against what was last fetched, its
// trouble in words, and its move to another tenant.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Console, checkPage } from '../support/browser/console.mjs';
import { mac } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

describe('the page of a device', () => {
  let console_;
  let admin;
  let t;
  let of;
  let base;
  let boss;
  const phone = mac(1);
  before(async () => {
    console_ = await Console.open();
    admin = console_.admin;
    ({ t, of } = await console_.tenant());
    base = (await admin.post(`${t}/access-paths`, { label: 'first' })).url;
    await admin.put(`${t}/models/KX-UTG300B`, { family: 'utg', profile: null });
    await admin.put(`${t}/devices/${phone}`, {
      model: 'KX-UTG300B',
      label: 'Reception',
      settings: { standard_Prov_CFG_RESYNC_FROM_SIP: 'check-sync' },
    });
    await admin.put(`${t}/devices/${mac(2, '805EC0')}`, { model: 'T46S' });
    boss = await console_.come();
  });
  after(() => console_?.close());

  const get = (name) => fetch(new URL(name, base), { headers: { 'user-agent': 'Panasonic_KX-UTG300B/01.133' } });

  it('says what is typed into the phone, and has the access path only where it was typed', async () => {
    const { page } = boss;
    await boss.open(of(`/devices/${phone}`));
    await page.getByRole('link', { name: 'What to type into the phone' }).click();
    await page.getByText('ACCESS-PATH').first().waitFor();
    assert.equal(await page.locator('svg.code-picture').count(), 0);
    await checkPage(boss, 'device-url');
    await page.getByLabel('Access path', { exact: true }).fill('nobody-has-this-one');
    await page.getByRole('button', { name: 'Show the URL' }).click();
    await page.getByRole('alert').getByText('no access path of this tenant').waitFor();
    const segment = new URL(base).pathname.split('/')[1];
    for (const typed of [segment, base]) {
      await page.getByLabel('Access path', { exact: true }).fill(typed);
      await page.getByRole('button', { name: 'Show the URL' }).click();
      await page.locator('svg.code-picture').waitFor();
      assert.match(await page.locator('main').innerText(), new RegExp(`/${segment}/`));
      assert.ok(!page.url().includes(segment));
      await checkPage(boss, 'device-url-known');
      await boss.open(of(`/devices/${phone}/url`));
      assert.ok(!(await page.content()).includes(segment), 'it is kept nowhere');
    }
    assert.ok(!console_.worker.log.includes(segment));
    // Another vendor's phone has its own fields.
    await boss.open(of(`/devices/${mac(2, '805EC0')}/url`));
    await page.getByText('Server URL').waitFor();
  });

  it('compares a file with what the phone last fetched, and says a refusal in words', async () => {
    const { page } = boss;
    assert.equal((await get(`Config${phone}.cfg`)).status, 200);
    await eventually(
      () => admin.get(`${t}/devices/${phone}`),
      (device) => device.fetched_at !== null,
      'the download',
    );
    await admin.put(`${t}/devices/${phone}/settings`, { settings: { standard_Prov_CFG_RESYNC_FROM_SIP: 'resync' } });
    await boss.open(of(`/devices/${phone}/files/standard`));
    await page.getByText('What the phone last fetched, against what it would fetch now').waitFor();
    assert.match(await page.locator('.diff .removed').first().innerText(), /^− .*check-sync/);
    assert.match(await page.locator('.diff .added').first().innerText(), /^\+ .*resync/);
    await checkPage(boss, 'device-file-diff');
    await admin.post(`${t}/devices/${phone}/disable`);
    assert.equal((await get(`Config${phone}.cfg`)).status, 404);
    await admin.post(`${t}/devices/${phone}/enable`);
    await boss.open(of(`/devices/${phone}`));
    await page.getByText('Got nothing: the device is out of service').first().waitFor();
    await checkPage(boss, 'device-failing');
    await page.getByRole('link', { name: 'What would it hear now?' }).click();
    await page.getByRole('heading', { name: 'A file goes out' }).waitFor();
  });

  it('moves a device to another tenant, and shows the new access path once', async () => {
    const other = await admin.post('/tenants', { name: 'Quay Inn' });
    const { page } = boss;
    await boss.open(of(`/devices/${mac(2, '805EC0')}`));
    await page.getByRole('link', { name: 'Move to another tenant' }).click();
    await page.getByLabel('Tenant that it goes to').selectOption({ label: 'Quay Inn' });
    await checkPage(boss, 'device-move');
    await page.getByRole('button', { name: 'Move to another tenant' }).click();
    await page.getByText('It is shown once').waitFor();
    await page.getByRole('link', { name: mac(2, '805EC0') }).click();
    await page.getByText('Sent on from its former tenant until').waitFor();
    await page.getByRole('link', { name: 'Stop sending it on' }).click();
    await page.getByRole('button', { name: 'Stop sending it on' }).click();
    await page.getByRole('status').waitFor();
    const moved = await admin.get(`/tenants/${other.id}/devices/${mac(2, '805EC0')}`);
    assert.equal(moved.forwarded_until, undefined);
    assert.deepEqual(page.wrong, []);
  });
});
