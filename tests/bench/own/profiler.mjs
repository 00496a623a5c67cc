// The profiler of workerd's isolate, by the inspector's protocol.

import { wranglerConfig } from '../../support/config.mjs';

/** A session with the isolate of the real Worker. */
export class Profiler {
  #socket;
  #waiting = new Map();
  #next = 0;

  static async attach(port) {
    const list = await (await fetch(`http://127.0.0.1:${port}/json`)).json();
    const target = list.find(({ id }) => id === `core:user:${wranglerConfig().name}`);
    const session = new Profiler();
    session.#socket = new WebSocket(target.webSocketDebuggerUrl.replace(/^ws:\/\/[^/]+/, `ws://127.0.0.1:${port}`));
    await new Promise((resolve, reject) => {
      session.#socket.addEventListener('open', resolve, { once: true });
      session.#socket.addEventListener('error', () => reject(new Error('the inspector does not answer')), { once: true });
    });
    session.#socket.addEventListener('message', ({ data }) => {
      const { id, result, error } = JSON.parse(data);
      const waiting = session.#waiting.get(id);
      session.#waiting.delete(id);
      if (error) waiting?.reject(new Error(error.message));
      else waiting?.resolve(result);
    });
    return session;
  }

  #call(method, params = {}) {
    const id = (this.#next += 1);
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#socket.send(JSON.stringify({ id, method, params }));
    return answer;
  }

  /** Bytes that V8 has in use, what nobody needs any more with them: workerd does not let one collect. */
  async heap() {
    const { usedSize, backingStorageSize = 0, embedderHeapUsedSize = 0 } = await this.#call('Runtime.getHeapUsage');
    return usedSize + backingStorageSize + embedderHeapUsedSize;
  }

  async start() {
    await this.#call('Profiler.enable');
    await this.#call('Profiler.setSamplingInterval', { interval: 200 });
    await this.#call('Profiler.start');
  }

  /** Ends the session: the profile. */
  async stop() {
    const { profile } = await this.#call('Profiler.stop');
    this.#socket.close();
    return profile;
  }
}
