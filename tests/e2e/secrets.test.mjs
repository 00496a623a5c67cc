// What is said about a file never quotes a secret in it: plants secrets in every layer, makes every
// slip an operator can make around them, and looks for pieces of them wherever anything is said or
// kept in clear.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { TEXT } from '../support/worker/content.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { Tenant, mac } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

/** As long as this, a piece of a secret is one too many. */
const PIECE = 6;
const MAGIC = '# Panasonic SIP Phone Standard Format File # DO NOT CHANGE THIS LINE!';

/** Random text that nothing else has a piece of. */
const random = (bytes) => randomBytes(bytes).toString('base64url').replaceAll(/[-_]/g, 'Q');
/** A secret with a sign in its middle, long enough on both sides. */
const around = (sign) => `${random(9)}${sign}${random(9)}`;

const SECRETS = {
  plain: random(18),
  equals: around('='),
  'equals and quote': around('="'),
  quote: around('"'),
  apostrophe: around("'"),
  braces: `{${random(9)}}{{${random(9)}}}`,
  'angle brackets': `<${random(9)}>${random(9)}</`,
  percent: around('%'),
  ampersand: around('&'),
  'line end': around('\n'),
  NUL: around('\0'),
  address: `user:${random(9)}@${random(9)}/{`,
  long: random(1300),
};

/** Where `{{ PASS }}` comes to stand by a slip. */
const TEXT_SLIPS = [
  'SIP_PASS_1 "{{ PASS }}"',
  'SIP_PASS_1={{ PASS }}',
  'SIP_PASS_1="{{ PASS }}',
  "SIP_PASS_1='{{ PASS }}'",
  'SIP_PASS_1 = "{{ PASS }}"',
  '{{ PASS }}="1"',
  '{{ PASS }}',
  'SIP_{{ PASS }}="1"',
  'XML_URL="http:/{{ PASS }}"',
  'XML_URL="http://x/{{ PASS }}"',
  'XML_URL="{{ PASS }}"',
  'CFG_RESYNC_FROM_SIP="{{ PASS }}"',
  'A="{{ PASS | int }}"',
  'A="{{ setting(PASS) }}"',
  'A="{{ PASS + 1 }}"',
  'A="{{ PASS | replace("a", 1) }}"',
];
const XML_SLIPS = [
  '<{{ PASS }}>1</A>',
  '<A>1</{{ PASS }}>',
  '<A {{ PASS }}="1">1</A>',
  '<A x="{{ PASS }}>1</A>',
  '<A perm="{{ PASS }}">1</A>',
  '<!-- {{ PASS }}',
  '<?{{ PASS }} ?>',
  '<XML_URL>http://x/{{ PASS }}</XML_URL>',
  '<A><{{ PASS }}</A>',
  '<A xmlns="{{ PASS }}">1</A>',
];
const text = (line) => `${MAGIC}\n${line}\n\n`;
const xml = (line) => `<PANASIPPhoneConfig><Device><Phone>\n${line}\n</Phone></Device></PANASIPPhoneConfig>\n`;

describe('a secret setting', () => {
  let worker;
  let admin;
  let reader;
  let id;
  let base;
  let site;
  let phones;
  /** Every piece of every secret, as it is, in JSON and in XML. */
  const pieces = new Map();
  for (const [name, secret] of Object.entries(SECRETS)) {
    const xmlText = secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
    for (const form of [secret, JSON.stringify(secret).slice(1, -1), xmlText, encodeURIComponent(secret)]) {
      for (let at = 0; at + PIECE <= form.length; at += 1) {
        const piece = form.slice(at, at + PIECE);
        // `&quot;`, `\u0000` and the like stand in other texts too.
        if (/^[A-Za-z0-9]{6}$/.test(piece) && !/^(?:u0000|quot|amp)/.test(piece)) pieces.set(piece, name);
      }
    }
  }

  /** Fails if a text has a piece of a secret in it. */
  function clean(where, said) {
    for (let at = 0; at + PIECE <= said.length; at += 1) {
      const found = pieces.get(said.slice(at, at + PIECE));
      if (found) assert.fail(`${where}: a piece of the secret with ${found} in …${said.slice(Math.max(0, at - 120), at + 60)}…`);
    }
  }
  /** A call whose answer is clean. */
  async function said(api, method, path, options) {
    const answer = await api.call(method, path, options);
    clean(`${method} ${path} ${answer.status}`, answer.text);
    assert.ok(answer.status < 500 || answer.status === 503, `${method} ${path}: ${answer.status} ${answer.text}`);
    return answer;
  }
  const put = (path, settings) => said(admin, 'PUT', `${base}${path}/settings`, { body: { settings } });
  const device = (number) => `/devices/${mac(number)}`;

  /** What a reader is told about a device. */
  async function look(number) {
    for (const path of [
      '/lint',
      '/effective',
      '/files/standard/preview',
      '/files/master/preview',
      '/files/product/preview',
      '/settings',
      '',
    ]) {
      const answer = await said(reader, 'GET', `${base}${device(number)}${path}`);
      assert.notEqual(answer.status, 404, path);
    }
  }

  before(async () => {
    worker = await Ringfence.start();
    admin = new Api(worker);
    id = (await admin.post('/tenants', { name: 'Careful' })).id;
    base = `/tenants/${id}`;
    reader = new Api(worker, (await admin.post('/tokens', { name: 'reader', access: 'read', tenant: id })).token);
    const { segment, url } = await admin.post(`${base}/access-paths`, { label: 'test' });
    phones = new Tenant(worker, id, segment ?? new URL(url).pathname.split('/')[1]);
    site = (await admin.post(`${base}/sites`, { name: 'Office' })).id;
    await admin.put(`${base}/models/KX-HDV130N`, {});
    await admin.put(`${base}/models/KX-UTG300B`, {});
    await admin.put(`${base}${device(1)}`, { model: 'KX-HDV130N', site });
    await admin.put(`${base}${device(2)}`, { model: 'KX-UTG300B', site });
  });
  after(() => worker?.stop());

  it('is in no answer about a template with a slip, whichever layer it is from', async () => {
    const layers = ['', `/sites/${site}`, '/models/KX-HDV130N', device(1)];
    let broken = 0;
    for (const [number, [name, secret]] of Object.entries(SECRETS).entries()) {
      const layer = layers[number % layers.length];
      assert.equal((await put(layer, { PASS: { secret } })).status, 200, name);
      if (layer !== '') await put(device(2), { PASS: { secret } });
      for (const slip of TEXT_SLIPS) {
        const answer = await said(admin, 'PUT', `${base}/templates/standard/hdv`, { body: { source: text(slip) } });
        broken += answer.status === 422;
      }
      for (const slip of XML_SLIPS) {
        const answer = await said(admin, 'PUT', `${base}/templates/standard/utg`, { body: { source: xml(slip) } });
        broken += answer.status === 422;
      }
      await look(1);
      await look(2);
      await said(admin, 'DELETE', `${base}/templates/standard/hdv`);
      await said(admin, 'DELETE', `${base}/templates/standard/utg`);
      await put(layer, {});
      await put(device(2), {});
    }
    assert.ok(broken > 100, `${broken} templates were refused`);
  });

  it('is in no answer, event, log line or row when a stored template goes wrong at a phone', async () => {
    const secret = SECRETS.equals;
    const slips = [...TEXT_SLIPS.slice(0, 4), 'XML_URL="http://x/{{ BRACES }}"', 'A="{{ setting(PASS) }}"'];
    await put('', { PASS: { secret }, BRACES: { secret: SECRETS.braces } });
    await admin.put(`${base}/templates/standard/hdv`, { source: TEXT['standard/hdv'] });
    await admin.put(`${base}/templates/standard/utg`, { source: xml('<A>1</A>') });
    for (const slip of slips) {
      // Behind the API's back, as a template that an earlier version let pass.
      await worker.sql("UPDATE file_templates SET source = ?2 WHERE tenant_id = ?1 AND family = 'hdv'", id, text(slip));
      await phones.changed();
      const answer = await phones.get(`Config${mac(1)}.cfg`);
      assert.equal(answer.status, 503, slip);
      clean('a phone', await answer.text());
      await look(1);
    }
    await worker.sql("UPDATE file_templates SET source = ?2 WHERE tenant_id = ?1 AND family = 'utg'", id, xml('<{{ PASS }}>1</A>'));
    await phones.changed();
    assert.equal((await phones.get(`Config${mac(2)}.cfg`)).status, 503);
    await look(2);
    const { items } = await eventually(
      () => reader.get(`${base}/events?limit=200`),
      (page) => page.items.filter((event) => event.outcome === 'broken').length > slips.length,
    );
    const finding = items.find((event) => event.outcome === 'broken' && event.detail?.findings);
    // It still tells what to do: line, code and the setting whose value stands there.
    assert.ok(finding, JSON.stringify(items));
    const [first] = finding.detail.findings;
    assert.ok(first.line >= 2 && first.code, JSON.stringify(first));
    assert.ok(items.some((event) => event.detail?.findings?.some((it) => it.settings?.includes('PASS'))));
    clean('events', JSON.stringify(items));
    await admin.delete(`${base}/templates/standard/hdv`);
    await admin.delete(`${base}/templates/standard/utg`);
  });

  it('is in no answer when a model is added to templates of before, and the model is refused', async () => {
    const other = (await admin.post('/tenants', { name: 'Early' })).id;
    const secret = SECRETS['equals and quote'];
    const write = (path, body) => said(admin, 'PUT', `/tenants/${other}${path}`, { body });
    await write('/settings', { settings: { PASS: { secret: SECRETS.equals }, WORSE: { secret } } });
    for (const slip of ['SIP_PASS_1 "{{ PASS }}"', 'A="{{ WORSE }}"']) {
      assert.equal((await write('/templates/master/hdv', { source: text(slip) })).status, 200);
      const answer = await write('/models/KX-HDV130N', {});
      assert.equal(answer.status, 422, answer.text);
      assert.match(answer.body.type, /invalid-files$/);
      const device = await write(`/devices/${mac(9)}`, { model: 'KX-HDV130N' });
      assert.equal(device.status, 422, device.text);
    }
    assert.equal((await write('/templates/master/hdv', { source: text('A="1"') })).status, 200);
    assert.equal((await write('/models/KX-HDV130N', {})).status, 200);
  });

  it('is in no refusal of a body that has it in the wrong place or type', async () => {
    for (const secret of Object.values(SECRETS)) {
      const bodies = [
        { settings: secret },
        { settings: [secret] },
        { settings: { PASS: [secret] } },
        { settings: { PASS: { sceret: secret } } },
        { settings: { PASS: { secret: [secret] } } },
        { settings: { PASS: { secret, keep: true } } },
        { settings: { [`${secret}=`]: 'x' } },
        { settings: { [`${secret}=`]: 7 } },
        { settings: {}, [`${secret}=`]: 1 },
        secret,
        [secret],
      ];
      for (const body of bodies) {
        const answer = await said(admin, 'PUT', `${base}/settings`, { body: JSON.stringify(body) });
        assert.ok([400, 422].includes(answer.status), `${answer.status} ${JSON.stringify(body)}`);
      }
      for (const [path, body] of [
        ['/templates/standard/hdv', { source: { secret } }],
        [device(1), { model: { secret } }],
        [device(1), { model: secret, label: secret }],
        [device(1), { model: 'KX-HDV130N', site: [secret] }],
        ['', { name: 'Careful', options: { shared_family: secret } }],
        ['', { name: 'Careful', options: { retry_window_s: secret } }],
        ['', { name: 'Careful', options: { urls: { standard: { plain: [`{${secret}}`] } } } }],
        ['/models/KX-HDV130N', { profile: secret }],
        ['/models/KX-HDV130N', { family: secret }],
      ]) {
        const answer = await said(admin, 'PUT', `${base}${path}`, { body });
        assert.ok([400, 422].includes(answer.status), `${path}: ${answer.status} ${answer.text.slice(0, 200)}`);
      }
      await said(admin, 'POST', `${base}${device(1)}/notify`, { body: { event: [secret] } });
      await said(admin, 'POST', `${base}${device(1)}/notify`, { body: { event: `${secret} ` } });
      const query = `?reveal=${encodeURIComponent(secret)}`;
      assert.equal((await said(reader, 'GET', `${base}${device(1)}/settings${query}`)).status, 400);
      assert.equal((await said(reader, 'GET', `${base}/devices?${encodeURIComponent(secret)}=1`)).status, 400);
    }
  });

  it('is in no answer about a NOTIFY whose settings it spoils', async () => {
    let refused = 0;
    const good = { NOTIFY_AOR: 'sip:101@pbx.example', NOTIFY_USERNAME: '101' };
    for (const secret of Object.values(SECRETS)) {
      for (const name of ['NOTIFY_AOR', 'NOTIFY_ADDRESS', 'NOTIFY_ROUTE', 'NOTIFY_LINE', 'NOTIFY_HEADERS']) {
        // What is an address or a host is used as one, and a job's place is no secret: these are none.
        const value = name === 'NOTIFY_HEADERS' ? secret : `sip: ${secret}`;
        const stored = await put(device(1), { ...good, [name]: { secret: value.slice(0, 2048) } });
        assert.ok([200, 422].includes(stored.status), stored.text);
        const answer = await said(admin, 'POST', `${base}${device(1)}/notify`, { body: {} });
        assert.ok([202, 422].includes(answer.status), `${name}: ${answer.text}`);
        refused += stored.status === 422 || answer.status === 422;
      }
    }
    assert.ok(refused > 55, `${refused} were refused`);
    await put(device(1), { ...good, NOTIFY_PASSWORD: { secret: SECRETS.plain } });
    assert.equal((await said(admin, 'POST', `${base}${device(1)}/notify`, { body: {} })).status, 202);
    await said(reader, 'GET', `${base}/jobs`);
  });

  it("is nowhere after all that: not in the audit log, the log, D1, KV or the objects' own storage", async () => {
    await said(admin, 'GET', '/audit?limit=200');
    await said(reader, 'GET', `${base}/audit?limit=200`);
    await said(reader, 'GET', `${base}/events?limit=200`);
    clean('the log', worker.log);
    let files = 0;
    const walk = (folder) => {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) walk(path);
        else if (entry.isFile()) {
          files += 1;
          clean(path, readFileSync(path, 'latin1'));
        }
      }
    };
    walk(worker.persist);
    assert.ok(files > 3, `${files} files`);
  });
});
