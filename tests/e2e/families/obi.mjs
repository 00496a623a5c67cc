// OBi adapters: the one file that their rule names, sealed where an operator wants it so, and what must stand in it.
import assert from 'node:assert/strict';

import { unescapeXml } from '../../support/xml.mjs';

const MAC = '9CADEFABCDEF';
const lower = MAC.toLowerCase();
const SEALED = '9CADEFABCDE0';

/** The values by the names of object and parameter. */
function parameters(xml) {
  const found = new Map();
  for (const [, object, inner] of xml.matchAll(/<O>\s*<N>([^<]*)<\/N>([\s\S]*?)<\/O>/g)) {
    for (const [, name, value] of inner.matchAll(/<P>\s*<N>([^<]*)<\/N>\s*<V>([^<]*)<\/V>\s*<\/P>/g))
      found.set(unescapeXml(object) + unescapeXml(name), unescapeXml(value));
  }
  return found;
}

const boot = [
  ['OBi202.xml', 'plain'],
  [`${MAC}.xml`, 'plain'],
];

const settings = {
  line_1_user: '201',
  line_1_auth_user: 'a201',
  line_1_password: { secret: 'e3#rl2(&ae#1<"' },
  line_1_display_name: 'Büro & Küche',
  line_1_domain: 'sip.example.net',
  line_1_port: '5061',
  line_1_transport: 'tls',
};

/** `rule` fits what the phone asks next. */
function expected(text, rule) {
  const found = parameters(text);
  const line = 'VoiceService.1.VoiceProfile.1.Line.1.';
  for (const [name, value] of [
    [`${line}Enable`, 'true'],
    [`${line}X_ServProvProfile`, 'A'],
    [`${line}SIP.AuthUserName`, 'a201'],
    [`${line}SIP.URI`, '201'],
    [`${line}SIP.AuthPassword`, 'e3#rl2(&ae#1<"'],
    [`${line}CallingFeatures.CallerIDName`, 'Büro & Küche'],
    ['VoiceService.1.VoiceProfile.1.SIP.ProxyServer', 'sip.example.net'],
    ['VoiceService.1.VoiceProfile.1.SIP.ProxyServerPort', '5061'],
    ['VoiceService.1.VoiceProfile.1.SIP.ProxyServerTransport', 'TLS'],
  ])
    assert.equal(found.get(name), value, name);
  assert.match(found.get('X_DeviceManagement.ITSPProvisioning.ConfigURL') ?? '', rule);
}

export const families = [
  {
    id: 'obi',
    model: 'OBi202',
    mac: MAC,
    userAgent: 'OBIHAI/OBi202-3.2.2.5921',
    settings,
    boot,
    again: [
      [`${MAC}.xml`, 'plain'],
      [`${lower}.xml`, 'plain'],
    ],
    never: [`${MAC}.aes`, `${lower}.aes`, 'OBi203.xml'],
    wrong: ['9CADEFabcdef.xml', '9C:AD:EF:AB:CD:EF.xml', `${MAC}${MAC}.xml`, `${MAC}.XML`, '$MAC.xml'],
    // A guess: which event they obey was not found.
    event: 'resync',
    restart: null,
    profile: null,
    expect: (text) => expected(text, new RegExp(`^https?://[^/ ]+/[^/ ]+/${MAC}\\.xml$`)),
  },
  {
    id: 'obi',
    model: 'OBi504vs',
    mac: SEALED,
    userAgent: 'OBIHAI/OBi504vs-4.1.2.5767',
    settings,
    // The rule that was entered, then the one that the file says.
    boot: [
      ['OBi504vs.xml', 'plain'],
      [`${SEALED}.xml`, 'bootstrap'],
      [`${SEALED}.aes`, 'sealed'],
    ],
    again: [
      [`${SEALED}.aes`, 'sealed'],
      [`${SEALED.toLowerCase()}.aes`, 'sealed'],
    ],
    never: [`${SEALED}.cfg`, `${SEALED}.enc`],
    wrong: [`${SEALED}.aes`, '9CADEFabcde0.aes', `${SEALED}${SEALED}.aes`, `${SEALED}.AES`],
    event: 'resync',
    restart: null,
    profile: 'obi-128',
    expect: (text) => expected(text, new RegExp(`^SYNC -A=aes -K=\\$SPRM0 -IV=\\$SPRM1 https?://[^/ ]+/[^/ ]+/${SEALED}\\.aes$`)),
  },
];
