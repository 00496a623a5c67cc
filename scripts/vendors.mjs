// What a vendor calls its parameters, files and events stands in the vendor's folder and nowhere else
// (ARCHITECTURE.md, invariants): whoever adds or mends a vendor touches that folder alone. No vendor's folder takes code of another's.
//
//   node scripts/vendors.mjs      prints what is named elsewhere; exit 1 if anything is
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { testsAlone, untested } from './rust-source.mjs';

const VENDORS = 'crates/provision/src/vendor';
const SETTINGS = 'crates/provision/src/vocabulary/settings.rs';
const ROOTS = [
  'src',
  'crates/api/src',
  'crates/cli/src',
  'crates/console/src',
  'crates/console/templates',
  'crates/console/assets',
  'crates/console/editor',
  'crates/import/src',
  'crates/json/src',
  'crates/provision/src',
  'crates/sip-notify/src',
  'crates/queue/src',
  'crates/wire/src',
  'crates/sql/src',
  'crates/relay/src',
  'crates/sender/src',
  'migrations',
  'npm/bin',
  'npm/lib',
];

/** What is built into the product or goes with it: code, pages, templates, the database's schema, examples. */
const READ = /\.(?:rs|js|mjs|html|txt|xml|j2|sql|css|svg|toml)$/;

/**
 * Files that may name a vendor's words, each with why. A migration that has landed never changes: none names such a word
 * today, and one in which a new vendor's word happens to stand belongs here.
 */
const MAY = new Map([
  ['crates/relay/src/cli.rs', 'A tool that an operator uses by hand, with no vendor around: its default event is the commonest.'],
  ['npm/lib/demo.mjs', 'It plays a phone of one vendor for whoever tries the package.'],
  [`${VENDORS}/mod.rs`, 'It lists the vendors.'],
  [`${VENDORS}/conduct.rs`, 'Its example asks about a phone of one vendor.'],
  [`${VENDORS}/guess.rs`, 'Its example is what a phone of one vendor calls itself.'],
  [`${VENDORS}/p_values.rs`, 'Two vendors have numbered parameters, and their folders share how these are read.'],
]);

// Words of our own that a vendor's folder holds too.
const OURS = new Set(['{MAC}', '{mac}', '{MODEL}', '{fwver}', '{MODEL}.cfg', '{MAC}.cfg', '{mac}.cfg', '.enc', 'TIME_ZONE']);

/** What parameters, files and events look like. */
const WORDS = [
  // A parameter in capitals; a file by its macro or its extension.
  /\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b|[\w{}]*[{.](?:MAC\}|MODEL\}|cfg\b|xml\b|enc\b)[\w{}.]*/g,
  // A parameter that is a number, one of words, one of words with full stops between them.
  /\bP\d{2,5}\b/g,
  /\b[A-Z][A-Za-z0-9]*(?:_[A-Z][A-Za-z0-9]*)+_?\b/g,
  /\b[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+){2,}\b/g,
  // One of words without anything between them.
  /\b[A-Z][a-z0-9]+(?:[A-Z][A-Za-z0-9]*)+\b/g,
  // An event, as a record says it.
  /^"(?:[a-z]+-sync|resync|restart_now|reboot_now|[a-z-]+;reboot=[a-z]+)"$/g,
];

/** A parameter in small letters, with `_` between its words: the whole of a text, with holes for numbers and a number behind a full stop. */
const SMALL = /^([a-z][a-z0-9]+(?:_(?:[a-z0-9]|\{\w+\})+|\{\w+\})+)(?:\.\{?\w+\}?)?$/;

/** A parameter with full stops and a hole between its words. */
const WITH_HOLES = /^[A-Za-z]\w*(?:\.[\w{}]+){2,}$/;

/** The settings of the vocabulary, and the words that stand behind `line_{n}_` in one. */
function ofVocabulary() {
  const source = existsSync(SETTINGS) ? readFileSync(SETTINGS, 'utf8') : '';
  const names = [...source.matchAll(/"([a-z][a-z_{}]+)"/g)].map(([, name]) => name);
  return new Set(names.flatMap((name) => [name, name.replace(/^\w+\{n\}_/, '')]));
}
const vocabulary = ofVocabulary();

/** The parameters, files and events that a text of a vendor's source names. */
function* named(literal) {
  for (const pattern of WORDS) for (const [word] of literal.matchAll(pattern)) yield word;
  const inner = literal.slice(1, -1);
  if (WITH_HOLES.test(inner) && inner.includes('{')) yield inner;
  const [, small] = SMALL.exec(inner) ?? [];
  // What begins with `line_` is the beginning of a setting's name.
  if (!small || vocabulary.has(small) || small.startsWith('line_')) return;
  yield small;
  // Some vendors write them with blanks. Two words may be anybody's.
  if (small.split('_').length > 2) yield small.replaceAll('_', ' ');
}

/** The texts of a vendor's file: those of Rust source; of a template the names of elements and of lines, as if each stood in quotes. */
function texts(path) {
  const source = readFileSync(path, 'utf8');
  if (path.endsWith('.rs')) return [...source.replace(/\/\/[^\n]*/g, '').matchAll(/"(?:[^"\\]|\\.)*"/g)].map(([text]) => text);
  const frame = source.replace(/\{#[\s\S]*?#\}/g, '').replace(/\{[{%][\s\S]*?[%}]\}/g, '');
  const elements = [...frame.matchAll(/<([A-Za-z]\w*)|name="([^"]+)"/g)].map(([, element, name]) => element ?? name);
  const lines = [...frame.matchAll(/^(\w+(?: \w+)*):/gm)].map(([, name]) => name);
  return [...elements, ...lines].map((name) => `"${name}"`);
}

/** Every file below a folder, or the file itself. */
function* files(path) {
  if (!statSync(path).isDirectory()) return yield path;
  for (const name of readdirSync(path).sort()) yield* files(join(path, name));
}

/** Whether `word` stands in `line`, also with what a phone puts before or behind it (`_1`), but not as a piece of a longer word. */
const stands = (word, line) =>
  line
    .split(word)
    .slice(1)
    .some((rest) => !/^[A-Za-z]/.test(rest));

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** How a word is found: whole, with a number or a hole in each of its holes, if it is in small letters or has full stops between. */
function finder(word) {
  const isWhole = /^[a-z][a-z0-9_{} ]*$/.test(word) || (WITH_HOLES.test(word) && word.includes('{'));
  if (!isWhole) return (line) => stands(word, line);
  const pieces = word.split(/\{\w+\}/).map(escaped);
  const whole = new RegExp(`(?<![\\w.])${pieces.join('(?:\\d+|\\{\\w*\\})')}(?!\\w)`);
  return (line) => whole.test(line);
}

const vendors = readdirSync(VENDORS).filter((name) => statSync(join(VENDORS, name)).isDirectory());
const words = new Map();
for (const vendor of vendors) {
  for (const path of files(join(VENDORS, vendor))) {
    if (!/\.(?:rs|j2)$/.test(path)) continue;
    for (const text of texts(path))
      for (const word of named(text)) if (!OURS.has(word)) words.set(word, { vendor, begin: word.split('{')[0] || word, is: finder(word) });
    // A line's name may have blanks.
    if (path.endsWith('.j2'))
      for (const text of texts(path).filter((it) => it.includes(' '))) {
        const word = text.slice(1, -1);
        words.set(word, { vendor, begin: word, is: finder(word) });
      }
  }
  const itself = new RegExp(`\\b${vendor}\\b`, 'i');
  words.set(vendor, { vendor, begin: vendor, is: (line) => itself.test(line) });
}

/** The vendor in whose folder a file is, if it is in one. */
const ownerOf = (path) => vendors.find((vendor) => path.startsWith(`${VENDORS}/${vendor}/`));

const isRead = (path) => READ.test(path) && !path.endsWith('.min.js') && ownerOf(path) === undefined && !MAY.has(path);

const wrong = [];
for (const root of ROOTS.filter(existsSync)) {
  const isTest = testsAlone(root);
  for (const path of files(root)) {
    if (!isRead(path) || isTest(path)) continue;
    // Tests may play any vendor's phone.
    const source = readFileSync(path, 'utf8');
    const text = path.endsWith('.rs') ? untested(source) : source;
    const lower = text.toLowerCase();
    const near = [...words].filter(([, { begin }]) => lower.includes(begin.toLowerCase()));
    for (const [number, line] of near.length === 0 ? [] : text.split('\n').entries()) {
      const isComment = /^\s*\/\//.test(line);
      for (const [word, { vendor, is }] of near) {
        // An event in quotes is one in the code; a comment may have it in an example.
        if (isComment && word.startsWith('"')) continue;
        if (is(line)) wrong.push(`${path}:${number + 1}: \`${word}\` is ${vendor}'s: put it into ${VENDORS}/${vendor}`);
      }
    }
  }
}
// What two vendors have in common stands beside their folders: whoever mends one of them must not change the other's phones.
// Words are no sign of it, for many vendors have a `Display_Name`.
for (const vendor of vendors) {
  const others = vendors.filter((other) => other !== vendor).join('|');
  // Also from a list in braces, over several lines.
  const taken = new RegExp(`\\b(?:vendor|super)::(?:\\{(?:[^{}]|\\{[^{}]*\\})*?[\\s,{])?(${others || '(?!)'})\\b`, 'g');
  for (const path of files(join(VENDORS, vendor))) {
    if (!path.endsWith('.rs')) continue;
    const text = untested(readFileSync(path, 'utf8')).replaceAll(/^[ \t]*\/\/.*$/gm, '');
    for (const { 1: other, index } of text.matchAll(taken)) {
      const line = text.slice(0, index).split('\n').length;
      wrong.push(`${path}:${line}: it takes what is ${other}'s: put what both have into ${VENDORS}`);
    }
  }
}
for (const line of wrong) console.error(line);
process.exit(wrong.length === 0 ? 0 : 1);
