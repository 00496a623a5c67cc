// Prometheus from Debian's package: its server, and promtool.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Child } from './child.mjs';
import { tcpPort } from './ports.mjs';
import { eventually } from './wait.mjs';

/** Runs promtool; `{ status, output }`. */
export function promtool(args, { input, cwd } = {}) {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, { input, cwd, encoding: 'utf8', timeout: 60_000 });
  if (error) throw error;
  return { status, output: `${stdout}${stderr}` };
}

/** A server that scrapes 127.0.0.1:`port` every second with a bearer token, and knows the rules of `rules`. */
export async function startPrometheus({ port, token, rules }) {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-prometheus-'));
  const listen = await tcpPort();
  writeFileSync(join(folder, 'token'), token, { mode: 0o600 });
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: [rules],
    scrape_configs: [
      {
        job_name: 'ringfence',
        authorization: { credentials_file: join(folder, 'token') },
        static_configs: [{ targets: [`127.0.0.1:${port}`] }],
      },
    ],
  };
  // JSON is YAML.
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const server = new Child('prometheus', [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${listen}`,
  ]);
  server.gone.then(() => rmSync(folder, { recursive: true, force: true }));
  await server.says(/Server is ready to receive web requests/, 60_000);
  /** What its HTTP API answers. */
  server.api = async (path, query = {}) => {
    const url = new URL(`http://127.0.0.1:${listen}/api/v1/${path}?${new URLSearchParams(query)}`);
    return (await fetch(url, { signal: AbortSignal.timeout(20_000) })).json();
  };
  /** The samples of a query: labels and value each. */
  server.query = async (query) => {
    const { status, error, data } = await server.api('query', { query });
    if (status !== 'success') throw new Error(`${query}: ${error}`);
    return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  };
  /** Until a query gives a value. */
  server.until = (query, good = Boolean) => eventually(async () => (await server.query(query))[0]?.value, good, query);
  return server;
}
