// Cisco's phones, as data for the runner of families: what they ask in which order, and what they must find
// in their files.

import assert from 'node:assert/strict';

import { unescapeXml } from '../../support/xml.mjs';

/** The value of an element of a flat profile, as a phone reads it. */
function value(text, name) {
  const escaped = name.replaceAll(/[^\w]/g, '\\$&');
  const found = new RegExp(`<${escaped}(?: ua="(?:na|ro|rw)")?>([^<]*)</${escaped}>`).exec(text)?.[1];
  return found === undefined ? undefined : unescapeXml(found.trim());
}

const PASSWORD = 'e3#rl2(&ae#1<";%\'$MA';

const settings = {
  line_1_user: '2101',
  line_1_auth_user: 'a2101',
  line_1_password: { secret: PASSWORD },
  line_1_domain: 'sip.example.net',
  line_1_port: '5061',
  line_1_transport: 'tls',
  line_1_display_name: 'Desk & door',
  line_1_label: 'Desk',
  line_2_user: '2102',
  line_2_password: { secret: 'two' },
  line_2_domain: 'b.example',
  admin_password: { secret: '9c!Lw2' },
  provisioning_interval: '1440',
};

/** What both families must find. `rule` fits the parameter that says what is asked next. */
function expected(text, admin, display, rule) {
  assert.match(text, /^<\?xml version="1.0" encoding="UTF-8"\?>\n<flat-profile>\n/);
  for (const [name, wanted] of [
    ['Line_Enable_1_', 'Yes'],
    ['User_ID_1_', '2101'],
    ['Use_Auth_ID_1_', 'Yes'],
    ['Auth_ID_1_', 'a2101'],
    ['Password_1_', PASSWORD],
    ['Proxy_1_', 'sip.example.net:5061'],
    ['SIP_Transport_1_', 'TLS'],
    ['Display_Name_1_', display],
    ['Short_Name_1_', 'Desk'],
    ['Extension_1_', '1'],
    ['Auth_Resync-Reboot_1_', 'Yes'],
    ['User_ID_2_', '2102'],
    ['Auth_ID_2_', '2102'],
    ['Proxy_2_', 'b.example'],
    ['SIP_Transport_2_', 'UDP'],
    ['Resync_From_SIP', 'Yes'],
    ['Resync_Periodic', '86400'],
    [admin, '9c!Lw2'],
  ])
    assert.equal(value(text, name), wanted, name);
  assert.match(value(text, 'Profile_Rule') ?? '', rule);
}

const spa = '0002FDFF2103';
const spaLower = spa.toLowerCase();
const mpp = '00562B043615';
const mppLower = mpp.toLowerCase();

export const families = [
  {
    id: 'spa',
    model: 'spa508G',
    mac: spa,
    userAgent: `Cisco/SPA508G-7.4.8a (${spa})(CBT141400UK)`,
    settings,
    // The factory's rule, then what each file says.
    boot: [
      ['spa508G.cfg', 'plain'],
      // Of a PAP2T.
      ['init.cfg', 'plain'],
      [`${spaLower}.cfg`, 'bootstrap'],
      [`${spaLower}.enc`, 'sealed'],
    ],
    again: [[`${spaLower}.enc`, 'sealed']],
    never: [`${spaLower}.xml`, 'spa509G.cfg', 'spa.xml', `spa${spaLower}.cfg`, `SEP${spa}.cnf.xml`, `ATA${spa}.cnf.xml`],
    wrong: [
      `${spa}.cfg`,
      `${spa}.enc`,
      `${spaLower.match(/../g).join(':')}.cfg`,
      `${spaLower.match(/../g).join('-')}.enc`,
      `${spaLower}${spaLower}.cfg`,
      `${spaLower}.cfg.cfg`,
    ],
    event: 'resync',
    restart: 'restart_now',
    challenges: true,
    profile: 'spa-256',
    expect: (text) => expected(text, 'Admin_Passwd', 'Desk & door', /^\[--key \$SA\] https?:\/\/[^/ ]+\/[^/ ]+\/\$MA\.enc$/),
  },
  {
    id: 'mpp',
    model: '8841-3PCC',
    mac: mpp,
    userAgent: `Cisco-CP-8841-3PCC/11.0 (${mppLower})`,
    settings: { ...settings, line_1_display_name: 'Büro & door' },
    // The guides disagree about the factory's rule: a phone asks one of the first two.
    boot: [
      ['8841-3PCC.xml', 'plain'],
      ['CP-8841-3PCC.cfg', 'plain'],
      [`${mppLower}.xml`, 'bootstrap'],
      [`${mppLower}.xml`, 'sealed'],
    ],
    again: [[`${mppLower}.xml`, 'sealed']],
    never: [`${mppLower}.cfg`, `${mppLower}.enc`, '8845-3PCC.xml', 'CP-8845-3PCC.cfg', `SEP${mpp}.cnf.xml`],
    wrong: [
      `${mpp}.xml`,
      `${mppLower.match(/../g).join(':')}.xml`,
      `${mppLower.match(/../g).join('-')}.xml`,
      `${mppLower}${mppLower}.xml`,
      `${mppLower}.xml.xml`,
    ],
    event: 'resync',
    restart: 'restart_now',
    challenges: true,
    profile: 'mpp-8188',
    expect: (text) => expected(text, 'Admin_Password', 'Büro & door', /^https?:\/\/[^/ ]+\/[^/ ]+\/\$MA\.xml$/),
  },
  // What was packed before it was sealed, and the other readings of the text that the phone is told.
  {
    id: 'spa',
    model: 'spa504G',
    mac: '0002FDFF2104',
    userAgent: 'Cisco/SPA504G-7.5.5 (0002FDFF2104)(CBT141400UL)',
    settings,
    boot: [
      ['spa504G.cfg', 'plain'],
      ['0002fdff2104.cfg', 'bootstrap'],
      ['0002fdff2104.enc', 'sealed'],
    ],
    again: [['0002fdff2104.enc', 'sealed']],
    never: ['0002fdff2104.xml'],
    wrong: ['0002FDFF2104.enc'],
    event: 'resync',
    restart: 'restart_now',
    profile: 'spa-256-gzip',
    family: 'spa',
    expect: (text) => expected(text, 'Admin_Passwd', 'Desk & door', /^\[--key \$SA\] https?:\/\/[^/ ]+\/[^/ ]+\/\$MA\.enc$/),
  },
  ...['mpp-8188-hex', 'mpp-8188-base64url', 'mpp-8188-16'].map((profile, at) => ({
    id: 'mpp',
    model: ['8851-3PCC-a', '8861-3PCC-b', '8861-3PCC-c'][at],
    mac: `00562B04362${at}`,
    userAgent: `Cisco-CP-8851-3PCC/11.0 (00562b04362${at})`,
    settings: { ...settings, line_1_display_name: 'Büro & door' },
    boot: [
      [`00562b04362${at}.xml`, 'bootstrap'],
      [`00562b04362${at}.xml`, 'sealed'],
    ],
    again: [[`00562b04362${at}.xml`, 'sealed']],
    never: [`00562b04362${at}.cfg`],
    wrong: [`00562B04362${at}.xml`],
    event: 'resync',
    restart: 'restart_now',
    profile,
    family: 'mpp',
    expect: (text) => expected(text, 'Admin_Password', 'Büro & door', /^https?:\/\/[^/ ]+\/[^/ ]+\/\$MA\.xml$/),
  })),
  // Multiplatform phones that are sealed as the SPA line: by the rule in the bootstrap they ask for another name from then on.
  ...['spa-256', 'spa-256-sha256', 'spa-256-sha256-gzip'].map((profile, at) => ({
    id: 'mpp',
    model: ['7832-3PCC-a', '7832-3PCC-b', '7832-3PCC-c'][at],
    mac: `00562B04363${at}`,
    userAgent: `Cisco-CP-7832-3PCC/11.3 (00562b04363${at})`,
    settings: { ...settings, line_1_display_name: 'Büro & door' },
    boot: [
      [`00562b04363${at}.xml`, 'bootstrap'],
      [`00562b04363${at}.enc`, 'sealed'],
    ],
    again: [[`00562b04363${at}.enc`, 'sealed']],
    never: [`00562b04363${at}.cfg`],
    wrong: [`00562B04363${at}.xml`, `00562B04363${at}.enc`],
    event: 'resync',
    restart: 'restart_now',
    profile,
    family: 'mpp',
    expect: (text) => expected(text, 'Admin_Password', 'Büro & door', /^\[--key \$SA\] https?:\/\/[^/ ]+\/[^/ ]+\/\$MA\.enc$/),
  })),
];
