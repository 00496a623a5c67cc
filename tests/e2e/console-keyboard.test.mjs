// Every page of the console by keyboard: Tab leads to each link, button and field in the page's order and shows where
// it is, nothing holds it, and the skip link leads to the content. The pages are read from the console's own tables.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { Console } from '../support/browser/console.mjs';
import { tabThrough } from '../support/browser/keyboard.mjs';
import { ROOT } from '../support/config.mjs';
import { authority } from '../support/tls.mjs';
import { eventually } from '../support/wait.mjs';
import { mac, seedDevice, seedTenant } from '../support/worker/seed.mjs';

const source = (path) => readFileSync(join(ROOT, path), 'utf8');

/** The first string of each row of a table. */
function rows(path, begins) {
  const [, table] = source(path).split(begins);
  return [...table.split(/^\}/m)[0].matchAll(/^ {4}"([^"]+)"/gm)].map(([, pattern]) => pattern);
}

/** Patterns of every page, from the tables that `find` in route.rs looks at. */
function patterns() {
  const route = source('src/console/route.rs');
  const tables = [...route.matchAll(/\b(\w+)::find\(method, path\)/g)].map(([, name]) => name).sort();
  assert.deepEqual(tables, ['deeds', 'forms', 'history'], 'a further table of pages is to be walked here too');
  const pages = [...route.matchAll(/page!\(GET\s+"([^"]+)"/g)].map(([, pattern]) => pattern);
  const below = (list, prefix) => list.map((pattern) => `${prefix}${pattern}`);
  const things = rows('src/console/pages/history.rs', '\npatterns! {');
  const found = [
    ...pages,
    ...below(rows('src/console/pages/deeds.rs', '\ndeeds! {'), '/console'),
    ...below(rows('src/console/pages/forms.rs', '\nentries! {'), '/console'),
    ...['history', 'rollback'].flatMap((folder) => below(things, `/console/tenants/{tenant}/${folder}/`)),
  ];
  // What a browser keeps and does not show is no page.
  return [...new Set(found)].filter((pattern) => !/\.(csv|ndjson)$/.test(pattern));
}

describe('the console by keyboard', () => {
  let console_;
  let boss;
  let values;
  before(async () => {
    console_ = await Console.open();
    const { admin, worker } = console_;
    const model = 'KX-UTG300B';
    const tenant = await seedTenant(worker, { name: 'Harbour Hotels', options: { bootstrap_expiry_s: 0 } });
    const t = `/tenants/${tenant.id}`;
    const phone = await seedDevice(worker, tenant, { mac: mac(1), state: 'confirmed' });
    const at = `${t}/devices/${phone.mac}`;
    const site = await admin.post(`${t}/sites`, { name: 'Harbour' });
    const path = await admin.post(`${t}/access-paths`, { label: 'first', target: true });
    const pool = await admin.post('/pools', { name: 'Europe' });
    const relay = await admin.post(`/pools/${pool.id}/relays`, { name: 'relay 1' });
    const { id: token } = await admin.post('/tokens', { name: 'Reader', access: 'read' });
    const test = await admin.post(`${t}/file-tests`, { name: 'A test', file: 'standard', parameter: 'NOTHING', expect: 'absent' });
    const root = authority();
    await admin.put(`${t}/certificates/root.pem`, { pem: readFileSync(root.file, 'utf8') });
    root.end();
    // What has versions has two of them.
    for (const value of ['a', 'b']) {
      for (const layer of [t, `${t}/sites/${site.id}`, `${t}/models/${model}`])
        await admin.put(`${layer}/settings`, { settings: { NOTE: value } });
      await admin.put(`${at}/settings`, { settings: { NOTE: value, NOTIFY_ADDRESS: '192.0.2.9:5060' } });
      const { name, hostname, options } = await admin.get(t);
      await admin.put(t, { name, hostname, options: { ...options, event_retention_days: value === 'a' ? 5 : 6 } });
      const { source: text } = await admin.get(`${t}/templates/standard/utg`);
      for (const template of [`${t}/templates/standard/utg`, `${t}/templates/standard/utg/${model}`]) {
        await admin.put(template, { source: `${text}{# ${value} #}` });
      }
    }
    const { job } = await admin.post(`${at}/notify`);
    const rollout = await admin.post(`${t}/rollouts`);
    const { operation } = await admin.post(`${t}/operations`, { selection: { macs: [phone.mac] }, action: { notify: {} } });
    const hook = { name: 'On call', url: 'https://hooks.example/', kinds: ['file.broken'], disabled: true };
    const webhooks = { own: await admin.post(`${t}/webhooks`, hook), all: await admin.post('/webhooks', hook) };
    // What phones leave behind: a refusal, and one that is unknown.
    await tenant.get(`Config${phone.mac}.cfg`);
    await tenant.get(`Config${mac(0xabc)}.cfg`, { headers: { 'user-agent': 'Panasonic_KX-UTG300B/01.061' } });
    const { items } = await eventually(
      () => admin.get(`${t}/unknown`),
      (list) => list.items.length > 0,
    );
    boss = await console_.come();
    const sessions = await admin.get('/sessions');
    values = {
      tenant: tenant.id,
      mac: (pattern) => (pattern.includes('/unknown/') ? items[0].mac : phone.mac),
      site: site.id,
      model,
      kind: 'standard',
      family: 'utg',
      path: path.id,
      pool: pool.id,
      relay: relay.id,
      token,
      session: sessions.items[0].id,
      test: test.id,
      webhook: (pattern) => (pattern.includes('/tenants/') ? webhooks.own : webhooks.all).id,
      message: webhooks.all.id,
      state: 'failing',
      name: 'root.pem',
      job: job.id,
      rollout: rollout.id,
      operation: operation.id,
      action: () =>
        [
          ...source('crates/console/src/device.rs')
            .split('ACTIONS:')[1]
            .split('];')[0]
            .matchAll(/\("(\w+)"/g),
        ].map(([, word]) => word),
    };
  });
  after(() => console_?.close());

  /** The addresses of a pattern. A name that nothing stands for is a page that this test does not know yet. */
  function addresses(pattern) {
    let found = [pattern];
    for (const [place, name] of pattern.matchAll(/\{(\w+)\}/g)) {
      assert.ok(name in values, `${pattern}: what stands for ${place}?`);
      const value = values[name];
      const each = [typeof value === 'function' ? value(pattern) : value].flat();
      found = found.flatMap((address) => each.map((one) => address.replace(place, encodeURIComponent(one))));
    }
    return found;
  }

  /** An earlier version, for the page that goes back to it. */
  async function version(address) {
    const { items } = await console_.admin.get(address.replace('/console', '').replace('/rollback/', '/history/'));
    return `${address}?version=${items.at(-1).version}`;
  }

  it('leads by Tab to everything, in order, visibly, and out again; on every page there is', async (context) => {
    const { page } = boss;
    const wrong = [];
    let pages = 0;
    let stops = 0;
    for (const pattern of patterns()) {
      for (let address of addresses(pattern)) {
        if (address.includes('/rollback/')) address = await version(address);
        const status = await boss.open(address);
        await page.waitForLoadState('load');
        if (status !== 200) {
          wrong.push(`${address}: status ${status}: ${await page.locator('main').innerText()}`);
          continue;
        }
        // The editor takes the place of the area when it is there.
        if (await page.locator('textarea[data-said]').count()) await page.locator('.cm-content').waitFor();
        const { expected, seen, unseen, over } = await tabThrough(page);
        pages += 1;
        stops += seen.length;
        if (!over) wrong.push(`${address}: Tab does not come back: ${seen.slice(-3).join(', ')}`);
        if (seen.join('\n') !== expected.join('\n')) {
          const differs = seen.findIndex((name, place) => name !== expected[place]);
          const place = differs < 0 ? seen.length : differs;
          wrong.push(`${address}: stop ${place} is ${seen[place]}, not ${expected[place]}; ${seen.length} of ${expected.length}`);
        }
        if (unseen.length > 0) wrong.push(`${address}: nothing shows the focus at ${unseen.join(', ')}`);
        if (!/^<a> Skip/.test(seen[0])) wrong.push(`${address}: the first stop is ${seen[0]}`);
      }
    }
    context.diagnostic(`${pages} pages, ${stops} stops`);
    assert.deepEqual(wrong, []);
    assert.ok(pages > 100, `${pages} pages`);
    assert.deepEqual(page.wrong, []);
  });

  it('skips to the content, also before one is signed in', async () => {
    const { page } = boss;
    for (const address of ['/console', `/console/tenants/${values.tenant}/devices`, '/console/sign-in']) {
      await boss.open(address);
      await page.keyboard.press('Tab');
      const skip = page.getByRole('link', { name: 'Skip to the content' });
      assert.ok(await skip.evaluate((node) => node === document.activeElement && node.getBoundingClientRect().left >= 0), address);
      await page.keyboard.press('Enter');
      assert.equal(await page.evaluate(() => document.activeElement.id), 'main', address);
      await page.keyboard.press('Tab');
      assert.ok(
        await page.evaluate(() => document.activeElement.closest('main') !== null && document.activeElement.id !== 'main'),
        address,
      );
    }
  });

  it('stays where it is while a page brings itself up to date', async () => {
    const { page } = boss;
    await boss.open(`/console/tenants/${values.tenant}/rollouts/${values.rollout}`);
    const every = await page.locator('#live').getAttribute('hx-trigger');
    assert.match(every, /^every \d+s$/);
    const link = page.locator('#live a').first();
    await link.focus();
    const href = await link.getAttribute('href');
    await page.evaluate(() => document.getElementById('live').setAttribute('data-before', ''));
    await page.locator('#live:not([data-before])').waitFor({ timeout: 60_000 });
    await page.waitForFunction((there) => document.activeElement.getAttribute('href') === there, href);
  });
});
