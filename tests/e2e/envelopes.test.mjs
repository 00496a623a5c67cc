// Every way of sealing, by a program that is not ours: what the crate seals is read by it, byte for byte.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';

import { opensslDecrypt, opensslDecryptEcb, opensslDecryptFixedIv, withoutFill } from '../support/openssl.mjs';
import { open8188, saltOf, saltOf8188, seal8188, sealAsTheCrate } from '../support/worker/reference.mjs';

const KEY = '12341234abcdabcd12341234abcdabcd';
const SALT = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');

/** A text of `size` bytes, the same in every run, that ends in a line end. */
function content(size) {
  const bytes = Buffer.alloc(Math.max(size - 1, 0), createHash('sha512').update(String(size)).digest('hex'));
  return size === 0 ? bytes : Buffer.concat([bytes, Buffer.from('\n')]);
}

describe('RFC 8188', () => {
  // Around the borders of records, whose content has 4079 bytes.
  for (const size of [0, 1, 15, 16, 4078, 4079, 4080, 8158, 8159, 28_672, 204_800]) {
    it(`is what another implementation makes of ${size} bytes, which opens it`, () => {
      const plain = content(size);
      const sealed = sealAsTheCrate(plain, KEY, 'mpp-8188', SALT);
      assert.ok(saltOf8188(sealed).equals(SALT));
      assert.ok(sealed.equals(seal8188(plain, KEY, SALT)));
      assert.ok(open8188(sealed, KEY).equals(plain));
    });
  }

  it('does not open when it was changed, cut, or is under another key', () => {
    const sealed = sealAsTheCrate(content(5000), KEY, 'mpp-8188', SALT);
    const changed = Buffer.from(sealed);
    changed[2000] ^= 1;
    assert.throws(() => open8188(changed, KEY));
    assert.throws(() => open8188(sealed.subarray(0, 21 + 4096), KEY));
    assert.throws(() => open8188(sealed, `${KEY.slice(0, 31)}e`));
  });
});

describe('the other ways of sealing', () => {
  const plain = content(3000);

  it('are opened by openssl: ECB under the characters of the key', () => {
    for (const [name, key] of [
      ['yealink-ecb-128', KEY.slice(0, 16)],
      ['yealink-ecb-256', KEY],
    ]) {
      const opened = opensslDecryptEcb(sealAsTheCrate(plain, key, name), key);
      assert.ok(withoutFill(opened).equals(plain), name);
    }
  });

  it('are opened by openssl: CBC with a key and an IV that the phone is told', () => {
    const [key, iv] = ['000102030405060708090a0b0c0d0e0f', '101112131415161718191a1b1c1d1e1f'];
    const sealed = sealAsTheCrate(plain, key, 'obi-128', undefined, iv);
    assert.ok(opensslDecryptFixedIv(sealed, key, iv).equals(plain));
  });

  it('are opened by openssl: the salted envelope without base64', () => {
    for (const [name, digest] of [
      ['spa-256', 'md5'],
      ['spa-256-sha256', 'sha256'],
    ]) {
      const sealed = sealAsTheCrate(plain, KEY, name, SALT.subarray(0, 8));
      assert.ok(saltOf(sealed).equals(SALT.subarray(0, 8)));
      assert.ok(opensslDecrypt(sealed, KEY, { bits: 256, digest, base64: false }).equals(plain), name);
    }
  });
});
