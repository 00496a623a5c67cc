// scripts/deploy.sh against a wrangler that only writes down how it was called: what it hands over to
// whom, and what it does on a plan that takes no limits.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';

import { counterOf } from '../../npm/lib/counters.mjs';
import { ROOT } from '../support/config.mjs';
import { inTerminal } from '../support/terminal.mjs';
import { parseToml } from '../support/toml.mjs';

// Answers as the real one does. Its state is files beside it: `secrets`, `deployed` and `namespace`; `free` makes it an
// account of the free plan, `broken` one where nothing can be deployed, `deaf` one where no secret can be set.
const WRANGLER = `#!/usr/bin/env bash
set -euo pipefail
state=$(cd "$(dirname "$0")/../.." && pwd)/state
echo "$*" >>"$state/calls"
config=
previous=
for word in "$@"; do [ "$previous" != --config ] || config=$word; previous=$word; done
config=\${config:-wrangler.toml}
case "$1 \${2:-}" in
  'kv namespace')
    [ -e "$state/namespace" ] || { echo '[]'; exit 0; }
    echo '[{"title":"another","id":"ffffffffffffffffffffffffffffffff"},{"title":"'"$(sed -n '0,/^name/s/^name = "\\(.*\\)"/\\1/p' wrangler.toml)"'-files","id":"0123456789abcdef0123456789abcdef"}]' ;;
  'secret list')
    [ -e "$state/deployed" ] || { echo 'Worker "ringfence" not found. [code: 10007]' >&2; exit 1; }
    touch "$state/secrets"
    jq -Rn '[inputs | {name: .}]' <"$state/secrets" ;;
  'secret put')
    [ ! -e "$state/deaf" ] || exit 1
    cat >"$state/secret.$3"
    echo "$3" >>"$state/secrets" ;;
  deploy*)
    cp "$config" "$state/config.$(grep -c ^deploy "$state/calls")"
    # What the Worker is bound to stays so; else a namespace without an id is made, whose name may be taken.
    if [ ! -e "$state/deployed" ] && ! grep -q '^id = ' "$config"; then
      [ ! -e "$state/namespace" ] || { echo 'a namespace with this account ID and title already exists [code: 10014]' >&2; exit 1; }
      touch "$state/namespace"
    fi
    [ ! -e "$state/broken" ] || { echo 'Something else went wrong [code: 10000]' >&2; exit 1; }
    if [ -e "$state/free" ] && grep -q '^\\[limits\\]' "$config"; then
      echo 'CPU limits are not supported for the Free plan. [code: 100328]' >&2
      exit 1
    fi
    touch "$state/deployed" ;;
esac
`;

describe('make deploy', () => {
  const made = [];
  afterEach(() => made.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true })));

  /** A copy of what deploy.sh needs, without a build. */
  function checkout({ flags = [], toml = (text) => text } = {}) {
    const folder = mkdtempSync(join(tmpdir(), 'ringfence-deploy-'));
    made.push(folder);
    for (const name of ['scripts', 'state', 'node_modules/.bin', 'npm/lib']) mkdirSync(join(folder, name), { recursive: true });
    for (const name of ['scripts/deploy.sh', 'scripts/env.sh', 'scripts/counters.mjs', 'npm/lib/counters.mjs']) {
      copyFileSync(join(ROOT, name), join(folder, name));
    }
    for (const name of ['setup.sh', 'build.sh']) {
      writeFileSync(join(folder, 'scripts', name), '#!/bin/sh\n');
      chmodSync(join(folder, 'scripts', name), 0o755);
    }
    writeFileSync(join(folder, 'wrangler.toml'), toml(readFileSync(join(ROOT, 'wrangler.toml'), 'utf8')));
    const wrangler = join(folder, 'node_modules/.bin/wrangler');
    writeFileSync(wrangler, WRANGLER);
    chmodSync(wrangler, 0o755);
    for (const flag of flags) writeFileSync(join(folder, 'state', flag), '');
    const state = (name) => {
      const path = join(folder, 'state', name);
      return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
    };
    const run = (env = {}, terminal = false) => {
      const command = join(folder, 'scripts/deploy.sh');
      const [program, args] = terminal ? inTerminal(['bash', command]) : ['bash', [command]];
      const { status, stdout, stderr } = spawnSync(program, args, {
        encoding: 'utf8',
        timeout: 60_000,
        env: { ...process.env, SECRETS_FILE: '', ...env },
      });
      return { status, output: stdout + stderr };
    };
    return { folder, state, run };
  }

  it('shows the secrets on a terminal, once', () => {
    const { state, run } = checkout();
    const first = run({}, true);
    assert.equal(first.status, 0, first.output);
    for (const name of ['MASTER_KEY', 'ADMIN_TOKEN']) assert.ok(first.output.includes(state(`secret.${name}`)), name);
    assert.match(state('secret.MASTER_KEY'), /^k\d{8}:[A-Za-z0-9+/]{43}=$/);
    const [key, token] = [state('secret.MASTER_KEY'), state('secret.ADMIN_TOKEN')];
    const second = run({}, true);
    assert.equal(second.status, 0, second.output);
    assert.deepEqual([state('secret.MASTER_KEY'), state('secret.ADMIN_TOKEN')], [key, token]);
    assert.ok(!second.output.includes(key) && !second.output.includes(token));
  });

  it('begins nothing in a pipe, where it could only show them to a log', () => {
    const { state, run } = checkout();
    const { status, output } = run();
    assert.equal(status, 1);
    assert.match(output, /SECRETS_FILE/);
    assert.ok(!/^(deploy|secret put)/m.test(state('calls')), state('calls'));
  });

  it('writes them to a file for their owner alone, before they are set', () => {
    const { folder, state, run } = checkout();
    const file = join(folder, 'secrets.txt');
    const { status, output } = run({ SECRETS_FILE: file });
    assert.equal(status, 0, output);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    assert.deepEqual(
      lines,
      ['ADMIN_TOKEN', 'MASTER_KEY'].map((name) => `${name}=${state(`secret.${name}`)}`),
    );
    for (const name of ['MASTER_KEY', 'ADMIN_TOKEN']) assert.ok(!output.includes(state(`secret.${name}`)), name);
    // An upgrade makes none and needs no terminal; a file that is there is not written into.
    assert.equal(run().status, 0);
    const again = run({ SECRETS_FILE: file });
    assert.equal(again.status, 1);
    assert.match(again.output, /is there already/);
    assert.equal(readFileSync(file, 'utf8').trim(), lines.join('\n'));

    const deaf = checkout({ flags: ['deaf'] });
    const kept = join(deaf.folder, 'secrets.txt');
    const refused = deaf.run({ SECRETS_FILE: kept });
    assert.equal(refused.status, 1);
    assert.match(refused.output, /could not be set/);
    assert.match(readFileSync(kept, 'utf8'), /^ADMIN_TOKEN=/);
  });

  it('limits the CPU time of a request, and on the free plan deploys without', () => {
    const paid = checkout({ flags: ['deployed'] });
    const file = (folder) => ({ SECRETS_FILE: join(folder, 'secrets.txt') });
    assert.equal(paid.run(file(paid.folder)).status, 0);
    assert.match(paid.state('config.1'), /^\[limits\]\ncpu_ms = 10000$/m);
    assert.equal(paid.state('config.2'), undefined);

    const free = checkout({ flags: ['deployed', 'free'] });
    const { status, output } = free.run(file(free.folder));
    assert.equal(status, 0, output);
    assert.match(output, /free plan/);
    assert.match(free.state('config.1'), /^\[limits\]/m);
    assert.ok(!/^\[limits\]/m.test(free.state('config.2')));
    assert.equal(free.state('config.2'), readFileSync(join(ROOT, 'wrangler.toml'), 'utf8'));
    // The copy with the limit is for this one call.
    for (const { folder } of [paid, free]) assert.ok(!existsSync(join(folder, 'wrangler.made.toml')));
  });

  it('goes on with the namespace that an attempt before it has made', () => {
    const lines = (text) => text.match(/^\[\[kv_namespaces\]\]\n(?:\w.*\n)*/m)[0];
    const bound = '[[kv_namespaces]]\nbinding = "FILES"\nid = "0123456789abcdef0123456789abcdef"\n';
    const broken = checkout({ flags: ['broken'] });
    const file = (folder) => ({ SECRETS_FILE: join(folder, 'secrets.txt') });
    assert.equal(broken.run(file(broken.folder)).status, 1);
    rmSync(join(broken.folder, 'state/broken'));
    const again = broken.run(file(broken.folder));
    assert.equal(again.status, 0, again.output);
    assert.equal(lines(broken.state('config.1')), '[[kv_namespaces]]\nbinding = "FILES"\n');
    assert.equal(lines(broken.state('config.3')), bound);
    assert.match(broken.state('config.3'), /^\[limits\]/m);

    // On the free plan the first attempt is one that has.
    const free = checkout({ flags: ['free'] });
    const { status, output } = free.run(file(free.folder));
    assert.equal(status, 0, output);
    assert.equal(lines(free.state('config.2')), bound);
    assert.equal(free.state('config.3'), undefined);
    // Later the Worker is bound to it.
    assert.equal(free.run().status, 0);
    assert.equal(lines(free.state('config.3')), '[[kv_namespaces]]\nbinding = "FILES"\n');
  });

  it('counts for each name by itself, and for the first one by the numbers of wrangler.toml', () => {
    const numbers = (text) => parseToml(text).ratelimits.map(({ namespace_id: id }) => Number(id));
    const source = numbers(readFileSync(join(ROOT, 'wrangler.toml'), 'utf8'));
    const file = (folder) => ({ SECRETS_FILE: join(folder, 'secrets.txt') });
    const named = (toml = (text) => text) => {
      const { folder, state, run } = checkout({ flags: ['broken'], toml });
      assert.equal(run(file(folder)).status, 1);
      rmSync(join(folder, 'state/broken'));
      // The namespace is called as the Worker is.
      const { status, output } = run(file(folder));
      assert.equal(status, 0, output);
      assert.match(state('config.3'), /^binding = "FILES"\nid = "0123456789abcdef0123456789abcdef"$/m);
      return numbers(state('config.3'));
    };
    assert.deepEqual(named(), source);
    const called = (name) => (text) => text.replace('name = "ringfence"', `name = "${name}"`);
    const phones = named(called('phones'));
    // As the npm package has it.
    assert.deepEqual(
      phones,
      source.map((number) => counterOf('phones', number)),
    );
    assert.equal(new Set([...source, ...phones, ...named(called('phones-2'))]).size, 3 * source.length);
    // Numbers of an operator's own are kept.
    assert.equal(named((text) => called('phones')(text).replace('"1710"', '"2001"'))[1], 2001);
  });

  it("does not take any other failure for the free plan, and leaves an operator's own limits alone", () => {
    const broken = checkout({ flags: ['deployed', 'broken'] });
    const { status, output } = broken.run({ SECRETS_FILE: join(broken.folder, 'secrets.txt') });
    assert.equal(status, 1);
    assert.match(output, /not deployed/);
    assert.equal(broken.state('config.2'), undefined);

    const toml = (text) => `${text}\n[limits]\ncpu_ms = 300\n`;
    const own = checkout({ flags: ['deployed'], toml });
    assert.equal(own.run({ SECRETS_FILE: join(own.folder, 'secrets.txt') }).status, 0);
    assert.equal(
      own
        .state('config.1')
        .match(/\[limits\]\ncpu_ms = \d+/g)
        .join(),
      '[limits]\ncpu_ms = 300',
    );
    const free = checkout({ flags: ['deployed', 'free'], toml });
    const refused = free.run({ SECRETS_FILE: join(free.folder, 'secrets.txt') });
    assert.equal(refused.status, 1);
    assert.match(refused.output, /remove them from wrangler.toml/);
  });
});
