// The functions of a CPU profile in which most time went, by their own time and by that of all they call.
//
//   node tests/bench/own/top.mjs FILE.cpuprofile [HOW MANY]

import { readFileSync } from 'node:fs';

const [, , file, many = '10'] = process.argv;
const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8'));
const byId = new Map(nodes.map((node) => [node.id, node]));
const parent = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id])));
const named = (id) => byId.get(id).callFrame.functionName || '(anonymous)';
const idle = new Set(['(idle)', '(root)']);
const own = new Map();
const all = new Map();
let total = 0;
samples.forEach((id, at) => {
  if (idle.has(named(id))) return;
  const time = timeDeltas[at] ?? 0;
  total += time;
  own.set(named(id), (own.get(named(id)) ?? 0) + time);
  const seen = new Set();
  for (let up = id; up !== undefined; up = parent.get(up)) seen.add(named(up));
  for (const name of seen) all.set(name, (all.get(name) ?? 0) + time);
});
const top = (map) => [...map].sort(([, a], [, b]) => b - a).slice(0, Number(many));
const say = (text) => process.stdout.write(`${text}\n`);
say(`${(total / 1000).toFixed(0)} ms of CPU`);
for (const [title, map] of [
  ['in itself', own],
  ['with what it calls', all],
]) {
  say(title);
  for (const [name, time] of top(map)) say(`  ${((time / total) * 100).toFixed(1).padStart(5)} %  ${name}`);
}
