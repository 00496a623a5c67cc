// A vendor whose folder stands outside of the source (tests/vendors/acme), built into a Worker by RINGFENCE_VENDORS: its
// phone boots beside the others. scripts/test.sh builds that Worker to target/panic-route.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { join } from 'node:path';

import { Api } from '../support/worker/api.mjs';
import { ROOT } from '../support/config.mjs';
import { rawRequest } from '../support/worker/raw.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';

const MAC = '02ACE0000001';

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
    const answer = await ask(`${MAC.toLowerCase()}.acme`, [['User-Agent', `Acme ACME1000 2.1 ${MAC.toLowerCase()}`]]);
    assert.equal(answer.status, 404);
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

  it('is in the list of families, and its event is sent', async () => {
    const { items } = await api.get('/families');
    const acme = items.find(({ family }) => family === 'acme');
    assert.deepEqual([acme.fetch_event, acme.names[0].name], ['acme-fetch', '{mac}.acme']);
    const { items: settings } = await api.get('/vocabulary');
    assert.deepEqual(settings.find(({ name }) => name === 'line_{n}_user').families.acme, ['line.{n}.user']);
  });
});
