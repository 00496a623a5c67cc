// Every family in one tenant that has no option about them: each phone asks as its maker made it, by its own names and
// with its own User-Agent, gets its key once, opens what is sealed by a program that is not ours, reads a change and the
// access path that it is to move to, and is told by its own event. What the phones ask in which order stands in
// families/<vendor>.mjs.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';

import { Api } from '../support/worker/api.mjs';
import { connectedRelay, untilJobEnded, poolAndTenant } from '../support/relay/notify.mjs';
import { opensslDecrypt, opensslDecryptEcb, opensslDecryptFixedIv, withoutFill } from '../support/openssl.mjs';
import { rawRequest, withoutRequestId } from '../support/worker/raw.mjs';
import { open8188 } from '../support/worker/reference.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { sipp } from '../support/sip/sipp.mjs';
import { eventually } from '../support/wait.mjs';

const folder = new URL('./families/', import.meta.url);
const names = readdirSync(folder);
const modules = await Promise.all(names.map((name) => import(new URL(name, folder))));
const phones = modules.flatMap((one) => one.families);

/** How a phone finds its key in its bootstrap, and what it does with a sealed file: by the profile's name. */
const OPENERS = {
  'utg-128': ['CFG_FILE_KEY', (file, key) => opensslDecrypt(file, key)],
  'gxp-256': ['P1359', (file, key) => opensslDecrypt(file, key, { bits: 256, base64: false })],
  'gxp-256-sha256': ['P1359', (file, key) => opensslDecrypt(file, key, { bits: 256, digest: 'sha256', base64: false })],
  'gxp-v2-256': ['provisioning.config.filePassword', (file, key) => opensslDecrypt(file, key, { bits: 256, base64: false })],
  'gxp-v2-256-sha256': [
    'provisioning.config.filePassword',
    (file, key) => opensslDecrypt(file, key, { bits: 256, digest: 'sha256', base64: false }),
  ],
  'spa-256': ['GPP_SA', (file, key) => opensslDecrypt(file, key, { bits: 256, base64: false })],
  'spa-256-gzip': ['GPP_SA', (file, key) => gunzipSync(opensslDecrypt(file, key, { bits: 256, base64: false }))],
  'spa-256-sha256': ['GPP_SA', (file, key) => opensslDecrypt(file, key, { bits: 256, digest: 'sha256', base64: false })],
  'spa-256-sha256-gzip': ['GPP_SA', (file, key) => gunzipSync(opensslDecrypt(file, key, { bits: 256, digest: 'sha256', base64: false }))],
  'mpp-8188': ['IKM_HTTP_Encrypt_Content', (file, key) => open8188(file, key)],
  'mpp-8188-16': ['IKM_HTTP_Encrypt_Content', (file, key) => open8188(file, key)],
  'mpp-8188-hex': ['IKM_HTTP_Encrypt_Content', (file, key) => open8188(file, Buffer.from(key, 'hex'))],
  'mpp-8188-base64url': ['IKM_HTTP_Encrypt_Content', (file, key) => open8188(file, Buffer.from(key, 'base64url'))],
  'obi-128': [['SPRM0', 'SPRM1'], (file, key) => opensslDecryptFixedIv(file, ...key.split(' '))],
  'yealink-ecb-128': ['static.auto_provision.aes_key_16.mac', (file, key) => withoutFill(opensslDecryptEcb(file, key))],
  'yealink-v85-ecb-128': ['static.auto_provision.aes_key.mac', (file, key) => withoutFill(opensslDecryptEcb(file, key))],
  'yealink-ecb-256': ['static.auto_provision.aes_key.mac', (file, key) => withoutFill(opensslDecryptEcb(file, key))],
  'yealink-v80-ecb-128': ['auto_provision.aes_key_16.mac', (file, key) => withoutFill(opensslDecryptEcb(file, key))],
};

/** The value of a parameter: of an element by its name or by its attribute, of a line, or of an element beside that of its name. */
function valueOf(text, name) {
  const escaped = name.replaceAll('.', '\\.');
  return new RegExp(
    `<(?:\\w+ name="${escaped}"|${escaped}(?: [^>]*)?)>([^<]*)</|^${escaped} = (.*)$|<N>${escaped}</N>\\s*<V>([^<]*)</V>`,
    'm',
  )
    .exec(text)
    ?.slice(1)
    .find(Boolean);
}

describe('families beside each other in a tenant without options', () => {
  let worker;
  let api;
  let t;
  let segment;
  let nobody;
  before(async () => {
    worker = await Ringfence.start();
    api = new Api(worker);
    // These tests make more requests in a minute than a minute has room for otherwise, and who asks twice in a full one is noted once.
    const options = { events_per_minute: 100_000 };
    t = `/tenants/${(await api.post('/tenants', { name: 'All', options })).id}`;
    ({ segment } = await api.post(`${t}/access-paths`, { label: 'all' }));
    nobody = withoutRequestId(await ask('0080F0FFFFFF.nothing'));
  });
  after(() => worker?.stop());

  const askUnder = (path, name, userAgent = 'curl/8.5.0') =>
    rawRequest(worker.port, `/${path}/${encodeURI(name)}`, { headers: [['User-Agent', userAgent]] });
  const ask = (name, userAgent) => askUnder(segment, name, userAgent);

  /** The keys that phones have taken, by their MAC. */
  const keys = new Map();

  /** What a phone reads of an answer: of a sealed one, what it opens with its key. */
  function readable(phone, wanted, answer, name) {
    assert.equal(answer.status, 200, `${name}: ${answer.body}`);
    if (!['sealed', 'shared'].includes(wanted)) return answer.body.toString();
    const [, open] = OPENERS[phone.profile];
    assert.equal(answer.header('content-encoding'), phone.profile?.startsWith('mpp-8188') ? 'aes128gcm' : undefined);
    assert.ok(!answer.body.includes(phone.settings.line_1_domain), `${name} is sealed`);
    return open(answer.body, keys.get(phone.mac)).toString();
  }

  /** All that a phone reads at one of its later boots, by the names it asks for. */
  async function booted(phone, path = segment) {
    const texts = new Map();
    for (const [name, wanted] of phone.again)
      if (wanted !== 'none') texts.set(name, readable(phone, wanted, await askUnder(path, name, phone.userAgent), name));
    return texts;
  }

  /** Of these the phone's own: what is there for several phones names no line. */
  function own(phone, texts) {
    const found = new Map([...texts].filter(([, text]) => text.includes(phone.settings.line_1_domain)));
    assert.ok(found.size > 0, `${phone.id} reads its line`);
    return found;
  }

  const added = async (phone) => {
    // Where the model's name suggests another family or no profile.
    if (phone.profile || phone.family) await api.put(`${t}/models/${phone.model}`, { family: phone.id, profile: phone.profile });
    const device = await api.put(`${t}/devices/${phone.mac}`, {
      model: phone.model,
      settings: phone.settings,
    });
    assert.deepEqual([device.family, device.profile], [phone.id, phone.profile]);
    assert.equal(device.checked.unused, undefined, JSON.stringify(device.checked));
  };

  /** What a phone asks at its first boot and at the next one, with what it must find: it has its key then. */
  async function firstBoot(phone) {
    let bootstrap;
    const asked = async ([name, wanted]) => {
      const answer = await ask(name, phone.userAgent);
      if (wanted === 'none') {
        assert.deepEqual(withoutRequestId(answer), nobody, name);
        return undefined;
      }
      const text = readable(phone, wanted, answer, name);
      if (wanted === 'carrier') {
        keys.set(phone.mac, phone.keyOf(answer.body));
        assert.match(keys.get(phone.mac), /^[A-Za-z0-9]{32}$/);
        // A user of three digits may be in the number of a port.
        const { line_1_domain: domain, line_1_password: password } = phone.settings;
        for (const word of [domain, password.secret]) assert.ok(!answer.body.includes(word), 'the key goes out alone');
      }
      if (!['sealed', 'shared'].includes(wanted)) return text;
      assert.notEqual(text, bootstrap);
      for (const part of keys.get(phone.mac).split(' ')) assert.ok(!text.includes(part), 'the key is in the bootstrap alone');
      if (wanted === 'sealed') phone.expect(text);
      return text;
    };
    let plain;
    for (const step of phone.boot) {
      const text = await asked(step);
      if (step[1] === 'bootstrap') {
        const [named] = OPENERS[phone.profile];
        const taken = [named].flat().map((parameter) => {
          const value = valueOf(text, parameter);
          assert.ok(value?.length >= 16, `${parameter} is in the bootstrap`);
          return value;
        });
        keys.set(phone.mac, taken.join(' '));
        phone.expect(text);
        bootstrap = text;
      }
      if (step[1] === 'plain' && text.includes(phone.settings.line_1_domain)) plain = text;
    }
    if (!phone.profile) phone.expect(plain);
    for (const step of phone.again) await asked(step);
  }

  it('are all played: each that there is has a phone in the module of its vendor', async () => {
    const { items } = await api.get('/families');
    const played = new Map(names.map((name, at) => [name, modules[at].families.map((one) => one.id)]));
    for (const { family, vendor } of items) {
      const name = `${vendor.toLowerCase()}.mjs`;
      assert.ok(played.get(name)?.includes(family), `families/${name} plays no phone of ${family}`);
    }
    assert.deepEqual(new Set([...played.values()].flat()), new Set(items.map((one) => one.family)));
  });

  for (const phone of phones) {
    it(`${phone.id}, ${phone.model}: boots, boots again, and nothing is burnt by probing`, async () => {
      await added(phone);
      for (const name of [...phone.never, ...phone.wrong])
        assert.deepEqual(withoutRequestId(await ask(name, phone.userAgent)), nobody, name);
      await firstBoot(phone);
      // It was there once, whoever asks.
      for (const [name, wanted] of phone.boot)
        if (['bootstrap', 'carrier'].includes(wanted)) {
          const late = await ask(name, 'curl/8.5.0');
          for (const part of keys.get(phone.mac).split(' ')) assert.ok(!late.body.toString().includes(part), name);
          if (wanted === 'carrier') assert.deepEqual(withoutRequestId(late), nobody, name);
        }
    });

    it(`${phone.id}, ${phone.model}: gets a change, and nothing but that`, async () => {
      const at = `${t}/devices/${phone.mac}`;
      const before = own(phone, await booted(phone));
      const { settings } = await api.get(`${at}/settings`);
      await api.put(`${at}/settings`, { settings: { ...settings, line_1_display_name: 'Changed 42' } });
      const file = await api.get(`${at}/files/standard/preview`);
      assert.ok(file.text.includes('Changed 42'), phone.id);
      assert.ok(!file.text.includes('e3#rl2'), 'a preview shows no password');
      const after = own(phone, await booted(phone));
      assert.deepEqual([...after.keys()], [...before.keys()]);
      for (const [name, text] of after) {
        const [now, then] = [text, before.get(name)].map((whole) => whole.split('\n'));
        assert.equal(now.length, then.length, name);
        const changed = now.filter((line, index) => line !== then[index]);
        assert.ok(changed.length > 0 && changed.every((line) => line.includes('Changed 42')), `${name}: ${changed.length} lines`);
      }
    });

    if (phone.profile)
      it(`${phone.id}, ${phone.model}: takes another key when it is re-keyed, and what was sealed is gone until then`, async () => {
        const at = `${t}/devices/${phone.mac}`;
        await api.put(`${at}/settings`, { settings: phone.settings });
        const old = keys.get(phone.mac);
        const plain = new Set(phone.boot.filter(([, wanted]) => !['sealed', 'shared'].includes(wanted)).map(([name]) => name));
        // A phone that never comes back to a name in clear must be brought there, and whoever re-keys it is told so before.
        const comes = phone.again.some(([name]) => plain.has(name));
        const { effects } = await api.post(`${at}/rekey?dry_run=true`);
        const { message } = await api.post(`${t}/operations?dry_run=true`, { selection: { macs: [phone.mac] }, action: 'rekey' });
        for (const text of [effects.map((effect) => effect.text).join(' '), message])
          assert.equal(/ was not reset asks for its sealed file alone/.test(text), !comes, text);
        await api.post(`${at}/rekey`);
        if (!comes) {
          const [[name]] = phone.again;
          const { next } = await api.post('/explain', { tenant: t.split('/').at(-1), mac: phone.mac, name });
          assert.match(next, / was not reset .*: (reset it, or )?enter `/);
        }
        // Where the sealed file has a name of its own, and the phone's rule goes on asking for that.
        for (const [name] of phone.keyOf ? [] : phone.again.filter(([name]) => !plain.has(name)))
          assert.deepEqual(withoutRequestId(await ask(name, phone.userAgent)), nobody, name);
        await firstBoot(phone);
        for (const part of keys.get(phone.mac).split(' ')) assert.ok(!old.includes(part), 'the key is another one');
      });
  }

  it('tells nobody without the access path which vendors there are, and within it no name of a device does', async () => {
    const colons = (own) => own.replace(/(..)(?=.)/g, '$1:');
    const names = phones.flatMap(({ mac: own, boot, again }) =>
      [...boot, ...again].map(([name]) => {
        const spellings = [own, own.toLowerCase(), colons(own), colons(own.toLowerCase())];
        const others = ['0080F0FFFFF1', '0080f0fffff1', '00:80:F0:FF:FF:F1', '00:80:f0:ff:ff:f1'];
        return spellings.reduce((text, spelling, at) => text.replaceAll(spelling, others[at]), name);
      }),
    );
    const shared = new Set(
      phones.flatMap((phone) =>
        phone.boot
          .filter(([name, answer]) => answer === 'plain' && !name.toLowerCase().includes(phone.mac.toLowerCase()))
          .map(([name]) => name),
      ),
    );
    for (const name of new Set(names)) if (!shared.has(name)) assert.deepEqual(withoutRequestId(await ask(name)), nobody, name);
    // What a phone asks for before it says which it is, whoever holds the access path finds: and nobody else.
    const empty = await api.post('/tenants', { name: 'No phones' });
    const { segment: other } = await api.post(`/tenants/${empty.id}/access-paths`, { label: 'empty' });
    assert.ok(shared.size > 5);
    for (const name of shared) {
      assert.equal((await ask(name)).status, 200, name);
      for (const path of [other, 'x'.repeat(segment.length), name])
        assert.deepEqual(withoutRequestId(await askUnder(path, name)), nobody, `${name} under another access path`);
      assert.deepEqual(withoutRequestId(await rawRequest(worker.port, `/${encodeURI(name)}`)), nobody, `${name} under none`);
    }
  });

  describe('when the tenant has its phones move to another access path', () => {
    let target;
    const old = new Map();
    before(async () => {
      for (const phone of phones) old.set(phone.mac, own(phone, await booted(phone)));
      target = await api.post(`${t}/access-paths`, { label: 'next', target: true });
    });

    for (const phone of phones) {
      it(`${phone.id}, ${phone.model}: ${phone.namesItsUrl === false ? 'names no URL, and changes in nothing' : 'is told it where it asks, and asks there'}`, async () => {
        const told = own(phone, await booted(phone));
        for (const [name, text] of told) {
          const then = old.get(phone.mac).get(name);
          if (phone.namesItsUrl === false) {
            assert.equal(text, then, name);
            assert.ok(![segment, target.segment].some((path) => text.includes(path)), `${name} names none`);
            continue;
          }
          assert.ok(then.includes(segment) && !then.includes(target.segment), `${name} named where it was asked`);
          // Nothing else is new, and the old one is nowhere any more.
          assert.equal(text, then.replaceAll(segment, target.segment), name);
        }
        assert.deepEqual(own(phone, await booted(phone, target.segment)), told);
      });
    }

    it('shows that all have moved', async () => {
      const { moved, not_moved } = await eventually(
        () => api.get(`${t}/access-paths/${target.id}/target`),
        (progress) => progress.not_moved === 0,
        'all have moved',
      );
      assert.deepEqual([moved, not_moved], [phones.length, 0]);
    });
  });
});

describe('a NOTIFY to phones of every family', () => {
  let worker;
  let api;
  let here;
  let relay;
  before(async () => {
    worker = await Ringfence.start();
    api = new Api(worker);
    here = await poolAndTenant(worker, api);
    relay = await connectedRelay({ port: worker.port, credential: here.relays[0].credential });
  });
  after(async () => {
    await relay?.stop();
    await worker?.stop();
  });

  for (const phone of new Map(phones.map((one) => [one.id, one])).values()) {
    it(`${phone.id}: has the event that its maker made`, async () => {
      const sip = await sipp('answer', { keys: { status: '481 Gone' } });
      try {
        await api.put(`${here.at}/devices/${phone.mac}`, {
          model: phone.model,
          settings: { ...phone.settings, NOTIFY_AOR: `sip:${phone.id}@pbx.test`, NOTIFY_ADDRESS: sip.address },
        });
        const told = async (body) => {
          const { job } = await api.post(`${here.at}/devices/${phone.mac}/notify`, body);
          await untilJobEnded(api, here.at, job.id);
        };
        await told({});
        const events = () => sip.lines().map((line) => /event=(\S+)/.exec(line)?.[1]);
        assert.equal(events()[0], phone.event);
        const restart = await api.call('POST', `${here.at}/devices/${phone.mac}/notify`, { body: { restart: true } });
        if (phone.restart === null) return assert.equal(restart.status, 422, restart.text);
        assert.ok(restart.status < 300, restart.text);
        await untilJobEnded(api, here.at, restart.body.job.id);
        assert.equal(events().at(-1), phone.restart);
      } finally {
        await sip.end();
      }
    });

    // As these come from their factories.
    if (phone.challenges)
      it(`${phone.id}: wants to know who asks, and is answered with the user and the password of its line 1`, async () => {
        const [name] = phone.boot.find(([, wanted]) => wanted === 'bootstrap') ?? phone.boot.at(-1);
        const url = new URL(here.tenant.path(name), worker.http).href;
        const sip = await sipp('challenge', { keys: { username: '201-auth', password: 'e3rl2ae1', url } });
        try {
          await api.put(`${here.at}/devices/${phone.mac}`, {
            model: phone.model,
            settings: {
              ...phone.settings,
              line_1_auth_user: '201-auth',
              line_1_password: { secret: 'e3rl2ae1' },
              NOTIFY_ADDRESS: sip.address,
            },
          });
          const { job } = await api.post(`${here.at}/devices/${phone.mac}/notify`, {});
          assert.equal((await untilJobEnded(api, here.at, job.id)).state, 'fetched');
          assert.match(sip.lines().join('\n'), /^authorized cseq=2$/m);
        } finally {
          await sip.end();
        }
      });
  }
});
