// The first day of an operator, as docs/first-day.md has it: its blocks of shell are one session, run as they stand there,
// with the real binaries against the real Worker. Only where the installation is and its ports are filled in.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { CLI } from '../support/cli.mjs';
import { ROOT } from '../support/config.mjs';
import { tcpPort, udpPort } from '../support/ports.mjs';
import { RELAY } from '../support/relay/native-relay.mjs';
import { Api } from '../support/worker/api.mjs';
import { Ringfence, withDeadline } from '../support/worker/ringfence.mjs';

/** The blocks of shell, without what npx.test.mjs runs. */
const blocks = [...readFileSync(join(ROOT, 'docs/first-day.md'), 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
  .map(([, text]) => text)
  .filter((text) => !/^np[mx] /m.test(text));

describe('the first day', () => {
  let worker;
  let folder;
  before(async () => {
    worker = await Ringfence.start();
    folder = mkdtempSync(join(tmpdir(), 'ringfence-first-day-'));
  });
  after(async () => {
    await worker?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('leads from nothing to a phone that was told', async () => {
    // A provider's pool looks for what was fetched once a minute; nobody waits for that here.
    await new Api(worker).put('/pools/default', { name: 'default', options: { change_wait_s: 0, fetch_poll_ms: 100 } });
    const filled = [
      ['https://phones.operator.example', worker.http.replace(/\/$/, '')],
      ['wss://phones.operator.example', worker.http.replace(/^http/, 'ws').replace(/\/$/, '')],
      ['127.0.0.1:5070', `127.0.0.1:${await udpPort()}`],
      ['127.0.0.1:5066', `127.0.0.1:${await udpPort()}`],
    ];
    const text = filled.reduce(
      (all, [there, meant]) => {
        assert.ok(all.includes(there), there);
        return all.replaceAll(there, meant);
      },
      blocks.map((block, at) => `echo "--- ${at}"\n${block}`).join(''),
    );
    writeFileSync(join(folder, 'token'), `${worker.adminToken}\n`);
    // What goes on in the background ends with the session, by its own id.
    const script = `set -euo pipefail\ntrap 'kill $(jobs -p)' EXIT\n${text}`;
    const session = spawn('bash', ['-c', script], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: `${dirname(CLI)}:${dirname(RELAY)}:${process.env.PATH}`,
        HOME: folder,
        RINGFENCE_RELAY_HTTP_LISTEN: `127.0.0.1:${await tcpPort()}`,
      },
    });
    let [out, err] = ['', ''];
    session.stdout.setEncoding('utf8').on('data', (more) => (out += more));
    session.stderr.setEncoding('utf8').on('data', (more) => (err += more));
    const code = await withDeadline(new Promise((resolve) => session.on('close', resolve)), 'the first day');
    const log = () => `${out}\n${err}\n${readFileSync(join(folder, 'relay.log'), 'utf8')}`;
    assert.equal(code, 0, `${code}\n${out}\n${err}`);
    const parts = out.split(/^--- \d+\n/m).slice(1);
    assert.equal(parts.length, blocks.length);
    const [profile, tenant, table, phone, why, , notify] = parts;
    assert.match(profile, /status +ok/);
    assert.match(tenant, /^name +Harbour Ltd$/m);
    assert.match(table, /line 2 +0080F0C571EB +created[^]*MAC +MODEL[^]*Front desk +Quay +armed/);
    assert.match(phone, /sealed as utg-128; the key opens it[^]*0080F0C571EB is a KX-UTG300B, "Front desk", at Quay\./);
    assert.match(why, /The phone hears 404/);
    assert.match(notify, /^Nothing is written\. 2 phones would be affected[^]*^state +fetched$/m, log());
    assert.match(err, /NOTIFY from .*: answered 200 OK/);
    assert.match(readFileSync(join(folder, 'fleet/devices.toml'), 'utf8'), /line_1_password = \{ secret = "kept" \}/);
    assert.ok(!`${out}${err}`.includes('Tide-44') && !`${out}${err}`.includes(worker.adminToken), 'no secret was said');
  });
});
