// How prose is written, as far as a program can tell (CONTRIBUTING.md): a number is said where it is meant, and a section
// `# Errors` names what fails.
//
//   node scripts/prose.mjs      prints each place that is otherwise; exit 1 if there is one
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const ROOTS = ['build.rs', 'crates', 'npm', 'scripts', 'src', 'tests', 'tools'];
const READ = /\.(?:rs|mjs|js|sh|sql|html)$/;
const PASSED_OVER = new Set(['node_modules', 'target', 'dist', 'corpus', 'artifacts']);

/** What plants such words, or says that they are found. */
const PLANTS = new Set(['crates/api/tests/openapi.rs', 'scripts/lint.sh', 'scripts/prose.mjs', 'tests/e2e/rules.test.mjs']);

/** A number or a time that stands elsewhere, also over two lines of a comment. "In so many words" and "so long as" are something else. */
const VAGUE = /\bso\s+(?:(?:\/\/[/!]?|\*|#|--)[ \t]*)?(?:many(?!\s+words\b)|long(?!\s+as\b))\b/gi;

/** A section `# Errors` that begins with a pronoun. */
const NAMELESS = /^[ \t]*\/\/[/!] # Errors[ \t]*\n[ \t]*\/\/[/!] (It|They)\b/gm;

function* files(path) {
  if (!existsSync(path)) return;
  if (!statSync(path).isDirectory()) return yield path;
  for (const name of readdirSync(path).sort()) {
    if (!PASSED_OVER.has(name)) yield* files(join(path, name));
  }
}

const wrong = [];
for (const path of ROOTS.flatMap((root) => [...files(root)]).filter((path) => READ.test(path) && !PLANTS.has(path))) {
  const text = readFileSync(path, 'utf8');
  const line = (index) => text.slice(0, index).split('\n').length;
  for (const { 0: found, index } of text.matchAll(VAGUE)) {
    const words = found.replace(/[^a-z]+/gi, ' ').toLowerCase();
    wrong.push(`${path}:${line(index)}: '${words}': say what the number is, and its unit`);
  }
  if (!path.endsWith('.rs')) continue;
  for (const { 1: pronoun, index } of text.matchAll(NAMELESS)) {
    wrong.push(`${path}:${line(index)}: a section # Errors begins with '${pronoun}': name what fails, or drop the section`);
  }
}
if (wrong.length > 0) {
  console.log(wrong.join('\n'));
  process.exitCode = 1;
}
