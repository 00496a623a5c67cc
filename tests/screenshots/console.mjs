// Makes the pictures of docs/console.md: `make screenshots`. The fleet is made up, and asks as phones do.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT } from '../support/config.mjs';
import { Console } from '../support/browser/console.mjs';
import { mac, seedDevice, seedTenant } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

const IMAGES = join(ROOT, 'docs/images');
const SIZE = { width: 1120, height: 760 };
const AGENT = 'Panasonic_KX-UTG300B/01.133';
const DESKS = ['Front desk', 'Workshop', 'Store room', 'Back office', 'Loading bay', 'Canteen', 'Gate', 'Meeting room'];

/** A tenant with phones in every state, as far as their own requests bring them there. */
async function fleet(it) {
  const { worker, admin } = it;
  const tenant = await seedTenant(worker, {
    name: 'Example office',
    models: [
      { name: 'KX-UTG300B', family: 'utg', profile: 'utg-128' },
      { name: 'SIP-T46S', family: 'yealink', profile: null },
    ],
    settings: { ntp_server: 'ntp.example', SIP_PASS: { secret: 'unset' } },
  });
  const t = `/tenants/${tenant.id}`;
  const ground = await admin.post(`${t}/sites`, { name: 'Ground floor' });
  const upper = await admin.post(`${t}/sites`, { name: 'First floor' });
  for (const [number, label] of DESKS.entries()) {
    const site = number % 2 ? upper.id : ground.id;
    await seedDevice(worker, tenant, { mac: mac(number + 1), label, site });
    await admin.put(`${t}/devices/${mac(number + 1)}`, { model: 'KX-UTG300B', label, site });
  }
  const ask = (number, form, address) =>
    tenant.get(`Config${mac(number)}.${form}`, { headers: { 'user-agent': AGENT, 'cf-connecting-ip': address } });
  for (const number of [1, 2, 3, 4, 5, 6]) await ask(number, 'cfg', '203.0.113.7');
  for (const number of [1, 2, 3, 4]) await ask(number, 'enc', '203.0.113.7');
  await admin.put(`${t}/devices/${mac(2)}/settings`, { settings: { line_1_label: 'Workshop' } });
  // A phone that was reset, and asks for what it had already; and one that nobody entered.
  const refused = await ask(5, 'cfg', '198.51.100.9');
  await tenant.get(`Config${mac(0x77)}.cfg`, { headers: { 'user-agent': 'Panasonic_KX-UT136/01.250', 'cf-connecting-ip': '203.0.113.7' } });
  await eventually(
    async () => (await admin.get(`${t}/events?reason=bootstrap_consumed`)).items,
    (items) => items.length > 0,
  );
  const { operation } = await admin.post(`${t}/operations`, {
    selection: { macs: DESKS.map((_, number) => mac(number + 1)) },
    action: { set: { settings: { language: 'de' } } },
  });
  await eventually(
    async () => (await admin.get(`${t}/operations/${operation.id}`)).state,
    (state) => state !== 'running',
  );
  // A receiver that nobody can reach: no such name exists.
  const webhook = await admin.post(`${t}/webhooks`, {
    name: 'On call',
    url: 'https://hooks.operator.example/ringfence',
    kinds: ['bootstrap.unexpected_network', 'device.never_came_back', 'site.silent', 'file.broken'],
  });
  await admin.post(`${t}/webhooks/${webhook.id}/test`);
  await eventually(
    async () => (await admin.get(`${t}/webhooks/${webhook.id}/messages`)).items[0],
    ({ tries }) => tries > 0,
  );
  return { tenant, operation, webhook, refused: refused.headers.get('ringfence-request-id') };
}

async function explained(page, request) {
  await page.getByRole('textbox').first().fill(request);
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.waitForLoadState('networkidle');
}

async function broken(page) {
  const editor = page.getByRole('textbox', { name: 'Template' });
  await editor.focus();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('{% if SIP_USER %}\n');
  await page.locator('.said').getByText(/line/).waitFor();
}

const it = await Console.open();
try {
  mkdirSync(IMAGES, { recursive: true });
  const { tenant, operation, webhook, refused } = await fleet(it);
  const visitor = await it.come({ viewport: SIZE, deviceScaleFactor: 1 });
  const { page } = visitor;
  const of = (path) => `/console/tenants/${tenant.id}${path}`;
  for (const [name, path, act] of [
    ['overview', of(''), null],
    ['devices', of('/devices'), null],
    ['device', of(`/devices/${mac(5)}`), null],
    ['explain', '/console/explain', () => explained(page, refused)],
    ['operation', of(`/operations/${operation.id}`), null],
    ['webhook', of(`/webhooks/${webhook.id}`), () => page.getByRole('table').scrollIntoViewIfNeeded()],
    ['template', of('/templates/standard/utg'), () => broken(page)],
  ]) {
    await visitor.open(path);
    await page.waitForLoadState('networkidle');
    await act?.();
    await page.screenshot({ path: join(IMAGES, `console-${name}.png`), fullPage: false });
    console.log(`[screenshots] docs/images/console-${name}.png`);
  }
} finally {
  await it.close();
}
