// The phone that the command line plays: of every family it boots against the real Worker, takes its key once, opens
// what is sealed to the file that the operator's preview shows, comes back with its key, and obeys a NOTIFY.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { Operator } from '../support/cli.mjs';
import { connectedRelay, poolAndTenant } from '../support/relay/notify.mjs';
import { Api } from '../support/worker/api.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedDevices } from '../support/worker/seed.mjs';

const folder = new URL('./families/', import.meta.url);
const modules = await Promise.all(readdirSync(folder).map((name) => import(new URL(name, folder))));
const phones = modules.flatMap((one) => one.families);

describe('a phone that the command line plays', () => {
  let worker;
  let api;
  let operator;
  let t;
  let path;
  before(async () => {
    worker = await Ringfence.start();
    api = new Api(worker);
    const { id } = await api.post('/tenants', { name: 'Phones' });
    t = `/tenants/${id}`;
    path = await api.post(`${t}/access-paths`, { label: 'phones' });
    operator = new Operator(worker, { tenant: id });
    // It needs no token, and gets none.
    operator.env = { PATH: process.env.PATH, HOME: operator.folder, PROVISIONING: path.url };
  });
  after(async () => {
    operator?.end();
    await worker?.stop();
  });

  it('is of every family', async () => {
    const { items } = await api.get('/families');
    const missing = items.filter(({ family }) => !phones.some((phone) => phone.id === family));
    assert.deepEqual(
      missing.map(({ family }) => family),
      [],
    );
    assert.ok(items.length > 20, `${items.length} families`);
  });

  for (const phone of phones) {
    it(`${phone.id}, ${phone.model}: boots, and boots again with its key`, async () => {
      if (phone.profile || phone.family) await api.put(`${t}/models/${phone.model}`, { family: phone.id, profile: phone.profile });
      await api.put(`${t}/devices/${phone.mac}`, { model: phone.model, settings: phone.settings });
      const args = ['phone', 'env:PROVISIONING', '--mac', phone.mac, '--model', phone.model, '--family', phone.id];
      const kept = ['--keep', `${phone.mac}.key`, '--save', phone.mac];
      const { code, out, err } = await operator.run([...args, ...kept, '--json']);
      assert.equal(code, 0, `${err}\n${out}`);
      const said = JSON.parse(out);
      assert.deepEqual([said.has_file, said.has_key, said.opened_sealed], [true, Boolean(phone.profile), Boolean(phone.profile)], out);
      assert.ok(!`${out}${err}`.includes(path.segment), 'the access path is not said');

      // The file is the one that the operator sees.
      const served = said.steps.findLast((step) => step.status === 200 && /sealed|in clear/.test(step.what));
      const own = said.steps.filter((step) => step.status === 200 && /in clear/.test(step.what)).map((step) => step.name);
      const files = readdirSync(join(operator.folder, phone.mac));
      const { text } = await api.get(`${t}/devices/${phone.mac}/files/standard/preview?reveal=true`);
      const shown = text.replaceAll('ACCESS-PATH', path.segment).trimEnd();
      const got = files.map((name) => readFileSync(join(operator.folder, phone.mac, name), 'utf8').trimEnd());
      // ECB fills up with line ends.
      assert.ok(got.includes(shown), `${served?.name} of ${own}: ${files}`);
      for (const name of files) assert.equal(statSync(join(operator.folder, phone.mac, name)).mode & 0o777, 0o600);

      const again = await operator.run([...args, ...kept]);
      assert.equal(again.code, 0, again.err + again.out);
      if (phone.profile) {
        assert.match(again.out, /200 .* sealed as \S+; the key opens it/);
        assert.doesNotMatch(again.out, /carries the key|with the key in/);
        const key = readFileSync(join(operator.folder, `${phone.mac}.key`), 'utf8');
        for (const value of Object.values(JSON.parse(key)[phone.mac])) assert.ok(!`${out}${again.out}`.includes(value), 'no key is said');
        const state = (await api.get(`${t}/devices/${phone.mac}`)).key.state;
        assert.ok(['delivered', 'confirmed'].includes(state), state);
        // Somebody without the key comes too late.
        const late = await operator.run(args);
        assert.equal(late.code, 4, late.out);
      }
    });
  }

  it('says step by step what it asked and got', async () => {
    const own = mac(0x51);
    await api.put(`${t}/devices/${own}`, { model: 'KX-UTG300B', settings: { NTP: 'ntp.example' } });
    const out = await operator.ok(['phone', '-', '--mac', own, '--model', 'KX-UTG300B'], { input: path.url });
    const steps = out
      .trim()
      .split('\n')
      .map((line) => line.replace(/ +/g, ' ').replace(/\d+ bytes/g, 'N bytes'));
    assert.equal(steps[0], 'GET …/KX-UTG300B.cfg 200 N bytes in clear');
    assert.ok(steps.includes(`GET …/Config${own}.cfg 200 N bytes in clear, with the key in CFG_FILE_KEY`), out);
    assert.ok(steps.includes(`GET …/Config${own}.enc 200 N bytes sealed as utg-128; the key opens it, N bytes`), out);
    const stranger = await operator.run(['phone', '-', '--mac', mac(0x52), '--model', 'KX-UTG300B'], { input: path.url });
    assert.equal(stranger.code, 4);
    assert.match(stranger.err, /has no file in the end/);
    const nowhere = await operator.run(['phone', 'http://127.0.0.1:9/x', '--mac', own, '--model', 'KX-UTG300B']);
    assert.equal(nowhere.code, 3);
    assert.ok(!nowhere.err.includes('/x'));
  });

  it('is many at once, within bounds', async () => {
    const rows = Array.from({ length: 40 }, (_, at) => ({ mac: mac(0x6000 + at), model: 'KX-UTG300B' }));
    await api.post(`${t}/device-batch`, { devices: rows });
    const args = ['phone', 'env:PROVISIONING', '--mac', mac(0x6000), '--model', 'KX-UTG300B'];
    const said = JSON.parse(await operator.ok([...args, '--count', '40', '--json']));
    assert.deepEqual([said.phones, said.booted, said.opened_sealed], [40, 40, 40]);
    assert.ok(said.statuses[200] >= 80 && said.requests >= 80, JSON.stringify(said));
    const more = await operator.run([...args, '--count', '41']);
    assert.equal(more.code, 4, 'all were there, and have their key elsewhere');
    assert.match(more.out, /^0 of 41 phones have their file/);
    assert.equal((await operator.run([...args, '--count', '10001'])).code, 2);
    assert.equal((await operator.run([...args, '--count', '2', '--at-once', '65'])).code, 2);
  });
});

describe('a phone that the command line plays, and a NOTIFY', () => {
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

  it('fetches again when it is told, and the operator sees it', async (context) => {
    const operator = new Operator(worker, { tenant: here.tenant.id });
    context.after(() => operator.end());
    const [device] = await seedDevices(worker, here.tenant, [{ mac: mac(0x71), state: 'armed' }]);
    const url = new URL(here.tenant.path(''), worker.http).href;
    const phone = operator.start(['phone', '-', '--mac', device.mac, '--model', 'KX-UTG300B', '--notify', '127.0.0.1:0'], { input: url });
    context.after(() => phone.child.kill());
    const port = await new Promise((resolve, reject) => {
      const look = () => {
        const found = /Listening for NOTIFY at 127\.0\.0\.1:(\d+)/.exec(phone.said.err);
        if (found) resolve(Number(found[1]));
        else if (phone.child.exitCode !== null) reject(new Error(phone.said.err));
        else setTimeout(look, 50);
      };
      look();
    });
    await operator.ok(['settings', 'set', 'NOTIFY_AOR=sip:1@pbx.test', `NOTIFY_ADDRESS=127.0.0.1:${port}`, '--device', device.mac]);
    const { code, out, err } = await operator.run(['devices', 'notify', device.mac, '--wait', '--timeout', '60s']);
    assert.equal(code, 0, err + out);
    assert.match(out, /^state +fetched$/m);
    assert.match(phone.said.err, /NOTIFY from .*: answered 200 OK/);
    assert.match(phone.said.out.trim().split('\n').at(-1), /Config.*\.enc +200 .* sealed as utg-128/);

    const rollout = await operator.run(['rollouts', 'create', '--mac', device.mac, '--wait', '--timeout', '60s']);
    assert.equal(rollout.code, 0, rollout.err);
    assert.match(rollout.err, /1 of 1 phone fetched/);

    // An event that such phones do not know.
    const socket = createSocket('udp4');
    const answer = new Promise((resolve) => socket.on('message', (bytes) => resolve(bytes.toString())));
    const head = 'NOTIFY sip:1@x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:1@b>\r\n';
    socket.send(`${head}Call-ID: y\r\nCSeq: 1 NOTIFY\r\nEvent: presence\r\n\r\n`, port, '127.0.0.1');
    assert.match(await answer, /^SIP\/2\.0 489 /);
    socket.close();
  });
});
