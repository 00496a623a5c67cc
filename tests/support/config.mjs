// What wrangler.toml binds, as Miniflare's options: one truth for deployment, `make run` and tests.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { parseToml } from './toml.mjs';

/** The checkout. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** wrangler.toml, parsed. */
export function wranglerConfig() {
  return parseToml(readFileSync(join(ROOT, 'wrangler.toml'), 'utf8'));
}

/** Bindings for a Miniflare worker whose storage lives below `persist`. */
export function bindings(config = wranglerConfig()) {
  const classes = new Set((config.migrations ?? []).flatMap((migration) => migration.new_sqlite_classes ?? []));
  const durableObjects = {};
  for (const { name, class_name: className } of config.durable_objects?.bindings ?? []) {
    durableObjects[name] = { className, useSQLite: classes.has(className) };
  }
  return {
    name: config.name,
    compatibilityDate: config.compatibility_date,
    compatibilityFlags: config.compatibility_flags ?? [],
    // Without an id a binding's own name does.
    d1Databases: Object.fromEntries((config.d1_databases ?? []).map((d1) => [d1.binding, d1.database_id ?? d1.binding])),
    kvNamespaces: Object.fromEntries((config.kv_namespaces ?? []).map((kv) => [kv.binding, kv.id ?? kv.binding])),
    durableObjects,
    ratelimits: Object.fromEntries((config.ratelimits ?? []).map(({ name, ...limit }) => [name, limit])),
    bindings: { ...config.vars },
    ...assets(config.assets),
  };
}

function assets(settings) {
  if (!settings || !existsSync(join(ROOT, settings.directory))) return {};
  // As wrangler makes a router's rules of `run_worker_first`.
  const rules = settings.run_worker_first ?? [];
  const negative = rules.filter((rule) => rule.startsWith('!'));
  return {
    assets: {
      directory: join(ROOT, settings.directory),
      binding: settings.binding,
      routerConfig: {
        has_user_worker: true,
        invoke_user_worker_ahead_of_assets: false,
        static_routing: {
          user_worker: rules.filter((rule) => !rule.startsWith('!')),
          asset_worker: negative.map((rule) => rule.slice(1)),
        },
      },
      assetConfig: { html_handling: 'none', not_found_handling: 'none' },
    },
  };
}
