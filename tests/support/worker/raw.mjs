// HTTP by hand: what fetch hides or refuses to send. Exact bytes out, exact bytes back.

import net from 'node:net';
import tls from 'node:tls';

import { withDeadline } from './ringfence.mjs';

/**
 * Sends one request and returns what came back until the other side closed, or until the answer is
 * complete. `options`: method, version ('1.0'/'1.1'), headers (a list of [name, value]; Host is added
 * unless given), body, abortAfter (after how many bytes of the answer the socket is destroyed), secure.
 */
export async function rawRequest(port, target, options = {}) {
  const { method = 'GET', version = '1.1', headers = [], body = '', secure = false } = options;
  const lines = [`${method} ${target} HTTP/${version}`];
  if (!headers.some(([name]) => name.toLowerCase() === 'host')) lines.push(`Host: 127.0.0.1:${port}`);
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  if (version === '1.1') lines.push('Connection: close');
  if (body !== '') lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
  const bytes = await rawBytes(port, `${lines.join('\r\n')}\r\n\r\n${body}`, { ...options, secure });
  return parseAnswer(bytes);
}

/** Sends `text` as it is; the bytes of the answer. */
export function rawBytes(port, text, { abortAfter = Infinity, secure = false } = {}) {
  const received = [];
  let length = 0;
  const done = new Promise((resolve, reject) => {
    const socket = secure
      ? tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => socket.write(text, 'latin1'))
      : net.connect({ port, host: '127.0.0.1' }, () => socket.write(text, 'latin1'));
    socket.on('data', (data) => {
      received.push(data);
      length += data.length;
      if (length >= abortAfter) {
        // A reset, as a phone that loses power makes one; not a tidy end.
        socket.resetAndDestroy?.() ?? socket.destroy();
        resolve();
      }
    });
    socket.on('error', (error) => (length >= abortAfter ? resolve() : reject(error)));
    socket.on('close', resolve);
  });
  return withDeadline(done, 'raw request', 180_000).then(() => Buffer.concat(received));
}

/** Status, reason, headers (lower-case names; a list in the order of arrival) and body of an answer. */
export function parseAnswer(bytes) {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return { bytes, status: 0, headers: [], header: () => undefined, body: Buffer.alloc(0) };
  const [statusLine, ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const header = (name) => headers.find(([known]) => known === name.toLowerCase())?.[1];
  return { bytes, statusLine, status: Number(statusLine.split(' ')[1]), headers, header, body: bytes.subarray(end + 4) };
}

/** The whole answer with the one part that may differ taken out: the request's own id. */
export function withoutRequestId(answer) {
  return answer.bytes.toString('latin1').replace(/^ringfence-request-id: [0-9A-HJKMNP-TV-Z]{26}\r\n/im, 'ringfence-request-id: *\r\n');
}
