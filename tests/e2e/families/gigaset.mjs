// Gigaset's base stations, for the runner of families: what they ask in which order, and what they must find in the
// answer.

import assert from 'node:assert/strict';

import { unescapeXml } from '../../support/xml.mjs';

const PASSWORD = 'e3#rl2(&ae#1<"';

/** The parameters by name, those within a command apart. */
function read(xml) {
  const outside = xml.replace(/<oper\b[^>]*>[\s\S]*?<\/oper>/g, '');
  return new Map([...outside.matchAll(/<param name="([^"]*)" value="([^"]*)"\/>/g)].map(([, name, value]) => [name, unescapeXml(value)]));
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
  line_2_domain: 'sip.example.net',
  line_2_port: '5061',
  line_2_transport: 'tls',
  admin_password: { secret: 'Adm1nPass' },
  ntp: 'ntp.example.net',
};

function expect(text) {
  assert.match(text, /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<provisioning version="1\.1" productID="e2">\n {2}<nvm>\n/);
  const values = read(text);
  const provider = values.get('SipAccount.00001.ProviderId');
  assert.equal(provider, '0');
  assert.equal(values.get('SipAccount.00001.UserName'), '201');
  assert.equal(values.get('SipAccount.00001.AuthName'), '201-auth');
  assert.equal(values.get('SipAccount.00001.AuthPassword'), PASSWORD);
  assert.equal(values.get('SipAccount.00001.DisplayName'), 'Büro & Küche');
  assert.equal(values.get(`SipProvider.${provider}.Domain`), 'sip.example.net');
  assert.equal(values.get(`SipProvider.${provider}.ProxyServerAddress`), 'sip.example.net');
  assert.equal(values.get(`SipProvider.${provider}.ProxyServerPort`), '5061');
  assert.equal(values.get(`SipProvider.${provider}.TransportProtocol`), '3');
  assert.equal(values.get('SipAccount.00002.ProviderId'), provider);
  assert.equal(values.get('SipAccount.00002.AuthPassword'), 'two;%');
  assert.equal(values.get('WebUIAccounts.1.Password'), 'Adm1nPass');
  const commands = [...text.matchAll(/<oper name="([^"]*)" value="([^"]*)">/g)].map(([, name, value]) => `${name} ${value}`);
  assert.deepEqual(commands, ['add_hs 00001', 'add_hs 00002']);
}

/** A base, which writes its MAC in the one case or the other. */
function base({ model, mac, own, userAgent }) {
  const asked = [
    ['provisioning.xml', 'none'],
    [`${own}.xml`, 'plain'],
  ];
  const lower = mac.toLowerCase();
  return {
    id: 'gigaset',
    model,
    mac,
    userAgent,
    settings,
    boot: asked,
    again: asked,
    never: ['provisioning.xml', 'updates.xml', 'master.bin', 'baselines.bin', `${lower}.cfg`],
    wrong: [
      `${mac.slice(0, 6)}${lower.slice(6)}.xml`,
      `${mac.replace(/(..)(?=.)/g, '$1:')}.xml`,
      `${mac}${mac}.xml`,
      `${mac}.xml.xml`,
      `${mac}.XML`,
      '%MACD.xml',
    ],
    event: 'check-sync;reboot=false',
    restart: null,
    profile: null,
    expect,
  };
}

const OLDER_PASSWORD = 'e3#rl2(%ae#1;:';

// These reach their provider in clear alone, and a PIN opens their pages.
const older = {
  ...settings,
  line_1_password: { secret: OLDER_PASSWORD },
  line_1_display_name: 'Desk 1; West',
  line_1_port: '5060',
  line_1_transport: 'udp',
  line_2_port: '5060',
  line_2_transport: 'udp',
  admin_password: { secret: '0815' },
};

/** What a base of the older format must find. It knows no references: a value is what stands between its quotes. */
const expectOlder = (mac, names) => (text) => {
  assert.ok(
    text.startsWith(`<?xml version="1.0" encoding="ISO-8859-1"?>\n<ProviderFrame>\n  <Provider>\n    <MAC_ADDRESS value="${mac}"/>\n`),
  );
  assert.match(text, /^[\n -~]*$/);
  const items = [...text.matchAll(/<SYMB_ITEM ID="([^"]*)" class="symb_item" value=(?:'"([^"']*)"'|"([^"]*)")\/>/g)];
  const values = new Map(items.map(([, name, string, number]) => [name, string ?? number]));
  assert.equal(values.get(names.user), '201');
  assert.equal(values.get(names.auth), '201-auth');
  assert.equal(values.get(names.password), OLDER_PASSWORD);
  assert.equal(values.get(names.second), 'two;%');
  assert.equal(values.get(names.server), 'sip.example.net');
  assert.equal(values.get(names.port), '0x13c4');
  assert.equal(values.get(names.pin), '0x08,0x15');
};

/** A base of the older format, pointed at its file, which it writes in capitals. */
function olderBase({ id, model, mac, userAgent, names }) {
  const asked = [[`${mac}.xml`, 'plain']];
  return {
    ...base({ model, mac, own: mac, userAgent }),
    id,
    settings: older,
    boot: asked,
    again: asked,
    never: ['42/2/master.bin', '70/2/master.bin', 'baselines.bin', 'provisioning.xml', `xml/${mac}.xml`],
    restart: null,
    // Whether where it asks next has a scheme, sources disagree about.
    namesItsUrl: false,
    expect: expectOlder(mac, names),
  };
}

export const families = [
  olderBase({
    id: 'gigaset-n510',
    model: 'N510-IP-PRO',
    mac: '7C2F804DF9A9',
    userAgent: 'N510 IP PRO/42.245.00.000.000;7C2F804DF9A9',
    names: {
      user: 'BS_IP_Data1.aucS_SIP_USER_ID',
      auth: 'BS_IP_Data3.aucS_SIP_LOGIN_ID',
      password: 'BS_IP_Data1.aucS_SIP_PASSWORD',
      second: 'BS_IP_Data1.aucS_SIP_PASSWORD_2',
      server: 'BS_IP_Data1.aucS_SIP_SERVER',
      port: 'BS_IP_Data1.uiI_SIP_SERVER_PORT',
      pin: 'BS_CUSTOM.aucKdsPin[0]',
    },
  }),
  olderBase({
    id: 'gigaset-n720',
    model: 'N720-DM-PRO',
    mac: '7C2F80CA21E4',
    userAgent: 'Gigaset N720 DM PRO/70.089.00.000.000;7C2F80CA21E4',
    names: {
      user: 'BS_VOIP_Data.astVoipAccounts[0].aucS_SIP_USER_ID[0]',
      auth: 'BS_VOIP_Data.astVoipAccounts[0].aucS_SIP_LOGIN_ID[0]',
      password: 'BS_VOIP_Data.astVoipAccounts[0].aucS_SIP_PASSWORD[0]',
      second: 'BS_VOIP_Data.astVoipAccounts[1].aucS_SIP_PASSWORD[0]',
      server: 'BS_VOIP_Data.astVoipProviders[0].aucSIP_SERVER[%]',
      port: 'BS_VOIP_Data.astVoipProviders[0].uiSIP_SERVER_PORT',
      pin: 'BS_CUSTOM.aucKdsPin[%]',
    },
  }),
  base({
    model: 'N870-IP-PRO',
    mac: '7C2F80E0D605',
    own: '7C2F80E0D605',
    userAgent: 'Gigaset N870 IP PRO/83.V2.11.0+build.a546b91;7C2F80E0D605',
  }),
  base({
    model: 'N670',
    mac: '7C2F80E0D6AF',
    own: '7c2f80e0d6af',
    userAgent: 'Gigaset N670 IP PRO/83.V2.49.1+build.a546b91;7C2F80E0D6AF;Handset=50',
  }),
];
