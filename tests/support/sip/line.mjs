// A bad line between relays and phones: datagrams get lost, and whoever looks knows which. SIPp has an
// option for loss, but keeps to itself what it lost, and draws from the clock.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/**
 * Numbers from 0 to 1 that are the same for the same seed: a 32-bit xorshift, which is plenty for
 * choosing when a test breaks something.
 */
export function seededRandom(seed) {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/**
 * Forwards datagrams to `to()`, a port of loopback, and the answers back to whom they belong; a part
 * `loss` of them is lost in each direction, as `roll` has it. `sent` is a Map from the user that a
 * NOTIFY is for to its Call-IDs, as the relays sent them, lost or not; `lost` are the Call-IDs of
 * which some datagram was lost.
 */
export async function badLine(to, { loss, roll }) {
  const line = { sent: new Map(), lost: new Set(), losses: { out: 0, back: 0 }, datagrams: 0 };
  // One socket for each relay: an answer goes back by the socket that it came to.
  const beyond = new Map();
  const front = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 }).bind(0, '127.0.0.1');
  await once(front, 'listening');
  const lose = (call, direction) => {
    line.datagrams += 1;
    if (roll() >= loss) return false;
    line.losses[direction] += 1;
    line.lost.add(call);
    return true;
  };
  front.on('message', (bytes, relay) => {
    const text = bytes.toString('latin1');
    const [, who] = /^NOTIFY sip:(\w+)/.exec(text) ?? [];
    const call = callId(text);
    if (who) line.sent.set(who, (line.sent.get(who) ?? new Set()).add(call));
    if (lose(call, 'out')) return;
    let socket = beyond.get(relay.port);
    if (!socket) {
      socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
      socket.on('message', (answer) => {
        if (!lose(callId(answer.toString('latin1')), 'back')) front.send(answer, relay.port, relay.address);
      });
      socket.on('error', () => {});
      beyond.set(relay.port, socket);
    }
    socket.send(bytes, to(), '127.0.0.1');
  });
  front.on('error', () => {});
  return Object.assign(line, {
    port: front.address().port,
    close() {
      front.close();
      for (const socket of beyond.values()) socket.close();
    },
  });
}

function callId(text) {
  return /^(?:Call-ID|i)[ \t]*:[ \t]*(\S+)/im.exec(text)?.[1];
}
