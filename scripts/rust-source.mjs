// Rust source as the rules read it: what is compiled into a build, and no text or comment.
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

// One expression for all of them: a comment may hold a quote, and a text may hold two slashes.
const QUIET = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|\bb?r(#*)"[\s\S]*?"\1|"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\\n]|\\[^'\n]+|\\')'/g;

/** Source without comments and without what stands in texts. */
export const spoken = (source) => source.replace(QUIET, (found) => (found.startsWith('/') ? ' ' : '""'));

/** A text of the same length and lines, with nothing in it. */
const blank = (text) => text.replace(/[^\n]/g, ' ');

/** Where the block ends that begins with the brace at `start`: behind the brace that closes it. */
function endOfBlock(code, start) {
  let depth = 0;
  for (let place = start; place < code.length; place += 1) {
    if (code[place] === '{') depth += 1;
    else if (code[place] === '}') depth -= 1;
    if (depth === 0) return place + 1;
  }
  return code.length;
}

/** Source without the modules of tests that stand in the file. What stands behind such a module is built, and its lines keep their numbers. */
export function untested(source) {
  // A brace in a text or a comment closes nothing.
  const code = source.replace(QUIET, blank);
  let rest = source;
  for (const { 0: head, index } of code.matchAll(/#\[cfg\(test\)\]\s*(?:#\[[^\]]*\]\s*)*(?:pub(?:\([^)]*\))? )?mod \w+ \{/g)) {
    const end = endOfBlock(code, index + head.length - 1);
    rest = rest.slice(0, index) + blank(source.slice(index, end)) + rest.slice(end);
  }
  return rest;
}

/** What is compiled into a build: no comments, no texts, no modules of tests. */
export const built = (source) => spoken(untested(source));

/** Every file of Rust below a folder. */
export function* rustFiles(folder) {
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* rustFiles(path);
    else if (name.endsWith('.rs')) yield path;
  }
}

/** Whether only tests compile a file, for the files below a folder: a file that says `#[cfg(test)] mod name;` names one. */
export function testsAlone(folder) {
  const files = new Set();
  for (const path of rustFiles(folder)) {
    const source = readFileSync(path, 'utf8');
    const own = /(?:^|\/)(?:mod|lib|main)\.rs$/.test(path) ? dirname(path) : path.replace(/\.rs$/, '');
    for (const { 1: named, 2: module } of source.matchAll(
      /#\[cfg\(test\)\]\s*(?:#\[path = "([^"]+)"\]\s*)?(?:pub(?:\([^)]*\))? )?mod (\w+);/g,
    )) {
      files.add(named ? join(dirname(path), named) : join(own, `${module}.rs`));
      files.add(join(own, module));
    }
  }
  return (path) => [...files].some((file) => path === file || path.startsWith(`${file}/`));
}
