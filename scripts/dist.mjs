// Packs the npm package and the folder of a release repository from what is built already.
//
//   node scripts/dist.mjs --worker FOLDER --out FOLDER [--fast]
//
// FOLDER of the Worker has index.js and index_bg.wasm. The package is the same, byte for byte, whenever it is made from
// the same files: npm sorts its entries and gives them one time, and the gzip header has neither a name nor a time. What goes
// out is searched for secrets and for paths of the machine that made it; `--fast` leaves the paths in the module out, which
// only the release profile takes away (scripts/build.sh).

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';

import { parse } from 'smol-toml';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const MODULE = 'index_bg.wasm';

const { values: options } = parseArgs({
  options: { worker: { type: 'string' }, out: { type: 'string' }, fast: { type: 'boolean', default: false } },
});
const worker = resolve(options.worker ?? join(ROOT, 'build'));
const out = resolve(options.out ?? join(ROOT, 'dist'));

const read = (path) => readFileSync(join(ROOT, path), 'utf8');
const say = (text) => console.log(`[dist] ${text}`);
function fail(text) {
  console.error(`[dist] ${text}`);
  process.exit(1);
}

const version = parse(read('Cargo.toml')).workspace.package.version;
const locked = JSON.parse(read('package-lock.json')).packages;
const pinned = (name) => ({ [name]: locked[`node_modules/${name}`].version });
const written = (path, value) => writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);

for (const name of ['index.js', MODULE]) {
  if (!existsSync(join(worker, name))) fail(`${worker} has no ${name}: build the Worker first (make build).`);
}

/** wrangler.toml without what only this repository has: its build, and ids of resources that an account would not have. */
function configuration() {
  const config = parse(read('wrangler.toml'));
  delete config.build;
  for (const d1 of config.d1_databases) {
    delete d1.database_id;
    delete d1.migrations_dir;
  }
  for (const kv of config.kv_namespaces) delete kv.id;
  return {
    ...config,
    main: 'worker/index.js',
    // It is bundled already.
    no_bundle: true,
    assets: { ...config.assets, directory: 'public' },
  };
}

/** What both have: Worker, assets, licence. */
function fill(folder) {
  mkdirSync(join(folder, 'worker'), { recursive: true });
  for (const name of ['index.js', MODULE]) cpSync(join(worker, name), join(folder, 'worker', name));
  cpSync(join(ROOT, 'build/public'), join(folder, 'public'), { recursive: true });
  cpSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'));
}

function npmPackage(folder) {
  fill(folder);
  for (const name of ['bin', 'lib', 'README.md']) cpSync(join(ROOT, 'npm', name), join(folder, name), { recursive: true });
  cpSync(join(ROOT, 'migrations'), join(folder, 'migrations'), { recursive: true });
  written(join(folder, 'wrangler.jsonc'), configuration());
  written(join(folder, 'package.json'), {
    ...JSON.parse(read('npm/package.json')),
    version,
    files: ['bin', 'lib', 'migrations', 'public', 'worker', 'wrangler.jsonc'],
    dependencies: { ...pinned('smol-toml'), ...pinned('wrangler') },
  });
}

/** A folder that is the whole of a repository for the button "Deploy to Cloudflare". */
function releaseRepository(folder) {
  fill(folder);
  cpSync(join(ROOT, 'npm/release'), folder, { recursive: true });
  // Its lines are fields of the button's form.
  writeFileSync(
    join(folder, '.dev.vars.example'),
    '# echo "k1:$(openssl rand -base64 32)"\nMASTER_KEY=""\n# openssl rand -hex 24\nADMIN_TOKEN=""\n',
  );
  writeFileSync(join(folder, '.gitignore'), 'node_modules/\n.wrangler/\n.dev.vars\n');
  written(join(folder, 'wrangler.jsonc'), { ...configuration(), secrets: { required: ['MASTER_KEY'] } });
  const manifest = JSON.parse(read('npm/release/package.json'));
  written(join(folder, 'package.json'), { ...manifest, version, devDependencies: pinned('wrangler') });
}

/** The files below a folder, in the order of their names. */
function filesOf(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/** What must not go out, and how it is called. */
function forbidden() {
  const homes = [ROOT, homedir(), process.env.CARGO_HOME, process.env.RUSTUP_HOME].filter((path) => path && path !== '/');
  const paths = [
    ...homes.map((path) => resolve(path)),
    /\/(?:home|root|Users)\/[\w.-]+\//,
    /\/(?:\.cargo\/registry|rustlib\/src|rustup\/toolchains)\//,
  ];
  const secrets = [
    /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/]{16}/,
    /MASTER_KEY(?:_PREVIOUS)?["']? *[=:] *["']?[A-Za-z0-9_-]+:[A-Za-z0-9+/]{43}=/,
    /\brf[a-z]?_[0-9A-HJKMNP-TV-Z]{26}_[A-Za-z0-9_-]{43}/,
  ];
  const local = join(ROOT, '.dev.vars');
  if (existsSync(local)) {
    for (const line of readFileSync(local, 'utf8').split('\n')) {
      const value = line.slice(line.indexOf('=') + 1);
      if (value.length >= 32) secrets.push(value);
    }
  }
  for (const name of ['CLOUDFLARE_API_TOKEN', 'CLOUDFLARE_API_KEY']) {
    if ((process.env[name] ?? '').length >= 16) secrets.push(process.env[name]);
  }
  return { paths, secrets };
}

function search(folder) {
  const { paths, secrets } = forbidden();
  const has = (text, what) => (typeof what === 'string' ? text.includes(what) : what.test(text));
  const found = [];
  for (const name of filesOf(folder)) {
    if (/(^|\/)(\.dev\.vars|\.env)$/.test(name)) found.push(`${name} is a file for secrets`);
    // One character for each byte, so that names in the module are found too.
    const text = readFileSync(join(folder, name), 'latin1');
    // What is found is not quoted: it may be a secret.
    if (secrets.some((what) => has(text, what))) found.push(`${name} has what looks like a secret`);
    if (!(options.fast && basename(name) === MODULE) && paths.some((what) => has(text, what))) {
      found.push(`${name} has a path of this machine`);
    }
  }
  return found;
}

const folder = join(out, 'package');
const release = join(out, 'release');
for (const old of [folder, release]) rmSync(old, { recursive: true, force: true });
npmPackage(folder);
releaseRepository(release);
// Whoever made the checkout may have had any umask.
for (const where of [folder, release]) {
  for (const name of filesOf(where)) chmodSync(join(where, name), name.startsWith('bin/') ? 0o755 : 0o644);
}
const found = [...search(folder), ...search(release).map((line) => `release/${line}`)];
if (found.length > 0) fail(`nothing is packed:\n  ${found.join('\n  ')}`);

const name = `ringfence-${version}.tgz`;
rmSync(join(out, name), { force: true });
execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', out], {
  cwd: folder,
  stdio: ['ignore', 'ignore', 'inherit'],
});
rmSync(folder, { recursive: true });

const sums = [];
const told = (path) => {
  const bytes = readFileSync(path);
  sums.push(`${createHash('sha256').update(bytes).digest('hex')}  ${basename(path)}`);
  say(`${relative(process.cwd(), path) || path}: ${bytes.length} bytes`);
};
told(join(out, name));
const target = join(ROOT, 'target');
for (const [program, make] of [
  ['ringfence-relay', 'relay-static'],
  ['ringfence', 'cli'],
]) {
  for (const triple of existsSync(target) ? readdirSync(target) : []) {
    const built = join(target, triple, 'relay', program);
    if (!existsSync(built)) continue;
    const copy = join(out, `${program}-${version}-${triple}`);
    cpSync(built, copy);
    chmodSync(copy, 0o755);
    told(copy);
  }
  if (!sums.some((line) => line.includes(`  ${program}-${version}-`))) say(`without ${program}: make ${make} builds it`);
}
// Man pages and completions are the same for every machine.
const manual = (existsSync(target) ? readdirSync(target) : [])
  .map((triple) => join(target, triple, 'relay'))
  .find((built) => existsSync(join(built, 'man')) && existsSync(join(built, 'completions')));
if (manual) {
  const archive = join(out, `ringfence-${version}-manual.tar.gz`);
  // The same bytes each time: names in order, no times, nobody's.
  const exact = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--mode=u=rwX,go=rX', '--format=ustar'];
  const tar = execFileSync('tar', [...exact, '-C', manual, '-cf', '-', 'man', 'completions'], { maxBuffer: 64 << 20 });
  writeFileSync(archive, gzipSync(tar, { level: 9 }));
  told(archive);
}
writeFileSync(join(out, 'SHA256SUMS'), `${sums.sort().join('\n')}\n`);
say(
  `${relative(process.cwd(), release) || release}: ${filesOf(release).reduce((sum, file) => sum + statSync(join(release, file)).size, 0)} bytes, a repository for the button`,
);
