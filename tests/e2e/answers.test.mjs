// What the API answers is what its document says: real answers, of an installation with a little of everything and of
// an empty one, are held to the schemas of `openapi.json`.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedDevice, seedTenant } from '../support/worker/seed.mjs';
import { authority } from '../support/tls.mjs';

const TYPES = {
  null: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  string: (value) => typeof value === 'string',
  integer: (value) => Number.isInteger(value),
  number: (value) => typeof value === 'number',
  array: (value) => Array.isArray(value),
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

/** What is wrong with a value by a schema, each with its place: as much of JSON Schema as the document uses. */
function wrong(document, schema, value, at = '') {
  if (schema === true || schema === undefined) return [];
  const of = (schema, value, at) => wrong(document, schema, value, at);
  const found = [];
  if (schema.$ref) {
    const target = schema.$ref
      .slice(2)
      .split('/')
      .reduce((part, name) => part[name], document);
    found.push(...of(target, value, at));
  }
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length > 0 && !types.some((type) => TYPES[type](value))) {
    found.push(`${at}: ${JSON.stringify(value)} is not ${types.join(' or ')}`);
  }
  if (schema.enum && !schema.enum.includes(value)) found.push(`${at}: ${JSON.stringify(value)} is none of ${schema.enum}`);
  if ('const' in schema && schema.const !== value) found.push(`${at}: ${JSON.stringify(value)} is not ${schema.const}`);
  for (const some of [schema.anyOf, schema.oneOf]) {
    if (!some) continue;
    const each = some.map((one) => of(one, value, at));
    if (each.every((one) => one.length > 0)) found.push(...each.reduce((a, b) => (a.length <= b.length ? a : b)));
  }
  for (const one of schema.allOf ?? []) found.push(...of(one, value, at));
  if (TYPES.array(value) && schema.items) value.forEach((item, place) => found.push(...of(schema.items, item, `${at}/${place}`)));
  if (TYPES.object(value)) {
    for (const name of schema.required ?? []) if (!(name in value)) found.push(`${at}: ${name} is required and not there`);
    for (const [name, member] of Object.entries(value)) {
      const known = schema.properties?.[name];
      if (known !== undefined) found.push(...of(known, member, `${at}/${name}`));
      else if (TYPES.object(schema.additionalProperties)) found.push(...of(schema.additionalProperties, member, `${at}/${name}`));
    }
  }
  return found;
}

describe('the answers of the API', () => {
  let worker;
  let admin;
  let document;
  let values;
  before(async () => {
    worker = await Ringfence.start({ assets: true });
    admin = new Api(worker);
    document = await admin.get('/openapi.json');
  });
  after(() => worker?.stop());

  const described = (method, pattern) => document.paths[`/api/v1${pattern}`]?.[method.toLowerCase()];

  /** An answer, and that it is as the document says. */
  async function held(method, pattern, options = {}) {
    const operation = described(method, pattern);
    assert.ok(operation, `${method} ${pattern} is in the document`);
    const value = (name) => (name === 'webhook' && !pattern.includes('{tenant}') ? values.webhookOfAll : values[name]);
    const path = pattern.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(value(name)));
    const answer = await admin.call(method, `${path}${options.query ?? ''}`, options);
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
    const content = operation.responses[answer.status]?.content?.['application/json'];
    if (content) assert.deepEqual(wrong(document, content.schema, answer.body), [], `${method} ${path}`);
    return answer.body;
  }

  it('tells what is missing, and what is of another kind', () => {
    const schema = { type: 'object', required: ['a'], properties: { a: { type: 'array', items: { type: ['string', 'null'] } } } };
    assert.deepEqual(wrong(document, schema, { a: ['x', null], more: 1 }), []);
    assert.deepEqual(wrong(document, schema, {}), [': a is required and not there']);
    assert.deepEqual(wrong(document, schema, { a: [1] }), ['/a/0: 1 is not string or null']);
    const view = { anyOf: [{ $ref: '#/components/schemas/RotationView' }, { type: 'null' }] };
    assert.equal(wrong(document, view, null).length, 0);
    assert.ok(wrong(document, view, {}).length > 0);
  });

  it('have what the document requires, where nothing is there yet', async () => {
    for (const pattern of Object.keys(document.paths).map((path) => path.replace('/api/v1', ''))) {
      const operation = described('GET', pattern);
      if (!operation || pattern.includes('{') || pattern === '/openapi.json') continue;
      if (!operation.responses[200]?.content?.['application/json']) continue;
      await held('GET', pattern);
    }
  });

  it('have what the document requires, of a tenant with a little of everything', async () => {
    const tenant = await seedTenant(worker);
    const phone = await seedDevice(worker, tenant, { mac: mac(1), state: 'confirmed' });
    const root = authority();
    const pem = readFileSync(root.file, 'utf8');
    root.end();
    values = { tenant: tenant.id, mac: phone.mac, model: 'KX-UTG300B', kind: 'standard', family: 'utg', name: 'root.pem' };
    await held('PUT', '/tenants/{tenant}/certificates/{name}', { body: { pem } });
    const hook = { name: 'a', url: 'https://hooks.example/', kinds: ['file.broken'], disabled: true };
    const made = {
      site: await held('POST', '/tenants/{tenant}/sites', { body: { name: 'Harbour' } }),
      path: await held('POST', '/tenants/{tenant}/access-paths', { body: { label: 'first', target: true } }),
      pool: await held('POST', '/pools', { body: { name: 'Europe' } }),
      token: await held('POST', '/tokens', { body: { name: 'Reader', access: 'read' } }),
      test: await held('POST', '/tenants/{tenant}/file-tests', {
        body: { name: 'A test', file: 'standard', parameter: 'NOTHING', expect: 'absent' },
      }),
      webhook: await held('POST', '/tenants/{tenant}/webhooks', { body: hook }),
      webhookOfAll: await held('POST', '/webhooks', { body: hook }),
    };
    for (const [name, view] of Object.entries(made)) values[name] = view.id;
    values.relay = (await held('POST', '/pools/{pool}/relays', { body: { name: 'relay 1' } })).id;
    const settings = { body: { settings: { NOTE: 'a', NOTIFY_ADDRESS: '192.0.2.9:5060' } } };
    // `unused` of what was checked is not there where every setting reaches a file, and is where one does not.
    await held('PUT', '/tenants/{tenant}/settings', { body: { settings: { SIP_USER: '7001' } } });
    await held('PUT', '/tenants/{tenant}/devices/{mac}/settings', settings);
    await held('PUT', '/tenants/{tenant}/devices/{mac}/settings', { ...settings, query: `?dry_run=true&device=${phone.mac}` });
    await held('PUT', '/tenants/{tenant}', { body: { name: 'Renamed', hostname: null, options: {} } });
    await held('PUT', '/tenants/{tenant}/devices/{mac}', { body: { model: 'KX-UTG300B', label: 'Front desk' } });
    await held('POST', '/tenants/{tenant}/devices', { body: { mac: mac(2), model: 'KX-UTG300B' } });
    const rekeyed = await held('POST', '/tenants/{tenant}/devices/{mac}/rekey', { query: '?notify=true' });
    assert.ok('model' in rekeyed);
    values.job = (await held('POST', '/tenants/{tenant}/devices/{mac}/notify', { body: {} })).job.id;
    values.rollout = (await held('POST', '/tenants/{tenant}/rollouts', { body: {} })).id;
    const action = { selection: { macs: [phone.mac] }, action: 'disable' };
    assert.equal((await held('POST', '/tenants/{tenant}/operations', { body: action, query: '?dry_run=true' })).operation, null);
    values.operation = (await held('POST', '/tenants/{tenant}/operations', { body: action })).operation.id;
    await tenant.get(`Config${phone.mac}.cfg`);
    const rotated = await held('POST', '/rotation', { body: {} });
    assert.ok(!('failed' in rotated), 'what is left out where it is empty is not required');

    let answers = 0;
    for (const pattern of Object.keys(document.paths).map((path) => path.replace('/api/v1', ''))) {
      const operation = described('GET', pattern);
      const names = [...pattern.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      if (!operation?.responses[200]?.content?.['application/json'] || names.some((name) => !(name in values))) continue;
      // What has no versions, no unknown phone and no model's own template is told so.
      if (/history|diff|\/unknown\/|templates\/.*\{model\}|proxy-credentials|openapi/.test(pattern)) continue;
      await held('GET', pattern);
      answers += 1;
    }
    assert.ok(answers > 50, `${answers} answers`);
  });
});
