// The floors of src/ (ARCHITECTURE.md, Floors): a module uses what is on floors below its own, and
// nothing beside or above it. The lists in ARCHITECTURE.md are what is held here: there are no others.
// A block that begins with ```floors is about src/, one that begins with ```floors api about src/api/.
//
//   node scripts/floors.mjs [SRC [ARCHITECTURE.md]]      prints each wrong import; exit 1 if there is one
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

import { built, rustFiles } from './rust-source.mjs';

const [src = 'src', document = 'ARCHITECTURE.md'] = process.argv.slice(2);
const wrong = [];

/** For each folder of src/ that has floors: module → floor, counted from the ground. */
function houses(text) {
  const found = new Map();
  for (const [, folder, block] of text.matchAll(/^```floors *(\w*)\n([\s\S]*?)^```$/gm)) {
    const floors = new Map();
    block
      .trim()
      .split('\n')
      .reverse()
      .forEach((line, floor) => {
        for (const name of line.trim().split(/\s+/)) floors.set(name, floor);
      });
    found.set(folder, floors);
  }
  if (!found.has('')) throw new Error(`${document} has no block of floors`);
  return found;
}

/** The names that a text uses of the module at `path` (`crate`, `crate::api`): `path::name`, `path::{name, …}`. */
function* used(text, path) {
  const begin = new RegExp(`\\b${path}::(\\w+|\\{)`, 'g');
  for (const { 1: name, index } of text.matchAll(begin)) {
    if (name !== '{') {
      yield name;
      continue;
    }
    let depth = 0;
    let item = '';
    for (const letter of text.slice(index + path.length + 2)) {
      if (letter === '{') depth += 1;
      else if (letter === '}') depth -= 1;
      if ((letter === ',' && depth === 1) || depth === 0) {
        yield item.trim().match(/^\{?\s*(\w*)/)[1];
        item = '';
      } else item += letter;
      if (depth === 0) break;
    }
  }
}

/** Modules of a folder that only tests compile. */
function testsOnly(root) {
  const declared = readdirSync(root).filter((name) => ['mod.rs', 'lib.rs'].includes(name));
  const text = declared.map((name) => readFileSync(join(root, name), 'utf8')).join('\n');
  return new Set([...text.matchAll(/#\[cfg\(test\)\]\s*(?:pub(?:\([^)]*\))? )?mod (\w+);/g)].map(([, name]) => name));
}

for (const [folder, floor] of houses(readFileSync(document, 'utf8'))) {
  const root = join(src, folder);
  const path = folder ? `crate::${folder}` : 'crate';
  const seen = new Set(['mod']);
  const tests = testsOnly(root);
  for (const file of rustFiles(root)) {
    const module = relative(root, file).split(sep)[0].replace(/\.rs$/, '');
    // The folder's own mod.rs stands above all that is in it; what only tests compile stands nowhere.
    if (module === 'mod' || tests.has(module)) continue;
    seen.add(module);
    if (!floor.has(module)) {
      wrong.push(`${file}: the module ${module} stands on no floor: name it in ${document}`);
      continue;
    }
    for (const other of new Set(used(built(readFileSync(file, 'utf8')), path))) {
      if (other === module || !floor.has(other)) continue;
      if (floor.get(other) >= floor.get(module)) {
        wrong.push(`${file}: ${module} uses ${other}, which is not below it`);
      }
    }
  }
  for (const module of floor.keys()) {
    if (!seen.has(module)) wrong.push(`${document}: there is no module ${module} in ${root}`);
  }
}
for (const line of wrong) console.error(line);
process.exit(wrong.length === 0 ? 0 : 1);
