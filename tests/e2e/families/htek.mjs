// Htek's phones, for the runner of families: what they ask in which order, and what they must find in the answer.

import assert from 'node:assert/strict';

import { unescapeXml } from '../../support/xml.mjs';

const PASSWORD = 'e3#rl2(&ae#1<";%\'';

const settings = {
  line_1_user: '201',
  line_1_auth_user: '201-auth',
  line_1_password: { secret: PASSWORD },
  line_1_display_name: 'Büro & Küche',
  line_1_domain: 'sip.example.net',
  line_1_port: '5061',
  line_1_transport: 'tls',
  // All lines register where the first one does.
  line_2_user: '202',
  line_2_password: { secret: 'two' },
  line_2_domain: 'sip.example.net',
  admin_password: { secret: 'Adm1nPass' },
  provisioning_interval: '1440',
};

/** The values by number: what stands beside the number, in `para`, is for people. */
function expect(text) {
  assert.match(text, /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<hl_provision version="1">\n {2}<config version="1">\n/);
  const found = [...text.matchAll(/<(P\d+)(?: para="[^"]*")?>([^<]*)<\/\1>/g)].map(([, name, value]) => [name, unescapeXml(value)]);
  assert.equal(new Set(found.map(([name]) => name)).size, found.length, 'each is there once');
  const values = new Map(found);
  for (const [name, value] of [
    ['P271', '1'],
    ['P24082', '0'],
    ['P47', 'sip.example.net:5061'],
    ['P130', '2'],
    ['P35', '201'],
    ['P36', '201-auth'],
    ['P34', PASSWORD],
    ['P3', 'Büro & Küche'],
    // The second account has numbers of its own, which are not Grandstream's.
    ['P401', '1'],
    ['P24083', '0'],
    ['P735', '202'],
    ['P736', '202'],
    ['P734', 'two'],
    ['P2', 'Adm1nPass'],
    ['P194', '1'],
    ['P193', '1440'],
  ])
    assert.equal(values.get(name), value, name);
  assert.equal(values.get('P404'), undefined, 'no number of a Grandstream');
  assert.match(values.get('P237') ?? '', /^https?:\/\/[^/ ]+\/[^/ ]+$/);
}

/** The values by label, as phones of the U series read them: a number among them is nothing to these. */
function expectLabels(text) {
  assert.match(text, /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<hl_provision version="1">\n {2}<config version="1">\n/);
  assert.doesNotMatch(text, /<P\d+[ >]/);
  const found = [...text.matchAll(/<(\w+)>([^<]*)<\/\1>/g)].map(([, name, value]) => [name, unescapeXml(value)]);
  assert.equal(new Set(found.map(([name]) => name)).size, found.length, 'each is there once');
  const values = new Map(found);
  for (const [name, value] of [
    ['Account1_Active', '1'],
    ['Account1_Profile', '0'],
    ['Profile1_Sipserver', 'sip.example.net:5061'],
    ['Profile1_SipTransport', '2'],
    ['Account1_SipUserId', '201'],
    ['Account1_AuthenticateID', '201-auth'],
    ['Account1_AuthenticatePassword', PASSWORD],
    ['Account1_DispalyName', 'Büro & Küche'],
    ['Account2_Active', '1'],
    ['Account2_Profile', '0'],
    ['Account2_SipUserId', '202'],
    ['Account2_AuthenticateID', '202'],
    ['Account2_AuthenticatePassword', 'two'],
    ['AdminPassword', 'Adm1nPass'],
    ['FirmwareUpGrade_AutoUpgrade', '1'],
    ['FirmwareUpGrade_CheckUpgradeTimes', '1440'],
  ])
    assert.equal(values.get(name), value, name);
  assert.match(values.get('FirmwareUpGrade_ConfigServerPath') ?? '', /^https?:\/\/[^/ ]+\/[^/ ]+$/);
}

/** A phone. `code` is the number of its model in the name of the common file. */
function phone({ id = 'htek', model, mac, code, firmware, reads = expect }) {
  const lower = mac.toLowerCase();
  const colons = lower.replace(/(..)(?=.)/g, '$1:');
  const asked = [
    ['factory0001.bin', 'none'],
    [`cfg${code}.xml`, 'none'],
    [`cfg${lower}`, 'none'],
    [`cfg${lower}.xml`, 'plain'],
  ];
  return {
    id,
    model,
    mac,
    userAgent: `Htek ${model} ${firmware} ${colons}`,
    settings,
    boot: asked,
    again: asked,
    // What must not be there makes a phone unstable, by the vendor; a common file may hide the phone's own. The
    // redirection service asks by the last name.
    never: ['factory0000.bin', 'factory0001.bin', 'factory0009.bin', `cfg${code}.xml`, 'cfg.xml', `cfg${lower}`, `${lower}.cfg`],
    wrong: [
      `cfg${mac}.xml`,
      `cfg${colons}.xml`,
      `cfg${lower}${lower}.xml`,
      `cfg${lower}.xml.xml`,
      `cfg${lower}.XML`,
      `CFG${lower}.xml`,
      `cfg${lower}.bin`,
      `${lower}.xml`,
      'cfg$mac.xml',
    ],
    event: 'resync',
    restart: 'check-sync;reboot=true',
    profile: null,
    expect: reads,
  };
}

export const families = [
  phone({ model: 'UC903', mac: '001FC11C22A9', code: '0016', firmware: '2.0.4.2' }),
  phone({ model: 'UC862', mac: '001FC11AB1C2', code: '0000', firmware: '2.0.3.4.38' }),
  // The number of its model was not found: this is that of a UC924.
  phone({ id: 'htek-u', model: 'UC924U', mac: '001FC11FA80E', code: '0012', firmware: 'V2.42.6.5.13', reads: expectLabels }),
];
