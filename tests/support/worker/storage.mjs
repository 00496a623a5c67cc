// A Worker of the tests' own, beside ours and over the same D1 and KV: it does there what a test asks for. Miniflare can be
// asked as well, but it takes each call of a method across to the runtime by itself, some ten milliseconds for a statement;
// here a whole batch is one request.

const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

/** As JSON can say it: bytes as `{ base64 }`. */
const argument = (value) => (typeof value?.base64 === 'string' ? bytes(value.base64) : value);

function base64(body) {
  return btoa(Array.from(new Uint8Array(body), (byte) => String.fromCharCode(byte)).join(''));
}

const operations = {
  /** Statements as one transaction; the rows of each. */
  async sql(env, { statements, binding = 'DB' }) {
    const db = env[binding];
    const prepared = statements.map(([sql, ...values]) => db.prepare(sql).bind(...values.map(argument)));
    const results = await db.batch(prepared);
    return results.map((result) => ({ rows: result.results, meta: result.meta }));
  },

  async kvList(env, { prefix, binding = 'FILES' }) {
    return (await env[binding].list({ prefix })).keys;
  },

  async kvPut(env, { name, value, metadata, binding = 'FILES' }) {
    await env[binding].put(name, argument(value), { metadata });
  },

  async kvRead(env, { name, binding = 'FILES' }) {
    const { value, metadata } = await env[binding].getWithMetadata(name, 'arrayBuffer');
    return value === null ? null : { base64: base64(value), metadata };
  },

  async kvDelete(env, { names, binding = 'FILES' }) {
    await Promise.all(names.map((name) => env[binding].delete(name)));
  },
};

export default {
  async fetch(request, env) {
    const { op, ...rest } = await request.json();
    try {
      return Response.json({ value: (await operations[op](env, rest)) ?? null });
    } catch (error) {
      return Response.json({ error: String(error?.stack ?? error) });
    }
  },
};
