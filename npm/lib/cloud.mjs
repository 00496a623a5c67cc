// What is in the account already, asked of Cloudflare's API with the sign-in that wrangler has. Creating is wrangler's.

import { setTimeout as sleep } from 'node:timers/promises';

import { Refusal, say } from './say.mjs';
import { wrangler } from './wrangler.mjs';

const BASE = () => process.env.CLOUDFLARE_API_BASE_URL ?? 'https://api.cloudflare.com/client/v4';

/** What an API token must be allowed to do. */
export const RIGHTS =
  'Account: Workers Scripts (edit), Workers KV Storage (edit), D1 (edit) and Account Settings (read); with a domain of your own also Zone: Workers Routes (edit) and DNS (edit)';

const SIGN_IN_AGAIN = process.env.CLOUDFLARE_API_TOKEN
  ? 'Put a token that is valid into CLOUDFLARE_API_TOKEN (dashboard, My Profile, API Tokens), or unset it to sign in by the browser.'
  : 'Run `npx wrangler login`, then this again.';

/** The API said no. */
export class ApiError extends Error {
  constructor(status, errors, what) {
    super(`${what}: ${errors.map(({ message, code }) => `${message} [code: ${code}]`).join(', ') || `status ${status}`}`);
    this.status = status;
    this.codes = errors.map(({ code }) => code);
  }
}

/** Signs in where nobody is, and finds the account. */
export async function signIn(choices) {
  let credential = await credentialOf();
  if (!credential) {
    if (!process.stdin.isTTY || !process.stdout.isTTY) {
      throw new Refusal(
        `nobody is signed in, and this is no terminal to do so. Run \`npx wrangler login\` in one, or set CLOUDFLARE_API_TOKEN to a token that may do this: ${RIGHTS}.`,
      );
    }
    say('Nobody is signed in to Cloudflare yet: your browser opens for that.');
    const { status } = await wrangler(['login'], { person: true });
    credential = status === 0 ? await credentialOf() : undefined;
    if (!credential) throw new Refusal('signing in did not work. Run `npx wrangler login`, then this again.');
  }
  const cloud = new Cloud(credential);
  cloud.account = process.env.CLOUDFLARE_ACCOUNT_ID || choices.account_id || (await onlyAccount(cloud));
  return cloud;
}

async function credentialOf() {
  // wrangler would say the same token after more than a second; a key with its address goes before it.
  const { CLOUDFLARE_API_TOKEN: said, ...others } = process.env;
  const hasKey = ['CLOUDFLARE_API_KEY', 'CF_API_KEY'].some((name) => others[name]);
  if (said && /[^\x21-\x7e]/.test(said.trim()))
    throw new Refusal('CLOUDFLARE_API_TOKEN is no token: it has a blank or a line break in it. Copy it once more.');
  if (said && !hasKey) return { authorization: `Bearer ${said}` };
  const { status, output } = await wrangler(['auth', 'token', '--json']);
  if (status !== 0) return undefined;
  const { token, key, email } = JSON.parse(output.slice(output.indexOf('{')));
  return token ? { authorization: `Bearer ${token}` } : { 'x-auth-key': key, 'x-auth-email': email };
}

async function onlyAccount(cloud) {
  const accounts = await cloud.call('GET', '/accounts?per_page=50');
  if (accounts.length === 1) return accounts[0].id;
  const how = 'Say --account with its id, write account_id into ringfence.toml, or set CLOUDFLARE_ACCOUNT_ID';
  if (accounts.length === 0) {
    throw new Refusal(`the account is not known: this sign-in may not list accounts. ${how}; the dashboard has the id in its address.`);
  }
  throw new Refusal(`there are several accounts. ${how}:\n${accounts.map(({ id, name }) => `  ${id}  ${name}`).join('\n')}`);
}

class Cloud {
  #credential;

  constructor(credential) {
    this.#credential = credential;
  }

  /** The environment of a wrangler that is to work in the same account. */
  get env() {
    return { CLOUDFLARE_ACCOUNT_ID: this.account };
  }

  /** The result of a call; what fails for a moment is tried again. */
  async call(method, path, { absent } = {}) {
    for (let turn = 1; ; turn += 1) {
      let answer;
      try {
        answer = await fetch(`${BASE()}${path}`, {
          method,
          headers: { ...this.#credential, 'user-agent': 'ringfence' },
          signal: AbortSignal.timeout(60_000),
        });
      } catch (error) {
        if (turn < 3) {
          await sleep(turn * 1000);
          continue;
        }
        throw new Refusal(
          `Cloudflare's API does not answer (${error.cause?.code ?? error.message}). Look at the network, then run this again.`,
        );
      }
      if ((answer.status === 429 || answer.status >= 500) && turn < 3) {
        await sleep(turn * 1000);
        continue;
      }
      const body = await answer.json().catch(() => ({}));
      if (answer.ok && body.success !== false) return body.result;
      const error = new ApiError(answer.status, body.errors ?? [], `${method} ${path.split('?')[0]}`);
      if (absent && (answer.status === 404 || error.codes.some((code) => absent.includes(code)))) return undefined;
      throw explainApi(error);
    }
  }

  #of(path) {
    return `/accounts/${this.account}${path}`;
  }

  /** The bindings of a Worker; nothing where there is none of that name. */
  async bindings(name) {
    const settings = await this.call('GET', this.#of(`/workers/scripts/${name}/settings`), { absent: [10007, 10090, 10092] });
    return settings?.bindings;
  }

  /** A database by its name or id: its id, name, size and how many tables it has. */
  async database(name) {
    return this.call('GET', this.#of(`/d1/database/${name}`), { absent: [7404] });
  }

  /** The id of a namespace by its title. */
  async namespace(title) {
    for (let page = 1; ; page += 1) {
      const some = await this.call('GET', this.#of(`/storage/kv/namespaces?per_page=100&order=title&direction=asc&page=${page}`));
      const found = some.find((one) => one.title === title);
      if (found || some.length < 100) return found?.id;
    }
  }

  /** The Worker that a custom domain leads to; nothing where it is none. */
  async serviceOf(hostname) {
    const found = await this.call('GET', this.#of(`/workers/domains?hostname=${hostname}`));
    return found.find((one) => one.hostname === hostname)?.service;
  }

  removeWorker(name) {
    return this.call('DELETE', this.#of(`/workers/scripts/${name}?force=true`), { absent: [10007, 10090] });
  }

  removeDatabase(id) {
    return this.call('DELETE', this.#of(`/d1/database/${id}`), { absent: [7404] });
  }

  removeNamespace(id) {
    return this.call('DELETE', this.#of(`/storage/kv/namespaces/${id}`), { absent: [10013] });
  }
}

function explainApi(error) {
  const words = explain(error.message) ?? (error.status === 403 ? MISSING_RIGHT : undefined);
  return words ? new Refusal(`${error.message}\n${words}`) : error;
}

const MISSING_RIGHT = `This sign-in may not do that. An API token needs these rights: ${RIGHTS}. Give them to it in the dashboard, then run this again.`;

/** What to do about what wrangler or the API said, where it is known. */
const KNOWN = [
  [
    /code: (9109|1000|1001|6003|6111)\]|Invalid API Token|Invalid access token|Invalid request headers/,
    `The sign-in is not valid. ${SIGN_IN_AGAIN}`,
  ],
  [/code: 10000\]|Authentication error|Forbidden|not authorized/i, `${MISSING_RIGHT} If it should have them: ${SIGN_IN_AGAIN}`],
  [
    /code: 10063\]|register a workers\.dev subdomain/i,
    'The account has no workers.dev name yet. Open Workers & Pages in the dashboard once, which makes one, or choose --domain with a hostname of your own.',
  ],
  [
    /code: 7406\]|maximum number of D1 databases/,
    'The account has as many D1 databases as its plan allows. Remove one (`npx wrangler d1 list`, `npx wrangler d1 delete NAME`), or take the paid plan.',
  ],
  [/code: 10014\]/, 'A KV namespace of that name is there. Choose another --name, or write its id as files_id into ringfence.toml.'],
  [/code: 10027\]|exceeded the size limit|code: 10037\]/, 'The account has reached a limit of its plan. The message above names it.'],
  [
    /Could not find zone|code: 7003\]/,
    'The hostname belongs to no zone of this account. Add the zone in the dashboard, or choose another --domain.',
  ],
  [
    /code: 100117\]|already has externally managed DNS records/,
    'The hostname has DNS records already. Remove them in the dashboard, or choose another --domain.',
  ],
  [/ENOTFOUND|ECONNREFUSED|EAI_AGAIN|fetch failed/, "Cloudflare's API cannot be reached. Look at the network, then run this again."],
];

export const explain = (output) => KNOWN.find(([fits]) => fits.test(output))?.[1];

/** Whether a Worker's bindings are those of Ringfence: a name alone could be anybody's. */
export function isOurs(bindings) {
  const has = (type, name) => bindings.some((one) => one.type === type && one.name === name);
  return has('durable_object_namespace', 'WITNESS') && has('durable_object_namespace', 'POOL') && has('d1', 'DB');
}

export const hasSecret = (bindings, name) => bindings.some((one) => one.type === 'secret_text' && one.name === name);
