// A tenant whose phones are told by a real relay: what the tests of NOTIFY set up.

import { startRelay } from './native-relay.mjs';
import { udpPort } from '../ports.mjs';
import { mac, Master, randomKey, seedDevice, seedTenant, ulid, UTG } from '../worker/seed.mjs';
import { sipp } from '../sip/sipp.mjs';

/** What takes minutes for a provider takes seconds here. */
export const QUICK = {
  change_wait_s: 0,
  fetch_poll_ms: 100,
  fetch_timeout_s: 20,
  lease_s: 5,
  retry_base_s: 1,
  retry_cap_s: 2,
  max_attempts: 3,
  network_per_second: 0,
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
export async function addPhone(worker, tenant, settings) {
  const device = await seedDevice(worker, tenant, { mac: mac((serial += 1)), state: 'delivered', settings });
  return { ...device, file: `Config${device.mac}.enc`, url: new URL(tenant.path(`Config${device.mac}.enc`), worker.http).href };
}

/** A relay that the pool has welcomed. */
export async function connectedRelay(options) {
  const relay = await startRelay(options);
  await relay.says(/connected/);
  return relay;
}

/** Until the job has ended; patience for as long as its retries and timers may take. */
export async function untilJobEnded(api, at, id, seconds = 60) {
  for (const deadline = Date.now() + seconds * 1000; ;) {
    const job = await api.get(`${at}/jobs/${id}`);
    if (job.ended_at !== null) return job;
    if (Date.now() > deadline) throw new Error(`the job goes on: ${JSON.stringify(job)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** All jobs of a tenant. */
export async function jobs(api, at, query = '') {
  const items = [];
  for (let cursor; ;) {
    const page = await api.get(`${at}/jobs?limit=200${query}${cursor ? `&cursor=${cursor}` : ''}`);
    items.push(...page.items);
    if (!(cursor = page.next)) return items;
  }
}

/**
 * Many devices that have their keys, in few statements; their MACs. Each has its own address of record
 * and is told at `host` of its number; without a `port` nothing names where.
 */
async function seedPhones(worker, tenant, count, port, host) {
  const master = new Master(worker.options.secrets.MASTER_KEY);
  const now = Date.now();
  const macs = [];
  for (let first = 0; first < count; first += 500) {
    const rows = [];
    for (let number = first; number < Math.min(count, first + 500); number += 1) {
      const [id, own, key] = [ulid(), mac((serial += 1)), randomKey()];
      macs.push(own);
      rows.push([
        id,
        own,
        master.wrap(`device-key:${id}:1`, key),
        master.fingerprint(key),
        port === null ? null : `${host(number)}:${port}`,
      ]);
    }
    const json = JSON.stringify(rows);
    await worker.batch(
      [
        `INSERT INTO devices (id, tenant_id, mac, model, version, fenced_at, key_state, generation, ever_delivered,
         key_wrapped, key_master, key_fingerprint, armed_at, delivered_at, created_at, updated_at)
         SELECT value ->> 0, ?1, value ->> 1, ?2, 1, 0, 'delivered', 1, 1, value ->> 2, ?3, value ->> 3, ?4, ?4, ?4, ?4 FROM json_each(?5)`,
        tenant.id,
        UTG.name,
        master.id,
        now,
        json,
      ],
      [
        `INSERT INTO settings (tenant_id, scope, name, value)
         SELECT ?1, 'device:' || (value ->> 0), 'NOTIFY_AOR', 'sip:' || (value ->> 1) || '@pbx.test' FROM json_each(?2)
         UNION ALL SELECT ?1, 'device:' || (value ->> 0), 'NOTIFY_ADDRESS', value ->> 4 FROM json_each(?2) WHERE value ->> 4 IS NOT NULL`,
        tenant.id,
        json,
      ],
    );
  }
  return macs;
}

/**
 * `count` phones behind one address, and SIPp in their place. Whoever is told fetches its sealed file
 * over HTTP, again until it has it. `told` is a Map from MAC to how many different NOTIFYs came:
 * copies, which have the same Call-ID, count once. `ticks` says at which millisecond of SIPp's clock
 * the first came. `behind` is the port that the phones are told at, if something stands in front of
 * them, or null where nothing is to name one; `host` gives the address of each, by its number.
 */
export async function sippPhones(worker, tenant, count, { scenario = 'answer', keys = {}, args = [], fetches = true, behind, host } = {}) {
  const port = await udpPort();
  const macs = await seedPhones(worker, tenant, count, behind === undefined ? port : behind, host ?? (() => '127.0.0.1'));
  const people = { port, macs, told: new Map(), ticks: new Map(), count: 0 };
  people.start = async () => {
    const phones = await sipp(scenario, {
      port,
      host: host && '0.0.0.0',
      keys: { status: '200 OK', linger: '3000', ...keys },
      args: ['-l', '100000', ...args],
    });
    const calls = new Set();
    const waiting = [];
    let seen = 0;
    let over = false;
    const look = setInterval(() => {
      const lines = phones.lines();
      for (const line of lines.slice(seen)) {
        const [, who, call, tick] = /sip:(\w+).* call=(\S+) tick=(\d+)$/.exec(line) ?? [];
        // A line that is not whole yet is read again.
        if (!who) break;
        seen += 1;
        if (calls.size === calls.add(call).size) continue;
        people.count = calls.size;
        if (!people.ticks.has(who)) people.ticks.set(who, Number(tick));
        people.told.set(who, (people.told.get(who) ?? 0) + 1);
        if (fetches) waiting.push(who);
      }
    }, 100);
    const fetcher = async () => {
      while (!over) {
        const who = waiting.shift();
        if (!who) {
          await new Promise((resolve) => setTimeout(resolve, 50));
          continue;
        }
        const answer = await tenant.get(`Config${who}.enc`).catch(() => undefined);
        await answer?.arrayBuffer().catch(() => {});
        if (answer?.status !== 200) {
          waiting.push(who);
          await new Promise((resolve) => setTimeout(resolve, 200));
        }
      }
    };
    const fetchers = Array.from({ length: 8 }, fetcher);
    people.end = async () => {
      over = true;
      clearInterval(look);
      await Promise.all(fetchers);
      await phones.end();
    };
    people.errors = phones.errors;
  };
  people.end = async () => {};
  return people;
}

/** Until every one of the tenant's `count` jobs has ended; the jobs. Goes on while the Worker is away. */
export async function allEnded(worker, tenant, count, api, seconds = 120) {
  const at = `/tenants/${tenant.id}`;
  let last;
  for (const deadline = Date.now() + seconds * 1000; ;) {
    last = await jobs(api, at).catch(() => undefined);
    if (last?.length === count && last.every(({ state }) => FINAL.includes(state))) return last;
    if (Date.now() > deadline) throw new Error(`jobs go on: ${JSON.stringify(countByState(last ?? []))}`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** How many jobs are in each state. */
export function countByState(list) {
  const states = {};
  for (const { state } of list) states[state] = (states[state] ?? 0) + 1;
  return states;
}
