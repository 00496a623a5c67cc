// Bodies of requests: read as they come and cut at the limit, whatever length they claim or do not claim.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';

import { parseAnswer } from '../support/worker/raw.mjs';
import { Ringfence, withDeadline } from '../support/worker/ringfence.mjs';
import { Api } from '../support/worker/api.mjs';
import { seedTenant } from '../support/worker/seed.mjs';

const MIB = 1 << 20;

describe('the body of a request', () => {
  let worker;
  let tenant;
  before(async () => {
    worker = await Ringfence.start();
    tenant = await seedTenant(worker);
  });
  after(() => worker?.stop());

  const path = () => `/api/v1/tenants/${tenant.id}/settings`;
  /** Settings of about that length, as a body in pieces of 64 KiB. */
  function settings(length) {
    const values = {};
    for (let at = 0; at * 2000 < length; at += 1) values[`A${at}`] = 'x'.repeat(1980);
    return JSON.stringify({ settings: values });
  }

  /**
   * Sends a chunked body for as long as somebody takes it, at most `total` bytes, or without an end. What was
   * answered, and how much was sent by then.
   */
  function chunked(total, { token = worker.adminToken, text } = {}) {
    const piece = Buffer.alloc(64 * 1024, ' ');
    const head = [
      `PUT ${path()} HTTP/1.1`,
      `Host: 127.0.0.1:${worker.port}`,
      'Content-Type: application/json',
      'Transfer-Encoding: chunked',
      'Connection: close',
      ...(token === null ? [] : [`Authorization: Bearer ${token}`]),
    ].join('\r\n');
    const work = new Promise((resolve, reject) => {
      const socket = net.connect(worker.port, '127.0.0.1');
      const received = [];
      let sent = 0;
      const answered = () => received.length > 0;
      const done = () => {
        socket.destroy();
        resolve({ ...parseAnswer(Buffer.concat(received)), sent });
      };
      /** The pieces of the body, and at last its end. */
      function* pieces() {
        const framed = (bytes) => Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
        yield Buffer.from(`${head}\r\n\r\n`);
        if (text !== undefined)
          for (let at = 0; at < text.length; at += piece.length) yield framed(Buffer.from(text.slice(at, at + piece.length)));
        else for (; sent < total; sent += piece.length) yield framed(piece);
        yield Buffer.from('0\r\n\r\n');
      }
      // Written past the stream: a stream that fails to write is destroyed, and with it an answer that has
      // come and is not read yet. Whoever answers without reading the rest closes the connection.
      const writing = pieces();
      let left = Buffer.alloc(0);
      const pump = () => {
        if (answered() || socket.destroyed) return;
        if (left.length === 0) {
          const { value, done: ended } = writing.next();
          if (ended) return;
          left = value;
        }
        try {
          left = left.subarray(writeSync(socket._handle.fd, left));
        } catch (error) {
          if (error.code === 'EAGAIN') return setTimeout(pump, 1);
          if (['EPIPE', 'ECONNRESET'].includes(error.code)) return;
          return reject(error);
        }
        setImmediate(pump);
      };
      socket.on('connect', pump);
      socket.on('data', (data) => {
        received.push(data);
        // The answer is small: it comes in one go, or the end of the connection tells.
        setTimeout(done, 100);
      });
      socket.on('close', done);
      socket.on('error', (error) => (['EPIPE', 'ECONNRESET'].includes(error.code) ? done() : reject(error)));
    });
    return withDeadline(work, 'a chunked body', 60_000);
  }

  const memory = (field) => {
    const [pid] = worker.workerdPids();
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)[1]) / 1024;
  };

  it('may be chunked, and is the same then', async () => {
    const answer = await chunked(0, { text: settings(300_000) });
    assert.equal(answer.status, 200, answer.body.toString());
    const { settings: stored } = await new Api(worker).get(`/tenants/${tenant.id}/settings`);
    assert.equal(Object.keys(stored).length, 150);
  });

  it('without a length is cut at the limit: 413 while it is still being sent', async () => {
    const answer = await chunked(Infinity);
    assert.equal(answer.status, 413);
    assert.match(answer.body.toString(), /too-large/);
    // The rest is in the buffers of sockets on the way.
    assert.ok(answer.sent < 24 * MIB, `${answer.sent} bytes were taken`);
  });

  it('costs no memory beyond the limit, also for many at once', async () => {
    await chunked(Infinity);
    // The peak begins anew (proc(5), clear_refs): what the start-up took is no part of it.
    writeFileSync(`/proc/${worker.workerdPids()[0]}/clear_refs`, '5');
    const before = memory('VmRSS');
    const answers = await Promise.all(Array.from({ length: 8 }, () => chunked(64 * MIB)));
    for (const answer of answers) assert.equal(answer.status, 413);
    const grown = memory('VmHWM') - before;
    // 8 × 64 MiB were on offer. The module takes 8 × 1 MiB, and the runtime has buffers.
    assert.ok(grown < 64, `grew by ${grown.toFixed(0)} MiB`);
  });

  it('that says a length above the limit is not read at all, nor is one without a token', async () => {
    const long = await worker.fetch(path(), {
      method: 'PUT',
      headers: { authorization: `Bearer ${worker.adminToken}` },
      body: 'x'.repeat(MIB + 1),
    });
    assert.equal(long.status, 413);
    const stranger = await chunked(Infinity, { token: null });
    // The answer itself may be lost with the connection that is closed on what is still being sent.
    assert.ok([401, 0].includes(stranger.status), `${stranger.status}`);
    assert.ok(stranger.sent < 24 * MIB, `${stranger.sent} bytes were taken`);
  });

  it('of exactly the limit is taken, and of one byte more is not', async () => {
    const body = (length) => {
      const text = '{"settings":{"A":"x"}}';
      return text + ' '.repeat(length - text.length);
    };
    const api = new Api(worker);
    assert.equal((await api.call('PUT', `/tenants/${tenant.id}/settings`, { body: body(MIB) })).status, 200);
    assert.equal((await api.call('PUT', `/tenants/${tenant.id}/settings`, { body: body(MIB + 1) })).status, 413);
    assert.equal((await chunked(0, { text: body(MIB) })).status, 200);
    assert.equal((await chunked(0, { text: body(MIB + 1) })).status, 413);
  });
});
