// KV's side of src/kv.rs: a call for each thing to do, which costs as much whatever it brings.

export const begin = (kv, name) => kv.getWithMetadata(name, 'arrayBuffer');

/** Of what `begin` promises; nothing where somebody else has stored something else. */
export const metadataOf = ({ metadata }) => (typeof metadata === 'string' ? metadata : undefined);

export const text = (kv, name) => kv.get(name, 'text');

/** Stores text or bytes with metadata, for good or for `expirationTtl` seconds. */
export const put = (kv, name, value, metadata, expirationTtl) =>
  kv.put(name, value, expirationTtl === undefined ? { metadata } : { metadata, expirationTtl });

/** A page of names, as JSON. */
export const list = async (kv, prefix, cursor) => JSON.stringify(await kv.list({ prefix, cursor }));
