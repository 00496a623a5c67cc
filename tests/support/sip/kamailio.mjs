// Kamailio as registrar and proxy: started on a free port of loopback from tests/e2e/kamailio.

import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Child } from '../child.mjs';
import { ROOT } from '../config.mjs';
import { tcpPort, udpPort } from '../ports.mjs';
import { sipp } from './sipp.mjs';

/**
 * A proxy for `domain` that lets nobody through without the password. `mode` is a strict one of its
 * module auth: `NONCE_COUNT` or `ONE_TIME`. `streams` has it take TCP too, on the same port, and with `tls`
 * (`{ key, certificate }` in PEM) TLS on `tlsPort`. `ports` are those of an earlier one. `phones` is a UDP port that
 * stands for whoever is registered.
 */
export async function kamailio({ domain = 'pbx.test', password, mode, streams = false, tls, ports, phones }) {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-kamailio-'));
  const { port, tlsPort } = ports ?? { port: await tcpPort(), tlsPort: await tcpPort() };
  if (tls) {
    writeFileSync(join(folder, 'key.pem'), tls.key, { mode: 0o600 });
    writeFileSync(join(folder, 'certificate.pem'), tls.certificate);
  }
  const proxy = new Child(
    'kamailio',
    [
      '-f',
      join(ROOT, 'tests/e2e/kamailio/kamailio.cfg'),
      '-DD',
      '-E',
      '-m',
      '16',
      '-M',
      '4',
      '-Y',
      folder,
      '-P',
      join(folder, 'pid'),
      '-l',
      `udp:127.0.0.1:${port}`,
      '-A',
      `DOMAIN="${domain}"`,
      '-A',
      `PASSWORD="${password}"`,
      ...(mode ? ['-A', `${mode}=1`] : []),
      ...(phones ? ['-A', `PHONES="sip:127.0.0.1:${phones}"`] : []),
      ...(streams || tls ? ['-A', 'STREAMS=1', '-l', `tcp:127.0.0.1:${port}`] : []),
      ...(tls
        ? [
            ...['-A', `TLS_KEY="${join(folder, 'key.pem')}"`],
            ...['-A', `TLS_CERTIFICATE="${join(folder, 'certificate.pem')}"`],
            ...['-l', `tls:127.0.0.1:${tlsPort}`],
          ]
        : []),
    ],
    { env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } },
  );
  await proxy.says(/ready for requests/);
  return Object.assign(proxy, {
    port,
    tlsPort,
    ports: { port, tlsPort },
    domain,
    /** A phone that SIPp plays, registered by UDP. */
    async registered(user, scenario = 'answer', keys = { status: '200 OK' }) {
      const own = await udpPort();
      const register = await sipp('register', {
        keys: { user, domain, contact: `127.0.0.1:${own}` },
        args: ['-m', '1', `127.0.0.1:${port}`],
      });
      const gone = await register.gone;
      if (gone.code !== 0) throw new Error(`not registered: ${register.errors()}`);
      await register.end();
      return sipp(scenario, { port: own, keys });
    },
    /** SIGKILL for all of its processes: the first alone would leave the others with the ports. */
    async kill() {
      const own = proxy.process.pid;
      const parent = (pid) => {
        try {
          return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]);
        } catch {
          return undefined;
        }
      };
      const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parent(name) === own);
      for (const pid of [own, ...children.map(Number)]) process.kill(pid, 'SIGKILL');
      await proxy.gone;
    },
    async end() {
      await proxy.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  });
}
