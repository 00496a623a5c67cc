// SQL files as the list of statements they are: D1 takes one at a time.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT } from '../config.mjs';

/** Every migration in the order of its number: `{ name, statements }`. */
export function migrations(folder = join(ROOT, 'migrations')) {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => ({ name, statements: statements(readFileSync(join(folder, name), 'utf8')) }));
}

/** Splits at semicolons, but not inside quotes, comments, or the BEGIN … END of a trigger. */
export function statements(text) {
  const found = [];
  let current = '';
  let depth = 0;
  const token = /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"|\b(?:BEGIN|CASE|END)\b|;|[\s\S]/gi;
  for (const [piece] of text.matchAll(token)) {
    if (piece.startsWith('--') || piece.startsWith('/*')) continue;
    if (piece === ';' && depth === 0) {
      if (current.trim() !== '') found.push(current.trim());
      current = '';
      continue;
    }
    if (/^(BEGIN|CASE)$/i.test(piece)) depth += 1;
    if (/^END$/i.test(piece)) depth -= 1;
    current += piece;
  }
  if (current.trim() !== '') found.push(current.trim());
  return found;
}
