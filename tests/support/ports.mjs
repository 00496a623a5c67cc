// Free ports on loopback, and a door that stays where it is while the Worker behind it does not.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';

// Several files of tests run at once. Each takes ports from a range of its own, below those that the system
// gives to clients, so that a port which was free a moment ago is still free when it is used.
const RANGE = 200;
const FIRST = 10_000 + (process.pid % 110) * RANGE;
let next = 0;

async function freePort(isFree) {
  for (let tries = 0; tries < RANGE; tries += 1) {
    const port = FIRST + (next++ % RANGE);
    if (await isFree(port)) return port;
  }
  throw new Error(`no port is free from ${FIRST} on`);
}

/** Whether a socket binds; it is closed again. */
const binds = (socket, bind) =>
  new Promise((resolve) => {
    socket.once('error', () => resolve(false));
    bind(() => socket.close(() => resolve(true)));
  });

/** A UDP port that is free now, and that none of the last calls gave. */
export function udpPort() {
  return freePort((port) => {
    const socket = createSocket('udp4');
    return binds(socket, (bound) => socket.bind(port, '127.0.0.1', bound));
  });
}

/** A TCP port that is free now, and that none of the last calls gave. */
export function tcpPort() {
  return freePort((port) => {
    const server = net.createServer();
    return binds(server, (bound) => server.listen(port, '127.0.0.1', bound));
  });
}

/**
 * Forwards TCP connections to `port()` of the moment. A Worker that was killed comes back on another
 * port; its relays and phones keep the address they know. `cut` breaks all connections; `made` says how many there
 * were, and `open` how many there are.
 */
export async function forwardTcp(port) {
  const open = new Set();
  let made = 0;
  const server = net.createServer((outer) => {
    made += 1;
    const inner = net.connect({ port: port(), host: '127.0.0.1' });
    const both = [outer, inner];
    const close = () => both.forEach((socket) => socket.destroy());
    for (const socket of both) {
      socket.on('error', close).on('close', close);
      open.add(socket);
      socket.on('close', () => open.delete(socket));
    }
    outer.pipe(inner).pipe(outer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: server.address().port,
    made: () => made,
    open: () => open.size / 2,
    cut: () => [...open].forEach((socket) => socket.destroy()),
    close() {
      this.cut();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
