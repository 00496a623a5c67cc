// Two ways to put load on an address: wrk for one URL again and again, node for URLs that may each
// be asked once. Rates are compared only within one way.

import { execFile, spawnSync } from 'node:child_process';
import http from 'node:http';
import { promisify } from 'node:util';

const haveWrk = spawnSync('wrk', ['--version']).error === undefined;

/** Which generator `repeat` uses; for the report. */
export const generator = haveWrk ? 'wrk' : 'node';

/** Requests per second for one URL. Throws if an answer has another status than `status`. */
export async function repeat(url, options) {
  return (await load(url, options)).rate;
}

/** The same, and how many requests there were. */
export async function load(url, { seconds = 2, connections = 16, headers = {}, status = 200 } = {}) {
  const probe = await fetch(url, { headers });
  await probe.arrayBuffer();
  if (probe.status !== status) throw new Error(`${url}: ${probe.status}, expected ${status}`);
  if (!haveWrk) return repeatByNode(url, { seconds, connections, headers, status });
  // Not spawnSync: this process must go on reading what workerd prints.
  const { stdout } = await promisify(execFile)(
    'wrk',
    ['-t1', `-c${connections}`, `-d${seconds}s`, ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]), url],
    { timeout: 120_000 },
  );
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  if (!(rate > 0)) throw new Error(`wrk: ${stdout}`);
  // wrk counts only statuses of 400 and more.
  if (status < 400 && /Non-2xx or 3xx responses/.test(stdout)) throw new Error(`${url}: ${stdout}`);
  return { rate, count: Number(/(\d+) requests in/.exec(stdout)?.[1]) };
}

async function repeatByNode(url, { seconds, connections, headers, status }) {
  const end = performance.now() + seconds * 1000;
  let count = 0;
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  const begin = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < end) {
        await once(url, agent, headers, status);
        count += 1;
      }
    }),
  );
  agent.destroy();
  return { rate: (count / (performance.now() - begin)) * 1000, count };
}

/** Requests per second over a list of URLs, each asked once. */
export async function eachOnce(urls, { connections = 16, headers = {}, status = 200 } = {}) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  const queue = [...urls];
  const begin = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (queue.length > 0) await once(queue.pop(), agent, headers, status);
    }),
  );
  const rate = (urls.length / (performance.now() - begin)) * 1000;
  agent.destroy();
  return rate;
}

function once(url, agent, headers, status) {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent, headers }, (response) => {
      response.resume();
      response.on('end', () => (response.statusCode === status ? resolve() : reject(new Error(`${url}: ${response.statusCode}`))));
    });
    request.on('error', reject);
  });
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length % 2 ? sorted[(sorted.length - 1) / 2] : (sorted[sorted.length / 2 - 1] + sorted[sorted.length / 2]) / 2;
}

/**
 * Runs every subject once per round, one after the other, so that a machine that becomes slower or
 * faster does so for all; the median of each. `subjects`: name → function that gives a rate.
 * `settle` is waited for in between: what one subject left to be done afterwards must not be done at
 * the cost of the next.
 */
export async function interleaved(subjects, rounds, settle) {
  const rates = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, run] of Object.entries(subjects)) {
      await settle();
      rates[name].push(await run());
    }
  }
  return Object.fromEntries(Object.entries(rates).map(([name, list]) => [name, median(list)]));
}
