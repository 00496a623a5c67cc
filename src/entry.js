// What workerd calls. It hands each event to the Rust side (src/lib.rs) and lives through its death.
//
// A panic unwinds and costs its own request. An abort (a trap of WebAssembly, such as a stack that overflows) spoils the
// module's memory: the next call into it begins with a new one, whose number differs. Objects of the old memory are lost.
// Entry points hold none. A Durable Object does, so it is made again, as it would be after an eviction.
import { WorkerEntrypoint } from 'cloudflare:workers';
import * as rust from './index.js';

Error.stackTraceLimit = 100;

/** The number of the module's memory. To ask is a call, so a spoilt memory has been replaced when this returns. */
const memory = () => rust.__worker_init_state().instanceId;

export default class extends WorkerEntrypoint {
  fetch(request) {
    return rust.fetch.call(this, request, this.env, this.ctx);
  }

  scheduled(event) {
    return rust.scheduled.call(this, event, this.env, this.ctx);
  }
}

/** A Durable Object around `Class`, its Rust side. */
const durable = (Class) =>
  class {
    #made;
    #memory;
    #arguments;

    constructor(state, env) {
      this.#arguments = [state, env];
      this.#object();
    }

    #object() {
      const now = memory();
      if (this.#memory !== now) {
        this.#made = new Class(...this.#arguments);
        this.#memory = now;
      }
      return this.#made;
    }

    fetch(request) {
      return this.#object().fetch(request);
    }

    alarm() {
      return this.#object().alarm();
    }

    webSocketMessage(socket, message) {
      return this.#object().webSocketMessage(socket, message);
    }

    webSocketClose(socket, code, reason, clean) {
      return this.#object().webSocketClose(socket, code, reason, clean);
    }

    webSocketError(socket, error) {
      return this.#object().webSocketError(socket, error);
    }
  };

// Each `class_name` of wrangler.toml.
export const Operations = durable(rust.Operations);
export const Pool = durable(rust.Pool);
export const Webhooks = durable(rust.Webhooks);
export const Witness = durable(rust.Witness);
