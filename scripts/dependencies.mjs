// What the crates depend on: every dependency is used where it is declared, comes from crates.io by a
// version, and its licence lets Ringfence be handed out. With `cargo tree --duplicates` in lint.sh this is
// what `cargo deny check bans licenses sources` would look at, without a tool that is compiled for minutes.
//
//   node scripts/dependencies.mjs [MANIFEST…]      prints what is wrong; exit 1 if anything is
//
// A manifest is that of a workspace. The first is looked at with all that it is built from, those
// behind it (which have no Cargo.lock) by their own dependencies alone.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

import { built, rustFiles, spoken, testsAlone } from './rust-source.mjs';

// Each may be part of a program under another licence, without its source. What is new is read first.
const LICENCES = new Set(['Apache-2.0', 'BSD-3-Clause', 'ISC', 'MIT', 'Unicode-3.0', 'Zlib']);

const CRATES_IO = 'registry+https://github.com/rust-lang/crates.io-index';

const [main = 'Cargo.toml', ...others] =
  process.argv.length > 2 ? process.argv.slice(2) : ['Cargo.toml', 'crates/provision/fuzz/Cargo.toml', 'tests/bench/seal-wasm/Cargo.toml'];
const wrong = [];

function run(program, ...args) {
  return execFileSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
}
function metadata(manifest, ...args) {
  return JSON.parse(run('cargo', 'metadata', '--format-version', '1', '--manifest-path', manifest, ...args));
}

/** Whether an SPDX expression can be met by LICENCES alone. */
function mayBeHandedOut(expression) {
  const tokens = expression.replaceAll('/', ' OR ').match(/[()]|[^\s()]+/g) ?? [];
  const one = () => {
    const token = tokens.shift();
    if (token === '(') {
      const inner = any();
      tokens.shift();
      return inner;
    }
    // An exception only ever allows more.
    if (tokens[0] === 'WITH') tokens.splice(0, 2);
    return LICENCES.has(token);
  };
  const all = () => {
    let result = one();
    while (tokens[0] === 'AND') result = (tokens.shift(), one()) && result;
    return result;
  };
  const any = () => {
    let result = all();
    while (tokens[0] === 'OR') result = (tokens.shift(), all()) || result;
    return result;
  };
  return any() && tokens.length === 0;
}

/** The source of a package: what is built from it, and that with its tests. */
function source(folder) {
  const parts = ['src', 'tests', 'benches', 'examples', 'fuzz_targets'].map((name) => join(folder, name)).filter(existsSync);
  const shipped = [];
  const everything = [];
  for (const part of parts) {
    const isTest = testsAlone(part);
    const ships = /(^|\/)(src|fuzz_targets)$/.test(part);
    for (const path of rustFiles(part)) {
      const text = readFileSync(path, 'utf8');
      everything.push(spoken(text));
      if (ships && !isTest(path)) shipped.push(built(text));
    }
  }
  return { normal: shipped.join('\n'), dev: everything.join('\n') };
}

// As a path, `name::…`, or in a `use`. An attribute or macro of a crate comes into scope by one of them.
const uses = (text, crate) => new RegExp(`\\b${crate}::|\\buse ${crate}\\b|\\bextern crate ${crate}\\b`).test(text);

function unused(packages, libraries) {
  for (const { name, manifest_path: manifest, dependencies } of packages) {
    const texts = source(dirname(manifest));
    for (const { name: dependency, rename, kind } of dependencies) {
      // What a build script uses stands in its own folder, and what it lacks does not compile.
      if (kind === 'build') continue;
      const crate = (rename ?? libraries.get(dependency) ?? dependency).replaceAll('-', '_');
      if (!uses(texts[kind ?? 'normal'], crate)) {
        const hint =
          kind === null && uses(texts.dev, crate) ? 'only its tests use it: it belongs to [dev-dependencies]' : 'nothing uses it';
        wrong.push(`${relative('.', manifest)}: ${name} depends on ${dependency}, and ${hint}`);
      }
    }
  }
}

const host = run('rustc', '-vV').match(/^host: (.+)$/m)[1];
const all = metadata(main, '--locked', '--filter-platform', host, '--filter-platform', 'wasm32-unknown-unknown');
const members = new Set(all.workspace_members);
const library = (item) => item.targets.find(({ kind }) => kind.some((word) => /lib|proc-macro/.test(word)))?.name;
unused(
  all.packages.filter(({ id }) => members.has(id)),
  new Map(all.packages.map((item) => [item.name, library(item)])),
);
for (const manifest of others) unused(metadata(manifest, '--no-deps').packages, new Map());

for (const { name, version, license, source, dependencies } of all.packages) {
  // No source: a crate of the workspace.
  if (source !== null && source !== CRATES_IO) wrong.push(`${name} ${version} comes from ${source}, which is not crates.io`);
  for (const { name: dependency, req, path } of source === null ? dependencies : []) {
    if (req === '*' && path === undefined) wrong.push(`${name} depends on any version of ${dependency}: name one`);
  }
  if (!license || !mayBeHandedOut(license)) {
    wrong.push(
      `${name} ${version} is under ${license ?? 'a licence that it does not name'}: scripts/dependencies.mjs lists what may be handed out`,
    );
  }
}

for (const line of wrong) console.error(line);
process.exit(wrong.length === 0 ? 0 : 1);
