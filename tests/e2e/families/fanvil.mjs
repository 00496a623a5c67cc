// Fanvil's phones, for the runner of families: what they ask in which order, and what they must find in the answer.

import assert from 'node:assert/strict';

import { unescapeXml } from '../../support/xml.mjs';

const PASSWORD = 'e3#rl2(&ae#1<"';

/** The parameters of one of several groups of a name. */
function group(xml, name, index) {
  const found = new RegExp(`<${name} index="${index}">([\\s\\S]*?)</${name}>`).exec(xml);
  assert.ok(found, `<${name} index="${index}">`);
  return Object.fromEntries([...found[1].matchAll(/<([\w-]+)>([^<]*)<\/\1>/g)].map(([, key, value]) => [key, unescapeXml(value)]));
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
  line_2_domain: 'b.example.net',
  admin_password: { secret: 'Adm1nPass' },
  provisioning_interval: '1440',
};

/** The parameters of the entry of a list, by its ID. */
function entry(xml, list, id) {
  const found = new RegExp(`<${list}_Entry>\\s*<ID>${id}</ID>([\\s\\S]*?)</${list}_Entry>`).exec(xml);
  assert.ok(found, `${list} ${id}`);
  return Object.fromEntries([...found[1].matchAll(/<([\w-]+)>([^<]*)<\/\1>/g)].map(([, key, value]) => [key, unescapeXml(value)]));
}

/** What a phone of the older format must find. */
function expectOlder(text) {
  assert.match(text, /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<VOIP_CONFIG_FILE>\n {2}<version>2\.0002<\/version>\n/);
  const one = entry(text, 'SIP_Line_List', 'SIP1');
  assert.equal(one.Phone_Number, '201');
  assert.equal(one.Register_User, '201-auth');
  assert.equal(one.Register_Pswd, PASSWORD);
  assert.equal(one.Display_Name, 'Büro & Küche');
  assert.equal(one.Register_Addr, 'sip.example.net');
  assert.equal(one.Register_Port, '5061');
  assert.equal(one.Transport, '2');
  assert.equal(one.Enable_Reg, '1');
  assert.equal(entry(text, 'SIP_Line_List', 'SIP2').Register_Pswd, 'two;%');
  assert.equal(entry(text, 'MMI_Account', 'Account1').Password, 'Adm1nPass');
}

/** What a phone that reads lines must find: 64 bytes of a first line, modules with groups, and the last line. */
function expectLines(text) {
  const lines = text.split('\r\n');
  assert.match(lines[0], /^<<VOIP CONFIG FILE>>Version:2\.0000000000 *$/);
  assert.equal(lines[0].length, 62);
  assert.deepEqual(lines.slice(-2), ['<<END OF FILE>>', '']);
  const values = new Map();
  let module = '';
  let group = '';
  for (const line of lines.slice(1, -2).filter(Boolean)) {
    const [, begun] = /^<(.+)>$/.exec(line) ?? [];
    const [, list] = /^--(.+)-- *:$/.exec(line) ?? [];
    if (begun) [module, group] = [begun, ''];
    else if (list) group = list;
    else values.set([module, group, line.slice(0, line.indexOf(':')).trim()].join('/'), line.slice(line.indexOf(':') + 1));
  }
  const one = (name) => values.get(`SIP CONFIG MODULE/SIP Line List/SIP1 ${name}`);
  assert.equal(one('Phone Number'), '201');
  assert.equal(one('Register User'), '201-auth');
  assert.equal(one('Register Pswd'), PASSWORD);
  assert.equal(one('Display Name'), 'Büro & Küche');
  assert.equal(one('Register Addr'), 'sip.example.net');
  assert.equal(one('Register Port'), '5061');
  assert.equal(one('Transport'), '3');
  assert.equal(one('Enable Reg'), '1');
  assert.equal(values.get('SIP CONFIG MODULE/SIP Line List/SIP2 Register Pswd'), 'two;%');
  assert.equal(values.get('MMI CONFIG MODULE/MMI Account/Account1 Password'), 'Adm1nPass');
}

function expect(text) {
  assert.match(text, /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<sysConf>\n {2}<Version>2\.0000000000<\/Version>\n/);
  const one = group(text, 'line', 1);
  assert.equal(one.PhoneNumber, '201');
  assert.equal(one.RegisterUser, '201-auth');
  assert.equal(one.RegisterPswd, PASSWORD);
  assert.equal(one.DisplayName, 'Büro & Küche');
  assert.equal(one.RegisterAddr, 'sip.example.net');
  assert.equal(one.RegisterPort, '5061');
  assert.equal(one.Transport, '3');
  assert.equal(one.EnableReg, '1');
  assert.equal(group(text, 'line', 2).RegisterPswd, 'two;%');
  assert.equal(group(text, 'account', 1).Password, 'Adm1nPass');
}

/** A phone. `common` is the code of its model in the name of the common file. */
function phone({ id = 'fanvil', family, model, mac, common, agent, check = expect }) {
  const lower = mac.toLowerCase();
  const asked = [
    [`${common}.cfg`, 'none'],
    [`${lower}.cfg`, 'plain'],
  ];
  return {
    id,
    family,
    model,
    mac,
    userAgent: `Fanvil ${agent} ${lower}`,
    settings,
    boot: asked,
    again: asked,
    never: [`${common}.cfg`, `${lower}.xml`, `${lower}.txt`, `fanvil_${model.toLowerCase()}_hwv1_0.txt`],
    wrong: [
      `${mac}.cfg`,
      `${lower.replace(/(..)(?=.)/g, '$1:')}.cfg`,
      `${lower}${lower}.cfg`,
      `${lower}.cfg.cfg`,
      `${lower}.CFG`,
      '$mac.cfg',
    ],
    event: 'check-sync',
    restart: 'check-sync;reboot=true',
    profile: null,
    expect: check,
  };
}

export const families = [
  phone({ model: 'X5U-V2', mac: '0C383E557EB1', common: 'F0V5UV200000', agent: 'X5U-V2 2.12.16.17' }),
  // The name of the model has a blank where the phone writes it.
  phone({ model: 'V62-Pro', mac: '0C383E2CD782', common: 'F0V0V6210000', agent: 'V62 Pro 2.12.2.4' }),
  phone({ id: 'fanvil-x', model: 'X4', mac: '0C383E07E16C', common: 'f0X4hw1.100', agent: 'X4 2.10.2.6887', check: expectOlder }),
  // No name of a model tells which of the forms it gets: the model says its family.
  phone({
    id: 'fanvil-text',
    family: 'fanvil-text',
    model: 'X3SP',
    mac: '0C383E07E2A5',
    common: 'f0X3shw1.100',
    agent: 'X3SP 2.4.5',
    check: expectLines,
  }),
];
