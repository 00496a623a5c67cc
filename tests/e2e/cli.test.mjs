// The command line against the real Worker: where it finds its installation and its token, what it says to people and
// to programs, what its exit codes are, and that no secret is in what it says.

import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { Operator, ran } from '../support/cli.mjs';
import { forwardTcp } from '../support/ports.mjs';
import { authority } from '../support/tls.mjs';
import { eventually } from '../support/wait.mjs';
import { Api } from '../support/worker/api.mjs';
import { Ringfence, newMasterKey } from '../support/worker/ringfence.mjs';
import { mac } from '../support/worker/seed.mjs';

const MODEL = 'KX-UTG300B';

describe('the command line', () => {
  let worker;
  let api;
  let operator;
  before(async () => {
    worker = await Ringfence.start({ assets: true });
    api = new Api(worker);
    operator = new Operator(worker);
  });
  after(async () => {
    operator?.end();
    await worker?.stop();
  });

  /** A tenant of its own, and somebody whose commands are about it. */
  async function tenant(context) {
    const name = `Harbour ${Math.random()}`;
    const { id } = await operator.json(['tenants', 'create', name]);
    const somebody = new Operator(worker, { tenant: name });
    context.after(() => somebody.end());
    return { id, name, t: `/tenants/${id}`, somebody };
  }

  it('lists, shows and adds tenants and phones, for people and for programs', async (context) => {
    const { id, name, somebody } = await tenant(context);
    const table = await operator.ok(['tenants', 'list']);
    assert.match(table, new RegExp(`^ID +NAME +HOSTNAME +CREATED\n[^]*${id} +${name.replace('.', '\\.')} `));
    assert.ok((await operator.json(['tenants', 'list'])).some((it) => it.id === id));
    assert.equal((await operator.json(['tenants', 'show', name])).id, id);

    const added = await somebody.ok(
      [
        'devices',
        'add',
        '00:80:f0:00:00:01',
        '--model',
        MODEL,
        '--label',
        'Front desk',
        '--set',
        'line_1_user=201',
        '--set',
        'line_1_domain=pbx.example',
        '--secret',
        'line_1_password=env:PASSWORD',
      ],
      { env: { PASSWORD: 'Harbour-77' } },
    );
    assert.match(
      added,
      /^0080F0000001 is a KX-UTG300B, "Front desk"\.\nIts bootstrap waits for it until [0-9TZ:-]+\.\nIt never asked for anything\.\n$/,
    );
    const listed = await somebody.ok(['devices', 'list', '--model', MODEL, '--never-seen']);
    assert.match(listed, /^MAC +MODEL +LABEL .*\n0080F0000001 +KX-UTG300B +Front desk +armed\n$/);
    assert.equal(await somebody.ok(['devices', 'list', '-q']), '0080F0000001\n');
    assert.match(
      await somebody.ok(['devices', 'list', '--csv']),
      /^mac,model,label,site,state,last_seen\.at,last_seen\.address\n0080F0000001,/,
    );
    assert.equal((await somebody.json(['devices', 'list']))[0].key.state, 'armed');
    assert.deepEqual(await somebody.json(['devices', 'list', '--state', 'confirmed']), []);
    assert.equal((await somebody.run(['devices', 'list', '--failing'])).err, 'There is none.\n');

    const settings = await somebody.ok(['settings', 'show', '--device', mac(1)]);
    assert.equal(settings, 'SETTING          VALUE\nline_1_domain    pbx.example\nline_1_password  (secret)\nline_1_user      201\n');
    const { text } = await api.get(`/tenants/${id}/devices/${mac(1)}/files/standard/preview?reveal=true`);
    assert.match(text, /Harbour-77/, 'the secret is what the variable had');
    assert.match(await somebody.ok(['devices', 'preview', mac(1)]), /^<PANASIPPhoneConfig>[^]*<SIP_PASS>\*+</);
  });

  it('takes its token from a file for its owner alone, from the environment or from standard input, and nowhere else', async (context) => {
    const other = new Operator(worker, {});
    context.after(() => other.end());
    delete other.env.RINGFENCE_URL;
    delete other.env.RINGFENCE_TOKEN;
    const nowhere = await other.run(['tenants', 'list']);
    assert.deepEqual([nowhere.code, nowhere.out], [2, '']);
    assert.match(nowhere.err, /^ringfence: where is the installation\?/);
    const without = await other.run(['tenants', 'list', '--url', worker.http]);
    assert.equal(without.code, 2);
    assert.match(without.err, /RINGFENCE_TOKEN/, 'it says what to do');
    assert.equal(
      (await other.run(['tenants', 'list', '--url', worker.http, '--token-stdin'], { input: `${worker.adminToken}\n` })).code,
      0,
    );

    await other.ok(['profiles', 'add', 'home', '--url', worker.http], { input: `${worker.adminToken}\n` });
    const config = join(other.folder, '.config/ringfence/config.toml');
    assert.equal(statSync(config).mode & 0o777, 0o600);
    assert.equal((await other.run(['tenants', 'list'])).code, 0);
    const listed = await other.ok(['profiles', 'list']);
    assert.match(listed, /home +yes +http:/);
    assert.ok(!listed.includes(worker.adminToken));
    // The token of one installation does not go to another.
    const elsewhere = await other.run(['tenants', 'list', '--url', worker.http.replace('127.0.0.1', 'localhost')]);
    assert.equal(elsewhere.code, 2, elsewhere.err);
    assert.match(elsewhere.err, /Give a token/);
    chmodSync(config, 0o644);
    const open = await other.run(['tenants', 'list']);
    assert.equal(open.code, 2);
    assert.match(open.err, /chmod 600/);
    assert.ok(!open.err.includes(worker.adminToken));
  });

  it('ends with a code that says how, and a line that says why and what to do', async (context) => {
    const { somebody } = await tenant(context);
    const missing = await somebody.run(['devices', 'show', mac(99)]);
    assert.deepEqual([missing.code, missing.out, missing.err.split('\n').length], [1, '', 2]);
    const wrong = await somebody.run(['devices', 'add', 'desk', '--model', MODEL]);
    assert.equal(wrong.code, 1);
    assert.match(wrong.err, /^ringfence: .*`mac`/);
    assert.equal((await somebody.run(['devices', 'lits'])).code, 2);
    const clear = await somebody.run(['settings', 'set', 'line_1_password=Harbour-77']);
    assert.equal(clear.code, 2);
    assert.match(clear.err, /--secret line_1_password=env:VARIABLE/);
    const away = await somebody.run(['tenants', 'list'], { env: { RINGFENCE_URL: 'http://127.0.0.1:9' } });
    assert.equal(away.code, 3);
    assert.match(away.err, /does not answer/);
    const network = await somebody.run(['tenants', 'list'], { env: { RINGFENCE_URL: 'http://phones.example' } });
    assert.equal(network.code, 2);
    assert.match(network.err, /not HTTPS/);
    const gone = await somebody.run(['devices', 'remove', mac(1)]);
    assert.equal(gone.code, 2, 'nobody is there to be asked');
    assert.match(gone.err, /--yes/);
    await somebody.ok(['devices', 'add', mac(1), '--model', MODEL]);
    for (const action of ['delete', 'rekey', 'disable']) {
      const many = await somebody.run(['operations', 'create', action, '--all']);
      assert.deepEqual([many.code, many.out], [2, ''], action);
      assert.match(many.err, /Nothing was changed: repeat the command with --yes/);
    }
    assert.equal((await somebody.json(['devices', 'show', mac(1)])).key.generation, 1);
    const bad = somebody.file('bad.cfg', 'CFG_NONSENSE="1"\n');
    const linted = await somebody.run(['lint', bad, '--family', 'KX-UTG300B'], { env: { RINGFENCE_URL: '' } });
    assert.equal(linted.code, 4, linted.err);
    assert.match(linted.out, /bad\.cfg:\d+:\d+: error: /);
  });

  it('changes settings in every layer and keeps the others, also secrets', async (context) => {
    const { id, t, somebody } = await tenant(context);
    await somebody.ok(['models', 'put', MODEL, '--family', 'utg']);
    await somebody.ok(['sites', 'create', 'Quay']);
    await somebody.ok(['devices', 'add', mac(1), '--model', MODEL, '--site', 'quay']);
    await somebody.ok(['settings', 'set', 'A=1', 'B=2', '--secret', 'C=-'], { input: 'Harbour-78\n' });
    await somebody.ok(['settings', 'set', 'B=3', '--comment', 'a better one']);
    await somebody.ok(['settings', 'unset', 'A']);
    const { settings } = await api.get(`${t}/settings`);
    assert.deepEqual(settings, { B: '3', C: { secret: null } });
    assert.match(await somebody.ok(['settings', 'history']), /a better one/);
    const diff = await somebody.ok(['settings', 'diff', '--from', '1']);
    assert.match(diff, /-A = 1\n-B = 2\n\+B = 3\n/);
    await somebody.ok(['settings', 'rollback', '1']);
    assert.equal((await api.get(`${t}/settings`)).settings.A, '1');
    for (const layer of [
      ['--site', 'Quay'],
      ['--model', MODEL],
      ['--device', mac(1)],
    ]) {
      await somebody.ok(['settings', 'set', 'D=4', ...layer]);
      assert.match(await somebody.ok(['settings', 'show', ...layer]), /^D +4$/m);
    }
    const unknown = await somebody.run(['settings', 'unset', 'NOWHERE']);
    assert.match(unknown.err, /no setting NOWHERE/);

    await somebody.ok(['devices', 'change', mac(1), '--label', 'Desk']);
    const changed = await api.get(`${t}/devices/${mac(1)}`);
    assert.equal(changed.label, 'Desk');
    assert.ok(changed.site, 'what is not named stays');
    await somebody.ok([
      'devices',
      'change',
      mac(1),
      '--set',
      'line_1_user=7',
      '--set',
      'line_1_domain=pbx.example',
      '--secret',
      'line_1_password=command:echo Quay-9',
      '--label',
      'Two',
    ]);
    assert.equal((await api.get(`${t}/devices/${mac(1)}/settings`)).settings.line_1_user, '7');
    await somebody.ok(['devices', 'change', mac(1), '--site', '']);
    assert.equal((await api.get(`${t}/devices/${mac(1)}`)).site, null);
    const broken = await somebody.run(['devices', 'change', mac(1), '--set', 'line_2_user=8']);
    assert.equal(broken.code, 1);
    assert.match(broken.err, /\n {2}0080F0000001: standard: line_2_user: .*line_2_domain/, 'which file, and what to do');
    const changing = await somebody.ok(['devices', 'change', mac(1), '--set', 'line_1_user=8', '--dry-run']);
    assert.match(changing, /^Nothing is written\. 1 phone would be affected[^]*^-.*7/m);
    const tried = await somebody.ok(['settings', 'set', 'line_1_user=8', '--device', mac(1), '--dry-run']);
    assert.match(tried, /^Nothing is written\. 1 phone would be affected/);
    assert.match(tried, /^-.*7/m);
    assert.equal((await api.get(`${t}/devices/${mac(1)}/settings`)).settings.line_1_user, '7');
    assert.equal((await api.get(`/tenants/${id}`)).id, id);
  });

  it('says how phones are, and does what is done to them', async (context) => {
    const { id, t, name, somebody } = await tenant(context);
    await somebody.ok(['devices', 'add', mac(1), '--model', MODEL]);
    await somebody.ok(['devices', 'add', mac(2), '--model', MODEL]);
    const path = await somebody.json(['access-paths', 'create', '--label', 'desk', '--expires-at', '30d']);
    assert.ok(path.url && path.expires_at > Date.now());
    assert.equal((await worker.fetch(new URL(`Config${mac(1)}.cfg`, path.url))).status, 200);
    assert.equal((await worker.fetch(new URL(`Config${mac(9)}.cfg`, path.url))).status, 404);

    // State in sentences, with the last requests.
    const shown = await somebody.ok(['devices', 'show', mac(1)]);
    assert.match(shown, /Its bootstrap was taken \d+ s ago/);
    assert.match(shown, /Last requests[^]*bootstrap/);
    const [event] = await somebody.json(['events', '--outcome', 'refused']);
    assert.equal((await somebody.ok(['events', '--outcome', 'refused', '-q', '--limit', '1'])).trim(), event.request_id);
    assert.equal(
      await somebody.ok(['events', '--outcome', 'nothing', '--csv']),
      'at,mac,outcome,reason,status,kind,path,address,request_id\n',
    );
    const explained = await somebody.ok(['explain', event.request_id]);
    assert.match(explained, /NO .*\n[^]*The phone hears 404/);
    assert.match(
      await somebody.ok(['explain', mac(1), '--name', `Config${mac(1)}.cfg`]),
      /The phone hears[^]*The access path is the tenant's newest/,
    );
    const under = await somebody.ok(['explain', mac(1), '--access-path', path.id]);
    assert.doesNotMatch(under, /The access path is the tenant's newest/);
    await somebody.ok(['settings', 'set', 'time_zone=Europe/Berlin']);
    assert.match(await somebody.ok(['devices', 'effective', mac(1)]), /^PARAMETER +VALUE[^]* tenant +/);
    assert.match(await somebody.ok(['devices', 'lint', mac(1)]), /^standard: fit to be served$/m);
    // What would become of a key, of a phone and of those that ask under an access path is said before.
    for (const [words, says] of [
      [
        ['devices', 'rekey', mac(1)],
        /^Nothing is written\.\n {2}Key 1 \(delivered\) is replaced by key 2[^]*A plaintext file with the new key waits/,
      ],
      [['devices', 'rearm', mac(1)], /is handed out once more/],
      [['devices', 'disable', mac(1)], /^Nothing is written\.\n {2}The phone gets no file from then on/],
      [['devices', 'enable', mac(1)], /in service already/],
      [['devices', 'notify', mac(1)], /^Nothing is written\./],
      [['access-paths', 'change', path.id, '--label', 'other'], /No request is refused/],
      [['access-paths', 'remove', path.id], /1 phone in service got files under this access path last/],
      [['destinations', 'set', '--domain', 'pbx.example'], /could be notified, of 2 that were looked at/],
      [['tests', 'add', '--name', 'n', '--file', 'standard', '--parameter', 'No_Such', '--expect', 'present'], /would not meet it/],
      [['rollouts', 'create', '--all'], /Phones in service that are notified by the pool default: 2/],
      [
        ['webhooks', 'create', '--name', 'w', '--to', 'https://hooks.example/', '--kind', 'file.broken'],
        /is told of what happens from then on/,
      ],
    ]) {
      const is = words[0] === 'destinations' ? operator : somebody;
      const more = words[0] === 'destinations' ? ['--tenant', name] : [];
      const tried = await is.run([...words, ...more, '--dry-run']);
      // The pool of a tenant without destinations reaches nobody: then the trial is refused as the change is.
      if (words[1] !== 'notify') assert.equal(tried.code, 0, tried.err);
      if (tried.code === 0) assert.match(tried.out, says, words.join(' '));
    }
    assert.equal((await api.get(`${t}/devices/${mac(1)}`)).key.generation, 1);
    assert.match(await somebody.ok(['devices', 'rekey', mac(1), '--yes']), /Its bootstrap waits/);
    await somebody.ok(['devices', 'disable', mac(1)]);
    assert.match(await somebody.ok(['devices', 'show', mac(1)]), /out of service/);
    await somebody.ok(['devices', 'enable', mac(1)]);
    await somebody.ok(['devices', 'rearm', mac(1)]);
    assert.match(await somebody.ok(['devices', 'count']), /^WHAT +DEVICES[^]*all +2 /);
    assert.match(await operator.ok(['devices', 'find', 'UTG300']), new RegExp(mac(1)));
    assert.deepEqual(
      (await somebody.json(['devices', 'list', '--search', '000001'])).map((it) => it.mac),
      [mac(1)],
    );

    // Templates, by a file.
    const source = await somebody.ok(['templates', 'show', 'standard', 'utg']);
    const file = somebody.file('standard.j2', source.replace('<PANASIPPhoneConfig>', '<!-- ours -->\n<PANASIPPhoneConfig>'));
    await somebody.ok(['templates', 'put', 'standard', 'utg', file]);
    await somebody.ok(['templates', 'put', 'standard', 'utg', '-', '--model', MODEL], { input: source });
    assert.match(await somebody.ok(['templates', 'list']), new RegExp(`standard +utg +${MODEL}`));
    await somebody.ok(['templates', 'remove', 'standard', 'utg', '--model', MODEL]);
    assert.equal(await somebody.ok(['templates', 'show', 'standard', 'utg']), readFileSync(file, 'utf8'));
    assert.match(await somebody.ok(['templates', 'history', 'standard', 'utg']), /^VERSION/);

    // Tests of files.
    await somebody.ok(['tests', 'add', '--name', 'numbers', '--file', 'standard', '--parameter', 'No_Such', '--expect', 'absent']);
    assert.match(await somebody.ok(['tests', 'run']), /^ok {2}numbers/);

    // NOTIFY: nobody sends for the pool, so jobs wait and are cancelled.
    const waits = await somebody.run(['devices', 'notify', mac(1), '--wait', '--timeout', '1s']);
    if (waits.code !== 1) assert.equal(waits.code, 4, waits.err);
    const rollout = await somebody.run(['rollouts', 'create', '--model', MODEL, '--per-second', '5', '--json']);
    assert.ok([0, 1].includes(rollout.code), rollout.err);
    assert.equal((await somebody.run(['rollouts', 'create'])).code, 2, 'nobody is named');

    // Operations.
    const tried = await somebody.run(['operations', 'create', 'rekey', '--model', MODEL, '--dry-run']);
    assert.match(tried.err, /^2 phones: /);
    await somebody.ok(['operations', 'create', 'set', '--all', '--set', 'NTP=ntp.example', '--wait']);
    assert.equal((await api.get(`${t}/devices/${mac(2)}/settings`)).settings.NTP, 'ntp.example');
    assert.match(await somebody.ok(['operations', 'list']), /done/);

    // Audit, tokens, rotation.
    assert.match(await somebody.ok(['audit', 'list', '--action', 'device.create']), /device\.create/);
    assert.match(await somebody.ok(['operations', 'list']), / set NTP /, 'the action in words');
    assert.match((await operator.run(['audit', 'verify'])).err, /whole up to entry \d+/);
    const lines = (await operator.ok(['audit', 'export'])).trim().split('\n');
    const numbers = lines.map((line) => JSON.parse(line).number).filter(Boolean);
    assert.ok(numbers.length > 10 && JSON.parse(lines.at(-1)).chain.complete);
    const part = await operator.json(['audit', 'part']);
    assert.ok(part.entries >= numbers.length, `${part.entries} ${numbers.length}`);
    const token = await operator.json(['tokens', 'create', 'reader', '--access', 'read', '--only-tenant', id]);
    const reader = new Operator(worker, { token: token.token });
    context.after(() => reader.end());
    assert.equal((await reader.json(['tenants', 'show'])).id, id, 'the only tenant needs no name');
    const bound = await operator.json(['tokens', 'list', '--tenant', name]);
    assert.deepEqual(
      bound.map((it) => it.id),
      [token.id],
    );
    const refused = await reader.run(['devices', 'rekey', mac(1), '--yes']);
    assert.deepEqual([refused.code, /token/.test(refused.err)], [1, true]);
    await operator.ok(['tokens', 'remove', token.id, '--yes']);
    assert.equal((await reader.run(['tenants', 'show'])).code, 1);
    await operator.ok(['rotate', '--status']);

    // What describes the whole.
    assert.equal(JSON.parse(await operator.ok(['openapi'])).openapi.slice(0, 2), '3.');
    const scraper = await operator.ok(['tokens', 'create', 'scraper', '--access', 'metrics', '-q']);
    assert.match(await operator.ok(['metrics', '--token-stdin'], { input: scraper }), /^# HELP/);
    assert.match(await operator.ok(['health']), /status +ok/);
    assert.match(await operator.ok(['families']), /utg/);
    assert.match(await operator.ok(['vocabulary']), /line_1_user|line_/);
    for (const [noun, verb] of [
      ['sites', 'list'],
      ['models', 'list'],
      ['unknown', 'list'],
      ['jobs', 'list'],
      ['rollouts', 'list'],
      ['pools', 'list'],
      ['webhooks', 'list'],
      ['certificates', 'list'],
      ['access-paths', 'list'],
      ['limits', 'show'],
      ['destinations', 'show'],
      ['options', 'history'],
      ['pools', 'of-tenant'],
    ]) {
      await somebody.json([noun, verb]);
      await somebody.ok([noun, verb]);
    }
    assert.equal((await somebody.run(['devices', 'remove', mac(1), '--yes'])).code, 0);
    await somebody.ok(['devices', 'remove', mac(2), '--yes']);
    await operator.ok(['tenants', 'remove', name, '--yes']);
    assert.equal((await api.call('GET', t)).status, 404);
  });

  it('follows events as they happen', async (context) => {
    const { somebody } = await tenant(context);
    await somebody.ok(['devices', 'add', mac(1), '--model', MODEL]);
    const { url } = await somebody.json(['access-paths', 'create']);
    const { child, said, done } = somebody.start(['events', '--follow', '--json']);
    context.after(() => child.kill());
    const until = Date.now() + 20_000;
    const lines = () =>
      said.out
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line));
    for (let asked = 0; lines().length < 2 && Date.now() < until; asked += 1) {
      if (asked % 10 === 0) await worker.fetch(new URL(`Config${mac(1)}.cfg`, url));
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    assert.ok(lines().length >= 2, said.err);
    assert.equal(new Set(lines().map((event) => event.id)).size, lines().length, 'each is there once');
    assert.deepEqual(
      lines().map((event) => event.at),
      lines()
        .map((event) => event.at)
        .toSorted(),
      'the newest last',
    );
    child.kill('SIGINT');
    await done;
  });

  it('goes on waiting while nobody answers for a moment', async (context) => {
    const { somebody } = await tenant(context);
    await somebody.ok(['devices', 'add', mac(1), '--model', MODEL]);
    const { url } = await somebody.json(['access-paths', 'create']);
    let isDown = false;
    // Where nobody listens, a connection is refused.
    const way = await forwardTcp(() => (isDown ? 9 : worker.port));
    context.after(() => way.close());
    const env = { RINGFENCE_URL: `http://127.0.0.1:${way.port}` };
    const { child, said, done } = somebody.start(['events', '--follow', '--json'], { env });
    context.after(() => child.kill());
    await eventually(() => said.err.includes('Events from now on'));
    isDown = true;
    way.cut();
    await eventually(() => said.err.includes('The Worker is asked again.'));
    assert.equal((await worker.fetch(new URL(`Config${mac(1)}.cfg`, url))).status, 200);
    isDown = false;
    await eventually(() => said.out.includes(mac(1)));
    assert.equal(said.out.trim().split('\n').length, 1);
    child.kill('SIGINT');
    await done;
  });

  it('does every verb of tenants and what describes phones', async (context) => {
    const { t, name, somebody } = await tenant(context);
    await somebody.ok(['devices', 'add', mac(1), '--model', MODEL]);
    const options = somebody.file('options.json', '{"events_per_minute": 700}');
    await somebody.ok(['tenants', 'change', '--options', options]);
    await somebody.ok(['tenants', 'change', name, '--name', `${name} Ltd`]);
    const changed = await api.get(t);
    assert.deepEqual([changed.name, changed.options.events_per_minute], [`${name} Ltd`, 700], 'what is not named stays');
    somebody.env.RINGFENCE_TENANT = `${name} Ltd`;
    const versions = await somebody.json(['options', 'history']);
    assert.match(await somebody.ok(['options', 'diff', '--from', `${versions.at(-1).version}`]), /^-.*600.*\n\+.*700/m);
    await somebody.ok(['options', 'rollback', `${versions.at(-1).version}`]);
    assert.equal((await api.get(t)).options.events_per_minute, 600);
    // Single options, and a file of some: the others stay.
    await somebody.ok(['tenants', 'change', '--set', 'retry_window_s=60', '--set', 'expected_networks=192.0.2.0/24']);
    await somebody.ok(['tenants', 'change', '--options', options]);
    const set = (await api.get(t)).options;
    assert.deepEqual([set.retry_window_s, set.expected_networks, set.events_per_minute], [60, ['192.0.2.0/24'], 700]);
    await somebody.ok(['tenants', 'change', '--unset', 'retry_window_s', '--set', 'events_per_minute=800']);
    const unset = (await api.get(t)).options;
    assert.deepEqual([unset.retry_window_s, unset.expected_networks, unset.events_per_minute], [0, ['192.0.2.0/24'], 800]);
    assert.equal((await somebody.run(['tenants', 'change', '--set', 'retry_window_s=soon'])).code, 2);

    await somebody.ok(['sites', 'create', 'Quay']);
    await somebody.ok(['sites', 'rename', 'Quay', 'Yard']);
    assert.equal((await somebody.json(['sites', 'show', 'yard'])).name, 'Yard');
    await somebody.ok(['sites', 'set-pool', 'Yard', 'default']);
    assert.match(await somebody.ok(['sites', 'pool', 'Yard']), /pool +default/);
    await somebody.ok(['sites', 'remove', 'Yard', '--yes']);
    assert.deepEqual(await somebody.json(['sites', 'list']), []);
    await somebody.ok(['models', 'put', 'GXP2160']);
    assert.equal((await somebody.json(['models', 'show', 'GXP2160'])).family, 'gxp');
    await somebody.ok(['models', 'remove', 'GXP2160', '--yes']);

    const file = somebody.file('standard.j2', '<PANASIPPhoneConfig>\n  <Device>\n    <System/>\n  </Device>\n</PANASIPPhoneConfig>\n');
    const written = await somebody.run(['templates', 'put', 'standard', 'utg', file]);
    assert.deepEqual([written.code, written.out, written.err], [0, '', 'It is written.\n']);
    const other = somebody.file(
      'other.j2',
      readFileSync(file, 'utf8').replace('<System/>', '<System><NTP_ADDR>a.example</NTP_ADDR></System>'),
    );
    const tried = await somebody.ok(['templates', 'put', 'standard', 'utg', other, '--dry-run', '--diff-for', mac(1)]);
    assert.match(tried, /^- {4}<System\/>\n\+ {4}<System>\n\+ {6}<NTP_ADDR>/m, 'the lines of one phone');
    const gone = await somebody.run(['devices', 'remove', mac(1), '--dry-run']);
    assert.deepEqual([gone.code, gone.err], [0, 'It would be removed.\n']);
    await somebody.ok(['templates', 'put', 'standard', 'utg', '-'], {
      input: readFileSync(file, 'utf8').replace('<System/>', '<System></System>'),
    });
    assert.match(
      await somebody.ok(['templates', 'diff', 'standard', 'utg', '--from', '1']),
      /^- {4}<System\/>\n\+ {4}<System><\/System>$/m,
    );
    await somebody.ok(['templates', 'rollback', 'standard', 'utg', '--version', '1']);
    assert.equal(await somebody.ok(['templates', 'show', 'standard', 'utg']), readFileSync(file, 'utf8'));
    const test = await somebody.json(['tests', 'add', '--name', 'a', '--file', 'standard', '--parameter', 'X', '--expect', 'absent']);
    await somebody.ok(['tests', 'change', test.id, '--name', 'b']);
    assert.deepEqual((await somebody.json(['tests', 'show', test.id])).name, 'b');
    assert.equal((await somebody.json(['tests', 'show', test.id])).parameter, 'X');
    assert.equal((await somebody.json(['tests', 'list'])).length, 1);
    await somebody.ok(['tests', 'remove', test.id, '--yes']);
    const ca = authority();
    context.after(() => ca.end());
    const pem = ca.file;
    await somebody.ok(['certificates', 'put', 'root.pem', pem]);
    const { body } = await somebody.json(['certificates', 'show', 'root.pem']);
    assert.equal(Buffer.from(body, 'base64').toString(), readFileSync(pem, 'utf8'));
    await somebody.ok(['certificates', 'remove', 'root.pem', '--yes']);

    const [old, fresh] = [
      await somebody.json(['access-paths', 'create']),
      await somebody.json(['access-paths', 'create', '--label', 'new']),
    ];
    await somebody.ok(['access-paths', 'change', old.id, '--label', 'old', '--expires-at', '2d']);
    const shown = await somebody.json(['access-paths', 'show', old.id]);
    assert.deepEqual([shown.label, shown.segment, shown.expires_at > Date.now()], ['old', undefined, true]);
    await somebody.ok(['access-paths', 'move', fresh.id, '--with-url', '-'], { input: fresh.url });
    assert.match(await somebody.ok(['access-paths', 'moved', fresh.id]), new RegExp(mac(1)));
    await somebody.ok(['access-paths', 'end-move', fresh.id]);
    await somebody.ok(['access-paths', 'remove', old.id, '--yes']);
    assert.match((await somebody.run(['destinations', 'show'])).err, /^Nothing is set\. /);
    await somebody.ok(['limits', 'set', '--devices', '5']);
    await somebody.ok(['limits', 'set', '--models', '30']);
    const { quotas } = await somebody.json(['limits', 'show']);
    assert.deepEqual([quotas.devices.limit, quotas.models.limit], [5, 30], 'what is not named stays');
    await somebody.ok(['limits', 'set', '--devices', 'default']);
    assert.equal((await somebody.json(['limits', 'show'])).quotas.devices.limit, 100_000);
    await somebody.ok(['destinations', 'set', '--domain', 'pbx.example', '--network', '192.0.2.0/24']);
    await somebody.ok(['destinations', 'set', '--domain', 'pbx.test']);
    const { destinations } = await somebody.json(['destinations', 'show']);
    assert.deepEqual([destinations.domains, destinations.networks], [['pbx.test'], ['192.0.2.0/24']]);

    // A setting that reaches no file is said.
    const unused = await somebody.run(['settings', 'set', 'system_X=1', '--device', mac(1)]);
    assert.match(unused.err, /^system_X \(device layer\): /m);
  });

  it('does every verb of phones that nobody entered, that move, and that many are told about', async (context) => {
    const { t, somebody } = await tenant(context);
    const { url } = await somebody.json(['access-paths', 'create']);
    for (const number of [1, 2]) {
      const agent = { 'user-agent': `Panasonic_${MODEL}/01.133 (${mac(number).toLowerCase()})` };
      await worker.fetch(new URL(`Config${mac(number)}.cfg`, url), { headers: agent });
    }
    await eventually(
      () => somebody.json(['unknown', 'list']),
      (items) => items.length === 2,
    );
    await somebody.ok(['unknown', 'dismiss', mac(2)]);
    assert.match(await somebody.ok(['unknown', 'adopt', mac(1), '--label', 'Found', '--set', 'B=2']), /"Found"/);
    assert.match(await somebody.ok(['settings', 'show', '--device', mac(1)]), /^B +2$/m);
    const taken = await somebody.ok(['devices', 'import-key', mac(1), '--key-from', 'env:KEY'], {
      env: { KEY: '12341234abcdabcd12341234abcdabcd' },
    });
    assert.match(taken, /Its key was taken over/);
    await somebody.ok(['settings', 'set', 'A=1', '--device', mac(1)]);
    assert.match(await somebody.ok(['devices', 'history', mac(1)]), /^VERSION/);
    assert.ok([0, 4].includes((await somebody.run(['devices', 'diff', mac(1)])).code));
    assert.equal(typeof (await operator.json(['devices', 'count-all'])).devices, 'number');
    // No cron event has counted here.
    for (const verb of [['devices', 'count-all'], ['event-counts']]) {
      const { code, out, err } = await operator.run(verb);
      assert.deepEqual([code, out], [0, ''], `${verb}`);
      assert.match(err, /^They are not counted yet: /);
    }

    await somebody.ok(['devices', 'add', mac(3), '--model', MODEL]);
    const operation = (await somebody.ok(['operations', 'create', 'disable', '--mac', mac(1), '--mac', mac(3), '--yes'])).trim();
    assert.match(await somebody.ok(['operations', 'show', operation, '--wait']), /^state +done$/m);
    assert.match(await somebody.ok(['operations', 'devices', operation]), new RegExp(`${mac(3)} +done`));
    assert.equal((await somebody.run(['operations', 'cancel', operation])).code, 1, 'what is over cannot be cancelled');
    await somebody.ok(['operations', 'remove', operation, '--yes']);
    await somebody.ok(['operations', 'create', 'enable', '--all', '--wait']);

    const other = await tenant(context);
    await other.somebody.ok(['sites', 'create', 'Quay']);
    assert.match(await somebody.ok(['devices', 'move', mac(1), '--to', other.name, '--site', 'quay', '--forward-days', '7']), /"Found"/);
    assert.ok((await api.get(`${other.t}/devices/${mac(1)}`)).site, 'the site there goes by its name');
    assert.equal((await api.get(`${other.t}/devices/${mac(1)}`)).label, 'Found');
    await other.somebody.ok(['devices', 'end-forward', mac(1)]);
    await api.get(`${t}/devices/${mac(3)}`);
  });

  it('does every verb of NOTIFYs', async (context) => {
    const { somebody } = await tenant(context);
    await somebody.ok(['destinations', 'set', '--domain', 'pbx.test', '--network', '192.0.2.0/24']);
    await somebody.ok([
      'devices',
      'add',
      mac(1),
      '--model',
      MODEL,
      '--set',
      'NOTIFY_AOR=sip:1@pbx.test',
      '--set',
      'NOTIFY_ADDRESS=192.0.2.7:5060',
    ]);
    const pool = await somebody.json(['pools', 'create', `Pool ${Math.random()}`, '--options', '-'], { input: '{"max_attempts": 2}' });
    await somebody.ok(['pools', 'change', pool.id, '--name', 'Harbour']);
    const shown = await somebody.json(['pools', 'show', pool.id]);
    assert.deepEqual([shown.name, shown.options.max_attempts], ['Harbour', 2]);
    await somebody.ok(['pools', 'change', pool.id, '--set', 'expiry_s=3600']);
    const { options } = await somebody.json(['pools', 'show', pool.id]);
    assert.deepEqual([options.expiry_s, options.max_attempts], [3600, 2], 'what is not named stays');
    await somebody.ok(['pools', 'set-credentials', pool.id, '--username', 'ringfence', '--password-from', 'env:PASSWORD'], {
      env: { PASSWORD: 'Harbour-77' },
    });
    assert.match(await somebody.ok(['pools', 'credentials', pool.id]), /username +ringfence/);
    await somebody.ok(['pools', 'remove-credentials', pool.id, '--yes']);
    const credential = await somebody.ok(['relays', 'create', 'harbour', 'beside the PBX', '-q']);
    assert.match(credential, /^rfr_/);
    const [relay] = await somebody.json(['relays', 'list', pool.id]);
    assert.equal((await somebody.json(['relays', 'show', pool.id, relay.id])).name, 'beside the PBX');
    assert.equal((await somebody.json(['relays', 'show', 'Harbour', 'Beside the PBX'])).id, relay.id);
    const nobody = await somebody.run(['pools', 'show', 'Quay']);
    assert.deepEqual([nobody.code, nobody.err], [2, 'ringfence: no pool is called Quay. `ringfence pools list` shows them all.\n']);
    assert.match((await somebody.run(['pools', 'of-tenant'])).err, /^Nothing is set: the pool `default` notifies them\./);
    assert.ok([0, 1].includes((await somebody.run(['relays', 'drain', pool.id, relay.id])).code), 'it is not connected');
    await somebody.ok(['pools', 'assign', 'Harbour']);
    assert.match(await somebody.ok(['pools', 'of-tenant']), new RegExp(pool.id));

    // Nobody sends: a job waits, and is given up by who waits for it.
    const late = await somebody.run(['devices', 'notify', mac(1), '--wait', '--timeout', '1s']);
    assert.deepEqual([late.code, /goes on by itself: ringfence jobs show \S+ --wait/.test(late.err)], [4, true], late.err);
    const [job] = await somebody.json(['jobs', 'list', '--device', mac(1)]);
    assert.equal((await somebody.json(['jobs', 'show', job.id])).state, 'queued');
    assert.match(await somebody.ok(['jobs', 'cancel', job.id]), /^state +cancelled$/m);
    const ended = await somebody.run(['jobs', 'show', job.id, '--wait']);
    assert.equal(ended.code, 4, 'what was cancelled was not fetched');
    const rollout = await somebody.json(['rollouts', 'create', '--all', '--per-second', '5', '--spread', '10s']);
    await somebody.ok(['rollouts', 'pause', rollout.id]);
    const paused = await somebody.run(['rollouts', 'show', rollout.id, '--wait']);
    assert.deepEqual([paused.code, /^paused: /m.test(paused.err)], [4, true]);
    await somebody.ok(['rollouts', 'resume', rollout.id]);
    await somebody.ok(['rollouts', 'cancel', rollout.id]);
    await somebody.ok(['pools', 'assign', '']);
    await somebody.ok(['relays', 'remove', pool.id, relay.id, '--yes']);
    await somebody.ok(['pools', 'remove', pool.id, '--yes']);
  });

  it('does every verb of the installation', async (context) => {
    const { somebody } = await tenant(context);
    for (const where of [[], ['--everywhere']]) {
      const made = await somebody.json([
        'webhooks',
        'create',
        '--name',
        'a',
        '--to',
        'https://hooks.example/a',
        '--kind',
        'file.broken',
        ...where,
      ]);
      assert.match(made.secret, /^whsec_/);
      await somebody.ok(['webhooks', 'change', made.id, '--name', 'b', '--disabled', 'on', ...where]);
      const { name, url, disabled } = await somebody.json(['webhooks', 'show', made.id, ...where]);
      assert.deepEqual([name, url, disabled], ['b', 'https://hooks.example/a', true]);
      assert.match(await somebody.ok(['webhooks', 'rotate-secret', made.id, '--overlap-hours', '1', ...where]), /^whsec_/);
      await somebody.ok(['webhooks', 'change', made.id, '--disabled', 'off', ...where]);
      await somebody.ok(['webhooks', 'test', made.id, ...where]);
      const [message] = await eventually(
        () => somebody.json(['webhooks', 'messages', made.id, ...where]),
        (items) => items.length > 0,
      );
      await somebody.run(['webhooks', 'resend', made.id, message.id, ...where]);
      assert.ok((await somebody.json(['webhooks', 'list', ...where])).some((hook) => hook.id === made.id));
      await somebody.ok(['webhooks', 'remove', made.id, '--yes', ...where]);
    }
    const token = await operator.json(['tokens', 'create', 'for a while', '--access', 'write', '--expires-at', '1h']);
    assert.equal((await operator.json(['tokens', 'show', token.id])).name, 'for a while');
    assert.ok((await operator.json(['tokens', 'list'])).length > 0);
    assert.match((await operator.json(['sign-in'])).url, /\/console/);
    await operator.ok(['sessions', 'list']);
    assert.equal((await operator.run(['sessions', 'remove', '01ARZ3NDEKTSV4RRFFQ69G5FAV'])).code, 1, 'there is none');
    const cut = await operator.run(['audit', 'cut', '--number', '1', '--hash', 'a'.repeat(64), '--yes']);
    assert.equal(cut.code, 1, 'nothing that was not exported is cut');
    assert.match(await operator.ok(['audit', 'list', '--everywhere', '--limit', '3']), /^AT +ACTION +OBJECT +CHANGES/);
    assert.match((await operator.run(['rotate'])).err, /0 to go/);
    assert.equal((await operator.json(['restored', 'show'])).behind, false);
    await operator.ok(['restored', 'take', '--yes']);
    const profiles = new Operator(worker);
    context.after(() => profiles.end());
    for (const name of ['one', 'two']) {
      await profiles.ok(['profiles', 'add', name, '--url', worker.http, '--tenant', 'Harbour', '--token-from', 'env:RINGFENCE_TOKEN']);
    }
    await profiles.ok(['profiles', 'use', 'two']);
    assert.deepEqual(
      (await profiles.json(['profiles', 'list'])).map(({ name, default: is }) => [name, is]),
      [
        ['one', false],
        ['two', true],
      ],
    );
    await profiles.ok(['profiles', 'remove', 'two']);
  });

  it('speaks HTTPS to whom the system trusts, and to nobody else', async (context) => {
    const ca = authority();
    context.after(() => ca.end());
    const secure = await Ringfence.start({ tls: ca.issue(['DNS:localhost', 'IP:127.0.0.1']) });
    context.after(() => secure.stop());
    const somebody = new Operator(secure);
    context.after(() => somebody.end());
    somebody.env.RINGFENCE_URL = secure.https;
    const stranger = await somebody.run(['tenants', 'create', 'Secure']);
    assert.deepEqual([stranger.code, stranger.out], [3, '']);
    assert.match(stranger.err, /certificate/i);
    somebody.env.SSL_CERT_FILE = ca.file;
    assert.match(await somebody.ok(['tenants', 'create', 'Secure']), /name +Secure/);
    await somebody.ok(['devices', 'add', mac(1), '--model', MODEL, '--tenant', 'Secure']);
    const { url } = await somebody.json(['access-paths', 'create', '--tenant', 'Secure']);
    const phone = await somebody.run(['phone', '-', '--mac', mac(1), '--model', MODEL], { input: url });
    assert.deepEqual([phone.code, /the key opens it/.test(phone.out)], [0, true], phone.err);
  });

  it('rotates the master key to the end', async (context) => {
    const own = await Ringfence.start();
    context.after(() => own.stop());
    const somebody = new Operator(own);
    context.after(() => somebody.end());
    await somebody.ok(['tenants', 'create', 'Rotated']);
    for (let number = 1; number <= 150; number += 1) {
      somebody.rows = `${somebody.rows ?? 'mac,model,secret:pin\n'}${mac(number)},${MODEL},Harbour-${number}\n`;
    }
    await somebody.ok(['import', '-', '--write', '-q'], { input: somebody.rows });
    const { MASTER_KEY } = own.options.secrets;
    const fresh = newMasterKey('k2');
    await own.restart({ secrets: { MASTER_KEY: fresh, MASTER_KEY_PREVIOUS: MASTER_KEY } });
    somebody.env.RINGFENCE_URL = own.http;
    assert.ok((await somebody.json(['rotate', '--status'])).remaining >= 300);
    const rotated = await somebody.run(['rotate']);
    assert.equal(rotated.code, 0, rotated.err);
    assert.match(rotated.err, /^\d+ values wrapped under k2, 0 to go$/m);
    await own.restart({ secrets: { MASTER_KEY_PREVIOUS: null } });
    somebody.env.RINGFENCE_URL = own.http;
    const settings = await somebody.json(['settings', 'show', '--device', mac(150), '--reveal']);
    assert.deepEqual(settings.settings.pin, { secret: 'Harbour-150' });
  });

  it('says what a deployment lacks that has the Worker alone', async (context) => {
    const bare = await Ringfence.start();
    context.after(() => bare.stop());
    const somebody = new Operator(bare);
    context.after(() => somebody.end());
    const refused = await somebody.run(['openapi']);
    assert.deepEqual([refused.code, refused.out], [3, '']);
    assert.match(refused.err, /Deploy the whole release again/);
  });

  it('stops without a word when nobody reads on', async () => {
    const { child, said, done } = operator.start(['openapi']);
    child.stdout.destroy();
    assert.equal((await done).code, 0, said.err);
    assert.equal(said.err, '');
  });

  it('writes its completions and man pages', async () => {
    for (const shell of ['bash', 'zsh', 'fish']) assert.match(await operator.ok(['completions', shell]), /access-paths/);
    await operator.ok(['man', 'pages']);
    const pages = readdirSync(join(operator.folder, 'pages'));
    assert.ok(pages.includes('ringfence-devices-list.1'), pages.join(' '));
    assert.ok(existsSync(join(operator.folder, 'pages/ringfence.1')));

    // Each page is of a verb that a test has run, here or in a file of its own.
    const elsewhere = ['import', 'export', 'pull', 'plan', 'apply', 'phone', 'deploy', 'dev', 'destroy'];
    const verbs = pages
      .map((name) => name.slice('ringfence-'.length, -2))
      .filter((name) => name && !elsewhere.includes(name) && !pages.some((other) => other.startsWith(`ringfence-${name}-`)));
    const words = new Set([...ran].flatMap((said) => [said.replace(' ', '-'), said.split(' ')[0]]));
    assert.deepEqual(
      verbs.filter((verb) => !words.has(verb)),
      [],
      'verbs that no test runs',
    );
  });
});
