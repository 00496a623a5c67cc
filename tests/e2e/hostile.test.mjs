// Requests that no phone sends: each is refused or answered as what it means, none is a 500, and
// none reveals anything.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { rawBytes, rawRequest, parseAnswer } from '../support/worker/raw.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedDevice, seedTenant } from '../support/worker/seed.mjs';

describe('hostile requests', () => {
  let worker;
  let tenant;
  let armed;
  let sealed;
  before(async () => {
    worker = await Ringfence.start({ secrets: { LOG_LEVEL: 'all' } });
    tenant = await seedTenant(worker);
    armed = await seedDevice(worker, tenant, { mac: mac(1) });
    sealed = await seedDevice(worker, tenant, { mac: mac(2), state: 'confirmed' });
  });
  after(() => worker?.stop());

  const a = () => tenant.accessPath;
  const cases = () => [
    `/${a()}//Config${armed.mac}.cfg`,
    `//${a()}/Config${armed.mac}.cfg`,
    `/${a()}/./Config${armed.mac}.cfg`,
    `/${a()}/%2e/Config${armed.mac}.cfg`,
    `/${a()}/x/%2e%2e/Config${armed.mac}.cfg`,
    `/${a()}/..%2fConfig${armed.mac}.cfg`,
    `/${a()}/Config${armed.mac}.cfg%00`,
    `/${a()}/Config${armed.mac}.cfg%0a`,
    `/${a()}/Config${armed.mac}.cfg/`,
    `/${a()}/Config${armed.mac}.cfg%2f`,
    `/${a()}/Config%`,
    `/${a()}/Config%2`,
    `/${a()}/Config%zz.cfg`,
    `/${a()}/Config%ff%fe.cfg`,
    `/${a()}/Config%E2%98%83.cfg`,
    `/${a()}/Config${armed.mac}.cfg.enc`,
    `/${a()}/Config${armed.mac}`,
    `/${a()}/Config${armed.mac}A.cfg`,
    `/${a()}/Config${armed.mac.slice(1)}.cfg`,
    `/${a()}/Config{MAC}.cfg`,
    `/${a()}/Config%7BMAC%7D.cfg`,
    `/${a()}/${'x'.repeat(600)}`,
    `/${a()}/${'%41'.repeat(600)}`,
    `/${a()}/${'a/'.repeat(300)}`,
    `/${'x'.repeat(4000)}/Config${armed.mac}.cfg`,
    `/%00/Config${armed.mac}.cfg`,
    `/${a().toUpperCase()}x/Config${armed.mac}.cfg`,
    `/${a().slice(0, -1)}/Config${armed.mac}.cfg`,
    `/${a()}%20/Config${armed.mac}.cfg`,
    `/${a()}/certs/../Config${armed.mac}.cfg%3f`,
    `/${a()}/certs/%2e%2e%2fmaster`,
    `/${a()}/certs/`,
    `/${a()}/certs/${'x'.repeat(300)}`,
    `/' OR 1=1 --/Config${armed.mac}.cfg`.replaceAll(' ', '%20'),
    '/.git/config',
    '/relay/v1',
    '/__probe',
    '/favicon.ico',
  ];

  it('are refused or mean the file itself, never fail, and never consume what waits', async () => {
    for (const path of cases()) {
      const answer = parseAnswer(await rawBytes(worker.port, `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`));
      assert.ok([404, 400, 414, 431, 401, 426].includes(answer.status), `${path} gave ${answer.status}`);
      assert.ok(!answer.bytes.includes(armed.key), path);
    }
    assert.equal((await tenant.device(armed.mac)).key_state, 'armed');
  });

  it('a percent-encoded letter is the letter; a query is no part of a name', async () => {
    const name = `Config${sealed.mac}.enc`;
    const good = await rawRequest(worker.port, tenant.path(name));
    assert.equal(good.status, 200);
    const encoded = await rawRequest(worker.port, tenant.path(name.replace('C', '%43')));
    assert.equal(encoded.status, 200);
    assert.deepEqual(encoded.body, good.body);
    const query = await rawRequest(worker.port, tenant.path(`${name}?a=b`));
    assert.equal(query.status, 200);
  });

  it('odd headers do no harm and do not reach the log as lines of their own', async () => {
    const answer = await rawRequest(worker.port, tenant.path(`Config${sealed.mac}.enc`), {
      headers: [
        ['User-Agent', `x"}{"event":"forged"} ${'y'.repeat(5000)}`],
        ['Range', `bytes=${'9'.repeat(4000)}-`],
        ['If-Range', '"'.repeat(1000)],
        ['CF-Connecting-IP', 'z'.repeat(500)],
        ['CF-IPCountry', '<script>'],
      ],
    });
    assert.ok([200, 416].includes(answer.status));
    const line = await worker.logLine((entry) => entry.request_id === answer.header('ringfence-request-id'));
    assert.ok(line.user_agent.length <= 200);
    assert.ok(line.address.length <= 45);
    assert.ok(line.country.length <= 2);
    assert.ok(!worker.logLines().some((entry) => entry.event === 'forged'));
  });

  it('every byte may stand in a path without a 500', async () => {
    for (let byte = 0; byte < 256; byte += 1) {
      const encoded = `%${byte.toString(16).padStart(2, '0')}`;
      const path = tenant.path(`Config${mac(3)}${encoded}.cfg`);
      const answer = await rawRequest(worker.port, path);
      assert.equal(answer.status, 404, `${encoded} gave ${answer.status}`);
    }
  });
});
