// AES of src/files/seal.rs: a key is read and used by one call. Each promise that Rust waits for costs as much as sealing a small file.
const used = async (work, algorithm, key, data) =>
  crypto.subtle[work](algorithm, await crypto.subtle.importKey('raw', key, algorithm.name, false, [work]), data);

const gcm = (iv, additionalData) => ({ name: 'AES-GCM', iv, additionalData });

/** AES-CBC with PKCS#7. */
export const cbcEncrypt = (key, iv, data) => used('encrypt', { name: 'AES-CBC', iv }, key, data);

export const gcmEncrypt = (key, nonce, identity, data) => used('encrypt', gcm(nonce, identity), key, data);

export const gcmDecrypt = (key, nonce, identity, data) => used('decrypt', gcm(nonce, identity), key, data);
