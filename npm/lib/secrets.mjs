// The two secrets of a deployment: made here, handed over before they are set, so that what is set is never lost.

import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';

import { Refusal, say, show } from './say.mjs';

const FORMS = {
  MASTER_KEY: /^[A-Za-z0-9_-]+:[A-Za-z0-9+/]{43}=$/,
  ADMIN_TOKEN: /^\S{32,}$/,
};

/** Secrets as scripts/deploy.sh makes them. `id` begins the master key. */
export function makeSecrets(id = `k${new Date().toISOString().slice(0, 10).replaceAll('-', '')}`) {
  return {
    MASTER_KEY: `${id}:${randomBytes(32).toString('base64')}`,
    ADMIN_TOKEN: randomBytes(24).toString('hex'),
  };
}

/** The secrets of a file that an earlier run wrote; nothing where there is no such file. */
export function readSecrets(path) {
  if (!path || !existsSync(path)) return undefined;
  const how = 'A file of another kind is not written into: say --secrets-file with a new one.';
  if (!statSync(path).isFile()) throw new Refusal(`${path} is no file. ${how}`);
  // Windows has rights of another kind.
  if (process.platform !== 'win32' && statSync(path).mode & 0o077) {
    throw new Refusal(`${path} can be read by others. If it has the secrets of this deployment, say \`chmod 600 ${path}\`. ${how}`);
  }
  const found = {};
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(line) ?? [];
    if (!Object.hasOwn(FORMS, name ?? '') || !FORMS[name].test(value)) {
      throw new Refusal(`${path} is not a file of secrets that this command wrote. ${how}`);
    }
    found[name] = value;
  }
  const missing = Object.keys(FORMS).filter((name) => !(name in found));
  if (missing.length > 0)
    throw new Refusal(`${path} has no ${missing.join(' and no ')}: it was not written to its end. Remove it, then run this again.`);
  return found;
}

/** Gives the secrets to the person, before anything is made with them. */
export function handOver(secrets, path) {
  if (path) {
    // `wx`: neither a file nor a link that is there is written into. It has to be on the disk before they are set.
    const file = openSync(path, 'wx', 0o600);
    try {
      writeSync(file, `MASTER_KEY=${secrets.MASTER_KEY}\nADMIN_TOKEN=${secrets.ADMIN_TOKEN}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    say(`MASTER_KEY and ADMIN_TOKEN are in ${path}, which only you can read.`);
    say('Copy MASTER_KEY to where you keep such things, offline: without it nobody can read the database. Then remove the file.');
    return;
  }
  say('MASTER_KEY is shown this once. Keep it offline: without it nobody can read the database.');
  show(`\n    ${secrets.MASTER_KEY}\n`);
  say('ADMIN_TOKEN is shown this once. It is the first API token: make others with it, then delete it.');
  show(`\n    ${secrets.ADMIN_TOKEN}\n`);
  say('Should this be interrupted and run again, the secrets that were shown last are the ones that count.');
}
