// Mitel's and Aastra's SIP phones, for the runner of families: what they ask in which order, and what they must find in
// the answer.

import assert from 'node:assert/strict';

// Neither # nor " can be written.
const PASSWORD = 'e3:rl2(&ae%1<;';

/** Name and value are told apart by the first colon; # begins a comment; the last of two counts. */
function read(text) {
  const lines = text.split('\n').map((line) => line.split('#')[0]);
  return new Map(
    lines
      .filter((line) => line.includes(':'))
      .map((line) => [line.slice(0, line.indexOf(':')).trim(), line.slice(line.indexOf(':') + 1).trim()]),
  );
}

const settings = {
  line_1_user: '201',
  line_1_auth_user: '201-auth',
  line_1_password: { secret: PASSWORD },
  line_1_display_name: 'Büro & Küche',
  line_1_domain: 'sip.example.net',
  line_1_port: '5061',
  line_1_transport: 'tls',
  line_2_user: '202',
  line_2_password: { secret: 'two;%' },
  line_2_domain: 'b.example.net',
  admin_password: { secret: '481516' },
  resync_time: '03:30',
};

/** The file for everybody holds nothing of a device; without a line it may be taken for none at all. */
function expect(text, name = '') {
  const values = read(text);
  if (/^(startup|aastra)\.cfg$/.test(name)) {
    assert.deepEqual([...values], [['https validate certificates', '1']]);
    return;
  }
  // There is no URL: the host, and the port of the Worker of a test, which is none that HTTPS has by itself.
  assert.match(values.get('https server') ?? '', /^[a-z0-9.-]+$/);
  assert.match(values.get('https port') ?? '', /^\d+$/);
  assert.notEqual(values.get('https port'), '443');
  assert.equal(values.get('sip line1 user name'), '201');
  assert.equal(values.get('sip line1 auth name'), '201-auth');
  assert.equal(values.get('sip line1 password'), PASSWORD);
  assert.equal(values.get('sip line1 display name'), 'Büro & Küche');
  assert.equal(values.get('sip line1 registrar ip'), 'sip.example.net');
  assert.equal(values.get('sip line1 registrar port'), '5061');
  assert.equal(values.get('sip line1 proxy ip'), 'sip.example.net');
  assert.equal(values.get('sip transport protocol'), '4');
  assert.equal(values.get('sip line2 password'), 'two;%');
  assert.equal(values.get('admin password'), '481516');
}

function phone({ model, mac, common, userAgent }) {
  const asked = [
    ['security.tuz', 'none'],
    [common, 'plain'],
    [`${model}.cfg`, 'none'],
    [`${mac}.cfg`, 'plain'],
    ['startup.lic', 'none'],
    [`${mac}.lic`, 'none'],
    [`${model}.st`, 'none'],
  ];
  const dashes = mac.replace(/(..)(?=.)/g, '$1-');
  return {
    id: 'mitel',
    model,
    mac,
    userAgent: userAgent.replace('%', dashes),
    settings,
    boot: asked,
    again: asked,
    never: ['security.tuz', 'startup.tuz', 'aastra.tuz', `${mac}.tuz`, `${model}.tuz`, `MN_${mac}.cfg`, 'MN_Generic.cfg'],
    wrong: [
      // All digits in either case, a MAC could not be wrong.
      ...(/[A-F]/.test(mac) ? [`${mac.toLowerCase()}.cfg`] : []),
      `${mac.replace(/(..)(?=.)/g, '$1:')}.cfg`,
      `${dashes}.cfg`,
      `${mac}${mac}.cfg`,
      `${mac}.cfg.cfg`,
      'Startup.cfg',
    ],
    event: 'check-sync',
    restart: null,
    profile: null,
    expect,
  };
}

export const families = [
  phone({ model: '6869i', mac: '00085D4A11FC', common: 'startup.cfg', userAgent: 'Aastra6869i MAC:% V:4.2.0.180-SIP' }),
  phone({ model: '6731i', mac: '00085D237429', common: 'aastra.cfg', userAgent: 'Aastra6731i MAC:% V:3.2.0.70-SIP' }),
  phone({ model: '6940', mac: '1400E9294C6B', common: 'startup.cfg', userAgent: 'Mitel6940 MAC:% V:6.4.0.140-SIP' }),
];
