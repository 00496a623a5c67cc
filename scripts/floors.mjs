// The floors and circles of src/ (ARCHITECTURE.md, Floors and Circles): a module uses what is on floors below
// its own, and nothing beside or above it; where a folder has no floors, its files use each other in no circle.
// The lists in ARCHITECTURE.md are what is held here: there are no others. A block that begins with ```floors is
// about src/, one that begins with ```floors api about src/api/. A circle that may be is a row of the table in the
// section Circles: its folder below src/, its modules, and why.
//
//   node scripts/floors.mjs [SRC [ARCHITECTURE.md]]      prints each wrong import and circle; exit 1 if there is one
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

import { built, rustFiles, testsAlone } from './rust-source.mjs';

const [src = 'src', document = 'ARCHITECTURE.md'] = process.argv.slice(2);
const wrong = [];
const isTest = testsAlone(src);

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

/** The circles that may be: `folder: modules` → why. */
function allowed(text) {
  const [, section = ''] = text.match(/^## Circles\n([\s\S]*?)(?=^## |(?![\s\S]))/m) ?? [];
  const found = new Map();
  for (const [, folder, modules, why] of section.matchAll(/^\| `([\w/]+)` \| ((?:`\w+`(?:, )?)+) \|(.*)\|$/gm)) {
    const names = [...modules.matchAll(/\w+/g)].map(([name]) => name);
    found.set(circle(folder, names), why.trim());
  }
  return found;
}

const circle = (folder, modules) => `${folder}: ${[...modules].sort().join(', ')}`;

/** The paths of a tree of imports from `start` on, each as a list of names, and where the tree ends. */
function tree(text, start, before) {
  const path = [...before];
  const end = (place) => ({ paths: [path], place });
  let place = start;
  for (;;) {
    const [space] = text.slice(place).match(/^\s*/);
    place += space.length;
    if (text[place] === '{') {
      const paths = [];
      place += 1;
      while (place < text.length && text[place] !== '}') {
        const item = tree(text, place, path);
        paths.push(...item.paths);
        // What follows a path up to the next one: `as` and a name, a comma.
        place = item.place + text.slice(item.place).match(/^[^,}]*,?\s*/)[0].length;
      }
      return { paths, place: place + 1 };
    }
    const [name] = text.slice(place, place + 200).match(/^(?:\w+|\*)/) ?? [];
    if (name === undefined) return end(place);
    // `path::{self}` is the path.
    if (name !== 'self' || path.length === 0) path.push(name);
    place += name.length;
    const [colons] = text.slice(place, place + 200).match(/^\s*::/) ?? [];
    if (colons === undefined) return end(place);
    place += colons.length;
  }
}

/** The modules and items that a file names by `crate::`, `super::` or `self::`, written out from the root. `at` is the file's own module. */
function named(text, at) {
  const found = [];
  for (const { index } of text.matchAll(/(?<!::\s*|\$|\w)(?:crate|super|self)\s*::/g)) {
    for (const path of tree(text, index, []).paths) found.push(fromRoot(path, at));
  }
  return found;
}

function fromRoot(path, at) {
  let base = at;
  let rest = path;
  if (rest[0] === 'crate') [base, rest] = [[], rest.slice(1)];
  else if (rest[0] === 'self') rest = rest.slice(1);
  while (rest[0] === 'super') [base, rest] = [base.slice(0, -1), rest.slice(1)];
  return [...base, ...rest];
}

/** What a folder's own mod.rs imports and its files may name through it: name → path from the root. */
function through(text, at, children) {
  const found = new Map();
  for (const { 0: head, index } of text.matchAll(/^(?:pub(?:\([^)]*\))? )?use /gm)) {
    const start = index + head.length;
    for (const path of tree(text, start, []).paths) {
      const isOwn = children.has(path[0]);
      if (isOwn || ['crate', 'super', 'self'].includes(path[0])) found.set(path.at(-1), fromRoot(isOwn ? ['self', ...path] : path, at));
    }
  }
  return found;
}

/** Whether a path names something in a folder. */
const isBelow = (path, at) => path.length > at.length && at.every((name, depth) => path[depth] === name);

/** The modules of a folder that its own mod.rs uses. What it only passes on, which are these `names`, it does not use. */
function usedByHouse(text, at, children, names) {
  const own = text.replace(/^pub(?:\([^)]*\))? use [^;]*;/gm, '');
  const direct = [...own.matchAll(/(?<!::\s*|[.$\w])(\w+)\s*::/g)].map(([, name]) => name);
  const passed = [...names].filter(([name]) => new RegExp(`\\b${name}\\b`).test(own)).map(([, path]) => path);
  const full = [...named(own, at), ...passed].filter((path) => isBelow(path, at));
  return new Set([...direct, ...full.map((path) => path[at.length])].filter((name) => children.has(name)));
}

/** What the files below a folder name of each other: per file its module in the folder, and the modules that it uses; `mod` is the folder's own mod.rs. */
function* uses(folder) {
  const at = folder ? folder.split('/') : [];
  // What only tests compile stands nowhere.
  const all = [...rustFiles(join(src, folder))].filter((file) => !isTest(file));
  const files = all.map((file) => {
    const inside = relative(src, file).replace(/\.rs$/, '').split(sep);
    return { file, inside, module: inside[at.length] };
  });
  const children = new Set(files.map(({ module }) => module).filter((module) => module !== 'mod'));
  const house = join(src, folder, 'mod.rs');
  const of = (file) => built(readFileSync(file, 'utf8'));
  const names = existsSync(house) ? through(of(house), at, children) : new Map();
  for (const { file, inside, module } of files) {
    if (file === house) {
      yield { file, module, others: [...usedByHouse(of(file), at, children, names)] };
      continue;
    }
    const place = ['mod', 'lib'].includes(inside.at(-1)) ? inside.slice(0, -1) : inside;
    const others = new Set();
    for (const path of named(of(file), place).filter((path) => isBelow(path, at))) {
      const name = path[at.length];
      // What mod.rs only passes on is where it comes from; what is nowhere else is its own.
      const from = children.has(name) ? path : names.get(name);
      if (from === undefined) others.add('mod');
      else if (isBelow(from, at)) others.add(from[at.length]);
      if (name === '*') for (const each of names.values()) if (isBelow(each, at)) others.add(each[at.length]);
    }
    others.delete(module);
    yield { file, module, others: [...others] };
  }
}

function holdFloors(folder, floor) {
  const seen = new Set();
  for (const { file, module, others } of uses(folder)) {
    // The folder's own mod.rs stands above all that is in it.
    if (module === 'mod') continue;
    seen.add(module);
    if (!floor.has(module)) {
      wrong.push(`${file}: the module ${module} stands on no floor: name it in ${document}`);
      continue;
    }
    for (const other of others) {
      if (other === 'mod') wrong.push(`${file}: ${module} uses what stands in the root of its folder, which is above it`);
      else if (floor.has(other) && floor.get(other) >= floor.get(module)) {
        wrong.push(`${file}: ${module} uses ${other}, which is not below it`);
      }
    }
  }
  for (const module of floor.keys()) {
    if (!seen.has(module)) wrong.push(`${document}: there is no module ${module} in ${join(src, folder)}`);
  }
}

/** The circles of a folder: each as all the modules that reach each other. */
function circlesOf(folder) {
  const next = new Map();
  for (const { module, others } of uses(folder)) next.set(module, new Set([...(next.get(module) ?? []), ...others]));
  const reach = (from) => {
    const found = new Set();
    const open = [from];
    for (let module = open.pop(); module !== undefined; module = open.pop()) {
      for (const other of next.get(module) ?? []) {
        if (found.has(other)) continue;
        found.add(other);
        open.push(other);
      }
    }
    return found;
  };
  const reached = new Map([...next.keys()].map((module) => [module, reach(module)]));
  const found = new Set();
  for (const [module, others] of reached) {
    if (others.has(module)) {
      found.add(
        circle(
          folder,
          [...others].filter((other) => reached.get(other)?.has(module)),
        ),
      );
    }
  }
  return found;
}

function* folders(folder) {
  yield folder;
  for (const entry of readdirSync(join(src, folder), { withFileTypes: true })) {
    if (entry.isDirectory()) yield* folders(folder ? `${folder}/${entry.name}` : entry.name);
  }
}

const text = readFileSync(document, 'utf8');
const floors = houses(text);
for (const [folder, floor] of floors) holdFloors(folder, floor);
const reasons = allowed(text);
const circles = new Set();
for (const folder of folders('')) {
  // Floors leave no room for one.
  if (!floors.has(folder)) for (const found of circlesOf(folder)) circles.add(found);
}
for (const found of circles) {
  if (!reasons.get(found))
    wrong.push(`${src}/${found}: they use each other in a circle: take it apart, or say why in ${document}, Circles`);
}
for (const listed of reasons.keys()) {
  if (!circles.has(listed)) wrong.push(`${document}: Circles lists ${listed}, and there is no such circle`);
}
for (const line of wrong) console.error(line);
process.exit(wrong.length === 0 ? 0 : 1);
