// Stands before the real Worker, as memory.mjs does, and says how large the module's memory is: `/__held`. V8 does not count it as
// its own, and the kernel counts the simulators of storage with it.

let memory;
const { Instance } = WebAssembly;
WebAssembly.Instance = class extends Instance {
  constructor(...words) {
    super(...words);
    memory = this.exports.memory ?? memory;
  }
};

// Not `import … from`, which would come before all of this.
const worker = await import('./index.js');
export const { Operations, Pool, Webhooks, Witness } = worker;

export default class extends worker.default {
  fetch(request) {
    if (request.url.endsWith('/__held')) return Response.json({ module: memory.buffer.byteLength });
    return super.fetch(request);
  }
}
