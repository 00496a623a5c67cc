// Files that tests serve: templates as an operator would write them, for the XML and the text
// families, and the phone's side of reading them.

import { unescapeXml } from '../xml.mjs';

/** KX-UTG. SIP_USER and SIP_PASS may be set on any layer. */
export const XML = {
  'initial/utg': `<PANASIPPhoneConfig><Initial><Certs>
{% if urls.certificate_1 is defined %}<CFG_ROOT_CERTIFICATE_PATH1>{{ urls.certificate_1 }}</CFG_ROOT_CERTIFICATE_PATH1>{% endif %}
</Certs><CfgFiles>
<CFG_STANDARD_FILE_PATH>{{ urls.standard }}</CFG_STANDARD_FILE_PATH>
<CFG_PRODUCT_FILE_PATH>{{ urls.product }}</CFG_PRODUCT_FILE_PATH>
<CFG_MASTER_FILE_PATH>{{ urls.master }}</CFG_MASTER_FILE_PATH>
</CfgFiles></Initial></PANASIPPhoneConfig>
`,
  'standard/utg': standardTemplate(),
  'product/utg': `<PANASIPPhoneConfig><Device><Phone><PRODUCT_NOTE>product</PRODUCT_NOTE></Phone></Device></PANASIPPhoneConfig>
`,
  'master/utg': `<PANASIPPhoneConfig><Device><System><SysTime><NTP_ADDR>ntp.example</NTP_ADDR></SysTime></System></Device></PANASIPPhoneConfig>
`,
};

/** A standard file for KX-UTG that is about `bytes` long when rendered. */
export function standardTemplate(bytes = 0) {
  const head = `<PANASIPPhoneConfig><Device>
<Lines><Line idx="1"><Sip>
<SIP_USER_ID_1>{{ SIP_USER | default("7001") }}</SIP_USER_ID_1>
<SIP_AUTHID_1>{{ device.mac_lower }}</SIP_AUTHID_1>
<SIP_PASS_1>{{ SIP_PASS | default("unset") }}</SIP_PASS_1>
</Sip></Line></Lines>
`;
  const tail = `</Device></PANASIPPhoneConfig>
`;
  if (bytes === 0) return head + tail;
  const line = (number) =>
    `      <FILLER_${String(number).padStart(5, '0')}>${'abcdefghij'.repeat(20)}</FILLER_${String(number).padStart(5, '0')}>\n`;
  const count = Math.max(0, Math.floor((bytes - head.length - tail.length) / line(0).length));
  return `${head}<Services>\n${Array.from({ length: count }, (_, number) => line(number)).join('')}</Services>\n${tail}`;
}

/** KX-HDV. */
export const TEXT = {
  'initial/hdv': `# Panasonic SIP Phone Standard Format File # DO NOT CHANGE THIS LINE!
CFG_STANDARD_FILE_PATH="{{ urls.standard }}"
CFG_PRODUCT_FILE_PATH="{{ urls.product }}"
CFG_MASTER_FILE_PATH="{{ urls.master }}"

`,
  'standard/hdv': `# Panasonic SIP Phone Standard Format File # DO NOT CHANGE THIS LINE!
SIP_USER_ID_1="{{ SIP_USER | default("7001") }}"
SIP_PASS_1="{{ SIP_PASS | default("unset") }}"

`,
  'product/hdv': `# Panasonic SIP Phone Standard Format File # DO NOT CHANGE THIS LINE!
PRODUCT_NOTE="product"

`,
  'master/hdv': `# Panasonic SIP Phone Standard Format File # DO NOT CHANGE THIS LINE!
NTP_ADDR="ntp.example"

`,
};

/** The value of one element, or undefined; entities are decoded. Enough for canonical files. */
export function element(xml, name) {
  const found = new RegExp(`<${name}(?: [^>]*)?>([^<]*)</${name}>`).exec(xml);
  return found ? unescapeXml(found[1]) : undefined;
}

/** A file without the key that only the bootstrap has, without groups that are empty, and without indentation. */
export function withoutKey(xml) {
  let text = xml
    .replace(/<CFG_FILE_KEY(_LENGTH)?>[^<]*<\/CFG_FILE_KEY(_LENGTH)?>/g, '')
    .replace(/>\s+</g, '><')
    .trim();
  for (let before; before !== text;) {
    before = text;
    text = text.replace(/<([A-Z][A-Za-z]*[a-z][A-Za-z]*)\/>/g, '').replace(/<([A-Z][A-Za-z]*[a-z][A-Za-z]*)><\/\1>/g, '');
  }
  return text;
}
