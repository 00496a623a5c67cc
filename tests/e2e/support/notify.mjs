// A tenant whose phones are told by a real relay: what the tests of NOTIFY set up.

import { startRelay } from './native-relay.mjs';
import { mac, seedDevice, seedTenant, ulid } from './seed.mjs';

/** What takes minutes for a provider takes seconds here. */
export const QUICK = {
  change_wait_s: 0, fetch_poll_ms: 100, fetch_timeout_s: 20, lease_s: 5, retry_base_s: 1, retry_cap_s: 2,
  max_attempts: 3, network_per_second: 0,
};
export const FINAL = ['fetched', 'rejected', 'unreachable', 'expired', 'cancelled'];

let serial = 0x10_0000;

/** A pool with options, a tenant in it, and as many relay credentials as asked for. */
export async function poolAndTenant(worker, api, { options = {}, relays = 1, settings = {} } = {}) {
  const pool = await api.post('/pools', { name: `Pool ${ulid()}`, options: { ...QUICK, ...options } });
  const made = [];
  for (let n = 1; n <= relays; n += 1) made.push(await api.post(`/pools/${pool.id}/relays`, { name: `relay ${n}` }));
  const tenant = await seedTenant(worker, { settings });
  await api.put(`/tenants/${tenant.id}/pool`, { pool: pool.id });
  return { pool, relays: made, tenant, at: `/tenants/${tenant.id}` };
}

/** A phone that has its key; it is told at `address`. `url` is its sealed file. */
export async function phone(worker, tenant, settings) {
  const device = await seedDevice(worker, tenant, { mac: mac((serial += 1)), state: 'delivered', settings });
  return { ...device, file: `Config${device.mac}.enc`, url: new URL(tenant.path(`Config${device.mac}.enc`), worker.http).href };
}

/** A relay that the pool has welcomed. */
export async function connected(options) {
  const relay = await startRelay(options);
  await relay.says(/connected/);
  return relay;
}

/** Until the job has ended; patience for as long as its retries and timers may take. */
export async function ended(api, at, id, seconds = 60) {
  for (const deadline = Date.now() + seconds * 1000; ; ) {
    const job = await api.get(`${at}/jobs/${id}`);
    if (job.ended_at !== null) return job;
    if (Date.now() > deadline) throw new Error(`the job goes on: ${JSON.stringify(job)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** All jobs of a tenant. */
export async function jobs(api, at, query = '') {
  const items = [];
  for (let cursor; ; ) {
    const page = await api.get(`${at}/jobs?limit=200${query}${cursor ? `&cursor=${cursor}` : ''}`);
    items.push(...page.items);
    if (!(cursor = page.next)) return items;
  }
}
