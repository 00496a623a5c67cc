// AES of src/files/seal.rs: a key is read and used by one call. Each promise that Rust waits for costs as much as sealing a small file.
const read = (key, algorithm, work) => crypto.subtle.importKey('raw', key, algorithm, false, [work]);

const gcm = (iv, additionalData) => ({ name: 'AES-GCM', iv, additionalData });

/** AES-CBC with PKCS#7. */
export async function cbcEncrypt(key, iv, data) {
  return crypto.subtle.encrypt({ name: 'AES-CBC', iv }, await read(key, 'AES-CBC', 'encrypt'), data);
}

export async function gcmEncrypt(key, nonce, identity, data) {
  return crypto.subtle.encrypt(gcm(nonce, identity), await read(key, 'AES-GCM', 'encrypt'), data);
}

export async function gcmDecrypt(key, nonce, identity, data) {
  return crypto.subtle.decrypt(gcm(nonce, identity), await read(key, 'AES-GCM', 'decrypt'), data);
}

/** The records of RFC 8188, a nonce for each: their ciphertexts, one after the other. */
export async function gcmRecords(key, nonces, records) {
  const aes = await read(key, 'AES-GCM', 'encrypt');
  const sealed = [];
  for (const [number, iv] of nonces.entries()) {
    sealed.push(new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, aes, records[number])));
  }
  const all = new Uint8Array(sealed.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of sealed) {
    all.set(part, at);
    at += part.length;
  }
  return all.buffer;
}
