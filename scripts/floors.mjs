// The floors of src/ (ARCHITECTURE.md, Floors): a module uses what is on floors below its own, and
// nothing beside or above it. The list in ARCHITECTURE.md is what is held here: there is no other.
//
//   node scripts/floors.mjs [SRC [ARCHITECTURE.md]]      prints each wrong import; exit 1 if there is one
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

const [src = 'src', document = 'ARCHITECTURE.md'] = process.argv.slice(2);

/** Module → floor, counted from the ground. */
function floors(text) {
  const block = text.match(/^```floors\n([\s\S]*?)^```$/m);
  if (!block) throw new Error(`${document} has no block of floors`);
  const lines = block[1].trim().split('\n').reverse();
  const found = new Map();
  lines.forEach((line, floor) => {
    for (const name of line.trim().split(/\s+/)) found.set(name, floor);
  });
  return found;
}

function* files(folder) {
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* files(path);
    else if (name.endsWith('.rs')) yield path;
  }
}

/** Source without comments, without texts, and without what only tests compile. */
function bare(source) {
  const text = source
    .replace(/\/\/[^\n]*/g, '')
    .replace(/"(?:[^"\\]|\\[\s\S])*"/g, '""');
  return text.replace(/#\[cfg\(test\)\]\s*(?:pub(?:\([^)]*\))? )?mod \w+ \{[\s\S]*/, '');
}

/** What follows `crate::` in a text: names of modules of the first level. */
function* used(text) {
  for (const { 1: name } of text.matchAll(/\bcrate::(\w+)/g)) yield name;
  for (const { index } of text.matchAll(/\bcrate::\{/g)) {
    let depth = 0;
    let name = '';
    for (const letter of text.slice(index + 'crate::'.length)) {
      if (letter === '{') depth += 1;
      if (letter === '}') depth -= 1;
      if (depth === 1 && /\w/.test(letter)) name += letter;
      else if (depth <= 1 && name) {
        yield name;
        name = '';
      }
      if (depth === 1 && letter === ':') name = '::';
      if (name.startsWith('::')) name = letter === ',' ? '' : '::';
      if (depth === 0) break;
    }
  }
}

const floor = floors(readFileSync(document, 'utf8'));
const wrong = [];
const seen = new Set();
for (const path of files(src)) {
  const [first] = relative(src, path).split(sep);
  const module = first.replace(/\.rs$/, '');
  seen.add(module);
  if (!floor.has(module)) {
    wrong.push(`${path}: the module ${module} stands on no floor: name it in ${document}`);
    continue;
  }
  // What `super` of a file in a folder means stays within the folder; that of a file at the top is the root.
  const text = bare(readFileSync(path, 'utf8'));
  for (const other of new Set(used(text))) {
    if (other === module || !floor.has(other)) continue;
    if (floor.get(other) >= floor.get(module)) {
      wrong.push(`${path}: ${module} uses ${other}, which is not below it`);
    }
  }
}
for (const module of floor.keys()) {
  if (!seen.has(module)) wrong.push(`${document}: there is no module ${module}`);
}
for (const line of wrong) console.error(line);
process.exit(wrong.length === 0 ? 0 : 1);
