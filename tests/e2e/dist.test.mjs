// What `make dist` hands out: what is in the npm package and in the folder of a release repository, that it is the
// same byte for byte each time, and that a secret or a path of the machine in it is found.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { ROOT, wranglerConfig } from '../support/config.mjs';
import { builtWorker, pack, tarball } from '../support/cloud/package.mjs';

/** How large the packed package may be, in bytes: somebody waits for it. */
const MAX_SIZE = 4 * 1024 * 1024;

const json = (path) => JSON.parse(readFileSync(path, 'utf8'));

describe('what make dist makes', () => {
  let folder;
  let out;
  let unpacked;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ringfence-dist-'));
    out = join(folder, 'dist');
    const { status, output } = pack(out);
    assert.equal(status, 0, output);
    assert.match(output, /ringfence-[\d.]+\.tgz: \d+ bytes/);
    assert.equal(spawnSync('tar', ['xzf', tarball(out), '-C', folder]).status, 0);
    unpacked = join(folder, 'package');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('is a package with the Worker, its assets and its schema, that is small and depends on one wrangler', () => {
    const { stdout } = spawnSync('tar', ['tzf', tarball(out)], { encoding: 'utf8' });
    const names = stdout.trim().split('\n');
    for (const name of [
      'bin/ringfence.mjs',
      'worker/index.js',
      'worker/index_bg.wasm',
      'wrangler.jsonc',
      'LICENSE',
      'README.md',
      'public/_headers',
      'public/openapi.json',
    ]) {
      assert.ok(names.includes(`package/${name}`), name);
    }
    for (const name of readdirSync(join(ROOT, 'migrations'))) assert.ok(names.includes(`package/migrations/${name}`), name);
    for (const name of readdirSync(join(ROOT, 'build/public/console/assets'))) {
      assert.ok(names.includes(`package/public/console/assets/${name}`), name);
    }
    assert.ok(!names.some((name) => /\.dev\.vars|\.env|\.stamp|\.lock|node_modules|test/.test(name)), stdout);
    // The fast profile is not made to be small.
    if (!builtWorker().isFast) assert.ok(readFileSync(tarball(out)).length <= MAX_SIZE);
    const locked = json(join(ROOT, 'package-lock.json')).packages;
    assert.deepEqual(json(join(unpacked, 'package.json')).dependencies, {
      'smol-toml': locked['node_modules/smol-toml'].version,
      wrangler: locked['node_modules/wrangler'].version,
    });
  });

  it("is configured as wrangler.toml is, without a build and without anybody's ids", () => {
    for (const where of [unpacked, join(out, 'release')]) {
      const config = json(join(where, 'wrangler.jsonc'));
      const source = wranglerConfig();
      assert.equal(config.build, undefined);
      assert.equal(config.no_bundle, true);
      assert.ok(existsSync(join(where, config.main)));
      assert.ok(existsSync(join(where, config.assets.directory)));
      assert.deepEqual(
        config.d1_databases.map(({ binding, ...rest }) => [binding, Object.keys(rest)]),
        [['DB', ['database_name']]],
      );
      assert.deepEqual(config.kv_namespaces, [{ binding: 'FILES' }]);
      for (const part of ['compatibility_date', 'durable_objects', 'migrations', 'ratelimits', 'triggers', 'observability']) {
        assert.deepEqual(config[part], source[part], part);
      }
    }
  });

  it('is the same byte for byte, whenever and by whomever it is made', () => {
    const worker = join(folder, 'worker');
    cpSync(builtWorker().worker, worker, { recursive: true });
    for (const name of ['index.js', 'index_bg.wasm']) utimesSync(join(worker, name), new Date(0), new Date(0));
    const other = join(folder, 'other');
    const { status, output } = pack(other, { worker, umask: '077', env: { TZ: 'Pacific/Auckland', LC_ALL: 'C' } });
    assert.equal(status, 0, output);
    assert.ok(readFileSync(tarball(out)).equals(readFileSync(tarball(other))));
    const sums = (where) => readFileSync(join(where, 'SHA256SUMS'), 'utf8');
    assert.equal(sums(other), sums(out));
    assert.equal(spawnSync('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], { cwd: out }).status, 0);
    // RFC 1952 §2.3.1: neither a name nor a time.
    const gzip = readFileSync(tarball(out));
    assert.deepEqual([gzip[3], gzip.readUInt32LE(4)], [0, 0]);
    const { stdout } = spawnSync('tar', ['tvzf', tarball(out), '--utc', '--full-time', '--numeric-owner'], { encoding: 'utf8' });
    const lines = stdout.trim().split('\n');
    assert.equal(new Set(lines.map((line) => line.split(/\s+/).slice(3, 5).join(' '))).size, 1, 'one time for all entries');
    assert.deepEqual([...new Set(lines.map((line) => line.split(/\s+/)[0]))].sort(), ['-rw-r--r--', '-rwxr-xr-x']);
    assert.equal(lines.find((line) => line.endsWith('bin/ringfence.mjs')).split(/\s+/)[0], '-rwxr-xr-x');
  });

  it('is not made when a secret or a path of the machine would be in it', () => {
    for (const [what, planted, expected] of [
      ['the checkout', `// ${ROOT}/src/lib.rs`, /worker\/index\.js has a path of this machine/],
      ['a home', `// ${homedir()}/notes`, /has a path of this machine/],
      ["somebody else's home", '// /home/someone/work/x.rs', /has a path of this machine/],
      ['a master key', `MASTER_KEY=k1:${'A'.repeat(43)}=`, /has what looks like a secret/],
      ['a token', `rf_01JD0000000000000000000000_${'x'.repeat(43)}`, /has what looks like a secret/],
    ]) {
      const worker = join(folder, 'planted');
      cpSync(builtWorker().worker, worker, { recursive: true });
      appendFileSync(join(worker, 'index.js'), `\n${planted}\n`);
      const made = join(folder, 'refused');
      const { status, output } = pack(made, { worker });
      assert.equal(status, 1, what);
      assert.match(output, expected, what);
      assert.ok(!output.includes(planted), 'it is not quoted');
      assert.ok(!readdirSync(made).some((name) => name.endsWith('.tgz')), what);
      rmSync(worker, { recursive: true });
    }
  });

  it('finds the paths in a module that the release profile did not make, and says what to do without one', () => {
    const worker = join(folder, 'planted');
    cpSync(builtWorker().worker, worker, { recursive: true });
    appendFileSync(join(worker, 'index_bg.wasm'), `${homedir()}/.cargo/registry/src/x.rs`);
    const { status, output } = pack(join(folder, 'refused'), { worker, fast: false });
    assert.equal(status, 1);
    assert.match(output, /worker\/index_bg\.wasm has a path of this machine/);
    rmSync(join(worker, 'index.js'));
    assert.match(pack(join(folder, 'refused'), { worker }).output, /has no index\.js: build the Worker first/);
  });

  it('has a folder that is the whole of a repository for the button, which wrangler would deploy', () => {
    const release = join(out, 'release');
    const { secrets } = json(join(release, 'wrangler.jsonc'));
    assert.deepEqual(secrets, { required: ['MASTER_KEY'] });
    const example = readFileSync(join(release, '.dev.vars.example'), 'utf8');
    const asked = [...example.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]);
    assert.deepEqual(asked, [
      ['MASTER_KEY', '""'],
      ['ADMIN_TOKEN', '""'],
    ]);
    const { cloudflare, devDependencies, scripts } = json(join(release, 'package.json'));
    for (const name of ['MASTER_KEY', 'ADMIN_TOKEN', 'DB', 'FILES']) assert.ok(cloudflare.bindings[name].description.length > 20, name);
    assert.deepEqual(Object.keys(devDependencies), ['wrangler']);
    assert.equal(scripts.deploy, 'wrangler deploy');
    const tried = spawnSync(process.execPath, [join(ROOT, 'node_modules/wrangler/bin/wrangler.js'), 'deploy', '--dry-run'], {
      cwd: release,
      encoding: 'utf8',
      timeout: 120_000,
      env: { ...process.env, WRANGLER_SEND_METRICS: 'false' },
    });
    assert.equal(tried.status, 0, tried.stdout + tried.stderr);
    assert.match(tried.stdout, /env\.DB/);
    assert.doesNotMatch(tried.stdout + tried.stderr, /WARNING/);
  });
});
