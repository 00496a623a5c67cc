// Snom's desk phones and DECT base stations: the names they ask by, and what must stand in their file.
import assert from 'node:assert/strict';

import { unescapeXml } from '../../support/xml.mjs';

/** The values by name and, behind a dot, index. */
function parameters(xml) {
  const found = new Map();
  for (const [, name, index, value] of xml.matchAll(/<(\w+)(?: idx="(\d+)")?(?: perm="[^"]*")?>([^<]*)<\/\1>/g))
    found.set(index ? `${name}.${index}` : name, unescapeXml(value));
  return found;
}

const PASSWORD = 'e3#rl2(&ae#1<";%\'';

/** A desk phone. It is given the folder, and goes on asking by the URL in its file; a file for its type follows either way. */
function desk({ model, mac, userAgent }) {
  const lower = mac.toLowerCase();
  const colons = mac.replace(/(..)(?=.)/g, '$1:');
  return {
    id: 'snom',
    model,
    mac,
    userAgent,
    settings: {
      line_1_user: '201',
      line_1_auth_user: '201-auth',
      line_1_password: { secret: PASSWORD },
      line_1_display_name: 'Büro & Küche',
      line_1_domain: 'sip.example.net',
      line_1_port: '5061',
      line_1_transport: 'tls',
      line_2_user: '202',
      line_2_password: { secret: 'two' },
      line_2_domain: 'b.example.net',
      line_2_outbound_proxy: 'edge.example.net:5060',
      line_2_transport: 'tcp',
      admin_password: { secret: '4711' },
      provisioning_interval: '1440',
    },
    boot: [
      [`${model}.htm`, 'none'],
      [`${model}-${mac}.htm`, 'plain'],
      [`${model}-firmware.htm`, 'none'],
    ],
    again: [
      [`${mac}.xml`, 'plain'],
      [`${model}-firmware.htm`, 'none'],
      // A 3xx with firmware 8 in its place.
      [`${colons}.xml`, 'plain'],
      [`${colons.toLowerCase()}.xml`, 'plain'],
      // Where it is given a URL that ends in a name for everybody.
      ['config.xml', 'none'],
      [`config-${mac}.xml`, 'plain'],
    ],
    never: [`${model}.htm`, `${model}-firmware.htm`, `${model}-firmware.xml`, 'snom-general.xml', 'config.xml'],
    wrong: [
      // All digits in either case, a MAC could not be wrong.
      ...(/[A-F]/.test(mac) ? [`${lower}.xml`, `${model}-${lower}.htm`, `config-${lower}.xml`] : []),
      `${model}-${colons}.htm`,
      `${colons.replaceAll(':', '-')}.xml`,
      `${colons}:.xml`,
      `${mac}${mac}.xml`,
      `${mac}.xml.xml`,
      `${mac}.XML`,
      // Where a name was made of a type that was empty.
      `.htm-${mac}`,
      `-${mac}.htm`,
      '{mac}.xml',
    ],
    event: 'check-sync;reboot=false',
    restart: 'check-sync;reboot=true',
    profile: null,
    expect(text) {
      assert.match(text, /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<settings>\n {2}<phone-settings e="2">\n/);
      const found = parameters(text);
      for (const [name, value] of [
        ['user_active.1', 'on'],
        ['user_name.1', '201'],
        ['user_pname.1', '201-auth'],
        ['user_pass.1', PASSWORD],
        ['user_realname.1', 'Büro & Küche'],
        ['user_host.1', 'sip.example.net:5061'],
        ['user_outbound.1', 'sip.example.net:5061;transport=tls'],
        ['user_name.2', '202'],
        ['user_pname.2', '202'],
        ['user_pass.2', 'two'],
        ['user_host.2', 'b.example.net'],
        ['user_outbound.2', 'edge.example.net:5060;transport=tcp'],
        ['admin_mode_password', '4711'],
        ['prov_polling_enabled', 'on'],
        ['prov_polling_mode', 'rel'],
        ['prov_polling_period', '86400'],
      ])
        assert.equal(found.get(name), value, name);
      assert.match(found.get('setting_server') ?? '', /^https?:\/\/[^/ ]+\/[^/ ]+\/\{mac\}\.xml$/);
    },
  };
}

const MAC = '000413B60680';
const boot = [
  ['snomM900.htm', 'none'],
  [`snomM900-${MAC}.htm`, 'plain'],
  ['snomM900-firmware.htm', 'none'],
];

export const families = [
  // Newer firmware puts more behind its MAC, older firmware says none.
  desk({
    model: 'snomD785',
    mac: '000413922D24',
    userAgent: 'Mozilla/4.0 (compatible; snomD785-SIP 10.1.33.33 2010.12-00004-g9ba52f5 000413922D24 SXM:0 UXM:0)',
  }),
  desk({
    model: 'snom710',
    mac: '000413741767',
    userAgent: 'Mozilla/4.0 (compatible; snom710-SIP 8.7.5.35 1.1.5-IFX-05.01.12 000413741767)',
  }),
  desk({ model: 'snom320', mac: '0004132A11FA', userAgent: 'Mozilla/4.0 (compatible; snom320-SIP 8.4.18 1.1.3-s)' }),
  {
    id: 'snom-m',
    model: 'snomM900',
    mac: MAC,
    userAgent: `Mozilla/4.0 (compatible; Snom M900 05.20.0001 ${MAC.toLowerCase()})`,
    settings: {
      line_1_user: '201',
      line_1_auth_user: 'a201',
      line_1_password: { secret: 'e3#rl2(&ae#1<"' },
      line_1_display_name: 'Büro & Küche',
      line_1_label: '201',
      line_1_domain: 'sip.example.net',
      line_1_port: '5061',
      line_1_transport: 'tls',
      line_2_user: '202',
      line_2_password: { secret: 'two' },
      line_2_domain: 'b.example.net',
    },
    boot,
    again: [...boot, [`${MAC}.xml`, 'plain']],
    never: ['snomM900.htm', 'snomM900-firmware.htm', 'snomM900-firmware.xml'],
    wrong: [`${MAC.toLowerCase()}.xml`, '00:04:13:B6:06:80.xml', `${MAC}${MAC}.xml`, `snomM900-${MAC.toLowerCase()}.htm`, '{mac}.xml'],
    event: 'check-sync;reboot=true',
    restart: 'check-sync;reboot=true',
    profile: null,
    expect(text) {
      const found = parameters(text);
      for (const [name, value] of [
        ['user_active.1', 'on'],
        ['user_name.1', '201'],
        ['user_pname.1', 'a201'],
        ['user_pass.1', 'e3#rl2(&ae#1<"'],
        ['user_realname.1', 'Büro & Küche'],
        ['user_host.1', 'sip.example.net:5061'],
        ['srv_sip_transport.1', 'tls'],
        ['subscr_sip_ua_data_server_id.1', '1'],
        ['user_name.2', '202'],
        ['subscr_sip_ua_data_server_id.2', '2'],
        ['user_host.2', 'b.example.net'],
      ])
        assert.equal(found.get(name), value, name);
    },
  },
];
