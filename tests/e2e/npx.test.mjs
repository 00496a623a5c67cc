// Ringfence with Node.js alone: `npx ringfence` from the packed npm package, in an empty folder and without a compiler. A
// phone boots against `dev`; `deploy` and `destroy` work on an account that stands in for Cloudflare's (tests/support/cloud),
// with the real wrangler in between and the real Worker behind its address.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { countersOf } from '../../npm/lib/counters.mjs';
import { CLI } from '../support/cli.mjs';
import { Cloudflare } from '../support/cloud/cloudflare.mjs';
import { Installed } from '../support/cloud/package.mjs';
import { wranglerConfig } from '../support/config.mjs';
import { eventually } from '../support/wait.mjs';
import { secretOf } from '../support/worker/api.mjs';
import { Ringfence, within } from '../support/worker/ringfence.mjs';

const KEY = /k\d{8}:[A-Za-z0-9+/]{43}=/;
const WRITES = /^(POST|PUT|PATCH|DELETE) /;

describe('npx ringfence', () => {
  let npx;
  let cloud;
  let folder;
  let worker;
  before(async () => {
    npx = await Installed.make();
  });
  after(async () => {
    await worker?.stop();
    npx?.remove();
  });
  // Each test has an account and a folder of its own, in which only what it writes is.
  beforeEach(async () => {
    cloud = await Cloudflare.start();
    folder = mkdtempSync(join(npx.folder, 'of-a-user-'));
  });
  afterEach(async () => {
    assert.deepEqual(cloud.unknown, [], 'calls that the account does not know');
    await cloud.stop();
  });

  const file = (name) => join(folder, name);
  /** What a Worker's rate limits count by. */
  const counters = (name) =>
    Object.fromEntries(
      cloud.scripts
        .get(name)
        .bindings.filter(({ type }) => type === 'ratelimit')
        .map((binding) => [binding.name, [binding.namespace_id, binding.simple.limit]]),
    );
  const choose = (text) => writeFileSync(file('ringfence.toml'), text);
  const run = (args, { env = {}, ...options } = {}) =>
    npx.ringfence(args, { cwd: folder, env: { ...cloud.environment, ...env }, ...options });
  const saved = (name = 'secrets.txt') =>
    Object.fromEntries(
      readFileSync(file(name), 'utf8')
        .trim()
        .split('\n')
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
  const first = ['deploy', '--secrets-file', 'secrets.txt'];

  /** Puts the real Worker behind the address, with what was uploaded, as soon as it is. One is enough for all tests. */
  function behind({ fresh = false } = {}) {
    cloud.afterwards.push(async (method, path) => {
      if (method !== 'PUT' || !/^\/workers\/scripts\/[^/]+$/.test(path)) return;
      if (fresh || !worker) {
        await worker?.stop();
        const [name] = cloud.scripts.keys();
        const secrets = { MASTER_KEY: cloud.secret(name, 'MASTER_KEY'), ADMIN_TOKEN: cloud.secret(name, 'ADMIN_TOKEN') };
        // Its database is empty: the Worker makes its own tables.
        worker = await Ringfence.start({ migrate: false, assets: true, secrets });
      }
      cloud.worker = worker;
    });
  }

  describe('without an account', () => {
    it('says what there is, and refuses what there is not', async () => {
      assert.match((await run(['help'], { npx: true })).output, /npx ringfence deploy/);
      for (const [args, expected] of [
        [['deply'], /deply is no command. There are: deploy, dev, destroy/],
        [['deploy', '--nam', 'x'], /--nam[\s\S]*npx ringfence help/],
        [['dev', '--port', '99999'], /--port takes a whole number from 1 to 65535/],
      ]) {
        const { status, output } = await run(args);
        assert.equal(status, 1, output);
        assert.match(output, expected);
        assert.doesNotMatch(output, /at \w+.*\.mjs:\d+/, 'no stack trace');
      }
    });

    it('is one program with the one that does everything else', async () => {
      const native = join(npx.environment.PATH, 'ringfence');
      assert.match((await run(['devices', 'list'])).output, /devices is no command\.[\s\S]*the program ringfence-\S+ of the release/);
      symlinkSync(CLI, native);
      try {
        // By the package to the program, with its words, its exit code and its help.
        writeFileSync(file('broken.cfg'), 'X="1"\n');
        const linted = await run(['lint', 'broken.cfg', '--family', 'ut']);
        assert.deepEqual([linted.status, /broken\.cfg:\d+:\d+: error: /.test(linted.output)], [4, true], linted.output);
        assert.match((await run(['devices', '--help'])).output, /Usage: ringfence devices/);
        assert.equal((await run(['deply'])).status, 2);
        // By the program to the package, from a folder below it.
        const deploy = await npx.run(['ringfence', 'deploy', '--nam', 'x'], { cwd: folder, env: cloud.environment });
        assert.deepEqual([deploy.status, /--nam[\s\S]*npx ringfence help/.test(deploy.output)], [1, true], deploy.output);
        assert.match((await npx.run(['ringfence', 'dev', '--help'], { cwd: folder })).output, /npx ringfence dev/);
        const nowhere = await npx.run(['ringfence', 'destroy'], { cwd: npx.home });
        assert.deepEqual([nowhere.status, /npm install/.test(nowhere.output)], [2, true], nowhere.output);
      } finally {
        rmSync(native);
      }
    });

    it('refuses choices that are wrong, in words that say what to do', async () => {
      for (const [text, expected] of [
        ['nmae = "x"', /ringfence\.toml: nmae is not known\. Did you mean name\?/],
        ['flavour = "x"', /flavour is not known\. There are: name, domain/],
        ['name = "Not A Name"', /name must be the name of the Worker: small letters/],
        ['domain = "https://phones.example"', /domain must be a hostname/],
        ['cpu_ms = "10"', /cpu_ms must be how many milliseconds/],
        ['schedule = "often"', /schedule must be when the Worker tidies up, in five fields/],
        ['name = ', /is no TOML:[\s\S]*Mend that line/],
        ['log_level = "debug"', /log_level must be failures, notable/],
        ['access_team = "x"', /access_team and access_audience go together/],
        ['workers_dev = false', /would have no address\. Give a domain/],
      ]) {
        choose(text);
        const { status, output } = await run(['deploy', '--dry-run']);
        assert.equal(status, 1, `${text}\n${output}`);
        assert.match(output, expected);
      }
      const { output } = await run(['deploy', '--dry-run', '--config', 'nowhere.toml']);
      assert.match(output, /nowhere\.toml cannot be read \(ENOENT\)/);
      assert.deepEqual(cloud.calls, []);
    });

    it('tries a deployment out with every choice, and leaves nothing behind', async () => {
      choose(`name = "phones"\ndomain = ["phones.example", "more.example"]\nroutes = "example.org/p/*"\nschedule = "*/10 * * * *"
cpu_ms = 5000\njurisdiction = "eu"\naccess_team = "harbour"\naccess_audience = "${'a'.repeat(64)}"\nlog_level = "all"\n`);
      const { status, output } = await run(['deploy', '--dry-run']);
      assert.equal(status, 0, output);
      assert.match(output, /LOG_LEVEL/);
      assert.match(output, /env\.DB \(phones\)/);
      assert.match(output, /ACCESS_TEAM/);
      assert.match(output, /It could be deployed like this\. Nothing was\./);
      assert.deepEqual(readdirSync(folder), ['ringfence.toml']);
      assert.deepEqual(cloud.calls, []);
    });

    it('boots a phone on this machine, whose file openssl opens, twice; and Ctrl-C ends it all', async () => {
      const port = await freePort();
      const busy = createServer().listen(port, '127.0.0.1');
      await new Promise((resolve) => busy.once('listening', resolve));
      assert.match((await run(['dev', '--port', String(port)])).output, /port \d+ is in use: stop what listens there/);
      await new Promise((resolve) => busy.close(resolve));
      for (const time of ['first', 'second']) {
        const state = npx.start(['npx', 'ringfence', 'dev', '--port', String(port)], { cwd: folder });
        try {
          const up = (async () => {
            while (!state.output.includes('stays until Ctrl-C') && state.child.exitCode === null) await sleep(100);
          })();
          await within(up, `dev, the ${time} time`, 180_000);
          for (const step of [
            '1. the phone asks',
            '2. it asks',
            '3. anybody',
            '4. the phone',
            '5. the phone opens',
            'byte for byte',
            'the key is confirmed',
          ]) {
            assert.ok(state.output.includes(step), `${time}: ${step} in\n${state.output}`);
          }
          const phone = join(folder, '.ringfence/phone');
          const [, key] = /<CFG_FILE_KEY>([^<]{32})</.exec(readFileSync(join(phone, 'bootstrap.xml'), 'utf8'));
          const opened = spawnSync(
            'openssl',
            ['enc', '-d', '-aes-128-cbc', '-a', '-md', 'md5', '-pass', 'env:KEY', '-in', join(phone, 'standard.enc')],
            { encoding: 'utf8', env: { ...process.env, KEY: key } },
          );
          assert.equal(opened.stdout, readFileSync(join(phone, 'standard.xml'), 'utf8'));
          const vars = readFileSync(join(folder, '.ringfence/.dev.vars'), 'utf8');
          const [, token] = /^ADMIN_TOKEN=(.*)$/m.exec(vars);
          const [, master] = /^MASTER_KEY=(.*)$/m.exec(vars);
          for (const secret of [key, token, master]) assert.ok(!state.output.includes(secret), 'no secret in a pipe');
          assert.equal(statSync(join(folder, '.ringfence')).mode & 0o777, 0o700);
          for (const name of ['.dev.vars', 'phone/bootstrap.xml'])
            assert.equal(statSync(join(folder, '.ringfence', name)).mode & 0o777, 0o600);
          const answer = await fetch(`http://127.0.0.1:${port}/api/v1/tenants`, { headers: { authorization: `Bearer ${token}` } });
          assert.deepEqual(
            (await answer.json()).items.map(({ name }) => name),
            ['Demo'],
          );
          assert.equal((await fetch(`http://127.0.0.1:${port}/console/sign-in`)).status, 200);
        } finally {
          state.signal('SIGINT');
        }
        await state.end;
        // npx itself ends as a signal ends it.
        assert.match(state.output, /Stopped\./);
        await eventually(
          () => left(folder),
          (some) => some.length === 0,
          'the end of every process',
        );
      }
      assert.deepEqual(readdirSync(folder), ['.ringfence']);
    });
  });

  describe('deploys', () => {
    it('nothing where it could show new secrets to a log alone', async () => {
      const { status, output } = await run(['deploy']);
      assert.equal(status, 1);
      assert.match(output, /say --secrets-file with a new file/);
      assert.deepEqual(cloud.called(WRITES), []);
    });

    it('an installation with one command, and upgrades it with the same one', async () => {
      behind({ fresh: true });
      const { status, output } = await run(first, { npx: true });
      assert.equal(status, 0, output);
      assert.equal(statSync(file('secrets.txt')).mode & 0o777, 0o600);
      const secrets = saved();
      assert.match(secrets.MASTER_KEY, KEY);
      for (const name of ['MASTER_KEY', 'ADMIN_TOKEN']) {
        assert.equal(cloud.secret('ringfence', name), secrets[name]);
        assert.ok(!output.includes(secrets[name]), name);
      }
      assert.match(output, /answers at https:\/\/ringfence\.example\.workers\.dev/);
      assert.match(output, /console {3}https:\/\/ringfence\.example\.workers\.dev\/console\n/);
      assert.doesNotMatch(output, /#code=/, 'a link that signs in is shown to nobody but a person');
      assert.deepEqual(
        [cloud.databases.map(({ name }) => name), cloud.namespaces.map(({ title }) => title)],
        [['ringfence'], ['ringfence-files']],
      );
      const made = cloud.scripts.get('ringfence');
      assert.deepEqual(made.limits, { cpu_ms: 10_000 });
      assert.equal(made.subdomain.enabled, true);
      assert.deepEqual(made.schedules, [{ cron: '*/5 * * * *' }]);
      // Whoever has this name keeps the numbers of wrangler.toml.
      assert.deepEqual(counters('ringfence'), {
        GUESSES: ['1709', 100],
        TOKEN_READS: ['1710', 600],
        TOKEN_WRITES: ['1711', 240],
        TOKEN_CHECKS: ['1712', 60],
        TOKEN_ALL_TENANTS: ['1713', 6000],
      });
      assert.ok(Object.keys(cloud.manifest).some((name) => /^\/console\/assets\/console\.\w+\.css$/.test(name)));
      // The Worker is the real one, with those secrets and a database that was empty.
      const asked = await worker.fetch('/api/v1/tenants', { headers: { authorization: `Bearer ${secrets.ADMIN_TOKEN}` } });
      assert.equal(asked.status, 200);

      const upgraded = await run(['deploy']);
      assert.equal(upgraded.status, 0, upgraded.output);
      assert.match(upgraded.output, /its secrets and data stay/);
      for (const name of ['MASTER_KEY', 'ADMIN_TOKEN']) assert.equal(cloud.secret('ringfence', name), secrets[name]);
      assert.deepEqual([cloud.databases.length, cloud.namespaces.length], [1, 1]);
      assert.equal(cloud.scripts.get('ringfence').versions.length, 2);
      assert.deepEqual(readdirSync(folder), ['secrets.txt'], 'nothing else is left in the folder');
    });

    it('shows secrets on a terminal, once, with a link that signs in to the console, once', async () => {
      behind({ fresh: true });
      const { status, output } = await run(['deploy'], { terminal: true });
      assert.equal(status, 0, output);
      for (const name of ['MASTER_KEY', 'ADMIN_TOKEN']) assert.ok(output.includes(cloud.secret('ringfence', name)), name);
      const [, code] = /https:\/\/ringfence\.example\.workers\.dev\/console\/sign-in#code=(rfc_\S+)/.exec(output);
      const open = () =>
        worker.fetch('/console/sign-in/code', {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded', origin: new URL(worker.http).origin },
          body: new URLSearchParams({ code }),
        });
      assert.deepEqual([(await open()).status, (await open()).status], [303, 401]);
      assert.ok(!worker.log.includes(secretOf(code)));
      const again = await run(['deploy'], { terminal: true });
      assert.equal(again.status, 0, again.output);
      for (const name of ['MASTER_KEY', 'ADMIN_TOKEN']) assert.ok(!again.output.includes(cloud.secret('ringfence', name)), name);
    });

    it('without a limit of its own on the free plan, and says so to whoever wants one', async () => {
      behind();
      cloud.isFree = true;
      const { status, output } = await run(first);
      assert.equal(status, 0, output);
      assert.match(output, /free plan/);
      assert.equal(cloud.scripts.get('ringfence').limits, undefined);
      assert.deepEqual([cloud.databases.length, cloud.namespaces.length], [1, 1], 'what the first attempt made is used');
      choose('cpu_ms = 300\n');
      assert.match((await run(['deploy'])).output, /remove cpu_ms from ringfence\.toml/);
    });

    it('under the name, the domain and the jurisdiction that were chosen', async () => {
      behind();
      const { status, output } = await run([...first, '--name', 'phones', '--jurisdiction', 'eu', '--domain', 'phones.example']);
      assert.equal(status, 0, output);
      // They are kept, so that the same command without them is an upgrade; a file of the user's is left as it is.
      assert.match(output, /What you have chosen is in ringfence\.toml/);
      const kept = readFileSync(file('ringfence.toml'), 'utf8');
      // They follow from the name.
      const counted = {
        GUESSES: ['306589824', 100],
        TOKEN_READS: ['306589825', 600],
        TOKEN_WRITES: ['306589826', 240],
        TOKEN_CHECKS: ['306589827', 60],
        TOKEN_ALL_TENANTS: ['306589828', 6000],
      };
      assert.deepEqual(counters('phones'), counted);
      const upgraded = await run(['deploy']);
      assert.equal(upgraded.status, 0, upgraded.output);
      assert.match(upgraded.output, /A Worker called phones is there/);
      assert.deepEqual(counters('phones'), counted);
      assert.match((await run(['deploy', '--domain', 'phones.example'])).output, /ringfence\.toml is there, and is left as it is/);
      assert.equal(readFileSync(file('ringfence.toml'), 'utf8'), kept);
      assert.match(output, /console {3}https:\/\/phones\.example\/console/);
      assert.deepEqual(
        cloud.databases.map(({ name, jurisdiction }) => [name, jurisdiction]),
        [['phones', 'eu']],
      );
      assert.equal(cloud.namespaces[0].title, 'phones-files');
      assert.equal(cloud.domains.get('phones.example'), 'phones');
      assert.equal(cloud.scripts.get('phones').subdomain.enabled, false);
      // A hostname that leads to something else is not taken from it unasked.
      cloud.domains.set('phones.example', 'shop');
      const refused = await run(['deploy', '--domain', 'phones.example']);
      assert.equal(refused.status, 1);
      assert.match(refused.output, /phones\.example leads to the Worker shop\. Choose another --domain, or say --take-domain/);
      assert.equal((await run(['deploy', '--domain', 'phones.example', '--take-domain'])).status, 0);
      assert.equal(cloud.domains.get('phones.example'), 'phones');
    });

    it('not over another Worker, nor over a database that new secrets could not read', async () => {
      const other = { bindings: [{ type: 'kv_namespace', name: 'SHOP' }], versions: ['v'], tag: 't', subdomain: {} };
      cloud.scripts.set('ringfence', other);
      const taken = await run(first);
      assert.equal(taken.status, 1);
      assert.match(
        taken.output,
        /a Worker called ringfence is there, and it is not Ringfence\. It is left alone\. Choose another name: --name/,
      );
      cloud.scripts.clear();

      cloud.databases.push({ uuid: '11111111-2222-4333-8444-555555555555', name: 'ringfence', num_tables: 40 });
      const data = await run(first);
      assert.equal(data.status, 1);
      assert.match(data.output, /a database called ringfence with data in it\. A new MASTER_KEY could not read it/);
      assert.deepEqual(cloud.called(WRITES), []);
      assert.ok(!existsSync(file('secrets.txt')), 'no secrets are made for it');

      // With the secrets of before it comes back.
      behind({ fresh: true });
      const kept = { MASTER_KEY: `k1:${Buffer.alloc(32, 7).toString('base64')}`, ADMIN_TOKEN: 'a'.repeat(48) };
      writeFileSync(file('secrets.txt'), `MASTER_KEY=${kept.MASTER_KEY}\nADMIN_TOKEN=${kept.ADMIN_TOKEN}\n`, { mode: 0o600 });
      const back = await run(first);
      assert.equal(back.status, 0, back.output);
      assert.equal(cloud.secret('ringfence', 'MASTER_KEY'), kept.MASTER_KEY);
      assert.deepEqual(
        [cloud.databases.length, cloud.scripts.get('ringfence').bindings.find(({ name }) => name === 'DB').id],
        [1, cloud.databases[0].uuid],
      );
      // And a Worker whose key somebody has removed gets no new one.
      cloud.scripts.get('ringfence').bindings = cloud.scripts.get('ringfence').bindings.filter(({ name }) => name !== 'MASTER_KEY');
      const lost = await run(['deploy', '--secrets-file', 'others.txt']);
      assert.equal(lost.status, 1);
      assert.match(lost.output, /has no MASTER_KEY[\s\S]*npx wrangler secret put MASTER_KEY/);
    });

    it('after an upload that failed half way: what it made is found by its name, and used', async () => {
      behind({ fresh: true });
      const made = () => [cloud.databases.map(({ uuid }) => uuid), cloud.namespaces.map(({ id }) => id)];
      let refusals = 0;
      cloud.faults.push((method, path) => {
        if (!/^(PUT|POST) \/workers\/scripts\/[^/]+(\/versions)?$/.test(`${method} ${path}`) || refusals >= 2) return undefined;
        refusals += 1;
        return [400, 10_021, 'Script startup exceeded CPU time limit.'];
      });
      const broken = await run(first);
      assert.equal(broken.status, 1, broken.output);
      assert.match(broken.output, /It is not deployed\. wrangler says:[\s\S]*code: 10021/);
      assert.equal(cloud.scripts.size, 0);
      const [databases, namespaces] = made();
      assert.deepEqual([databases.length, namespaces.length], [1, 1], 'wrangler makes them before it uploads');
      const handed = saved();

      // A list need not have yet what was made a moment ago: then the name is taken, by something that is in no list.
      cloud.staleLooks = { namespaces: 1, databases: 0 };
      const again = await run(first);
      assert.equal(again.status, 1, again.output);
      assert.match(again.output, /Going on with the KV namespace ringfence-files, which is there already/);
      assert.match(again.output, /code: 10021/);
      assert.deepEqual(made(), [databases, namespaces]);

      // And on the free plan, where the first attempt of each run fails.
      cloud.isFree = true;
      cloud.staleLooks = { namespaces: 2, databases: 2 };
      const { status, output } = await run(first);
      assert.equal(status, 0, output);
      assert.match(output, /Going on with the KV namespace ringfence-files/);
      assert.match(output, /Going on with the database ringfence, which is there already/);
      assert.match(output, /free plan/);
      assert.deepEqual(made(), [databases, namespaces]);
      const bound = (name) => cloud.scripts.get('ringfence').bindings.find((binding) => binding.name === name);
      assert.deepEqual([bound('DB').id, bound('FILES').namespace_id], [databases[0], namespaces[0]]);
      assert.deepEqual(saved(), handed);
      for (const name of ['MASTER_KEY', 'ADMIN_TOKEN']) assert.equal(cloud.secret('ringfence', name), handed[name]);
      assert.deepEqual(cloud.called(/^DELETE/), []);

      // An upgrade that fails leaves what serves phones, and the next one finds it.
      refusals = 0;
      const before = cloud.scripts.get('ringfence');
      assert.equal((await run(['deploy'])).status, 1);
      assert.equal(cloud.scripts.get('ringfence'), before);
      refusals = 2;
      const upgraded = await run(['deploy']);
      assert.equal(upgraded.status, 0, upgraded.output);
      assert.deepEqual(made(), [databases, namespaces]);
      assert.deepEqual([bound('DB').id, bound('FILES').namespace_id], [databases[0], namespaces[0]]);
    });

    it('with a database and a namespace that are there under its names, and with what they hold', async () => {
      behind({ fresh: true });
      const database = { uuid: '11111111-2222-4333-8444-555555555555', name: 'phones', num_tables: 40 };
      const namespace = { id: 'e'.repeat(32), title: 'phones-files' };
      // Those of others are neither taken nor removed.
      cloud.databases.push({ uuid: '99999999-2222-4333-8444-555555555555', name: 'ringfence', num_tables: 40 }, database);
      cloud.namespaces.push({ id: 'd'.repeat(32), title: 'ringfence-files' }, namespace);
      const others = [cloud.databases[0], cloud.namespaces[0]];
      // No new secrets for data that is there, also where the account has shown it too late.
      for (const staleLooks of [
        { namespaces: 0, databases: 0 },
        { namespaces: 1, databases: 2 },
      ]) {
        cloud.staleLooks = staleLooks;
        const refused = await run(['deploy', '--name', 'phones', '--secrets-file', `new-${staleLooks.databases}.txt`]);
        assert.equal(refused.status, 1, refused.output);
        assert.match(refused.output, /a database called phones with data in it\. A new MASTER_KEY could not read it/);
        assert.equal(cloud.scripts.size, 0);
      }
      const kept = { MASTER_KEY: `k1:${Buffer.alloc(32, 7).toString('base64')}`, ADMIN_TOKEN: 'a'.repeat(48) };
      writeFileSync(file('secrets.txt'), `MASTER_KEY=${kept.MASTER_KEY}\nADMIN_TOKEN=${kept.ADMIN_TOKEN}\n`, { mode: 0o600 });
      cloud.staleLooks = { namespaces: 1, databases: 2 };
      const { status, output } = await run([...first, '--name', 'phones']);
      assert.equal(status, 0, output);
      const bound = (name) => cloud.scripts.get('phones').bindings.find((binding) => binding.name === name);
      assert.deepEqual([bound('DB').id, bound('FILES').namespace_id], [database.uuid, namespace.id]);
      assert.deepEqual(
        [cloud.databases, cloud.namespaces],
        [
          [others[0], database],
          [others[1], namespace],
        ],
      );
      assert.deepEqual(cloud.called(/^DELETE/), []);
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
        writeFileSync(file('secrets.txt'), content);
        chmodSync(file('secrets.txt'), mode);
        const { status, output } = await run(first);
        assert.equal(status, 1);
        assert.match(output, expected);
        assert.equal(readFileSync(file('secrets.txt'), 'utf8'), content);
      }
      rmSync(file('secrets.txt'));
      mkdirSync(file('secrets.txt'));
      assert.match((await run(first)).output, /is no file/);
      assert.deepEqual(cloud.calls, []);
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
        [
          'no right to D1',
          {},
          [/^POST \/d1/, 403, 10000, 'Authentication error'],
          /It is not deployed[\s\S]*code: 10000[\s\S]*D1 \(edit\)/,
        ],
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
        cloud.faults = fault ? [async (method, path) => fault[0].test(`${method} ${path}`) && fault.slice(1)] : [];
        // What a run before has made no longer exists.
        cloud.databases.length = 0;
        cloud.namespaces.length = 0;
        rmSync(file('secrets.txt'), { force: true });
        const { status, output } = await run([...first, '--wait', '5'], { env });
        assert.equal(status, 1, `${what}\n${output}`);
        assert.match(output, expected, what);
        assert.equal(cloud.scripts.size, 0, what);
        if (existsSync(file('secrets.txt'))) for (const secret of Object.values(saved())) assert.ok(!output.includes(secret), what);
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
        await cloud.stop();
        cloud = await Cloudflare.start();
        rmSync(file('secrets.txt'), { force: true });
        const state = npx.start(['node', join(npx.folder, 'node_modules/.bin/ringfence'), ...first], {
          cwd: folder,
          env: cloud.environment,
        });
        let struck = false;
        cloud[when].push(async (method, path) => {
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
        const set = cloud.secret('ringfence', 'MASTER_KEY');
        const handed = existsSync(file('secrets.txt')) ? saved() : undefined;
        if (set) assert.equal(handed.MASTER_KEY, set, `${what}: whatever is set was handed over before`);
        behind();
        cloud.worker = worker;
        const { status, output } = await run(first);
        assert.equal(status, 0, `${what}\n${output}`);
        for (const name of ['MASTER_KEY', 'ADMIN_TOKEN']) {
          assert.equal(cloud.secret('ringfence', name), saved()[name], what);
          if (handed) assert.equal(saved()[name], handed[name], what);
        }
        assert.deepEqual([cloud.databases.length, cloud.namespaces.length], [1, 1], what);
      }
    });

    it('and says so when the Worker does not answer', async () => {
      const { status, output } = await run([...first, '--wait', '3']);
      assert.equal(status, 1);
      assert.match(output, /It is deployed, but https:\/\/ringfence\.example\.workers\.dev\/healthz does not say ok after 3 s/);
      assert.match(output, /Running this again is safe/);
    });
  });

  describe('destroys', () => {
    it('everything, after asking twice, and nothing else', async () => {
      behind();
      assert.equal((await run(first)).status, 0);
      cloud.databases.push({ uuid: '11111111-2222-4333-8444-555555555555', name: 'shop', num_tables: 3 });
      cloud.namespaces.push({ id: 'f'.repeat(32), title: 'shop' });
      for (const input of ['', 'yes\nyes\n', 'ringfence\n', 'ringfence\nno\n']) {
        const { status, output } = await run(['destroy'], { input });
        assert.equal(status, 1, output);
        assert.match(output, /nothing is removed/);
      }
      assert.deepEqual(cloud.called(/^DELETE/), []);
      const { status, output } = await run(['destroy'], { input: 'ringfence\nringfence\n' });
      assert.equal(status, 0, output);
      assert.match(output, /the D1 database ringfence[\s\S]*keys[\s\S]*each has to be\s+reset by hand/);
      assert.deepEqual(
        [cloud.scripts.size, cloud.databases.map(({ name }) => name), cloud.namespaces.map(({ title }) => title)],
        [0, ['shop'], ['shop']],
      );
      assert.match((await run(['destroy'])).output, /There is nothing called ringfence/);
    });

    it('what an interrupted removal has left, and no other Worker', async () => {
      behind();
      assert.equal((await run(first)).status, 0);
      cloud.faults.push(async (method, path) => method === 'DELETE' && path.startsWith('/d1') && [403, 10000, 'Authentication error']);
      const stopped = await run(['destroy'], { input: 'ringfence\nringfence\n' });
      assert.equal(stopped.status, 1);
      assert.match(stopped.output, /This sign-in may not do that/);
      cloud.faults = [];
      assert.equal((await run(['destroy'], { input: 'ringfence\nringfence\n' })).status, 0);
      assert.deepEqual([cloud.scripts.size, cloud.databases, cloud.namespaces], [0, [], []]);
      cloud.scripts.set('ringfence', { bindings: [], versions: [], tag: 't', subdomain: {} });
      assert.match((await run(['destroy'], { input: 'ringfence\nringfence\n' })).output, /is not Ringfence, and is left alone/);
      assert.equal(cloud.scripts.size, 1);
    });
  });
});

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Processes that were started in a folder. */
const left = (folder) =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(folder);
      } catch {
        return false;
      }
    });
