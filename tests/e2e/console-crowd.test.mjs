// The console before 100,000 devices: its pages are as small as before few, say exact numbers, find one, and export
// what is too long for one file in parts.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';

import { Console, checkPage } from '../support/browser/console.mjs';
import { seedCrowd, seedTenant, ulid } from '../support/worker/seed.mjs';

const CROWD = 100_000;

/** How many bytes the first page may weigh at most, whatever the fleet. */
const MAX_FIRST_PAGE = 60 * 1024;

/** How many views are measured at once. */
const VIEWS = 20;
/** How often that many views are measured. */
const ROUNDS = 5;

const median = (list) => list.toSorted((one, other) => one - other)[Math.floor(list.length / 2)];

/** CPU time that a process has used, in milliseconds; the kernel counts in hundredths of a second. */
function cpu(pids) {
  const used = pids.map((pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  });
  return used.reduce((sum, one) => sum + one, 0);
}

describe('the console before 100,000 devices', () => {
  let console_;
  let boss;
  let tenant;
  const of = (path) => `/console/tenants/${tenant.id}${path}`;
  before(async () => {
    console_ = await Console.open({ probe: true });
    tenant = await seedTenant(console_.worker, { name: 'Crowd' });
    await seedCrowd(console_.worker, tenant, CROWD);
    boss = await console_.come();
  });
  after(() => console_?.close());

  it('shows exact numbers, and pages that weigh what they weigh before few', async (context) => {
    for (const [name, path] of [
      ['crowd-fleet', '/console'],
      ['crowd-overview', of('')],
      ['crowd-devices', of('/devices')],
      ['crowd-sorted', of('/devices?sort=-last_seen')],
    ]) {
      assert.equal(await boss.open(path), 200, name);
      await boss.page.waitForLoadState('networkidle');
      const { requests, bytes } = await boss.weight();
      context.diagnostic(`${name}: ${requests} requests, ${bytes} bytes`);
      assert.ok(bytes <= MAX_FIRST_PAGE, `${name} weighs ${bytes} bytes`);
      await checkPage(boss, name);
    }
    await boss.open(of(''));
    const devices = boss.page.getByRole('link', { name: /^100,000 devices$/ }).or(boss.page.locator('a', { hasText: '100,000' }).first());
    await devices.first().waitFor();
    // A crowd is counted now and then: the page says when, and counts again where that is asked for.
    const { worker } = console_;
    await worker.sql('UPDATE device_counts SET counted_at = counted_at - 240000 WHERE tenant_id = ?1', tenant.id);
    await boss.open(of(''));
    const counted = boss.page.locator('section', { has: boss.page.locator('.numbers') }).locator('p.soft');
    assert.match(await counted.innerText(), /^Counted .* 4 min ago Count again$/);
    await boss.page.getByRole('link', { name: 'Count again' }).click();
    await boss.page.waitForURL((url) => url.search === '');
    assert.match(await counted.innerText(), /^Counted .* just now Count again$/);
    assert.deepEqual(boss.page.wrong, []);
  });

  it('reads the devices once for the overview, and does little besides', async (context) => {
    const { worker } = console_;
    const view = async () => assert.equal((await boss.page.request.get(boss.url(of('')))).status(), 200);
    await view();
    await worker.probe({ reset: true, record: true });
    await view();
    const { rowsRead, d1Calls, d1Statements } = await worker.probe();
    context.diagnostic(`an overview: ${d1Calls} calls of D1, ${d1Statements} statements, ${rowsRead} rows read`);
    assert.ok(rowsRead <= 2 * CROWD + 500, `${rowsRead} rows read`);
    const { all } = await console_.admin.get(`/tenants/${tenant.id}/device-counts`);
    assert.equal(all.devices, CROWD);
    // Figures for people, in turn, so that a busy machine does as much to the one as to the other: the whole process,
    // and D1's part of it, which is the same calls once more without the Worker.
    await worker.probe({ record: true });
    await view();
    const used = async (work) => {
      const before = cpu(worker.workerdPids());
      await work();
      return (cpu(worker.workerdPids()) - before) / VIEWS;
    };
    const rounds = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const database = await used(() => worker.probe({ replay: VIEWS }));
      // What is kept is not to grow meanwhile.
      await worker.probe({ record: false });
      const whole = await used(async () => {
        for (let time = 0; time < VIEWS; time += 1) await view();
      });
      rounds.push({ whole, database, own: whole - database });
      await worker.probe({ record: true });
      await view();
    }
    const [whole, database, own] = ['whole', 'database', 'own'].map((part) => median(rounds.map((round) => round[part])));
    const share = Math.round((100 * own) / whole);
    context.diagnostic(
      `an overview takes ${whole} ms of CPU: D1's same calls by themselves ${database} ms, the Worker ${own} ms (${share} %)`,
    );
    context.diagnostic(JSON.stringify(rounds));
  });

  it('exports what is too long for one table in parts, and says so before; each part is made once', async (context) => {
    const { page } = boss;
    const begins = CROWD - 25_000;
    // Two full tables and the rest of them.
    const model = 'KX-UTG200B';
    await console_.admin.put(`/tenants/${tenant.id}/models/${model}`, { family: 'utg', profile: null });
    const macs = (await console_.worker.sql('SELECT mac FROM devices ORDER BY mac LIMIT 25000 OFFSET ?1', begins)).map((row) => row.mac);
    await console_.worker.sql('UPDATE devices SET model = ?1 WHERE tenant_id = ?2 AND mac >= ?3', model, tenant.id, macs[0]);
    const keep = async (name) => {
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name, exact: true }).click()]);
      return { name: download.suggestedFilename(), text: readFileSync(await download.path(), 'utf8') };
    };
    await boss.open(of(`/devices?model=${model}`));
    await console_.worker.probe({ reset: true });
    await page.getByRole('link', { name: 'Export this list' }).click();
    await page.getByText('This is part 1. There are more after it.').waitFor();
    await checkPage(boss, 'export-parts');
    const kept = [];
    for (let part = 1; ; part += 1) {
      const { name, text } = await keep(`Keep part ${part}`);
      assert.equal(name, `devices-${part}.csv`);
      const [head, ...lines] = text.trim().split(/\r?\n/);
      assert.match(head, /^mac,/);
      kept.push(lines.map((line) => line.slice(0, 17).replaceAll(':', '')));
      const next = page.getByRole('link', { name: `Go on to part ${part + 1}` });
      if ((await next.count()) === 0) break;
      await next.click();
      await page.getByText(`This is part ${part + 1}`).waitFor();
    }
    await page.getByText('the last one').waitFor();
    assert.deepEqual(
      kept.map((part) => part.length),
      [10_000, 10_000, 5_000],
    );
    // Each part is made once, when it is kept: its devices and their settings are read by 500. Its page looks where it ends.
    const { sql } = await console_.worker.probe({ reset: true });
    const made = (fits) => sql.filter((text) => fits.test(text)).length;
    assert.equal(made(/^SELECT d\.id, d\.tenant_id,.* FROM json_each/), 25_000 / 500);
    assert.equal(made(/^SELECT s\.scope, s\.name, s\.value/), 25_000 / 500);
    context.diagnostic(`three parts of 25,000 devices: ${sql.length} statements`);
    assert.ok(sql.length <= 200, `${sql.length} statements`);
    // In words: what differs among 25,000 MACs would take an assertion minutes to find.
    assert.ok(kept.flat().toSorted().join() === macs.join(), 'each device is in one part');
    // What fits into one is one, as ever.
    await boss.open(of(`/devices?q=${macs[0]}`));
    const { name, text } = await keep('Export this list');
    assert.equal(name, 'devices.csv');
    assert.equal(text.trim().split('\n').length, 2);
    assert.deepEqual(page.wrong, []);
  });

  it('makes tables shorter where devices have many settings, and leaves none out', async () => {
    const model = 'KX-UTG300B';
    const t = `/tenants/${tenant.id}`;
    // One device has enough settings for a table of 10,000 rows to have more than 2,000,000 cells.
    const [{ id }] = await console_.worker.sql('SELECT id FROM devices WHERE model = ?1 ORDER BY id LIMIT 1', model);
    const names = Array.from({ length: 201 }, (_, number) => `NOTE_${number}`);
    const scope = `device:${id}`;
    await console_.worker.sql(
      "INSERT INTO settings (tenant_id, scope, name, value) SELECT ?1, ?2, value, 'x' FROM json_each(?3)",
      ...[tenant.id, scope, JSON.stringify(names)],
    );
    try {
      let after = '';
      const seen = new Set();
      for (const expected of [5_000, 10_000]) {
        const query = `?model=${model}${after && `&cursor=${after}`}`;
        const { devices, next } = await console_.admin.get(`${t}/device-table${query}`);
        assert.equal(devices, expected);
        const { text, headers } = await console_.admin.call('GET', `${t}/devices.csv${query}`);
        assert.equal(headers.get('ringfence-next'), next);
        const lines = text.trim().split('\r\n').slice(1);
        assert.equal(lines.length, devices);
        for (const line of lines) seen.add(line.slice(0, 17));
        after = next;
      }
      assert.equal(seen.size, 15_000);
      const rows = await console_.worker.sql('SELECT mac FROM devices WHERE model = ?1 ORDER BY id LIMIT 15000', model);
      assert.ok(
        rows.every(({ mac }) => seen.has(mac.match(/../g).join(':'))),
        'the first 15,000 of the list',
      );
    } finally {
      await console_.worker.sql('DELETE FROM settings WHERE tenant_id = ?1 AND scope = ?2', tenant.id, scope);
    }
  });

  it('exports the audit log in parts that belong together; each part is made once', async (context) => {
    const { page } = boss;
    const { worker } = console_;
    const rows = Array.from({ length: 20_500 }, (_, number) => ulid(number));
    await worker.sql(
      `INSERT INTO audit (id, token_id, action, object, address, request_id, at)
       SELECT value, 'admin', 'test.many', '', '192.0.2.1', 'r', ?2 FROM json_each(?1)`,
      JSON.stringify(rows),
      Date.now(),
    );
    // Whoever looks where a part ends takes what is new into the chain: what is new is read beside the parts themselves.
    await console_.admin.get('/audit/export/part');
    await boss.open('/console/audit');
    await worker.probe({ reset: true });
    await page.getByRole('link', { name: 'Export', exact: true }).click();
    await page.getByText('This is part 1. There are more after it.').waitFor();
    const parts = [];
    for (const part of [1, 2]) {
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: `Keep part ${part}` }).click()]);
      assert.equal(download.suggestedFilename(), `audit-${part}.ndjson`);
      const lines = readFileSync(await download.path(), 'utf8')
        .trim()
        .split('\n');
      parts.push(lines.map((line) => JSON.parse(line)));
      if (part === 1) await page.getByRole('link', { name: 'Go on to part 2' }).click();
      await page.getByText(part === 1 ? 'This is part 2, the last one.' : 'the last one').waitFor();
    }
    // Its entries are read by 500 and once, when it is kept; its page looks where it ends.
    const { sql } = await worker.probe({ reset: true });
    const made = (fits) => sql.filter((text) => fits.test(text)).length;
    const entries = parts.flat().filter((line) => !line.chain).length;
    const [one, two] = parts;
    const calls = 20_000 / 500 + Math.ceil((entries - 20_000) / 500);
    // Each call of the API looks once whether there is something new, which the chain has not got yet; measuring does, too.
    const measured = made(/^SELECT max\(number\) AS number, count\(\*\) AS entries/);
    assert.equal(measured, 4, 'two pages and two parts');
    assert.equal(made(/^SELECT number, hash, cut_number, .* FROM audit_head/), calls + measured);
    context.diagnostic(`two parts of ${entries} entries: ${sql.length} statements`);
    assert.ok(sql.length <= 300, `${sql.length} statements`);
    const end = one.at(-1).chain;
    assert.equal(end.complete, false);
    assert.deepEqual([two[0].chain.number, two[0].chain.hash], [end.number, end.hash]);
    assert.equal(two.at(-1).chain.complete, true);
    const ids = parts.flat().flatMap((line) => (line.action === 'test.many' ? [line.id] : []));
    assert.ok(ids.join() === rows.join(), 'each entry is in one part, in its order');
  });

  it('finds one by a part of its MAC, and goes on page by page', async () => {
    const { page } = boss;
    await boss.open(of('/devices'));
    const first = await page.locator('tbody tr td a').first().innerText();
    await page.getByLabel('Search').fill(first.slice(-5));
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByRole('link', { name: first }).waitFor();
    await boss.open(of('/devices?sort=mac'));
    const macs = () => page.locator('tbody tr td a').allInnerTexts();
    const one = await macs();
    await page.getByRole('link', { name: 'Next page' }).click();
    const two = await macs();
    assert.deepEqual([...one, ...two], [...new Set([...one, ...two])].toSorted());
    assert.deepEqual(page.wrong, []);
  });
});
