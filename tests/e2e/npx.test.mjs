// Ringfence with Node.js alone: `npx ringfence` from the packed npm package, in an empty folder and without a compiler. A
// phone boots against `dev`, and `destroy` takes an installation away from an account that stands in for Cloudflare's
// (tests/support/cloud), with the real wrangler in between. `deploy` is in npx-deploy.test.mjs.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { CLI } from '../support/cli.mjs';
import { FIRST, withAnAccount } from '../support/cloud/user.mjs';
import { eventually } from '../support/wait.mjs';
import { withDeadline } from '../support/worker/ringfence.mjs';

describe('npx ringfence', () => {
  const user = withAnAccount();

  describe('without an account', () => {
    it('says what there is, and refuses what there is not', async () => {
      assert.match((await user.run(['help'], { npx: true })).output, /npx ringfence deploy/);
      for (const [args, expected] of [
        [['deply'], /deply is no command. There are: deploy, dev, destroy/],
        [['deploy', '--nam', 'x'], /--nam[\s\S]*npx ringfence help/],
        [['dev', '--port', '99999'], /--port takes a whole number from 1 to 65535/],
      ]) {
        const { status, output } = await user.run(args);
        assert.equal(status, 1, output);
        assert.match(output, expected);
        assert.doesNotMatch(output, /at \w+.*\.mjs:\d+/, 'no stack trace');
      }
    });

    it('is one program with the one that does everything else', async () => {
      const native = join(user.npx.environment.PATH, 'ringfence');
      assert.match((await user.run(['devices', 'list'])).output, /devices is no command\.[\s\S]*the program ringfence-\S+ of the release/);
      symlinkSync(CLI, native);
      try {
        // By the package to the program, with its words, its exit code and its help.
        writeFileSync(user.file('broken.cfg'), 'X="1"\n');
        const linted = await user.run(['lint', 'broken.cfg', '--family', 'ut']);
        assert.deepEqual([linted.status, /broken\.cfg:\d+:\d+: error: /.test(linted.output)], [4, true], linted.output);
        assert.match((await user.run(['devices', '--help'])).output, /Usage: ringfence devices/);
        assert.equal((await user.run(['deply'])).status, 2);
        // By the program to the package, from a folder below it.
        const deploy = await user.npx.run(['ringfence', 'deploy', '--nam', 'x'], { cwd: user.folder, env: user.cloud.environment });
        assert.deepEqual([deploy.status, /--nam[\s\S]*npx ringfence help/.test(deploy.output)], [1, true], deploy.output);
        assert.match((await user.npx.run(['ringfence', 'dev', '--help'], { cwd: user.folder })).output, /npx ringfence dev/);
        const nowhere = await user.npx.run(['ringfence', 'destroy'], { cwd: user.npx.home });
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
        user.choose(text);
        const { status, output } = await user.run(['deploy', '--dry-run']);
        assert.equal(status, 1, `${text}\n${output}`);
        assert.match(output, expected);
      }
      const { output } = await user.run(['deploy', '--dry-run', '--config', 'nowhere.toml']);
      assert.match(output, /nowhere\.toml cannot be read \(ENOENT\)/);
      assert.deepEqual(user.cloud.calls, []);
    });

    it('tries a deployment out with every choice, and leaves nothing behind', async () => {
      user.choose(`name = "phones"\ndomain = ["phones.example", "more.example"]\nroutes = "example.org/p/*"\nschedule = "*/10 * * * *"
cpu_ms = 5000\njurisdiction = "eu"\naccess_team = "harbour"\naccess_audience = "${'a'.repeat(64)}"\nlog_level = "all"\n`);
      const { status, output } = await user.run(['deploy', '--dry-run']);
      assert.equal(status, 0, output);
      assert.match(output, /LOG_LEVEL/);
      assert.match(output, /env\.DB \(phones\)/);
      assert.match(output, /ACCESS_TEAM/);
      assert.match(output, /It could be deployed like this\. Nothing was\./);
      assert.deepEqual(readdirSync(user.folder), ['ringfence.toml']);
      assert.deepEqual(user.cloud.calls, []);
    });

    it('boots a phone on this machine, whose file openssl opens, twice; and Ctrl-C ends it all', async () => {
      const port = await freePort();
      const busy = createServer().listen(port, '127.0.0.1');
      await new Promise((resolve) => busy.once('listening', resolve));
      assert.match((await user.run(['dev', '--port', String(port)])).output, /port \d+ is in use: stop what listens there/);
      await new Promise((resolve) => busy.close(resolve));
      for (const time of ['first', 'second']) {
        const state = user.npx.start(['npx', 'ringfence', 'dev', '--port', String(port)], { cwd: user.folder });
        try {
          const up = (async () => {
            while (!state.output.includes('stays until Ctrl-C') && state.child.exitCode === null) await sleep(100);
          })();
          await withDeadline(up, `dev, the ${time} time`, 180_000);
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
          const phone = join(user.folder, '.ringfence/phone');
          const [, key] = /<CFG_FILE_KEY>([^<]{32})</.exec(readFileSync(join(phone, 'bootstrap.xml'), 'utf8'));
          const opened = spawnSync(
            'openssl',
            ['enc', '-d', '-aes-128-cbc', '-a', '-md', 'md5', '-pass', 'env:KEY', '-in', join(phone, 'standard.enc')],
            { encoding: 'utf8', env: { ...process.env, KEY: key } },
          );
          assert.equal(opened.stdout, readFileSync(join(phone, 'standard.xml'), 'utf8'));
          const vars = readFileSync(join(user.folder, '.ringfence/.dev.vars'), 'utf8');
          const [, token] = /^ADMIN_TOKEN=(.*)$/m.exec(vars);
          const [, master] = /^MASTER_KEY=(.*)$/m.exec(vars);
          for (const secret of [key, token, master]) assert.ok(!state.output.includes(secret), 'no secret in a pipe');
          assert.equal(statSync(join(user.folder, '.ringfence')).mode & 0o777, 0o700);
          for (const name of ['.dev.vars', 'phone/bootstrap.xml'])
            assert.equal(statSync(join(user.folder, '.ringfence', name)).mode & 0o777, 0o600);
          const answer = await fetch(`http://127.0.0.1:${port}/api/v1/tenants`, { headers: { authorization: `Bearer ${token}` } });
          assert.deepEqual(
            (await answer.json()).items.map(({ name }) => name),
            ['Demo'],
          );
          assert.equal((await fetch(`http://127.0.0.1:${port}/console/sign-in`)).status, 200);
          // What the cron trigger does on Cloudflare is done here too.
          const counted = await eventually(
            async () =>
              (await fetch(`http://127.0.0.1:${port}/api/v1/device-counts`, { headers: { authorization: `Bearer ${token}` } })).json(),
            ({ counted_at: at }) => at > 0,
            'the counts of all devices',
          );
          assert.equal(counted.devices, 1);
        } finally {
          state.signal('SIGINT');
        }
        await state.end;
        // npx itself ends as a signal ends it.
        assert.match(state.output, /Stopped\./);
        await eventually(
          () => left(user.folder),
          (some) => some.length === 0,
          'the end of every process',
        );
      }
      assert.deepEqual(readdirSync(user.folder), ['.ringfence']);
    });
  });

  describe('destroys', () => {
    it('everything, after asking twice, and nothing else', async () => {
      user.behind();
      assert.equal((await user.run(FIRST)).status, 0);
      user.cloud.databases.push({ uuid: '11111111-2222-4333-8444-555555555555', name: 'shop', num_tables: 3 });
      user.cloud.namespaces.push({ id: 'f'.repeat(32), title: 'shop' });
      for (const input of ['', 'yes\nyes\n', 'ringfence\n', 'ringfence\nno\n']) {
        const { status, output } = await user.run(['destroy'], { input });
        assert.equal(status, 1, output);
        assert.match(output, /nothing is removed/);
      }
      assert.deepEqual(user.cloud.called(/^DELETE/), []);
      const { status, output } = await user.run(['destroy'], { input: 'ringfence\nringfence\n' });
      assert.equal(status, 0, output);
      assert.match(output, /the D1 database ringfence[\s\S]*keys[\s\S]*each has to be\s+reset by hand/);
      assert.deepEqual(
        [user.cloud.scripts.size, user.cloud.databases.map(({ name }) => name), user.cloud.namespaces.map(({ title }) => title)],
        [0, ['shop'], ['shop']],
      );
      assert.match((await user.run(['destroy'])).output, /There is nothing called ringfence/);
    });

    it('what an interrupted removal has left, and no other Worker', async () => {
      user.behind();
      assert.equal((await user.run(FIRST)).status, 0);
      user.cloud.faults.push(async (method, path) => method === 'DELETE' && path.startsWith('/d1') && [403, 10000, 'Authentication error']);
      const stopped = await user.run(['destroy'], { input: 'ringfence\nringfence\n' });
      assert.equal(stopped.status, 1);
      assert.match(stopped.output, /This sign-in may not do that/);
      user.cloud.faults = [];
      assert.equal((await user.run(['destroy'], { input: 'ringfence\nringfence\n' })).status, 0);
      assert.deepEqual([user.cloud.scripts.size, user.cloud.databases, user.cloud.namespaces], [0, [], []]);
      user.cloud.scripts.set('ringfence', { bindings: [], versions: [], tag: 't', subdomain: {} });
      assert.match((await user.run(['destroy'], { input: 'ringfence\nringfence\n' })).output, /is not Ringfence, and is left alone/);
      assert.equal(user.cloud.scripts.size, 1);
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
