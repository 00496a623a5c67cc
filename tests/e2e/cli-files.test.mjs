// A tenant as files by the command line: what is pulled is the plan of nothing; what is applied twice changes nothing;
// what somebody changes by hand is shown; and no secret is in a file.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { Operator } from '../support/cli.mjs';
import { Api } from '../support/worker/api.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac } from '../support/worker/seed.mjs';

const MODEL = 'KX-UTG300B';

describe('a tenant as files', () => {
  let worker;
  let api;
  before(async () => {
    worker = await Ringfence.start();
    api = new Api(worker);
  });
  after(() => worker?.stop());

  async function tenant(context) {
    const { id } = await api.post('/tenants', { name: `Files ${Math.random()}` });
    const somebody = new Operator(worker, { tenant: id });
    context.after(() => somebody.end());
    const folder = join(somebody.folder, 'fleet');
    const file = (name) => join(folder, name);
    return { id, t: `/tenants/${id}`, somebody, folder, file };
  }
  const revisions = async (t) => ({
    tenant: (await api.get(t)).revision,
    settings: (await api.get(`${t}/settings`)).revision,
    devices: (await api.get(`${t}/devices?sort=mac`)).items.map((it) => [it.mac, it.revision]),
    audit: (await api.get(`${t}/audit`)).items.filter((it) => it.action !== 'secrets.reveal').length,
  });

  /** A fleet with something of everything. */
  function write({ folder, file }) {
    mkdirSync(join(folder, 'templates/standard/utg'), { recursive: true });
    writeFileSync(
      file('tenant.toml'),
      `[options]\nevents_per_minute = 700\n\n[settings]\nline_1_domain = "pbx.example"\ntime_zone = "Europe/Berlin"\ndoor_pin = { secret = "env:DOOR_PIN" }\n`,
    );
    writeFileSync(file('sites.toml'), `["Quay, west"]\nsettings = { NTP = "ntp.quay.example" }\n\n[Yard]\n`);
    writeFileSync(file('models.toml'), `[${MODEL}]\nfamily = "utg"\nprofile = "utg-256"\n\n[GXP2160]\n`);
    writeFileSync(
      file('devices.toml'),
      `["00:80:F0:00:00:01"]\nmodel = "${MODEL}"\nsite = "Quay, west"\nlabel = "Front desk"\n[ "00:80:F0:00:00:01".settings ]\nline_1_user = "201"\nline_1_password = { secret = "file:password" }\nGREETING = "two\\nlines"\n\n["0080F0000002"]\nmodel = "GXP2160"\n`,
    );
    writeFileSync(
      file('templates/standard/utg.j2'),
      '<PANASIPPhoneConfig>\n  <Device>\n    <System/>\n  </Device>\n</PANASIPPhoneConfig>\n',
    );
    writeFileSync(
      file(`templates/standard/utg/${MODEL}.j2`),
      '<PANASIPPhoneConfig>\n  <Device>\n    <System>\n      <Prov>\n        <PIN>{{ door_pin }}</PIN>\n      </Prov>\n    </System>\n  </Device>\n</PANASIPPhoneConfig>\n',
    );
  }

  it('is made as the files say, and applied twice changes nothing', async (context) => {
    const here = await tenant(context);
    const { t, somebody, folder } = here;
    write(here);
    const env = { DOOR_PIN: '4711-Harbour' };
    const nowhere = await somebody.run(['plan', folder]);
    assert.equal(nowhere.code, 2);
    assert.match(nowhere.err, /DOOR_PIN is not set/);
    somebody.file('password', 'Harbour-77\n');

    const planned = await somebody.run(['plan', folder], { env });
    assert.equal(planned.code, 4, planned.err);
    assert.match(planned.out, /^options of the tenant\n {2}~ events_per_minute = 600 → 700$/m);
    assert.match(planned.out, /^device 0080F0000001 \(new\)\n {2}\+ model = "KX-UTG300B"\n/m);
    assert.match(planned.out, /^ {2}\+ line_1_password = \(secret\), of file:password$/m);
    assert.match(planned.out, /^8 to add, 3 to change, 0 to delete\.$/m);
    assert.equal((await api.get(`${t}/device-counts`)).all.devices, 0, 'a plan writes nothing');
    assert.equal((await somebody.run(['apply', folder], { env })).code, 2, 'nobody is there to be asked');

    const applied = await somebody.run(['apply', folder, '--yes', '--comment', 'first files'], { env });
    assert.equal(applied.code, 0, applied.err);
    assert.match(applied.err, /11 changes made, 0 deleted/);
    for (const said of [planned, applied]) assert.doesNotMatch(said.out + said.err, /Harbour/, 'no secret is said');
    const shown = await api.get(`${t}/devices/${mac(1)}`);
    assert.deepEqual([shown.label, shown.profile], ['Front desk', 'utg-256']);
    const { text } = await api.get(`${t}/devices/${mac(1)}/files/standard/preview?reveal=true`);
    assert.match(text, /<PIN>4711-Harbour<\/PIN>/);
    const { settings } = await api.get(`${t}/devices/${mac(1)}/settings?reveal=true`);
    assert.deepEqual(settings.line_1_password, { secret: 'Harbour-77' });
    assert.equal(settings.GREETING, 'two\nlines');

    const before = await revisions(t);
    const again = await somebody.run(['apply', folder, '--yes'], { env });
    assert.deepEqual([again.code, again.out], [0, ''], again.err + again.out);
    assert.match(again.err, /nothing is changed/);
    assert.equal((await somebody.run(['plan', folder], { env })).code, 0);
    assert.deepEqual(await revisions(t), before);

    // Another secret is seen, though the installation shows none.
    const turned = await somebody.run(['plan', folder], { env: { DOOR_PIN: '4712' } });
    assert.match(turned.out, /^settings of the tenant\n {2}~ a secret differs$/m);
    somebody.file('password', 'Harbour-78\n');
    const other = await somebody.run(['apply', folder, '--yes'], { env });
    assert.match(other.out, /^device 0080F0000001\n {2}~ a secret differs$/m);
    assert.deepEqual((await api.get(`${t}/devices/${mac(1)}/settings?reveal=true`)).settings.line_1_password, { secret: 'Harbour-78' });
  });

  it('shows what was changed by hand, deletes only when told, and manages no more than there are files for', async (context) => {
    const here = await tenant(context);
    const { t, somebody, folder, file } = here;
    write(here);
    somebody.file('password', 'Harbour-77\n');
    somebody.env.DOOR_PIN = '4711';
    await somebody.ok(['apply', folder, '--yes']);
    await somebody.ok(['devices', 'change', mac(1), '--label', 'By hand', '--site', '']);
    await somebody.ok(['devices', 'add', mac(3), '--model', MODEL]);
    await somebody.ok(['settings', 'set', 'NTP=by.hand']);
    await somebody.ok(['sites', 'create', 'Attic']);
    const drift = await somebody.run(['plan', folder]);
    assert.equal(drift.code, 4);
    assert.match(drift.out, /^settings of the tenant\n {2}- NTP = "by\.hand"$/m);
    assert.match(drift.out, /^device 0080F0000001\n {2}~ site = "" → "Quay, west"\n {2}~ label = "By hand" → "Front desk"$/m);
    assert.match(drift.out, /^Only in the installation; --delete deletes them:\n {2}device 0080F0000003\n {2}site Attic$/m);
    const said = JSON.parse((await somebody.run(['plan', folder, '--json'])).out);
    assert.deepEqual(said.not_in_files, ['device 0080F0000003', 'site Attic']);
    await somebody.ok(['apply', folder, '--yes']);
    assert.equal((await api.get(`${t}/devices/${mac(1)}`)).label, 'Front desk');
    assert.equal((await api.call('GET', `${t}/devices/${mac(3)}`)).status, 200, 'nothing is deleted');
    const gone = await somebody.run(['apply', folder, '--yes', '--delete']);
    assert.equal(gone.code, 0, gone.err);
    assert.match(gone.err, /0 changes made, 2 deleted/);
    assert.equal((await api.call('GET', `${t}/devices/${mac(3)}`)).status, 404);

    // Without a site in the file the phone leaves it; without the file it is left alone.
    writeFileSync(file('devices.toml'), readFileSync(file('devices.toml'), 'utf8').replace('site = "Quay, west"\n', ''));
    await somebody.ok(['apply', folder, '--yes']);
    assert.equal((await api.get(`${t}/devices/${mac(1)}`)).site, null);
    rmSync(file('devices.toml'));
    assert.equal((await somebody.run(['plan', folder, '--delete'])).code, 0);

    // What a phone could not read is refused, and the others are made.
    writeFileSync(file('templates/standard/utg.j2'), '<PANASIPPhoneConfig>{{ nothing }</PANASIPPhoneConfig>\n');
    writeFileSync(file('sites.toml'), '[Attic]\n');
    const refused = await somebody.run(['apply', folder, '--yes']);
    assert.equal(refused.code, 4);
    assert.match(refused.err, /1 change made[^]*1 change refused:\ntemplate standard\/utg: /);
  });

  it('is pulled as files that plan nothing, and that make another tenant the same', async (context) => {
    const [from, to] = [await tenant(context), await tenant(context)];
    write(from);
    from.somebody.file('password', 'Harbour-77\n');
    await from.somebody.ok(['apply', from.folder, '--yes'], { env: { DOOR_PIN: '4711' } });
    await from.somebody.ok(['pull', 'pulled']);
    const pulled = join(from.somebody.folder, 'pulled');
    const text = (name) => readFileSync(join(pulled, name), 'utf8');
    assert.match(text('tenant.toml'), /^door_pin = \{ secret = "kept" \}$/m);
    assert.match(text('devices.toml'), /^\["0080F0000001"\]\nmodel = "KX-UTG300B"\nsite = "Quay, west"\nlabel = "Front desk"\n/m);
    assert.match(text('devices.toml'), /^GREETING = "two\\nlines"$/m);
    assert.equal(text(`templates/standard/utg/${MODEL}.j2`), readFileSync(from.file(`templates/standard/utg/${MODEL}.j2`), 'utf8'));
    const plan = await from.somebody.run(['plan', 'pulled', '--delete']);
    assert.deepEqual([plan.code, plan.out], [0, '0 to add, 0 to change, 0 to delete.\n']);
    assert.equal((await from.somebody.run(['pull', 'pulled'])).code, 2, 'files are not written over');

    // In another tenant the secrets have to come from somewhere.
    const without = await to.somebody.run(['apply', pulled, '--yes']);
    assert.equal(without.code, 4);
    assert.match(without.err, /door_pin|line_1_password/);
    for (const [name, secret, where] of [
      ['tenant.toml', 'door_pin', 'env:DOOR_PIN'],
      ['devices.toml', 'line_1_password', 'env:PASSWORD'],
    ])
      writeFileSync(join(pulled, name), text(name).replace(`${secret} = { secret = "kept" }`, `${secret} = { secret = "${where}" }`));
    const env = { DOOR_PIN: '4711', PASSWORD: 'Harbour-77' };
    await to.somebody.ok(['apply', pulled, '--yes'], { env });
    await to.somebody.ok(['pull', 'pulled']);
    for (const name of ['tenant.toml', 'sites.toml', 'models.toml', 'devices.toml']) {
      const there = readFileSync(join(to.somebody.folder, 'pulled', name), 'utf8');
      assert.equal(there, text(name).replaceAll(/"env:\w+"/g, '"kept"'), name);
    }
    assert.ok(existsSync(join(to.somebody.folder, `pulled/templates/standard/utg/${MODEL}.j2`)));
    const preview = async ({ t }) => (await api.get(`${t}/devices/${mac(1)}/files/standard/preview?reveal=true`)).text;
    assert.equal(await preview(to), await preview(from));
  });
});
