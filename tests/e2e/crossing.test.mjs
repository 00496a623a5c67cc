// Changes of different layers that cross: each is checked against what is there, so what is there must
// still be that when it is written. The probe holds one back at its write, another goes past it.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { TEXT, XML } from '../support/worker/content.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedTenant } from '../support/worker/seed.mjs';
import { eventually } from '../support/wait.mjs';

/** A standard file that X and Y break together, and neither alone. */
const FRAGILE = XML['standard/utg'].replace('<Lines>', '{% if X is defined and Y is defined %}{{ NOT_SET }}{% endif %}<Lines>');
const MODEL = { model: 'KX-UTG300B' };

describe('changes that cross', () => {
  let worker;
  let api;
  let at;
  let device;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
    api = new Api(worker);
  });
  after(() => worker?.stop());
  beforeEach(async () => {
    const tenant = await seedTenant(worker, { templates: { ...XML, 'standard/utg': FRAGILE } });
    at = `/tenants/${tenant.id}`;
    device = `${at}/devices/${mac(1)}`;
    await api.put(device, MODEL);
  });

  const set = (settings) => ({ body: { settings } });

  /** Holds a change back at its write; `past` happens meanwhile, as often as it is held. */
  async function held(method, path, options, ...past) {
    const hold = { hold: '^UPDATE tenants SET seq', release: true };
    await worker.probe(hold);
    const answer = api.call(method, path, options);
    for (const [index, change] of past.entries()) {
      await eventually(
        () => worker.probe({}),
        ({ holding }) => holding,
        'a held change',
      );
      await change();
      await worker.probe(index + 1 < past.length ? hold : { release: true });
    }
    return answer;
  }

  function assertBroken(answer) {
    assert.equal(answer.status, 422, answer.text);
    assert.equal(answer.body.type, 'urn:ringfence:problem:invalid-files');
    assert.match(answer.body.devices[0].error, /NOT_SET/);
  }

  const nothingIsBroken = async () => {
    // Every device renders: the check of a change that concerns all of them passes.
    await api.put(`${at}/settings`, { settings: { ...(await api.get(`${at}/settings`)).settings, Z: String(Math.random()) } });
  };

  it('one above the devices is checked against a device that changed meanwhile', async () => {
    const answer = await held('PUT', `${at}/settings`, set({ X: '1' }), () => api.put(`${device}/settings`, { settings: { Y: '1' } }));
    assertBroken(answer);
    assert.deepEqual((await api.get(`${at}/settings`)).settings, {});
    await nothingIsBroken();
  });

  it('one of a device is checked against what changed above it meanwhile', async () => {
    const answer = await held('PUT', `${device}/settings`, set({ Y: '1' }), () => api.put(`${at}/settings`, { settings: { X: '1' } }));
    assertBroken(answer);
    assert.deepEqual((await api.get(`${device}/settings`)).settings, {});
    await nothingIsBroken();
  });

  it('so are a template and its removal', async () => {
    await api.put(`${at}/settings`, { settings: { X: '1' } });
    const template = `${at}/templates/standard/utg`;
    await api.put(template, { source: XML['standard/utg'] });
    assertBroken(await held('PUT', template, { body: { source: FRAGILE } }, () => api.put(`${device}/settings`, { settings: { Y: '1' } })));
    await api.put(`${device}/settings`, { settings: {} });
    await api.put(`${at}/templates/standard/utg/KX-UTG300B`, { source: XML['standard/utg'] });
    await api.put(template, { source: FRAGILE });
    assertBroken(await held('DELETE', `${template}/KX-UTG300B`, {}, () => api.put(`${device}/settings`, { settings: { Y: '1' } })));
    await nothingIsBroken();
  });

  it('so is a model', async () => {
    const source = TEXT['standard/hdv'].replace('{{ SIP_USER', '{% if Y is defined %}{{ NOT_SET }}{% endif %}{{ SIP_USER');
    await api.put(`${at}/templates/standard/hdv`, { source });
    const hdv = { body: { family: 'hdv', profile: null } };
    assertBroken(await held('PUT', `${at}/models/KX-UTG300B`, hdv, () => api.put(`${device}/settings`, { settings: { Y: '1' } })));
    assert.equal((await api.get(`${at}/models/KX-UTG300B`)).family, 'utg');
  });

  it('so are the options of a tenant, and its name alone is checked against nothing', async () => {
    const { name } = await api.get(at);
    const other = (value) => () => api.put(`${device}/settings`, { settings: { Y: value } });
    const writes = async (body, value) => {
      await worker.probe({ reset: true });
      const answer = await held('PUT', at, { body }, other(value));
      assert.equal(answer.status, 200, answer.text);
      const { sql } = await worker.probe({ reset: true });
      return sql.filter((text) => text.startsWith('UPDATE tenants SET seq')).length;
    };
    assert.equal(await writes({ name, options: { shared_files: 'plain' } }, '1'), 3, 'once more');
    assert.equal(await writes({ name: `${name}!`, options: { shared_files: 'plain' } }, '2'), 2);
  });

  it('a new device is checked against what changed above it meanwhile, and is not there then', async () => {
    const other = `${at}/devices/${mac(2)}`;
    const answer = await held('PUT', other, { body: { ...MODEL, settings: { Y: '1' } } }, () =>
      api.put(`${at}/settings`, { settings: { X: '1' } }),
    );
    assertBroken(answer);
    assert.equal((await api.call('GET', other)).status, 404);
  });

  it('a new device of a new model is checked against the model that somebody else added meanwhile', async () => {
    await api.put(`${at}/templates/standard/hdv`, { source: TEXT['standard/hdv'].replace('{{ SIP_USER', '{{ NOT_SET }}{{ SIP_USER') });
    const [model, other] = ['KX-UTG200B', `${at}/devices/${mac(2)}`];
    const added = () => api.put(`${at}/models/${model}`, { family: 'hdv' });
    assertBroken(await held('PUT', other, { body: { model } }, added));
    assert.equal((await api.call('GET', other)).status, 404);
  });

  it('many devices of a new model are added at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) => api.call('PUT', `${at}/devices/${mac(10 + i)}`, { body: { model: 'KX-UTG200B' } })),
    );
    for (const { status, text } of answers) assert.equal(status, 200, text);
  });

  it('two of one device are checked against each other', async () => {
    const site = (await api.post(`${at}/sites`, { name: 'Harbour' })).id;
    await api.put(`${at}/sites/${site}/settings`, { settings: { X: '1' } });
    const moved = { body: { ...MODEL, site } };
    assertBroken(await held('PUT', device, moved, () => api.put(`${device}/settings`, { settings: { Y: '1' } })));
    await api.put(`${device}/settings`, { settings: {} });
    assertBroken(await held('PUT', `${device}/settings`, set({ Y: '1' }), () => api.call('PUT', device, moved)));
    await nothingIsBroken();
  });

  it('what goes well with what changed meanwhile is written, once', async () => {
    const answer = await held('PUT', `${at}/settings`, set({ A: '1' }), () => api.put(`${device}/settings`, { settings: { Y: '1' } }));
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.body.revision, 1);
    assert.equal((await api.get(`${device}/settings`)).settings.Y, '1');
    const entries = (await api.get(`${at}/audit`)).items.filter(({ object }) => object === 'settings');
    assert.equal(entries.length, 1);
  });

  it('two devices do not disturb each other', async () => {
    const other = `${at}/devices/${mac(2)}`;
    await api.put(other, MODEL);
    await worker.probe({ reset: true });
    const answer = await held('PUT', `${device}/settings`, set({ Y: '1' }), () => api.put(`${other}/settings`, { settings: { Y: '2' } }));
    assert.equal(answer.status, 200, answer.text);
    const { sql } = await worker.probe({ reset: true });
    assert.equal(sql.filter((text) => text.startsWith('UPDATE tenants SET seq')).length, 2, 'neither was repeated');
  });

  it('with If-Match nobody overwrites what they have not seen, however often it is tried', async () => {
    await api.put(`${at}/settings`, { settings: { A: '0' } });
    const etag = (await api.call('GET', `${at}/settings`)).headers.get('etag');
    const answer = await held('PUT', `${at}/settings`, { ...set({ A: '1' }), ifMatch: etag }, () =>
      api.put(`${at}/settings`, { settings: { A: '2' } }),
    );
    assert.equal(answer.status, 412, answer.text);
    assert.equal((await api.get(`${at}/settings`)).settings.A, '2');
  });

  it('where others are always faster it gives up, says so and has written nothing', async () => {
    const other = (settings) => () => api.put(`${device}/settings`, { settings });
    const answer = await held('PUT', `${at}/settings`, set({ A: '1' }), other({ B: '1' }), other({ B: '2' }), other({ B: '3' }));
    assert.equal(answer.status, 409, answer.text);
    assert.match(answer.body.detail, /repeat the request/);
    assert.deepEqual((await api.get(`${at}/settings`)).settings, {});
  });
});
