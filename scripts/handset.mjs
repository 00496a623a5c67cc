// What a handset does once it is up, for the demonstration: it registers, if there is a proxy, hears NOTIFY, answers, and
// downloads its sealed file again. Arguments: the file's URL; where to write the port, the file, and a word when it is
// there (all in one folder); the proxy's port, if there is one. The port is written once the phone can be told.

import { randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [url, folder, proxy] = process.argv.slice(2);
const write = (name, bytes) => {
  writeFileSync(join(folder, `${name}.new`), bytes, { mode: 0o600 });
  renameSync(join(folder, `${name}.new`), join(folder, name));
};

const socket = createSocket('udp4');
const answered = new Map();
socket.on('message', (bytes, from) => {
  const lines = bytes.toString('latin1').split('\r\n');
  if (lines[0] === 'SIP/2.0 200 OK') return write('port', String(socket.address().port));
  if (!/^NOTIFY \S+ SIP\/2\.0$/.test(lines[0])) return;
  const header = (name) => lines.filter((line) => line.toLowerCase().startsWith(`${name}:`));
  const [event = ''] = header('event');
  const wanted = /^event:\s*check-sync\s*(;.*)?$/i.test(event);
  const [status, again] = wanted ? ['200 OK', true] : ['489 Bad Event', false];
  const answer = [
    `SIP/2.0 ${status}`,
    ...header('via'),
    ...header('from'),
    `${header('to')[0]};tag=handset`,
    ...header('call-id'),
    ...header('cseq'),
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
  socket.send(Buffer.from(answer, 'latin1'), from.port, from.address);
  // A copy of a request gets the answer again, and no second download.
  const id = `${header('call-id')} ${header('cseq')}`;
  if (answered.has(id) || !again) return;
  answered.set(id, true);
  write('notified', `${lines[0]}\n${event}\n`);
  download().catch((error) => process.stderr.write(`[handset] ${error}\n`));
});

async function download() {
  const answer = await fetch(url, {
    headers: { 'user-agent': 'Panasonic_KX-UTG300B/01.133 (0080f0c571eb)' },
    signal: AbortSignal.timeout(20_000),
  });
  if (answer.ok) write('update.enc', Buffer.from(await answer.arrayBuffer()));
}

/** Says to the proxy where the phone is, again and again until it has heard. */
function register() {
  const { port } = socket.address();
  const lines = [
    'REGISTER sip:pbx.test SIP/2.0',
    `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${randomUUID()}`,
    `From: <sip:7001@pbx.test>;tag=${randomUUID()}`,
    'To: <sip:7001@pbx.test>',
    `Call-ID: ${randomUUID()}`,
    'CSeq: 1 REGISTER',
    `Contact: <sip:7001@127.0.0.1:${port}>;expires=3600`,
    'Max-Forwards: 70',
    'Content-Length: 0',
    '',
    '',
  ];
  socket.send(Buffer.from(lines.join('\r\n'), 'latin1'), Number(proxy), '127.0.0.1');
  if (!existsSync(join(folder, 'port'))) setTimeout(register, 500);
}

socket.bind(0, '127.0.0.1', () => (proxy ? register() : write('port', String(socket.address().port))));
