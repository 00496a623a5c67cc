// Phones of other vendors in the same tenant: each asks as its maker made it, with no configuration.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { rawRequest, withoutRequestId } from '../support/worker/raw.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

const LINES = {
  line_1_user: '201',
  line_1_auth_user: '201-auth',
  line_1_password: { secret: 's3cr&t<"' },
  line_1_display_name: 'Büro & Küche',
  line_1_domain: 'sip.example.net',
  line_1_port: '5061',
  line_1_transport: 'tls',
  line_2_user: '202',
  line_2_password: { secret: 'two' },
};

describe('phones whose makers publish no cipher', () => {
  let worker;
  let api;
  let t;
  let segment;
  before(async () => {
    worker = await Ringfence.start();
    api = new Api(worker);
    t = `/tenants/${(await api.post('/tenants', { name: 'Clear' })).id}`;
    ({ segment } = await api.post(`${t}/access-paths`, { label: 'all' }));
  });
  after(() => worker?.stop());

  const ask = (name) => rawRequest(worker.port, `/${segment}/${name}`);
  const value = (xml, name) => new RegExp(`<${name}(?: [^>]*)?>([^<]*)</`).exec(xml)?.[1];

  it('Snom: by its MAC in capitals or behind its type, in clear, as often as it asks', async () => {
    const own = '000413A11FA7';
    const added = await api.put(`${t}/devices/${own}`, {
      model: 'snomD345',
      settings: { ...LINES, line_2_domain: 'b.example', standard_timezone: 'GER+1', standard_challenge_checksync: 'off' },
    });
    assert.deepEqual([added.family, added.profile, added.checked.unused], ['snom', null, undefined]);
    const files = [];
    for (const name of [`${own}.xml`, `snomD345-${own}.htm`, `${own}.xml`]) {
      const answer = await ask(name);
      assert.equal(answer.status, 200, name);
      files.push(answer.body.toString());
    }
    assert.equal(new Set(files).size, 1);
    const [xml] = files;
    assert.equal(value(xml, 'user_pass'), 's3cr&amp;t&lt;&quot;');
    assert.ok(xml.includes('<user_name idx="1" perm="R">201</user_name>') && xml.includes('<user_name idx="2" perm="R">202</user_name>'));
    assert.equal(value(xml, 'user_outbound'), 'sip.example.net:5061;transport=tls');
    assert.equal(value(xml, 'timezone'), 'GER+1');
    for (const name of [`${own.toLowerCase()}.xml`, 'snomD345.htm', 'snomD345-firmware.htm'])
      assert.equal((await ask(name)).status, 404, name);
  });

  it('Htek: by its own name beside a Grandstream that has the same one', async () => {
    const own = '001FC11C22A9';
    const grandstream = 'C074AD2BD860';
    const added = await api.put(`${t}/devices/${own}`, { model: 'UC903', settings: { ...LINES, line_2_domain: 'b.example' } });
    assert.equal(added.family, 'htek');
    assert.deepEqual(
      added.checked.unused.map((one) => one.setting ?? one.name),
      ['line_2_domain'],
      'all lines have one server',
    );
    await api.put(`${t}/devices/${grandstream}`, { model: 'GXP2160' });
    const file = await ask(`cfg${own.toLowerCase()}.xml`);
    assert.equal(file.status, 200);
    const xml = file.body.toString();
    assert.deepEqual(
      ['P47', 'P130', 'P35', 'P36', 'P735', 'P24083'].map((name) => value(xml, name)),
      ['sip.example.net:5061', '2', '201', '201-auth', '202', '0'],
    );
    assert.equal((await ask(`cfg${own.toLowerCase()}.xml`)).status, 200, 'as often as it asks');
    const first = await ask(`cfg${grandstream.toLowerCase()}.xml`);
    assert.match(value(first.body.toString(), 'P1359'), /^\w{32}$/);
    assert.equal((await ask(`cfg${grandstream.toLowerCase()}.xml`)).body.subarray(0, 8).toString(), 'Salted__');
    for (const name of ['factory0000.bin', 'cfg0016.xml', `cfg${own.toLowerCase()}`]) assert.equal((await ask(name)).status, 404, name);
  });

  it('are told by the event that makes them fetch', async () => {
    await api.put(`${t}/settings`, { settings: { NOTIFY_ADDRESS: '127.0.0.1:5060' } });
    const told = async (address) => (await api.post(`${t}/devices/${address}/notify`)).job.event;
    assert.equal(await told('000413A11FA7'), 'check-sync;reboot=false');
    assert.equal(await told('001FC11C22A9'), 'resync');
  });

  it('restart by another event, and only if they are told to', async () => {
    const notify = (address, body) => api.call('POST', `${t}/devices/${address}/notify`, { body });
    for (const address of ['000413A11FA7', '001FC11C22A9', 'C074AD2BD860']) {
      const answer = await notify(address, { restart: true });
      assert.equal(answer.status, 202, answer.text);
      assert.equal(answer.body.job.event, 'check-sync;reboot=true');
      assert.equal(answer.body.joined, false);
    }
    await api.put(`${t}/devices/${mac(7)}`, { model: 'KX-UT113' });
    const unknown = await notify(mac(7), { restart: true });
    assert.equal(unknown.status, 422);
    assert.match(unknown.body.detail, /family ut restart.*`event`/);
    assert.equal((await notify('000413A11FA7', { restart: true, event: 'resync' })).status, 422);
    assert.equal((await notify('000413A11FA7', { restart: false })).body.job.event, 'check-sync;reboot=false');
    const [entry] = (await api.get(`${t}/audit`)).items.filter((one) => one.after.event === 'check-sync;reboot=true');
    assert.equal(entry.action, 'device.notify');
  });
});

describe('a Grandstream beside a Panasonic', () => {
  const OWN = 'C074AD2BD859';
  const lower = OWN.toLowerCase();
  const agent = `Grandstream Model HW GXP2160 SW 1.0.11.39 DevId ${lower}`;
  let worker;
  let api;
  let t;
  let segment;
  let key;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
    api = new Api(worker);
    t = `/tenants/${(await api.post('/tenants', { name: 'Mixed' })).id}`;
    ({ segment } = await api.post(`${t}/access-paths`, { label: 'all' }));
    await api.put(`${t}/devices/${OWN}`, {
      model: 'GXP2160',
      settings: {
        line_1_user: '201',
        line_1_auth_user: '201-auth',
        line_1_password: { secret: 'e3#rl2(&ae#1<"' },
        line_1_display_name: 'Büro & Küche',
        line_1_domain: 'sip.example.net',
        line_1_port: '5061',
        line_1_transport: 'tls',
        standard_P64: 'CET-1CEST-2,M3.5.0/02:00:00,M10.5.0/03:00:00',
      },
    });
    await api.put(`${t}/devices/${mac(1)}`, { model: 'KX-UTG300B' });
  });
  after(() => worker?.stop());

  const ask = (name) => rawRequest(worker.port, `/${segment}/${name}`, { headers: [['User-Agent', agent]] });
  const value = (xml, name) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  const opened = (bytes) =>
    execFileSync('openssl', ['enc', '-d', '-aes-256-cbc', '-md', 'md5', '-pass', `pass:${key}`], { input: bytes }).toString();

  it('is guessed by its model, and sealed as its maker published it', async () => {
    const view = await api.get(`${t}/devices/${OWN}`);
    assert.deepEqual([view.family, view.profile], ['gxp', 'gxp-256']);
  });

  it('asks for what is not there first, and nothing is spent by that', async () => {
    for (const name of ['cfggxp2160.xml', 'cfg.xml', `cfg${OWN}.xml`, `cfg${OWN}`, `cfg${OWN}.bin`, `cfg${lower}.bin.xml`])
      assert.equal((await ask(name)).status, 404, name);
    assert.equal((await api.get(`${t}/devices/${OWN}`)).key.state, 'armed');
  });

  it('gets its first file in clear, once, with the password of the next ones', async () => {
    const first = await ask(`cfg${lower}.xml`);
    assert.equal(first.status, 200);
    const xml = first.body.toString();
    key = value(xml, 'P1359');
    assert.match(key, /^[A-Za-z0-9]{32}$/);
    assert.deepEqual(
      ['mac', 'P271', 'P47', 'P35', 'P36', 'P3', 'P130', 'P64'].map((name) => value(xml, name)),
      [lower, '1', 'sip.example.net:5061', '201', '201-auth', 'Büro &amp; Küche', '2', 'CET-1CEST-2,M3.5.0/02:00:00,M10.5.0/03:00:00'],
    );
    assert.equal(value(xml, 'P34').replaceAll('&lt;', '<').replaceAll('&quot;', '"').replaceAll('&amp;', '&'), 'e3#rl2(&ae#1<"');
    assert.equal(value(xml, 'P401'), undefined, 'a line that is not set is not there');
  });

  it('gets the sealed file under the same name from then on, which openssl opens', async () => {
    const sealed = await ask(`cfg${lower}.xml`);
    assert.equal(sealed.status, 200);
    assert.equal(sealed.body.subarray(0, 8).toString(), 'Salted__');
    const xml = opened(sealed.body);
    assert.equal(value(xml, 'P35'), '201');
    assert.equal(value(xml, 'P1359'), undefined);
    assert.ok((await ask(`cfg${lower}.xml`)).body.equals(sealed.body), 'the same bytes as long as nothing changes');
    await eventually(
      () => api.get(`${t}/devices/${OWN}`),
      (view) => view.fetched_version === view.file_version,
    );
    await api.put(`${t}/devices/${OWN}/settings`, {
      settings: { line_1_user: '202', line_1_domain: 'b.example', line_1_password: { secret: null } },
    });
    assert.equal(value(opened((await ask(`cfg${lower}.xml`)).body), 'P35'), '202');
  });

  it('gets nothing by the names of the binary form once the key was taken, whichever file it took it from', async () => {
    const nobody = withoutRequestId(await ask(`cfg${mac(0xffff).toLowerCase()}`));
    for (const name of [`cfg${lower}`, `cfg${lower}.bin`]) assert.deepEqual(withoutRequestId(await ask(name)), nobody, name);
    assert.deepEqual(withoutRequestId(await ask(`cfg${mac(0xffff).toLowerCase()}.xml`)), nobody);
  });

  it('takes its key from the binary form, once, and has fetched its settings only with the XML behind it', async () => {
    const own = 'C074AD2BD8AA';
    const [form, xml] = [`cfg${own.toLowerCase()}`, `cfg${own.toLowerCase()}.xml`];
    await api.put(`${t}/devices/${own}`, { model: 'GXP2160', settings: { ...LINES, line_2_domain: 'b.example' } });
    const head = await rawRequest(worker.port, `/${segment}/${form}`, { method: 'HEAD', headers: [['User-Agent', agent]] });
    assert.equal(head.status, 404, 'HEAD takes nothing');
    // Fifty at once: one gets it.
    const answers = await Promise.all(Array.from({ length: 50 }, (_, at) => ask([form, `${form}.bin`, xml][at % 3])));
    const taken = answers.filter(({ status, body }) => status === 200 && body.includes('P1359'));
    assert.equal(taken.length, 1, 'one plaintext, by whichever of its names');
    for (const { status, body } of answers)
      assert.ok(status === 404 || body.includes('P1359') || body.subarray(0, 8).toString() === 'Salted__', `${status}`);

    await api.post(`${t}/devices/${own}/rekey`);
    await api.put(`${t}/devices/${own}/settings`, { settings: { ...LINES, line_2_domain: 'b.example', line_1_display_name: 'Another' } });
    const carrier = await ask(form);
    assert.deepEqual([carrier.status, carrier.header('content-type')], [200, 'application/octet-stream']);
    assert.equal(carrier.header('content-length'), String(carrier.body.length));
    assert.equal(carrier.body.readUInt32BE(0) * 2, carrier.body.length);
    const alone = /P1359=(\w{32})&/.exec(carrier.body.toString('latin1'))[1];
    const before = await api.get(`${t}/devices/${own}`);
    assert.equal(before.key.state, 'delivered');
    assert.notEqual(before.fetched_version, before.file_version, 'it has the key and not yet its settings');
    const sealed = await ask(xml);
    const open = ['enc', '-d', '-aes-256-cbc', '-md', 'md5', '-pass', `pass:${alone}`];
    assert.equal(value(execFileSync('openssl', open, { input: sealed.body }).toString(), 'P3'), 'Another');
    await eventually(
      () => api.get(`${t}/devices/${own}`),
      (view) => view.fetched_version === view.file_version,
    );
    for (const name of [form, `${form}.bin`]) assert.equal((await ask(name)).status, 404, name);
    await api.post(`${t}/devices/${own}/rearm`);
    assert.ok((await ask(`${form}.bin`)).body.includes(alone), 'armed again, the same key');
    await api.delete(`${t}/devices/${own}`);
  });

  it('gets no binary form where its files are not sealed', async () => {
    const own = 'C074AD2BD8AB';
    const nobody = withoutRequestId(await ask(`cfg${mac(0xffff).toLowerCase()}`));
    await api.put(`${t}/models/GXP2130`, { family: 'gxp', profile: null });
    await api.put(`${t}/devices/${own}`, { model: 'GXP2130', settings: { ...LINES, line_2_domain: 'b.example' } });
    for (let time = 0; time < 2; time += 1) {
      assert.deepEqual(withoutRequestId(await ask(`cfg${own.toLowerCase()}`)), nobody);
      const file = await ask(`cfg${own.toLowerCase()}.xml`);
      assert.equal(value(file.body.toString(), 'P35'), '201');
      assert.equal(value(file.body.toString(), 'P1359'), undefined);
    }
    const stored = () => worker.ask('kvList', { prefix: 'f1:' });
    await eventually(stored, (keys) => keys.some(({ name }) => name.endsWith(`:plain:${own}`)));
    assert.deepEqual(withoutRequestId(await ask(`cfg${own.toLowerCase()}`)), nobody, 'nor what lies ready for the other name');
  });

  it('is told by the event that makes it fetch without a restart, unless a setting names another', async () => {
    await api.put(`${t}/settings`, { settings: { NOTIFY_ADDRESS: '127.0.0.1:5060' } });
    const told = async (address) => (await api.post(`${t}/devices/${address}/notify`)).job.event;
    assert.equal(await told(OWN), 'resync');
    assert.equal(await told(mac(1)), 'check-sync');
    await api.put(`${t}/settings`, { settings: { NOTIFY_ADDRESS: '127.0.0.1:5060', CFG_RESYNC_FROM_SIP: 'check-sync;reboot=true' } });
    assert.equal(await told(OWN), 'check-sync;reboot=true');
    await api.put(`${t}/settings`, { settings: {} });
  });

  it('is re-keyed like any other', async () => {
    await api.post(`${t}/devices/${OWN}/rekey`);
    const old = key;
    key = value((await ask(`cfg${lower}.xml`)).body.toString(), 'P1359');
    assert.notEqual(key, old);
    assert.equal(value(opened((await ask(`cfg${lower}.xml`)).body), 'P35'), '202');
  });

  it('does not take a phone of another vendor for its own: that is refused like a MAC that nobody has', async () => {
    const panasonic = mac(1).toLowerCase();
    const costs = async (name) => {
      await ask(name);
      await worker.probe({ reset: true });
      const answer = await ask(name);
      await new Promise((resolve) => setTimeout(resolve, 150));
      const { sql, read, kvReads } = await worker.probe({ reset: true });
      const before = sql.map((text, at) => [text, read[at]]).filter(([text]) => !/^(INSERT|UPDATE|DELETE)/.test(text));
      return { answer: withoutRequestId(answer), kvReads, before };
    };
    for (const end of ['.xml', '', '.bin']) {
      const nobody = await costs(`cfg${mac(0xffff).toLowerCase()}${end}`);
      assert.deepEqual(await costs(`cfg${panasonic}${end}`), nobody, end);
      // Nor one that has its key already: by its name of the binary form there is nothing any more.
      if (end !== '.xml') assert.deepEqual(await costs(`cfg${lower}${end}`), nobody, end);
    }
    assert.equal((await api.get(`${t}/devices/${mac(1)}`)).key.state, 'armed');
    assert.equal((await ask(`Config${mac(1)}.cfg`)).status, 200);
  });

  it('reads no file that a template breaks, and no key of an operator', async () => {
    const put = (source) => api.call('PUT', `${t}/templates/standard/gxp`, { body: { source } });
    const config = (inside) => `<gs_provision version="1"><config version="1">${inside}</config></gs_provision>\n`;
    for (const [source, code] of [
      [config('<P1359>x</P1359>'), 'key-in-file'],
      [config('<P2>a</P2><P2>b</P2>'), 'duplicate-parameter'],
      ['<gs_provision version="1"><other><P2>a</P2></other></gs_provision>\n', 'xml-section'],
      ['<settings><P2>a</P2></settings>\n', 'xml-root'],
    ]) {
      const answer = await put(source);
      assert.equal(answer.status, 422, answer.text);
      assert.ok(answer.text.includes(code), `${code}: ${answer.text}`);
    }
    assert.equal((await put(config('<P2>{{ line_1_user }}</P2>'))).status, 200);
    await api.delete(`${t}/templates/standard/gxp`);
  });

  it('leaves its name to one of the tenant that reads the same paths in another way, and the answer says so', async () => {
    const { name, options } = await api.get(t);
    const urls = { ...options.urls, product: { plain: ['{MODEL}ad2bd859.xml'] } };
    const put = (more) => api.call('PUT', t, { body: { name, options: { ...options, urls, ...more } } });
    const { revision } = await api.get(t);
    const told = await put({});
    assert.equal(told.status, 200, told.text);
    const back = told.body.stands_back;
    for (const family of ['gxp', 'htek'])
      assert.ok(
        back.some((one) => one.family === family && one.name === 'cfg{mac}.xml' && one.behind === '{MODEL}ad2bd859.xml'),
        family,
      );
    const { message, example_path: example } = back.find((one) => one.family === 'gxp');
    assert.match(message, /no standard file at cfg\{mac\}\.xml, .*`options\.family_urls\.gxp\.standard`/);
    assert.match(example, /^cfg[0-9a-f]{4}ad2bd859\.xml$/);
    assert.equal((await ask(`cfg${lower}.xml`)).status, 404, 'the name is the tenant’s now');
    assert.ok(told.body.revision > revision);
    assert.equal((await api.get(t)).stands_back, undefined, 'it is told where it changes');
    // To do without a family’s names, say so: then nothing stands back.
    const none = { standard: {}, initial: {} };
    const { items } = await api.get('/families');
    const others = items.filter(({ names: all }) => all.some(({ name: own }) => own.endsWith('.xml')));
    const family_urls = Object.fromEntries(others.map(({ family }) => [family, none]));
    const accepted = await put({ family_urls });
    assert.equal(accepted.status, 200, accepted.text);
    assert.equal(accepted.body.stands_back, undefined);
    assert.equal((await api.call('PUT', t, { body: { name, options } })).status, 200);
    assert.equal((await ask(`cfg${lower}.xml`)).status, 200);
  });

  it('gets no file of another vendor that lies ready, and neither does that one', async () => {
    const hdv = mac(7);
    await api.put(`${t}/devices/${hdv}`, { model: 'KX-HDV130', settings: { standard_SIP_USER: 'x' } });
    assert.equal((await ask(`Config${hdv}.cfg`)).status, 200);
    const stored = () => worker.ask('kvList', { prefix: 'f1:' });
    await eventually(stored, (keys) => keys.some(({ name }) => name.endsWith(`:plain:${hdv}`)));
    const nobody = withoutRequestId(await ask(`cfg${mac(0xffff).toLowerCase()}.xml`));
    for (let time = 0; time < 2; time += 1) assert.deepEqual(withoutRequestId(await ask(`cfg${hdv.toLowerCase()}.xml`)), nobody);
    assert.equal((await ask(`Config${hdv}.cfg`)).status, 200);
  });

  it('may be given other names by its tenant', async () => {
    const { name, options } = await api.get(t);
    const put = (plain) => api.put(t, { name, options: { ...options, family_urls: { gxp: { standard: { plain } } } } });
    await put(['gs/cfg{mac}.xml']);
    assert.equal((await ask(`gs/cfg${lower}.xml`)).status, 200);
    assert.equal((await ask(`cfg${lower}.xml`)).status, 404);
    await put(['gs/cfg{mac}', 'gs/cfg{mac}.xml']);
    await api.post(`${t}/devices/${OWN}/rekey`);
    assert.equal((await ask(`cfg${lower}`)).status, 404);
    key = /P1359=(\w{32})&/.exec((await ask(`gs/cfg${lower}`)).body.toString('latin1'))[1];
    const file = await ask(`gs/cfg${lower}.xml`);
    assert.match(value(opened(file.body), 'P237'), /^[^/]+\/[^/]+\/gs$/);
    assert.equal((await ask(`cfg${lower}.xml`)).status, 404);
  });
});

describe('a tenant whose phones do not all know the same', () => {
  let worker;
  let api;
  let t;
  before(async () => {
    worker = await Ringfence.start();
    api = new Api(worker);
    t = `/tenants/${(await api.post('/tenants', { name: 'Mixed' })).id}`;
    const line = { line_1_user: '201', line_1_domain: 'sip.example.net', line_1_password: { secret: 'one' } };
    for (const [own, model, family] of [
      [mac(1), 'VVX400', 'poly'],
      [mac(2), 'VVX401', 'poly'],
      [mac(3), 'OBi202', 'obi'],
    ]) {
      await api.put(`${t}/models/${model}`, { family });
      await api.put(`${t}/devices/${own}`, { model, settings: line });
    }
  });
  after(() => worker?.stop());

  const change = (settings, query = '') => api.call('PUT', `${t}/settings${query}`, { body: { settings } });
  const left = ({ checked }) => checked.left_out?.map(({ name, family, devices }) => [name, family, devices]);

  it('hears which of them do without a setting that others have a parameter for', async () => {
    const { status, body } = await change({ language: 'de', vlan: '12' });
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(left(body), [['language', 'obi', 1]]);
    assert.match(body.checked.left_out[0].message, /no parameter of these phones is known for it/);
    assert.equal(body.checked.unused, undefined);
  });

  it('may wish what a family has no word for: its phones keep what they have, and the answer says so', async () => {
    const { status, body } = await change({ language: 'gsw', vlan: '12' });
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(left(body), [
      ['language', 'obi', 1],
      ['language', 'poly', 2],
    ]);
    assert.match(body.checked.left_out[1].message, /these phones know/);
    assert.equal(body.checked.unused, undefined, 'it is said once');
    const { items } = await api.get(`${t}/devices/${mac(1)}/lint`);
    const found = items.flatMap(({ findings }) => findings).filter(({ code }) => code === 'setting-not-of-family');
    assert.ok(
      found.some(({ settings, severity }) => settings.includes('language') && severity === 'warning'),
      JSON.stringify(items),
    );
  });

  it('hears once of what none of them has a parameter for', async () => {
    const none = await change({ line_2_srtp: 'off', vlan: '12' });
    assert.deepEqual(
      none.body.checked.unused.map(({ name }) => name),
      ['line_2_srtp'],
    );
    assert.equal(none.body.checked.left_out, undefined);
  });

  it('is refused what a phone must not do without, and hears nothing of settings that no file was made with', async () => {
    const { status, body } = await change({ syslog: '192.0.2.9:5140', vlan: '12' });
    assert.equal(status, 422);
    assert.match(body.devices[0].error, /port 514/);
    assert.equal(body.checked.unused, undefined);
  });
});
