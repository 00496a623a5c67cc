// The commands and their words.

import { parseArgs } from 'node:util';

import { FLAGS } from './choices.mjs';
import { cli, runCli } from './cli.mjs';
import { deploy } from './deploy.mjs';
import { destroy } from './destroy.mjs';
import { dev } from './dev.mjs';
import { Refusal, complain, show } from './say.mjs';
import { VERSION } from './shipped.mjs';

const HELP = `Ringfence ${VERSION}: provisions SIP desk phones from Cloudflare's edge.

  npx ringfence deploy     puts it on Cloudflare; again: upgrades it, and keeps secrets and data
  npx ringfence dev        runs it on this machine, with a tenant and a phone that boots
  npx ringfence destroy    removes Worker, database and files, after asking twice

deploy and destroy
  --name NAME              of the Worker (ringfence)
  --domain HOST            a hostname of a zone in the account, in place of workers.dev
  --account ID             where the sign-in has several
  --config FILE            the choices (ringfence.toml in this folder, if it is there)
deploy
  --secrets-file FILE      writes the new secrets there (mode 600) in place of showing them
  --jurisdiction eu|us     where a new database stays
  --take-domain            also if the hostname leads somewhere already
  --wait SECONDS           for the Worker to answer (300)
  --dry-run                tries the configuration out; needs no account
dev
  --port PORT              (8787)
  --state FOLDER           its data and secrets (.ringfence)
  --no-demo                without the tenant and the phone

Phones, tenants, imports and all the rest: \`ringfence --help\`, the program of the release that is one file
(ringfence-${VERSION}-<system>). Where it is in PATH, \`npx ringfence devices list\` is the same as \`ringfence devices list\`.
`;

const ELSEWHERE = `Everything else is the program ringfence-${VERSION}-<system> of the release: put it into a folder of PATH, as ringfence.`;

const text = { type: 'string' };
const flag = { type: 'boolean' };
const COMMON = { config: text, name: text };
const ACCOUNT = { ...COMMON, domain: text, account: text };

const COMMANDS = {
  deploy: {
    run: deploy,
    options: { ...ACCOUNT, jurisdiction: text, 'secrets-file': text, wait: text, 'dry-run': flag, 'take-domain': flag },
  },
  dev: { run: dev, options: { ...COMMON, port: text, state: text, 'no-demo': flag } },
  destroy: { run: destroy, options: ACCOUNT },
};

/** Runs a command; the status that the process is to end with. */
export async function main(words) {
  const [name, ...rest] = words;
  if (name === '--version' || name === '-v') {
    show(VERSION);
    return 0;
  }
  if (name !== undefined && name !== 'help' && !name.startsWith('-') && !Object.hasOwn(COMMANDS, name)) {
    const program = cli();
    if (program) return runCli(program, words);
  }
  if (name === undefined || name === 'help' || rest.includes('--help') || name === '--help' || name === '-h') {
    show(HELP);
    return 0;
  }
  try {
    if (!Object.hasOwn(COMMANDS, name))
      throw new Refusal(`${name} is no command. There are: ${Object.keys(COMMANDS).join(', ')}. ${ELSEWHERE}`);
    const { run, options } = COMMANDS[name];
    return await run(read(rest, options));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    complain(error.message);
    return 1;
  }
}

function read(words, options) {
  let values;
  try {
    ({ values } = parseArgs({ args: words, options, strict: true }));
  } catch (error) {
    throw new Refusal(`${error.message}\n\`npx ringfence help\` shows what there is.`);
  }
  const number = (name, least, most) => {
    if (values[name] === undefined) return undefined;
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new Refusal(`--${name} takes a whole number from ${least} to ${most}, not ${values[name]}.`);
    }
    return value;
  };
  const flags = Object.fromEntries(
    Object.entries(FLAGS)
      .filter(([name]) => values[name] !== undefined)
      .map(([name, entry]) => [entry, values[name]]),
  );
  return {
    flags,
    config: values.config,
    secretsFile: values['secrets-file'],
    dryRun: values['dry-run'],
    takeDomain: values['take-domain'],
    wait: number('wait', 1, 3600),
    port: number('port', 1, 65_535),
    state: values.state,
    demo: !values['no-demo'],
  };
}
