// A vendor whose folder stands outside of the source (tests/vendors/acme), built into a Worker by RINGFENCE_VENDORS: its
// phone boots beside the others, is known before it is added, and is told by its own event. scripts/test.sh builds that
// Worker to target/panic-route.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { join } from 'node:path';

import { Api } from '../support/worker/api.mjs';
import { ROOT } from '../support/config.mjs';
import { connectedRelay, untilJobEnded, poolAndTenant } from '../support/relay/notify.mjs';
import { rawRequest } from '../support/worker/raw.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { sipp } from '../support/sip/sipp.mjs';
import { eventually } from '../support/wait.mjs';

const MAC = '02ACE0000001';
const AGENT = `Acme ACME1000 2.1 ${MAC.toLowerCase()}`;

describe('a vendor from a folder alone', () => {
  let worker;
  let api;
  let t;
  let segment;
  before(async () => {
    worker = await Ringfence.start({ build: join(ROOT, 'target/panic-route') });
    api = new Api(worker);
    t = `/tenants/${(await api.post('/tenants', { name: 'Acme' })).id}`;
    ({ segment } = await api.post(`${t}/access-paths`, { label: 'all' }));
  });
  after(() => worker?.stop());

  const ask = (name, headers = []) => rawRequest(worker.port, `/${segment}/${name}`, { headers });

  it('is known before its phone is: the list of unknown phones says what it is', async () => {
    const name = `${MAC.toLowerCase()}.acme`;
    const answer = await ask(name, [['User-Agent', AGENT]]);
    assert.equal(answer.status, 404);
    const [item] = await eventually(
      async () => (await api.get(`${t}/unknown`)).items,
      (items) => items.length === 1,
      'an unknown phone',
    );
    assert.deepEqual([item.mac, item.path, item.times, item.last_seen.user_agent], [MAC, name, 1, AGENT]);
    assert.deepEqual(item.guess, { vendor: 'Acme', family: 'acme', model: 'ACME1000', firmware: '2.1' });
  });

  it('has its phone adopted as what it said that it is', async () => {
    const own = '02ACE0000002';
    await ask(`${own.toLowerCase()}.acme`, [['User-Agent', `Acme ACME2000 2.1 ${own.toLowerCase()}`]]);
    await eventually(
      async () => (await api.get(`${t}/unknown`)).items,
      (items) => items.some(({ mac }) => mac === own),
      'the second phone',
    );
    const { model, family } = await api.post(`${t}/unknown/${own}/adopt`);
    assert.deepEqual([model, family], ['ACME2000', 'acme']);
    assert.equal((await ask(`${own.toLowerCase()}.acme`)).status, 200);
  });

  it('boots its phone by its own name, with the settings that mean the same for all', async () => {
    const added = await api.put(`${t}/devices/${MAC}`, {
      model: 'ACME1000',
      settings: {
        line_1_user: '201',
        line_1_password: { secret: 's3cr&t' },
        line_1_domain: 'sip.example.net',
        line_1_port: '5061',
        time_zone: 'Europe/Berlin',
        vlan: '7',
      },
    });
    assert.equal(added.family, 'acme');
    // What the family cannot say is told, here and by the lint.
    assert.deepEqual(
      added.checked.unused.map(({ name, message }) => [name, message]),
      [['vlan', 'no parameter of these phones is known for it']],
    );
    const { items: linted } = await api.get(`${t}/devices/${MAC}/lint`);
    assert.deepEqual(
      linted.flatMap(({ findings }) => findings.map(({ code, severity, settings }) => [code, severity, settings])),
      [['setting-not-of-family', 'warning', ['vlan']]],
    );
    const file = await ask(`${MAC.toLowerCase()}.acme`);
    assert.equal(file.status, 200);
    assert.deepEqual(file.body.toString().trim().split('\n'), [
      '#!acme',
      'clock.tz: CET-1CEST,M3.5.0,M10.5.0/3',
      'line.1.secret: s3cr&t',
      'line.1.server: sip.example.net:5061',
      'line.1.user: 201',
    ]);
    assert.equal((await ask(`${MAC}.acme`)).status, 404);
  });

  it('is in the list of families, and its settings in the table of those that mean the same for all', async () => {
    const { items } = await api.get('/families');
    const acme = items.find(({ family }) => family === 'acme');
    assert.deepEqual([acme.fetch_event, acme.names[0].name], ['acme-fetch', '{mac}.acme']);
    const { items: settings } = await api.get('/vocabulary');
    assert.deepEqual(settings.find(({ name }) => name === 'line_{n}_user').families.acme, ['line.{n}.user']);
  });

  it('has its event sent: a phone hears it, and comes for its file', async () => {
    const here = await poolAndTenant(worker, api);
    const relay = await connectedRelay({ port: worker.port, credential: here.relays[0].credential });
    const phone = await sipp('answer', { keys: { status: '200 OK', linger: '5000' } });
    try {
      const own = '02ACE0000003';
      const at = `${here.at}/devices/${own}`;
      await api.put(at, {
        model: 'ACME1000',
        settings: {
          line_1_user: '203',
          line_1_password: { secret: 's3cret' },
          line_1_domain: 'sip.example.net',
          NOTIFY_AOR: 'sip:203@pbx.test',
          NOTIFY_ADDRESS: phone.address,
        },
      });
      const { job } = await api.post(`${at}/notify`, {});
      await eventually(() => phone.lines().length > 0);
      assert.match(phone.lines()[0], / event=acme-fetch /);
      const file = await rawRequest(worker.port, `/${here.tenant.accessPath}/${own.toLowerCase()}.acme`, {
        headers: [['User-Agent', `Acme ACME1000 2.1 ${own.toLowerCase()}`]],
      });
      assert.match(file.body.toString(), /^line\.1\.user: 203$/m);
      assert.equal((await untilJobEnded(api, here.at, job.id)).state, 'fetched');
      // No event of it restarts: its record names none.
      const restart = await api.call('POST', `${at}/notify`, { body: { restart: true } });
      assert.equal(restart.status, 422, restart.text);
    } finally {
      await phone.end();
      await relay.stop();
    }
  });
});
