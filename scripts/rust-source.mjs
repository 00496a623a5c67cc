// Rust source as the rules read it: what is compiled into a build, and no text or comment.
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

// One expression for all of them: a comment may hold a quote, and a text may hold two slashes.
const QUIET = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|\bb?r(#*)"[\s\S]*?"\1|"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\\n]|\\[^'\n]+|\\')'/g;

/** Source without comments and without what stands in texts. */
export const spoken = (source) => source.replace(QUIET, (found) => (found.startsWith('/') ? ' ' : '""'));

/** The same without a module of tests that stands in the file: it is the last thing in its file. */
export const built = (source) => spoken(source).replace(/#\[cfg\(test\)\]\s*(?:pub(?:\([^)]*\))? )?mod \w+ \{[\s\S]*/, '');

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
