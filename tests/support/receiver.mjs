// A receiver of webhooks on loopback.

import { once } from 'node:events';
import { createServer } from 'node:http';

/** `answer(request, response, message)` answers; every message is kept. */
export async function receiver() {
  const got = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text) => (body += text));
    request.on('end', () => {
      const message = { path: request.url, headers: request.headers, body };
      got.push(message);
      it.answer(request, response, message);
    });
    request.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const it = {
    got,
    answer: (request, response) => response.writeHead(204).end(),
    url: (path) => `http://127.0.0.1:${server.address().port}/${path}`,
    at: (path) => got.filter((message) => message.path === `/${path}`),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
  return it;
}
