// What the documents tell an operator to type works as it stands there: the blocks of shell are run, with
// what a reader fills in, and every call of the API that a document names is one.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { CLI } from '../support/cli.mjs';
import { ROOT } from '../support/config.mjs';
import { Ringfence, newMasterKey } from '../support/worker/ringfence.mjs';
import { sealAsTheCrate } from '../support/worker/reference.mjs';
import { eventually } from '../support/wait.mjs';

const read = (name) => readFileSync(join(ROOT, name), 'utf8');
const DOCUMENTS = ['README.md', 'SECURITY.md', ...readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'))].map((name) =>
  name === name.toUpperCase() || name.startsWith('README') || name.startsWith('SECURITY') ? name : `docs/${name}`,
);

const PHONES = readdirSync(join(ROOT, 'docs/phones')).map((name) => `docs/phones/${name}`);

/** The blocks of shell of a document, without the indentation of a list. */
function blocks(name) {
  return [...read(name).matchAll(/^( *)```sh\n([\s\S]*?)^ *```$/gm)].map(({ 1: indent, 2: text }) =>
    text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );
}

/** The block of a document that has these words. */
function block(name, words) {
  const found = blocks(name).filter((text) => text.includes(words));
  assert.equal(found.length, 1, `${name}: ${words}`);
  return found[0];
}

/**
 * What needs an account, a toolchain, root or a PBX: it is not run here. `make` is run by the tests of `make`, the package in
 * npx.test.mjs, and the verbs of the command line in cli.test.mjs and first-day.test.mjs. That there are such verbs and
 * options is looked at below.
 */
const ELSEWHERE =
  /^(make|npm|npx|wrangler|export PATH|export BASE|cargo|install|cp|systemctl|ringfence|ringfence-relay|openssl rand -hex)\b|^# |^api\(\) |^api POST \/tokens/;

/** Runs lines of a document in a shell that has `api` as the documents define it; the answers of the API. */
class Shell {
  constructor(worker) {
    this.worker = worker;
    this.folder = mkdtempSync(join(tmpdir(), 'ringfence-documents-'));
    writeFileSync(join(this.folder, 'api.conf'), `header = "Authorization: Bearer ${worker.adminToken}"\n`, { mode: 0o600 });
    this.before = '';
    this.done = new Set();
  }

  /** A block, with what a reader fills in: pairs of what stands there and what is meant. */
  run(block, filled = [], env = {}) {
    this.done.add(block);
    let text = block
      .split('\n')
      .filter((line) => !ELSEWHERE.test(line))
      .join('\n');
    for (const [there, meant] of filled) {
      assert.ok(text.includes(there), `${there} is not in:\n${text}`);
      text = text.replaceAll(there, meant);
    }
    const define = read('docs/deploy.md').match(/^ *(api\(\) \{.*\})$/m)[1];
    const script = `set -euo pipefail
${define.replace('api()', 'documented()')}
api() { documented "$@" >.answer && { cat .answer; printf '\\n' >>.answer; cat .answer >>.answers; }; }
${this.before}
${text}`;
    writeFileSync(join(this.folder, '.answers'), '');
    const { status, stdout, stderr } = spawnSync('bash', ['-c', script], {
      cwd: this.folder,
      encoding: 'utf8',
      timeout: 60_000,
      // Bash that is given a socket reads what a login does.
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, HOME: this.folder, BASE: `${this.worker.http}api/v1`, ...env },
    });
    assert.equal(status, 0, `${stderr}\n${text}`);
    assert.equal(stderr, '', text);
    this.said = stdout;
    const answers = readFileSync(join(this.folder, '.answers'), 'utf8');
    assert.doesNotMatch(answers, /urn:ringfence:problem/, text);
    return answers
      .split('\n')
      .filter((line) => line.startsWith('{"') && line.endsWith('}'))
      .map((line) => JSON.parse(line));
  }

  end() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

describe('the documents', () => {
  let worker;
  let shell;
  let api;
  let tenant;
  let url;
  before(async () => {
    worker = await Ringfence.start();
    api = new Api(worker);
    shell = new Shell(worker);
  });
  after(async () => {
    shell?.end();
    await worker?.stop();
  });

  it('lead to the first phone', async () => {
    const [block] = blocks('docs/first-phone.md');
    const [first, ...rest] = block.split('\n');
    const [{ id }] = shell.run(first);
    tenant = id;
    const answers = shell.run(rest.join('\n'), [['<id>', id]]);
    shell.done.add(block);
    ({ url } = answers.find((answer) => answer.url));
    assert.equal(answers.at(-1).kind, 'standard');
    shell.before = `T=/tenants/${id}`;
    assert.equal((await fetch(new URL('Config0080F0C571EB.cfg', url))).status, 200, 'a phone gets its bootstrap');
  });

  it('tell a phone', async () => {
    const [edge, relay, destinations, notify, restart] = [
      '"sender":"edge"',
      '/pools/default/relays',
      '$T/destinations',
      'POST $T/rollouts',
      '"restart":true',
    ].map((words) => block('docs/notify.md', words));
    const [pool, credentials] = shell.run(edge, [['…', 'of the proxy']]);
    assert.deepEqual([pool.options.sender, credentials.username], ['edge', 'ringfence']);
    // Nobody is there: the rest is about relays.
    await api.put('/pools/default', { name: 'default', options: {} });
    assert.match(shell.run(relay)[0].credential, /^rfr_/);
    shell.run(destinations);
    const aor = '{"NOTIFY_AOR":"sip:101@pbx.example"}';
    const [first, second, ...rest] = notify.split('\n');
    await api.put(`/tenants/${tenant}/settings`, { settings: JSON.parse(aor) });
    assert.equal(shell.run(first)[0].job.state, 'queued');
    assert.equal(shell.run(second, [['{…}', aor]])[0].settings.NOTIFY_AOR, 'sip:101@pbx.example');
    const [rollout] = shell.run(rest.slice(0, 2).join('\n'));
    const [shown] = shell.run(rest.slice(2).join('\n'), [['<id>', rollout.id]]);
    assert.equal(shown.id, rollout.id);
    shell.done.add(notify);
    await api.put(`/tenants/${tenant}/devices/000413A11FA7`, { model: 'snomD345' });
    assert.equal(shell.run(restart)[0].job.event, 'check-sync;reboot=true');
  });

  it('adopt a phone that nobody entered', async () => {
    for (const mac of ['0080F0C8C381', '0080F0C8C382']) {
      const agent = { 'user-agent': `Panasonic_KX-UT113/01.133 (${mac.toLowerCase()})` };
      assert.equal((await fetch(new URL(`Config${mac}.cfg`, url), { headers: agent })).status, 404);
    }
    const unknown = async () => (await api.get(`/tenants/${tenant}/unknown`)).items;
    await eventually(unknown, (items) => items.length === 2);
    const { id } = await api.post(`/tenants/${tenant}/sites`, { name: 'Front' });
    const [listed, adopted] = shell.run(block('docs/operations.md', '/adopt'), [['<id>', id]]);
    assert.equal(listed.items.length, 2);
    assert.deepEqual([adopted.model, adopted.site], ['KX-UT113', id]);
    assert.deepEqual(await unknown(), []);
  });

  it('change many devices at once', async () => {
    const { id } = await api.post(`/tenants/${tenant}/sites`, { name: 'Back' });
    await api.put(`/tenants/${tenant}/devices/0080F0C57200`, { model: 'KX-UTG300B' });
    const { model } = await api.get(`/tenants/${tenant}/devices/0080F0C571EB`);
    await api.put(`/tenants/${tenant}/devices/0080F0C571EB`, { model, site: id });
    await eventually(
      async () => (await api.get(`/tenants/${tenant}/devices?site=${id}&stale=true`)).items,
      (items) => items.length === 1,
    );
    const many = block('docs/operations.md', '/operations?dry_run=true');
    // What is over by then cannot be cancelled.
    const [tried, , shown, refused] = shell.run(many.replace(/^.*\/cancel.*$/m, ''), [['<id>', id]]);
    assert.deepEqual([tried.operation, tried.devices], [null, 1], JSON.stringify(tried));
    assert.equal(shown.selection.macs, 2);
    assert.deepEqual(refused.items, []);
    shell.done.add(many);
  });

  it('bring many devices in as one change, and out as a table', async () => {
    const [tried] = shell.run(block('docs/import.md', '/device-batch'));
    assert.deepEqual(
      tried.items.map((item) => item.outcome),
      ['changed'],
      JSON.stringify(tried),
    );
    shell.run(block('docs/import.md', '/devices.csv'));
    const table = readFileSync(join(shell.folder, 'devices.csv'), 'utf8');
    assert.match(table, /^mac,model,/);
    assert.match(table, /^00:80:F0:C5:72:00,KX-UTG300B,/m);
  });

  it('have somebody told of what needs a person', async () => {
    const [made, sent] = block('docs/webhooks.md', '/webhooks').split(/\n(?=api POST \$T\/webhooks\/<id>)/);
    const [{ id, secret }] = shell.run(made);
    assert.match(secret, /^whsec_/);
    const [message] = shell.run(sent, [['<id>', id]]);
    assert.ok(message, 'the message that is to be sent');
    shell.done.add(block('docs/webhooks.md', '/webhooks'));
    await api.delete(`/tenants/${tenant}/webhooks/${id}`);
  });

  it('explain what a phone heard', async () => {
    const events = (await api.get(`/tenants/${tenant}/events?outcome=refused`)).items;
    const path = new URL(url).pathname.replaceAll('/', '');
    const filled = [
      ['https://phones.example/', new URL('/', url).href],
      ['<access-path>', path],
      ['<id>', events[0].request_id],
    ];
    const [first, second, then, byMac] = shell.run(block('docs/troubleshooting.md', '/explain'), filled);
    for (const { verdict, asked } of [first, second, byMac]) {
      assert.ok(verdict.reason, JSON.stringify(verdict));
      assert.match(asked.path, /^Config0080F0C571EB/);
    }
    assert.equal(then.asked.from, 'request_id');
  });

  it('open a sealed file of every vendor that seals by openssl', () => {
    const key = '12341234abcdabcd12341234abcdabcd';
    const short = key.slice(0, 16);
    const iv = '101112131415161718191a1b1c1d1e1f';
    const salt = Buffer.from('0001020304050607', 'hex');
    const plain = `# of a phone\n${'P1 = 201\n'.repeat(40)}`;
    /** Has a command open what the crate has sealed; `filled` is what a reader puts in. */
    const opens = (command, file, sealed, filled) => {
      writeFileSync(join(shell.folder, file), sealed);
      // openssl warns of how it derives the key, which is how the phones do.
      shell.run(command, [['openssl enc', 'openssl 2>.warned enc'], ...filled]);
      assert.equal(shell.said.trimEnd(), plain.trimEnd(), command);
    };
    const salted = (profile) => sealAsTheCrate(plain, key, profile, salt);
    const ecb = sealAsTheCrate(plain, short, 'yealink-ecb-128');
    const fixed = sealAsTheCrate(plain, key, 'obi-128', undefined, iv);
    for (const [name, file, sealed, there, meant] of [
      ['docs/first-phone.md', 'Config0080F0C571EB.enc', salted('utg-128'), "<the device's key>", key],
      ['docs/phones/cisco.md', '000e08aabbcc.enc', salted('spa-256'), "<the device's key>", key],
      ['docs/phones/grandstream.md', 'cfg000b82123456.xml', salted('gxp-256'), "<the device's key>", key],
      ['docs/phones/yealink.md', '001565abcdef.cfg', ecb, '<the key>', short],
    ]) {
      opens(block(name, file), file, sealed, [[there, meant]]);
    }
    const formats = block('docs/formats.md', 'openssl enc');
    const [first, second, third] = formats.split('\n');
    const file = ['FILE', 'sealed'];
    for (const profile of ['gxp-256', 'spa-256']) opens(first, 'sealed', salted(profile), [file, ['<key>', key]]);
    opens(second, 'sealed', ecb, [file, ['<key>', short]]);
    opens(third, 'sealed', fixed, [file, ['<key>', key], ['<IV>', iv]]);
    shell.done.add(formats);
  });

  it('go back to what settings were, and hold files to tests', async () => {
    for (const server of ['one', 'two', 'three']) {
      await api.put(`/tenants/${tenant}/settings`, { settings: { ntp_server: `${server}.example` } });
    }
    const history = block('docs/history.md', '/rollback/settings');
    const listed = (await api.get(`/tenants/${tenant}/history/settings`)).items;
    const [, shown, difference] = shell.run(history);
    assert.equal(shown.items.length, listed.length + 1);
    assert.ok(difference, JSON.stringify(difference));
    const [tried] = shell.run(block('docs/history.md', '?dry_run=true'));
    assert.equal(typeof tried.changed, 'number');
    const [has] = shell.run(block('docs/history.md', '/diff\n'));
    assert.ok(['kept', 'history', 'unknown'].includes(has.source));
    const { id } = await api.post(`/tenants/${tenant}/sites`, { name: 'Reception' });
    const [test, ran] = shell.run(block('docs/history.md', '/file-tests'), [['<id>', id]]);
    assert.equal(test.parameter, 'SIP_RGSTR_ADDR_1');
    assert.ok(ran, JSON.stringify(ran));
    await api.delete(`/tenants/${tenant}/file-tests/${test.id}`);
  });

  it('replace an access path', async () => {
    const [old] = (await api.get(`/tenants/${tenant}/access-paths`)).items;
    const [made, progress] = shell.run(block('docs/operations.md', '<old>'), [['<old>', old.id]]);
    assert.ok(made.target_since > 0 && made.url);
    const devices = (await api.get(`/tenants/${tenant}/devices`)).items.length;
    assert.deepEqual([progress.moved, progress.not_moved], [0, devices]);
    const left = (await api.get(`/tenants/${tenant}/access-paths`)).items;
    assert.deepEqual(
      left.map((path) => path.id),
      [made.id],
    );
  });

  it('move a phone', async () => {
    const { id } = await api.post('/tenants', { name: 'Another' });
    const [moved] = shell.run(block('docs/operations.md', '/move '), [['<id>', id]]);
    assert.equal(moved.tenant, id);
  });

  it('export the audit log, and prove the export', () => {
    const keep = block('docs/operations.md', '/audit/export');
    const prove = block('docs/operations.md', 'broken at');
    // All of it, though it is not old enough to be cut.
    shell.run(keep.replace('90*86400', '-86400').replace(/^api POST \/audit\/cut.*$/m, ''));
    const exported = readFileSync(join(shell.folder, 'audit.ndjson'), 'utf8').trim().split('\n');
    assert.ok(exported.length > 5);
    assert.match(exported.at(-1), /"complete":true/);
    shell.run(prove, [], { file: 'audit.ndjson' });
    assert.equal(shell.said, '');
    // A line that was changed is found.
    writeFileSync(join(shell.folder, 'changed'), exported.join('\n').replace('"Another"', '"Nobody"').concat('\n'));
    shell.run(prove, [], { file: 'changed' });
    assert.match(shell.said, /^broken at /);
    shell.done.add(keep);
  });

  it('rotate the master key', async () => {
    const rotate = block('docs/operations.md', 'MASTER_KEY_PREVIOUS');
    const lines = rotate.split('\n');
    const at = lines.findIndex((line) => line.startsWith('wrangler secret bulk'));
    const { MASTER_KEY } = worker.options.secrets;
    shell.run(lines.slice(0, at).join('\n'), [], { OLD: MASTER_KEY });
    const secrets = JSON.parse(readFileSync(join(shell.folder, 'secrets.json'), 'utf8'));
    assert.equal(secrets.MASTER_KEY_PREVIOUS, MASTER_KEY);
    assert.notEqual(secrets.MASTER_KEY.split(':')[0], newMasterKey('x').split(':')[0]);
    await worker.restart({ secrets });
    const answers = shell.run(lines.slice(at).join('\n'));
    assert.deepEqual([answers.at(-1).remaining, answers.at(-1).unreadable], [0, 0]);
    shell.done.add(rotate);
  });

  it('take a restored database into use', () => {
    assert.equal(shell.run(block('docs/operations.md', '/restored')).at(-1).behind, false);
  });

  it('hold no other block that could be run here', () => {
    // The first day is one session of its own: first-day.test.mjs.
    for (const name of [...DOCUMENTS, ...PHONES].filter((name) => name !== 'docs/first-day.md')) {
      for (const block of blocks(name)) {
        const here = block.split('\n').filter((line) => line.trim() && !line.startsWith(' ') && !ELSEWHERE.test(line));
        assert.ok(shell.done.has(block) || here.length === 0, `${name}: nobody runs\n${here.join('\n')}`);
      }
    }
  });

  it('name calls of the API that there are', () => {
    const { paths } = JSON.parse(read('crates/api/openapi.json'));
    const patterns = Object.keys(paths).map((path) => ({
      path,
      pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`),
    }));
    let count = 0;
    for (const name of [...DOCUMENTS, ...PHONES]) {
      for (const { 1: method, 2: called } of read(name).matchAll(/\b(GET|POST|PUT|DELETE) +"?((?:\$T)?\/[^\s`'")?]*)(?=[\s`'")?])/g)) {
        if (/^\/(relay\/v1|\{)/.test(called)) continue;
        const path = called.replace('$T', '/tenants/{tenant}').replace(/^(?!\/(?:api\/v1|healthz|metrics))/, '/api/v1');
        const found = patterns.filter(({ pattern }) => pattern.test(path));
        assert.ok(found.length > 0, `${name}: there is no ${called}`);
        assert.ok(
          found.some((one) => paths[one.path][method.toLowerCase()]),
          `${name}: ${called} takes no ${method}`,
        );
        count += 1;
      }
    }
    assert.ok(count > 30, `${count} calls were found in the documents`);
  });
});

/** What a program says of itself with these arguments. */
const helped = new Map();
function help(program, ...args) {
  const called = [program, ...args].join(' ');
  if (!helped.has(called)) {
    const { stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: 30_000 });
    assert.ifError(error);
    helped.set(called, stdout + stderr);
  }
  return helped.get(called);
}
const commandLine = (...words) => help(CLI, ...words, '--help');
/** What the npm package says of itself, from its source: the program wants a newer Node.js than the tests do. */
const npmPackage = () => read('npm/lib/main.mjs').match(/^const HELP = `([\s\S]*?[^\\])`;$/m)[1];

/** The commands that a help lists. */
const commands = (text) =>
  [...(text.match(/^Commands:\n((?: {2,}.*\n)+)/m)?.[1] ?? '').matchAll(/^ {2}([a-z][\w-]*)/gm)].map(([, name]) => name);

/** What the npm package does: the command line hands it over. */
const HANDED_OVER = ['deploy', 'dev', 'destroy'];

/** What is wrong with a line that begins with `ringfence` or `npx ringfence`: a verb or an option that the program does not have. */
function wrongIn(line) {
  const words = line.split(/\s+/);
  if (words[0] === 'npx') words.shift();
  const [, ...said] = words;
  const places = said.filter((word) => !word.startsWith('-'));
  const options = said.flatMap((word) => word.match(/^--?[a-z][\w-]*/)?.[0] ?? []);
  let [name] = places;
  let text = commandLine();
  if (name === 'help') return places.length > 1 ? wrongIn(['ringfence', ...places.slice(1)].join(' ')) : undefined;
  if (HANDED_OVER.includes(name)) {
    text = npmPackage();
    if (!new RegExp(`\\b${name}\\b`).test(text)) return `there is no npx ringfence ${name}`;
  } else if (name !== undefined) {
    if (!commands(text).includes(name)) return `there is no ringfence ${name}`;
    text = commandLine(name);
    // A noun, whose verb follows; alone it is asked what verbs it has.
    if (commands(text).length > 0 && places.length > 1) {
      if (!commands(text).includes(places[1])) return `there is no ringfence ${name} ${places[1]}`;
      name = `${name} ${places[1]}`;
      text = commandLine(...name.split(' '));
    }
  }
  const lacks = options.find((option) => !new RegExp(`(?<![\\w-])${option}(?![\\w-])`).test(text));
  return lacks && `ringfence ${name ?? ''} takes no ${lacks}`;
}

/** The command lines of a text: in its blocks and between backticks, without comments and what they are joined with. */
function commandLines(text) {
  const blocks = [...text.matchAll(/^ *```\w*\n([\s\S]*?)^ *```$/gm)].flatMap(({ 1: block }) =>
    block.replaceAll(/\\\n\s*/g, '').split('\n'),
  );
  const spans = [...text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '').matchAll(/`([^`\n]+)`/g)].map(({ 1: span }) => span);
  return [...blocks, ...spans]
    .map((line) => line.replaceAll(/'[^']*'|"[^"]*"/g, 'TEXT').replace(/(^|\s)#.*$/, ''))
    .flatMap((line) => line.split(/\||&&|;|\$\(|\s[0-9]?[<>]|&\s*$/))
    .map((part) => part.replace(/^(\s*\w+=\S*)*\s+|^\s+/, '').trim())
    .filter((part) => /^(?:npx )?ringfence(?: |$)/.test(part));
}

describe('the command line in the documents', () => {
  it('has every verb and every option that they name', () => {
    const readmes = readdirSync(join(ROOT, 'crates')).map((name) => `crates/${name}/README.md`);
    const documents = [...DOCUMENTS, ...PHONES, 'CONTRIBUTING.md', 'ARCHITECTURE.md', 'npm/README.md', ...readmes];
    const lines = documents.flatMap((name) => commandLines(read(name)).map((line) => ({ name, line })));
    const wrong = lines.map(({ name, line }) => ({ name, line, why: wrongIn(line) })).filter(({ why }) => why);
    assert.deepEqual(wrong, []);
    assert.ok(lines.length > 40, `${lines.length} command lines were found in the documents`);
  });

  it('is found lacking where a verb or an option has another name', () => {
    const found = (text) => commandLines(text).map(wrongIn);
    assert.deepEqual(found('```sh\nringfence devices list --stale   # those --without\n```\n'), [undefined]);
    assert.deepEqual(found('```sh\nURL=1 ringfence devices liszt\n```\n'), ['there is no ringfence devices liszt']);
    assert.deepEqual(found('Type `ringfence devises list`.'), ['there is no ringfence devises']);
    assert.deepEqual(found('`ringfence help devices liszt`'), ['there is no ringfence devices liszt']);
    assert.deepEqual(found('```sh\na && ringfence import FILE \\\n  --wrote\n```\n'), ['ringfence import takes no --wrote']);
    assert.deepEqual(found('`npx ringfence deploy --dry-runs`'), ['ringfence deploy takes no --dry-runs']);
  });
});
