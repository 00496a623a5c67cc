// Templates that would cost more than they have paid for, put in by one tenant's token while others are at
// work: they are refused or fail by themselves, and nobody else notices.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { XML } from '../support/worker/content.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { UTG, mac, seedDevice, seedDevices, seedTenant } from '../support/worker/seed.mjs';

const file = (block) => `${block}<PANASIPPhoneConfig><Device></Device></PANASIPPhoneConfig>\n`;
const doubled = (times, rest) =>
  file(`{% set a = ['x'] %}{% set b = ['x'] %}${'{% set a = [a,a] %}{% set b = [b,b] %}'.repeat(times)}${rest}`);

const HOSTILE = {
  'lists doubled and compared': doubled(24, '{% if a == b %}{% endif %}'),
  'lists doubled and compared, 60 times': doubled(60, '{% if a == b %}{% endif %}'),
  'lists doubled and ordered': doubled(24, '{% if a < b %}{% endif %}'),
  'a doubled list in a text': doubled(24, "{% if a in 'x' %}{% endif %}"),
  'a doubled list made a text': doubled(24, "{% set c = a ~ '' %}"),
  'a doubled list joined': doubled(24, '{% set c = a|join %}'),
  'a doubled list replaced in': doubled(24, "{% set c = a|replace('x', 'y') %}"),
  'nested 10,000 deep': file(`{% set a = [1] %}${'{% set a = [a] %}\n'.repeat(10_000)}`),
  'large texts compared': file(
    "{% set a = 'x' * 2000000 %}{% set b = 'x' * 2000000 %}{% for i in range(1000) %}{% if a == b %}{% endif %}{% endfor %}",
  ),
  'one large text joined often': file("{% set l = ['x' * 1000000] * 1000 %}{% set c = l|join %}"),
  'fuel spent to the end': file('{% for i in range(1000) %}{% for j in range(1000) %}{% endfor %}{% endfor %}'),
};

describe('templates at the expense of others', () => {
  let worker;
  let villain;
  let api;
  let neighbour;
  const armed = [];
  const delivered = new Set();
  let sealed;
  before(async () => {
    worker = await Ringfence.start();
    villain = await seedTenant(worker);
    await seedDevices(
      worker,
      villain,
      Array.from({ length: 60 }, (_, number) => ({ mac: mac(number) })),
    );
    const { token } = await new Api(worker).post('/tokens', { name: 'one tenant', access: 'write', tenant: villain.id });
    api = new Api(worker, token);
    neighbour = await seedTenant(worker);
    armed.push(
      ...(await seedDevices(
        worker,
        neighbour,
        Array.from({ length: 400 }, (_, number) => ({ mac: mac(1000 + number) })),
      )),
    );
    sealed = await seedDevice(worker, neighbour, { mac: mac(2000), state: 'confirmed' });
  });
  after(() => worker?.stop());

  /** Other tenants' phones and operators while `work` goes on; what each of them got. */
  async function meanwhile(work) {
    const admin = new Api(worker);
    let goesOn = true;
    const got = { sealed: [], bootstraps: [], changes: [] };
    const taken = [];
    const others = [
      (async () => {
        while (goesOn) got.sealed.push((await neighbour.get(`Config${sealed.mac}.enc`)).status);
      })(),
      (async () => {
        while (goesOn && armed.length > 0) {
          const device = armed.pop();
          const answer = await neighbour.get(`Config${device.mac}.cfg`);
          const text = await answer.text();
          got.bootstraps.push(answer.status);
          taken.push([device, text]);
        }
      })(),
      (async () => {
        while (goesOn)
          got.changes.push(
            (
              await admin.call('PUT', `/tenants/${neighbour.id}/devices/${sealed.mac}/settings`, {
                body: { settings: { N: String(got.changes.length) } },
              })
            ).status,
          );
      })(),
    ];
    try {
      await work();
    } finally {
      goesOn = false;
      await Promise.all(others);
    }
    for (const [who, statuses] of Object.entries(got)) {
      assert.ok(statuses.length > 0, `${who} got nothing at all`);
      assert.deepEqual(
        statuses.filter((status) => status !== 200),
        [],
        who,
      );
    }
    // What was consumed was delivered, with its key.
    for (const [device, text] of taken) assert.ok(text.includes(device.key), device.mac);
    const consumed = await worker.sql("SELECT mac FROM devices WHERE tenant_id = ?1 AND key_state = 'delivered'", neighbour.id);
    taken.forEach(([device]) => delivered.add(device.mac));
    assert.deepEqual(
      consumed.map((row) => row.mac).filter((mac) => !delivered.has(mac)),
      [],
    );
  }

  it('are refused with the line and what to do, and nobody else notices', async () => {
    await meanwhile(async () => {
      for (const [what, source] of Object.entries(HOSTILE)) {
        const answer = await api.call('PUT', `/tenants/${villain.id}/templates/standard/utg`, { body: { source } });
        assert.equal(answer.status, 422, `${what}: ${answer.status} ${answer.text.slice(0, 300)}`);
        assert.match(answer.text, /line [12]: (a list holds texts|the template takes too much work)/, what);
        assert.match(answer.headers.get('ringfence-request-id'), /./, what);
      }
    });
  });

  it('fail a phone of their own alone, should they be stored', async () => {
    const phone = await seedDevice(worker, villain, { mac: mac(500) });
    for (const source of Object.values(HOSTILE)) {
      await worker.sql("UPDATE file_templates SET source = ?2 WHERE tenant_id = ?1 AND kind = 'standard'", villain.id, source);
      await villain.changed();
      await meanwhile(async () => {
        const answers = await Promise.all(Array.from({ length: 5 }, () => villain.get(`Config${phone.mac}.cfg`)));
        assert.deepEqual(
          answers.map((answer) => answer.status),
          [503, 503, 503, 503, 503],
        );
      });
      assert.equal((await villain.device(phone.mac)).key_state, 'armed');
    }
    await worker.sql("UPDATE file_templates SET source = ?2 WHERE tenant_id = ?1 AND kind = 'standard'", villain.id, XML['standard/utg']);
    await villain.changed();
    assert.equal((await villain.get(`Config${phone.mac}.cfg`)).status, 200);
  });

  it('the longest chains and the deepest blocks that are let through do no harm', async () => {
    const longest = [
      `{% set a = ${'-'.repeat(480)}1 %}`,
      `{% set a = 1${'+1'.repeat(240)} %}`,
      `{% set a = 'x'${'|d'.repeat(230)} %}`,
      `{% set a = ${'not '.repeat(115)}1 %}`,
      `${'{% if 1 %}'.repeat(24)}{% set a = ${'('.repeat(24)}1${')'.repeat(24)} %}${'{% endif %}'.repeat(24)}`,
      `${'{% for i in [1] %}'.repeat(24)}{% set a = 1${'~1'.repeat(240)} %}${'{% endfor %}'.repeat(24)}`,
    ];
    for (const block of longest) {
      const answer = await api.call('PUT', `/tenants/${villain.id}/templates/standard/utg`, { body: { source: file(block) } });
      assert.equal(answer.status, 200, `${block.slice(0, 60)}: ${answer.text.slice(0, 300)}`);
    }
    await api.put(`/tenants/${villain.id}/templates/standard/utg`, { source: XML['standard/utg'] });
  });
});

describe('a check of a change', () => {
  let worker;
  let api;
  before(async () => {
    worker = await Ringfence.start();
    api = new Api(worker);
  });
  after(() => worker?.stop());

  const standard = (block) => ({ source: file(block) });

  it('sees what a phone sees: no template can tell them apart', async () => {
    for (const hostname of [null, '127.0.0.1']) {
      const tenant = await seedTenant(worker, { hostname });
      const phone = await seedDevice(worker, tenant, { mac: mac(1) });
      const at = `/tenants/${tenant.id}`;
      // Each is a question that a template could ask; its answer is in the file.
      const asks = [
        ...['provisioning.example', '0'.repeat(10), 'ACCESS-PATH', tenant.accessPath, '127.0.0.1', 'http://'].map(
          (text) => `'y' if '${text}' in urls.standard else 'n'`,
        ),
        'urls.standard|length',
        "urls.standard|replace('https', '')|first",
        "urls.standard|split('/')|length",
        'urls.standard[10] ~ urls.standard[30]',
      ];
      const source = `<PANASIPPhoneConfig><Initial><CfgFiles><CFG_STANDARD_FILE_PATH>{{ urls.standard }}</CFG_STANDARD_FILE_PATH>
${asks.map((ask, number) => `<ASK_${number}>{{ ${ask} }}</ASK_${number}>`).join('\n')}
</CfgFiles></Initial></PANASIPPhoneConfig>\n`;
      await api.put(`${at}/templates/initial/utg`, { source });
      const answer = await tenant.get(`${UTG.name}.cfg`);
      const got = await answer.text();
      assert.equal(answer.status, 200, got);
      assert.ok(
        got.includes(`<CFG_STANDARD_FILE_PATH>${worker.http.replace(/\/$/, '')}${tenant.path('Config{MAC}.cfg')}</CFG_STANDARD_FILE_PATH>`),
        got,
      );
      const preview = (await api.get(`${at}/devices/${phone.mac}/files/initial/preview`)).text;
      const answers = (text) => [...text.matchAll(/<ASK_\d+>(.*?)<\/ASK_\d+>/g)].map((match) => match[1]);
      assert.equal(answers(got).length, asks.length);
      // Names differ: a model's file has the phone's own macro. Lengths are that much apart.
      const length = 6;
      assert.deepEqual(answers(got).toSpliced(length, 1), answers(preview).toSpliced(length, 1));
      assert.equal(Number(answers(preview)[length]) - Number(answers(got)[length]), mac(1).length - '{MAC}'.length);
      // Not even by what is known to its writer alone: the access path.
      assert.equal(answers(got)[3], 'n');
      // And the check asks the same: what would fail for a phone fails there.
      const bomb = source.replace('<CfgFiles>', `{% if not '${tenant.accessPath}' in urls.standard %}{{ BOMB }}{% endif %}<CfgFiles>`);
      assert.equal((await api.call('PUT', `${at}/templates/initial/utg`, { body: { source: bomb } })).status, 422);
      // A URL whose letters were changed is no use to a phone, and is said to be none.
      const upper = source.replace('{{ urls.standard }}', '{{ urls.standard|upper }}');
      const refused = await api.call('PUT', `${at}/templates/initial/utg`, { body: { source: upper } });
      assert.equal(refused.status, 422);
      assert.match(refused.text, /filled into the file after the template has run/);
    }
  });

  it('ends at the 21st broken file', async () => {
    const tenant = await seedTenant(worker);
    await seedDevices(
      worker,
      tenant,
      Array.from({ length: 60 }, (_, number) => ({ mac: mac(100 + number) })),
    );
    const answer = await api.call('PUT', `/tenants/${tenant.id}/templates/standard/utg`, { body: standard('{{ MISSING }}') });
    assert.equal(answer.status, 422);
    assert.match(answer.body.detail, /at least 21 files/);
    assert.deepEqual([answer.body.files, answer.body.devices.length, answer.body.checked.devices], [21, 20, 21]);
  });

  it('of 500 ordinary devices is whole; of heavy ones it ends with its budget, every combination first, and says so', async () => {
    const other = { ...UTG, name: 'KX-UTG200B' };
    const tenant = await seedTenant(worker, {
      templates: {},
      models: [UTG, other],
      settings: Object.fromEntries(Array.from({ length: 40 }, (_, number) => [`standard_Line1_Sip_P_${number}`, 'value'])),
    });
    await seedDevices(
      worker,
      tenant,
      Array.from({ length: 500 }, (_, number) => ({
        mac: mac(5000 + number),
        model: number < 499 ? UTG.name : other.name,
        settings: { standard_Line1_Sip_SIP_USER_ID: `${number}` },
      })),
    );
    const at = `/tenants/${tenant.id}`;
    const whole = await api.put(`${at}/settings`, { settings: { standard_Line1_Sip_P_0: 'another' } });
    assert.deepEqual(whole.checked, { devices: 500, affected: 500, method: 'all' });

    const neighbour = await seedTenant(worker);
    const phone = await seedDevice(worker, neighbour, { mac: mac(9999), state: 'confirmed' });
    let waiting = true;
    let served = 0;
    const others = (async () => {
      while (waiting) {
        assert.equal((await neighbour.get(`Config${phone.mac}.enc`)).status, 200);
        served += 1;
      }
    })();
    const heavy = await api
      .put(`${at}/templates/standard/utg`, standard('{% for i in range(800) %}{% for j in range(30) %}{% endfor %}{% endfor %}'))
      .finally(() => {
        waiting = false;
      });
    await others;
    assert.equal(heavy.checked.method, 'within_budget');
    assert.equal(heavy.checked.affected, 500);
    assert.ok(heavy.checked.devices > 30 && heavy.checked.devices < 300, JSON.stringify(heavy.checked));
    // The thread was not held all the time.
    assert.ok(served > 20, `${served} sealed files meanwhile`);

    // The one device of its combination is checked although it is the last of all.
    const broken = await api.call('PUT', `${at}/templates/standard/utg`, {
      body: standard(
        `{% for i in range(800) %}{% for j in range(30) %}{% endfor %}{% endfor %}{% if device.model == '${other.name}' %}{{ MISSING }}{% endif %}`,
      ),
    });
    assert.equal(broken.status, 422);
    assert.deepEqual(
      broken.body.devices.map((one) => one.mac),
      [mac(5499)],
    );
  });
});
