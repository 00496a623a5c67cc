// Stands before the real Worker, as memory.mjs does, and says how large the module's memory is, and how many milliseconds each run of
// a pool's alarm took since the last time that somebody asked: `/__held`. V8 does not count the module's memory as its own, and
// the kernel counts the simulators of storage with it.

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
export const { Operations, Webhooks, Witness } = worker;

const alarms = [];

export class Pool extends worker.Pool {
  async alarm(...words) {
    const begin = performance.now();
    try {
      return await super.alarm(...words);
    } finally {
      alarms.push(performance.now() - begin);
    }
  }
}

export default class extends worker.default {
  fetch(request) {
    if (request.url.endsWith('/__held')) return Response.json({ module: memory.buffer.byteLength, alarms: alarms.splice(0) });
    return super.fetch(request);
  }
}
