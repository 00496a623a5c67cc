// What a vendor calls its parameters, files and events stands in the vendor's folder and nowhere else
// (ARCHITECTURE.md, invariants): whoever adds or mends a vendor touches that folder alone.
//
//   node scripts/vendors.mjs      prints what is named elsewhere; exit 1 if anything is
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { rustFiles, testsAlone, untested } from './rust-source.mjs';

const VENDORS = 'crates/provision/src/vendor';
const ROOTS = [
  'src',
  'crates/api/src',
  'crates/cli/src',
  'crates/console/src',
  'crates/import/src',
  'crates/json/src',
  'crates/provision/src',
  'crates/sip-notify/src',
  'crates/queue/src',
  'crates/wire/src',
  'crates/sql/src',
  'crates/relay/src',
  'crates/sender/src',
];

/** A tool that an operator uses by hand, with no vendor around: its default event is the commonest. */
const BY_HAND = 'crates/relay/src/cli.rs';

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
  // An event, as a record says it.
  /^"(?:[a-z]+-sync|resync|restart_now|reboot_now|[a-z-]+;reboot=[a-z]+)"$/g,
];

/** The parameters, files and events that a vendor's source names in its texts. */
function named(text) {
  const words = new Set();
  for (const [literal] of text.replace(/\/\/[^\n]*/g, '').matchAll(/"(?:[^"\\]|\\.)*"/g)) {
    for (const pattern of WORDS) for (const [word] of literal.matchAll(pattern)) words.add(word);
  }
  return words;
}

/** Whether `word` stands in `line`, also with what a phone puts before or behind it (`_1`), but not as a piece of a longer word. */
const stands = (word, line) =>
  line
    .split(word)
    .slice(1)
    .some((rest) => !/^[A-Za-z]/.test(rest));

const vendors = readdirSync(VENDORS).filter((name) => statSync(join(VENDORS, name)).isDirectory());
const words = new Map();
for (const vendor of vendors) {
  for (const path of rustFiles(join(VENDORS, vendor))) {
    for (const word of named(readFileSync(path, 'utf8'))) if (!OURS.has(word)) words.set(word, vendor);
  }
  words.set(vendor, vendor);
}

const wrong = [];
for (const root of ROOTS.filter(existsSync)) {
  const isTest = testsAlone(root);
  for (const path of rustFiles(root)) {
    if (path.startsWith(`${VENDORS}/`) || path === BY_HAND || isTest(path)) continue;
    // Tests may play any vendor's phone.
    const text = untested(readFileSync(path, 'utf8'));
    const lower = text.toLowerCase();
    const near = [...words].filter(([word]) => lower.includes(word.toLowerCase()));
    for (const [number, line] of near.length === 0 ? [] : text.split('\n').entries()) {
      const isComment = /^\s*\/\//.test(line);
      for (const [word, vendor] of near) {
        // An event in quotes is one in the code; a comment may have it in an example.
        if (isComment && word.startsWith('"')) continue;
        const found = word === vendor ? new RegExp(`\\b${word}\\b`, 'i').test(line) : stands(word, line);
        if (found) wrong.push(`${path}:${number + 1}: \`${word}\` is ${vendor}'s: put it into ${VENDORS}/${vendor}`);
      }
    }
  }
}
for (const line of wrong) console.error(line);
process.exit(wrong.length === 0 ? 0 : 1);
