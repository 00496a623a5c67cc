// What a pace is worth, from what was counted. No machine is so slow that it breaks these bounds.

/** The most of `times` (milliseconds) that lie within any window of `width` milliseconds. */
export function busiest(times, width = 1000) {
  const sorted = [...times].sort((a, b) => a - b);
  let most = 0;
  for (let first = 0, last = 0; last < sorted.length; last += 1) {
    while (sorted[last] - sorted[first] >= width) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

/**
 * The busiest second of each destination network, beside what `perSecond` allows in it. `told` is a list
 * of `{ network, leased, heard }`: the pool's and the phones' clock, which need not agree.
 *
 * The pool counts a job for its network when it leases it, so that a second of it holds no more than
 * the limit (src/pool/pace.rs); two more are allowed for the edges. From pool to phone a
 * busy machine may take a while, not always the same: by how much the ways differed is in `told`, and
 * by as much a second at the phones may hold more.
 */
export function networks(told, perSecond) {
  const ways = told.map(({ leased, heard }) => heard - leased);
  const unevenMs = ways.reduce((a, b) => Math.max(a, b), -Infinity) - ways.reduce((a, b) => Math.min(a, b), Infinity);
  const allowed = { atPool: perSecond + 2, atPhones: (1 + unevenMs / 1000) * perSecond + 2 };
  const names = [...new Set(told.map(({ network }) => network))].sort();
  const found = names.map((network) => {
    const own = told.filter((one) => one.network === network);
    return {
      network,
      count: own.length,
      atPool: busiest(own.map(({ leased }) => leased)),
      atPhones: busiest(own.map(({ heard }) => heard)),
    };
  });
  return { found, allowed, unevenMs };
}
