// Panasonic's phones, for the runner of families: what they ask in which order, and what they must find in the answer.

import assert from 'node:assert/strict';

import { unescapeXml } from '../../support/xml.mjs';

// No " can be written in a line.
const PASSWORD = "e3#rl2(&ae#1<;%'";
const MAGIC = '# Panasonic SIP Phone Standard Format File #';

const settings = {
  line_1_user: '201',
  line_1_auth_user: '201-auth',
  line_1_password: { secret: PASSWORD },
  line_1_display_name: 'Büro & Küche',
  line_1_label: '201',
  line_1_domain: 'sip.example.net',
  line_1_port: '5061',
  line_1_transport: 'tls',
  line_2_user: '202',
  line_2_password: { secret: 'two' },
  line_2_domain: 'b.example.net',
  line_2_outbound_proxy: 'edge.example.net:5070',
  admin_password: { secret: 'Adm1nPass' },
  resync_time: '03:30',
  time_zone: 'Europe/Berlin',
};

const LINE = {
  SIP_URI: '201',
  SIP_AUTHID: '201-auth',
  SIP_PASS: PASSWORD,
  PHONE_NUMBER: '201',
  DISPLAY_NAME: 'Büro & Küche',
  SIP_RGSTR_ADDR: 'sip.example.net',
  SIP_RGSTR_PORT: '5061',
  SIP_PRXY_ADDR: 'sip.example.net',
  SIP_SVCDOMAIN: 'sip.example.net',
  SIP_TRANSPORT: '2',
};
const SECOND = {
  SIP_URI: '202',
  SIP_AUTHID: '202',
  SIP_PASS: 'two',
  SIP_RGSTR_ADDR: 'b.example.net',
  SIP_OUTPROXY_ADDR: 'edge.example.net',
  SIP_OUTPROXY_PORT: '5070',
};
const PHONE = {
  ADMIN_PASS: 'Adm1nPass',
  CFG_RESYNC_TIME: '03:30',
  TIME_ZONE: '60',
  DST_ENABLE: 'Y',
  DST_OFFSET: '60',
  DST_START_MONTH: '3',
  DST_START_ORDINAL_DAY: '5',
  DST_START_DAY_OF_WEEK: '0',
  DST_STOP_MONTH: '10',
};

/** A phone drops a file of lines whose first one is another, or that does not end in an empty one; it loses lines that are too long. */
const expectLines = (magic) => (text) => {
  const lines = text.split('\r\n');
  assert.ok(lines[0].startsWith(magic), lines[0]);
  assert.deepEqual(lines.slice(-2), ['', ''], 'the last line is empty');
  assert.ok(!text.replaceAll('\r\n', '').includes('\n') && lines.every((line) => Buffer.byteLength(line) <= 535));
  const values = new Map();
  for (const line of lines.slice(1).filter((one) => one !== '' && !one.startsWith('#'))) {
    const [, name, value] = /^([A-Z0-9_]{1,32})="([^"]*)"$/.exec(line) ?? assert.fail('a line that is none');
    assert.ok(!values.has(name), `${name} is there once`);
    values.set(name, value);
  }
  for (const [name, value] of Object.entries({ ...LINE, LINE_ENABLE: 'Enabled' })) assert.equal(values.get(`${name}_1`), value, name);
  for (const [name, value] of Object.entries({ ...SECOND, LINE_ENABLE: 'Enabled' })) assert.equal(values.get(`${name}_2`), value, name);
  for (const [name, value] of Object.entries(PHONE)) assert.equal(values.get(name), value, name);
};

/** The parameters of an element by their names, or those of a line. */
function expectXml(text) {
  assert.match(text, /^<PANASIPPhoneConfig>\s*<Device>/);
  const inner = (element, whole) => new RegExp(`<${element}>([\\s\\S]*?)</${element.split(' ')[0]}>`).exec(whole)?.[1] ?? '';
  const values = (whole) => new Map([...whole.matchAll(/<([A-Z_]+)>([^<]*)<\/\1>/g)].map(([, name, value]) => [name, unescapeXml(value)]));
  const [first, second] = ['1', '2'].map((n) => values(inner(`Line idx="${n}"`, text)));
  for (const [name, value] of Object.entries({ ...LINE, LINE_ENABLE: 'Yes' })) assert.equal(first.get(name), value, name);
  for (const [name, value] of Object.entries({ ...SECOND, LINE_ENABLE: 'Yes' })) assert.equal(second.get(name), value, name);
  const system = inner('System', text);
  const all = new Map(['LoginAcc', 'SysTime', 'Prov'].flatMap((group) => [...values(inner(group, system))]));
  for (const [name, value] of Object.entries(PHONE)) assert.equal(all.get(name), value, name);
}

/** What no phone of the vendor's gets anything at. */
const wrongFor = (mac) => {
  const lower = mac.toLowerCase();
  const colons = mac.replace(/(..)(?=.)/g, '$1:');
  return [
    ...(/[A-F]/.test(mac) ? [`Config${lower}.cfg`, `Initial${lower}.cfg`] : []),
    `Config${colons}.cfg`,
    `Config${mac}${mac}.cfg`,
    `Config${mac}.cfg.cfg`,
    `Config${mac}.CFG`,
    `config${mac}.cfg`,
    'Config{MAC}.cfg',
    `${mac}.cfg`,
  ];
};

/** A phone that reads lines: in clear, as often as it asks. `more` are names that its family alone has. */
function lines({ id, model, mac, firmware, magic = MAGIC, more = [] }) {
  const asked = [
    [`Initial${mac}.cfg`, 'plain'],
    [`Config${mac}.cfg`, 'plain'],
    [`Config${model}.cfg`, 'plain'],
    // All phones of the tenant would have it, and those of several families could not read it.
    ['ConfigCom.cfg', 'none'],
    ...more,
  ];
  return {
    id,
    model,
    mac,
    userAgent: `Panasonic_${model}/${firmware} (${mac.toLowerCase()})`,
    settings,
    boot: asked,
    again: asked,
    // What has another ending is sealed in a way that nobody has published.
    never: ['enc', 'e1c', 'e2c', 'e3c'].flatMap((end) => [`Config${mac}.${end}`, `Product${mac}.${end}`, `Master${mac}.${end}`]),
    wrong: wrongFor(mac),
    event: 'check-sync',
    restart: null,
    profile: null,
    // Its initial file does, which is asked for where the phone was first pointed at.
    namesItsUrl: false,
    expect: expectLines(magic),
  };
}

const UTG = '0080F0C571EB';
const sealed = [
  [`Config${UTG}.enc`, 'sealed'],
  [`Product${UTG}.enc`, 'shared'],
  [`Master${UTG}.enc`, 'shared'],
];

export const families = [
  {
    id: 'utg',
    model: 'KX-UTG300B',
    mac: UTG,
    userAgent: `Panasonic_KX-UTG300B/01.133 (${UTG.toLowerCase()})`,
    settings,
    boot: [[`Initial${UTG}.cfg`, 'plain'], [`Config${UTG}.cfg`, 'bootstrap'], ...sealed],
    again: [[`Initial${UTG}.cfg`, 'plain'], ...sealed],
    never: [`Config${UTG}.e2c`, `Initial${UTG}.enc`, 'ConfigKX-UTG300B.cfg', 'KX-UTG300B.enc'],
    wrong: [...wrongFor(UTG), `Config${UTG.toLowerCase()}.enc`, `Config${UTG}.ENC`],
    event: 'check-sync',
    restart: null,
    profile: 'utg-128',
    namesItsUrl: false,
    expect: expectXml,
  },
  lines({ id: 'ut', model: 'KX-UT113', mac: '0080F0C8C381', firmware: '01.133' }),
  lines({ id: 'hdv', model: 'KX-HDV130N', mac: '0080F0D1A2B3', firmware: '08.101' }),
  lines({ id: 'tgp500', model: 'KX-TGP500', mac: '0080F0AABBCC', firmware: '12.17', magic: '# PCC Standard Format File #' }),
  lines({ id: 'uds124', model: 'KX-UDS124', mac: '0080F0112233', firmware: '01.500', more: [['System.cfg', 'plain']] }),
];
