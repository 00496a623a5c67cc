// Every family's phone as a new one: it asks, is not known, is adopted from the list with nothing said but its settings,
// and then finds its files, at the names by which it asks from the factory on.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';

import { eventually } from '../support/wait.mjs';
import { Api } from '../support/worker/api.mjs';
import { rawRequest } from '../support/worker/raw.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';

const folder = new URL('./families/', import.meta.url);
const modules = await Promise.all(readdirSync(folder).map((name) => import(new URL(name, folder))));
const phones = modules.flatMap((one) => one.families);

/** More of what phones call themselves, each with the family that reads their files and the model that they become. */
const CALLED = [
  ['Yealink SIP-T46G 28.72.0.1 00:15:65:4a:a9:37', 'yealink-v80', 'T46G'],
  ['Yealink SIP-T46G 28.83.0.130 00:15:65:4a:a9:38', 'yealink', 'T46G'],
  ['W52P 25.81.0.30 00:15:65:4a:a9:39', 'yealink-v80', 'W52P'],
  ['Mozilla/4.0 (compatible; Snom M900 05.20.0001 000413b60680)', 'snom-m', 'M900'],
  ['Gigaset N870 IP PRO/83.V2.11.0+build.a546b91;7C2F80E0D605;Handset=50', 'gigaset', 'N870-IP-PRO'],
  ['Gigaset N720 DM PRO/70.089.00.000.000;7C2F80CA21E4', 'gigaset-n720', 'N720-DM-PRO'],
  ['N510 IP PRO/42.245.00.000.000;7C2F804DF9A9', 'gigaset-n510', 'N510-IP-PRO'],
  ['Fanvil X6U Pro 0.0.10 0c383e2cd782', 'fanvil', 'X6U-Pro'],
];

/** Names by which phones ask from the factory on, with what they call themselves. */
const FACTORY = [
  ['Cisco/SPA508G-7.4.8a (0002FDFF2103)(CBT141400UK)', '0002FDFF2103', 'spa508G.cfg', '0002fdff2103.cfg'],
  ['Cisco-CP-8841-3PCC/11.0 (00562b043615)', '00562B043615', '8841-3PCC.xml', '00562b043615.xml'],
  ['Cisco-CP-8851-3PCC/11.0 (00562b043616)', '00562B043616', 'CP-8851-3PCC.cfg', '00562b043616.xml'],
  ['Cisco/ATA191-MPP-11-1-0-MSR4 (FCH2443D9R4)', '00562B043617', 'ata191.cfg', '00562b043617.xml'],
  ['Linksys/SPA-942-6.1.5(a) (88019FA42805)', '000E08A42805', 'spa942.cfg', '000e08a42805.cfg'],
];

const LINE = { line_1_user: 'reception-9', line_1_password: { secret: 'a-password' }, line_1_domain: 'sip.example.net' };

describe('a phone that is adopted', () => {
  let worker;
  let api;
  before(async () => {
    worker = await Ringfence.start();
    api = new Api(worker);
  });
  after(() => worker?.stop());

  /** A tenant of its own, how a phone asks there, and how one is adopted. */
  const place = async (name) => {
    const t = `/tenants/${(await api.post('/tenants', { name })).id}`;
    const { segment } = await api.post(`${t}/access-paths`, { label: name });
    const ask = (path, userAgent) => rawRequest(worker.port, `/${segment}/${encodeURI(path)}`, { headers: [['User-Agent', userAgent]] });
    const knocked = (macs) =>
      eventually(
        async () => (await api.get(`${t}/unknown?limit=100`)).items.map((row) => row.mac),
        (rows) => macs.every((mac) => rows.includes(mac)),
        'those who knocked',
      );
    return { t, ask, knocked };
  };

  it('boots as its family does, without a word about model or family', async () => {
    const { t, ask, knocked } = await place('families');
    // Of each family the first: it has the profile that a model begins with.
    const firsts = phones.filter((phone, at) => phones.findIndex((one) => one.id === phone.id) === at);
    for (const phone of firsts) {
      const name = [...phone.boot, ...phone.again].map(([it]) => it).find((it) => it.toLowerCase().includes(phone.mac.toLowerCase()));
      assert.equal((await ask(name, phone.userAgent)).status, 404, phone.id);
    }
    await knocked(firsts.map((phone) => phone.mac));
    for (const phone of firsts) {
      const row = (await api.get(`${t}/unknown?limit=100`)).items.find((one) => one.mac === phone.mac);
      // Of some the User-Agent does not tell which of two formats they read: an operator says so.
      if (row.guess.family !== phone.id) continue;
      const device = await api.post(`${t}/unknown/${phone.mac}/adopt`, { settings: phone.settings });
      assert.equal(device.family, phone.id);
      let files = 0;
      for (const [name, wanted] of phone.boot) {
        if (wanted === 'sealed') break;
        // Many boots begin with names that are never there.
        const answer = await ask(name, phone.userAgent);
        assert.equal(answer.status, wanted === 'none' ? 404 : 200, `${phone.id}: ${name}`);
        if (wanted !== 'none') files += 1;
      }
      assert.ok(files > 0, `${phone.id} got no file`);
    }
    const adopted = (await api.get(`${t}/devices?limit=100`)).items.map((device) => device.family);
    assert.ok(adopted.length >= 12, `adopted: ${adopted}`);
  });

  it('finds the file that the factory names, however its model is written there', async () => {
    const { t, ask, knocked } = await place('factory');
    for (const [userAgent, , factory, own] of FACTORY) {
      assert.equal((await ask(factory, userAgent)).status, 404, factory);
      assert.equal((await ask(own, userAgent)).status, 404, own);
    }
    await knocked(FACTORY.map(([, mac]) => mac));
    for (const [userAgent, mac, factory, own] of FACTORY) {
      await api.post(`${t}/unknown/${mac}/adopt`, { settings: LINE });
      const first = await ask(factory, userAgent);
      assert.equal(first.status, 200, factory);
      assert.match(first.body.toString(), /<Profile_Rule ua="na">http/);
      assert.ok(!first.body.includes('reception-9'), 'it is the same for all phones of the model');
      const file = await ask(own, userAgent);
      assert.equal(file.status, 200, own);
      assert.ok(file.body.includes('reception-9'), own);
    }
    // What is no spelling of a model of the tenant is not there.
    for (const name of ['spa509G.cfg', '8861-3PCC.xml', 'CP-8861-3PCC.cfg', 'ata192.cfg'])
      assert.equal((await ask(name, 'curl/8.5.0')).status, 404, name);
  });

  it('has the model that the tenant has already, however it is written there', async () => {
    const { t, ask, knocked } = await place('spelled');
    await api.put(`${t}/models/8841`, { family: 'mpp' });
    const userAgent = 'Cisco-CP-8841-3PCC/11.0 (00562b043615)';
    await ask('00562b043615.xml', userAgent);
    await knocked(['00562B043615']);
    const device = await api.post(`${t}/unknown/00562B043615/adopt`, {});
    assert.equal(device.model, '8841');
    assert.equal((await ask('8841-3PCC.xml', userAgent)).status, 200);
    // Where it is there as the phone says it, too, that one counts.
    await api.put(`${t}/models/CP-8841-3PCC`, { family: 'mpp', profile: null });
    await ask('00562b043616.xml', 'Cisco-CP-8841-3PCC/11.0 (00562b043616)');
    await knocked(['00562B043616']);
    assert.equal((await api.post(`${t}/unknown/00562B043616/adopt`, {})).model, 'CP-8841-3PCC');
  });

  it('is what it calls itself: the family of its firmware, and a model without blanks', async () => {
    const own = await Promise.all(CALLED.map((_, at) => place(`called ${at}`)));
    const macs = CALLED.map(([userAgent]) => /(?:[0-9a-f]{2}:?){6}(?![0-9a-f])/i.exec(userAgent)[0].replaceAll(':', '').toUpperCase());
    for (const [at, [userAgent]] of CALLED.entries()) await own[at].ask(`${macs[at].toLowerCase()}.cfg`, userAgent);
    for (const [at, [userAgent, family, model]] of CALLED.entries()) {
      await own[at].knocked([macs[at]]);
      const device = await api.post(`${own[at].t}/unknown/${macs[at]}/adopt`, {});
      assert.deepEqual([device.family, device.model], [family, model], userAgent);
    }
  });
});

describe('a name that phones take for something else', () => {
  let worker;
  let api;
  let t;
  let segment;
  before(async () => {
    worker = await Ringfence.start();
    api = new Api(worker);
    t = `/tenants/${(await api.post('/tenants', { name: 'Names' })).id}`;
    ({ segment } = await api.post(`${t}/access-paths`, { label: 'names' }));
  });
  after(() => worker?.stop());

  const ask = (name) => rawRequest(worker.port, `/${segment}/${name}`, {});
  const options = async (wanted, status = 200) => {
    const answer = await api.call('PUT', t, { body: { name: 'Names', options: wanted } });
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    return answer.body;
  };

  it('answers nothing to these phones, though the tenant gives it to all', async () => {
    await options({
      urls: {
        standard: { plain: ['{mac}.boot', '{mac}-phone.cfg', 'a/{mac}.bin', 'own-{mac}.cfg'] },
        initial: { plain: ['i/{MODEL}.cfg'] },
      },
    });
    for (const [mac, model, family] of [
      ['0015654AA937', 'T46S', 'yealink'],
      ['0004F2AABBCC', 'VVX400', 'poly'],
      ['0C383E557EB1', 'X5U', 'fanvil'],
    ]) {
      await api.put(`${t}/models/${model}`, { family, profile: null });
      await api.put(`${t}/devices/${mac}`, { model, settings: LINE });
    }
    const answers = async (mac) => {
      const names = [`${mac}.boot`, `${mac}-phone.cfg`, `own-${mac}.cfg`];
      return Promise.all(names.map(async (name) => (await ask(name)).status));
    };
    // Twice: what KV has of the file is for other names than these.
    for (let turn = 0; turn < 2; turn += 1) {
      assert.deepEqual(await answers('0015654aa937'), [404, 200, 200]);
      assert.deepEqual(await answers('0004f2aabbcc'), [200, 404, 200]);
      assert.deepEqual(await answers('0c383e557eb1'), [200, 200, 200]);
    }
    const said = await api.post('/explain', { url: `https://x.example/${segment}/0015654aa937.boot` });
    const form = said.steps.find((step) => step.step === 'form');
    assert.match(form.message, /take what is at this name for something else/);
  });

  it('is refused where it is a family’s own, with its folders, or one of everybody', async () => {
    for (const [wanted, name] of [
      [{ family_urls: { yealink: { standard: { plain: ['x/{mac}.boot'] } } } }, 'x/{mac}.boot'],
      [{ family_urls: { 'gigaset-n510': { standard: { plain: ['42/2/{MAC}/master.bin'] } } } }, undefined],
      [{ family_urls: { 'gigaset-n510': { standard: { plain: ['{MAC}/42/2/master.bin'] } } } }, '{MAC}/42/2/master.bin'],
      [{ urls: { master: { plain: ['security.tuz'] } } }, 'security.tuz'],
    ]) {
      if (name === undefined) {
        await options(wanted);
        continue;
      }
      const problem = await options(wanted, 422);
      assert.match(problem.detail, /take what is at .* for something else than their file; choose another name/);
      assert.deepEqual(problem.templates, [name]);
    }
  });
});
