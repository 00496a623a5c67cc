// Debian's Chromium, as the tests of the console use it: what a page loads, what it says on its console,
// what breaks its own rules, and how it looks.

import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

import { ROOT } from '../config.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Where screenshots go. A picture is a second of a core and no test reads it, so they are made for whoever asks alone. */
export const SCREENSHOTS = join(ROOT, 'target/screenshots');
const ARE_WANTED = Boolean(process.env.RINGFENCE_SCREENSHOTS);

/** Widths of a desk and of a phone. */
const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 844 };

/** Chromium without the windows of a desktop: the tests take half of the CPU. `RINGFENCE_CHROMIUM` names another. */
const PROGRAM = process.env.RINGFENCE_CHROMIUM ?? '/usr/bin/chromium-headless-shell';

export async function openBrowser() {
  mkdirSync(SCREENSHOTS, { recursive: true });
  // As root, as CI is, Chromium has no sandbox of its own.
  return chromium.launch({ executablePath: PROGRAM, args: ['--no-sandbox', '--disable-gpu'] });
}

/** A browser of somebody: a context of its own, with one tab. */
export class Visitor {
  static async come(browser, base, options = {}) {
    const visitor = new Visitor();
    visitor.base = base;
    visitor.context = await browser.newContext({
      viewport: WIDE,
      ignoreHTTPSErrors: true,
      timezoneId: 'Europe/Lisbon',
      reducedMotion: 'reduce',
      ...options,
    });
    visitor.page = await visitor.tab();
    return visitor;
  }

  /** A further tab, which notes what must not happen. */
  async tab() {
    const page = await this.context.newPage();
    page.setDefaultTimeout(20_000);
    page.wrong = [];
    page.loaded = [];
    page.on('console', (message) => {
      // An answer that is no success is said there too; tests look at statuses themselves.
      if (message.type() === 'error' && !/status of (4|5)\d\d/.test(message.text())) page.wrong.push(message.text());
    });
    page.on('pageerror', (error) => page.wrong.push(String(error)));
    page.on('response', (response) => page.loaded.push(response));
    return page;
  }

  url(path) {
    return new URL(path, this.base).href;
  }

  async open(path, page = this.page) {
    page.loaded.length = 0;
    const response = await page.goto(this.url(path));
    return response.status();
  }

  /** Signs in by the form. */
  async signIn(token, page = this.page) {
    await this.open('/console/sign-in', page);
    await page.getByLabel('API token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(/\/console(?!\/sign-in)/);
  }

  /** Serious and critical findings of axe-core. */
  async axe(page = this.page) {
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(' ')}`);
  }

  /** The widths between a phone's and a desk's at which the page is wider than the window. */
  async tooWide(page = this.page) {
    const found = [];
    for (const width of [NARROW.width, 600, 700, 900, 1100, WIDE.width]) {
      await page.setViewportSize({ width, height: 800 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      if (wide > width) found.push(`${wide} in ${width}`);
    }
    await page.setViewportSize(WIDE);
    return found;
  }

  /** Bytes of what the page loaded, and how many requests that took. */
  async weight(page = this.page) {
    const sizes = await Promise.all(
      page.loaded.map(async (response) => {
        const body = await response.body().catch(() => Buffer.alloc(0));
        return body.length;
      }),
    );
    return { requests: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
  }

  /** How the page looks, on a desk and on a phone: whether it fits. Pictures of it in light and dark where they are wanted. */
  async photograph(name, page = this.page) {
    for (const [width, viewport] of Object.entries({ wide: WIDE, narrow: NARROW })) {
      await page.setViewportSize(viewport);
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        if (ARE_WANTED) await page.screenshot({ path: join(SCREENSHOTS, `${name}.${width}.${colorScheme}.png`), fullPage: true });
      }
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (overflow > 0) page.wrong.push(`${name} is ${overflow} px too wide for a ${width} screen`);
      // Where one is, a navigation shows without being scrolled.
      const unseen = await page.evaluate(() =>
        [...document.querySelectorAll('nav a[aria-current]')]
          .filter((way) => way.getBoundingClientRect().left < 0 || way.getBoundingClientRect().right > innerWidth)
          .map((way) => way.textContent),
      );
      if (unseen.length > 0) page.wrong.push(`${name} does not show ${unseen} on a ${width} screen`);
    }
    await page.setViewportSize(WIDE);
    await page.emulateMedia({ colorScheme: 'light' });
  }

  async leave() {
    await this.context.close();
  }
}
