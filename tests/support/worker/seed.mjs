// Tenants and devices written straight into D1, for tests of what phones get and for databases of
// 100,000 devices. This is a second, independent implementation of what is persisted (access path
// hashes, wrapped keys, fingerprints), so it also holds the Worker to its own formats.

import { createCipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';

import { XML } from './content.mjs';

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const KEY_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** A ULID for now or for `at`; `serial` makes many of them in order. */
export function ulid(serial, at = Date.now()) {
  let time = BigInt(at);
  let text = '';
  for (let i = 0; i < 10; i += 1) {
    text = CROCKFORD[Number(time % 32n)] + text;
    time /= 32n;
  }
  const random = serial === undefined ? randomBytes(16).map((byte) => byte % 32) : serialDigits(serial);
  return text + [...random].map((digit) => CROCKFORD[digit]).join('');
}

function serialDigits(serial) {
  const digits = [];
  for (let rest = serial, i = 0; i < 16; i += 1, rest = Math.floor(rest / 32)) digits.unshift(rest % 32);
  return digits;
}

export function randomKey() {
  return [...randomBytes(32)].map((byte) => KEY_ALPHABET[byte % 62]).join('');
}

/** A 128-bit access path, as the API makes one. */
export function newAccessPath() {
  return randomBytes(16).toString('base64url');
}

/** A MAC with one of the vendor's prefixes. */
export function mac(number, prefix = '0080F0') {
  return prefix + number.toString(16).toUpperCase().padStart(6, '0');
}

/** Subkeys of a master key and what is made with them (crates/provision/src/wrap). */
export class Master {
  constructor(text) {
    const [id, secret] = text.split(':');
    this.id = id;
    this.secret = Buffer.from(secret, 'base64');
  }

  subkey(purpose) {
    return Buffer.from(hkdfSync('sha256', this.secret, Buffer.alloc(0), `ringfence/v1/${purpose}`, 32));
  }

  wrap(identity, plaintext) {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.subkey('wrap'), nonce);
    cipher.setAAD(Buffer.from(identity));
    const bytes = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `v1.${this.id}.${nonce.toString('base64url')}.${bytes.toString('base64url')}`;
  }

  fingerprint(key) {
    return createHmac('sha256', this.subkey('fingerprint')).update(key).digest('hex');
  }
}

export const UTG = { name: 'KX-UTG300B', family: 'utg', profile: 'utg-128' };

/** A tenant in the database, with what a test asks about it. */
export class Tenant {
  constructor(worker, id, accessPath) {
    Object.assign(this, { worker, id, accessPath });
  }

  /** The path of a file of this tenant. */
  path(name) {
    return `/${this.accessPath}/${name}`;
  }

  get(name, init) {
    return this.worker.fetch(this.path(name), init);
  }

  /** Makes changes by hand visible: KV must not go on answering for before. */
  async changed() {
    await this.worker.sql('UPDATE tenants SET seq = seq + 1, version = seq + 1 WHERE id = ?1', this.id);
    const keys = await this.worker.ask('kvList', { prefix: 't1:' });
    await this.worker.ask('kvDelete', { names: keys.map((key) => key.name) });
  }

  async setOptions(options) {
    await this.worker.sql('UPDATE tenants SET options = ?2 WHERE id = ?1', this.id, JSON.stringify(options));
    await this.changed();
  }

  device(mac) {
    return this.worker.sql('SELECT * FROM devices WHERE tenant_id = ?1 AND mac = ?2', this.id, mac).then((rows) => rows[0]);
  }

  events(where = '1') {
    return this.worker.sql(`SELECT * FROM phone_events WHERE tenant_id = ?1 AND ${where} ORDER BY id`, this.id);
  }
}

/** Writes a tenant with one access path, its models, templates (`{ 'standard/utg': source }`) and settings. */
export async function seedTenant(worker, { name, options = {}, hostname = null, models = [UTG], templates = XML, settings = {} } = {}) {
  const id = ulid();
  const accessPath = newAccessPath();
  const now = Date.now();
  await worker.batch(
    [
      'INSERT INTO tenants (id, name, hostname, options, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)',
      id,
      name ?? `Tenant ${id}`,
      hostname,
      JSON.stringify(options),
      now,
    ],
    [
      'INSERT INTO access_paths (id, tenant_id, hash, label, created_at) VALUES (?1, ?2, ?3, ?4, ?5)',
      ulid(),
      id,
      hashAccessPath(accessPath),
      'test',
      now,
    ],
    ...models.map((model) => [
      'INSERT INTO models (tenant_id, name, family, profile, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)',
      id,
      model.name,
      model.family,
      model.profile ?? null,
      now,
    ]),
    ...Object.entries(templates).map(([where, source]) => {
      const [kind, family, model = ''] = where.split('/');
      return [
        'INSERT INTO file_templates (tenant_id, kind, family, model, source, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)',
        id,
        kind,
        family,
        model,
        source,
        now,
      ];
    }),
    ...settingRows(worker, id, 'tenant', settings),
  );
  return new Tenant(worker, id, accessPath);
}

/** Writes a device; `state` other than armed says its key was delivered. */
export async function seedDevice(worker, tenant, options) {
  const [device] = await seedDevices(worker, tenant, [options]);
  return device;
}

/** Writes several devices at once. */
export async function seedDevices(worker, tenant, list) {
  const made = list.map((options) => newDevice(worker, tenant, options));
  for (let first = 0; first < made.length; first += 50) {
    await worker.batch(...made.slice(first, first + 50).flatMap(({ statements }) => statements));
  }
  return made.map(({ device }) => device);
}

function newDevice(
  worker,
  tenant,
  {
    mac,
    model = UTG.name,
    state = 'armed',
    generation = 1,
    armedUntil = null,
    disabled = 0,
    settings = {},
    key = randomKey(),
    site = null,
    delivered,
  },
) {
  const master = new Master(worker.options.secrets.MASTER_KEY);
  const id = ulid();
  const now = Date.now();
  const everDelivered = (delivered ?? !['armed', 'expired'].includes(state)) ? 1 : 0;
  const statements = [
    ['UPDATE tenants SET seq = seq + 1 WHERE id = ?1', tenant.id],
    [
      `INSERT INTO devices (id, tenant_id, mac, model, site_id, disabled, version, fenced_at, key_state, generation,
       ever_delivered, key_wrapped, key_master, key_fingerprint, armed_at, armed_until, delivered_at, created_at, updated_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, (SELECT seq FROM tenants WHERE id = ?2), ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?7, ?14, ?15, ?7, ?7)`,
      id,
      tenant.id,
      mac,
      model,
      site,
      disabled,
      now,
      state,
      generation,
      everDelivered,
      master.wrap(`device-key:${id}:${generation}`, key),
      master.id,
      master.fingerprint(key),
      armedUntil,
      everDelivered ? now : null,
    ],
    ...settingRows(worker, tenant.id, `device:${id}`, settings),
  ];
  return { device: { id, mac, key, generation }, statements };
}

/** Rows of settings; a value `{ secret }` is wrapped. */
export function settingRows(worker, tenantId, scope, settings) {
  const master = new Master(worker.options.secrets.MASTER_KEY);
  return Object.entries(settings).map(([name, value]) => {
    const secret = typeof value === 'object';
    const stored = secret ? master.wrap(`setting:${tenantId}:${scope}:${name}`, value.secret) : value;
    return [
      'INSERT INTO settings (tenant_id, scope, name, value, master) VALUES (?1, ?2, ?3, ?4, ?5)',
      tenantId,
      scope,
      name,
      stored,
      secret ? master.id : null,
    ];
  });
}

/**
 * Fills a tenant with `count` further devices that nobody will fetch, in few statements: their keys
 * are placeholders.
 */
export async function seedCrowd(worker, tenant, count, { model = UTG.name, prefix = 'BCC342' } = {}) {
  const now = Date.now();
  const master = new Master(worker.options.secrets.MASTER_KEY);
  for (let first = 0; first < count; first += 5000) {
    const rows = [];
    for (let number = first; number < Math.min(count, first + 5000); number += 1) {
      rows.push([ulid(number), mac(number, prefix), randomBytes(32).toString('hex')]);
    }
    await worker.sql(
      `INSERT INTO devices (id, tenant_id, mac, model, version, fenced_at, key_state, generation, ever_delivered,
       key_wrapped, key_master, key_fingerprint, armed_at, created_at, updated_at)
       SELECT value ->> 0, ?1, value ->> 1, ?2, 1, 0, 'confirmed', 1, 1, 'v1.none', ?3, value ->> 2, ?4, ?4, ?4 FROM json_each(?5)`,
      tenant.id,
      model,
      master.id,
      now,
      JSON.stringify(rows),
    );
  }
}

export function hashAccessPath(segment) {
  return createHash('sha256').update(segment).digest('hex');
}
