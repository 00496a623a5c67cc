// Grandstream's phones, for the runner of families: what they ask in which order, and what they must find in the answer.

import assert from 'node:assert/strict';

import { unescapeXml } from '../../support/xml.mjs';

const PASSWORD = 'e3#rl2(&ae#1<";%\'';

const settings = {
  line_1_user: '201',
  line_1_auth_user: '201-auth',
  line_1_password: { secret: PASSWORD },
  line_1_domain: 'sip.example.net',
  line_1_port: '5061',
  line_1_transport: 'tls',
  line_1_display_name: 'Büro & Küche',
  line_2_user: '202',
  line_2_password: { secret: 'two' },
  line_2_domain: 'b.example',
  admin_password: { secret: 'Adm1n#Pass' },
  provisioning_interval: '1440',
};

/** The values of a file. A phone drops one that is for another MAC, and passes over what is not of the dialect. */
function read(text, mac, version, element) {
  assert.match(text, /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<gs_provision version="1">\n/);
  assert.ok(text.includes(`<mac>${mac}</mac>`));
  const config = new RegExp(`<config version="${version}">([^]*)</config>`).exec(text)?.[1];
  assert.ok(config, 'it is of the dialect');
  const found = [...config.matchAll(element)].map(([, name, value]) => [name, unescapeXml(value)]);
  assert.equal(new Set(found.map(([name]) => name)).size, found.length, 'each is there once');
  return new Map(found);
}

function expectation(mac, version, element, wanted, path) {
  return (text) => {
    const values = read(text, mac, version, element);
    for (const [name, value] of wanted) assert.equal(values.get(name), value, name);
    assert.match(values.get(path) ?? '', /^[^/ ]+\/[^/ ]+$/, 'a host and a path without a scheme');
  };
}

const P_VALUES = [
  ['P271', '1'],
  ['P47', 'sip.example.net:5061'],
  ['P35', '201'],
  ['P36', '201-auth'],
  ['P34', PASSWORD],
  ['P3', 'Büro & Küche'],
  ['P130', '2'],
  ['P401', '1'],
  ['P404', '202'],
  ['P2', 'Adm1n#Pass'],
  ['P193', '1440'],
  ['P212', '2'],
];

/** Of an adapter: another number of the second port, and no parameter that all sources agree about for the interval. */
const PORTS = [...P_VALUES.filter(([name]) => !['P404', 'P193'].includes(name)), ['P735', '202'], ['P747', 'b.example']];
const { provisioning_interval: _, ...ofPorts } = settings;

/** What stands in the file of a model, by its word for TLS. */
const itemsWith = (tls) => [
  ['account.1.enable', 'Yes'],
  ['account.1.sip.server.1.address', 'sip.example.net:5061'],
  ['account.1.sip.userid', '201'],
  ['account.1.sip.subscriber.userid', '201-auth'],
  ['account.1.sip.subscriber.password', PASSWORD],
  ['account.1.sip.subscriber.name', 'Büro & Küche'],
  ['account.1.sip.transport', tls],
  ['account.2.sip.transport', 'UDP'],
  ['users.admin.password', 'Adm1n#Pass'],
  ['provisioning.auto.minute', '1440'],
  ['provisioning.config.protocol', 'HTTPS'],
];

/** The key in a binary file: length, checksum and MAC are right, or a phone drops it. */
function keyOf(file, mac) {
  assert.equal(file.readUInt32BE(0) * 2, file.length);
  let sum = 0;
  for (let at = 0; at < file.length; at += 2) sum += file.readUInt16BE(at);
  assert.equal(sum % 65_536, 0);
  assert.equal(file.subarray(6, 12).toString('hex'), mac);
  assert.equal(file.subarray(12, 16).toString('latin1'), '\r\n\r\n');
  const body = file.subarray(16).toString('latin1').replace(/\0*$/, '');
  const pairs = new Map(body.split('&').map((pair) => pair.split('=')));
  assert.deepEqual([...pairs.keys()], ['P212', 'P237', 'P1359', 'gnkey']);
  assert.equal(pairs.get('P212'), '2');
  assert.match(pairs.get('P237'), /^[^/ ]+\/[^/ ]+$/);
  return pairs.get('P1359');
}

/** A phone. `binary` is the name by which it asks for the binary form, `first` whether it does so before the XML. */
function phone({ id, model, mac, userAgent, profile, expect, binary = '', first = true, own = settings, challenges = true }) {
  const lower = mac.toLowerCase();
  const colons = lower.replace(/(..)(?=.)/g, '$1:');
  const [form, xml] = [`cfg${lower}${binary}`, `cfg${lower}.xml`];
  const boot = [
    [form, 'carrier'],
    [xml, 'sealed'],
  ];
  const older = [
    [xml, 'bootstrap'],
    [form, 'none'],
  ];
  const again = [
    [form, 'none'],
    [xml, 'sealed'],
  ];
  return {
    id,
    model,
    mac,
    userAgent: `${userAgent} DevId ${lower}`,
    settings: own,
    boot: first ? boot : older,
    again: first ? again : again.toReversed(),
    // They stand in for a missing file, and are no lower layer.
    never: [`cfg${model.toLowerCase()}.xml`, 'cfg.xml', `dev${lower}.cfg`, 'factory0001.bin', `cfg${lower}.bin.xml`],
    wrong: [
      `cfg${mac}`,
      `cfg${mac}.xml`,
      `cfg${colons}.xml`,
      `cfg${lower}${lower}`,
      `cfg${lower}.xml.xml`,
      `cfg${lower}.XML`,
      `CFG${lower}`,
    ],
    event: 'resync',
    restart: 'check-sync;reboot=true',
    challenges,
    profile,
    expect: expect(lower),
    keyOf: (file) => keyOf(file, lower),
  };
}

const values = {
  id: 'gxp',
  profile: 'gxp-256',
  expect: (mac) => expectation(mac, 1, /<(P\d+)>([^<]*)<\/P\d+>/g, P_VALUES, 'P237'),
};
const items = (tls) => ({
  id: 'gxp-v2',
  profile: 'gxp-v2-256',
  expect: (mac) => expectation(mac, 2, /<item name="([^"]+)">([^<]*)<\/item>/g, itemsWith(tls), 'provisioning.config.serverPath'),
});

const adapter = {
  id: 'ht',
  profile: 'gxp-256',
  own: ofPorts,
  // From the factory it takes the event from anybody.
  challenges: false,
  expect: (mac) => expectation(mac, 1, /<(P\d+)>([^<]*)<\/P\d+>/g, PORTS, 'P237'),
};

export const families = [
  // Firmware of 2012 asks for the XML first.
  phone({
    ...values,
    model: 'GXP1105',
    mac: '000B82AA0001',
    userAgent: 'Grandstream Model HW GXP1105 SW 1.0.4.23',
    first: false,
  }),
  phone({
    ...values,
    model: 'GXP2160',
    mac: 'C074AD2BD85A',
    userAgent: 'Grandstream Model HW GXP2160 SW 1.0.11.39',
  }),
  // An operator gives this model the family of named items.
  phone({
    ...items('TlsOrTcp'),
    model: 'GRP2614',
    mac: 'C074AD2BD85B',
    userAgent: 'Grandstream Model HW GRP2614 V1.3A SW 1.0.5.15',
    binary: '.bin',
  }),
  phone({
    ...items('Tls Or Tcp'),
    model: 'GHP611',
    mac: 'C074AD2BD85C',
    userAgent: 'Grandstream Model HW GHP611  V1.0A SW 1.0.1.49',
  }),
  // An operator chooses the newer digest for a model that drops its sealed files.
  phone({
    ...values,
    model: 'GXP2170',
    mac: 'C074AD2BD85E',
    userAgent: 'Grandstream Model HW GXP2170 SW 1.0.11.79',
    profile: 'gxp-256-sha256',
  }),
  phone({
    ...items('TlsOrTcp'),
    model: 'GRP2615',
    mac: 'C074AD2BD85F',
    userAgent: 'Grandstream Model HW GRP2615 V1.0A SW 1.0.5.60',
    profile: 'gxp-v2-256-sha256',
  }),
  phone({
    ...adapter,
    model: 'HT802',
    mac: 'C074AD2BD85D',
    userAgent: 'Grandstream Model HW HT802 V1.1A SW 1.0.17.5',
  }),
];
