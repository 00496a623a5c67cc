// Phones that ask for URLs in turn without end, as fast as they can or at a rate. In a thread of its own, so that whoever measures beside
// them is not held up by them, and the same for whatever is asked, so that two floods of one rate take the same of the machine.

import http from 'node:http';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

/**
 * Begins a flood; `perSecond` is as fast as possible unless it is given. `stop` ends it: how many requests a second there were. Fails
 * if an answer has another status than `status`.
 */
export function flood(urls, { perSecond = Infinity, connections = 16, status = 200 } = {}) {
  const thread = new Worker(new URL(import.meta.url), { workerData: { urls, perSecond, connections, status } });
  const over = new Promise((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', reject);
  });
  // Whoever stops it hears of its failure.
  over.catch(() => {});
  return {
    stop: () => {
      thread.postMessage('stop');
      return over;
    },
  };
}

async function run({ urls, perSecond, connections, status }) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  const ask = (url) =>
    new Promise((resolve, reject) => {
      const request = http.get(url, { agent }, (response) => {
        response.resume();
        response.on('end', () => (response.statusCode === status ? resolve() : reject(new Error(`${url}: ${response.statusCode}`))));
      });
      request.on('error', reject);
    });
  let isOver = false;
  parentPort.once('message', () => (isOver = true));
  let count = 0;
  const begin = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (!isOver) {
        // The next one's turn, whichever connection takes it.
        const due = begin + (count / perSecond) * 1000;
        const url = urls[count % urls.length];
        count += 1;
        const early = due - performance.now();
        if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
        await ask(url);
      }
    }),
  );
  const rate = (count / (performance.now() - begin)) * 1000;
  agent.destroy();
  parentPort.postMessage(rate);
}

if (!isMainThread && workerData?.urls) await run(workerData);
