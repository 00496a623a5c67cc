// Certificates of a private CA, made by the `openssl` command for one run and thrown away with it.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A CA: `file` is its certificate, `issue(names)` gives `{ key, certificate }` in PEM for a server. */
export function authority(name = 'Test CA') {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-ca-'));
  const file = (suffix) => join(folder, suffix);
  const key = (to) => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file(to)];
  openssl(
    'req',
    '-x509',
    ...key('ca.key'),
    '-out',
    file('ca.pem'),
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    '-addext',
    'keyUsage=critical,keyCertSign',
  );
  let serial = 0;
  return {
    file: file('ca.pem'),
    /** `names` as in subjectAltName: `DNS:localhost`, `IP:127.0.0.1`. */
    issue(names) {
      serial += 1;
      const own = `server-${serial}`;
      writeFileSync(file(`${own}.ext`), `basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=${names.join(',')}\n`);
      openssl('req', '-new', ...key(`${own}.key`), '-out', file(`${own}.csr`), '-subj', '/CN=server');
      openssl(
        'x509',
        '-req',
        '-in',
        file(`${own}.csr`),
        '-CA',
        file('ca.pem'),
        '-CAkey',
        file('ca.key'),
        '-set_serial',
        String(serial),
        '-days',
        '2',
        '-extfile',
        file(`${own}.ext`),
        '-out',
        file(`${own}.pem`),
      );
      return { key: readFileSync(file(`${own}.key`), 'utf8'), certificate: readFileSync(file(`${own}.pem`), 'utf8') };
    },
    end: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function openssl(...args) {
  const result = spawnSync('openssl', args, { encoding: 'utf8', timeout: 20_000 });
  if (result.status !== 0) throw new Error(`openssl ${args.join(' ')}: ${result.stderr}`);
}
