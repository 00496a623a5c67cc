// Finding devices by a part of what people know of them, in one tenant and across tenants, and telling
// whoever may know that a MAC is there twice.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedCrowd, seedTenant } from '../support/worker/seed.mjs';

const MODEL = 'KX-UTG300B';

describe('a search', () => {
  let worker;
  let admin;
  let one;
  let other;
  let quay;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
    admin = new Api(worker);
    one = `/tenants/${(await seedTenant(worker, { name: 'One' })).id}`;
    other = `/tenants/${(await seedTenant(worker, { name: 'Other' })).id}`;
    quay = (await admin.post(`${one}/sites`, { name: 'Quay West' })).id;
    await admin.put(`${one}/devices/0080F0C571EB`, { model: MODEL, label: 'Reception', site: quay });
    await admin.put(`${one}/devices/0080F0C57200`, { model: MODEL, label: 'Desk 4 "by the door"' });
    await admin.put(`${one}/devices/0080F0C57201`, { model: 'KX-UTG200B', label: 'Désk 50%_x' });
    await admin.put(`${other}/devices/0080F0C57300`, { model: MODEL, label: 'Reception' });
  });
  after(() => worker?.stop());

  const found = async (path, q, more = '') =>
    (await admin.get(`${path}/devices?q=${encodeURIComponent(q)}${more}`)).items.map((item) => item.mac);
  const everywhere = async (query) => (await admin.get(`/devices?${query}`)).items.map((item) => [item.tenant_name, item.mac]);

  it('finds a part of a MAC in any notation', async () => {
    for (const q of ['C571EB', 'c5:71:eb', 'c5-71-EB', '0.c571', 'f0 c5 71 eb', '00:80:F0:C5:71:EB', '0080.f0c5.71eb', '5:71:e']) {
      assert.deepEqual(await found(one, q), ['0080F0C571EB'], q);
    }
    assert.deepEqual(await found(one, 'f0c57'), ['0080F0C571EB', '0080F0C57200', '0080F0C57201']);
  });

  it('finds parts of label, model and site, all of the words, in any order and case', async () => {
    assert.deepEqual(await found(one, 'recept'), ['0080F0C571EB']);
    assert.deepEqual(await found(one, 'utg200'), ['0080F0C57201']);
    assert.deepEqual(await found(one, 'quay'), ['0080F0C571EB']);
    assert.deepEqual(await found(one, 'WEST reception 71:eb'), ['0080F0C571EB']);
    assert.deepEqual(await found(one, 'west desk'), []);
    assert.deepEqual(await found(one, 'desk 4'), ['0080F0C57200']);
    assert.deepEqual(await found(one, 'dÉsk'), ['0080F0C57201']);
  });

  it('takes everything that is typed for text: quotes, operators, wildcards', async () => {
    assert.deepEqual(await found(one, '4 "by the'), ['0080F0C57200']);
    assert.deepEqual(await found(one, '50%_x'), ['0080F0C57201']);
    const hostile = [
      '"',
      '"""',
      'a" OR "b',
      'label:Desk',
      'NEAR(Desk)',
      'Desk*',
      '^Desk',
      'Desk AND Reception',
      'NOT Desk',
      '%%%',
      '___',
      '{label}: x',
      "';--",
      '(((',
      '+++',
      'x'.repeat(100),
      'abc '.repeat(25).trim(),
      '🕿🕿🕿',
    ];
    for (const q of hostile) {
      const answer = await admin.call('GET', `${one}/devices?q=${encodeURIComponent(q)}`);
      if (q === '"') assert.equal(answer.status, 400);
      else assert.deepEqual([answer.status, answer.body.items], [200, []], q);
    }
  });

  it('of less than three characters, or more than a hundred, is refused with what to do', async () => {
    for (const q of ['', 'ab', '  ab  ', 'x'.repeat(101), 'a\nbc']) {
      for (const path of [one, '']) {
        const answer = await admin.call('GET', `${path}/devices?q=${encodeURIComponent(q)}`);
        assert.equal(answer.status, 400, q);
        assert.match(answer.body.detail, /3 to 100 characters/);
      }
    }
  });

  it('follows every change: labels, sites, their names, models, deletions', async () => {
    const device = `${one}/devices/${mac(0xabc001)}`;
    await admin.put(device, { model: MODEL, label: 'Ferry office' });
    assert.deepEqual(await found(one, 'ferry'), [mac(0xabc001)]);
    await admin.put(device, { model: 'KX-UTG200B', label: 'Boat house', site: quay });
    assert.deepEqual(await found(one, 'ferry'), []);
    assert.deepEqual(await found(one, 'boat quay utg200'), [mac(0xabc001)]);
    await admin.put(`${one}/sites/${quay}`, { name: 'Pier East' });
    assert.deepEqual(await found(one, 'quay'), []);
    assert.deepEqual(await found(one, 'pier boat'), [mac(0xabc001)]);
    await admin.put(`${one}/sites/${quay}`, { name: 'Quay West' });
    await admin.put(device, { model: MODEL, label: 'Boat house' });
    assert.deepEqual(await found(one, 'boat quay'), []);
    await admin.delete(device);
    assert.deepEqual(await found(one, 'boat'), []);
    await worker.sql("INSERT INTO device_search_text (device_search_text, rank) VALUES ('integrity-check', 1)");
  });

  it('finds what the settings of a device say, as they are now, and never a secret', async () => {
    const device = `${one}/devices/${mac(0xabc002)}`;
    const intact = () => worker.sql("INSERT INTO device_search_text (device_search_text, rank) VALUES ('integrity-check', 1)");
    const line = (user, more) => ({
      line_1_user: user,
      line_1_password: { secret: 'Tr0ub4dor-3' },
      line_1_domain: 'pbx.harbour.example',
      ...more,
    });
    await admin.put(device, { model: MODEL, settings: line('7341') });
    assert.deepEqual(await found(one, '7341'), [mac(0xabc002)]);
    assert.deepEqual(await found(one, 'harbour 7341'), [mac(0xabc002)]);
    assert.deepEqual(
      (await everywhere('q=7341')).map(([name]) => name),
      ['One'],
    );
    assert.deepEqual(await found(one, 'Tr0ub4dor'), []);
    await intact();
    // Another value, a setting more, and one that becomes a secret.
    await admin.put(`${device}/settings`, { settings: line('7342', { NOTE: 'by the window' }) });
    assert.deepEqual([await found(one, '7341'), await found(one, '7342 window')], [[], [mac(0xabc002)]]);
    await admin.put(`${device}/settings`, { settings: line('7342', { NOTE: { secret: 'by the window' } }) });
    assert.deepEqual([await found(one, 'by the window'), await found(one, '7342')], [[], [mac(0xabc002)]]);
    await admin.put(device, { model: MODEL, label: 'Ferry' });
    assert.deepEqual(await found(one, 'ferry 7342'), [mac(0xabc002)], 'a change of the device keeps what its settings say');
    await intact();
    // What stands above devices is no word about one of them.
    await admin.put(`${one}/settings`, { settings: { NTP: 'clock.harbour.example' } });
    assert.deepEqual(await found(one, 'clock'), []);
    // It goes along with a move, and without its settings it is not found by them.
    const [, , otherId] = other.split('/');
    await admin.post(`${device}/move`, { tenant: otherId });
    assert.deepEqual([await found(one, '7342'), await found(other, '7342')], [[], [mac(0xabc002)]]);
    const [, , oneId] = one.split('/');
    await admin.post(`${other}/devices/${mac(0xabc002)}/move`, { tenant: oneId, settings: 'drop' });
    assert.deepEqual([await found(one, '7342'), await found(one, 'ferry')], [[], [mac(0xabc002)]]);
    await intact();
    await admin.delete(device);
    await intact();
    const texts = await worker.sql("SELECT group_concat(settings, ' ') AS text FROM search_devices");
    assert.doesNotMatch(String(texts[0].text), /Tr0ub4dor/);
  });

  it('takes only so much of what the settings of a device say, its lines first', async () => {
    const device = `${one}/devices/${mac(0xabc003)}`;
    const many = Object.fromEntries(
      Array.from({ length: 60 }, (_, number) => [`A_${String(number).padStart(2, '0')}`, `${number}-${'x'.repeat(200)}`]),
    );
    await admin.put(device, {
      model: MODEL,
      settings: { ...many, line_1_user: '8855', line_1_domain: 'pbx.example', line_1_password: { secret: 'x' } },
    });
    assert.deepEqual(await found(one, '8855'), [mac(0xabc003)]);
    assert.deepEqual([await found(one, '11-xxx'), await found(one, '59-xxx')], [[mac(0xabc003)], []]);
    await admin.delete(device);
  });

  it('goes with the other filters', async () => {
    assert.deepEqual(await found(one, 'f0c57', `&model=${MODEL}`), ['0080F0C571EB', '0080F0C57200']);
    assert.deepEqual(await found(one, 'f0c57', `&site=${quay}&state=armed&disabled=false&never_seen=true`), ['0080F0C571EB']);
    assert.deepEqual(await found(one, 'f0c57', '&last_seen_after=1'), []);
  });

  it('across tenants is for tokens that see them all', async () => {
    assert.deepEqual(await everywhere('q=reception'), [
      ['One', '0080F0C571EB'],
      ['Other', '0080F0C57300'],
    ]);
    assert.deepEqual(await everywhere('mac=0080.f0c5.7300'), [['Other', '0080F0C57300']]);
    assert.deepEqual(await everywhere('mac=0080f0c57399'), []);
    assert.equal((await everywhere('limit=200')).length, 4);
    assert.equal((await admin.call('GET', '/devices?mac=0080f0')).status, 400);
    assert.equal((await admin.call('GET', '/devices?mac=0080f0c57300&q=abc')).status, 400);
    const [, , id] = one.split('/');
    const bound = new Api(worker, (await admin.post('/tokens', { name: 'bound', access: 'write', tenant: id })).token);
    for (const query of ['', '?q=reception', '?mac=0080f0c57300', '?doubled=true']) {
      assert.equal((await bound.call('GET', `/devices${query}`)).status, 403, query);
    }
    assert.deepEqual(
      (await bound.get(`${one}/devices?q=reception`)).items.map((item) => item.mac),
      ['0080F0C571EB'],
    );
    assert.equal((await bound.call('GET', `${other}/devices?q=reception`)).status, 404);
    const all = new Api(worker, (await admin.post('/tokens', { name: 'all', access: 'read' })).token);
    assert.equal((await all.get('/devices?q=reception')).items.length, 2);
  });

  it('in pages gives each device once, though others come and go in between', async () => {
    for (const path of [one, other]) {
      for (let number = 0; number < 7; number += 1)
        await admin.put(`${path}/devices/${mac(0xdd0000 + number + (path === one ? 0 : 16))}`, { model: MODEL, label: `Paged ${number}` });
    }
    for (const [path, expected] of [
      [one, 7],
      ['', 14],
    ]) {
      const seen = [];
      let cursor = '';
      for (let page = 0; page < 20; page += 1) {
        const answer = await admin.get(`${path}/devices?q=paged&limit=3${cursor && `&cursor=${cursor}`}`);
        seen.push(...answer.items.map((item) => item.mac));
        if (page === 1) {
          await admin.delete(`${path || one}/devices/${seen[0]}`);
          await admin.put(`${path || one}/devices/${seen[0]}`, { model: MODEL, label: 'Paged again' });
        }
        if (!answer.next) break;
        cursor = answer.next;
      }
      assert.equal(new Set(seen).size, expected);
      assert.equal(seen.length, expected + 1, 'the one that was removed and added again comes once more, at the end or in its place');
    }
    const list = await admin.get(`${one}/devices?limit=1`);
    assert.equal((await admin.call('GET', `${one}/devices?q=paged&cursor=${list.next}`)).status, 400, 'the cursor of another list');
  });

  describe('among many devices', () => {
    const CROWD = 20_000;
    let crowd;
    let small;
    before(async () => {
      crowd = await seedTenant(worker, { name: 'Crowd' });
      await seedCrowd(worker, crowd, CROWD);
      small = await seedTenant(worker, { name: 'Small' });
      await admin.put(`/tenants/${small.id}/devices/BCC342FFFFFF`, { model: MODEL, label: 'Alone' });
    });

    async function rows(path) {
      await worker.probe({ reset: true });
      const { items } = await admin.get(path);
      const { rowsRead } = await worker.probe({ reset: true });
      return { found: items.length, rowsRead };
    }

    it('counts what uses an access path to a thousand', async () => {
      const [path] = await worker.sql('SELECT id FROM access_paths WHERE tenant_id = ?1', crowd.id);
      await worker.sql(
        'INSERT INTO access_path_devices (access_path_id, device_id, last_at) SELECT ?2, id, ?3 FROM devices WHERE tenant_id = ?1',
        crowd.id,
        path.id,
        Date.now(),
      );
      await worker.probe({ reset: true });
      const { items } = await admin.get(`/tenants/${crowd.id}/access-paths`);
      const { rowsRead } = await worker.probe({ reset: true });
      assert.equal(items[0].devices_7d, 1000);
      assert.ok(rowsRead <= 1100, `${rowsRead} rows read of ${CROWD}`);
      await worker.sql('DELETE FROM access_path_devices');
    });

    it('reads what it shows, not what there is', async (t) => {
      const counts = {};
      for (const [path, expected] of [
        [`/tenants/${crowd.id}/devices?q=bcc342001234`, 1],
        [`/tenants/${crowd.id}/devices?q=${MODEL}&limit=10`, 10],
        [`/tenants/${small.id}/devices?q=${MODEL}`, 1],
        [`/tenants/${small.id}/devices?q=001234`, 0],
        ['/devices?q=001234', 1],
        ['/devices?q=bcc342&limit=10', 10],
        ['/devices?mac=BCC342001234', 1],
      ]) {
        const count = await rows(path);
        counts[path.replace(crowd.id, '{crowd}').replace(small.id, '{small}')] = count;
        assert.equal(count.found, expected, path);
        assert.ok(count.rowsRead <= 40 + 12 * count.found, `${path}: ${count.rowsRead} rows read of ${CROWD}`);
      }
      t.diagnostic(JSON.stringify(counts));
    });
  });
});

describe('a MAC that another tenant has', () => {
  let worker;
  let admin;
  let ids;
  before(async () => {
    worker = await Ringfence.start({ probe: true });
    admin = new Api(worker);
    ids = [(await seedTenant(worker, { name: 'First' })).id, (await seedTenant(worker, { name: 'Second' })).id];
    await admin.put(`/tenants/${ids[0]}/devices/${mac(1)}`, { model: MODEL });
  });
  after(() => worker?.stop());

  it('is told when it is added, to a token for all tenants', async () => {
    const first = await admin.get(`/tenants/${ids[0]}/devices/${mac(1)}`);
    const expected = [{ tenant: ids[0], tenant_name: 'First', device: first.id }];
    const put = await admin.put(`/tenants/${ids[1]}/devices/${mac(1)}`, { model: MODEL });
    assert.deepEqual(put.also_in, expected);
    // Only when it is added.
    assert.equal((await admin.put(`/tenants/${ids[1]}/devices/${mac(1)}`, { model: MODEL, label: 'x' })).also_in, undefined);
    await admin.delete(`/tenants/${ids[1]}/devices/${mac(1)}`);
    const post = await admin.post(`/tenants/${ids[1]}/devices`, { mac: mac(1), model: MODEL });
    assert.deepEqual(post.also_in, expected);
    assert.equal((await admin.post(`/tenants/${ids[1]}/devices`, { mac: mac(2), model: MODEL })).also_in, undefined);
  });

  it('tells a token of one tenant nothing: the same answer after the same work', async () => {
    const bound = new Api(worker, (await admin.post('/tokens', { name: 'bound', access: 'write', tenant: ids[1] })).token);
    await admin.put(`/tenants/${ids[0]}/devices/${mac(3)}`, { model: MODEL });
    const add = async (number) => {
      await worker.probe({ reset: true });
      const answer = await bound.call('PUT', `/tenants/${ids[1]}/devices/${mac(number)}`, { body: { model: MODEL } });
      const { sql, rowsRead, rowsWritten } = await worker.probe({ reset: true });
      const { id, mac: own, version, file_version, key, created_at, updated_at, ...rest } = answer.body;
      return { status: answer.status, rest, sql, rowsRead, rowsWritten };
    };
    // The index of trigrams merges its pieces now and then, whoever's turn it is: the least counts.
    const least = async (numbers) => {
      const all = [];
      for (const number of numbers) all.push(await add(number));
      const { rowsRead, rowsWritten, ...same } = all[0];
      for (const one of all) assert.deepEqual({ ...one, rowsRead, rowsWritten }, all[0]);
      return {
        ...same,
        rowsRead: Math.min(...all.map((one) => one.rowsRead)),
        rowsWritten: Math.min(...all.map((one) => one.rowsWritten)),
      };
    };
    for (const number of [3, 4, 5, 6, 7]) await admin.put(`/tenants/${ids[0]}/devices/${mac(number)}`, { model: MODEL });
    await add(90);
    const doubled = await least([3, 4, 5, 6, 7]);
    assert.deepEqual(doubled, await least([13, 14, 15, 16, 17]));
    assert.ok(!JSON.stringify(doubled.rest).includes('also_in'));
  });

  it('is listed, for tokens that see all tenants', async () => {
    const pairs = [];
    let cursor = '';
    do {
      const page = await admin.get(`/devices?doubled=true&limit=1${cursor && `&cursor=${cursor}`}`);
      pairs.push(...page.items.map((item) => [item.mac, item.tenant_name]));
      cursor = page.next;
    } while (cursor);
    pairs.sort();
    assert.deepEqual(
      pairs,
      [1, 3, 4, 5, 6, 7].flatMap((number) => [
        [mac(number), 'First'],
        [mac(number), 'Second'],
      ]),
    );
  });
});
