// The console before 100,000 devices: its pages are as small as before few, say exact numbers, and find one.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';

import { Console, look } from '../support/browser/console.mjs';
import { seedCrowd, seedTenant } from '../support/worker/seed.mjs';

const CROWD = 100_000;

/** The first page may weigh so much, in bytes, whatever the fleet. */
const MAX_FIRST_PAGE = 60 * 1024;

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
    console_ = await Console.open();
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
      await look(boss, name);
    }
    await boss.open(of(''));
    const devices = boss.page.getByRole('link', { name: /^100000 devices$/ }).or(boss.page.locator('a', { hasText: '100000' }).first());
    await devices.first().waitFor();
    // A figure for people: benchmarks hold such a number, not a test.
    const { worker } = console_;
    const before = cpu(worker.workerdPids());
    const times = 10;
    for (let time = 0; time < times; time += 1) assert.equal((await boss.page.request.get(boss.url(of('')))).status(), 200);
    context.diagnostic(`the overview takes ${(cpu(worker.workerdPids()) - before) / times} ms of CPU, D1 and all`);
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
