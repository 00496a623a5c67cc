// Forms of the console with numbers, times, boxes and secrets: a pool's options, an access path's end, the key that a
// phone has already, a file that is pasted; the URL that works where the Worker runs; the numbers of all tenants.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Console, checkPage } from '../support/browser/console.mjs';
import { mac, randomKey, seedDevice, seedTenant } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

describe('forms of the console', () => {
  let console_;
  let admin;
  let t;
  let of;
  let boss;
  before(async () => {
    console_ = await Console.open({ probe: true });
    admin = console_.admin;
    ({ t, of } = await console_.tenant());
    boss = await console_.come();
  });
  after(() => console_?.close());

  const save = (page, name = 'Save') => page.getByRole('button', { name, exact: true }).click();
  const saved = (page) => page.getByRole('status').getByText('Saved').waitFor();

  it('change the name and the options of a pool, say what may stand there, and keep what was typed', async () => {
    const { page } = boss;
    const pool = await admin.post('/pools', { name: 'Europe' });
    const unchanged = pool.options;
    await boss.open(`/console/pools/${pool.id}`);
    await page.getByRole('link', { name: 'Name and options' }).click();
    await checkPage(boss, 'pool-edit');
    // Saved as it stands, nothing changes.
    await save(page);
    await saved(page);
    assert.deepEqual((await admin.get(`/pools/${pool.id}`)).options, unchanged);
    assert.equal((await admin.get(`/pools/${pool.id}`)).revision, 1);
    await page.getByRole('link', { name: 'Name and options' }).click();
    await page.getByLabel('Name', { exact: true }).fill('Europe, west');
    await page.getByLabel('Pace of a rollout that names none').fill('2.5');
    await page.getByLabel('Most to one destination network').fill('0');
    await page.getByLabel('A job may try for').fill('0');
    await page.getByLabel('The tenants of this pool trust one another').check();
    await save(page);
    await page.getByRole('alert').getByText('it may be 1 to 604800').waitFor();
    assert.equal(await page.getByLabel('Pace of a rollout that names none').inputValue(), '2.5');
    assert.ok(await page.getByLabel('The tenants of this pool trust one another').isChecked());
    // What is left empty has its default.
    await page.getByLabel('A job may try for').fill('');
    await save(page);
    await saved(page);
    const { name, options } = await admin.get(`/pools/${pool.id}`);
    assert.equal(name, 'Europe, west');
    assert.deepEqual(options, { ...unchanged, rollout_per_second: 2.5, network_per_second: 0, trusting: true });
    await boss.open(`/console/pools/${pool.id}/edit`);
    // Somebody else is faster.
    await admin.put(`/pools/${pool.id}`, { name: 'Elsewhere', options: {} });
    await page.getByLabel('Keep jobs and rollouts that ended').fill('7');
    await save(page);
    await page.getByRole('alert').waitFor();
    assert.equal((await admin.get(`/pools/${pool.id}`)).name, 'Elsewhere');
    await save(page);
    await saved(page);
    assert.equal((await admin.get(`/pools/${pool.id}`)).options.retention_days, 7);
    assert.deepEqual(page.wrong, []);
  });

  it('give an access path a label and an end, typed in UTC', async () => {
    const { page } = boss;
    await boss.open(of('/access-paths/new'));
    await page.getByLabel('Label').fill('trade fair');
    await page.getByLabel('Ends at').fill('2031-05-04T08:30');
    await checkPage(boss, 'access-path-new');
    await save(page, 'Make an access path');
    const url = await page.locator('.secret .code').innerText();
    const find = async () => (await admin.get(`${t}/access-paths`)).items[0];
    // Three zones east of where the browser is would be another time.
    assert.equal((await find()).expires_at, Date.UTC(2031, 4, 4, 8, 30));
    await boss.open(of('/access-paths'));
    const until = page.locator('.state').filter({ hasText: 'open until' }).locator('time');
    await page.waitForFunction(() => document.querySelector('.state time')?.dataset.local === '');
    assert.match(await until.innerText(), /^May 4, 2031, 9:30\sAM$/, "in the viewer's zone");
    assert.equal(await until.getAttribute('title'), '2031-05-04 08:30 UTC');
    await page.getByRole('link', { name: 'Edit: trade fair' }).click();
    assert.equal(await page.getByLabel('Ends at').inputValue(), '2031-05-04T08:30');
    await page.getByLabel('Ends at').fill('2020-01-01T00:00');
    await page.getByLabel('Label').fill('trade fair, over');
    await checkPage(boss, 'access-path-edit');
    await save(page);
    await saved(page);
    await page.getByText('expired').waitFor();
    const { id, label } = await find();
    assert.equal(label, 'trade fair, over');
    assert.equal((await console_.worker.fetch(`${new URL(url).pathname}Config${mac(1)}.cfg`)).status, 404);
    await boss.open(of(`/access-paths/${id}/edit`));
    await page.getByLabel('Ends at').fill('');
    await save(page);
    await saved(page);
    assert.equal((await find()).expires_at, null);
    // A label that is changed moves no end, however exact.
    const exact = Date.UTC(2033, 0, 2, 3, 4, 5, 678);
    await admin.put(`${t}/access-paths/${id}`, { label: 'x', expires_at: exact });
    await boss.open(of(`/access-paths/${id}/edit`));
    await page.getByLabel('Label').fill('y');
    await save(page);
    await saved(page);
    const { segment, url: none, ...shown } = await admin.get(`${t}/access-paths/${id}`);
    assert.deepEqual([segment, none], [undefined, undefined]);
    assert.deepEqual(shown, await find());
    assert.deepEqual([shown.label, shown.expires_at], ['y', exact]);
    assert.equal((await admin.call('GET', `${t}/access-paths/01JD0000000000000000000000`)).status, 404);
    assert.deepEqual(page.wrong, []);
  });

  it('refuse what is no time, and keep it, where the browser has no field for times', async () => {
    const plain = await console_.come({ javaScriptEnabled: false });
    const cookies = await plain.context.cookies();
    const post = (path, form) =>
      console_.worker.fetch(path, {
        method: 'POST',
        headers: {
          origin: new URL(console_.worker.http).origin,
          cookie: cookies.map(({ name, value }) => `${name}=${value}`).join('; '),
        },
        body: new URLSearchParams(form),
      });
    for (const text of ['tomorrow', '5', '2031-02-30T00:00']) {
      const answer = await post(of('/access-paths/new'), { label: 'z', expires_at: text });
      assert.equal(answer.status, 422, text);
      const html = await answer.text();
      assert.ok(html.includes(`“${text}” is no time`) && html.includes(`value="${text}"`), html);
    }
    const { id } = (await admin.get(`${t}/access-paths`)).items[0];
    const answer = await post(of(`/access-paths/${id}/edit`), { label: 'z', expires_at: '5' });
    assert.equal(answer.status, 422);
    assert.ok((await answer.text()).includes('value="5"'));
  });

  it('state the key that a phone has, which is in no answer', async () => {
    const { page } = boss;
    const [wrong, key] = [`${randomKey().slice(0, 31)}!`, randomKey()];
    await admin.put(`${t}/devices/${mac(2)}`, { model: 'KX-UTG300B' });
    await boss.open(of(`/devices/${mac(2)}`));
    await page.getByRole('link', { name: 'State its key' }).click();
    await checkPage(boss, 'import-key');
    for (const typed of [wrong, key.slice(0, 20)]) {
      await page.getByLabel('The key that the phone has').fill(typed);
      await save(page);
      await page.getByRole('alert').waitFor();
      assert.ok(!(await page.content()).includes(typed), 'a key that was refused is not kept');
      assert.equal(await page.getByLabel('The key that the phone has').inputValue(), '');
    }
    await page.getByLabel('The key that the phone has').fill(key);
    await save(page);
    await saved(page);
    await page.locator('.lead').getByText('Has a key that was stated by an operator').waitFor();
    assert.ok(!(await page.content()).includes(key) && !console_.worker.log.includes(key));
    assert.ok(!page.url().includes(key));
    const { key: state } = await admin.get(`${t}/devices/${mac(2)}`);
    assert.deepEqual([state.state, state.bootstrap_waits], ['delivered', false]);
    const rows = await console_.worker.sql('SELECT * FROM audit');
    assert.ok(!JSON.stringify(rows).includes(key));
  });

  it('check a file that is pasted, line by line, and keep it', async () => {
    const { page } = boss;
    await boss.open(of('/templates'));
    await page.getByRole('link', { name: 'Check a file' }).click();
    await page.getByLabel('Family').selectOption('yealink');
    const text = '#!version:1.0.0.1\naccount.1.label = a\nno parameter here\n';
    await page.getByLabel('The file').fill(text);
    await save(page, 'Check it');
    await page.getByText('The file would not be served').or(page.getByText('The file may be served; look')).waitFor();
    const found = await admin.post('/lint', { family: 'yealink', kind: 'standard', text });
    assert.ok(found.findings.length > 0, JSON.stringify(found));
    const shown = await page.locator('main tbody tr').allInnerTexts();
    assert.equal(shown.length, found.findings.length);
    for (const [place, { line, message, help }] of found.findings.entries()) {
      const row = shown[place].replace(/\s+/g, ' ');
      assert.ok(row.includes(message.replace(/\s+/g, ' ')) && row.includes(help.replace(/\s+/g, ' ')), row);
      if (line > 0) assert.ok(row.startsWith(`${line} `), row);
    }
    assert.equal(await page.getByLabel('The file').inputValue(), text);
    assert.equal(await page.getByLabel('Family').inputValue(), 'yealink');
    await checkPage(boss, 'lint');
    await page.getByLabel('The file').fill('#!version:1.0.0.1\n');
    await save(page, 'Check it');
    await page.getByText('Nothing is wrong with it').waitFor();
    await boss.open('/console/explain');
    await page.getByRole('link', { name: 'Check a file' }).click();
    // Who may only read may check too.
    const { token } = await admin.post('/tokens', { name: 'Reader', access: 'read' });
    const reader = await console_.come({}, token);
    await reader.open('/console/lint?family=utg&kind=product');
    assert.equal(await reader.page.getByLabel('Family').inputValue(), 'utg');
    assert.equal(await reader.page.getByLabel('Kind of file').inputValue(), 'product');
  });

  it('have the URL of a phone as it works here, with the port', async () => {
    const { page } = boss;
    const { url } = await admin.post(`${t}/access-paths`, { label: 'with a port' });
    const origin = new URL(console_.worker.http).origin;
    assert.ok(url.startsWith(`${origin}/`));
    await boss.open(of(`/devices/${mac(2)}/url`));
    const main = page.locator('main');
    assert.ok((await main.innerText()).includes(`${origin}/ACCESS-PATH/`));
    await page.getByLabel('Access path', { exact: true }).fill(url);
    await save(page, 'Show the URL');
    await page.locator('svg.code-picture').waitFor();
    const own = await page.locator('dd .code').last().innerText();
    assert.ok(own.startsWith(url), own);
    // As it stands there, it is the phone's.
    const answer = await fetch(own);
    assert.ok([200, 404].includes(answer.status));
    const { items } = await eventually(
      () => admin.get(`${t}/events?device=${mac(2)}`),
      (list) => list.items.length > 0,
    );
    assert.ok(items.every(({ reason }) => reason !== 'no_such_path'));
    // A tenant with a host of its own is asked there.
    const bound = await seedTenant(console_.worker, { hostname: 'phones.example' });
    const device = await seedDevice(console_.worker, bound, { mac: mac(3) });
    await boss.open(`/console/tenants/${bound.id}/devices/${device.mac}/url`);
    assert.ok((await main.innerText()).includes('https://phones.example/ACCESS-PATH/'));
  });

  it('show the devices of all tenants as the metrics have them, with the time, and read few rows for that', async () => {
    const { page } = boss;
    const { worker } = console_;
    const before = await admin.get('/device-counts');
    assert.deepEqual([before.counted_at, before.devices], [null, 0]);
    await boss.open('/console');
    await page.getByText('Not counted yet').waitFor();
    const [one, other] = [await seedTenant(worker), await seedTenant(worker)];
    for (let number = 0; number < 5; number += 1) await seedDevice(worker, one, { mac: mac(0x100 + number), state: 'confirmed' });
    await seedDevice(worker, other, { mac: mac(0x200), state: 'delivered' });
    await worker.sql('UPDATE devices SET delivered_at = 1 WHERE tenant_id = ?1', other.id);
    await worker.ask('scheduled', {});
    const begin = Date.now();
    await worker.probe({ reset: true });
    const counts = await admin.get('/device-counts');
    const { rowsRead, rowsWritten, d1Statements } = await worker.probe({ reset: true });
    // However many devices there are: the numbers, their time, and the token's own look-up.
    assert.ok(rowsRead <= 20 && rowsWritten === 0, `${rowsRead} rows read by ${d1Statements} statements`);
    const [{ all }] = await worker.sql('SELECT count(*) AS "all" FROM devices');
    assert.equal(counts.devices, all);
    assert.equal(counts.by_state.confirmed, 5);
    assert.deepEqual([counts.never_came_back, counts.by_state.replaced], [1, 0]);
    assert.ok(Math.abs(counts.counted_at - begin) < 60_000);
    await boss.open('/console');
    const card = page.locator('.numbers li', { hasText: 'took the key, never came back' });
    assert.match(await card.innerText(), /^1\s/);
    await page.locator('.numbers + p time').waitFor();
    await checkPage(boss, 'fleet-counted');
    const { token } = await admin.post('/tokens', { name: 'own', access: 'read', tenant: one.id });
    const answer = await worker.fetch('/api/v1/device-counts', { headers: { authorization: `Bearer ${token}` } });
    assert.equal(answer.status, 403);
    const { token: scraper } = await admin.post('/tokens', { name: 'scraper', access: 'metrics' });
    const metrics = await (await worker.fetch('/metrics', { headers: { authorization: `Bearer ${scraper}` } })).text();
    assert.match(metrics, /never_came_back"?\} 1\n/);
  });
});
