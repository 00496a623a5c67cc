// The console's import in a browser: what would become of each row, then the import in steps, with and without
// JavaScript; no password comes back in a page; what was exported is imported and exported the same.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { openBrowser, Visitor } from '../support/browser/browser.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac } from '../support/worker/seed.mjs';

const MODEL = 'KX-UTG300B';
const SECRET = 'Harbour-77';

describe("the console's import", () => {
  let worker;
  let browser;
  let admin;
  const open = [];
  before(async () => {
    worker = await Ringfence.start({ assets: true });
    browser = await openBrowser();
    admin = new Api(worker);
  });
  after(async () => {
    for (const visitor of open) await visitor.leave();
    await browser?.close();
    await worker?.stop();
  });

  async function come(options) {
    const visitor = await Visitor.come(browser, worker.http, options);
    open.push(visitor);
    await visitor.signIn(worker.adminToken);
    return visitor;
  }

  async function empty() {
    const { id } = await admin.post('/tenants', { name: `Import ${Math.random()}` });
    return { id, t: `/tenants/${id}`, page: `/console/tenants/${id}/devices/import` };
  }

  const paste = async ({ page }, text) => {
    await page.getByLabel('The table').fill(text);
    await page.getByRole('button', { name: 'Check the table' }).click();
    await page.getByText(/^Rows 1 to/).waitFor();
  };

  const rows = async ({ page }) => {
    const all = await page.locator('tbody tr').all();
    return Promise.all(all.map(async (row) => (await row.locator('td').allTextContents()).map((text) => text.trim())));
  };

  it('shows what would become of each row, with its line, and then imports those that are good', async () => {
    const { t, page } = await empty();
    const visitor = await come();
    await visitor.open(page);
    assert.deepEqual(await visitor.axe(), []);
    await visitor.photograph('import');
    await paste(
      visitor,
      [
        'MAC address;Model;Site;Ext;Password;Domain;Colour',
        `00:80:F0:00:00:01;${MODEL};Quay;201;${SECRET};pbx.example;red`,
        `8,02E+10;${MODEL};Quay;202;${SECRET};pbx.example;`,
        ';;;203;;;',
        `00:80:F0:00:00:01;${MODEL};;;;;`,
        `0080F0000004;${MODEL};;204;;;`,
      ].join('\n'),
    );
    const said = await rows(visitor);
    assert.deepEqual(
      said.map(([line, address, became]) => [line, address, became]),
      [
        ['2', mac(1), 'new'],
        ['3', '', 'refused'],
        ['4', '', 'no phone'],
        ['5', '', 'refused'],
        ['6', mac(4), 'refused'],
      ],
    );
    assert.match(said[1][3], /spreadsheet/);
    assert.match(said[3][3], /Line 2 has the same MAC/);
    assert.match(said[4][3], /line_1_user: the line is not complete: set line_1_domain/);
    const text = await visitor.page.locator('main').textContent();
    assert.match(text, /Nothing is taken from these columns: Colour/);
    assert.match(text, /Sites that are added: Quay/);
    assert.ok(!(await visitor.page.content()).includes(SECRET), 'the password does not come back');
    assert.deepEqual((await admin.get(`${t}/devices`)).items, [], 'nothing is written yet');
    assert.deepEqual(await visitor.axe(), []);
    await visitor.photograph('import-checked');

    await visitor.page.getByRole('button', { name: 'Import all 5 rows' }).click();
    await visitor.page.getByText('The import is over: 5 rows.').waitFor();
    assert.deepEqual(
      (await rows(visitor)).map(([line]) => line),
      ['3', '5', '6'],
    );
    assert.ok(!(await visitor.page.content()).includes(SECRET));
    const made = await admin.get(`${t}/devices`);
    assert.deepEqual(
      made.items.map((item) => item.mac),
      [mac(1)],
    );
    assert.deepEqual(await visitor.axe(), []);
    await visitor.photograph('import-over');

    // What of a device becomes another is said by name: a secret too, and never its value.
    await visitor.open(page);
    await paste(visitor, `mac,label,password\n${mac(1)},Front desk,${SECRET}-new\n`);
    const [[, , changed, why]] = await rows(visitor);
    assert.deepEqual([changed, why], ['changed', 'Changes: label, line_1_password.']);
    assert.ok(!(await visitor.page.content()).includes(SECRET));
    await visitor.photograph('import-changes');
    assert.deepEqual(visitor.page.wrong, []);
  });

  it('keeps what was pasted when it cannot be read, and does not show it', async () => {
    const { page } = await empty();
    const visitor = await come();
    await visitor.open(page);
    await visitor.page.getByLabel('The table').fill(`Hardware,Ext,Password\n${mac(1)},201,${SECRET}\n`);
    await visitor.page.getByRole('button', { name: 'Check the table' }).click();
    await visitor.page.getByRole('alert').getByText('MAC').waitFor();
    assert.ok(!(await visitor.page.content()).includes(SECRET));
    await visitor.page.getByLabel('What columns mean').fill('Hardware=mac');
    await visitor.page.getByLabel('Model of rows').fill(MODEL);
    await visitor.page.getByRole('button', { name: 'Check the table' }).click();
    await visitor.page.getByText('Rows 1 to 1 of 1').waitFor();
    const [[, address, became, why]] = await rows(visitor);
    assert.deepEqual([address, became], [mac(1), 'refused']);
    assert.equal(why, 'Files that could not be served: standard: line_1_user: the line is not complete: set line_1_domain as well');
    // Where no row can be imported nothing offers to, and the page says what to do.
    assert.equal(await visitor.page.getByRole('button', { name: /^Import/ }).count(), 0);
    await visitor.page.getByText('No row can be imported. Correct the rows that are refused').waitFor();
    // What a page keeps opens for its own session and tenant alone.
    const sealed = await visitor.page.locator('input[name=sealed]').first().inputValue();
    const other = await empty();
    const answer = await visitor.page.request.post(visitor.url(other.page), {
      form: { sealed },
      headers: { origin: new URL(worker.http).origin },
    });
    assert.equal(answer.status(), 422);
    assert.match(await answer.text(), /cannot be opened any more/);
  });

  it('goes on by itself with JavaScript, and by its button without', async () => {
    const table = ['mac,model,label', ...Array.from({ length: 620 }, (_, n) => `${mac(n + 1)},${MODEL},Desk ${n}`), 'desk,x,y'].join('\n');
    for (const javaScriptEnabled of [true, false]) {
      const { t, page } = await empty();
      const visitor = await come({ javaScriptEnabled });
      await visitor.open(page);
      await paste(visitor, table);
      assert.equal((await rows(visitor)).length, 500);
      await visitor.page.getByRole('button', { name: 'Check the next rows' }).click();
      await visitor.page.getByText('Rows 501 to 621 of 621').waitFor();
      await visitor.page.getByRole('button', { name: 'Import all 621 rows' }).click();
      if (!javaScriptEnabled) await visitor.page.getByRole('button', { name: 'Go on with row 501 of 621' }).click();
      await visitor.page.getByText('The import is over: 621 rows.').waitFor();
      assert.deepEqual(
        (await rows(visitor)).map(([line]) => line),
        ['622'],
      );
      const [{ devices }] = await worker.sql('SELECT devices FROM tenants WHERE id = ?1', t.split('/').at(-1));
      assert.equal(devices, 620);
      assert.deepEqual(visitor.page.wrong, []);
      // Of a table in several parts the last page knows whether any row of them all can be imported.
      await visitor.open(page);
      await paste(visitor, table);
      await visitor.page.getByRole('button', { name: 'Import all 621 rows' }).waitFor();
      await visitor.page.getByRole('button', { name: 'Check the next rows' }).click();
      await visitor.page.getByText('Rows 501 to 621 of 621').waitFor();
      assert.equal(await visitor.page.getByRole('button', { name: /^Import/ }).count(), 0);
      await visitor.page.getByText('No row can be imported').waitFor();
    }
  });

  it('imports what it exported, and exports the same again', async () => {
    const from = await empty();
    const to = await empty();
    const texts = ['=1+1', ' blank ', "'quoted", '+49 931', '"', 'a,b;c d', '@x', '-', 'Ä ß 漢'];
    await admin.post(`${from.t}/device-batch`, {
      devices: texts.map((label, n) => ({
        mac: mac(n + 1),
        model: n % 2 ? MODEL : 'KX-UTG200B',
        label,
        ...(n % 3 ? { site_name: `Quay ${label.trim()}` } : {}),
        set: { line_1_label: label, line_12_voicemail: `${n}`, NOTE: `${label}\nsecond line`, ...(n === 2 ? { EMPTY: '' } : {}) },
      })),
    });
    const visitor = await come();
    await visitor.open(`/console/tenants/${from.id}/devices?sort=mac`);
    const link = visitor.page.getByRole('link', { name: 'Export this list' });
    const [download] = await Promise.all([visitor.page.waitForEvent('download'), link.click()]);
    const chunks = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk);
    const table = Buffer.concat(chunks).toString();
    assert.equal(download.suggestedFilename(), 'devices.csv');
    assert.equal(table, (await admin.call('GET', `${from.t}/devices.csv`)).text);
    await visitor.open(to.page);
    await paste(visitor, table);
    await visitor.page.getByRole('button', { name: /Import all/ }).click();
    await visitor.page.getByText('The import is over').waitFor();
    const sorted = (t) => admin.call('GET', `${t}/devices.csv?sort=mac`).then((answer) => answer.text);
    assert.equal(await sorted(to.t), await sorted(from.t));
    // And over what is there already it changes nothing.
    await visitor.open(to.page);
    await paste(visitor, table);
    assert.deepEqual([...new Set((await rows(visitor)).map(([, , became]) => became))], ['as it is']);
    assert.equal(await visitor.page.getByRole('button', { name: /^Import/ }).count(), 0);
    await visitor.page.getByText('There is nothing to import').waitFor();
  });
});
