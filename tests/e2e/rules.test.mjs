// The rules of scripts/ that read the source: each finds what it is there for, planted in a small copy.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';

import { ROOT } from '../support/config.mjs';

const made = [];
after(() => made.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

function planted(files) {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-rules-'));
  made.push(folder);
  for (const [name, text] of Object.entries(files).filter(([, text]) => text !== undefined)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}
function rule(script, folder, ...args) {
  // Otherwise Cargo tells when it waits for another one.
  const env = { ...process.env, CARGO_TERM_QUIET: 'true' };
  const { status, stdout, stderr } = spawnSync('node', [join(ROOT, 'scripts', script), ...args], { cwd: folder, encoding: 'utf8', env });
  return { status, said: stdout + stderr };
}

describe('the floors of src/', () => {
  const HOUSE = { 'ARCHITECTURE.md': '```floors\nlib\nphone api\nstore\n```\n', 'src/lib.rs': 'use crate::{api, phone};\n' };
  const floors = (files) => rule('floors.mjs', planted({ ...HOUSE, 'src/phone.rs': '', 'src/api.rs': '', 'src/store.rs': '', ...files }));

  it('let a module use what is below it', () => {
    assert.deepEqual(floors({ 'src/phone.rs': 'use crate::store::Change;\n' }), { status: 0, said: '' });
  });

  it('find an import that goes up, and one that goes sideways', () => {
    const up = floors({ 'src/store.rs': 'use crate::api::Problem;\n' });
    assert.equal(up.status, 1);
    assert.match(up.said, /src\/store\.rs: store uses api, which is not below it/);
    assert.match(floors({ 'src/phone.rs': 'use crate::{api::Problem, store};\n' }).said, /phone uses api/);
  });

  it('find one behind what looks like a comment or the beginning of a text', () => {
    for (const before of [
      'let a = "https://x.example";',
      "let a = '\"';",
      'let a = r#"a"b"#;',
      'let a = "\\"";',
      "fn f<'a>(a: &'a str) {}",
    ]) {
      assert.match(floors({ 'src/store.rs': `${before}\nfn b() { crate::api::c("d"); }\n` }).said, /store uses api/, before);
    }
  });

  it('do not read comments, texts and tests', () => {
    const quiet = '// crate::api\n/* crate::api */\nconst A: &str = "crate::api";\n#[cfg(test)]\nmod tests {\n    use crate::api;\n}\n';
    assert.equal(floors({ 'src/store.rs': quiet }).status, 0);
  });

  it('read what stands behind a module of tests', () => {
    const tests = '#[cfg(test)]\nmod tests {\n    fn a() {\n        b("}");\n    }\n}\n';
    for (const behind of ['use crate::api::Problem;', 'fn c() { crate::api::d(); }\n']) {
      assert.match(floors({ 'src/store.rs': `${tests}\n${behind}` }).said, /store uses api/, behind);
      assert.match(floors({ 'src/store.rs': `#[cfg(test)]\nmod tests {}\n${behind}\nfn e() {\n}\n` }).said, /store uses api/, behind);
    }
  });

  it('know by its place what a file calls `super`', () => {
    const above = { 'src/store.rs': 'mod rows;\n', 'src/store/rows.rs': 'use super::super::api::Problem;\n' };
    assert.match(floors(above).said, /src\/store\/rows\.rs: store uses api, which is not below it/);
    assert.match(floors({ 'src/store.rs': 'use super::{lib, api::{Call, Problem}};\n' }).said, /store uses api/);
    assert.equal(floors({ ...above, 'src/store/rows.rs': 'use super::super::store::api;\nuse super::api;\n' }).said, '');
  });

  it('let nothing use what stands in the root of its folder', () => {
    const doc = { 'ARCHITECTURE.md': `${HOUSE['ARCHITECTURE.md']}\n\`\`\`floors api\nroutes\n\`\`\`\n`, 'src/api.rs': undefined };
    const inside = (routes) => floors({ ...doc, 'src/api/mod.rs': 'mod routes;\nfn health() {}\n', 'src/api/routes.rs': routes });
    assert.match(inside('use crate::api::health;\n').said, /routes uses what stands in the root of its folder/);
    assert.equal(inside('use crate::store::Change;\n').said, '');
  });

  it('know every module', () => {
    assert.match(floors({ 'src/attic.rs': '' }).said, /the module attic stands on no floor/);
  });
});

describe('the circles of src/', () => {
  const FLOORS = '```floors\nlib\nphone\n```\n';
  /** What is said of a folder with these files, where the document has these rows. */
  function circles(files, rows = '') {
    const inside = Object.entries(files).map(([name, text]) => [`src/phone/${name}.rs`, text]);
    const table = rows && `\n## Circles\n\n| folder | modules | why |\n|---|---|---|\n${rows}\n\n## Next\n`;
    return rule(
      'floors.mjs',
      planted({ 'ARCHITECTURE.md': FLOORS + table, 'src/lib.rs': '', 'src/phone/mod.rs': '', ...Object.fromEntries(inside) }),
    );
  }
  const found = (files) => circles(files).said.match(/^src\/(.*): they use each other in a circle/m)?.[1];
  const ROUND = { a: 'use super::b::B;\n', b: 'use crate::phone::{c, d};\n', c: 'fn c() { super::a::a(); }\n', d: '' };

  it('let files use each other one way', () => {
    assert.deepEqual(circles({ ...ROUND, c: 'use super::d;\n' }), { status: 0, said: '' });
  });

  it('find one of two files and of three, however they name each other', () => {
    assert.equal(circles(ROUND).status, 1);
    assert.equal(found(ROUND), 'phone: a, b, c');
    for (const back of ['use super::a;', 'use super::{d, a::{A, B}};', 'use crate::phone::a::*;', 'fn b() { crate::phone::a::a() }']) {
      assert.equal(found({ a: 'use super::b;\n', b: `${back}\n`, d: '' }), 'phone: a, b', back);
    }
  });

  it('find one that goes by what mod.rs passes on, and one by what stands in it', () => {
    const passed = { mod: 'mod a;\nmod b;\npub use b::B;\n', a: 'use super::B;\n', b: 'use super::a::A;\n' };
    assert.equal(found(passed), 'phone: a, b');
    assert.equal(found({ ...passed, a: 'use super::*;\n' }), 'phone: a, b');
    assert.equal(circles({ ...passed, b: '' }).said, '');
    const own = { mod: 'mod a;\npub struct Request;\nfn answer() { a::decide(); }\n', a: 'use super::Request;\n' };
    assert.equal(found(own), 'phone: a, mod');
    assert.equal(found({ ...own, mod: 'mod a;\npub use a::A;\npub struct Request;\nfn answer() -> A {}\n' }), 'phone: a, mod');
    assert.equal(circles({ ...own, mod: 'pub mod a;\npub struct Request;\n' }).said, '');
  });

  it('find one in a folder within a folder, and take a folder for one file', () => {
    const deep = { 'event/mod': '', 'event/a': 'use super::b;\n', 'event/b': 'use crate::phone::event::a;\n' };
    assert.equal(found(deep), 'phone/event: a, b');
    assert.equal(found({ 'event/mod': '', 'event/a': 'use super::super::deed;\n', deed: 'use super::event::E;\n' }), 'phone: deed, event');
  });

  it('do not read tests', () => {
    assert.equal(circles({ a: 'use super::b;\n', b: '#[cfg(test)]\nmod tests {\n    use crate::phone::a;\n}\n' }).said, '');
    const file = { 'event/mod': '#[cfg(test)]\nmod tests;\n', 'event/tests': 'use crate::phone::deed;\n', deed: 'use super::event::E;\n' };
    assert.equal(circles(file).said, '');
    assert.equal(found({ ...file, 'event/mod': 'mod tests;\n' }), 'phone: deed, event');
  });

  it('let one be for which the document has a reason, as it is', () => {
    const row = '| `phone` | `a`, `b`, `c` | They are one type. |';
    assert.deepEqual(circles(ROUND, row), { status: 0, said: '' });
    assert.match(circles(ROUND, '| `phone` | `a`, `b`, `c` |  |').said, /they use each other in a circle/);
    const other = circles(ROUND, '| `phone` | `a`, `b` | They are one type. |').said;
    assert.match(other, /src\/phone: a, b, c: they use each other/);
    assert.match(other, /Circles lists phone: a, b, and there is no such circle/);
    assert.match(circles({ a: '' }, row).said, /Circles lists phone: a, b, c, and there is no such circle/);
  });
});

describe('the rule of vendors', () => {
  const FOLDER = 'crates/provision/src/vendor';
  const HOUSE = {
    [`${FOLDER}/acme/mod.rs`]: [
      'const A: &str = "ACME_KEY_1";',
      'const B: &str = "acme{MAC}.cfg";',
      'const C: [&str; 4] = ["acme_line{n}_user", "acme_dial_plan", "acme.{n}.server", "AcmeServerPath"];',
      'const E: [&str; 2] = ["odd_dial_plan", "odd.{n}.server"];',
      // A setting of the vocabulary is everybody's.
      'const D: [&str; 2] = ["line_{n}_auth_user", "auth_user"];',
      '',
    ].join('\n'),
    [`${FOLDER}/acme/templates/standard.j2`]: '{# acme #}\n<NotifyAcme>{{ standard_x }}</NotifyAcme>\nacme server: x\n',
    'crates/provision/src/vocabulary/settings.rs': 'const A: &str = "line_{n}_auth_user";\n',
    'src/lib.rs': 'fn a() { b("{MODEL}.cfg"); }\n',
  };
  const vendors = (files) => rule('vendors.mjs', planted({ ...HOUSE, ...files }));

  it('lets a vendor name what is its own, and tests play any phone', () => {
    const tests = 'fn a() {}\n#[cfg(test)]\nmod tests {\n    const A: &str = "ACME_KEY_1";\n}\n';
    assert.deepEqual(vendors({ 'src/phone.rs': tests }), { status: 0, said: '' });
  });

  it('finds a name of words in small letters, with its holes, with full stops and with blanks, and one of a template', () => {
    for (const word of [
      'acme_line{n}_user',
      'acme_line1_user',
      'acme line2 user',
      'acme_dial_plan',
      'acme dial plan',
      'acme.1.server',
      'acme.{z}.server',
      'AcmeServerPath',
      'NotifyAcme',
      'acme server',
    ]) {
      const { status, said } = vendors({ 'src/phone.rs': `fn a() { b("${word}"); }\n` });
      assert.equal(status, 1, word);
      assert.match(said, /^src\/phone\.rs:1: `[^`]*` is acme's/m, word);
    }
  });

  it('lets be what is ours, and what is a piece of a longer name', () => {
    const said = (word) => vendors({ 'src/phone.rs': `fn a() { b("${word}"); }\n` });
    for (const word of ['odd_dial_plan', 'odd.2.server']) assert.equal(said(word).status, 1, word);
    for (const word of ['auth_user', 'line_{n}_auth_user', 'my_odd_dial_plan', 'odd_dial_planner', 'x.odd.2.server', 'dial plan'])
      assert.deepEqual(said(word), { status: 0, said: '' }, word);
  });

  it('reads pages, templates, scripts and migrations too, and no script of somebody else', () => {
    for (const path of [
      'src/phone.js',
      'crates/console/templates/part/field.html',
      'crates/console/templates/mail.txt',
      'crates/console/templates/feed.xml',
      'crates/console/assets/console.js',
      'crates/console/editor/editor.js',
      'migrations/0024_next.sql',
      'npm/lib/dev.mjs',
    ]) {
      const { status, said } = vendors({ [path]: '\nACME_KEY_1\n' });
      assert.equal(status, 1, path);
      assert.ok(said.startsWith(`${path}:2: \`ACME_KEY_1\` is acme's`), said);
    }
    const others = {
      'crates/console/assets/some.min.js': 'ACME_KEY_1\n',
      'npm/lib/demo.mjs': 'ACME_KEY_1\n',
      'docs/phones/acme.md': 'ACME_KEY_1\n',
    };
    assert.deepEqual(vendors(others), { status: 0, said: '' });
  });

  it('reads what stands behind a module of tests, and says the line', () => {
    const tests = '#[cfg(test)]\nmod tests {\n    fn a() {}\n}\nfn b() { c("ACME_KEY_1"); }\n';
    assert.match(vendors({ 'src/phone.rs': tests }).said, /^src\/phone\.rs:5: `ACME_KEY_1` is acme's/m);
  });

  it('finds a parameter, a file and the vendor itself elsewhere, in code, texts and comments', () => {
    for (const line of ['fn a() { b("ACME_KEY_1"); }', '/// Asks for acme{MAC}.cfg.', 'use crate::vendor::acme;']) {
      const { status, said } = vendors({ 'src/phone.rs': `${line}\n` });
      assert.equal(status, 1, line);
      assert.match(said, /^src\/phone\.rs:1: `.*` is acme's: put it into crates\/provision\/src\/vendor\/acme$/m);
    }
  });

  it('finds what stands beside the folders of vendors, but for the list of vendors', () => {
    const found = vendors({ [`${FOLDER}/shared.rs`]: 'const A: &str = "ACME_KEY_1";\n' });
    assert.match(found.said, /^crates\/provision\/src\/vendor\/shared\.rs:1: `ACME_KEY_1` is acme's/m);
    assert.deepEqual(vendors({ [`${FOLDER}/mod.rs`]: 'pub mod acme;\n' }), { status: 0, said: '' });
  });

  it('finds code that one vendor takes from another, and no word that both have', () => {
    for (const line of [
      'use crate::vendor::acme::A;',
      'use super::super::acme::A;',
      'use crate::vendor::{Spec, acme};',
      'fn a() { crate::vendor::acme::b() }',
    ]) {
      const { status, said } = vendors({ [`${FOLDER}/odd/lint.rs`]: `// Like Acme.\n${line}\n` });
      assert.equal(status, 1, line);
      assert.match(said, /^crates\/provision\/src\/vendor\/odd\/lint\.rs:2: it takes what is acme's/m, line);
    }
    const own = 'const A: &str = "ACME_KEY_1";\nuse crate::vendor::odd::A;\n// As crate::vendor::acme has it.\n';
    assert.deepEqual(vendors({ [`${FOLDER}/odd/lint.rs`]: own }), { status: 0, said: '' });
  });
});

describe('the rule of the pages for operators', () => {
  const SECTIONS = [
    ['Pointing the phone at Ringfence', 'A URL.'],
    ['First boot', 'A name.'],
    ['Sealing', 'None.'],
    ['Re-key', 'There is no key.'],
    ['Settings', '### Of lines\n\nNames.'],
    ['Time', 'Minutes.'],
    ['NOTIFY', 'An event.'],
    ['HTTPS', 'Certificates.'],
    ['What is not verified', 'All of it.\n\n**Not found**: the cipher.'],
  ];
  const page = (sections = SECTIONS, first = 'Its phones. **Nothing was tried on a handset.**') =>
    `# Acme\n\n${first}\n\n${sections.map(([title, text]) => `## ${title}\n\n${text}\n`).join('\n')}`;
  const pages = (text, files = {}) =>
    rule(
      'pages.mjs',
      planted({
        'crates/provision/src/vendor/acme/mod.rs': '',
        'docs/phones/acme.md': text,
        'docs/first-phone.md': '[Acme](phones/acme.md)\n',
        ...files,
      }),
    );
  const withSection = (at, title, text) => SECTIONS.with(at, [title, text]);

  it('is content with a page that has each section', () => {
    assert.deepEqual(pages(page()), { status: 0, said: '' });
  });

  it('finds a section that is missing, one too many, one in another place, and one that says nothing', () => {
    for (const sections of [
      SECTIONS.toSpliced(3, 1),
      [...SECTIONS, ['Base stations', 'More.']],
      [...SECTIONS.slice(1), SECTIONS[0]],
      withSection(1, 'What it asks', 'A name.'),
    ]) {
      const { status, said } = pages(page(sections));
      assert.equal(status, 1);
      assert.match(said, /^docs\/phones\/acme\.md: its sections are /m);
    }
    assert.equal(pages(page(withSection(4, 'Settings', '### Of lines'))).said, 'docs/phones/acme.md: Settings says nothing\n');
  });

  it('finds a page that does not say what nobody knows, or has no first paragraph', () => {
    assert.match(pages(page(withSection(8, 'What is not verified', 'All of it.'))).said, /does not say what was not found/);
    assert.match(pages(page(SECTIONS, 'Its phones.')).said, /does not say whether it was tried on a handset/);
    assert.match(pages(page(SECTIONS, '| a | b |')).said, /below its title is no paragraph/);
  });

  it('finds a vendor without a page, a page without a vendor, and one that nothing leads to', () => {
    assert.match(pages(page(), { 'crates/provision/src/vendor/other/mod.rs': '' }).said, /docs\/phones\/other\.md: the vendor has no page/);
    assert.match(pages(page(), { 'docs/phones/other.md': page() }).said, /docs\/phones\/other\.md: there is no vendor other/);
    assert.match(pages(page(), { 'docs/first-phone.md': 'Phones.\n' }).said, /docs\/first-phone\.md: it does not lead to/);
  });
});

describe('the rule of dependencies', () => {
  const manifest = (name, more = '', licence = 'Apache-2.0') =>
    `[package]\nname = "${name}"\nversion = "0.1.0"\nedition = "2024"\nlicense = "${licence}"\n${more}`;
  /** A package that depends on `some-help`, with the given source and licence of that. */
  function dependencies(files, { licence, table = 'dependencies' } = {}) {
    const folder = planted({
      'Cargo.toml': manifest('app', `[${table}]\nsome-help = { path = "help" }\n[workspace]\nmembers = ["help"]\n`),
      'Cargo.lock': `version = 4\n\n[[package]]\nname = "app"\nversion = "0.1.0"\ndependencies = [\n "some-help",\n]\n\n[[package]]\nname = "some-help"\nversion = "0.1.0"\n`,
      'src/lib.rs': '',
      'help/Cargo.toml': manifest('some-help', '', licence),
      'help/src/lib.rs': '',
      ...files,
    });
    return rule('dependencies.mjs', folder, 'Cargo.toml');
  }
  const USE = 'pub fn a() { some_help::b(); }\n';

  it('is content with what is used', () => {
    assert.deepEqual(dependencies({ 'src/lib.rs': USE }), { status: 0, said: '' });
    assert.equal(dependencies({ 'tests/a.rs': USE }, { table: 'dev-dependencies' }).status, 0);
  });

  it('finds what nothing uses, and what only tests use', () => {
    const unused = dependencies({ 'src/lib.rs': '// some_help::b()\npub const A: &str = "some_help::b";\n' });
    assert.equal(unused.status, 1);
    assert.match(unused.said, /app depends on some-help, and nothing uses it/);
    for (const files of [
      { 'src/lib.rs': `#[cfg(test)]\nmod tests {\n${USE}}\n` },
      { 'src/lib.rs': '#[cfg(test)]\nmod tests;\n', 'src/tests.rs': USE },
      { 'tests/a.rs': USE },
    ]) {
      assert.match(dependencies(files).said, /only its tests use it/);
    }
  });

  it('reads licences: each part of an AND, one part of an OR', () => {
    const said = (licence) => dependencies({ 'src/lib.rs': USE }, { licence }).said;
    for (const licence of [
      'MIT',
      'GPL-3.0-only OR MIT',
      '(MIT OR GPL-3.0-only) AND ISC',
      'Apache-2.0 WITH LLVM-exception',
      'GPL-2.0 OR MIT',
    ]) {
      assert.equal(said(licence), '', licence);
    }
    for (const licence of ['GPL-3.0-only', 'MIT AND GPL-3.0-only', '(MIT OR ISC) AND GPL-3.0-only', 'GPL-3.0-only WITH MIT']) {
      assert.match(said(licence), /some-help 0\.1\.0 is under .*: scripts\/dependencies\.mjs lists/, licence);
    }
  });
});

describe('the rule of prose', () => {
  const prose = (files) => rule('prose.mjs', planted(files));

  it('is content with what says what it means', () => {
    const quiet = [
      '/// Reads a body.\n///\n/// # Errors\n/// The body is longer than `limit`.\nfn read() {}\n',
      '// So long as a relay is there, no source says it in so many words.\n',
    ];
    for (const text of quiet) assert.deepEqual(prose({ 'src/a.rs': text }), { status: 0, said: '' }, text);
    assert.equal(prose({ 'migrations/1.sql': '-- so many\n' }).said, '');
  });

  it('finds a number that stands elsewhere, in comments and in texts, over two lines too', () => {
    const places = {
      'src/a.rs': 'const A: &str = "Wait so long.";\n',
      'crates/b/src/b.rs': '/// Waits so\n/// many seconds.\n',
      'tests/c.mjs': '// For so many days.\n',
      'scripts/d.sh': '# after so long\n',
      'crates/e/templates/e.html': '<p>So many.</p>\n',
    };
    for (const [path, text] of Object.entries(places)) {
      const { status, said } = prose({ [path]: text });
      assert.equal(status, 1, path);
      assert.match(said, /^(\S+):1: 'so (many|long)': say what the number is, and its unit\n$/, path);
      assert.ok(said.startsWith(path), said);
    }
  });

  it('finds a section of errors that begins with a pronoun', () => {
    const text = (first) => `/// Reads a time.\n///\n/// # Errors\n/// ${first}\nfn read() {}\n`;
    assert.match(prose({ 'src/a.rs': text('It is none.') }).said, /^src\/a\.rs:3: a section # Errors begins with 'It'/);
    assert.match(prose({ 'crates/a/src/a.rs': text('They cannot be written.') }).said, /begins with 'They'/);
    assert.equal(prose({ 'src/a.rs': text('Items are missing.') }).said, '');
  });
});
