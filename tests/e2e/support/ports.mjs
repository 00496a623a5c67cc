// Free ports on loopback, and a door that stays where it is while the Worker behind it does not.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';

const given = new Set();

/** A UDP port that is free now, and that no earlier call gave. */
export async function udpPort() {
  for (;;) {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    await new Promise((resolve) => socket.close(resolve));
    if (!given.has(port)) {
      given.add(port);
      return port;
    }
  }
}

/** A TCP port that is free now. */
export async function tcpPort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * Forwards TCP connections to `port()` of the moment. A Worker that was killed comes back on another
 * port; its relays and phones keep the address they know. `cut` breaks all connections.
 */
export async function door(port) {
  const open = new Set();
  const server = net.createServer((outer) => {
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
    cut: () => [...open].forEach((socket) => socket.destroy()),
    close() {
      this.cut();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
