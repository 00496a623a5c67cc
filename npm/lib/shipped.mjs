// What the package ships beside its commands. Nothing in here is ever written to.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Refusal } from './say.mjs';

/** The package. */
export const HOME = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Its version. */
export const { version: VERSION } = JSON.parse(readFileSync(join(HOME, 'package.json'), 'utf8'));

/** The configuration that it ships. It has no comments, so that it is JSON. */
export function shippedConfig() {
  try {
    return JSON.parse(readFileSync(join(HOME, 'wrangler.jsonc'), 'utf8'));
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    throw new Refusal('this package has no Worker in it. From a checkout, run `make dist` and install dist/ringfence-<version>.tgz.');
  }
}

/** The wrangler that this package names: never another one that happens to be installed or cached. */
export function wranglerProgram() {
  const manifest = createRequire(import.meta.url).resolve('wrangler/package.json');
  return join(dirname(manifest), JSON.parse(readFileSync(manifest, 'utf8')).bin.wrangler);
}
