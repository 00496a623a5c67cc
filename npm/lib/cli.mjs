// The program that does everything but deploying: one file of the release, without Node.js. Whoever has both need not
// know which of them does what.

import { spawn } from 'node:child_process';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Whether a file is a program and no script: this package's own command has the same name. */
function isProgram(path) {
  let file;
  try {
    if (!statSync(path).isFile()) return false;
    file = openSync(path, 'r');
    const begin = Buffer.alloc(2);
    return readSync(file, begin, 0, 2, 0) === 2 && begin.toString('latin1') !== '#!';
  } catch {
    return false;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Where the program is, if it is in PATH. */
export function cli({ env = process.env, platform = process.platform } = {}) {
  const name = platform === 'win32' ? 'ringfence.exe' : 'ringfence';
  const places = (env.PATH ?? '').split(delimiter).filter(Boolean);
  return places.map((place) => join(place, name)).find(isProgram);
}

/** Runs it in this one's place; the status that the process is to end with. */
export function runCli(program, words) {
  const child = spawn(program, words, { stdio: 'inherit' });
  // Ctrl-C reaches both; the program decides what comes of it.
  const wait = () => {};
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, wait);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      for (const name of ['SIGINT', 'SIGTERM']) process.off(name, wait);
      resolve(signal ? 130 : code);
    });
  });
}
