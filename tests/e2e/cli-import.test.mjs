// The command line's import and export: a verdict for every row before anything is written, tables of PBXs, an import
// that is killed and goes on, and what is exported, imported elsewhere, is exported the same.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { Operator } from '../support/cli.mjs';
import { eventually } from '../support/wait.mjs';
import { Api } from '../support/worker/api.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac } from '../support/worker/seed.mjs';

const MODEL = 'KX-UTG300B';

/** A FusionPBX export: two lines of the widest phone, and a shorter row of one with a single line. */
const FUSIONPBX = `device_uuid,device_address,device_label,device_vendor,device_template,device_enabled,line_number,server_address,display_name,user_id,auth_id,password,line_number|2,server_address|2,display_name|2,user_id|2,auth_id|2,password|2
0b1,00-80-f0-00-10-01,Reception,panasonic,panasonic/kx-utg300b,true,1,pbx.example,Desk,201,201,Harbour-77,2,pbx.example,Fax,202,202,Harbour-78
0b2,00-80-f0-00-10-02,Store,panasonic,panasonic/kx-utg300b,true,1,pbx.example,Store,203,203,Harbour-79
`;

describe('import and export by the command line', () => {
  let worker;
  let api;
  before(async () => {
    worker = await Ringfence.start();
    api = new Api(worker);
  });
  after(() => worker?.stop());

  /** An empty tenant, and somebody whose commands are about it. */
  async function tenant(context) {
    const { id } = await api.post('/tenants', { name: `Import ${Math.random()}` });
    const somebody = new Operator(worker, { tenant: id });
    context.after(() => somebody.end());
    return { id, t: `/tenants/${id}`, somebody };
  }
  const count = async (t) => (await api.get(`${t}/device-counts`)).all.devices;

  it('says of every row what would become of it, and one that is refused keeps all back', async (context) => {
    const { t, somebody } = await tenant(context);
    const file = somebody.file(
      'phones.csv',
      [
        '\uFEFFsep=;',
        'mac;Model;location;ext;domain;AuthPassword;Shoe size',
        `00:80:F0:00:00:01;${MODEL};Quay;201;pbx.example;Harbour-77;44`,
        '8,02E+10;KX-UTG300B;Quay;202;pbx.example;x;',
        `0080F0000003;${MODEL};;;;;`,
        '0080F0000004;Nobody knows this;;;;;',
        '0080F0000003;KX-UTG300B;;;;;',
        ';;;;;;',
      ].join('\r\n'),
    );
    const tried = await somebody.run(['import', file]);
    assert.equal(tried.code, 4);
    const lines = tried.out.trim().split('\n');
    assert.deepEqual(
      lines.map((line) => line.replace(/^line (\d+) +(\S+) +(\S+).*/, '$1 $2 $3')),
      ['3 0080F0000001 created', '4 - refused', '5 0080F0000003 created', '6 0080F0000004 refused', '7 - refused', '8 - no'],
    );
    assert.match(lines[1], /spreadsheet has made a number/);
    assert.match(lines[3], /`model` is what the phone calls itself/);
    assert.match(lines[4], /Line 5 has the same MAC/);
    assert.match(tried.err, /Nothing is taken from the columns Shoe size/);
    assert.match(tried.err, /6 rows: 2 to be added, 0 to be changed, 0 as they are, 3 refused, 1 without a phone\./);
    assert.equal(await count(t), 0, 'nothing is written');

    const kept = await somebody.run(['import', file, '--write']);
    assert.equal(kept.code, 4);
    assert.match(kept.err, /Nothing is written/);
    assert.equal(await count(t), 0, 'a refused row keeps all back');

    const done = await somebody.run(['import', file, '--write', '--continue-on-error', '--json', '--comment', 'from the old PBX']);
    assert.equal(done.code, 4);
    const verdicts = done.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      verdicts.map((it) => `${it.line} ${it.outcome}`),
      ['3 created', '4 refused', '5 created', '6 refused', '7 refused', '8 no phone'],
    );
    assert.ok(!`${tried.out}${tried.err}${done.out}${done.err}`.includes('Harbour-77'), 'no password is said');
    assert.equal(await count(t), 2);
    const { settings } = await api.get(`${t}/devices/${mac(1)}/settings`);
    assert.deepEqual(settings, { line_1_domain: 'pbx.example', line_1_password: { secret: null }, line_1_user: '201' });
    assert.deepEqual(
      (await api.get(`${t}/sites`)).items.map((it) => it.name),
      ['Quay'],
    );
    assert.match(JSON.stringify((await api.get(`${t}/audit`)).items), /from the old PBX/);

    // Once more: nothing changes, and `--quiet` names the refused rows alone.
    const again = await somebody.run(['import', file, '--write', '--continue-on-error', '-q']);
    assert.deepEqual(again.out.match(/^line \d+/gm), ['line 4', 'line 6', 'line 7']);
    assert.equal(await count(t), 2);
    const sheet = join(somebody.folder, 'verdicts.csv');
    await somebody.run(['import', file, '--verdicts', sheet]);
    assert.match(readFileSync(sheet, 'utf8'), /^line,mac,outcome,detail\n3,0080F0000001,unchanged,\n/);
  });

  it('reads the tables of PBXs, and what the command says of their columns', async (context) => {
    const { t, somebody } = await tenant(context);
    const file = somebody.file('fusion.csv', FUSIONPBX);
    const done = await somebody.run(['import', file, '--write', '--system', 'fusionpbx']);
    assert.equal(done.code, 0, done.err + done.out);
    assert.match(done.err, /The table is of FusionPBX\./);
    const first = (await api.get(`${t}/devices/0080F0001001`)).label;
    assert.equal(first, 'Reception');
    const { settings } = await api.get(`${t}/devices/0080F0001001/settings`);
    assert.deepEqual([settings.line_1_user, settings.line_2_user, settings.line_2_password], ['201', '202', { secret: null }]);
    const second = await api.get(`${t}/devices/0080F0001002/settings`);
    assert.equal(second.settings.line_2_user, undefined, 'a shorter row has fewer lines');
    const other = await somebody.run(['import', file, '--system', '3cx']);
    assert.deepEqual([other.code, /is FusionPBX and not 3CX/.test(other.err)], [2, true]);

    const mapped = somebody.file('own.csv', 'Hardware|PIN|Nebenstelle\n0080F0001003|4711|204\n');
    const args = ['--delimiter', '|', '--map', 'Hardware=mac', '--map', 'PIN=secret:door_pin', '--map', 'Nebenstelle=setting:EXT'];
    assert.equal((await somebody.run(['import', mapped, ...args, '--write'])).code, 4, 'no model');
    await somebody.ok(['import', mapped, ...args, '--model', MODEL, '--site', 'Quay', '--write']);
    assert.deepEqual((await api.get(`${t}/devices/0080F0001003/settings`)).settings, { EXT: '204', door_pin: { secret: null } });
    assert.equal((await somebody.run(['import', '-', '--model', MODEL], { input: 'mac\n0080F0001004\n' })).code, 0);
    const headless = await somebody.run(['import', '-'], { input: '0080F0001004,x\n' });
    assert.deepEqual([headless.code, /no header/.test(headless.err)], [2, true]);
  });

  it('knows the headers of other systems', async (context) => {
    const { t, somebody } = await tenant(context);
    await somebody.ok(['settings', 'set', 'line_1_domain=pbx.example']);
    const threeCx =
      'Number,FirstName,LastName,EmailAddress,MobileNumber,OutboundCallerID,DID,Role,Department,ClickToCallAuth,WMApprove,WebMeetingFriendlyName,MAC,Template,Model,Router,Language,AuthID,AuthPassword,HotDesk,BLF';
    for (const [system, name, text, args, number] of [
      [
        '3cx',
        '3CX',
        `${threeCx}\n301,Ada,Quay,a@b.example,,,,user,DEFAULT,0,0,ada,0080F0001301,x,${MODEL},,EN,a301,Harbour-80,0,\n`,
        [],
        '301',
      ],
      [
        'fspbx',
        'FS PBX',
        'mac_address,serial_number,associated_extension\n00:80:f0:00:13:02,123,302\n',
        ['--model', MODEL, '--map', 'associated_extension=setting:EXT'],
        '302',
      ],
      [
        'vodia',
        'Vodia',
        '#alias;first_name;last_name;position;cell;email;mac;mb_pin;web_pass;password\n303;Bo;Yard;;;;0080F0001303;1;2;Harbour-82\n',
        ['--model', MODEL],
        '303',
      ],
      [
        'freepbx',
        'FreePBX',
        `action,extension,name,cid_masquerade,sipname,tech,devinfo_secret,mac,model\nadd,304,Cy,,,pjsip,Harbour-83,0080F0001304,${MODEL}\n`,
        [],
        '304',
      ],
    ]) {
      const done = await somebody.run(['import', '-', '--write', '--system', system, ...args], { input: text });
      assert.equal(done.code, 0, `${name}: ${done.err}${done.out}`);
      assert.ok(done.err.includes(`The table is of ${name}.`), done.err);
      const { settings } = await api.get(`${t}/devices/0080F0001${number}/settings?reveal=true`);
      assert.equal(settings.line_1_user ?? settings.EXT, number, name);
      if (system !== 'fspbx') assert.match(settings.line_1_password.secret, /^Harbour-8/, name);
    }
    assert.equal((await api.get(`${t}/devices/0080F0001301`)).label, 'Ada Quay');
  });

  it('goes on where it was killed', async (context) => {
    const { t, somebody } = await tenant(context);
    const rows = Array.from({ length: 4_000 }, (_, at) => `${mac(at + 0x2000)},${MODEL},Desk ${at}`);
    rows[1_200] = 'not a MAC,x,y';
    const file = somebody.file('many.csv', `mac,model,label\n${rows.join('\n')}\n`);
    const state = join(somebody.folder, '.local/state/ringfence');
    const how = () => {
      const [name] = existsSync(state) ? readdirSync(state).filter((it) => it.endsWith('.json')) : [];
      return name ? JSON.parse(readFileSync(join(state, name), 'utf8')) : { written: 0 };
    };
    const args = ['import', file, '--write', '--continue-on-error', '--verdicts', 'verdicts.csv'];
    const killed = somebody.start(args);
    await eventually(() => how().written > 0);
    killed.child.kill('SIGKILL');
    assert.equal((await killed.done).signal, 'SIGKILL');
    const { written } = how();
    assert.ok(written > 0 && written < 4_000, `${written} rows were written`);
    assert.ok(!readFileSync(join(state, readdirSync(state)[0]), 'utf8').includes('Desk'), 'the state has numbers alone');

    const rest = await somebody.run(args);
    assert.equal(rest.code, 4, rest.err);
    assert.match(rest.err, new RegExp(`goes on behind row ${written} `));
    assert.match(rest.err, /4000 rows: \d+ added, 0 changed, \d+ as they are, 1 refused/);
    assert.equal(await count(t), 3_999);
    assert.deepEqual(readdirSync(state), [], 'what is done is forgotten');
    const again = await somebody.run(args);
    assert.match(again.err, /4000 rows: 0 added, 0 changed, 3999 as they are, 1 refused/);
  });

  it('what is exported, imported into an empty tenant, is exported the same', async (context) => {
    const [from, to] = [await tenant(context), await tenant(context)];
    const file = from.somebody.file(
      'phones.csv',
      [
        'mac,model,site,label,line_1_user,line_1_domain,line_1_password,setting:NOTE,time_zone',
        `0080F0003001,${MODEL},"Quay, west",'=1+1,201,pbx.example,Harbour-77,"two\nlines",`,
        `0080F0003002,GXP2160,,"says ""hello""",,,,+49,Europe/Berlin`,
        `0080F0003003,${MODEL},Yard,-,,,,',`,
      ].join('\n'),
    );
    await from.somebody.ok(['import', file, '--write']);
    const out = await from.somebody.ok(['export']);
    assert.ok(!out.includes('Harbour-77'));
    const exported = from.somebody.file('out.csv', out);
    const moved = await to.somebody.run(['import', exported, '--write']);
    // The password is not in the table, and the line is not whole without it: the row says so.
    assert.equal(moved.code, 4);
    assert.match(moved.out, /0080F0003001 +refused .*line_1_password/);
    const added = to.somebody.file('with.csv', withPassword(out));
    await to.somebody.ok(['import', added, '--write']);
    assert.equal(await to.somebody.ok(['export']), out);
    assert.equal(await to.somebody.ok(['export', '--model', 'GXP2160']), await from.somebody.ok(['export', '--model', 'GXP2160']));
    assert.equal(await to.somebody.ok(['export', '--count']), '3\n');
    assert.equal(await to.somebody.ok(['export', '--count', '--model', 'GXP2160']), '1\n');

    // With the secrets, wrapped under a passphrase: nothing has to be filled in.
    const third = await tenant(context);
    const PHRASE = 'correct horse battery';
    const wrapped = await from.somebody.ok(['export', '--wrap-secrets-with', 'env:PHRASE'], { env: { PHRASE } });
    assert.match(wrapped, /secret:line_1_password\r\n[^]*wrapped\.v1\./);
    assert.ok(!wrapped.includes('Harbour-77'));
    const sealed = third.somebody.file('wrapped.csv', wrapped);
    for (const [args, why] of [
      [[], /--unwrap-secrets-with says where the passphrase is/],
      [['--unwrap-secrets-with', 'command:echo another passphrase'], /the passphrase is another one/],
    ]) {
      const shut = await third.somebody.run(['import', sealed, '--write', ...args]);
      assert.deepEqual([shut.code, why.test(shut.out)], [4, true], shut.out);
    }
    await third.somebody.ok(['import', sealed, '--write', '--unwrap-secrets-with', 'env:PHRASE'], { env: { PHRASE } });
    assert.equal(await third.somebody.ok(['export']), out);
    const { settings } = await api.get(`${third.t}/devices/0080F0003001/settings?reveal=true`);
    assert.deepEqual(settings.line_1_password, { secret: 'Harbour-77' });
    const reader = (await api.post('/tokens', { name: 'reader', access: 'read', tenant: from.id })).token;
    const refused = await from.somebody.run(['export', '--wrap-secrets-with', 'env:PHRASE'], { env: { PHRASE, RINGFENCE_TOKEN: reader } });
    assert.deepEqual([refused.code, refused.out], [1, ''], 'a token that may not see secrets exports none');

    await to.somebody.ok(['export', '--out', 'fleet.csv']);
    assert.equal(readFileSync(join(to.somebody.folder, 'fleet.csv'), 'utf8'), out);
  });
});

/** The table with the password filled in that an export leaves out. */
function withPassword(table) {
  const [head, ...rows] = table.split('\r\n');
  return [
    `${head},line_1_password`,
    ...rows.map((row) => (row.startsWith('00:80:F0:00:30:01') ? `${row},Harbour-77` : row && `${row},`)),
  ].join('\r\n');
}
