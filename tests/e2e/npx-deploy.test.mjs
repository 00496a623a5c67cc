// `npx ringfence deploy` from the packed npm package, in an empty folder and without a compiler, on an account that stands in
// for Cloudflare's (tests/support/cloud), with the real wrangler in between and the real Worker behind its address.

import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { countersOf } from '../../npm/lib/counters.mjs';
import { Cloudflare } from '../support/cloud/cloudflare.mjs';
import { FIRST, withAnAccount } from '../support/cloud/user.mjs';
import { ROOT, wranglerConfig } from '../support/config.mjs';
import { secretOf } from '../support/worker/api.mjs';

const KEY = /k\d{8}:[A-Za-z0-9+/]{43}=/;
const WRITES = /^(POST|PUT|PATCH|DELETE) /;
/** The Worker that is built. */
const BUILT = join(ROOT, 'build');

describe('npx ringfence deploys', () => {
  const user = withAnAccount({ light: true });

  it('nothing where it could show new secrets to a log alone', async () => {
    const { status, output } = await user.run(['deploy']);
    assert.equal(status, 1);
    assert.match(output, /say --secrets-file with a new file/);
    assert.deepEqual(user.cloud.called(WRITES), []);
  });

  it('an installation with one command, and upgrades it with the same one', async () => {
    user.behind({ fresh: true });
    const { status, output } = await user.whole(() => user.signedIn((env) => user.run(FIRST, { npx: true, env })));
    assert.equal(status, 0, output);
    assert.equal(statSync(user.file('secrets.txt')).mode & 0o777, 0o600);
    const secrets = user.saved();
    assert.match(secrets.MASTER_KEY, KEY);
    for (const name of ['MASTER_KEY', 'ADMIN_TOKEN']) {
      assert.equal(user.cloud.secret('ringfence', name), secrets[name]);
      assert.ok(!output.includes(secrets[name]), name);
    }
    assert.match(output, /answers at https:\/\/ringfence\.example\.workers\.dev/);
    assert.match(output, /console {3}https:\/\/ringfence\.example\.workers\.dev\/console\n/);
    assert.doesNotMatch(output, /#code=/, 'a link that signs in is shown to nobody but a person');
    assert.deepEqual(
      [user.cloud.databases.map(({ name }) => name), user.cloud.namespaces.map(({ title }) => title)],
      [['ringfence'], ['ringfence-files']],
    );
    const made = user.cloud.scripts.get('ringfence');
    assert.deepEqual(made.limits, { cpu_ms: 10_000 });
    const size = (name) => statSync(join(BUILT, name)).size;
    assert.deepEqual(made.bytes, { 'index.js': size('index.js'), 'index_bg.wasm': size('index_bg.wasm') });
    assert.equal(made.subdomain.enabled, true);
    assert.deepEqual(made.schedules, [{ cron: '*/5 * * * *' }]);
    // Whoever has this name keeps the numbers of wrangler.toml.
    assert.deepEqual(user.counters('ringfence'), {
      GUESSES: ['1709', 100],
      TOKEN_READS: ['1710', 600],
      TOKEN_WRITES: ['1711', 240],
      TOKEN_CHECKS: ['1712', 60],
      TOKEN_ALL_TENANTS: ['1713', 6000],
    });
    assert.ok(Object.keys(user.cloud.manifest).some((name) => /^\/console\/assets\/console\.\w+\.css$/.test(name)));
    // The Worker is the real one, with those secrets and a database that was empty.
    const asked = await user.worker.fetch('/api/v1/tenants', { headers: { authorization: `Bearer ${secrets.ADMIN_TOKEN}` } });
    assert.equal(asked.status, 200);

    const upgraded = await user.run(['deploy']);
    assert.equal(upgraded.status, 0, upgraded.output);
    assert.match(upgraded.output, /its secrets and data stay/);
    for (const name of ['MASTER_KEY', 'ADMIN_TOKEN']) assert.equal(user.cloud.secret('ringfence', name), secrets[name]);
    assert.deepEqual([user.cloud.databases.length, user.cloud.namespaces.length], [1, 1]);
    assert.equal(user.cloud.scripts.get('ringfence').versions.length, 2);
    assert.deepEqual(readdirSync(user.folder), ['secrets.txt'], 'nothing else is left in the folder');
  });

  it('shows secrets on a terminal, once, with a link that signs in to the console, once', async () => {
    user.behind({ fresh: true });
    const { status, output } = await user.run(['deploy'], { terminal: true });
    assert.equal(status, 0, output);
    for (const name of ['MASTER_KEY', 'ADMIN_TOKEN']) assert.ok(output.includes(user.cloud.secret('ringfence', name)), name);
    const [, code] = /https:\/\/ringfence\.example\.workers\.dev\/console\/sign-in#code=(rfc_\S+)/.exec(output);
    const open = () =>
      user.worker.fetch('/console/sign-in/code', {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', origin: new URL(user.worker.http).origin },
        body: new URLSearchParams({ code }),
      });
    assert.deepEqual([(await open()).status, (await open()).status], [303, 401]);
    assert.ok(!user.worker.log.includes(secretOf(code)));
    const again = await user.run(['deploy'], { terminal: true });
    assert.equal(again.status, 0, again.output);
    for (const name of ['MASTER_KEY', 'ADMIN_TOKEN']) assert.ok(!again.output.includes(user.cloud.secret('ringfence', name)), name);
  });

  it('without a limit of its own on the free plan, and says so to whoever wants one', async () => {
    user.behind();
    user.cloud.isFree = true;
    const { status, output } = await user.run(FIRST);
    assert.equal(status, 0, output);
    assert.match(output, /free plan/);
    assert.equal(user.cloud.scripts.get('ringfence').limits, undefined);
    assert.deepEqual([user.cloud.databases.length, user.cloud.namespaces.length], [1, 1], 'what the first attempt made is used');
    user.choose('cpu_ms = 300\n');
    assert.match((await user.run(['deploy'])).output, /remove cpu_ms from ringfence\.toml/);
  });

  it('under the name, the domain and the jurisdiction that were chosen', async () => {
    user.behind();
    const { status, output } = await user.run([...FIRST, '--name', 'phones', '--jurisdiction', 'eu', '--domain', 'phones.example']);
    assert.equal(status, 0, output);
    // They are kept, so that the same command without them is an upgrade; a file of the user's is left as it is.
    assert.match(output, /What you have chosen is in ringfence\.toml/);
    const kept = readFileSync(user.file('ringfence.toml'), 'utf8');
    // They follow from the name.
    const counted = {
      GUESSES: ['306589824', 100],
      TOKEN_READS: ['306589825', 600],
      TOKEN_WRITES: ['306589826', 240],
      TOKEN_CHECKS: ['306589827', 60],
      TOKEN_ALL_TENANTS: ['306589828', 6000],
    };
    assert.deepEqual(user.counters('phones'), counted);
    const upgraded = await user.run(['deploy']);
    assert.equal(upgraded.status, 0, upgraded.output);
    assert.match(upgraded.output, /A Worker called phones is there/);
    assert.deepEqual(user.counters('phones'), counted);
    assert.match((await user.run(['deploy', '--domain', 'phones.example'])).output, /ringfence\.toml is there, and is left as it is/);
    assert.equal(readFileSync(user.file('ringfence.toml'), 'utf8'), kept);
    assert.match(output, /console {3}https:\/\/phones\.example\/console/);
    assert.deepEqual(
      user.cloud.databases.map(({ name, jurisdiction }) => [name, jurisdiction]),
      [['phones', 'eu']],
    );
    assert.equal(user.cloud.namespaces[0].title, 'phones-files');
    assert.equal(user.cloud.domains.get('phones.example'), 'phones');
    assert.equal(user.cloud.scripts.get('phones').subdomain.enabled, false);
    // A hostname that leads to something else is not taken from it unasked.
    user.cloud.domains.set('phones.example', 'shop');
    const refused = await user.run(['deploy', '--domain', 'phones.example']);
    assert.equal(refused.status, 1);
    assert.match(refused.output, /phones\.example leads to the Worker shop\. Choose another --domain, or say --take-domain/);
    assert.equal((await user.run(['deploy', '--domain', 'phones.example', '--take-domain'])).status, 0);
    assert.equal(user.cloud.domains.get('phones.example'), 'phones');
  });

  it('not over another Worker, nor over a database that new secrets could not read', async () => {
    const other = { bindings: [{ type: 'kv_namespace', name: 'SHOP' }], versions: ['v'], tag: 't', subdomain: {} };
    user.cloud.scripts.set('ringfence', other);
    const taken = await user.run(FIRST);
    assert.equal(taken.status, 1);
    assert.match(
      taken.output,
      /a Worker called ringfence is there, and it is not Ringfence\. It is left alone\. Choose another name: --name/,
    );
    user.cloud.scripts.clear();

    user.cloud.databases.push({ uuid: '11111111-2222-4333-8444-555555555555', name: 'ringfence', num_tables: 40 });
    const data = await user.run(FIRST);
    assert.equal(data.status, 1);
    assert.match(data.output, /a database called ringfence with data in it\. A new MASTER_KEY could not read it/);
    assert.deepEqual(user.cloud.called(WRITES), []);
    assert.ok(!existsSync(user.file('secrets.txt')), 'no secrets are made for it');

    // With the secrets of before it comes back.
    user.behind({ fresh: true });
    const kept = { MASTER_KEY: `k1:${Buffer.alloc(32, 7).toString('base64')}`, ADMIN_TOKEN: 'a'.repeat(48) };
    writeFileSync(user.file('secrets.txt'), `MASTER_KEY=${kept.MASTER_KEY}\nADMIN_TOKEN=${kept.ADMIN_TOKEN}\n`, { mode: 0o600 });
    const back = await user.run(FIRST);
    assert.equal(back.status, 0, back.output);
    assert.equal(user.cloud.secret('ringfence', 'MASTER_KEY'), kept.MASTER_KEY);
    assert.deepEqual(
      [user.cloud.databases.length, user.cloud.scripts.get('ringfence').bindings.find(({ name }) => name === 'DB').id],
      [1, user.cloud.databases[0].uuid],
    );
    // And a Worker whose key somebody has removed gets no new one.
    user.cloud.scripts.get('ringfence').bindings = user.cloud.scripts.get('ringfence').bindings.filter(({ name }) => name !== 'MASTER_KEY');
    const lost = await user.run(['deploy', '--secrets-file', 'others.txt']);
    assert.equal(lost.status, 1);
    assert.match(lost.output, /has no MASTER_KEY[\s\S]*npx wrangler secret put MASTER_KEY/);
  });

  it('after an upload that failed half way: what it made is found by its name, and used', async () => {
    user.behind({ fresh: true });
    const made = () => [user.cloud.databases.map(({ uuid }) => uuid), user.cloud.namespaces.map(({ id }) => id)];
    let refusals = 0;
    user.cloud.faults.push((method, path) => {
      if (!/^(PUT|POST) \/workers\/scripts\/[^/]+(\/versions)?$/.test(`${method} ${path}`) || refusals >= 2) return undefined;
      refusals += 1;
      return [400, 10_021, 'Script startup exceeded CPU time limit.'];
    });
    const broken = await user.run(FIRST);
    assert.equal(broken.status, 1, broken.output);
    assert.match(broken.output, /It is not deployed\. wrangler says:[\s\S]*code: 10021/);
    assert.equal(user.cloud.scripts.size, 0);
    const [databases, namespaces] = made();
    assert.deepEqual([databases.length, namespaces.length], [1, 1], 'wrangler makes them before it uploads');
    const handed = user.saved();

    // A list need not have yet what was made a moment ago: then the name is taken, by something that is in no list.
    user.cloud.staleLooks = { namespaces: 1, databases: 0 };
    const again = await user.run(FIRST);
    assert.equal(again.status, 1, again.output);
    assert.match(again.output, /Going on with the KV namespace ringfence-files, which is there already/);
    assert.match(again.output, /code: 10021/);
    assert.deepEqual(made(), [databases, namespaces]);

    // And on the free plan, where the first attempt of each run fails.
    user.cloud.isFree = true;
    user.cloud.staleLooks = { namespaces: 2, databases: 2 };
    const { status, output } = await user.run(FIRST);
    assert.equal(status, 0, output);
    assert.match(output, /Going on with the KV namespace ringfence-files/);
    assert.match(output, /Going on with the database ringfence, which is there already/);
    assert.match(output, /free plan/);
    assert.deepEqual(made(), [databases, namespaces]);
    const bound = (name) => user.cloud.scripts.get('ringfence').bindings.find((binding) => binding.name === name);
    assert.deepEqual([bound('DB').id, bound('FILES').namespace_id], [databases[0], namespaces[0]]);
    assert.deepEqual(user.saved(), handed);
    for (const name of ['MASTER_KEY', 'ADMIN_TOKEN']) assert.equal(user.cloud.secret('ringfence', name), handed[name]);
    assert.deepEqual(user.cloud.called(/^DELETE/), []);

    // An upgrade that fails leaves what serves phones, and the next one finds it.
    refusals = 0;
    const before = user.cloud.scripts.get('ringfence');
    assert.equal((await user.run(['deploy'])).status, 1);
    assert.equal(user.cloud.scripts.get('ringfence'), before);
    refusals = 2;
    const upgraded = await user.run(['deploy']);
    assert.equal(upgraded.status, 0, upgraded.output);
    assert.deepEqual(made(), [databases, namespaces]);
    assert.deepEqual([bound('DB').id, bound('FILES').namespace_id], [databases[0], namespaces[0]]);
  });

  it('with a database and a namespace that are there under its names, and with what they hold', async () => {
    user.behind({ fresh: true });
    const database = { uuid: '11111111-2222-4333-8444-555555555555', name: 'phones', num_tables: 40 };
    const namespace = { id: 'e'.repeat(32), title: 'phones-files' };
    // Those of others are neither taken nor removed.
    user.cloud.databases.push({ uuid: '99999999-2222-4333-8444-555555555555', name: 'ringfence', num_tables: 40 }, database);
    user.cloud.namespaces.push({ id: 'd'.repeat(32), title: 'ringfence-files' }, namespace);
    const others = [user.cloud.databases[0], user.cloud.namespaces[0]];
    // No new secrets for data that is there, also where the account has shown it too late.
    for (const staleLooks of [
      { namespaces: 0, databases: 0 },
      { namespaces: 1, databases: 2 },
    ]) {
      user.cloud.staleLooks = staleLooks;
      const refused = await user.run(['deploy', '--name', 'phones', '--secrets-file', `new-${staleLooks.databases}.txt`]);
      assert.equal(refused.status, 1, refused.output);
      assert.match(refused.output, /a database called phones with data in it\. A new MASTER_KEY could not read it/);
      assert.equal(user.cloud.scripts.size, 0);
    }
    const kept = { MASTER_KEY: `k1:${Buffer.alloc(32, 7).toString('base64')}`, ADMIN_TOKEN: 'a'.repeat(48) };
    writeFileSync(user.file('secrets.txt'), `MASTER_KEY=${kept.MASTER_KEY}\nADMIN_TOKEN=${kept.ADMIN_TOKEN}\n`, { mode: 0o600 });
    user.cloud.staleLooks = { namespaces: 1, databases: 2 };
    const { status, output } = await user.run([...FIRST, '--name', 'phones']);
    assert.equal(status, 0, output);
    const bound = (name) => user.cloud.scripts.get('phones').bindings.find((binding) => binding.name === name);
    assert.deepEqual([bound('DB').id, bound('FILES').namespace_id], [database.uuid, namespace.id]);
    assert.deepEqual(
      [user.cloud.databases, user.cloud.namespaces],
      [
        [others[0], database],
        [others[1], namespace],
      ],
    );
    assert.deepEqual(user.cloud.called(/^DELETE/), []);
  });

  it('each installation of an account with counters of its own, so that none uses up what another may do', () => {
    const names = ['ringfence', 'a', 'phones-2', 'p'.repeat(54), ...Array.from({ length: 1000 }, (_, number) => `site-${number}`)];
    const numbers = names.flatMap((name) => countersOf(name, wranglerConfig().ratelimits).map((limit) => Number(limit.namespace_id)));
    assert.equal(new Set(numbers).size, names.length * 5);
    for (const number of numbers) assert.ok(Number.isInteger(number) && number > 0 && number < 2 ** 31, String(number));
  });

  it('into no file that is not its own', async () => {
    for (const [content, mode, expected] of [
      ['my notes\n', 0o600, /is not a file of secrets that this command wrote/],
      [`MASTER_KEY=k1:${'A'.repeat(43)}=\n`, 0o600, /has no ADMIN_TOKEN: it was not written to its end/],
      [`MASTER_KEY=k1:${'A'.repeat(43)}=\n`, 0o644, /can be read by others/],
    ]) {
      writeFileSync(user.file('secrets.txt'), content);
      chmodSync(user.file('secrets.txt'), mode);
      const { status, output } = await user.run(FIRST);
      assert.equal(status, 1);
      assert.match(output, expected);
      assert.equal(readFileSync(user.file('secrets.txt'), 'utf8'), content);
    }
    rmSync(user.file('secrets.txt'));
    mkdirSync(user.file('secrets.txt'));
    assert.match((await user.run(FIRST)).output, /is no file/);
    assert.deepEqual(user.cloud.calls, []);
  });

  it('only for who may, and says what to do for who may not', async () => {
    for (const [what, env, fault, expected] of [
      ['nobody', { CLOUDFLARE_API_TOKEN: '' }, undefined, /nobody is signed in[\s\S]*npx wrangler login[\s\S]*D1 \(edit\)/],
      [
        'a wrong token',
        { CLOUDFLARE_API_TOKEN: 'x'.repeat(40) },
        undefined,
        /The sign-in is not valid\. Put a token that is valid into CLOUDFLARE_API_TOKEN/,
      ],
      ['a torn token', { CLOUDFLARE_API_TOKEN: `${'x'.repeat(20)}\nyy` }, undefined, /CLOUDFLARE_API_TOKEN is no token/],
      ['no right to D1', {}, [/^POST \/d1/, 403, 10000, 'Authentication error'], /It is not deployed[\s\S]*code: 10000[\s\S]*D1 \(edit\)/],
      [
        'no right to KV',
        {},
        [/^GET \/storage/, 403, 10000, 'Authentication error'],
        /This sign-in may not do that[\s\S]*Workers KV Storage \(edit\)/,
      ],
      ['no right to Workers', {}, [/^PUT \/workers/, 403, 10000, 'Authentication error'], /Workers Scripts \(edit\)/],
      ['too many databases', {}, [/^POST \/d1/, 400, 7406, 'limit reached'], /as many D1 databases as its plan allows/],
      ['no workers.dev', {}, [/^GET \/workers\/subdomain/, 404, 10007, 'not found'], /has no workers\.dev name yet/],
    ]) {
      user.cloud.faults = fault ? [async (method, path) => fault[0].test(`${method} ${path}`) && fault.slice(1)] : [];
      // What a run before has made no longer exists.
      user.cloud.databases.length = 0;
      user.cloud.namespaces.length = 0;
      rmSync(user.file('secrets.txt'), { force: true });
      const { status, output } = await user.run([...FIRST, '--wait', '5'], { env });
      assert.equal(status, 1, `${what}\n${output}`);
      assert.match(output, expected, what);
      assert.ok(!output.includes('x'.repeat(20)), what);
      assert.equal(user.cloud.scripts.size, 0, what);
      if (existsSync(user.file('secrets.txt'))) for (const secret of Object.values(user.saved())) assert.ok(!output.includes(secret), what);
    }
  });

  it('on, when it was killed between any two steps: no secret is lost or silently replaced', async () => {
    for (const [when, at] of [
      ['faults', /^GET \/workers\/scripts\/ringfence\/settings$/],
      ['afterwards', /^POST \/storage\/kv\/namespaces$/],
      ['afterwards', /^POST \/d1\/database$/],
      ['faults', /^PUT \/workers\/scripts\/ringfence$/],
      ['afterwards', /^PUT \/workers\/scripts\/ringfence$/],
      ['faults', /^POST \/workers\/scripts\/ringfence\/subdomain$/],
    ]) {
      await user.cloud.stop();
      user.cloud = await Cloudflare.start();
      rmSync(user.file('secrets.txt'), { force: true });
      const state = user.npx.start(['node', join(user.npx.folder, 'node_modules/.bin/ringfence'), ...FIRST], {
        cwd: user.folder,
        env: user.cloud.environment,
      });
      let struck = false;
      user.cloud[when].push(async (method, path) => {
        if (struck || !at.test(`${method} ${path}`)) return undefined;
        struck = true;
        state.signal('SIGKILL');
        // The answer is for nobody.
        await state.end;
        return undefined;
      });
      await state.end;
      const what = `${when} ${at}`;
      assert.ok(struck, `${what}\n${state.output}`);
      const set = user.cloud.secret('ringfence', 'MASTER_KEY');
      const handed = existsSync(user.file('secrets.txt')) ? user.saved() : undefined;
      if (set) assert.equal(handed.MASTER_KEY, set, `${what}: whatever is set was handed over before`);
      user.behind();
      user.cloud.worker = user.worker;
      const { status, output } = await user.run(FIRST);
      assert.equal(status, 0, `${what}\n${output}`);
      for (const name of ['MASTER_KEY', 'ADMIN_TOKEN']) {
        assert.equal(user.cloud.secret('ringfence', name), user.saved()[name], what);
        if (handed) assert.equal(user.saved()[name], handed[name], what);
      }
      assert.deepEqual([user.cloud.databases.length, user.cloud.namespaces.length], [1, 1], what);
    }
  });

  it('and says so when the Worker does not answer', async () => {
    const { status, output } = await user.run([...FIRST, '--wait', '3']);
    assert.equal(status, 1);
    assert.match(output, /It is deployed, but https:\/\/ringfence\.example\.workers\.dev\/healthz does not say ok after 3 s/);
    assert.match(output, /Running this again is safe/);
  });
});
