// The URL in a device's own file: that of the access path it was asked under, or of the one that the tenant's
// phones are to move to, by the names of the tenant and the scheme that the phone can follow; and that nobody else learns it.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { XML, element } from '../support/worker/content.mjs';
import { opensslDecrypt } from '../support/openssl.mjs';
import { rawRequest, withoutRequestId } from '../support/worker/raw.mjs';
import { Ringfence, newMasterKey } from '../support/worker/ringfence.mjs';
import { mac, seedDevice, seedTenant } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

const EVENT = /^(INSERT INTO (event_minutes|phone_events|access_path_devices)|UPDATE devices SET (fetched_version|last_seen_at))/;
const URLS = ['base', 'host', 'hostname', 'origin', 'path', 'plain', 'port', 'sealed', 'standard', 'without_scheme'];
const named = URLS.map((name) => `<URL_${name.toUpperCase()}>{{ urls.${name} }}</URL_${name.toUpperCase()}>`).join('');
const TEMPLATES = {
  ...XML,
  'standard/utg': `<PANASIPPhoneConfig><Device><Phone>${named}</Phone></Device></PANASIPPhoneConfig>\n`,
};

/** A tenant whose phones' files name their URL, and a second access path beside the seeded one. */
async function tenantWithTwo(worker, api, options = {}) {
  const tenant = await seedTenant(worker, { templates: TEMPLATES, ...options });
  const t = `/tenants/${tenant.id}`;
  const made = await api.post(`${t}/access-paths`, { label: 'new' });
  const [{ id }] = (await api.get(`${t}/access-paths`)).items;
  const old = { id, segment: tenant.accessPath };
  return { tenant, t, old, fresh: { id: made.id, segment: made.segment, url: made.url } };
}

describe("the URL in a device's file", () => {
  let worker;
  let api;
  let tenant;
  let t;
  let old;
  let fresh;
  let phone;
  /** Every segment there is: none of them may be found anywhere in clear. */
  const segments = new Set();
  const origin = () => `http://127.0.0.1:${worker.port}`;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
    api = new Api(worker);
    ({ tenant, t, old, fresh } = await tenantWithTwo(worker, api));
    phone = await seedDevice(worker, tenant, { mac: mac(1), state: 'delivered' });
    for (const { segment } of [old, fresh]) segments.add(segment);
  });
  after(() => worker?.stop());

  const ask = ({ segment }, name, options) => rawRequest(worker.port, `/${segment}/${name}`, options);
  const sealed = (path, options) => ask(path, `Config${phone.mac}.enc`, options);
  const opened = (answer, key = phone.key) => {
    assert.equal(answer.status, 200);
    return opensslDecrypt(answer.body, key).toString();
  };
  const names = (xml) => element(xml, 'URL_BASE').split('/').at(-1);
  const kept = async (of = phone.mac) => {
    const keys = await worker.ask('kvList', { prefix: `f1:${tenant.id}:standard:sealed:${of}` });
    return Object.fromEntries(keys.map(({ name, metadata }) => [name, JSON.parse(metadata)]));
  };
  const settled = (count) =>
    eventually(kept, (all) => Object.keys(all).length === count && Object.values(all).every((meta) => meta.c === true));
  /** What one request costs before its answer and, but for its event, afterwards. */
  async function cost(path) {
    await worker.probe({ reset: true });
    const answer = await sealed(path);
    await new Promise((resolve) => setTimeout(resolve, 250));
    const { kvReads, kvWrites, encryptions, sql } = await worker.probe({ reset: true });
    return { answer, kvReads, kvWrites, encryptions, sql: sql.filter((text) => !EVENT.test(text)) };
  }

  it('is that of the access path it was asked under, in the pieces that phones take', async () => {
    const authority = `127.0.0.1:${worker.port}`;
    for (const [index, path] of [old, fresh].entries()) {
      const xml = opened(await sealed(path));
      assert.deepEqual(
        URLS.map((name) => element(xml, `URL_${name.toUpperCase()}`)),
        [
          `${origin()}/${path.segment}`,
          authority,
          '127.0.0.1',
          origin(),
          path.segment,
          `${origin()}/${path.segment}/Config${phone.mac}.cfg`,
          String(worker.port),
          `${origin()}/${path.segment}/Config${phone.mac}.enc`,
          `${origin()}/${path.segment}/Config${phone.mac}.cfg`,
          `${authority}/${path.segment}`,
        ],
      );
      // The first one lies there before the second one comes.
      await eventually(kept, (all) => Object.keys(all).length === index + 1);
    }
  });

  it('makes two files of it, each with its own ETag, which lie beside each other', async () => {
    const all = await settled(2);
    const places = Object.values(all).map((meta) => meta.u);
    assert.deepEqual(
      new Set(places.map((place) => JSON.stringify(place))),
      new Set([old, fresh].map(({ id }) => JSON.stringify({ a: id, o: origin() }))),
    );
    const [first, second] = [await sealed(old), await sealed(fresh)];
    assert.notEqual(first.header('etag'), second.header('etag'));
    const again = (path, etag) => sealed(path, { headers: [['If-None-Match', etag]] });
    assert.equal((await again(old, first.header('etag'))).status, 304);
    assert.equal((await again(fresh, second.header('etag'))).status, 304);
    assert.equal((await again(fresh, first.header('etag'))).status, 200);
  });

  it('costs the hot path nothing, and another access path in turn one KV read more', async () => {
    for (const path of [old, fresh, old, fresh]) {
      const { answer, kvReads, kvWrites, encryptions, sql } = await cost(path);
      assert.equal(names(opened(answer)), path.segment);
      assert.deepEqual({ kvWrites, encryptions, sql }, { kvWrites: 0, encryptions: 0, sql: [] });
      assert.equal(kvReads, path === old ? 2 : 3);
    }
  });

  it('is not in a file whose template does not name it: that one lies there once for all', async () => {
    const product = (path) => ask(path, `Product${phone.mac}.enc`);
    const [first, second] = [await product(old), await product(fresh)];
    assert.deepEqual(first.body, second.body);
    const prefix = `f1:${tenant.id}:product:sealed:`;
    const keys = await eventually(
      () => worker.ask('kvList', { prefix }),
      (list) => list.length === 1,
    );
    assert.equal(JSON.parse(keys[0].metadata).u, undefined);
  });

  it('is in the bootstrap too, and the sealed file lies ready for where it was asked', async () => {
    const one = await seedDevice(worker, tenant, { mac: mac(2) });
    const bootstrap = await ask(fresh, `Config${one.mac}.cfg`);
    assert.equal(names(bootstrap.body.toString()), fresh.segment);
    const all = await eventually(
      () => kept(one.mac),
      (found) => Object.keys(found).length === 1,
    );
    assert.equal(Object.values(all)[0].u.a, fresh.id);
    assert.equal(names(opened(await ask(fresh, `Config${one.mac}.enc`), one.key)), fresh.segment);
    assert.equal(names(opened(await ask(old, `Config${one.mac}.enc`), one.key)), old.segment);
  });

  it('goes with the device: a change of it takes out both files', async () => {
    await settled(2);
    await api.put(`${t}/devices/${phone.mac}/settings`, { settings: { X: '1' } });
    assert.deepEqual(await kept(), {});
    assert.equal(names(opened(await sealed(fresh))), fresh.segment);
    assert.equal(names(opened(await sealed(old))), old.segment);
    await api.post(`${t}/devices/${phone.mac}/rekey`);
    assert.deepEqual(await kept(), {});
    const bootstrap = (await ask(old, `Config${phone.mac}.cfg`)).body.toString();
    phone.key = element(bootstrap, 'CFG_FILE_KEY');
    for (const path of [old, fresh]) assert.equal(names(opened(await sealed(path))), path.segment);
  });

  it('is a stand-in wherever an operator looks', async () => {
    for (const path of ['effective', 'lint', 'files/standard/preview', 'files/standard/preview?reveal=true']) {
      const answer = await api.call('GET', `${t}/devices/${phone.mac}/${path}`);
      assert.equal(answer.status, 200, answer.text);
      for (const segment of segments) assert.ok(!answer.text.includes(segment), path);
      if (path !== 'lint') assert.ok(answer.text.includes('/ACCESS-PATH'), answer.text);
    }
  });

  it('in letters that the template changed fails the file, and what is said of it is without the access path', async () => {
    const source = TEMPLATES['standard/utg'].replace('{{ urls.base }}', '{{ urls.base|upper }}');
    const put = await api.call('PUT', `${t}/templates/standard/utg`, { body: { source } });
    assert.equal(put.status, 422, put.text);
    assert.match(put.text, /cannot? |not change the letters/);
  });

  it('of another access path is never the last good file', async () => {
    const one = await seedDevice(worker, tenant, { mac: mac(3), state: 'confirmed' });
    const get = (path) => ask(path, `Config${one.mac}.enc`);
    const good = await get(old);
    await eventually(
      () => kept(one.mac),
      (all) => Object.keys(all).length === 1,
    );
    const set = (source) =>
      worker.sql("UPDATE file_templates SET source = ?2 WHERE tenant_id = ?1 AND kind = 'standard'", tenant.id, source);
    await set('<PANASIPPhoneConfig><Device>{{ urls.base }}{{ NOT_SET }}</Device></PANASIPPhoneConfig>');
    await tenant.changed();
    const last = await get(old);
    assert.deepEqual([last.status, last.body], [200, good.body]);
    assert.equal((await get(fresh)).status, 503);
    await set(TEMPLATES['standard/utg']);
    await tenant.changed();
    assert.equal(names(opened(await get(fresh), one.key)), fresh.segment);
  });

  it('is in files in clear, which are wrapped where they are kept', async () => {
    const own = '000413A11FA7';
    await api.put(`${t}/devices/${own}`, { model: 'snomD345' });
    const server = async (path) => element((await ask(path, `${own}.xml`)).body.toString(), 'setting_server');
    for (const [index, path] of [old, fresh].entries()) {
      assert.equal(await server(path), `${origin()}/${path.segment}/{mac}.xml`);
      await eventually(
        () => worker.ask('kvList', { prefix: `f1:${tenant.id}:standard:plain:${own}` }),
        (keys) => keys.length === index + 1,
      );
    }
    for (const path of [old, fresh]) assert.equal(await server(path), `${origin()}/${path.segment}/{mac}.xml`);
    for (const path of [old, fresh]) {
      await ask(path, `${own}.xml`);
      await worker.probe({ reset: true });
      await ask(path, `${own}.xml`);
      await new Promise((resolve) => setTimeout(resolve, 250));
      const { kvReads, sql } = await worker.probe({ reset: true });
      assert.deepEqual([kvReads, sql.filter((text) => !EVENT.test(text))], [path === old ? 2 : 3, []]);
    }
  });

  it('follows the names that the tenant gives a family', async () => {
    const own = '000413A11FA8';
    const { name, options } = await api.get(t);
    const put = (family_urls) => api.put(t, { name, options: { ...options, family_urls } });
    await put({ snom: { standard: { plain: ['snom/{MAC}.xml'] } }, htek: { standard: { plain: ['ht/cfg{mac}.xml'] } } });
    await api.put(`${t}/devices/${own}`, { model: 'snomD345' });
    await api.put(`${t}/devices/001FC11C22A9`, { model: 'UC903' });
    const file = async (path) => (await ask(old, path)).body.toString();
    assert.equal(element(await file(`snom/${own}.xml`), 'setting_server'), `${origin()}/${old.segment}/snom/{mac}.xml`);
    assert.equal(element(await file('ht/cfg001fc11c22a9.xml'), 'P237'), `${origin()}/${old.segment}/ht`);
    await put({});
  });

  /** The text of an element or of an OBi's parameter, or the value of an attribute. */
  const said = (text, name) =>
    new RegExp(`<${name}[ >][^<]*?>?([^<>]*)</|<N>${name}</N>\\s*<V>([^<]*)</V>| ${name}="([^"]*)"`).exec(text)?.slice(1).find(Boolean);

  it('leads phones that are told the name of their own file by their model’s, or by an index, to the names of the tenant', async () => {
    const { name, options } = await api.get(t);
    const family_urls = {
      spa: { standard: { plain: ['c/Spa{MAC}x.cfg'], sealed: ['c/{mac}-s.enc', 'c/{mac}.enc'] } },
      mpp: { standard: { plain: ['m/{MODEL}-{mac}.xml'] } },
      obi: { standard: { plain: ['o/{MAC}.xml', 'o/{mac}.xml'], sealed: ['o/s-{MAC}.aes'] } },
      poly: { initial: { plain: ['p/{mac}.cfg', 'p/000000000000.cfg'] }, standard: { plain: ['p/{mac}-acme.cfg'] } },
    };
    const put = (urls) => api.call('PUT', t, { body: { name, options: { ...options, family_urls: urls } } });
    const accepted = await put(family_urls);
    assert.equal(accepted.status, 200, accepted.text);
    await api.put(`${t}/models/OBi504vs`, { family: 'obi', profile: 'obi-128' });
    const RULE = 'Profile_Rule';
    for (const { model, own, asks, initial, plain, sealed, rule, replaced } of [
      {
        model: 'SPA504G',
        own: '0002FDFF2199',
        asks: 'spa504G.cfg',
        initial: 'c/Spa$(MAU)x.cfg',
        plain: 'c/Spa0002FDFF2199x.cfg',
        sealed: 'c/0002fdff2199-s.enc',
        rule: RULE,
        replaced: { '$(MAU)': '0002FDFF2199' },
      },
      {
        model: '8841-3PCC',
        own: '00562B043699',
        asks: '8841-3PCC.xml',
        initial: 'm/$PN-$MA.xml',
        plain: 'm/8841-3PCC-00562b043699.xml',
        sealed: 'm/8841-3PCC-00562b043699.xml',
        rule: RULE,
        replaced: { $PN: '8841-3PCC', $MA: '00562b043699' },
      },
      {
        model: 'OBi504vs',
        own: '9CADEFABCD99',
        asks: 'OBi504vs.xml',
        initial: 'o/$MAC.xml',
        plain: 'o/9cadefabcd99.xml',
        sealed: 'o/s-9CADEFABCD99.aes',
        rule: 'ConfigURL',
        // In which case it writes its MAC nobody knows.
        replaced: { $MAC: '9cadefabcd99' },
      },
    ]) {
      await api.put(`${t}/devices/${own}`, { model });
      const base = `${origin()}/${old.segment}/`;
      const first = (await ask(old, asks)).body.toString();
      const told = said(first, rule);
      assert.equal(told, base + initial);
      const next = Object.entries(replaced).reduce((text, [macro, value]) => text.replace(macro, value), told);
      assert.equal(next, base + plain);
      const bootstrap = await ask(old, next.slice(base.length));
      assert.equal(bootstrap.status, 200, `${model}: ${next}`);
      const then = said(bootstrap.body.toString(), rule).split(' ').at(-1);
      assert.equal(then.replace('$MA.', `${own.toLowerCase()}.`), base + sealed);
      assert.equal((await ask(old, sealed)).status, 200, `${model}: ${sealed}`);
    }
    await api.put(`${t}/devices/64167FABCD99`, { model: 'VVX400' });
    const listed = async (index) => said((await ask(old, index)).body.toString(), 'CONFIG_FILES');
    // Beside the index.
    assert.equal(await listed('p/64167fabcd99.cfg'), '64167fabcd99-acme.cfg');
    assert.equal(await listed('p/000000000000.cfg'), '[PHONE_MAC_ADDRESS]-acme.cfg');
    const poly = await ask(old, 'p/64167fabcd99-acme.cfg');
    assert.equal(said(poly.body.toString(), 'device\\.prov\\.serverName'), `127.0.0.1:${worker.port}/${old.segment}/p`);
    for (const [changed, why] of [
      [
        { obi: { standard: { plain: ['o/{MAC}.xml'] } } },
        /family obi cannot be told the name o\/\{MAC\}\.xml: .* give the name o\/\{mac\}\.xml beside it/,
      ],
      [{ poly: { standard: { plain: ['p/{mac}-acme.cfg'] } } }, /put `initial` and `standard` into one folder/],
      [{ spa: { standard: { plain: ['{mac}-{fwver}.cfg'] } } }, /\{fwver\} is nothing that these phones put into a name/],
      // Its sealed file would have no name.
      [{ obi: { standard: { plain: ['o/{MAC}.xml', 'o/{mac}.xml'] } } }, /urls\.sealed/],
    ]) {
      const refused = await put({ ...family_urls, ...changed });
      assert.equal(refused.status, 422, refused.text);
      assert.match(refused.text, why);
    }
    assert.equal((await put({})).status, 200);
    for (const own of ['0002FDFF2199', '00562B043699', '9CADEFABCD99', '64167FABCD99']) await api.delete(`${t}/devices/${own}`);
  });

  it('tells a stranger nothing: a refusal costs the same, and another tenant’s access path opens nothing', async () => {
    const own = '000413A11FA7';
    const other = await tenantWithTwo(worker, api);
    for (const { segment } of [other.old, other.fresh]) segments.add(segment);
    const refusal = async (path, name) => {
      await ask(path, name);
      await worker.probe({ reset: true });
      const answer = await ask(path, name);
      await new Promise((resolve) => setTimeout(resolve, 150));
      const { sql, read, kvReads } = await worker.probe({ reset: true });
      const before = sql.map((text, at) => [text, read[at]]).filter(([text]) => !/^(INSERT|UPDATE|DELETE)/.test(text));
      assert.equal(answer.status, 404);
      return { answer: withoutRequestId(answer), kvReads, before };
    };
    // A name of another family, where a file lies ready for another access path; and a MAC that nobody has.
    await ask(old, `${own}.xml`);
    const nobody = await refusal(fresh, `cfg${mac(0xffff).toLowerCase()}.xml`);
    assert.deepEqual(await refusal(fresh, `cfg${own.toLowerCase()}.xml`), nobody);
    for (const path of [other.old, other.fresh]) {
      assert.equal((await ask(path, `${own}.xml`)).status, 404);
      assert.equal((await ask(path, `Config${phone.mac}.enc`)).status, 404);
    }
  });

  describe('where the tenant names the access path that its phones are to move to', () => {
    const target = (path) => `${t}/access-paths/${path.id}/target`;
    const progress = async () => {
      const { moved, not_moved, items } = await api.get(target(fresh));
      return { moved, not_moved, macs: items.map((item) => item.mac) };
    };

    it('takes the access path once more, which nobody has stored', async () => {
      assert.equal((await api.call('GET', target(fresh))).status, 404);
      const put = (body) => api.call('PUT', target(fresh), { body });
      for (const body of [{}, { url: old.segment }, { url: `https://a.example/${old.segment}/` }]) {
        const answer = await put(body);
        assert.equal(answer.status, 422, answer.text);
        for (const segment of segments) assert.ok(!answer.text.includes(segment));
      }
      const answer = await put({ url: fresh.url });
      assert.equal(answer.status, 200, answer.text);
      assert.ok(answer.body.target_since > 0);
      assert.ok(!answer.text.includes(fresh.segment));
      assert.equal((await put({})).body.target_since, answer.body.target_since, 'it changes nothing the second time');
      const paths = (await api.get(`${t}/access-paths`)).items;
      assert.deepEqual(
        paths.map((path) => path.target_since !== null),
        [false, true],
      );
      const entries = (await api.get(`${t}/audit?object=access-paths/${fresh.id}`)).items;
      assert.deepEqual(
        [entries[0].action, entries[0].before, entries[0].after],
        ['access-path.target', { target: null }, { target: fresh.id, segment_stored: true }],
      );
    });

    it('is that one under whichever it was asked, from the next request on, and is kept once', async () => {
      const answers = [await sealed(old), await sealed(fresh), await sealed(old)];
      for (const answer of answers) assert.equal(names(opened(answer)), fresh.segment);
      assert.equal(new Set(answers.map((answer) => answer.header('etag'))).size, 1);
      await eventually(kept, (all) => all[`f1:${tenant.id}:standard:sealed:${phone.mac}`]?.c === true);
      for (const path of [old, fresh]) {
        const { kvReads, sql, encryptions } = await cost(path);
        assert.deepEqual({ kvReads, sql, encryptions }, { kvReads: 2, sql: [], encryptions: 0 });
      }
      const own = '000413A11FA7';
      assert.equal(element((await ask(old, `${own}.xml`)).body.toString(), 'setting_server'), `${origin()}/${fresh.segment}/{mac}.xml`);
    });

    it('is in initial files and bootstraps too', async () => {
      const initial = async (name) => element((await ask(old, name)).body.toString(), 'CFG_STANDARD_FILE_PATH');
      assert.equal(await initial(`Initial${phone.mac}.cfg`), `${origin()}/${fresh.segment}/Config${phone.mac}.cfg`);
      assert.ok((await initial('KX-UTG300B.cfg')).startsWith(`${origin()}/${fresh.segment}/`));
      const one = await seedDevice(worker, tenant, { mac: mac(4) });
      assert.equal(names((await ask(old, `Config${one.mac}.cfg`)).body.toString()), fresh.segment);
    });

    it('shows who has moved and who has not', async () => {
      // Uses are noted to the hour: begin anew.
      const moving = await tenantWithTwo(worker, api);
      for (const { segment } of [moving.old, moving.fresh]) segments.add(segment);
      const phones = [];
      for (const number of [11, 12, 13, 14])
        phones.push(await seedDevice(worker, moving.tenant, { mac: mac(number), state: 'confirmed', disabled: number === 14 ? 1 : 0 }));
      const get = (path, one) => ask(path, `Config${one.mac}.enc`);
      const at = `${moving.t}/access-paths/${moving.fresh.id}/target`;
      await api.put(at, { url: moving.fresh.segment });
      const shown = (query = '') => api.get(`${at}${query}`);
      const count = async () => {
        const { moved, not_moved } = await shown();
        return [moved, not_moved];
      };
      assert.deepEqual(await count(), [0, 3], 'one that is disabled does not count');
      await get(moving.old, phones[0]);
      await get(moving.old, phones[1]);
      await eventually(shown, ({ items }) => items.filter((item) => item.access_path === moving.old.id).length === 2);
      await get(moving.fresh, phones[0]);
      await eventually(count, ([moved]) => moved === 1);
      const { since, items, next } = await shown();
      assert.ok(since > 0 && next === null);
      assert.deepEqual(
        items.map((item) => [item.mac, item.model, item.access_path, item.last_used_at > 0]),
        [
          [phones[1].mac, 'KX-UTG300B', moving.old.id, true],
          [phones[2].mac, 'KX-UTG300B', null, false],
        ],
      );
      const first = await shown('?limit=1');
      assert.equal(first.items[0].mac, phones[1].mac);
      const second = await shown(`?limit=1&cursor=${first.next}`);
      assert.deepEqual([second.items.map((item) => item.mac), second.next], [[phones[2].mac], null]);
      // Who goes back has not moved.
      await worker.sql('UPDATE access_path_devices SET last_at = last_at - 7200000');
      await worker.restart();
      await get(moving.old, phones[0]);
      await eventually(count, ([moved]) => moved === 0);
    });

    it('neither goes nor ends while it is named', async () => {
      const at = `${t}/access-paths/${fresh.id}`;
      for (const [method, body] of [
        ['DELETE', undefined],
        ['PUT', { label: 'x', expires_at: Date.now() + 60_000 }],
      ]) {
        const answer = await api.call(method, at, { body });
        assert.equal(answer.status, 409, answer.text);
        assert.match(answer.body.detail, /Have them move to another one/);
      }
      assert.equal((await api.put(at, { label: 'x' })).target_since > 0, true);
      assert.equal(names(opened(await sealed(old))), fresh.segment);
      const ends = await api.post(`${t}/access-paths`, { label: 'ends', expires_at: Date.now() + 60_000 });
      segments.add(ends.segment);
      assert.equal((await api.call('PUT', `${t}/access-paths/${ends.id}/target`, { body: { url: ends.url } })).status, 409);
      const both = { label: 'both', expires_at: Date.now() + 60_000, target: true };
      assert.equal((await api.call('POST', `${t}/access-paths`, { body: both })).status, 422);
      await api.delete(`${t}/access-paths/${ends.id}`);
    });

    it('outlives the one before: a phone that asked once is told the new one, and the old one is the refusal', async () => {
      const one = await seedDevice(worker, tenant, { mac: mac(5), state: 'confirmed' });
      const told = names(opened(await ask(old, `Config${one.mac}.enc`), one.key));
      assert.equal(told, fresh.segment);
      await api.delete(`${t}/access-paths/${old.id}`);
      assert.equal((await ask(old, `Config${one.mac}.enc`)).status, 404);
      assert.equal(names(opened(await ask({ segment: told }, `Config${one.mac}.enc`), one.key)), fresh.segment);
    });

    it('is another one as soon as that is named, also when it is made', async () => {
      const next = await api.post(`${t}/access-paths`, { label: 'next', target: true });
      segments.add(next.segment);
      assert.ok(next.target_since > 0);
      const paths = (await api.get(`${t}/access-paths`)).items;
      assert.deepEqual(
        paths.map((path) => [path.id, path.target_since !== null]),
        [
          [fresh.id, false],
          [next.id, true],
        ],
      );
      assert.equal(names(opened(await sealed(fresh))), next.segment);
      const entries = (await api.get(`${t}/audit?object=access-paths/${next.id}`)).items;
      assert.deepEqual(
        entries.map((entry) => entry.action),
        ['access-path.target', 'access-path.create'],
      );
      assert.deepEqual(entries[0].before, { target: fresh.id });
      await api.put(`${t}/access-paths/${fresh.id}/target`, {});
      assert.equal(names(opened(await sealed(next))), fresh.segment, 'its segment is stored since');
      assert.deepEqual((await progress()).macs.includes(phone.mac), true);
      await api.delete(`${t}/access-paths/${fresh.id}/target`);
      await api.delete(`${t}/access-paths/${fresh.id}/target`);
      for (const path of [fresh, next]) assert.equal(names(opened(await sealed(path))), path.segment);
      assert.equal((await api.call('GET', target(fresh))).status, 404);
    });

    it('is where a device is sent on to that came from another tenant', async () => {
      const from = await tenantWithTwo(worker, api);
      const to = await tenantWithTwo(worker, api);
      for (const { segment } of [from.old, from.fresh, to.old, to.fresh]) segments.add(segment);
      const one = await seedDevice(worker, from.tenant, { mac: mac(6), state: 'confirmed' });
      const moved = await api.post(`${from.t}/devices/${one.mac}/move`, { tenant: to.tenant.id, forward: { url: to.old.segment } });
      assert.equal(moved.forward.access_path, to.old.id);
      const initial = async () => element((await ask(from.old, `Initial${one.mac}.cfg`)).body.toString(), 'CFG_STANDARD_FILE_PATH');
      assert.ok((await initial()).startsWith(`${origin()}/${to.old.segment}/`));
      await api.put(`${to.t}/access-paths/${to.fresh.id}/target`, { url: to.fresh.segment });
      assert.ok((await initial()).startsWith(`${origin()}/${to.fresh.segment}/`));
      assert.equal(names(opened(await ask(to.old, `Config${one.mac}.enc`), one.key)), to.fresh.segment);
      await api.delete(`/tenants/${to.tenant.id}/access-paths/${to.old.id}`);
    });

    it('is wrapped under the next master key with everything else', async () => {
      const made = await api.post(`${t}/access-paths`, { label: 'rotated', target: true });
      segments.add(made.segment);
      const first = worker.options.secrets.MASTER_KEY;
      const second = newMasterKey('k2');
      await worker.restart({ secrets: { MASTER_KEY: second, MASTER_KEY_PREVIOUS: first } });
      for (let turn = 0; (await api.post('/rotation', { limit: 90 })).remaining > 0; turn += 1) assert.ok(turn < 20, 'it ends');
      await worker.restart({ secrets: { MASTER_KEY: second, MASTER_KEY_PREVIOUS: '' } });
      assert.equal(names(opened(await sealed(made))), made.segment);
      const [row] = await worker.sql('SELECT master FROM access_paths WHERE id = ?1', made.id);
      assert.equal(row.master, 'k2');
    });

    it('does not open where the row was changed: 503 and no other URL', async () => {
      const [{ id, segment }] = await worker.sql(
        'SELECT id, segment FROM access_paths WHERE tenant_id = ?1 AND target_since IS NOT NULL',
        tenant.id,
      );
      const [{ other }] = await worker.sql(
        'SELECT segment AS other FROM access_paths WHERE tenant_id = ?1 AND id <> ?2 AND segment IS NOT NULL',
        tenant.id,
        id,
      );
      const set = (value) => worker.sql('UPDATE access_paths SET segment = ?2 WHERE id = ?1', id, value);
      await set(other);
      await tenant.changed();
      assert.equal((await sealed(fresh)).status, 503);
      assert.equal((await ask(fresh, `Product${phone.mac}.enc`)).status, 200, 'what names no URL is served');
      await set(segment);
      assert.equal((await sealed(fresh)).status, 200);
    });
  });

  it('is nowhere in clear after all that: not in the log, in D1, in KV or in an object', async () => {
    assert.ok(segments.size > 8);
    const found = (text) => [...segments].find((segment) => text.includes(segment));
    assert.equal(found(worker.log), undefined);
    let files = 0;
    const walk = (folder) => {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) walk(path);
        else if (entry.isFile()) {
          files += 1;
          assert.equal(found(readFileSync(path, 'latin1')), undefined, path);
        }
      }
    };
    walk(worker.persist);
    assert.ok(files > 3, `${files} files`);
  });
});

describe('the URL in a sealed file that was asked for over plain HTTP', () => {
  const KEY = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';
  const OWN = '0002FDFF2103';
  const headers = [['Host', 'phones.example']];
  let worker;
  let api;
  let t;
  let path;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
    api = new Api(worker);
    t = `/tenants/${(await api.post('/tenants', { name: 'Old phones', options: { sealed_over_http: true } })).id}`;
    path = await api.post(`${t}/access-paths`, { label: 'old' });
    await api.put(`${t}/devices/${OWN}`, { model: 'SPA504G' });
    await api.post(`${t}/devices/${OWN}/import-key`, { key: KEY });
  });
  after(() => worker?.stop());

  const overHttp = (name, more = []) => rawRequest(worker.port, `/${path.segment}/${name}`, { headers: [...headers, ...more] });
  const overHttps = (name, more = []) =>
    rawRequest(new URL(worker.https).port, `/${path.segment}/${name}`, { secure: true, headers: [...headers, ...more] });
  const ruleOf = (text) => /<Profile_Rule ua="na">([^<]*)</.exec(text)?.[1];
  const rule = (answer, key = KEY) => {
    assert.equal(answer.status, 200);
    return ruleOf(opensslDecrypt(answer.body, key, { bits: 256, base64: false }).toString());
  };
  const sealed = `${OWN.toLowerCase()}.enc`;
  const wanted = (scheme, segment = path.segment) => `[--key $SA] ${scheme}://phones.example/${segment}/$MA.enc`;
  const kept = async () => {
    const tenant = t.split('/').at(-1);
    const keys = await worker.ask('kvList', { prefix: `f1:${tenant}:standard:sealed:${OWN}` });
    return keys.map(({ metadata }) => JSON.parse(metadata));
  };

  it('is plain HTTP for a phone that could not follow to HTTPS: it comes back as it came', async () => {
    let name = sealed;
    for (let boot = 0; boot < 3; boot += 1) {
      const answer = await overHttp(name);
      const told = rule(answer);
      assert.equal(told, wanted('http'));
      const next = new URL(told.split(' ').at(-1).replace('$MA', OWN.toLowerCase()));
      assert.equal(next.protocol, 'http:');
      name = next.pathname.split('/').at(-1);
      await eventually(kept, (all) => all.length === 1 && all[0].c === true);
      assert.equal((await overHttp(name, [['If-None-Match', answer.header('etag')]])).status, 304);
    }
    await worker.probe({ reset: true });
    await overHttp(name);
    await new Promise((resolve) => setTimeout(resolve, 250));
    const { kvReads, sql } = await worker.probe({ reset: true });
    assert.deepEqual([kvReads, sql.filter((text) => !EVENT.test(text))], [2, []]);
  });

  it('is HTTPS for whoever asks over HTTPS, whatever others ask for meanwhile', async () => {
    const etags = {};
    for (const [scheme, get] of [
      ['https', overHttps],
      ['http', overHttp],
      ['https', overHttps],
      ['http', overHttp],
      ['https', overHttps],
    ]) {
      const answer = await get(sealed);
      assert.equal(rule(answer), wanted(scheme));
      etags[scheme] ??= answer.header('etag');
      assert.equal(answer.header('etag'), etags[scheme]);
      await eventually(kept, (all) => all.length === 2 && all.every((meta) => meta.c === true));
    }
    assert.deepEqual((await kept()).map((meta) => meta.u.o).sort(), ['http://phones.example', 'https://phones.example']);
    // What is known under one scheme is no answer under the other.
    assert.equal((await overHttps(sealed, [['If-None-Match', etags.http]])).status, 200);
    assert.equal((await overHttp(sealed, [['If-None-Match', etags.https]])).status, 200);
  });

  it('is HTTPS in what is in clear or carries a key, none of which leaves over plain HTTP', async () => {
    const fresh = '0002FDFF2104';
    await api.put(`${t}/devices/${fresh}`, { model: 'SPA504G' });
    for (const name of ['spa504G.cfg', `${fresh.toLowerCase()}.cfg`, `${fresh.toLowerCase()}.enc`])
      assert.equal((await overHttp(name)).status, 404, name);
    assert.equal(ruleOf((await overHttps('spa504G.cfg')).body.toString()), `https://phones.example/${path.segment}/$MA.cfg`);
    const bootstrap = (await overHttps(`${fresh.toLowerCase()}.cfg`)).body.toString();
    assert.equal(ruleOf(bootstrap), wanted('https'));
    const key = /<GPP_SA[^>]*>([^<]*)</.exec(bootstrap)[1];
    assert.equal(rule(await overHttp(`${fresh.toLowerCase()}.enc`), key), wanted('http'));
    assert.equal(rule(await overHttps(`${fresh.toLowerCase()}.enc`), key), wanted('https'));
  });

  it('is HTTPS for phones that may follow to it', async () => {
    await api.put(`${t}/models/8841-3PCC`, { family: 'mpp', profile: 'spa-256' });
    await api.put(`${t}/devices/00562B043615`, { model: '8841-3PCC' });
    const key = 'abcdefghijklmnopqrstuvwxyz543210';
    await api.post(`${t}/devices/00562B043615/import-key`, { key });
    for (const get of [overHttp, overHttps]) assert.equal(rule(await get('00562b043615.enc'), key), wanted('https'));
  });

  it('is the access path that the tenant’s phones are to move to, over plain HTTP too', async () => {
    const next = await api.post(`${t}/access-paths`, { label: 'next', target: true });
    assert.equal(rule(await overHttp(sealed)), wanted('http', next.segment));
    assert.equal(rule(await overHttps(sealed)), wanted('https', next.segment));
    path = next;
    assert.equal(rule(await overHttp(sealed)), wanted('http', next.segment));
  });

  it('is nothing once the tenant allows it no more', async () => {
    const { name, options } = await api.get(t);
    await api.put(t, { name, options: { ...options, sealed_over_http: false } });
    assert.equal((await overHttp(sealed)).status, 404);
    assert.equal(rule(await overHttps(sealed)), wanted('https'));
  });
});

describe('a restore of the database', () => {
  let worker;
  after(() => worker?.stop());

  it('moves no phone to where a tenant did not want it any more', async () => {
    worker = await Ringfence.start();
    const api = new Api(worker);
    const { tenant, t, old, fresh } = await tenantWithTwo(worker, api);
    const calm = await tenantWithTwo(worker, api);
    const target = (of, path) => `${of}/access-paths/${path.id}/target`;
    await api.put(target(calm.t, calm.fresh), { url: calm.fresh.segment });
    await api.put(target(t, fresh), { url: fresh.segment });
    const phone = await seedDevice(worker, tenant, { mac: mac(1), state: 'confirmed' });
    const named = async (segment) => {
      const answer = await rawRequest(worker.port, `/${segment}/Config${phone.mac}.enc`);
      assert.equal(answer.status, 200);
      return element(opensslDecrypt(answer.body, phone.key).toString(), 'URL_BASE').split('/').at(-1);
    };
    assert.equal(await named(old.segment), fresh.segment);
    const copy = await worker.copyDatabase();
    await api.delete(target(t, fresh));
    assert.equal(await named(old.segment), old.segment);
    await worker.restoreDatabase(copy);
    const seen = await api.get('/restored');
    assert.deepEqual([seen.behind, seen.targets], [true, [tenant.id]]);
    for (let turn = 0; (await api.post('/restored', {})).remaining > 0; turn += 1) assert.ok(turn < 20, 'it ends');
    assert.equal(await named(old.segment), old.segment);
    assert.equal(await named(fresh.segment), fresh.segment);
    const paths = (await api.get(`${calm.t}/access-paths`)).items;
    assert.deepEqual(
      paths.map((path) => path.target_since !== null),
      [false, true],
      'what was not changed stays',
    );
  });
});
