// Poly's phones with UC Software: what they ask at their boot, and what they must find in their file.
import assert from 'node:assert/strict';

import { unescapeXml } from '../../support/xml.mjs';

const MAC = '64167FABCDEF';
const lower = MAC.toLowerCase();

const SETTINGS = {
  line_1_user: '201',
  line_1_auth_user: 'a201',
  line_1_password: { secret: 'e3#rl2(&ae#1<"' },
  line_1_display_name: 'Büro & Küche',
  line_1_label: '201',
  line_1_domain: 'sip.example.net',
  line_1_port: '5061',
  line_1_transport: 'tls',
};

/** Every attribute of every element. */
function parameters(xml) {
  const body = xml.replace(/<\?[^>]*\?>/, '');
  return new Map([...body.matchAll(/\s([\w.-]+)="([^"]*)"/g)].map(([, name, value]) => [name, unescapeXml(value)]));
}

// What the phone keeps of its own on a server that takes uploads.
const OWN = [`${lower}-phone.cfg`, `${lower}-web.cfg`, `${lower}-license.cfg`, '000000000000-license.cfg', `${lower}-directory.xml`];

const boot = [
  [`${lower}.cfg`, 'plain'],
  // A phone that finds the first does not ask for the second.
  ['000000000000.cfg', 'plain'],
  [`${lower}-ringfence.cfg`, 'plain'],
  [`${lower}-phone.cfg`, 'none'],
  [`${lower}-web.cfg`, 'none'],
  ['000000000000-license.cfg', 'none'],
];

export const families = [
  {
    id: 'poly',
    model: 'VVX400',
    mac: MAC,
    userAgent: 'FileTransport PolycomVVX-VVX_400-UA/4.1.4.7430 Type/Application',
    settings: SETTINGS,
    boot,
    again: boot,
    never: [...OWN, '000000000000-directory.xml', `${lower}-app.log`, `${lower}-boot.log`, '2345-12600-001.sip.ld', 'sip.ld'],
    wrong: [
      `64167fABCDEF-ringfence.cfg`,
      `64:16:7f:ab:cd:ef-ringfence.cfg`,
      `${lower}${lower}-ringfence.cfg`,
      `${lower}-ringfence-ringfence.cfg`,
      `${lower}-Ringfence.cfg`,
      `${lower}-ringfence.CFG`,
      '[PHONE_MAC_ADDRESS]-ringfence.cfg',
      `64167fABCDEF.cfg`,
      `${lower}${lower}.cfg`,
      `${lower}.xml`,
    ],
    event: 'check-sync',
    // Only with checkSync.alwaysReboot, which the template sets to 0.
    restart: null,
    profile: null,
    expect(text) {
      const found = parameters(text);
      for (const [name, value] of [
        ['reg.1.address', '201'],
        ['reg.1.auth.userId', 'a201'],
        ['reg.1.auth.password', 'e3#rl2(&ae#1<"'],
        ['reg.1.displayName', 'Büro & Küche'],
        ['reg.1.server.1.address', 'sip.example.net'],
        ['reg.1.server.1.port', '5061'],
        ['reg.1.server.1.transport', 'TLS'],
        ['voIpProt.SIP.specialEvent.checkSync.alwaysReboot', '0'],
      ])
        assert.equal(found.get(name), value, name);
      for (const name of found.keys())
        if (name.startsWith('device.') && !name.endsWith('.set')) assert.equal(found.get(`${name}.set`), '1', name);
    },
  },
];
