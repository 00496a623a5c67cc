// The pure crate's own sealing: the reference that the Worker's WebCrypto is held to.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Seals as `crates/provision` does, with the salt of a sealed file, so that the two can be compared. */
export function sealAsTheCrate(plain, key, profile, salt) {
  const result = spawnSync(
    'cargo',
    ['run', '--quiet', '-p', 'ringfence-provision', '--example', 'seal', '--', profile, salt.toString('hex')],
    { cwd: ROOT, input: plain, env: { ...process.env, RINGFENCE_KEY: key }, maxBuffer: 16 << 20, timeout: 280_000 },
  );
  if (result.status !== 0) throw new Error(`the crate did not seal: ${result.error ?? result.stderr}`);
  return result.stdout;
}

/** The salt in a sealed file: eight bytes behind `Salted__`. */
export function saltOf(sealed) {
  const envelope = Buffer.from(sealed.toString('latin1'), 'base64');
  if (envelope.subarray(0, 8).toString('latin1') !== 'Salted__') throw new Error('not a sealed file');
  return envelope.subarray(8, 16);
}
