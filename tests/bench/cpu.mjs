// CPU time from the kernel's accounting.

import { readdirSync, readFileSync } from 'node:fs';

/** Every thread of a process, each as the folder in which the kernel tells of it. */
const threads = (pid) => readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}`);

const seconds = (folders) =>
  folders.reduce((sum, folder) => sum + Number(readFileSync(`${folder}/schedstat`, 'latin1').split(' ')[0]) / 1e9, 0);

/** CPU seconds of processes, in nanoseconds' grain. */
export const cpu = (pids) => seconds(pids.flatMap(threads));

/** Those of them in which V8 compiles a second time what runs often, and collects garbage: threads of its own. */
export const cpuOfCompiler = (pids) =>
  seconds(pids.flatMap(threads).filter((folder) => readFileSync(`${folder}/comm`, 'latin1').startsWith('V8 ')));

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
