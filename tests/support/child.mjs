// Programs beside the Worker (relay, SIPp, Kamailio): started, watched, and ended by their own id.

import { spawn } from 'node:child_process';

import { withDeadline } from './worker/ringfence.mjs';

const running = new Set();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));

export class Child {
  constructor(command, args, options = {}) {
    this.name = command;
    this.output = '';
    this.process = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    running.add(this.process);
    for (const stream of [this.process.stdout, this.process.stderr]) {
      // The end of it is enough to see what went wrong.
      stream.setEncoding('utf8').on('data', (text) => (this.output = (this.output + text).slice(-200_000)));
    }
    this.gone = new Promise((resolve) => {
      const end = (ended) => {
        this.ended ??= ended;
        running.delete(this.process);
        resolve(this.ended);
      };
      this.process.on('error', (error) => end({ error }));
      this.process.on('exit', (code, signal) => end({ code, signal }));
    });
  }

  /** Until its output matches; fails if it ends before. */
  async says(pattern, milliseconds = 20_000) {
    const deadline = Date.now() + milliseconds;
    while (!pattern.test(this.output)) {
      if (this.ended || Date.now() > deadline) throw new Error(`${this.name} never said ${pattern}:\n${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Ends it, the hard way if it must be. */
  async stop(signal = 'SIGTERM') {
    if (!this.ended) this.process.kill(signal);
    const late = setTimeout(() => this.process.kill('SIGKILL'), 15_000);
    await withDeadline(this.gone, `end of ${this.name}`, 20_000).finally(() => clearTimeout(late));
    return this.ended;
  }
}
