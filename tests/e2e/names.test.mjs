// Names of files: whatever name is accepted, some phone gets its file; families side by side; settings
// that reach no file; a base station with all its handsets.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac } from '../support/worker/seed.mjs';

const UDS = 'KX-UDS124';
const HDV = 'KX-HDV130N';

describe('the names of files', () => {
  let worker;
  let api;
  before(async () => {
    worker = await Ringfence.start();
    api = new Api(worker);
  });
  after(() => worker?.stop());

  let serial = 0;
  /** A tenant with an access path, models and one device of each, by the API alone. */
  const tenantWith = async (options, models) => {
    serial += 1;
    const tenant = await api.post('/tenants', { name: `Names ${serial}`, options });
    const path = `/tenants/${tenant.id}`;
    const { segment } = await api.post(`${path}/access-paths`, { label: 'test' });
    const devices = {};
    for (const model of models) {
      const own = mac(serial * 256 + Object.keys(devices).length);
      devices[model] = (await api.put(`${path}/devices/${own}`, { model })).mac;
    }
    const get = (name) => worker.fetch(`/${segment}/${name}`);
    return {
      path,
      devices,
      get,
      async text(name) {
        const response = await get(name);
        assert.equal(response.status, 200, name);
        return response.text();
      },
      async setOptions(wanted) {
        return api.call('PUT', path, { body: { name: tenant.name, options: wanted } });
      },
    };
  };

  it('without MAC and model are served in a tenant of one family, also for the initial file', async () => {
    const tenant = await tenantWith({ urls: { initial: { plain: ['master.cfg'] }, standard: { plain: ['{MAC}.cfg'] } } }, [HDV]);
    assert.match(await tenant.text('master.cfg'), /CFG_STANDARD_FILE_PATH=".*\/\{MAC\}\.cfg"/);
  });

  it('for everyone are refused in a tenant of two families until one is chosen', async () => {
    const options = { urls: { initial: { plain: ['master.cfg'] }, standard: { plain: ['{MAC}.cfg'] } } };
    const tenant = await tenantWith(options, [HDV, 'KX-UTG300B']);
    assert.equal((await tenant.get('master.cfg')).status, 404);
    const events = await api.get(`${tenant.path}/events?outcome=refused`);
    assert.equal(events.items[0].reason, 'no_family');
    assert.equal((await tenant.setOptions({ ...options, shared_family: 'hdv' })).status, 200);
    assert.match(await tenant.text('master.cfg'), /^# Panasonic/);
  });

  it('that nobody could get are refused with what to do', async () => {
    for (const [urls, advice] of [
      [{ system: { sealed: ['System{MAC}.enc'] } }, /System\{MAC\}\.enc would never be served.*put the name into `plain`/],
      [{ standard: { sealed: ['Config{MAC}.e2c'] } }, /unverified_profiles/],
      [{ initial: { sealed: ['Initial{MAC}.enc'] } }, /put the name into `plain`/],
    ]) {
      const answer = await api.call('POST', '/tenants', { body: { name: 'Refused', options: { urls } } });
      assert.equal(answer.status, 422);
      assert.match(answer.body.detail, advice);
    }
  });

  it('of a KX-UDS124 beside other families need no choice for what it alone has', async () => {
    const tenant = await tenantWith({ shared_family: 'hdv' }, [UDS, HDV]);
    await api.put(`${tenant.path}/settings`, { settings: { system_ZONE: 'office', master_NTP: 'ntp.example' } });
    assert.match(await tenant.text('System.cfg'), /ZONE="office"/);
    assert.match(await tenant.text('ConfigCom.cfg'), /NTP="ntp\.example"/);
  });

  it('of one family are for that family, and its phones are told them', async () => {
    const options = { family_urls: { uds124: { master: { plain: ['UdsCom.cfg'] } }, hdv: { master: { plain: ['HdvCom.cfg'] } } } };
    const tenant = await tenantWith(options, [UDS, HDV]);
    const template = (family) =>
      api.put(`${tenant.path}/templates/master/${family}`, {
        source: `# Panasonic SIP Phone Standard Format File # DO NOT CHANGE THIS LINE!\nFAMILY="${family}"\n\n`,
      });
    await template('uds124');
    await template('hdv');
    assert.match(await tenant.text('UdsCom.cfg'), /FAMILY="uds124"/);
    assert.match(await tenant.text('HdvCom.cfg'), /FAMILY="hdv"/);
    // Once more: now they come from KV.
    assert.match(await tenant.text('UdsCom.cfg'), /FAMILY="uds124"/);
    assert.match(await tenant.text('HdvCom.cfg'), /FAMILY="hdv"/);
    assert.equal((await tenant.get('ConfigCom.cfg')).status, 404);
    assert.match(await tenant.text(`Initial${tenant.devices[UDS]}.cfg`), /\/UdsCom\.cfg"/);
    assert.match(await tenant.text(`Initial${tenant.devices[HDV]}.cfg`), /\/HdvCom\.cfg"/);
  });

  it('of system files decide which layers reach them', async () => {
    const options = { urls: { standard: { plain: ['{MAC}.cfg'] }, system: { plain: ['S{MAC}.cfg', 'M{MODEL}.cfg', 'S.cfg'] } } };
    const tenant = await tenantWith(options, [UDS]);
    const device = `${tenant.path}/devices/${tenant.devices[UDS]}`;
    await api.put(`${tenant.path}/settings`, { settings: { system_A: 'tenant' } });
    await api.put(`${tenant.path}/models/${UDS}/settings`, { settings: { system_A: 'model' } });
    const answer = await api.put(`${device}/settings`, { settings: { system_A: 'device' } });
    assert.equal(answer.checked.unused, undefined);
    const own = `S${tenant.devices[UDS]}.cfg`;
    assert.match(await tenant.text('S.cfg'), /A="tenant"/);
    assert.match(await tenant.text(`M${UDS}.cfg`), /A="model"/);
    assert.match(await tenant.text(own), /A="device"/);
    await api.put(`${device}/settings`, { settings: { system_A: 'changed' } });
    assert.match(await tenant.text(own), /A="changed"/);
    assert.match(await tenant.text('S.cfg'), /A="tenant"/);
    const preview = await api.get(`${device}/files/system/preview`);
    assert.match(preview.text, /A="changed"/);
  });

  describe('settings that reach no file', () => {
    const told = (unused) => (unused ?? []).map(({ name, why }) => `${name} ${why}`).sort();

    it('are told by the answer of the change, and what is used is not', async () => {
      const tenant = await tenantWith({}, [HDV]);
      await api.put(`${tenant.path}/destinations`, { destinations: { domains: ['pbx.example'], networks: [] } });
      const settings = {
        system_ZONE: 'x', // no such file
        standart_A: 'x', // a slip of the pen
        standard_A: 'x',
        master_B: 'x',
        initial_C: 'x',
        NOTIFY_AOR: 'sip:101@pbx.example',
        NOTIFY_AORR: 'sip:101@pbx.example',
        CFG_RESYNC_FROM_SIP: 'check-sync',
      };
      const answer = await api.put(`${tenant.path}/settings`, { settings });
      assert.deepEqual(told(answer.checked.unused), ['NOTIFY_AORR not_read', 'standart_A not_read', 'system_ZONE no_such_file']);
      assert.match(answer.checked.unused.find((one) => one.name === 'standart_A').message, /begin with standard_/);
    });

    it('are told for the layer of one device, for a new device, and by effective and lint', async () => {
      const tenant = await tenantWith({}, [HDV]);
      const own = `${tenant.path}/devices/${mac(serial * 256 + 77)}`;
      const made = await api.put(own, { model: HDV, settings: { master_A: 'x', standard_A: 'x', FREE: { secret: 'k7#hidden' } } });
      const expected = ['FREE not_read', 'master_A out_of_reach'];
      assert.deepEqual(told(made.checked.unused), expected);
      await api.put(`${tenant.path}/settings`, { settings: { system_A: 'x', master_A: 'x' } });
      for (const view of ['effective', 'lint']) {
        const { unused } = await api.get(`${own}/${view}`);
        assert.deepEqual(told(unused), [...expected, 'system_A no_such_file'], view);
        assert.deepEqual(unused.map((one) => one.layer).sort(), ['device', 'device', 'tenant'], view);
        assert.ok(!JSON.stringify(unused).includes('hidden'));
      }
    });

    it("are those of the tenant's own templates, too, and a name read under a condition is used", async () => {
      const tenant = await tenantWith({}, [HDV]);
      const line = '# Panasonic SIP Phone Standard Format File # DO NOT CHANGE THIS LINE!';
      await api.put(`${tenant.path}/templates/standard/hdv`, {
        source: `${line}\n{% if MODE is defined and MODE == "b" %}\nB="{{ VALUE }}"\n{% endif %}\n{% for n in range(1, 3) %}\n{% if setting("USER_" ~ n, "") != "" %}\nU{{ n }}="{{ setting("USER_" ~ n) }}"\n{% endif %}\n{% endfor %}\n\n`,
      });
      const answer = await api.put(`${tenant.path}/settings`, {
        settings: { MODE: 'a', VALUE: 'x', USER_1: '1', USER_3: '3', standard_A: 'x' },
      });
      assert.deepEqual(told(answer.checked.unused), ['USER_3 not_read', 'standard_A not_read']);
    });
  });

  it('a KX-UDS124 has lines for all its 255 handsets', async (t) => {
    const tenant = await tenantWith({}, [UDS]);
    const device = `${tenant.path}/devices/${tenant.devices[UDS]}`;
    const parameters = ['SIP_USER_ID', 'SIP_AUTHID', 'SIP_PASS', 'DISPLAY_NAME', 'PHONE_NUMBER', 'SIP_URI', 'HS_IPEI'];
    const settings = {};
    for (let handset = 1; handset <= 255; handset += 1) {
      for (const parameter of parameters) {
        const value = `${parameter.toLowerCase()}-of-handset-${handset}`;
        settings[`standard_${parameter}_PS${handset}`] = parameter === 'SIP_PASS' ? { secret: value } : value;
      }
    }
    const timed = async (what, work) => {
      const started = performance.now();
      const result = await work();
      t.diagnostic(`${what}: ${Math.round(performance.now() - started)} ms`);
      return result;
    };
    const answer = await timed(`PUT of ${Object.keys(settings).length} settings`, () => api.put(`${device}/settings`, { settings }));
    assert.equal(answer.checked.unused, undefined);
    const file = await timed('the file, made from D1', () => tenant.text(`Config${tenant.devices[UDS]}.cfg`));
    t.diagnostic(`the file: ${file.length} bytes`);
    for (let handset = 1; handset <= 255; handset += 1) {
      assert.ok(file.includes(`\r\nSIP_USER_ID_PS${handset}="sip_user_id-of-handset-${handset}"\r\n`), `handset ${handset}`);
      assert.ok(file.includes(`\r\nSIP_PASS_PS${handset}="sip_pass-of-handset-${handset}"\r\n`), `handset ${handset}`);
    }
    // One handset changes: one row is written, and the phone gets it.
    settings.standard_PHONE_NUMBER_PS255 = '999';
    await timed('PUT of one change', () => api.put(`${device}/settings`, { settings: keepSecrets(settings) }));
    assert.match(await tenant.text(`Config${tenant.devices[UDS]}.cfg`), /PHONE_NUMBER_PS255="999"/);

    const most = Object.fromEntries(
      Array.from({ length: 5000 }, (_, n) => [`standard_PARAMETER_${Math.floor(n / 20) + 1}_LINE_${n % 20}`, 'v'.repeat(60)]),
    );
    await timed('PUT of 5000 settings', () => api.put(`${device}/settings`, { settings: most }));
    const whole = await timed('the file of 5000 settings', () => tenant.text(`Config${tenant.devices[UDS]}.cfg`));
    t.diagnostic(`the file: ${whole.length} bytes`);
    const more = await api.call('PUT', `${device}/settings`, { body: { settings: { ...most, standard_ONE_MORE: '1' } } });
    assert.equal(more.status, 422);
    assert.match(more.body.detail, /at most 5000 settings, and this has 5001/);
  });

  it('a layer of other phones has at most 1000 settings', async () => {
    const tenant = await tenantWith({}, [HDV]);
    const settings = Object.fromEntries(Array.from({ length: 1001 }, (_, n) => [`standard_A_${n}`, '1']));
    const answer = await api.call('PUT', `${tenant.path}/devices/${tenant.devices[HDV]}/settings`, { body: { settings } });
    assert.equal(answer.status, 422);
    assert.match(answer.body.detail, /at most 1000/);
  });
});

/** What was read is written back: a stored secret stays. */
function keepSecrets(settings) {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, typeof value === 'object' ? { secret: null } : value]));
}
