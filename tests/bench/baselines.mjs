// What the Worker is measured against: Workers in plain JavaScript in the same workerd, over the same
// KV namespace. `kv` does what a hot sealed file cannot do without (two KV reads, the answer) and
// nothing else; `constant` does not even that.

import { bindings } from '../support/config.mjs';

/** Scripts for Ringfence.start({ extra }). */
export function baselines() {
  return [
    {
      name: 'kv',
      kvNamespaces: bindings().kvNamespaces,
      script: `export default {
        async fetch(request, env) {
          const [, tenant, file] = new URL(request.url).pathname.split('/').map(decodeURIComponent);
          await env.FILES.get(tenant, 'text');
          const { value } = await env.FILES.getWithMetadata(file, 'arrayBuffer');
          return new Response(value, { headers: { 'content-type': 'application/octet-stream' } });
        },
      };`,
    },
    {
      name: 'constant',
      script: `const bytes = {};
      export default {
        fetch(request) {
          const length = Number(new URL(request.url).pathname.slice(1));
          return new Response((bytes[length] ??= new Uint8Array(length)));
        },
      };`,
    },
    {
      name: 'webcrypto',
      script: `export default {
        async fetch(request) {
          const [, size, times] = new URL(request.url).pathname.split('/').map(Number);
          const data = new Uint8Array(size);
          for (let i = 0; i < times; i += 1) {
            const key = await crypto.subtle.importKey('raw', new Uint8Array(16), 'AES-CBC', false, ['encrypt']);
            await crypto.subtle.encrypt({ name: 'AES-CBC', iv: new Uint8Array(16) }, key, data);
          }
          return new Response('done');
        },
      };`,
    },
  ];
}

/** A plain Worker that does the least for the same answer: two reads of a map, and the bytes with as many headers. Asked as `/STATUS/BYTES`. */
export const plain = {
  name: 'plain',
  script: `const known = new Map();
  const read = async (name) => known.get(name);
  export default {
    async fetch(request) {
      const [, status, length] = new URL(request.url).pathname.split('/').map(Number);
      const [bytes] = await Promise.all([read(length), read('tenant')]);
      if (bytes === undefined) known.set(length, new Uint8Array(length));
      return new Response(status === 304 ? null : (bytes ?? known.get(length)), {
        status,
        headers: {
          'accept-ranges': 'bytes', 'cache-control': 'private, no-cache', 'content-type': 'application/octet-stream',
          etag: '"0123456789abcdef"', 'ringfence-request-id': '01JD0000000000000000000000', 'x-content-type-options': 'nosniff',
        },
      });
    },
  };`,
};

/** The \`aes\` crate's sealing as WebAssembly in a Worker; see seal-wasm/. */
export function aesCrate(wasm) {
  return {
    name: 'aes',
    modules: [
      {
        type: 'ESModule',
        path: 'aes.mjs',
        contents: `import module from './seal.wasm';
        const { exports } = new WebAssembly.Instance(module, {});
        export default {
          fetch(request) {
            const [, size, times] = new URL(request.url).pathname.split('/').map(Number);
            for (let i = 0; i < times; i += 1) exports.encrypt(size);
            return new Response('done');
          },
        };`,
      },
      { type: 'CompiledWasm', path: 'seal.wasm', contents: wasm },
    ],
  };
}
