// The judge of every sealed file: the `openssl` command, as an administrator would type it.

import { spawnSync } from 'node:child_process';

/** Decrypts with `openssl enc -d`; throws if openssl refuses. `digest` and `bits` as the profile says. */
export function opensslDecrypt(sealed, key, { bits = 128, digest = 'md5', base64 = true } = {}) {
  const result = spawnSync(
    'openssl',
    ['enc', '-d', `-aes-${bits}-cbc`, ...(base64 ? ['-a'] : []), '-md', digest, '-pass', 'env:RINGFENCE_KEY'],
    { input: sealed, env: { ...process.env, RINGFENCE_KEY: key }, maxBuffer: 16 << 20, timeout: 20_000 },
  );
  if (result.status !== 0) throw new Error(`openssl refused the file: ${result.stderr}`);
  return result.stdout;
}
