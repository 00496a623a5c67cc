// What the CPU time of each row goes to, of the profiles that own.mjs has written: a table in Markdown, the largest costs first.
// A function counts for the nearest part of the Worker that called it, so that searching a text counts for who searches;
// what the module asks of the runtime counts for itself.
//
//   node tests/bench/own/areas.mjs FOLDER [HOW MANY] [PART OF A ROW'S NAME]

import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const [, , folder, many = '10', only = ''] = process.argv;

/** What the module asks of the runtime, by the name of the function. */
const ASKED = [
  [/^__wbg_new_from_slice|^__wbg_length|^__wbg_prototypesetcall/, 'bytes copied between the module and JavaScript'],
  [/^__wbg_(sign|digest|encrypt|decrypt|importKey|deriveBits)/, 'WebCrypto'],
  [/^(sign|digest|encrypt|decrypt|importKey|deriveBits)$/, 'WebCrypto'],
  [/string_(get|new)|^__wbindgen_string|^__wbg_.*string/, 'texts copied between the module and JavaScript'],
  [/^__wbg_|^wasm-to-js|^js-to-wasm/, 'other calls between the module and JavaScript'],
  [/^\(garbage collector\)$/, 'garbage collection'],
];

/** Parts of the Worker by the path of a symbol, the first that fits. */
const PARTS = [
  [/19ringfence_provision.*(8template|9minijinja)|9minijinja/, 'the template'],
  [/19ringfence_provision.*6format/, 'reading and checking the file'],
  [/9quick_xml/, 'reading and checking the file'],
  [/19ringfence_provision.*4seal|8base64|6base64|3aes_|3cbc_/, 'sealing: envelope, base64'],
  [/19ringfence_provision.*10vocabulary/, 'the vocabulary'],
  [/19ringfence_provision.*(12url_template|7serving|6family)/, 'names of files and families'],
  [/4sha2|4hmac|6digest/, 'SHA-256'],
  [/9ringfence.*(5store|2db)|14ringfence_json|10serde_json|10serde_core/, 'what D1 and KV say, read and written'],
  [/9ringfence.*5phone5event/, 'the event'],
  [/9ringfence.*4http|3url/, 'head and answer'],
  [/9ringfence.*5files/, 'the file: inputs, cache'],
  [/9ringfence.*4edge/, 'what the isolate remembers'],
  [/9ringfence.*5phone/, 'the request: who asks, what for'],
  [/9ringfence/, 'the Worker, other'],
  [/19ringfence_provision/, 'provisioning, other'],
];

/** The cost of each area, in parts of the whole. */
function areas(file) {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8'));
  const names = new Map(nodes.map((node) => [node.id, node.callFrame.functionName]));
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id])));
  const area = (id) => {
    const asked = ASKED.find(([is]) => is.test(names.get(id)));
    if (asked) return asked[1];
    for (let up = id; up !== undefined; up = parents.get(up)) {
      const part = names.get(up).startsWith('_R') && PARTS.find(([is]) => is.test(names.get(up)));
      if (part) return part[1];
    }
    return 'runtime, and JavaScript of Worker and simulators';
  };
  const costs = new Map();
  let total = 0;
  samples.forEach((id, at) => {
    if (['(idle)', '(root)'].includes(names.get(id))) return;
    const time = timeDeltas[at] ?? 0;
    total += time;
    costs.set(area(id), (costs.get(area(id)) ?? 0) + time);
  });
  return [...costs].map(([name, time]) => [name, time / total]).toSorted(([, a], [, b]) => b - a);
}

for (const file of readdirSync(folder).filter((name) => name.endsWith('.cpuprofile') && name.includes(only))) {
  const largest = areas(join(folder, file)).slice(0, Number(many));
  const words = largest.map(([name, share]) => `${name} ${Math.round(share * 100)}`).join('; ');
  process.stdout.write(`| ${basename(file, '.cpuprofile').replaceAll('-', ' ')} | ${words} |\n`);
}
