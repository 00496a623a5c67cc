// Links in the documents: every relative link leads to a file that exists, every anchor to a heading. And the two tables
// of invariants and tests agree.
//
//   node scripts/links.mjs [ROOT]      prints each broken link and each difference; exit 1 if there is one
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = resolve(process.argv[2] ?? '.');
const list = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], { cwd: root, encoding: 'utf8' });
const documents = list
  .trim()
  .split('\n')
  .filter((name) => existsSync(join(root, name)));
const broken = [];

const withoutCode = (text) => text.replace(/^([ \t]*)```[\s\S]*?^\1```/gm, '');

/** The anchors of a document's headings, as GitHub makes them. */
function anchors(path) {
  const found = new Map();
  const result = new Set();
  for (const { 1: heading } of withoutCode(readFileSync(path, 'utf8')).matchAll(/^#{1,6} +(.+)$/gm)) {
    const plain = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/`/g, '')
      .trim()
      .toLowerCase();
    const anchor = plain.replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '').replace(/ /g, '-');
    const times = found.get(anchor) ?? 0;
    found.set(anchor, times + 1);
    result.add(times ? `${anchor}-${times}` : anchor);
  }
  return result;
}

let links = 0;
for (const name of documents) {
  const path = join(root, name);
  const text = withoutCode(readFileSync(path, 'utf8')).replace(/`[^`\n]*`/g, '');
  for (const { 1: target } of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    links += 1;
    const [file, anchor] = target.split('#');
    const wanted = file ? resolve(dirname(path), file) : path;
    if (!existsSync(wanted)) {
      broken.push(`${name}: ${target}: there is no ${relative(root, wanted)}`);
    } else if (anchor && (!statSync(wanted).isFile() || !anchors(wanted).has(anchor))) {
      broken.push(`${name}: ${target}: ${relative(root, wanted)} has no such heading`);
    }
  }
}
if (links === 0) broken.push('no link was found: the check is broken');

// Which end-to-end test proves which invariant is said twice, for each invariant in ARCHITECTURE.md and for each file in
// tests/README.md: both say the same.
const rows = (name, row) => [...readFileSync(join(root, name), 'utf8').matchAll(row)].map(([, first, ...more]) => [first, more.at(-1)]);
const tests = readdirSync(join(root, 'tests/e2e')).flatMap((name) => name.match(/^(.+)\.test\.mjs$/)?.[1] ?? []);
const byFile = rows('tests/README.md', /^\| `([\w-]+)` .*\|([^|]*)\|$/gm);
const proofs = {
  'ARCHITECTURE.md': rows('ARCHITECTURE.md', /^\| (\d+) \|.*?\| (.*) \|$/gm).flatMap(([number, held]) =>
    [...held.matchAll(/([\w*-]+)\.test\.mjs/g)].flatMap(([, name]) => {
      const named = tests.filter((test) => new RegExp(`^${name.replaceAll('*', '.*')}$`).test(test));
      if (named.length === 0) broken.push(`ARCHITECTURE.md: invariant ${number}: there is no ${name}.test.mjs`);
      return named.map((test) => `${test} proves invariant ${number}`);
    }),
  ),
  'tests/README.md': byFile.flatMap(([test, of]) => [...of.matchAll(/\d+/g)].map(([number]) => `${test} proves invariant ${number}`)),
};
for (const [one, other] of [Object.keys(proofs), Object.keys(proofs).reverse()]) {
  if (proofs[one].length === 0) broken.push(`${one}: no invariant has a test: the check is broken`);
  for (const proof of proofs[one].filter((said) => !proofs[other].includes(said)))
    broken.push(`${other} does not say that ${proof}, and ${one} does`);
}
for (const test of tests.filter((name) => !byFile.some(([named]) => named === name)))
  broken.push(`tests/README.md: there is no row of ${test}`);
for (const line of broken) console.error(line);
process.exit(broken.length === 0 ? 0 : 1);
