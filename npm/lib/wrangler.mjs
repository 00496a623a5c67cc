// The pinned wrangler as a child.

import { spawn } from 'node:child_process';

import { wranglerProgram } from './shipped.mjs';

/** What every wrangler here is given. */
export const environment = (more = {}) => ({ ...process.env, WRANGLER_SEND_METRICS: 'false', ...more });

/** The words of a process that start wrangler. */
export const commandLine = (args) => [process.execPath, ['--no-warnings', wranglerProgram(), ...args]];

/**
 * Runs wrangler to its end; `{ status, output }`. `shown` also passes on what it says, and `person` gives it the
 * terminal, for what a person has to do.
 */
export function wrangler(args, { cwd, env = {}, shown = false, person = false } = {}) {
  const [program, words] = commandLine(args);
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, {
      cwd,
      env: environment(person ? env : { NO_COLOR: '1', FORCE_COLOR: '0', ...env }),
      stdio: person ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        output += text;
        if (shown) process.stdout.write(text);
      });
    }
    child.on('error', reject);
    child.on('close', (status) => resolve({ status: status ?? 1, output }));
  });
}
