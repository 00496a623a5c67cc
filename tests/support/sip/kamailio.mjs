// Kamailio as registrar and proxy: started on a free port of loopback from tests/e2e/kamailio.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Child } from '../child.mjs';
import { ROOT } from '../config.mjs';
import { udpPort } from '../ports.mjs';

/**
 * A proxy for `domain` that lets nobody through without the password. `mode` is a strict one of its
 * module auth: `NONCE_COUNT` or `ONE_TIME`.
 */
export async function kamailio({ domain = 'pbx.test', password, mode }) {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-kamailio-'));
  const port = await udpPort();
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
    ],
    { env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } },
  );
  await proxy.says(/ready for requests/);
  return Object.assign(proxy, {
    port,
    domain,
    async end() {
      await proxy.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  });
}
