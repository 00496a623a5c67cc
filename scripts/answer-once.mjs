// A phone for one NOTIFY: starts the given command with `sip:101@127.0.0.1:PORT` behind it, answers
// what comes to that port with 200, and ends as the command ends.

import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';

const [command, ...args] = process.argv.slice(2);
const phone = createSocket('udp4');
phone.on('message', (bytes, { port, address }) => {
  const echoed = bytes
    .toString('latin1')
    .split('\r\n')
    .filter((line) => /^(Via|From|To|Call-ID|CSeq):/.test(line));
  phone.send(`SIP/2.0 200 OK\r\n${echoed.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`, port, address);
});
phone.bind(0, '127.0.0.1', () => {
  const child = spawn(command, [...args, `sip:101@127.0.0.1:${phone.address().port}`], { stdio: 'inherit' });
  child.on('error', (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (code) => process.exit(code ?? 1));
});
