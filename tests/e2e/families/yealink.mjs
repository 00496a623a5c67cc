// Yealink's phones, for the runner of families: what they ask in which order, and what they must find in the answer.

import assert from 'node:assert/strict';

const PASSWORD = 'e3#rl2(&ae#1';

/** The values of a file, by parameter: a phone keeps nothing of a file that begins otherwise. */
function read(text) {
  const [first, ...lines] = text.split('\n');
  assert.equal(first, '#!version:1.0.0.1');
  const values = new Map();
  for (const line of lines) {
    // Lines without anything are also what fills up a sealed file.
    if (line.trim() === '' || line.startsWith('#')) continue;
    const at = line.indexOf('=');
    assert.ok(at > 0, 'a line without a value');
    const name = line.slice(0, at).trim();
    values.set(name, [...(values.get(name) ?? []), line.slice(at + 1).trim()]);
  }
  return values;
}

const settings = {
  line_1_user: '201',
  line_1_auth_user: '201-auth',
  line_1_password: { secret: PASSWORD },
  line_1_domain: 'sip.example.net',
  line_1_port: '5061',
  line_1_transport: 'tls',
  line_1_label: 'Büro "Süd" <1>; 50 %',
  line_2_user: '202',
  line_2_password: { secret: '"<;%&' },
  line_2_domain: 'b.example.net',
  admin_password: { secret: 'Adm1n#Pass' },
  user_password: { secret: 'Us3r=Pass' },
  provisioning_interval: '1440',
};

/** What line 1 and the users of the phone's pages must be. */
function expectation(device, transport) {
  return (text) => {
    const values = read(text);
    assert.deepEqual(values.get('account.1.enable'), ['1']);
    assert.deepEqual(values.get('account.1.user_name'), ['201']);
    assert.deepEqual(values.get('account.1.auth_name'), ['201-auth']);
    assert.deepEqual(values.get('account.1.password'), [PASSWORD]);
    assert.deepEqual(values.get('account.1.sip_server.1.address'), ['sip.example.net']);
    assert.deepEqual(values.get('account.1.sip_server.1.port'), ['5061']);
    assert.deepEqual(values.get(transport), ['2']);
    assert.deepEqual(values.get('account.1.label'), ['Büro "Süd" <1>; 50 %']);
    assert.deepEqual(values.get('account.2.password'), ['"<;%&']);
    assert.deepEqual(values.get(`${device}security.user_password`), ['admin:Adm1n#Pass', 'user:Us3r=Pass']);
    assert.deepEqual(values.get('sip.notify_reboot_enable'), ['0']);
  };
}

/** A phone. `code` is the number of its model in the name of the common file. */
function phone({ id, model, mac, code, userAgent, profile, device, transport }) {
  const lower = mac.toLowerCase();
  const colons = lower.replace(/(..)(?=.)/g, '$1:');
  const common = `y${code.padStart(12, '0')}.cfg`;
  const asked = (answer) => [
    [`${lower}.boot`, 'none'],
    ['y000000000000.boot', 'none'],
    [common, 'none'],
    [`${lower}.cfg`, answer],
  ];
  return {
    id,
    model,
    mac,
    userAgent: `${userAgent} ${colons}`,
    settings,
    boot: asked(profile ? 'bootstrap' : 'plain'),
    again: asked(profile ? 'sealed' : 'plain'),
    never: [
      `${lower}.boot`,
      'y000000000000.boot',
      common,
      `${lower}.enc`,
      `${lower}.cfg.enc`,
      `${lower}_Security.enc`,
      `${lower}.cfg_Security.enc`,
      `${lower}-local.cfg`,
      `${lower}-contact.xml`,
    ],
    wrong: [`${mac}.cfg`, `${colons}.cfg`, `${lower}${lower}.cfg`, `${lower}.cfg.cfg`, `${lower}.CFG`],
    event: 'check-sync',
    restart: 'check-sync;reboot=true',
    profile,
    expect: expectation(device, transport),
  };
}

const current = { id: 'yealink', device: 'static.', transport: 'account.1.sip_server.1.transport_type' };
const old = { id: 'yealink-v80', device: '', transport: 'account.1.transport' };

/** No profile is on unless an operator chooses one: phones with a profile here are those of such an operator. */
export const families = [
  phone({
    ...current,
    model: 'SIP-T46S',
    mac: '805EC0A1B2C3',
    code: '66',
    userAgent: 'Yealink SIP-T46S 66.85.0.5',
    profile: null,
  }),
  phone({
    ...current,
    model: 'T31G',
    mac: '805EC0D57D72',
    code: '123',
    userAgent: 'Yealink SIP-T31G 124.85.257.55',
    profile: 'yealink-v85-ecb-128',
  }),
  phone({
    ...current,
    model: 'T42S',
    mac: '805EC0A1B2C4',
    code: '67',
    userAgent: 'Yealink SIP-T42S 66.84.0.125',
    profile: 'yealink-ecb-128',
  }),
  phone({
    ...current,
    model: 'T34W',
    mac: '249AD888D0F4',
    code: '171',
    userAgent: 'Yealink SIP-T34W 124.86.0.75',
    profile: 'yealink-ecb-256',
  }),
  phone({
    ...old,
    model: 'W52P',
    mac: '0015654AA937',
    code: '25',
    userAgent: 'Yealink W52P 25.73.0.40',
    profile: null,
  }),
  phone({
    ...old,
    model: 'W56P',
    mac: '0015654AA938',
    code: '25',
    userAgent: 'Yealink W56P 25.73.0.40',
    profile: 'yealink-v80-ecb-128',
  }),
];
