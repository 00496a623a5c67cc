// What a vendor calls its parameters, files and events stands in the vendor's folder and nowhere else
// (ARCHITECTURE.md, invariants): whoever adds or mends a vendor touches that folder alone.
//
//   node scripts/vendors.mjs      prints what is named elsewhere; exit 1 if anything is
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { rustFiles, testsAlone } from './rust-source.mjs';

const VENDORS = 'crates/provision/src/vendor';
const ROOTS = [
  'src',
  'crates/cli/src',
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

// Words of our own that a vendor's folder holds too.
const OURS = new Set(['{MAC}', '{mac}', '{MODEL}', '{fwver}', '{MODEL}.cfg', '{MAC}.cfg', '{mac}.cfg', '.enc', 'TIME_ZONE']);

/** The parameters, files and events that a vendor's source names in its texts. */
function named(text) {
  const words = new Set();
  for (const [literal] of text.replace(/\/\/[^\n]*/g, '').matchAll(/"(?:[^"\\]|\\.)*"/g)) {
    for (const [word] of literal.matchAll(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b|[\w{}]*[{.](?:MAC\}|MODEL\}|cfg\b|xml\b|enc\b)[\w{}.]*/g))
      words.add(word);
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
    if (path.startsWith(`${VENDORS}/`) || isTest(path)) continue;
    // Tests may play any vendor's phone.
    const text = readFileSync(path, 'utf8').replace(/#\[cfg\(test\)\]\s*(?:#\[[^\]]*\]\s*)*(?:pub(?:\([^)]*\))? )?mod \w+ \{[\s\S]*/, '');
    for (const [number, line] of text.split('\n').entries()) {
      for (const [word, vendor] of words) {
        const found = word === vendor ? new RegExp(`\\b${word}\\b`, 'i').test(line) : stands(word, line);
        if (found) wrong.push(`${path}:${number + 1}: \`${word}\` is ${vendor}'s: put it into ${VENDORS}/${vendor}`);
      }
    }
  }
}
for (const line of wrong) console.error(line);
process.exit(wrong.length === 0 ? 0 : 1);
