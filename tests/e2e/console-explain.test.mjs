// The console's page that explains a request: what is pasted is recognised, where it ends stands first, and nothing
// of an access path is shown, logged or left in the browser's history.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Console, checkPage } from '../support/browser/console.mjs';
import { mac, seedDevice, seedTenant } from '../support/worker/seed.mjs';

describe('the page that explains a request', () => {
  let console_;
  let tenant;
  let device;
  let boss;
  before(async () => {
    console_ = await Console.open();
    tenant = await seedTenant(console_.worker);
    device = await seedDevice(console_.worker, tenant, { mac: mac(1), state: 'confirmed', disabled: 1 });
    boss = await console_.come();
  });
  after(() => console_?.close());

  const ask = async (visitor, what, more = {}) => {
    const { page } = visitor;
    await visitor.open('/console/explain');
    await page.getByLabel('What you have').fill(what);
    for (const [label, text] of Object.entries(more)) await page.getByLabel(label).fill(text);
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.waitForLoadState();
  };
  const firstHeading = (page) => page.locator('main h2').first().innerText();

  it('says of a URL where it ends, what the phone hears and what to do, and repeats nothing of the access path', async () => {
    const { page } = boss;
    await boss.open('/console/explain');
    await checkPage(boss, 'explain');
    for (const what of [
      `https://phones.example/${tenant.accessPath}/Config${device.mac}.enc`,
      `/${tenant.accessPath}/Config${device.mac}.enc`,
      `GET /${tenant.accessPath}/Config${device.mac}.enc HTTP/1.1`,
    ]) {
      await ask(boss, what, { 'User-Agent': 'Panasonic_KX-UTG300B/01.133' });
      assert.equal(await firstHeading(page), 'Ends at: Device', await page.locator('main').innerText());
      await page.getByText('Put the device back into service').waitFor();
      await page.getByText('404, ').waitFor();
      const html = await page.content();
      assert.ok(!html.includes(tenant.accessPath), 'the access path is not in the page');
      assert.equal(await page.getByLabel('What you have').inputValue(), '');
      assert.equal(page.url(), boss.url('/console/explain'));
      assert.equal(await page.getByLabel('User-Agent').inputValue(), 'Panasonic_KX-UTG300B/01.133');
    }
    // The failing step is seen without scrolling.
    const box = await page.locator('main dl').first().boundingBox();
    assert.ok(box.y + box.height < 800, JSON.stringify(box));
    await checkPage(boss, 'explain-refused');
    assert.ok(!console_.worker.log.includes(tenant.accessPath), 'nor in the log');
    await page.getByRole('link', { name: device.mac }).click();
    await page.getByRole('heading', { level: 1, name: device.mac }).waitFor();
  });

  it('shows an access path that was pasted alone, or into the wrong box, nowhere', async () => {
    const { page } = boss;
    await ask(boss, tenant.accessPath, { 'Address of the phone': `/${tenant.accessPath}` });
    await page.getByRole('alert').getByText('neither a URL').waitFor();
    assert.ok(!(await page.content()).includes(tenant.accessPath));
    assert.deepEqual(await boss.axe(), []);
  });

  it('is one click from a refused request, in the list and on the page of its device', async () => {
    const answer = await tenant.get(`Config${device.mac}.enc`);
    assert.equal(answer.status, 404);
    const { page } = boss;
    for (const path of ['/requests', `/devices/${device.mac}`]) {
      await boss.open(`/console/tenants/${tenant.id}${path}`);
      await page.locator('main').getByRole('link', { name: 'Explain' }).first().click();
      assert.equal(await firstHeading(page), 'Ends at: Device');
      await page.getByRole('heading', { name: 'How it ended then' }).waitFor();
      const id = answer.headers.get('ringfence-request-id');
      assert.equal(new URL(page.url()).searchParams.get('request_id'), id);
    }
    // A request that got its file has nothing to explain.
    await console_.admin.post(`/tenants/${tenant.id}/devices/${device.mac}/enable`);
    assert.equal((await tenant.get(`Config${device.mac}.enc`)).status, 200);
    await boss.open(`/console/tenants/${tenant.id}/requests?outcome=served`);
    assert.equal(await page.locator('main').getByRole('link', { name: 'Explain' }).count(), 0);
  });

  it('takes a MAC in any notation, and shows every step of a request that gets its file', async () => {
    const { page } = boss;
    const { mac: waiting } = await seedDevice(console_.worker, tenant, { mac: mac(2), state: 'armed' });
    await ask(boss, waiting.toLowerCase().replace(/(..)(?!$)/g, '$1:'));
    assert.equal(await page.getByLabel('What you have').inputValue(), '00:80:f0:00:00:02');
    assert.equal(await firstHeading(page), 'A file goes out', await page.locator('main').innerText());
    const steps = await page.locator('section:has(h2:text-is("Step by step")) li').allInnerTexts();
    assert.equal(steps.length, 11);
    await checkPage(boss, 'explain-served');
  });

  it('works without JavaScript and tells a token of another tenant nothing', async () => {
    const other = await seedTenant(console_.worker);
    const { token } = await console_.admin.post('/tokens', { name: 'Other', tenant: other.id, access: 'read' });
    const stranger = await console_.come({ javaScriptEnabled: false }, token);
    await ask(stranger, `https://phones.example/${tenant.accessPath}/Config${device.mac}.enc`);
    assert.equal(await firstHeading(stranger.page), 'Ends at: Access path');
    const links = await stranger.page
      .locator('main')
      .getByRole('link')
      .evaluateAll((all) => all.map((link) => link.getAttribute('href')));
    assert.deepEqual(links, ['/console/lint'], 'no way to the device');
    assert.doesNotMatch(await stranger.page.locator('main').innerText(), /confirmed|out of service/);
    // A URL in the address of the page is not taken: it would stay in the history.
    await stranger.open(`/console/explain?request_id=${encodeURIComponent('/x/y')}`);
    assert.equal(await firstHeading(stranger.page).catch(() => ''), '');
  });
});
