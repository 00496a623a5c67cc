// Reads the part of TOML that wrangler.toml is written in, so that the tests have no second copy of
// the bindings and need no parser from outside: tables, arrays of tables, and strings, whole numbers,
// booleans and flat arrays as values. Anything else is an error, never a guess.

/** Parses `text`; throws with the line of what it does not understand. */
export function parseToml(text) {
  const root = {};
  let table = root;
  text.split('\n').forEach((raw, index) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return;
    const where = `line ${index + 1}: ${line}`;
    let match;
    if ((match = /^\[\[([\w.-]+)\]\]\s*(#.*)?$/.exec(line))) table = open(root, match[1], true, where);
    else if ((match = /^\[([\w.-]+)\]\s*(#.*)?$/.exec(line))) table = open(root, match[1], false, where);
    else if ((match = /^([\w-]+)\s*=\s*(.+)$/.exec(line))) table[match[1]] = value(match[2], where);
    else throw new Error(`wrangler.toml, ${where}: not understood`);
  });
  return root;
}

function open(root, path, many, where) {
  const keys = path.split('.');
  const last = keys.pop();
  let at = root;
  for (const key of keys) {
    at = at[key] ??= {};
    if (Array.isArray(at)) at = at.at(-1);
  }
  if (!many) return (at[last] ??= {});
  const list = (at[last] ??= []);
  if (!Array.isArray(list)) throw new Error(`wrangler.toml, ${where}: both a table and a list`);
  list.push({});
  return list.at(-1);
}

function value(text, where) {
  const { parsed, rest } = take(text, where);
  if (rest !== '' && !rest.startsWith('#')) throw new Error(`wrangler.toml, ${where}: trailing text`);
  return parsed;
}

function take(text, where) {
  let match;
  if ((match = /^"((?:[^"\\]|\\["\\])*)"\s*/.exec(text))) {
    return { parsed: match[1].replace(/\\(["\\])/g, '$1'), rest: text.slice(match[0].length) };
  }
  if ((match = /^(true|false)\b\s*/.exec(text))) return { parsed: match[1] === 'true', rest: text.slice(match[0].length) };
  if ((match = /^(-?\d+)\s*(?![\w.:-])/.exec(text))) return { parsed: Number(match[1]), rest: text.slice(match[0].length) };
  if ((match = /^\[\s*/.exec(text))) {
    const parsed = [];
    let rest = text.slice(match[0].length);
    while (!rest.startsWith(']')) {
      const item = take(rest, where);
      parsed.push(item.parsed);
      rest = item.rest.replace(/^,\s*/, '');
      if (rest === '') throw new Error(`wrangler.toml, ${where}: a list must end on its line`);
    }
    return { parsed, rest: rest.slice(1).trim() };
  }
  throw new Error(`wrangler.toml, ${where}: this kind of value is not understood`);
}
