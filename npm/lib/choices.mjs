// What a user has chosen: `ringfence.toml` in the folder where a command is run, and flags, which count before it. Every
// entry is checked, because one that is misspelt would otherwise be one that has no effect.

import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { parse, stringify } from 'smol-toml';

import { Refusal, say } from './say.mjs';

export const FILE = 'ringfence.toml';

const HOST = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/;

const text = (fits, says) => ({ check: (value) => typeof value === 'string' && fits.test(value), says });
const flag = { check: (value) => typeof value === 'boolean', says: 'true or false' };
const texts = (fits, says) => ({
  check: (value) => [value].flat().length > 0 && [value].flat().every((one) => typeof one === 'string' && fits.test(one)),
  says,
});

/** Every entry there is. */
const ENTRIES = {
  name: text(
    /^[a-z0-9]([a-z0-9-]{0,52}[a-z0-9])?$/,
    'the name of the Worker: small letters, digits and hyphens, at most 54, such as "ringfence"',
  ),
  domain: texts(HOST, 'a hostname of a zone in your account, such as "phones.example.com", or a list of them'),
  routes: texts(/^[^\s/]+\/\S*$/, 'a pattern of a zone in your account, such as "example.com/phones/*", or a list of them'),
  workers_dev: flag,
  account_id: text(/^[0-9a-f]{32}$/, 'the id of an account: 32 hexadecimal digits, as the address of the dashboard has it'),
  jurisdiction: text(/^(eu|fedramp|us)$/, '"eu", "us" or "fedramp": where the database stays'),
  schedule: texts(/^\S+( \S+){4}$/, 'when the Worker tidies up, in five fields, such as "*/5 * * * *"'),
  cpu_ms: {
    check: (value) => Number.isInteger(value) && value >= 10 && value <= 300_000,
    says: 'how many milliseconds of CPU a request may take: a whole number from 10 to 300000',
  },
  database_id: text(
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    'the id of a D1 database that is there, as `npx wrangler d1 list` shows it',
  ),
  files_id: text(/^[0-9a-f]{32}$/, 'the id of a KV namespace that is there, as `npx wrangler kv namespace list` shows it'),
  access_team: text(/^\S+$/, 'the name of the team, or its domain, for signing in by Cloudflare Access'),
  access_audience: text(/^[0-9a-f]{64}$/, "the application's audience tag, for signing in by Cloudflare Access"),
  log_level: text(/^(failures|notable|all)$/, 'failures, notable (if not said) or all: which answers to phones have a line in the log'),
};

/** The names of the entries that a flag may give. */
export const FLAGS = { name: 'name', domain: 'domain', account: 'account_id', jurisdiction: 'jurisdiction' };

/** Reads the choices. `flags` are those of the command line by their entries' names; `path` is another file, which then must be there. */
export function readChoices(flags = {}, path) {
  const where = resolve(path ?? FILE);
  const file = parseFile(where, path !== undefined);
  const wrong = [
    ...problems(file, `${path ?? FILE}: `),
    ...problems(flags, '--', (entry) => Object.entries(FLAGS).find(([, of]) => of === entry)?.[0] ?? entry),
  ];
  if (wrong.length > 0) throw new Refusal(wrong.join('\n'));
  const chosen = { name: 'ringfence', ...file, ...flags };
  if ((chosen.access_team === undefined) !== (chosen.access_audience === undefined)) {
    throw new Refusal('access_team and access_audience go together: give both, or neither.');
  }
  const list = (value) => (value === undefined ? [] : [value].flat());
  return {
    ...chosen,
    domains: list(chosen.domain),
    routes: list(chosen.routes),
    schedule: list(chosen.schedule),
    // With a hostname of one's own the other address is one more that anybody can find.
    workers_dev: chosen.workers_dev ?? (chosen.domain === undefined && chosen.routes === undefined),
  };
}

/**
 * Keeps what the flags have chosen, so that the same command without them is an upgrade. A file that is there is its
 * owner's, and is not written into.
 */
export function keepChoices(flags, path) {
  if (Object.keys(flags).length === 0) return;
  const where = resolve(path ?? FILE);
  try {
    writeFileSync(where, stringify(flags), { flag: 'wx' });
    say(
      `What you have chosen is in ${path ?? FILE}: keep it, and an upgrade is \`npx ringfence deploy\` of a newer package in this folder.`,
    );
  } catch (error) {
    const why = error.code === 'EEXIST' ? 'is there, and is left as it is' : `cannot be written (${error.code})`;
    say(`${path ?? FILE} ${why}. Write into it what your flags say, so that an upgrade does not need them.`);
  }
}

function parseFile(where, mustBeThere) {
  let source;
  try {
    source = readFileSync(where, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT' && !mustBeThere) return {};
    throw new Refusal(`${where} cannot be read (${error.code}). Say --config with a file that is there, or leave it out.`);
  }
  try {
    return parse(source);
  } catch (error) {
    throw new Refusal(`${where} is no TOML: ${error.message.trim()}\nMend that line, then run this again.`);
  }
}

function problems(entries, where, name = (entry) => entry) {
  return Object.entries(entries).flatMap(([entry, value]) => {
    const known = Object.hasOwn(ENTRIES, entry) ? ENTRIES[entry] : undefined;
    if (known === undefined) {
      const near = nearest(entry);
      return [
        `${where}${name(entry)} is not known.${near ? ` Did you mean ${near}?` : ''} There are: ${Object.keys(ENTRIES).join(', ')}. Remove it, or write it so.`,
      ];
    }
    return known.check(value) ? [] : [`${where}${name(entry)} must be ${known.says}. Here it is ${JSON.stringify(value)}: write it so.`];
  });
}

/** The entry that one may have meant. */
function nearest(entry) {
  const plain = (word) => word.toLowerCase().replaceAll(/[^a-z]/g, '');
  const distance = (one, other) => {
    let row = [...Array(other.length + 1).keys()];
    for (let i = 1; i <= one.length; i += 1) {
      const next = [i];
      for (let j = 1; j <= other.length; j += 1) {
        next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1)));
      }
      row = next;
    }
    return row.at(-1);
  };
  const [best] = Object.keys(ENTRIES)
    .map((known) => [known, distance(plain(entry), plain(known))])
    .sort(([, one], [, other]) => one - other);
  return best[1] <= 2 ? best[0] : undefined;
}
