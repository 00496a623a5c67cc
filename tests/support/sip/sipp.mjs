// SIPp as phones. One process is as many phones as share an address and a behaviour.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';

import { Child } from '../child.mjs';
import { ROOT } from '../config.mjs';
import { tcpPort, udpPort } from '../ports.mjs';

/**
 * Starts SIPp on a free port of loopback with a scenario of tests/e2e/sipp, or with a file of one's
 * own, `tcp` has it listen there instead of on UDP. `keys` are the scenario's words in brackets, `args` further options of SIPp. `host` is where it
 * listens: 0.0.0.0 is all of loopback's 16 million addresses.
 */
export async function sipp(scenario, { keys = {}, args = [], port, host = '127.0.0.1', tcp = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-sipp-'));
  const own = port ?? (await (tcp ? tcpPort() : udpPort()));
  const values = { linger: '1000', more: 'X-Nothing: more', file: join(folder, 'file'), ...keys };
  // By hand and not by -key: SIPp reads the status of an answer before it knows its own keys.
  const xml = readFileSync(isAbsolute(scenario) ? scenario : join(ROOT, 'tests/e2e/sipp', `${scenario}.xml`), 'utf8').replace(
    /\[(\w+)\]/g,
    (word, name) => values[name] ?? word,
  );
  writeFileSync(join(folder, 'scenario.xml'), xml);
  const phone = new Child(
    'sipp',
    [
      '-sf',
      join(folder, 'scenario.xml'),
      '-i',
      host,
      '-p',
      String(own),
      '-nostdin',
      '-timeout',
      '300s',
      '-trace_logs',
      '-log_file',
      join(folder, 'log'),
      '-trace_err',
      '-error_file',
      join(folder, 'errors'),
      ...(tcp ? ['-t', 't1'] : []),
      ...args,
    ],
    { cwd: folder, env: { ...process.env, TERM: 'dumb' } },
  );
  const read = (name) => {
    try {
      return readFileSync(join(folder, name));
    } catch {
      return Buffer.alloc(0);
    }
  };
  await listening(host, own, phone, tcp);
  return Object.assign(phone, {
    port: own,
    address: `127.0.0.1:${own}`,
    /** What the scenario logged, a line each. */
    lines: () => read('log').toString('latin1').split('\n').filter(Boolean),
    errors: () => read('errors').toString('latin1'),
    /** What the phone downloaded last. */
    file: () => read('file'),
    async end() {
      await phone.stop('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  });
}

/** Until the port is bound, as the kernel shows it. */
async function listening(host, port, phone, tcp) {
  const address = host
    .split('.')
    .reverse()
    .map((byte) => Number(byte).toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase();
  const local = `${address}:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  for (let turn = 0; turn < 500 && !phone.ended; turn += 1) {
    if (readFileSync(tcp ? '/proc/net/tcp' : '/proc/net/udp', 'latin1').includes(local)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`SIPp does not listen:\n${phone.output.slice(-2000)}`);
}
