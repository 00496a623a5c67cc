// Which counters the rate limits of an installation have. Cloudflare counts by `namespace_id`, a number, for the whole
// account: with the same numbers two installations would use up each other's limits.

import { createHash } from 'node:crypto';

/** The name that has the numbers of wrangler.toml as they are. */
const DEFAULT = 'ringfence';

/** Where those begin, and how many there may be. */
const BEGIN = 1709;
const SPAN = 16;

/** Numbers that people choose by themselves are small. */
const FIRST = 2 ** 20;
const SPANS = 2 ** 26;

/**
 * The number that an installation has in place of one of wrangler.toml: by its name, the same each time, and below 2³¹. Two
 * names meet once in 67 million times. A number that is not of those of wrangler.toml is somebody's own, and stays.
 */
export function counterOf(name, number) {
  if (name === DEFAULT || !(number >= BEGIN && number < BEGIN + SPAN)) return number;
  const drawn = createHash('sha256').update(`ringfence rate limits of ${name}`).digest().readUInt32BE(0) % SPANS;
  return FIRST + drawn * SPAN + (number - BEGIN);
}

/** The rate limits of a configuration, with the counters of an installation. */
export const countersOf = (name, ratelimits) =>
  ratelimits.map((limit) => ({ ...limit, namespace_id: String(counterOf(name, Number(limit.namespace_id))) }));

/** The same in the text of a wrangler.toml. */
export const countersIn = (name, text) =>
  text.replaceAll(/^(namespace_id\s*=\s*["'])(\d+)(?=["'])/gm, (_, before, number) => `${before}${counterOf(name, Number(number))}`);
