// CPU time from the kernel's accounting, and how fast the machine is at the moment.

import { readdirSync, readFileSync } from 'node:fs';

/** CPU seconds of processes, in nanoseconds' grain, a file for each thread. */
export const cpu = (pids) =>
  pids.reduce(
    (sum, pid) =>
      readdirSync(`/proc/${pid}/task`).reduce(
        (all, thread) => all + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]) / 1e9,
        sum,
      ),
    0,
  );

/** Until processes have done what they were left with: CPU seconds, once a tenth of a second adds next to none. */
export async function settled(pids) {
  let before = cpu(pids);
  for (let tries = 0; tries < 600; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const now = cpu(pids);
    if (now - before < 0.001) return now;
    before = now;
  }
  throw new Error('the processes do not come to rest');
}

/** CPU milliseconds of a fixed piece of work: what other figures of the same moment are held against. */
export function fixedWork() {
  const from = process.cpuUsage();
  let sum = 0;
  for (let i = 0; i < 60_000_000; i += 1) sum = (sum * 31 + i) | 0;
  const { user, system } = process.cpuUsage(from);
  if (sum === 1) throw new Error('never');
  return (user + system) / 1000;
}
