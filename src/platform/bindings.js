// Which bindings an isolate has. Cloudflare may give it others, where a deployment changed nothing else: what was made from
// the old ones is of no use then.
let last = [];
let number = 0;

/** The same number as before while every binding is what it was, and another one from then on. */
export const version = (env) => {
  const now = Object.values(env);
  if (now.length !== last.length || now.some((binding, at) => binding !== last[at])) {
    last = now;
    number += 1;
  }
  return number;
};
