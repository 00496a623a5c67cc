// A relay as the pool's object sees one: a WebSocket client that speaks crates/wire and answers each
// job as a test wants.

import { randomBytes } from 'node:crypto';

import { withDeadline } from '../worker/ringfence.mjs';

export class FakeRelay {
  /**
   * Connects with a credential. `answer(job, relay)` gives a result's fields, a promise of them, or
   * nothing to stay silent. Without `hello` the relay says nothing by itself.
   */
  static async connect(
    worker,
    credential,
    { capacity = 1000, instance = randomBytes(8).toString('hex'), answer = okResult, ack = true, hello = true, transports = ['udp4'] } = {},
  ) {
    const relay = new FakeRelay();
    Object.assign(relay, { answer, ack, frames: [], jobs: [], texts: [], closed: undefined, waiting: [], recorded: [], cancelled: [] });
    const url = new URL('/relay/v1', worker.http);
    url.protocol = 'ws:';
    // Node's own WebSocket takes headers.
    relay.socket = new WebSocket(url, { headers: { authorization: `Bearer ${credential}` } });
    relay.socket.addEventListener('message', ({ data }) => relay.#message(data));
    relay.gone = new Promise((resolve) =>
      relay.socket.addEventListener('close', (event) => {
        relay.closed = { code: event.code, reason: event.reason };
        resolve(relay.closed);
      }),
    );
    await withDeadline(
      new Promise((resolve, reject) => {
        relay.socket.addEventListener('open', resolve);
        relay.socket.addEventListener('error', (event) => reject(new Error(`not connected: ${event.message ?? ''}`)));
      }),
      'the connection',
    );
    if (hello) {
      relay.say({ type: 'hello', version: '0.0.0', software: 'fake-relay', instance, capacity, in_flight: 0, transports });
      await relay.frame('welcome');
    }
    return relay;
  }

  say(frame) {
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify({ v: 1, ...frame }));
  }

  /** The next frame of that type that nobody has asked for yet. */
  frame(type) {
    const found = this.frames.findIndex((frame) => frame.type === type);
    if (found >= 0) return Promise.resolve(this.frames.splice(found, 1)[0]);
    return withDeadline(new Promise((resolve) => this.waiting.push({ type, resolve })), `a ${type} frame`);
  }

  /** Cuts the connection without a word. */
  close() {
    this.socket.close();
    return this.gone;
  }

  result(job, fields) {
    this.say({ type: 'result', results: [{ id: job.id, lease: job.lease, ...okResult(), ...fields }] });
  }

  async #message(data) {
    if (data === 'PONG') {
      this.texts.push(data);
      return;
    }
    const frame = JSON.parse(data);
    const waiting = this.waiting.findIndex((entry) => entry.type === frame.type);
    if (waiting >= 0) this.waiting.splice(waiting, 1)[0].resolve(frame);
    else this.frames.push(frame);
    if (frame.type === 'recorded') this.recorded.push(...frame.jobs);
    if (frame.type === 'cancel') this.cancelled.push(...frame.jobs);
    if (frame.type !== 'job') return;
    const at = Date.now();
    this.jobs.push(...frame.jobs.map((job) => ({ ...job, at })));
    if (this.ack) this.say({ type: 'ack', jobs: frame.jobs.map(({ id, lease }) => ({ id, lease })) });
    const results = await Promise.all(
      frame.jobs.map(async (job) => {
        const fields = await this.answer(job, this);
        return fields && { id: job.id, lease: job.lease, ...okResult(), ...fields };
      }),
    );
    const said = results.filter(Boolean);
    for (let first = 0; first < said.length; first += 100) {
      this.say({ type: 'result', results: said.slice(first, first + 100) });
    }
  }
}

/** The phone said 200. */
export function okResult() {
  return { outcome: 'answered', code: 200, reason: 'ok', explanation: 'The phone heard.', retry: 'never', attempts: 1, rtt_ms: 12 };
}

/** The phone said something else. */
export function rejectedResult(code, more = {}) {
  return {
    outcome: 'rejected',
    code,
    reason: `status_${code}`,
    explanation: `It said ${code}.`,
    retry: 'never',
    attempts: 1,
    rtt_ms: 12,
    ...more,
  };
}

/** Nobody said anything. */
export function silentResult() {
  return {
    outcome: 'unreachable',
    code: undefined,
    reason: 'no_answer',
    explanation: 'Nobody answered.',
    retry: 'later',
    attempts: 11,
    rtt_ms: undefined,
  };
}
