// The configuration that wrangler is given: the shipped one with the user's choices in it, in a folder of its own. The
// shipped one is never edited, so there is nothing that an upgrade could meet with.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { countersOf } from './counters.mjs';
import { HOME, shippedConfig } from './shipped.mjs';

/**
 * A request's share of the one thread that all tenants of an isolate have, in milliseconds. The heaviest request that
 * there is takes a second or two.
 */
const CPU_MS = 10_000;

/** The names of what belongs to a Worker, as wrangler would name the namespace by itself. */
export const namesOf = (name) => ({ worker: name, database: name, files: `${name}-files` });

/** The configuration. `ids` of what is there already are filled in; wrangler creates or inherits the rest. */
export function configFor(choices, { ids = {}, limits = true } = {}) {
  const config = shippedConfig();
  const { database } = namesOf(choices.name);
  config.name = choices.name;
  config.main = join(HOME, config.main);
  config.assets.directory = join(HOME, config.assets.directory);
  config.ratelimits = countersOf(choices.name, config.ratelimits);
  config.workers_dev = choices.workers_dev;
  // What somebody set in the dashboard stays.
  config.keep_vars = true;
  config.dependencies_instrumentation = { enabled: false };
  const [d1] = config.d1_databases;
  d1.database_name = database;
  const databaseId = choices.database_id ?? ids.database;
  if (databaseId) d1.database_id = databaseId;
  const filesId = choices.files_id ?? ids.files;
  if (filesId) config.kv_namespaces[0].id = filesId;
  const routes = [...choices.domains.map((pattern) => ({ pattern, custom_domain: true })), ...choices.routes];
  if (routes.length > 0) config.routes = routes;
  if (choices.account_id) config.account_id = choices.account_id;
  if (choices.schedule.length > 0) config.triggers = { crons: choices.schedule };
  const vars = {
    ...(choices.access_team && { ACCESS_TEAM: choices.access_team, ACCESS_AUDIENCE: choices.access_audience }),
    ...(choices.log_level && { LOG_LEVEL: choices.log_level }),
  };
  if (Object.keys(vars).length > 0) config.vars = vars;
  if (limits) config.limits = { cpu_ms: choices.cpu_ms ?? CPU_MS };
  return config;
}

/** Writes a configuration to a folder; its path. */
export function writeConfig(folder, config) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'wrangler.json');
  writeFileSync(path, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  return path;
}

/** Does something with a folder that only its owner can read, and that is gone afterwards. */
export async function inFolder(use) {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const interrupted = (signal) => {
    remove();
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    return await use(folder);
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    remove();
  }
}
