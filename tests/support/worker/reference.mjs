// The pure crate's own sealing: the reference that the Worker's WebCrypto is held to. And another's RFC 8188,
// the reference that both are held to.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import ece from 'http_ece';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * Seals as `crates/provision` does, with the salt of a sealed file, so that the two can be compared. `key` and
 * `iv` are what the phone was told; a method without a salt takes none.
 */
export function sealAsTheCrate(plain, key, profile, salt, iv) {
  const result = spawnSync(example(), [profile, salt?.toString('hex') ?? '-'], {
    input: plain,
    env: { ...process.env, RINGFENCE_KEY: key, ...(iv && { RINGFENCE_IV: iv }) },
    maxBuffer: 16 << 20,
    timeout: 280_000,
  });
  if (result.status !== 0) throw new Error(`the crate did not seal: ${result.error ?? result.stderr}`);
  return result.stdout;
}

let built;

/**
 * The program that seals. `cargo test` has built it; of the whole workspace, so that Cargo does not build the crates
 * once more with fewer features.
 */
function example() {
  if (built) return built;
  const build = ['build', '--quiet', '--workspace', '--example', 'seal', '--message-format=json'];
  const cargo = spawnSync('cargo', build, { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 << 20, timeout: 840_000 });
  if (cargo.status !== 0) throw new Error(`the example is not built: ${cargo.error ?? cargo.stderr}`);
  const made = cargo.stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  built = made.find((one) => one.target?.name === 'seal' && one.executable).executable;
  return built;
}

/** The salt in a sealed file, in base64 or not: eight bytes behind `Salted__`. */
export function saltOf(sealed) {
  const isBinary = sealed.subarray(0, 8).toString('latin1') === 'Salted__';
  const envelope = isBinary ? sealed : Buffer.from(sealed.toString('latin1'), 'base64');
  if (envelope.subarray(0, 8).toString('latin1') !== 'Salted__') throw new Error('not a sealed file');
  return envelope.subarray(8, 16);
}

/** The salt of a body of RFC 8188. */
export function saltOf8188(body) {
  return body.subarray(0, 16);
}

/** Opens a body of RFC 8188 whose key has no id; `ikm` is the keying material, bytes or ASCII. Throws if it does not open. */
export function open8188(body, ikm) {
  return ece.decrypt(body, keyed(ikm));
}

/** Makes one. */
export function seal8188(plain, ikm, salt, rs = 4096) {
  return ece.encrypt(plain, { ...keyed(ikm), salt, rs });
}

/** The library takes keys of other lengths than 16 bytes by their ids alone. */
function keyed(ikm) {
  return { version: 'aes128gcm', keyid: '', keymap: { '': Buffer.from(ikm, 'latin1') } };
}
