// Pages of what stands in no navigation of its own: tests of files, certificates, destinations, pools, limits, moving
// phones to an access path, the rotation of the master key, and a database that was put back.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';

import { Console, checkPage } from '../support/browser/console.mjs';
import { newMasterKey } from '../support/worker/ringfence.mjs';
import { mac } from '../support/worker/seed.mjs';
import { authority } from '../support/tls.mjs';

describe('further pages of the console', () => {
  let console_;
  let admin;
  let t;
  let of;
  let boss;
  before(async () => {
    console_ = await Console.open();
    admin = console_.admin;
    ({ t, of } = await console_.tenant());
    await admin.put(`${t}/devices/${mac(1)}`, {
      model: 'KX-UTG300B',
      settings: { line_1_user: '7001', line_1_password: { secret: 'e3rl2' }, line_1_domain: 'sip.example' },
    });
    boss = await console_.come();
  });
  after(() => console_?.close());

  const save = (page, name = 'Save') => page.getByRole('button', { name, exact: true }).click();
  const saved = (page) => page.getByRole('status').getByText('Saved').waitFor();

  it('lists, adds, runs, changes and removes tests of files', async () => {
    const { page } = boss;
    await boss.open(of(''));
    await page.getByRole('link', { name: 'Tests of files' }).click();
    await checkPage(boss, 'file-tests-none');
    const { items } = await admin.get(`${t}/devices/${mac(1)}/effective`);
    const { name: parameter } = items.find(({ value }) => value === '7001');
    await page.getByRole('link', { name: 'Add a test' }).click();
    await page.getByLabel('What it says').fill('Reception is 7001');
    await page.getByLabel('Parameter').fill(parameter);
    await page.getByLabel('Value').fill('7001');
    await page.getByLabel('MAC').fill('no mac');
    await checkPage(boss, 'file-test-new');
    await save(page);
    await page.getByRole('alert').waitFor();
    assert.equal(await page.getByLabel('What it says').inputValue(), 'Reception is 7001');
    await page.getByLabel('MAC').fill(mac(1));
    await save(page);
    await saved(page);
    await page.getByRole('link', { name: 'Run the tests' }).click();
    await page.getByText('met', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Edit: Reception is 7001' }).click();
    await page.getByLabel('Value').fill('7002');
    await save(page);
    await saved(page);
    await page.getByRole('link', { name: 'Run the tests' }).click();
    await page.getByText('1 file does not meet it').waitFor();
    await page.getByText('expected exactly “7002”').waitFor();
    await checkPage(boss, 'file-tests-run');
    await page.getByRole('link', { name: 'Remove: Reception is 7001' }).click();
    await save(page, 'Remove');
    await page.getByText('No test has been written').first().waitFor();
    assert.deepEqual((await admin.get(`${t}/file-tests`)).items, []);
  });

  it('uploads a certificate, and removes it', async () => {
    const { page } = boss;
    await boss.open(of('/certificates/new'));
    await page.getByLabel('Name').fill('root.pem');
    await page.getByLabel('PEM').fill('nonsense');
    await save(page);
    await page.getByRole('alert').waitFor();
    assert.equal(await page.getByLabel('PEM').inputValue(), 'nonsense');
    const root = authority();
    await page.getByLabel('PEM').fill(readFileSync(root.file, 'utf8'));
    root.end();
    await save(page);
    await saved(page);
    await checkPage(boss, 'certificates');
    assert.equal((await admin.get(`${t}/certificates`)).items[0].name, 'root.pem');
    await page.getByRole('link', { name: 'Remove: root.pem' }).click();
    await save(page, 'Remove');
    await page.getByText('No certificate has been uploaded').waitFor();
  });

  it('says whom a tenant may address, by which pool, and what it may use', async () => {
    const { page } = boss;
    const pool = await admin.post('/pools', { name: 'Europe' });
    await boss.open(of('/destinations'));
    await page.getByLabel('Domains').fill('pbx.example\n*.phones.example');
    await page.getByLabel('Networks').fill('198.51.100.0/24');
    await checkPage(boss, 'destinations');
    await save(page);
    await saved(page);
    assert.deepEqual((await admin.get(`${t}/destinations`)).destinations, {
      domains: ['pbx.example', '*.phones.example'],
      networks: ['198.51.100.0/24'],
    });
    await boss.open(of('/destinations'));
    assert.equal(await page.getByLabel('Domains').inputValue(), 'pbx.example\n*.phones.example');
    await page.getByLabel('Domains').fill('');
    await page.getByLabel('Networks').fill('');
    await save(page);
    await saved(page);
    assert.equal((await admin.get(`${t}/destinations`)).destinations, null);
    await boss.open(of('/pool'));
    await page.getByLabel('Pool', { exact: true }).selectOption({ label: 'Europe' });
    await save(page);
    await saved(page);
    assert.equal((await admin.get(`${t}/pool`)).pool, pool.id);
    await boss.open(of('/limits'));
    await page.getByText(/^\d+ used of 5,000$/).waitFor();
    await page.getByLabel('Sites').fill('7');
    await checkPage(boss, 'limits');
    await save(page);
    await saved(page);
    assert.deepEqual((await admin.get(`${t}/limits`)).limits, { sites: 7 });
    await boss.open(of('/limits'));
    assert.equal(await page.getByLabel('Sites').inputValue(), '7');
    await page.getByLabel('Sites').fill('');
    await save(page);
    await saved(page);
    assert.deepEqual((await admin.get(`${t}/limits`)).limits, {});
  });

  it('moves phones to an access path, and ends that', async () => {
    const { page } = boss;
    const made = await admin.post(`${t}/access-paths`, { label: 'new one' });
    await boss.open(of('/access-paths'));
    await page.getByRole('link', { name: 'Move phones here: new one' }).click();
    await page.getByRole('link', { name: 'Move the phones here' }).click();
    await page.getByLabel('Access path', { exact: true }).fill('another');
    await save(page);
    await page.getByRole('alert').getByText('not this access path').waitFor();
    await page.getByLabel('Access path', { exact: true }).fill(made.url);
    await save(page);
    await page.getByText('Devices that have not').waitFor();
    await checkPage(boss, 'target');
    await boss.open(of('/access-paths'));
    await page.getByRole('link', { name: 'How the move goes: new one' }).click();
    await page.getByRole('link', { name: 'End the move' }).click();
    await save(page, 'End the move');
    await page.getByRole('status').waitFor();
    assert.equal((await admin.get(`${t}/access-paths`)).items[0].target_since, null);
  });

  it('filters the audit log, checks its chain, and exports it', async () => {
    const { page } = boss;
    await boss.open('/console/audit');
    await checkPage(boss, 'audit-filter');
    const [{ action }] = (await admin.get('/audit?limit=1')).items;
    await page.getByLabel('Action').fill(action);
    await page.getByRole('button', { name: 'Filter' }).click();
    assert.equal(new URL(page.url()).searchParams.get('action'), action);
    const shown = await page.locator('main li .code, main li code').allInnerTexts();
    assert.ok(shown.length > 0);
    await page.getByRole('link', { name: 'Check the chain' }).click();
    await page.getByText('nothing was changed or taken out').waitFor();
    await checkPage(boss, 'audit-verify');
    const answer = await page.request.get(boss.url('/console/audit.ndjson'));
    assert.equal(answer.headers()['content-disposition'], 'attachment; filename="audit.ndjson"');
    const lines = (await answer.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(lines.at(-1).chain.complete, true);
    assert.ok(lines.length > 5);
  });

  it('takes the steps of a rotation', async () => {
    const old = console_.worker.options.secrets.MASTER_KEY;
    await console_.worker.restart({ secrets: { MASTER_KEY: newMasterKey('k2'), MASTER_KEY_PREVIOUS: old } });
    const visitor = await console_.come();
    const { page } = visitor;
    await visitor.open('/console');
    await page.locator('main').getByRole('link', { name: 'Rotation of the master key' }).click();
    await checkPage(visitor, 'rotation');
    for (let step = 0; step < 20 && (await page.getByRole('button', { name: 'Wrap some more' }).count()); step += 1) {
      await page.getByRole('button', { name: 'Wrap some more' }).click();
      await page.getByText('Wrapped by this step').waitFor();
    }
    assert.equal((await admin.get('/rotation')).remaining, 0);
    await visitor.open('/console/rotation');
    assert.equal(await page.getByRole('button', { name: 'Wrap some more' }).count(), 0);
  });

  it('lets nobody sign in while a database that was put back is not in use, and says afterwards that it is', async () => {
    const copy = await console_.worker.copyDatabase();
    await admin.post('/tenants', { name: 'Undone' });
    await console_.worker.restoreDatabase(copy);
    const form = new URLSearchParams({ token: console_.worker.adminToken, next: '' });
    const headers = { origin: new URL(console_.worker.http).origin };
    const answer = await console_.worker.fetch('/console/sign-in', { method: 'POST', headers, body: form, redirect: 'manual' });
    assert.notEqual(answer.status, 303, 'nobody is let in');
    await admin.post('/restored', {});
    const visitor = await console_.come();
    await visitor.open('/console/restored');
    await visitor.page.getByText('answers, and is where the witness knows it').waitFor();
    await checkPage(visitor, 'restored');
  });
});
