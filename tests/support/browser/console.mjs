// The console with a browser before it, as its tests use both: who comes, and what a page must be.

import assert from 'node:assert/strict';

import { openBrowser, Visitor } from './browser.mjs';
import { Api } from '../worker/api.mjs';
import { Ringfence } from '../worker/ringfence.mjs';

export class Console {
  static async open(options = {}) {
    const it = new Console();
    it.visitors = [];
    it.worker = await Ringfence.start({ assets: true, ...options });
    it.browser = await openBrowser();
    it.admin = new Api(it.worker);
    return it;
  }

  /** Somebody with a browser of their own, signed in. */
  async come(options, token = this.worker.adminToken) {
    const visitor = await Visitor.come(this.browser, this.worker.http, options);
    this.visitors.push(visitor);
    await visitor.signIn(token);
    return visitor;
  }

  /** A tenant that the pages are about: its path in the API, and where its pages are. */
  async tenant(name = 'Harbour Hotels') {
    const { id } = await this.admin.post('/tenants', { name });
    return { t: `/tenants/${id}`, of: (page) => `/console/tenants/${id}${page}` };
  }

  async close() {
    for (const visitor of this.visitors ?? []) await visitor.leave();
    await this.browser?.close();
    await this.worker?.stop();
  }
}

/** How the page looks in light and dark, wide and narrow; without serious findings of axe, and within its own rules. */
export async function checkPage(visitor, name) {
  await visitor.photograph(name);
  assert.deepEqual(await visitor.axe(), [], name);
  assert.deepEqual(visitor.page.wrong, [], name);
}
