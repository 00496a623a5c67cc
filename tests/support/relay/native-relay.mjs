// The real relay, as `make test` builds it.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Child } from '../child.mjs';
import { ROOT } from '../config.mjs';
import { tcpPort, udpPort } from '../ports.mjs';

/** Unoptimised, since that is made in seconds; scripts/bench.sh names the one that is measured. */
export const RELAY = process.env.RINGFENCE_RELAY ?? join(ROOT, 'target/debug/ringfence-relay');

/**
 * Starts a relay and waits until the pool has welcomed it. `port` is the Worker's (or its door's);
 * `t1` shortens RFC 3261's timers with it: at 50 ms, a NOTIFY is given up after 3.2 s. `url` is the
 * pool's whole address, `env` goes over the test's own environment, `sip` are further lines of that section.
 */
export async function startRelay({
  port,
  credential,
  url = `ws://127.0.0.1:${port}/relay/v1`,
  t1 = 50,
  capacity = 20_000,
  drain = 10,
  env = {},
  sip: more = '',
}) {
  if (!existsSync(RELAY)) throw new Error(`${RELAY} is missing: cargo build -p ringfence-relay`);
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-relay-'));
  const [sip, http] = [await udpPort(), await tcpPort()];
  writeFileSync(join(folder, 'credential'), `${credential}\n`, { mode: 0o600 });
  writeFileSync(
    join(folder, 'relay.toml'),
    `
[pool]
url = "${url}"
credential_file = "${join(folder, 'credential')}"
capacity = ${capacity}
reconnect_min_ms = 100
reconnect_max_ms = 500
drain_s = ${drain}
[sip]
bind = ["127.0.0.1:${sip}"]
from = "sip:prov@pbx.test"
t1_ms = ${t1}
t2_ms = ${t1 * 8}
t4_ms = ${t1 * 10}
${more}
[destinations]
allow = ["127.0.0.0/8"]
[pace]
per_destination = 0
per_proxy = 0
[http]
listen = "127.0.0.1:${http}"
[log]
format = "text"
`,
  );
  const relay = new Child(RELAY, ['--config', join(folder, 'relay.toml')], { env: { ...process.env, ...env } });
  relay.gone.then(() => rmSync(folder, { recursive: true, force: true }));
  relay.sip = sip;
  /** What /metrics counts under a name without its prefix, labels added up. */
  relay.metric = async (name) => {
    const page = await (await fetch(`http://127.0.0.1:${http}/metrics`, { signal: AbortSignal.timeout(10_000) })).text();
    const values = [...page.matchAll(new RegExp(`^ringfence_relay_${name}(?:\\{.*\\})? (\\d+)$`, 'gm'))];
    return values.reduce((sum, [, value]) => sum + Number(value), 0);
  };
  return relay;
}
