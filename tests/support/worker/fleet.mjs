// Random fleets and random requests of their phones, from a seed: tenants with options of all kinds, devices in
// every state of their keys, of several families, sealed and in clear; and whatever a phone, or what is none, may
// ask for.

import { createHash } from 'node:crypto';

import { TEXT, XML } from './content.mjs';
import { UTG, mac, newAccessPath, seedDevices, seedTenant } from './seed.mjs';

/** Numbers from a seed (mulberry32). */
export class Random {
  constructor(seed) {
    this.state = createHash('sha256').update(String(seed)).digest().readUInt32LE();
  }

  next() {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit) {
    return Math.floor(this.next() * limit);
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  chance(share) {
    return this.next() < share;
  }
}

const HDV = { name: 'KX-HDV130N', family: 'hdv', profile: null };
const GXP = { name: 'GXP1630', family: 'gxp', profile: 'gxp-256' };
const YEALINK = { name: 'SIP-T46S', family: 'yealink', profile: null };
const SPA = { name: 'SPA504G', family: 'spa', profile: 'spa-256' };
const MPP = { name: 'CP-8841', family: 'mpp', profile: 'mpp-8188' };
const MODELS = [UTG, HDV, GXP, YEALINK, SPA, MPP];

const BROKEN = '<PANASIPPhoneConfig><Device>{{ NOT_SET }}</Device></PANASIPPhoneConfig>';
const OWN_URL = '<PANASIPPhoneConfig><Device><Phone><URL>{{ urls.base }}</URL></Phone></Device></PANASIPPhoneConfig>\n';
export const ADDRESSES = ['192.0.2.1', '192.0.2.2', '2001:db8::7'];

/** The host of a tenant that is bound to one. */
const boundTo = (number) => `phones-${number}.example`;

/** A tenant of a fleet, with `devices`: `{ mac, model, … }` each. */
async function tenant(worker, random, number) {
  const standard = random.pick([undefined, undefined, undefined, BROKEN, OWN_URL]);
  const seeded = await seedTenant(worker, {
    name: `Fleet ${number}`,
    hostname: number % 4 === 3 ? boundTo(number) : null,
    models: MODELS,
    templates: { ...XML, ...TEXT, ...(standard && { 'standard/utg': standard }) },
    settings: { SIP_USER: '7001', ...(random.chance(0.3) && { NOTE: 'x' }) },
    options: {
      events_per_minute: 10_000,
      retry_window_s: random.pick([0, 0, 3600]),
      plain_name_after_delivery: random.pick(['refuse', 'refuse', 'sealed']),
      shared_files: random.pick(['plain', 'sealed']),
      sealed_over_http: random.chance(0.4),
      state_dependent_names: random.chance(0.3),
    },
  });
  const past = Date.now() - 60_000;
  const devices = Array.from({ length: 26 }, (_, at) => {
    const model = random.pick([UTG, UTG, UTG, HDV, GXP, YEALINK, SPA, MPP]);
    const state = random.pick(['armed', 'armed', 'armed', 'delivered', 'delivered', 'confirmed', 'confirmed', 'expired', 'replaced']);
    return {
      mac: mac(number * 0x1000 + at),
      model: model.name,
      family: model.family,
      state,
      armedUntil: state === 'armed' ? random.pick([null, past, Date.now() + 3_600_000]) : null,
      delivered: state === 'expired' ? random.chance(0.5) : undefined,
      disabled: random.chance(0.12) ? 1 : 0,
      settings: { LINE: String(at), SIP_PASS: { secret: `Tr0ub4dor-${number}-${at}` } },
    };
  });
  await seedDevices(worker, seeded, devices);
  for (const device of devices.filter(({ state }) => state === 'delivered')) {
    await worker.sql(
      'UPDATE devices SET delivered_address = ?3 WHERE tenant_id = ?1 AND mac = ?2',
      seeded.id,
      device.mac,
      random.pick(ADDRESSES),
    );
  }
  if (number % 7 === 6) await worker.sql('UPDATE access_paths SET expires_at = 1 WHERE tenant_id = ?1', seeded.id);
  if (number % 2 === 1) {
    await worker.sql(
      "INSERT INTO certificates (tenant_id, name, body, created_at) VALUES (?1, 'root.pem', ?2, 1)",
      seeded.id,
      Buffer.from('-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n').toString('base64'),
    );
  }
  return Object.assign(seeded, { devices, host: boundTo(number), isCold: true });
}

export async function fleet(worker, random, tenants) {
  const all = [];
  for (let number = 0; number < tenants; number += 1) all.push(await tenant(worker, random, number));
  return all;
}

/** Names that a phone of that family asks by, and some that it should not. */
function names({ mac: own, family, model }) {
  const lower = own.toLowerCase();
  const special = {
    gxp: [`cfg${lower}.xml`, `cfg${lower}.xml`, `cfg${lower}`],
    yealink: [`${lower}.cfg`, 'y000000000000.cfg', `${lower}.boot`],
    spa: [`${lower}.cfg`, `${lower}.cfg`, `${lower}.enc`, `${model}.cfg`],
    mpp: [`${lower}.xml`, `${lower}.xml`, `${lower}.enc`, `${model}.xml`],
  };
  return [
    ...[`Config${own}.cfg`, `Config${own}.cfg`, `Config${own}.enc`, `Config${own}.enc`, `Initial${own}.cfg`, `${model}.cfg`],
    ...(special[family] ?? []),
    ...[`cfg${lower}.xml`, `Config${own}.xml`, `config${lower}.cfg`, `Config${own.match(/../g).join('-')}.cfg`, `prov/Config${own}.cfg`],
  ];
}

const ANYWHERE = [
  'ConfigCom.cfg',
  'ConfigCom.enc',
  'KX-UTG300B.cfg',
  'KX-UTG999Z.cfg',
  'Config%7BMAC%7D.cfg',
  'Config0080F0000001%252Ecfg',
  'Config0080F0000001.cfg%20',
  '/Config0080F0000001.cfg',
  'certs/root.pem',
  'certs/none.pem',
  'wp-login.php',
  '',
  'a/'.repeat(300),
  `Config${mac(0xfffff1)}.cfg`,
  `Config${mac(0xfffff2)}.enc`,
  `Initial${mac(0xfffff3)}.cfg`,
];

const USER_AGENTS = ['', 'Panasonic_KX-UT113/01.133 (0080f0c8c381)', 'Yealink SIP-T46S 66.86.0.15 805ec0123456', 'curl/8'];

/** What a request says beside its name. */
function manner(random, etags) {
  const headers = {};
  const known = etags.length > 0 ? random.pick(etags) : '"0123456789abcdef0123456789abcdef"';
  const condition = random.pick([
    null,
    null,
    null,
    null,
    ['if-none-match', '*'],
    ['if-none-match', known],
    ['if-match', known],
    ['range', 'bytes=0-9'],
  ]);
  if (condition !== null) headers[condition[0]] = condition[1];
  return {
    method: random.pick(['GET', 'GET', 'GET', 'GET', 'GET', 'HEAD', 'POST']),
    headers,
    address: random.pick(ADDRESSES),
    userAgent: random.pick(USER_AGENTS),
  };
}

/**
 * Requests that do not get into each other's way: each device is asked for once, and so is each tenant that KV
 * does not know (`isCold`), which is known there after that. `etags` are those that were seen before, by device.
 */
export function requests(random, tenants, count, etags) {
  let free = tenants.flatMap((of) => of.devices.map((device) => ({ of, device })));
  return Array.from({ length: count }, () => {
    const [{ of, device }] = free.splice(random.below(free.length), 1);
    if (of.isCold) free = free.filter((one) => one.of !== of);
    const name = random.chance(0.25) ? random.pick(ANYWHERE) : random.pick(names(device));
    // Somebody who guesses; each from another address, so that none is throttled.
    const stray = random.chance(0.04);
    const more = manner(random, etags.get(device.mac) ?? []);
    return {
      tenant: stray ? null : of,
      device,
      path: stray ? random.pick([`/${newAccessPath()}/${name}`, '/', '/x']) : of.path(name),
      host: random.pick([null, null, null, null, of.host, of.host, 'elsewhere.example']),
      ...more,
      address: stray ? `198.51.100.${random.below(250)}` : more.address,
    };
  });
}
