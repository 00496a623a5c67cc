// The console in a real browser: signing in, every page, rights, sessions, conflicts, without JavaScript and
// by keyboard.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { openBrowser, Visitor } from '../support/browser/browser.mjs';
import { ROOT } from '../support/config.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedDevice, seedTenant } from '../support/worker/seed.mjs';

/** How many bytes the first page may weigh at most. */
const MAX_FIRST_PAGE = 60 * 1024;

describe('the console', () => {
  let worker;
  let browser;
  let admin;
  let tenant;
  let of;
  let site;
  let reader;
  let open;
  const devices = {};
  before(async () => {
    worker = await Ringfence.start({ assets: true });
    browser = await openBrowser();
    admin = new Api(worker);
    tenant = await seedTenant(worker, { settings: { 'vm.number': '*97', 'admin.password': { secret: 'opensesame' } } });
    of = (page) => `/console/tenants/${tenant.id}${page}`;
    site = await admin.post(`/tenants/${tenant.id}/sites`, { name: 'Harbour' });
    for (const [number, state] of ['armed', 'delivered', 'confirmed', 'expired', 'confirmed'].entries()) {
      devices[state] = await seedDevice(worker, tenant, { mac: mac(number + 1), state, site: site.id });
    }
    // What phones leave behind.
    await tenant.get(`Config${devices.confirmed.mac}.enc`);
    await tenant.get(`Config${devices.armed.mac}.enc`);
    await tenant.get(`Config${mac(0xabc)}.cfg`, { headers: { 'user-agent': 'Panasonic_KX-UTG300B/01.061' } });
    await tenant.get('config.cfg');
    const made = await admin.post('/tokens', { name: 'Reader', tenant: tenant.id, access: 'read' });
    reader = made.token;
    open = [];
  });
  after(async () => {
    for (const visitor of open ?? []) await visitor.leave();
    await browser?.close();
    await worker?.stop();
  });

  async function come(token, options) {
    const visitor = await Visitor.come(browser, worker.http, options);
    open.push(visitor);
    if (token) await visitor.signIn(token);
    return visitor;
  }

  it('lets nobody in without a token, and says what is wrong with one', async () => {
    const visitor = await come();
    await visitor.open(of('/devices'));
    assert.match(visitor.page.url(), /\/console\/sign-in\?next=/);
    await visitor.page.getByLabel('API token').fill('rf_nonsense');
    await visitor.page.getByRole('button', { name: 'Sign in' }).click();
    await visitor.page.getByRole('alert').getByText('not valid').waitFor();
    assert.deepEqual(await visitor.axe(), []);
    await visitor.photograph('sign-in');
    // And leads to where one wanted to go.
    await visitor.page.getByLabel('API token').fill(worker.adminToken);
    await visitor.page.getByRole('button', { name: 'Sign in' }).click();
    await visitor.page.getByRole('heading', { level: 1, name: 'Devices' }).waitFor();
    const [cookie] = await visitor.context.cookies();
    assert.equal(cookie.name, '__Host-ringfence');
    assert.deepEqual([cookie.httpOnly, cookie.secure, cookie.sameSite, cookie.path], [true, true, 'Strict', '/']);
    const [{ hash }] = await worker.sql('SELECT hash FROM sessions');
    assert.ok(!cookie.value.includes(hash), 'the database has a digest alone');
    assert.deepEqual(visitor.page.wrong, []);
  });

  it('shows every page, within its own rules', async () => {
    const visitor = await come(worker.adminToken);
    const device = of(`/devices/${devices.confirmed.mac}`);
    const pool = await admin.post('/pools', { name: 'Europe' });
    await admin.post(`/pools/${pool.id}/relays`, { name: 'relay-1' });
    await admin.put(`/tenants/${tenant.id}/pool`, { pool: pool.id });
    await admin.put(`/tenants/${tenant.id}/devices/${devices.confirmed.mac}/settings`, {
      settings: { NOTIFY_ADDRESS: '192.0.2.9:5060' },
    });
    const { job } = await admin.post(`/tenants/${tenant.id}/devices/${devices.confirmed.mac}/notify`, {});
    const rollout = await admin.post(`/tenants/${tenant.id}/rollouts`, {});
    await admin.put(`/tenants/${tenant.id}/templates/standard/utg`, {
      source: (await admin.get(`/tenants/${tenant.id}/templates/standard/utg`)).source,
    });
    const pages = {
      fleet: '/console',
      tenants: '/console/tenants',
      'tenant-new': '/console/tenants/new',
      'all-devices': '/console/devices?q=0080',
      tokens: '/console/tokens',
      'token-new': '/console/tokens/new',
      sessions: '/console/sessions',
      audit: '/console/audit',
      pools: '/console/pools',
      pool: `/console/pools/${pool.id}`,
      about: '/console/about',
      overview: of(''),
      'tenant-edit': of('/edit'),
      devices: of('/devices'),
      'devices-none': of('/devices?q=nothing'),
      'device-new': of('/devices/new'),
      device,
      'device-armed': of(`/devices/${devices.armed.mac}`),
      'device-edit': `${device}/edit`,
      'device-rekey': `${device}/rekey`,
      'device-effective': `${device}/effective`,
      'device-file': `${device}/files/standard`,
      'device-settings': `${device}/settings`,
      unknown: of('/unknown'),
      adopt: of(`/unknown/${mac(0xabc)}/adopt`),
      'access-paths': of('/access-paths'),
      sites: of('/sites'),
      'site-settings': of(`/sites/${site.id}/settings`),
      models: of('/models'),
      'model-edit': of('/models/KX-UTG300B/edit'),
      settings: of('/settings'),
      templates: of('/templates'),
      template: of('/templates/standard/utg'),
      notify: of('/notify'),
      job: of(`/jobs/${job.id}`),
      rollout: of(`/rollouts/${rollout.id}`),
      requests: of('/requests'),
      'tenant-audit': of('/audit'),
      'not-found': '/console/nothing',
    };
    let first = true;
    for (const [name, path] of Object.entries(pages)) {
      const status = await visitor.open(path);
      assert.equal(status, name === 'not-found' ? 404 : 200, `${name}: ${await visitor.page.locator('main').innerText()}`);
      await visitor.page.waitForLoadState('networkidle');
      const { requests, bytes } = await visitor.weight();
      console.log(`# ${name}: ${requests} requests, ${bytes} bytes`);
      if (first) assert.ok(bytes <= MAX_FIRST_PAGE, `the first page weighs ${bytes} bytes`);
      first = false;
      await visitor.photograph(name);
      assert.deepEqual(await visitor.tooWide(), [], name);
      assert.deepEqual(await visitor.axe(), [], name);
      assert.equal((await visitor.page.locator('nav [aria-current="page"]').count()) > 0 || name === 'not-found', true, name);
      assert.deepEqual(visitor.page.wrong, [], name);
    }
  });

  it('is held to its rules by the browser, and its parts are kept for ever', async () => {
    const answer = await worker.fetch('/console/sign-in');
    const policy = answer.headers.get('content-security-policy');
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe/);
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    const html = await answer.text();
    const parts = [...html.matchAll(/(?:href|src)="(\/console\/assets\/[^"]+)"/g)].map(([, path]) => path);
    assert.ok(parts.length >= 3, html);
    for (const part of parts) {
      const { status, headers } = await worker.fetch(part);
      assert.equal(status, 200, part);
      assert.equal(headers.get('cache-control'), 'public, max-age=31536000, immutable', part);
      assert.equal(headers.get('x-content-type-options'), 'nosniff', part);
    }
    assert.equal((await worker.fetch('/console/assets/none.css')).status, 404);
    // A phone's path is the Worker's, whatever lies in the folder of the static parts.
    assert.equal((await tenant.get(`Config${devices.confirmed.mac}.enc`)).status, 200);
    assert.equal((await worker.fetch('/')).status, 404);
  });

  it('offers a token that only reads nothing that changes', async () => {
    const visitor = await come(reader);
    assert.match(visitor.page.url(), new RegExp(`/console/tenants/${tenant.id}$`));
    for (const path of [
      '',
      '/devices',
      `/devices/${devices.armed.mac}`,
      '/sites',
      '/models',
      '/settings',
      '/access-paths',
      '/unknown',
      '/notify',
    ]) {
      assert.equal(await visitor.open(of(path)), 200, path);
      const forms = visitor.page.locator('main form[method="post"]');
      assert.equal(await forms.count(), 0, path);
      const acts = await visitor.page.locator('main .acts').allInnerTexts();
      assert.doesNotMatch(acts.join(' '), /Re-key|Re-arm|Remove|Edit|Add|Adopt|Tell|Make/, path);
    }
    await visitor.open(of(`/devices/${devices.armed.mac}`));
    await visitor.photograph('device-read-only');
    // And what is asked for all the same is refused, with the reason.
    assert.equal(await visitor.open(of(`/devices/${devices.armed.mac}/rekey`)), 200);
    await visitor.page.getByRole('button', { name: 'Re-key' }).click();
    await visitor.page.getByRole('alert').getByText('may only read').waitFor();
    assert.equal(await visitor.open('/console/tokens'), 403);
    assert.equal(await visitor.open('/console/tenants/01JD0000000000000000000000'), 404);
    assert.deepEqual(visitor.page.wrong, []);
  });

  it('changes a device after it has said what will happen', async () => {
    const visitor = await come(worker.adminToken);
    const { page } = visitor;
    await visitor.open(of(`/devices/${devices.expired.mac}`));
    await page.getByText('expired before anybody took it').waitFor();
    await page.getByRole('link', { name: 'Re-arm' }).click();
    await page.getByText('is served once more').waitFor();
    await page.getByRole('button', { name: 'Re-arm' }).click();
    await page.getByRole('status').getByText('waits once more').waitFor();
    await page.locator('.lead').getByText('Waits for its first boot').waitFor();
    const device = await admin.get(`/tenants/${tenant.id}/devices/${devices.expired.mac}`);
    assert.equal(device.key.state, 'armed');
    const { items } = await admin.get(`/tenants/${tenant.id}/audit?object=devices/${devices.expired.mac}`);
    assert.equal(items[0].action, 'device.rearm');
    assert.deepEqual(page.wrong, []);
  });

  it('adopts a phone that nobody entered', async () => {
    const visitor = await come(worker.adminToken);
    const { page } = visitor;
    await visitor.open(of('/unknown'));
    await page.getByRole('link', { name: `Adopt: ${mac(0xabc)}` }).click();
    await page.getByLabel('Model').selectOption('KX-UTG300B');
    await page.getByLabel('Label').fill('Reception <b>&amp;</b>');
    await page.getByRole('button', { name: 'Adopt' }).click();
    await page.getByRole('status').getByText('Adopted').waitFor();
    await page.getByRole('heading', { level: 1, name: 'Reception <b>&amp;</b>' }).waitFor();
    assert.equal(await page.locator('h1 b').count(), 0);
    assert.deepEqual(page.wrong, []);
  });

  it('keeps what was typed where a change is refused, and lets nobody overwrite what they have not seen', async () => {
    const visitor = await come(worker.adminToken);
    const one = visitor.page;
    const other = await visitor.tab();
    const path = of(`/devices/${devices.delivered.mac}/edit`);
    await visitor.open(path, one);
    await visitor.open(path, other);
    await one.getByLabel('Label').fill('First');
    await one.getByRole('button', { name: 'Save' }).click();
    await one.getByRole('status').getByText('Saved').waitFor();
    await other.getByLabel('Label').fill('Second');
    await other.getByRole('button', { name: 'Save' }).click();
    await other.getByRole('alert').getByText('changed since you read it').waitFor();
    assert.equal(await other.getByLabel('Label').inputValue(), 'Second');
    assert.equal((await admin.get(`/tenants/${tenant.id}/devices/${devices.delivered.mac}`)).label, 'First');
    await other.getByRole('button', { name: 'Save' }).click();
    await other.getByRole('status').getByText('Saved').waitFor();
    assert.equal((await admin.get(`/tenants/${tenant.id}/devices/${devices.delivered.mac}`)).label, 'Second');
  });

  it('shows at its line what is wrong with a template, without a script', async () => {
    const visitor = await come(worker.adminToken, { javaScriptEnabled: false });
    const { page } = visitor;
    await visitor.open(of('/templates/standard/utg'));
    const area = page.getByRole('textbox', { name: 'Template' });
    const source = await area.inputValue();
    await area.fill(`${source}\n{{ broken`);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').waitFor();
    assert.match(await page.getByRole('textbox', { name: 'Template' }).inputValue(), /\{\{ broken$/);
    assert.ok((await page.locator('.lines .hit').count()) > 0, await page.getByRole('alert').innerText());
  });

  it('says while one types what is wrong with a template, at its line', async () => {
    const visitor = await come(worker.adminToken);
    const { page } = visitor;
    const path = `/tenants/${tenant.id}/templates/standard/utg`;
    const { source, revision } = await admin.get(path);
    await visitor.open(of('/templates/standard/utg'));
    const editor = page.getByRole('textbox', { name: 'Template' });
    await editor.waitFor();
    assert.equal(await page.locator('textarea').isVisible(), false);
    // By keyboard: to the end, and a line more.
    await editor.focus();
    await page.keyboard.press('Control+End');
    await page.keyboard.type('\n{{ broken');
    const said = page.locator('.said');
    await said.getByText(/line \d+/).waitFor();
    const [, line] = /line (\d+)/.exec(await said.innerText());
    const marked = await page.locator('.cm-lint-marker-error').evaluate((node) => {
      const root = node.getRootNode();
      const top = node.getBoundingClientRect().top;
      const numbers = [...root.querySelectorAll('.cm-lineNumbers .cm-gutterElement')];
      return numbers.find((one) => Math.abs(one.getBoundingClientRect().top - top) < 8)?.textContent;
    });
    assert.equal(marked, line);
    await visitor.photograph('template-broken');
    assert.deepEqual(await visitor.axe(), []);
    // What is only typed is not written, and Tab leads on.
    assert.equal((await admin.get(path)).revision, revision);
    await editor.focus();
    const focused = () => page.evaluate(() => document.activeElement?.textContent);
    const passed = [];
    while (passed.at(-1) !== 'Save' && passed.length < 10) {
      await page.keyboard.press('Tab');
      passed.push(await focused());
    }
    assert.equal(passed.at(-1), 'Save', passed.join(', '));
    // A save that is refused keeps what was typed, marked.
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    await page.locator('.cm-lint-marker-error').waitFor();
    await editor.getByText('{{ broken').waitFor();
    await editor.focus();
    await page.keyboard.press('Control+End');
    for (let typed = 0; typed < '\n{{ broken'.length; typed += 1) await page.keyboard.press('Backspace');
    await page.keyboard.type('{# tried #}');
    await said.getByText('Nothing is wrong with it').waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('status').getByText('Saved').waitFor();
    assert.equal((await admin.get(path)).source, `${source}{# tried #}`);

    assert.deepEqual(page.wrong, []);
    await admin.put(path, { source });
  });

  it('shows a secret only when asked, and the audit log says so', async () => {
    const visitor = await come(worker.adminToken);
    const { page } = visitor;
    await visitor.open(of('/settings'));
    assert.doesNotMatch(await page.content(), /opensesame/);
    await page.getByRole('button', { name: 'Show secrets' }).click();
    await page.locator('input[value="opensesame"]').waitFor();
    const { items } = await admin.get(`/tenants/${tenant.id}/audit`);
    assert.equal(items[0].action, 'secrets.reveal');
    // Saved from the masked form, the secret stays.
    await visitor.open(of('/settings'));
    await page.locator('input[value="*97"]').fill('*98');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('status').getByText('Saved').waitFor();
    const { settings } = await admin.get(`/tenants/${tenant.id}/settings?reveal=true`);
    assert.deepEqual(settings, { 'vm.number': '*98', 'admin.password': { secret: 'opensesame' } });
  });

  it('ends a session when it is revoked, and when its token is removed', async () => {
    const { token, id } = await admin.post('/tokens', { name: 'Leaver', tenant: tenant.id, access: 'write' });
    const leaver = await come(token);
    const boss = await come(worker.adminToken);
    await boss.open('/console/sessions');
    await boss.page.getByRole('link', { name: 'End: Leaver' }).click();
    await boss.page.getByRole('button', { name: 'End' }).click();
    await boss.page.getByRole('status').getByText('over').waitFor();
    await leaver.open(of('/devices'));
    await leaver.page.getByText('Your session is over').waitFor();
    await leaver.signIn(token);
    await admin.delete(`/tokens/${id}`);
    await leaver.open(of('/devices'));
    assert.match(leaver.page.url(), /sign-in/);
    await boss.page.getByRole('button', { name: 'Sign out' }).click();
    await boss.page.getByRole('status').getByText('signed out').waitFor();
    assert.deepEqual(await boss.context.cookies(), []);
    const again = await worker.fetch('/console/devices', { headers: { cookie: '__Host-ringfence=rfs_nonsense' } });
    assert.equal(again.status, 303);
  });

  it('takes no form from elsewhere', async () => {
    const visitor = await come(worker.adminToken);
    const [{ name, value }] = await visitor.context.cookies();
    const post = (headers) =>
      worker.fetch(of(`/devices/${devices.armed.mac}/disable`), {
        method: 'POST',
        headers: { cookie: `${name}=${value}`, 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: '',
      });
    for (const headers of [
      {},
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: new URL(worker.http).origin, 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      assert.equal((await post(headers)).status, 403, JSON.stringify(headers));
    }
    assert.equal((await admin.get(`/tenants/${tenant.id}/devices/${devices.armed.mac}`)).disabled, false);
    assert.equal((await post({ origin: new URL(worker.http).origin })).status, 303);
    assert.equal((await admin.get(`/tenants/${tenant.id}/devices/${devices.armed.mac}`)).disabled, true);
    // The API does not take the cookie.
    assert.equal((await worker.fetch('/api/v1/tenants', { headers: { cookie: `${name}=${value}` } })).status, 401);
  });

  it('works without JavaScript', async () => {
    const visitor = await come(worker.adminToken, { javaScriptEnabled: false });
    const { page } = visitor;
    await visitor.open(of('/devices'));
    await page.getByLabel('Search').fill(devices.confirmed.mac.slice(-4));
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByRole('link', { name: devices.confirmed.mac }).click();
    assert.match(await page.locator('main time').first().innerText(), /UTC$/);
    await page.getByRole('link', { name: 'Take out of service' }).click();
    await page.getByRole('button', { name: 'Take out of service' }).click();
    await page.getByRole('status').getByText('out of service').waitFor();
    await page.getByRole('link', { name: 'Put into service' }).click();
    await page.getByRole('button', { name: 'Put into service' }).click();
    await page.getByRole('status').getByText('in service again').waitFor();
  });

  it('says times in the viewer’s zone', async () => {
    const visitor = await come(worker.adminToken);
    await visitor.open(of(`/devices/${devices.confirmed.mac}`));
    const time = visitor.page.locator('main time[data-local]').first();
    await time.waitFor();
    const shown = await time.evaluate((node) => [
      node.textContent,
      new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(node.dateTime)),
    ]);
    assert.equal(shown[0], shown[1]);
  });

  it('is walked through by keyboard', async () => {
    const visitor = await come(worker.adminToken);
    const { page } = visitor;
    const focused = () =>
      page.evaluate(() => document.activeElement?.textContent?.trim() || document.activeElement?.getAttribute('aria-label'));
    await visitor.open('/console');
    await page.keyboard.press('Tab');
    assert.equal(await focused(), 'Skip to the content');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'main');
    const seen = [];
    for (let step = 0; step < 60 && !seen.includes('Re-key'); step += 1) {
      if (step === 0) await visitor.open(of(`/devices/${devices.confirmed.mac}`));
      await page.keyboard.press('Tab');
      seen.push(await focused());
      const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
      assert.notEqual(outline, 'none', `the focus on ${seen.at(-1)} cannot be seen`);
    }
    assert.ok(seen.includes('Re-key'), seen.join(' | '));
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Re-key' }).waitFor();
  });

  it('says what is wrong once, and keeps one in the tenant that one was in', async () => {
    const visitor = await come(worker.adminToken);
    const { page } = visitor;
    const { name } = await admin.get(`/tenants/${tenant.id}`);
    for (const [path, within] of [
      [of('/devices/0080F0FFFFFF'), true],
      [of('/nothing'), true],
      [of('/nothing/at/all'), true],
      ['/console/tenants/01J00000000000000000000000/devices', false],
      ['/console/nothing', false],
    ]) {
      assert.equal(await visitor.open(path), 404, path);
      const title = await page.getByRole('heading', { level: 1 }).innerText();
      assert.equal(await page.getByRole('heading').count(), 1, `${path}: ${title} is said once`);
      assert.ok((await page.getByRole('alert').innerText()).length > 10, path);
      assert.equal(await page.getByRole('navigation', { name, exact: true }).count(), within ? 1 : 0, path);
      assert.deepEqual(await visitor.axe(), [], path);
    }
    // Whoever may not see the tenant is told nothing of it, not even its name.
    const other = await admin.post('/tenants', { name: 'Quay & Sons' });
    const { token } = await admin.post('/tokens', { name: 'Narrow', tenant: tenant.id, access: 'read' });
    const narrow = await come(token);
    await narrow.open(`/console/tenants/${other.id}/nothing`);
    assert.doesNotMatch(await narrow.page.content(), /Quay/);
  });

  it('has no script in its templates', () => {
    const folder = join(ROOT, 'crates/console/templates');
    const names = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.html'));
    assert.ok(names.length >= 4, names.join());
    for (const name of names) {
      const text = readFileSync(join(folder, name), 'utf8');
      assert.doesNotMatch(text, /\son\w+=|hx-on|javascript:|\bstyle=/i, name);
    }
  });
});
