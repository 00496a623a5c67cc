// Snom's DECT base stations: the names they ask by, and the accounts that must stand in their file.
import assert from 'node:assert/strict';

import { unescapeXml } from '../../support/xml.mjs';

const MAC = '000413B60680';

/** The values by name and, behind a dot, index. */
function parameters(xml) {
  const found = new Map();
  for (const [, name, index, value] of xml.matchAll(/<(\w+)(?: idx="(\d+)")?(?: perm="[^"]*")?>([^<]*)<\/\1>/g))
    found.set(index ? `${name}.${index}` : name, unescapeXml(value));
  return found;
}

const boot = [
  ['snomM900.htm', 'none'],
  [`snomM900-${MAC}.htm`, 'plain'],
  ['snomM900-firmware.htm', 'none'],
];

export const families = [
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
