// Webhooks in the console: who is told of what, what became of each message and why, a dead one that is sent again, a
// secret that is shown once, and what somebody sees who may only read.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Webhook } from 'standardwebhooks';

import { Console, checkPage } from '../support/browser/console.mjs';
import { receiver } from '../support/receiver.mjs';
import { eventually } from '../support/wait.mjs';

describe('webhooks in the console', () => {
  let console_;
  let admin;
  let inbox;
  let t;
  let of;
  let boss;
  before(async () => {
    console_ = await Console.open();
    admin = console_.admin;
    ({ t, of } = await console_.tenant());
    inbox = await receiver();
    boss = await console_.come();
  });
  after(async () => {
    await console_?.close();
    await inbox?.close();
  });

  const save = (page, name = 'Save') => page.getByRole('button', { name, exact: true }).click();
  const messages = async (state) => (await admin.get(`${t}/webhooks/${await id()}/messages?state=${state}`)).items;
  /** A state in a table. */
  const state = (page, words) => page.locator('td .state').getByText(words, { exact: true });
  const id = async () => (await admin.get(`${t}/webhooks`)).items[0].id;
  let secret;

  it('adds one, keeps what was typed where it is refused, and shows its secret once', async () => {
    const { page } = boss;
    await boss.open(of(''));
    await page.getByRole('navigation', { name: 'Harbour Hotels' }).getByRole('link', { name: 'Webhooks' }).click();
    await page.getByText('no webhook has been added').waitFor();
    await checkPage(boss, 'webhooks-none');
    await page.getByRole('link', { name: 'Add a webhook' }).click();
    const kinds = page.getByRole('group', { name: 'Is told of' });
    const daily = page.getByRole('group', { name: 'Once a day' });
    assert.ok(await daily.getByLabel('phones that took their key').isChecked(), 'a new one begins with the defaults');
    assert.equal(await page.getByLabel('Time of the daily message').inputValue(), '06:00');
    assert.equal(await kinds.getByLabel('relays that are lost').count(), 0, 'relays belong to no tenant');
    await page.getByLabel('Name').fill('On call');
    await page.getByLabel('URL').fill('https://10.0.0.1/');
    await kinds.getByLabel('files that are broken').check();
    await kinds.getByLabel('sites that have fallen silent').check();
    await page.getByLabel('Time of the daily message').fill('05:30');
    await page.getByLabel('A device is silent after').fill('1440');
    await checkPage(boss, 'webhook-new');
    await save(page);
    await page.getByRole('alert').waitFor();
    assert.ok(await kinds.getByLabel('files that are broken').isChecked());
    assert.ok(!(await kinds.getByLabel('rollouts that are paused').isChecked()));
    assert.equal(await page.getByLabel('Time of the daily message').inputValue(), '05:30');
    await page.getByLabel('URL').fill(inbox.url('told'));
    await save(page);
    await page.getByRole('heading', { name: 'The webhook was added' }).waitFor();
    secret = (await page.locator('main').innerText()).match(/whsec_[A-Za-z0-9+/]+=*/)?.[0];
    assert.ok(secret);
    await checkPage(boss, 'webhook-made');
    const { items } = await admin.get(`${t}/webhooks`);
    assert.deepEqual(items[0].kinds, ['site.silent', 'file.broken']);
    const { daily: told, daily_at: at, site_silent_minutes: silent, relay_lost_minutes: lost } = items[0].options;
    assert.deepEqual([told, at, silent, lost], [['device.never_came_back'], 330, 1440, 5]);
    await page.locator('main').getByRole('link', { name: 'Webhooks' }).click();
    await page.getByText('more than 50 % of its devices have not asked for 24 h').waitFor();
    assert.ok(!(await page.content()).includes(secret), 'it is shown once');
  });

  it('sends a test and shows what became of it, with the cause, and sends a dead one again', async () => {
    const { page } = boss;
    await boss.open(of(`/webhooks/${await id()}`));
    await page.getByRole('link', { name: 'Send a test' }).click();
    await save(page, 'Send a test');
    await page.getByRole('status').getByText('on its way').waitFor();
    await eventually(
      () => messages('delivered'),
      (items) => items.length === 1,
    );
    // The page brings itself up to date while something waits.
    await state(page, 'delivered').waitFor({ timeout: 30_000 });
    const [{ body, headers }] = inbox.at('told');
    assert.equal(new Webhook(secret).verify(body, headers).type, 'webhook.test');

    inbox.answer = (request, response) => response.writeHead(410).end();
    await page.getByRole('link', { name: 'Send a test' }).click();
    await save(page, 'Send a test');
    const [dead] = await eventually(
      () => messages('dead'),
      (items) => items.length === 1,
    );
    await boss.open(of(`/webhooks/${await id()}`));
    await page.getByLabel('State').selectOption({ label: 'given up' });
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByText('The receiver answered 410: it wants no more messages at this URL.').waitFor();
    assert.equal(await state(page, 'delivered').count(), 0);
    await checkPage(boss, 'webhook-dead');
    // It needs a person, in the overview of its tenant and of all.
    for (const overview of [of(''), '/console']) {
      await eventually(
        () => admin.get('/webhooks?dead=true'),
        ({ items }) => items.length === 1,
      );
      await boss.open(overview);
      await page.getByText('1 message was given up.').waitFor();
      await page.getByRole('link', { name: 'Webhook: On call' }).click();
      await page.waitForURL(/\?state=dead$/);
    }
    inbox.answer = (request, response) => response.writeHead(204).end();
    await page.getByRole('link', { name: `Send again: ${dead.id}` }).click();
    await save(page, 'Send again');
    await eventually(
      () => messages('delivered'),
      (items) => items.some((message) => message.id === dead.id),
    );
    await boss.open(of('/webhooks'));
    await state(page, 'delivered').waitFor();
    await checkPage(boss, 'webhooks');
  });

  it('replaces the secret, changes it and switches it off, and removes it; each is in the audit log', async () => {
    const { page } = boss;
    await boss.open(of(`/webhooks/${await id()}`));
    await page.getByRole('link', { name: 'Replace the secret' }).click();
    await page.getByLabel('Sign with the secret of before').fill('999');
    await save(page, 'Replace the secret');
    await page.getByRole('alert').waitFor();
    assert.equal(await page.getByLabel('Sign with the secret of before').inputValue(), '999');
    await page.getByLabel('Sign with the secret of before').fill('1');
    await save(page, 'Replace the secret');
    await page.getByText('The secret of before is good until').waitFor();
    const newer = (await page.locator('main').innerText()).match(/whsec_[A-Za-z0-9+/]+=*/)?.[0];
    assert.ok(newer && newer !== secret);
    await checkPage(boss, 'webhook-secret');
    const before = inbox.at('told').length;
    await admin.post(`${t}/webhooks/${await id()}/test`);
    const told = await eventually(
      () => inbox.at('told'),
      (all) => all.length > before,
    );
    for (const known of [secret, newer]) new Webhook(known).verify(told.at(-1).body, told.at(-1).headers);

    await boss.open(of(`/webhooks/${await id()}/edit`));
    assert.equal(await page.getByLabel('Time of the daily message').inputValue(), '05:30');
    await page.getByRole('group', { name: 'Once a day' }).getByLabel('phones that took their key').uncheck();
    await page.getByLabel('Off: nothing is looked for').check();
    await save(page);
    await page.getByRole('status').getByText('Saved').waitFor();
    const [now] = (await admin.get(`${t}/webhooks`)).items;
    assert.deepEqual([now.disabled, now.options.daily, now.kinds], [true, [], ['site.silent', 'file.broken']]);
    await page.getByRole('link', { name: 'Send a test' }).click();
    await save(page, 'Send a test');
    await page.getByRole('alert').getByText('disabled').waitFor();

    await boss.open(of(`/webhooks/${now.id}`));
    await page.getByRole('link', { name: 'Remove' }).click();
    await page.getByRole('heading', { name: 'Remove: On call' }).waitFor();
    await save(page, 'Remove');
    await page.getByText('no webhook has been added').waitFor();
    const { items } = await admin.get(`${t}/audit?limit=100`);
    const actions = items.map(({ action }) => action).filter((action) => action.startsWith('webhook.'));
    assert.deepEqual(
      [...new Set(actions)].sort(),
      ['create', 'delete', 'resend', 'rotate_secret', 'test', 'update'].map((what) => `webhook.${what}`),
    );
  });

  it('has the same pages for the whole installation, without a script, for who sees all of it', async () => {
    const plain = await console_.come({ javaScriptEnabled: false });
    const { page } = plain;
    await plain.open('/console');
    await page.getByRole('link', { name: 'Webhooks' }).click();
    await page.getByRole('link', { name: 'Add a webhook' }).click();
    await page.getByLabel('Name').fill('All of it');
    await page.getByLabel('URL').fill(inbox.url('all'));
    await page.getByRole('group', { name: 'Is told of' }).getByLabel('relays that are lost').check();
    await page.getByLabel('A relay has been away for').fill('7');
    await save(page);
    await page.getByText('whsec_').waitFor();
    const [{ id: all, options }] = (await admin.get('/webhooks')).items;
    assert.equal(options.relay_lost_minutes, 7);
    await plain.open(`/console/webhooks/${all}`);
    await page.getByText('7 min').waitFor();
    await page.getByRole('link', { name: 'Send a test' }).click();
    await save(page, 'Send a test');
    await eventually(
      () => inbox.at('all'),
      (told) => told.length === 1,
    );
  });

  it('offers nothing to a token that may only read, and hides the whole installation from one of a tenant', async () => {
    const hook = await admin.post(`${t}/webhooks`, { name: 'Read me', url: inbox.url('read'), kinds: ['file.broken'], disabled: true });
    const { token } = await admin.post('/tokens', { name: 'Reader', access: 'read', tenant: t.split('/').at(-1) });
    const reader = await console_.come({}, token);
    const { page } = reader;
    await reader.open(of('/webhooks'));
    await page.getByRole('link', { name: 'Read me' }).waitFor();
    assert.equal(await page.getByRole('link', { name: 'Add a webhook' }).count(), 0);
    await page.getByRole('link', { name: 'Read me' }).click();
    for (const name of ['Send a test', 'Edit', 'Replace the secret', 'Remove']) {
      assert.equal(await page.getByRole('link', { name, exact: true }).count(), 0, name);
    }
    await checkPage(reader, 'webhook-read-only');
    assert.equal(await reader.open('/console/webhooks'), 403);
    await reader.open(of(`/webhooks/${hook.id}/rotate-secret`));
    await save(page, 'Replace the secret');
    await page.getByRole('alert').waitFor();
    assert.ok(!(await page.content()).includes('whsec_'));
  });
});
