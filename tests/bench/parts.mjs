// What each part of the module weighs: functions by the crate they come from, and the data. Of a build with names:
// RINGFENCE_NAMES=1 RINGFENCE_OUT=target/bench-names scripts/build.sh. Bytes are those of the module as it is; gzip makes a third of it.
//
//   node tests/bench/parts.mjs [FOLDER]

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT } from '../support/config.mjs';

const folder = process.argv[2] ?? join(ROOT, 'target/bench-names');
const bytes = readFileSync(join(folder, 'index_bg.wasm'));

/** Reads the module's own encodings, from a place on. */
class Reader {
  constructor(at, end) {
    Object.assign(this, { at, end });
  }

  /** An unsigned LEB128. */
  number() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[this.at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  }

  text() {
    const length = this.number();
    return bytes.toString('utf8', this.at, (this.at += length));
  }

  /** A part of the module that says its own length. */
  part() {
    const length = this.number();
    const part = new Reader(this.at, this.at + length);
    this.at += length;
    return part;
  }
}

/** Sizes of the functions, in their order; names by index; how many are imported; and the bytes of the data. */
function read() {
  const module = new Reader(8, bytes.length);
  const found = { sizes: [], names: new Map(), imported: 0, data: 0 };
  while (module.at < module.end) {
    const id = bytes[module.at++];
    const section = module.part();
    if (id === 2) found.imported = importedFunctions(section);
    else if (id === 10) for (let count = section.number(); count > 0; count -= 1) found.sizes.push(span(section.part()));
    else if (id === 11) found.data = span(section);
    else if (id === 0 && section.text() === 'name') readNames(section, found.names);
  }
  return found;
}

const span = ({ at, end }) => end - at;

function importedFunctions(section) {
  let functions = 0;
  for (let count = section.number(); count > 0; count -= 1) {
    section.text();
    section.text();
    const kind = bytes[section.at++];
    if (kind === 0) {
      functions += 1;
      section.number();
    } else if (kind === 3) section.at += 2;
    else {
      if (kind === 1 || kind === 4) section.number();
      if (kind !== 4) {
        const flags = section.number();
        section.number();
        if (flags & 1) section.number();
      }
    }
  }
  return functions;
}

function readNames(section, names) {
  while (section.at < section.end) {
    const id = bytes[section.at++];
    const part = section.part();
    if (id !== 1) continue;
    for (let count = part.number(); count > 0; count -= 1) names.set(part.number(), part.text());
  }
}

/** The crate of a symbol (Rust's v0 names): the first that is no part of the standard library, or that. */
function crateOf(name = '') {
  const crates = [...name.matchAll(/Cs[0-9A-Za-z]+_(\d+)/g)].map(({ index, 0: whole, 1: length }) => {
    const from = index + whole.length;
    return name.slice(from, from + Number(length)).replace(/^_/, '');
  });
  const standard = ['core', 'alloc', 'std', 'compiler_builtins'];
  return crates.find((crate) => !standard.includes(crate)) ?? crates[0] ?? 'JavaScript glue and others';
}

const { sizes, names, imported, data } = read();
const parts = new Map([['data: texts, tables, documents', data]]);
sizes.forEach((size, at) => {
  const crate = crateOf(names.get(imported + at));
  parts.set(crate, (parts.get(crate) ?? 0) + size);
});
const total = [...parts.values()].reduce((sum, size) => sum + size, 0);
const whole = (number) => Math.round(number).toLocaleString('en');
process.stdout.write(`\nWhat the module consists of: ${whole(total / 1024)} KiB without names\n`);
for (const [name, size] of [...parts].sort(([, a], [, b]) => b - a).slice(0, 20)) {
  process.stdout.write(`  ${((size / total) * 100).toFixed(1).padStart(5)} %  ${whole(size / 1024).padStart(6)} KiB  ${name}\n`);
}
