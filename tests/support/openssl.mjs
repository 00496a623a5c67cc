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

/** Decrypts AES in ECB under a key that is text. What was filled in behind the content is still there: 10 to 25 line ends. */
export function opensslDecryptEcb(sealed, key) {
  const bytes = Buffer.from(key, 'latin1');
  return opensslRaw(sealed, [`-aes-${bytes.length * 8}-ecb`, '-K', bytes.toString('hex'), '-nopad']);
}

/** Decrypts AES-128-CBC under a key and an IV of 32 hexadecimal digits each. */
export function opensslDecryptFixedIv(sealed, key, iv) {
  return opensslRaw(sealed, ['-aes-128-cbc', '-K', key, '-iv', iv]);
}

/** A text that ends in one line end, without the line ends that were filled in behind it. */
export function withoutFill(plain) {
  const text = plain.toString('latin1');
  const fill = text.length - text.trimEnd().length - 1;
  if (fill < 10 || fill > 25) throw new Error(`${fill} line ends are no fill`);
  return plain.subarray(0, plain.length - fill);
}

function opensslRaw(sealed, options) {
  const result = spawnSync('openssl', ['enc', '-d', ...options], { input: sealed, maxBuffer: 16 << 20, timeout: 20_000 });
  if (result.status !== 0) throw new Error(`openssl refused the file: ${result.stderr}`);
  return result.stdout;
}
