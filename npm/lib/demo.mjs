// The demonstration: a tenant with one phone, which boots for the first time against the Worker that runs here. From the
// second time on the device gets a new key first.

import { createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Refusal, say, show } from './say.mjs';

const MAC = '0080F0C571EB';
const MODEL = 'KX-UTG300B';

const note = (text) => show(`        ${text}`);

export async function demonstrate(base, token, folder) {
  const work = join(folder, 'phone');
  mkdirSync(work, { recursive: true, mode: 0o700 });
  const keep = (name, content) => writeFileSync(join(work, name), content, { mode: 0o600 });
  const api = operator(base, token);

  say(`operator: the tenant "Demo" with one ${MODEL}`);
  const { items } = await api('GET', '/tenants?limit=200');
  const tenant = `/tenants/${(items.find(({ name }) => name === 'Demo') ?? (await api('POST', '/tenants', { name: 'Demo' }))).id}`;
  await api('PUT', `${tenant}/models/${MODEL}`, { family: 'utg', profile: 'utg-128' });
  await api('PUT', `${tenant}/settings`, {
    settings: { master_SysTime_NTP_ADDR: 'ntp.demo.example', CFG_RESYNC_FROM_SIP: 'check-sync' },
  });
  const device = `${tenant}/devices/${MAC}`;
  if (await api('GET', device, undefined, true)) {
    await api('POST', `${device}/rekey`);
    note('the device was there already: it has a new key, and a new bootstrap waits');
  } else {
    await api('PUT', device, { model: MODEL, label: 'Reception' });
  }
  const password = randomBytes(12).toString('base64');
  await api('PUT', `${device}/settings`, {
    settings: {
      standard_Line1_Sip_SIP_USER_ID: '7001',
      standard_Line1_Sip_SIP_PASS: { secret: password },
      standard_Line1_Sip_DISPLAY_NAME: 'Reception & <Lobby>',
    },
  });

  // The segment of an access path is shown once, so it is kept beside the data.
  const kept = join(work, 'access-path');
  let segment = existsSync(kept) ? readFileSync(kept, 'utf8') : '';
  if (!segment || (await fetched(`${base}/${segment}/${MODEL}.cfg`)).status !== 200) {
    ({ segment } = await api('POST', `${tenant}/access-paths`, { label: 'demo' }));
    keep('access-path', segment);
  }
  note(`provisioning URL of the phones: ${base}/${segment}/`);

  say(`1. the phone asks for its initial file: ${MODEL}.cfg`);
  const initial = await expect(`${base}/${segment}/${MODEL}.cfg`, 200, 'the initial file');
  const standard = /<CFG_STANDARD_FILE_PATH[^>]*>([^<]*)</.exec(initial)?.[1];
  if (!standard) throw new Refusal('the initial file names no standard file');
  note(`it names ${standard}`);

  say('2. it asks for its standard file, and gets the one plaintext there is');
  const plain = standard.replaceAll('{MAC}', MAC);
  const bootstrap = await expect(plain, 200, 'the bootstrap');
  keep('bootstrap.xml', bootstrap);
  const key = /<CFG_FILE_KEY>([^<]{32})</.exec(bootstrap)?.[1];
  if (!key) throw new Refusal('there is no key in the bootstrap');
  note(`${bootstrap.length} characters; the key is in ${join(work, 'bootstrap.xml')} (not shown here)`);

  say('3. anybody asks for the same URL again');
  await expect(plain, 404, 'the same URL again');
  note('404, like everything else that is not to be had');

  say('4. the phone asks for the sealed file');
  const sealed = await expect(plain.replace(/\.cfg$/, '.enc'), 200, 'the sealed file');
  keep('standard.enc', sealed);
  note(`${sealed.length} characters, beginning ${sealed.slice(0, 20)}…`);

  say('5. the phone opens it with the key from the bootstrap');
  const opened = open(sealed, key);
  keep('standard.xml', opened);
  note(`${opened.length} bytes of XML; \`openssl enc -d\` opens it with the same key`);

  say("6. it is what the operator's preview says");
  const { text } = await api('GET', `${device}/files/standard/preview?reveal=true`);
  if (opened.toString('utf8') !== text) throw new Refusal('the decrypted file differs from the preview');
  if (!text.includes(password)) throw new Refusal('the SIP password is not in the file');
  note('byte for byte');

  say('7. what the operator sees');
  let state;
  for (let turn = 0; turn < 50 && state !== 'confirmed'; turn += 1) {
    if (turn > 0) await sleep(100);
    state = (await api('GET', device)).key.state;
  }
  if (state !== 'confirmed') throw new Refusal(`the key's state: expected confirmed, got ${state}`);
  note(`the key is ${state}: it was delivered once, and the phone came back for sealed files`);
}

/** Calls of the API; `optional` answers nothing where there is no such thing. */
function operator(base, token) {
  return async (method, path, body, optional = false) => {
    const answer = await fetch(`${base}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await answer.text();
    if (optional && answer.status === 404) return undefined;
    if (!answer.ok) throw new Refusal(`${method} ${path} answered ${answer.status}: ${text}`);
    return text ? JSON.parse(text) : undefined;
  };
}

/** What the phone gets. */
const fetched = (url) =>
  fetch(url, {
    redirect: 'manual',
    headers: { 'user-agent': `Panasonic_${MODEL}/01.133 (${MAC.toLowerCase()})` },
    signal: AbortSignal.timeout(60_000),
  });

async function expect(url, status, what) {
  const answer = await fetched(url);
  const text = await answer.text();
  if (answer.status !== status) throw new Refusal(`${what}: expected ${status}, got ${answer.status}`);
  return text;
}

/** Opens what `openssl enc -aes-128-cbc -a -md md5` seals: key and IV are MD5 over password and salt, again and again. */
function open(sealed, password) {
  const bytes = Buffer.from(sealed, 'base64');
  const salt = bytes.subarray(8, 16);
  let block = Buffer.alloc(0);
  let made = Buffer.alloc(0);
  while (made.length < 32) {
    block = createHash('md5')
      .update(Buffer.concat([block, Buffer.from(password), salt]))
      .digest();
    made = Buffer.concat([made, block]);
  }
  const decipher = createDecipheriv('aes-128-cbc', made.subarray(0, 16), made.subarray(16, 32));
  return Buffer.concat([decipher.update(bytes.subarray(16)), decipher.final()]);
}
