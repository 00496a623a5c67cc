// The Worker brings its database to its schema by itself: from nothing and from every earlier schema, while phones ask,
// beside wrangler, beside another isolate, and after the worst moments to end at.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { Api } from '../support/worker/api.mjs';
import { ROOT } from '../support/config.mjs';
import { opensslDecrypt } from '../support/openssl.mjs';
import { element } from '../support/worker/content.mjs';
import { Ringfence } from '../support/worker/ringfence.mjs';
import { mac, seedDevice, seedDevices, seedTenant } from '../support/worker/seed.mjs';
import { migrations } from '../support/worker/sql.mjs';
import { eventually } from '../support/wait.mjs';

const STEPS = migrations().map(({ name }) => name);
const MIGRATING = 'urn:ringfence:problem:database-migrating';
/** The lock and the pause after a failure (src/db/migrations.rs), with room for a slow machine. */
const PATIENCE_MS = 45_000;
/** Phones that boot for the first time, and phones that have their key, while the Worker is replaced. */
const FIRST_BOOTS = 30;
const SETTLED = 8;

/** Every table, index and trigger as it was written, without comments; the lock's own table apart. */
async function schema(worker) {
  const rows = await worker.sql(
    "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\' AND name NOT IN ('schema_lock', 'd1_migrations', 'sqlite_sequence') ORDER BY type, name",
  );
  return rows.map(({ type, name, sql }) => [
    type,
    name,
    sql
      .replace(/--[^\n]*/g, '')
      .replace(/\s+/g, ' ')
      .trim(),
  ]);
}

/** The steps that a database has had, as wrangler and the Worker write them down. */
async function applied(worker) {
  const [table] = await worker.sql("SELECT 1 FROM sqlite_master WHERE name = 'd1_migrations'");
  return table ? (await worker.sql('SELECT name FROM d1_migrations ORDER BY id')).map(({ name }) => name) : [];
}

/** Asks until the answer is 200; anything else must say when to come back. */
async function served(ask, milliseconds = PATIENCE_MS) {
  const end = Date.now() + milliseconds;
  for (;;) {
    const answer = await ask();
    if (answer.status === 200) return answer;
    assert.equal(answer.status, 503);
    assert.ok(Number(answer.headers.get('retry-after')) > 0);
    assert.ok(Date.now() < end, `still 503: ${await answer.text()}`);
    await answer.arrayBuffer().catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const health = (worker) => worker.fetch('/healthz');

/** Lets the next call of D1 that has such a statement wait in the Worker, begins `ask`, and returns once it waits. */
async function heldAt(worker, statement, ask) {
  await worker.probe({ hold: statement });
  const asked = ask();
  await eventually(
    () => worker.probe(),
    ({ holding }) => holding,
    `a call with ${statement}`,
  );
  return asked;
}

describe('the schema of the database', () => {
  /** What it is after each step, by the statements as the harness reads them. */
  const expected = [];
  before(async () => {
    const worker = await Ringfence.start({ migrate: false });
    try {
      expected.push(await schema(worker));
      for (const name of STEPS) {
        await worker.migrate({ first: name, last: name });
        expected.push(await schema(worker));
      }
    } finally {
      await worker.stop();
    }
  });

  const open = [];
  const start = async (options) => {
    const worker = await Ringfence.start({ migrate: false, ...options });
    open.push(worker);
    return worker;
  };
  after(async () => {
    for (const worker of open) await worker.stop();
  });
  const done = async (worker) => {
    await worker.stop();
    open.splice(open.indexOf(worker), 1);
  };

  async function isCurrent(worker, steps = STEPS) {
    assert.deepEqual(await applied(worker), steps);
    assert.deepEqual(await schema(worker), expected.at(-1));
    assert.deepEqual(await worker.sql('PRAGMA foreign_key_check'), []);
  }

  it('is made by the first request, which is served; an isolate looks once, in a call that it makes anyway', async () => {
    const worker = await start({ probe: true });
    assert.equal((await health(worker)).status, 200);
    await isCurrent(worker);
    assert.deepEqual(await worker.sql('SELECT * FROM schema_lock'), []);
    assert.ok(await worker.logLine(({ event, from, to }) => event === 'migrated' && from === STEPS[0] && to === STEPS.at(-1)));

    // The isolate that did it, then one that has not looked yet, and the same one again.
    const cost = async () => {
      await worker.probe({ reset: true });
      assert.equal((await health(worker)).status, 200);
      return worker.probe();
    };
    const known = await cost();
    assert.deepEqual([known.d1Calls, known.d1Statements], [1, 1]);
    await worker.restart();
    const cold = await cost();
    assert.deepEqual([cold.d1Calls, cold.d1Statements], [1, 2]);
    assert.match(cold.sql[0], /d1_migrations/);
    const again = await cost();
    assert.deepEqual([again.d1Calls, again.d1Statements], [1, 1]);
    assert.ok(!worker.logLines().some(({ event }) => event === 'migration_failed'));
    await done(worker);
  });

  it('is made by the cron event', async () => {
    const worker = await start();
    await worker.ask('scheduled', {});
    await isCurrent(worker);
    await done(worker);
  });

  for (const [index, name] of STEPS.entries()) {
    it(`comes from that of ${name} while phones and operators ask, and nothing is consumed meanwhile`, async () => {
      const worker = await start({ probe: true });
      await worker.migrate({ last: name });
      const tenant = await seedTenant(worker);
      const armed = await seedDevice(worker, tenant, { mac: mac(1) });
      const confirmed = await seedDevice(worker, tenant, { mac: mac(2), state: 'confirmed' });
      const api = new Api(worker);
      const devices = () => worker.sql('SELECT id, mac, key_state, generation, key_wrapped, version FROM devices ORDER BY mac');
      const found = await devices();
      const bootstrap = () => tenant.get(`Config${armed.mac}.cfg`);
      const rest = STEPS.slice(index + 1);
      const kept = [];
      if (rest.length > 0) {
        // The one that does it waits in the middle of its work; the others hear that they must.
        kept.push(await heldAt(worker, '^INSERT INTO d1_migrations', () => [health(worker)]));
        for (const answer of await Promise.all([bootstrap(), bootstrap(), tenant.get(`Config${confirmed.mac}.enc`), health(worker)])) {
          assert.equal(answer.status, 503);
          assert.ok(Number(answer.headers.get('retry-after')) > 0);
        }
        const refused = await api.call('PUT', `/tenants/${tenant.id}/devices/${mac(3)}`, { body: { model: 'KX-UTG300B' } });
        assert.deepEqual([refused.status, refused.body.type], [503, MIGRATING]);
        assert.ok(Number(refused.headers.get('retry-after')) > 0);
        assert.deepEqual(await devices(), found);
        assert.deepEqual(await applied(worker), STEPS.slice(0, index + 1));
        await worker.probe({ release: true });
        for (const answer of await Promise.all(kept.flat())) assert.equal(answer.status, 200);
      }
      const answers = await Promise.all(
        Array.from({ length: 8 }, async () => {
          const answer = await bootstrap();
          return { status: answer.status, text: await answer.text() };
        }),
      );
      const got = answers.filter(({ status }) => status === 200);
      assert.equal(got.length, 1, JSON.stringify(answers.map(({ status }) => status)));
      assert.equal(element(got[0].text, 'CFG_FILE_KEY'), armed.key);
      await served(() => tenant.get(`Config${confirmed.mac}.enc`));
      await isCurrent(worker);
      assert.deepEqual(
        (await devices()).map((row) => [row.mac, row.generation, row.key_wrapped]),
        found.map((row) => [row.mac, row.generation, row.key_wrapped]),
      );
      await done(worker);
    });
  }

  describe('beside wrangler', () => {
    /** `wrangler d1 migrations apply` on the Worker's database with the steps up to `last`; what it says. */
    function wrangler(worker, last) {
      const folder = mkdtempSync(join(tmpdir(), 'ringfence-wrangler-'));
      try {
        cpSync(join(ROOT, 'wrangler.toml'), join(folder, 'wrangler.toml'));
        cpSync(join(ROOT, 'migrations'), join(folder, 'migrations'), {
          recursive: true,
          filter: (path) => !path.endsWith('.sql') || path.split('/').at(-1) <= last,
        });
        mkdirSync(join(folder, 'state'));
        symlinkSync(worker.persist, join(folder, 'state/v3'));
        const args = ['d1', 'migrations', 'apply', 'ringfence', '--local', '--persist-to', 'state'];
        return execFileSync(join(ROOT, 'node_modules/.bin/wrangler'), args, {
          cwd: folder,
          encoding: 'utf8',
          env: { ...process.env, CI: '1', WRANGLER_SEND_METRICS: 'false', WRANGLER_LOG_PATH: join(folder, 'log') },
          timeout: 120_000,
        });
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
    const table = (worker) => worker.sql('SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(\'d1_migrations\')');

    it('goes on where wrangler stopped, and wrangler then finds nothing to do', async () => {
      const worker = await start();
      // wrangler's files and the Worker's are the same ones, but not at the same time.
      await worker.kill();
      wrangler(worker, STEPS[5]);
      await worker.restart();
      assert.deepEqual(await applied(worker), STEPS.slice(0, 6));
      const made = await table(worker);
      assert.equal((await health(worker)).status, 200);
      await isCurrent(worker);
      assert.deepEqual(await table(worker), made);
      await worker.kill();
      assert.match(wrangler(worker, STEPS.at(-1)), /No migrations to apply/);
      await done(worker);
    });

    it('leaves all to wrangler that comes first, and writes the same table where it comes first itself', async () => {
      const worker = await start({ probe: true });
      await worker.kill();
      wrangler(worker, STEPS.at(-1));
      await worker.restart();
      const rows = await worker.sql('SELECT id, name, applied_at FROM d1_migrations ORDER BY id');
      const made = await table(worker);
      assert.equal((await health(worker)).status, 200);
      assert.deepEqual(await worker.sql('SELECT id, name, applied_at FROM d1_migrations ORDER BY id'), rows);
      assert.ok(!worker.logLines().some(({ event }) => event === 'migrated'));
      await isCurrent(worker);
      await done(worker);

      const own = await start();
      assert.equal((await health(own)).status, 200);
      assert.deepEqual(await table(own), made);
      const [{ id, applied_at: at }] = await own.sql('SELECT id, applied_at FROM d1_migrations ORDER BY id');
      assert.equal(id, rows[0].id);
      assert.match(at, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
      await own.kill();
      assert.match(wrangler(own, STEPS.at(-1)), /No migrations to apply/);
      await done(own);
    });
  });

  it('is made once by two isolates at once', async () => {
    for (const last of [undefined, STEPS[0], STEPS.at(-3)]) {
      const worker = await start({ twin: true });
      if (last) await worker.migrate({ last });
      const twin = { fetch: (path) => fetch(new URL(path, worker.twin)) };
      await Promise.all(Array.from({ length: 10 }, (_, number) => served(() => health(number % 2 ? worker : twin))));
      await isCurrent(worker);
      assert.equal(worker.logLines().filter(({ event }) => event === 'migration_failed').length, 0);
      await done(worker);
    }
  });

  it('is brought on while phones go on asking, in the place of a Worker of before: none loses its first file, or gets it twice', async () => {
    // What phones get has not changed since, but for the table of their events; what else came later is there by name alone, so an
    // isolate that looks now serves under this schema, as a Worker of before does.
    const before = STEPS.findIndex((name) => name.includes('metrics'));
    const events = STEPS.find((name) => name.includes('events_by_tenant'));
    const later = STEPS.slice(before + 1).filter((name) => name !== events);
    const worker = await start({ probe: true, twin: true });
    await worker.migrate({ last: STEPS[before] });
    await worker.migrate({ first: events, last: events });
    await worker.batch(...later.map((name) => ['INSERT INTO d1_migrations (name) VALUES (?1)', name]));
    const tenant = await seedTenant(worker);
    const waiting = await seedDevices(
      worker,
      tenant,
      Array.from({ length: FIRST_BOOTS }, (_, number) => ({ mac: mac(number) })),
    );
    const settled = await seedDevices(
      worker,
      tenant,
      Array.from({ length: SETTLED }, (_, number) => ({ mac: mac(1000 + number), state: 'confirmed' })),
    );
    const old = { name: 'old', http: worker.http };
    const young = { name: 'young', http: worker.twin };
    const probe = async (which, wanted) =>
      (await fetch(new URL('/__probe', which.http), { method: 'POST', body: JSON.stringify(wanted) })).json();

    /** Every answer: who gave it, in which time, and what it was. */
    const answers = [];
    let time = 'before';
    let places = [old];
    let turn = 0;
    const ask = async (name, headers = {}) => {
      const place = places[(turn += 1) % places.length];
      const asked = time;
      const answer = await fetch(new URL(tenant.path(name), place.http), {
        headers,
        redirect: 'manual',
        signal: AbortSignal.timeout(60_000),
      });
      const body = Buffer.from(await answer.arrayBuffer());
      const { status } = answer;
      answers.push({ place: place.name, time: asked, name, status });
      if (status === 503) assert.ok(Number(answer.headers.get('retry-after')) > 0, name);
      else if (status === 200) assert.equal(Number(answer.headers.get('content-length')), body.length, name);
      return { status, body, etag: answer.headers.get('etag') };
    };
    const pause = () => new Promise((resolve) => setTimeout(resolve, 20));
    let goesOn = true;
    const allowed = (answer, ...statuses) =>
      assert.ok([...statuses, 503].includes(answer.status), `${answer.status} is none of ${statuses}`);

    /** Phones that have their key: the sealed file, whole and then if it has changed; each file that came is kept. */
    const opened = new Map();
    const sealed = async (phone) => {
      let etag;
      while (goesOn) {
        const answer = await ask(`Config${phone.mac}.enc`, etag ? { 'if-none-match': etag } : {});
        if (etag) allowed(answer, 200, 304);
        else allowed(answer, 200);
        if (answer.status === 200) {
          opened.set(phone.mac, { phone, body: answer.body });
          etag = answer.etag;
        }
        await pause();
        // Now and then one that was reset, and has nothing.
        if (answers.length % 7 === 0) etag = undefined;
      }
    };
    /** Phones that boot for the first time, one after the other: until the file is there, and once more. */
    const given = new Map(waiting.map(({ mac: name }) => [name, 0]));
    const queue = [...waiting];
    // A third of them in each time.
    const left = { before: FIRST_BOOTS * (2 / 3), meanwhile: FIRST_BOOTS / 3, after: 0 };
    const boot = async () => {
      while (goesOn && queue.length > 0) {
        if (queue.length <= left[time]) {
          await pause();
          continue;
        }
        const phone = queue.shift();
        const plain = `Config${phone.mac}.cfg`;
        // Two at once, as after a power cut with a phone that asks again.
        while (goesOn && given.get(phone.mac) === 0) {
          for (const answer of await Promise.all([ask(plain), ask(plain)])) {
            allowed(answer, 200, 404);
            if (answer.status !== 200) continue;
            assert.equal(element(answer.body.toString(), 'CFG_FILE_KEY'), phone.key);
            given.set(phone.mac, given.get(phone.mac) + 1);
          }
          await pause();
        }
        allowed(await ask(plain), 404);
        let own;
        while (goesOn && (own = await ask(`Config${phone.mac}.enc`)).status === 503) await pause();
        if (own?.status === 200) opened.set(phone.mac, { phone, body: own.body });
      }
    };
    /** What belongs to nobody, and the file of the model. */
    const others = async () => {
      while (goesOn) {
        allowed(await ask(`Config${mac(9_999)}.cfg`), 404);
        allowed(await ask('nothing.cfg'), 404);
        allowed(await ask('KX-UTG300B.cfg'), 200);
        await pause();
      }
    };
    const seen = (fits) => answers.filter(fits).length;
    /** Waits for the stream, which a busy machine makes slow; a stream that failed is not waited for. */
    let failed;
    const until = async (good, what) => {
      const end = Date.now() + PATIENCE_MS;
      for (; !good(); await pause()) {
        if (failed) throw failed;
        assert.ok(Date.now() < end, `${what}: ${JSON.stringify(answers.slice(-20))}`);
      }
    };
    const seeing = (fits, number, what) => until(() => seen(fits) >= number, what);

    assert.equal((await health(worker)).status, 200);
    await worker.batch(...later.map((name) => ['DELETE FROM d1_migrations WHERE name = ?1', name]));
    const stream = Promise.all([...settled.map(sealed), boot(), boot(), boot(), others()]);
    stream.catch((error) => (failed = error));
    try {
      await seeing(({ status }) => status === 304, 20, 'phones that are served by the Worker of before');
      const firstFiles = (place, when) => (one) =>
        one.place === place && one.time === when && one.status === 200 && /^Config\w+\.cfg$/.test(one.name);
      await seeing(firstFiles('old', 'before'), FIRST_BOOTS / 3, 'first files of before');
      // The new one takes over, first beside the one of before, and waits in the middle of its first step: for less long than
      // its lock holds.
      await probe(young, { hold: '^INSERT INTO d1_migrations' });
      time = 'meanwhile';
      places = [old, young];
      await eventually(
        () => probe(young, {}),
        ({ holding }) => holding,
        'the first step',
      );
      const meanwhile =
        (place, ...statuses) =>
        (one) =>
          one.place === place && one.time === 'meanwhile' && statuses.includes(one.status);
      await seeing(meanwhile('young', 503), 10, 'phones that are told to come back');
      await seeing(meanwhile('young', 200, 304), 3, 'sealed files that KV has');
      await seeing(meanwhile('old', 200), 5, 'phones that the Worker of before still serves');
      await seeing(firstFiles('old', 'meanwhile'), 1, 'first files by the Worker of before, meanwhile');
      places = [young];
      const told = seen(meanwhile('young', 503));
      await seeing(meanwhile('young', 503), told + 5, 'phones that the new one alone tells to come back');
      assert.deepEqual(await applied(worker), [...STEPS.slice(0, before + 1), events]);
      await probe(young, { release: true });
      await served(() => fetch(new URL('/healthz', young.http)));
      time = 'after';
      await until(() => queue.length === 0 && [...given.values()].every((count) => count > 0), 'every first file');
      assert.ok(seen(firstFiles('young', 'after')) >= FIRST_BOOTS / 3);
      const done = seen((one) => one.time === 'after');
      await seeing((one) => one.time === 'after', done + 50, 'phones afterwards');
    } finally {
      goesOn = false;
      await probe(young, { release: true });
    }
    await stream;
    assert.deepEqual(
      [...given.values()],
      waiting.map(() => 1),
      'each first file went out once',
    );
    // 503 is for whom the new one had to keep waiting, and for nobody else.
    const tried = (fits) => [...new Set(answers.filter(fits).map(({ status }) => status))].toSorted();
    assert.deepEqual(
      tried(({ place }) => place === 'old'),
      [200, 304, 404],
    );
    assert.deepEqual(
      tried(({ time: when }) => when === 'after'),
      [200, 304, 404],
    );
    for (const { phone, body } of opened.values()) {
      assert.equal(element(opensslDecrypt(body, phone.key).toString(), 'SIP_AUTHID_1'), phone.mac.toLowerCase());
    }
    assert.equal(opened.size, waiting.length + settled.length, 'every phone has its sealed file');
    // Both serve all of them: the one of before goes on under the newer schema.
    for (const { http } of [old, young]) {
      for (const phone of [...waiting, ...settled]) {
        const answer = await fetch(new URL(tenant.path(`Config${phone.mac}.enc`), http));
        assert.equal(answer.status, 200, phone.mac);
        assert.equal((await fetch(new URL(tenant.path(`Config${phone.mac}.cfg`), http))).status, 404, phone.mac);
      }
    }
    await isCurrent(worker, [...STEPS.slice(0, before + 1), events, ...later]);
    assert.ok(!worker.logLines().some(({ event }) => event === 'migration_failed'));
    await done(worker);
  });

  it('is never half made: SIGKILL in the middle, at any moment', async () => {
    const worker = await start({ probe: true });
    let reached = 0;
    // At a step, and then wherever the time lies.
    for (const wait of [undefined, 0, 5, 12, 25, 40]) {
      if (wait === undefined) {
        await heldAt(worker, `CREATE TABLE unknown_phones`, () => [health(worker).catch(() => {})]);
      } else {
        // Whoever was killed has the lock no longer, as it is after a while.
        await worker.sql('UPDATE schema_lock SET ends_at = 0');
        health(worker).catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
      await worker.kill();
      await worker.restart();
      const steps = await applied(worker);
      assert.deepEqual(steps, STEPS.slice(0, steps.length));
      assert.deepEqual(await schema(worker), expected[steps.length], `after ${steps.at(-1)}`);
      assert.ok(steps.length >= reached);
      reached = steps.length;
      if (wait === undefined) assert.equal(reached, 8);
    }
    await served(() => health(worker));
    await isCurrent(worker);
    await done(worker);
  });

  it('does not wait for long for one that was killed', async () => {
    const worker = await start({ probe: true });
    await heldAt(worker, `CREATE TABLE moves`, () => [health(worker).catch(() => {})]);
    await worker.kill();
    await worker.restart();
    const answer = await health(worker);
    assert.deepEqual([answer.status, (await answer.json()).type], [503, MIGRATING]);
    // The lock ends by itself.
    await served(() => health(worker));
    await isCurrent(worker);
    await done(worker);
  });

  it('is made though the phone that began it has given up', async () => {
    const worker = await start({ probe: true });
    const gone = new AbortController();
    await heldAt(worker, '^INSERT INTO d1_migrations', () => [worker.fetch('/healthz', { signal: gone.signal }).catch(() => {})]);
    gone.abort();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await worker.probe({ release: true });
    await eventually(
      () => applied(worker),
      (steps) => steps.length === STEPS.length,
      'the last step',
    );
    assert.equal((await health(worker)).status, 200);
    await isCurrent(worker);
    await done(worker);
  });

  it('stays at the step before one that fails, says which in log and health and no more, and goes on once it can', async () => {
    const worker = await start();
    const at = STEPS.findIndex((name) => name.includes('unknown_phones'));
    await worker.sql("CREATE TABLE unknown_phones (planted TEXT DEFAULT 'a word of the operator')");
    const answer = await health(worker);
    const text = await answer.text();
    const { type, step, detail } = JSON.parse(text);
    assert.deepEqual([answer.status, type, step], [503, MIGRATING, STEPS[at]]);
    assert.ok(Number(answer.headers.get('retry-after')) > 0);
    assert.ok(detail.includes(STEPS[at]));
    // What the database said is for the log.
    assert.doesNotMatch(text, /already exists|planted|SQLITE|D1_ERROR/);
    const line = await worker.logLine(({ event }) => event === 'migration_failed');
    assert.equal(line.step, STEPS[at]);
    assert.match(line.error, /already exists/);
    assert.deepEqual(await applied(worker), STEPS.slice(0, at));
    const planted = (rows) => rows.filter(([, name]) => name !== 'unknown_phones');
    assert.deepEqual(planted(await schema(worker)), expected[at]);

    // Another isolate says the same, and phones are told to come back.
    await worker.restart();
    const other = await health(worker);
    assert.deepEqual([other.status, (await other.json()).step], [503, STEPS[at]]);
    const phone = await worker.fetch(`/${'x'.repeat(22)}/Config${mac(1)}.cfg`);
    assert.deepEqual([phone.status, await phone.text()], [503, 'Try again later\n']);
    assert.ok(Number(phone.headers.get('retry-after')) > 0);

    await worker.sql('DROP TABLE unknown_phones');
    await served(() => health(worker));
    await isCurrent(worker);
    await done(worker);
  });

  it('waits while another holds the lock, and no longer', async () => {
    const worker = await start({ probe: true });
    await worker.migrate({ last: STEPS.at(-2) });
    const tenant = await seedTenant(worker);
    const phone = await seedDevice(worker, tenant, { mac: mac(1) });
    await worker.sql(
      'CREATE TABLE schema_lock (id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1), holder TEXT NOT NULL, ends_at INTEGER NOT NULL, failed TEXT) STRICT',
    );
    await worker.sql("INSERT INTO schema_lock (id, holder, ends_at) VALUES (1, 'another', unixepoch() + 15)");
    const answer = await tenant.get(`Config${phone.mac}.cfg`);
    assert.equal(answer.status, 503);
    assert.ok(Number(answer.headers.get('retry-after')) > 0);
    assert.equal((await tenant.device(phone.mac)).key_state, 'armed');
    // Told once, an isolate does not ask D1 again for a moment.
    const again = async () => {
      await worker.probe({ reset: true });
      assert.equal((await tenant.get(`Config${phone.mac}.cfg`)).status, 503);
      return (await worker.probe()).d1Calls;
    };
    await eventually(again, (calls) => calls === 0, 'an answer without D1');
    await served(() => tenant.get(`Config${phone.mac}.cfg`));
    await isCurrent(worker);
    await done(worker);
  });

  it('of a newer Worker is no reason not to serve; log and health say so', async () => {
    const worker = await start();
    assert.equal((await health(worker)).status, 200);
    await worker.sql("INSERT INTO d1_migrations (name) VALUES ('9999_of_tomorrow.sql')");
    await worker.sql('ALTER TABLE tenants ADD COLUMN of_tomorrow TEXT');
    await worker.restart();
    const tenant = await seedTenant(worker);
    const phone = await seedDevice(worker, tenant, { mac: mac(1) });
    assert.equal((await tenant.get(`Config${phone.mac}.cfg`)).status, 200);
    const answer = await health(worker);
    assert.deepEqual([answer.status, await answer.json()], [200, { status: 'ok', newer_schema: '9999_of_tomorrow.sql' }]);
    const line = await worker.logLine(({ event }) => event === 'schema_newer');
    assert.deepEqual([line.step, line.own], ['9999_of_tomorrow.sql', STEPS.at(-1)]);
    await done(worker);
  });

  it('is looked at again by an isolate that knew it, when the database was put back to an earlier one', async () => {
    const worker = await start();
    const api = new Api(worker);
    assert.deepEqual((await api.get('/tokens')).items, []);
    await worker.batch(
      ['DROP TRIGGER event_of_before_is_kept'],
      ['DROP TABLE phone_events'],
      ['DROP TABLE event_minutes'],
      [
        'CREATE TABLE event_minutes (tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE, minute INTEGER NOT NULL, ' +
          'seen INTEGER NOT NULL, new_phones INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (tenant_id, minute)) STRICT, WITHOUT ROWID',
      ],
      ['DROP INDEX models_by_family'],
      ['DROP INDEX webhooks_with_dead'],
      ['ALTER TABLE webhooks DROP COLUMN dead'],
      ['DROP TABLE device_counts'],
      ['ALTER TABLE sessions DROP COLUMN email'],
      ['DROP TABLE pool_credentials'],
      ['DROP TABLE sign_in_codes'],
      ['DROP INDEX tokens_by_email'],
      ['ALTER TABLE tokens DROP COLUMN email'],
      ["DELETE FROM d1_migrations WHERE name >= '0017'"],
    );
    const answer = await api.call('GET', '/tokens');
    assert.equal(answer.status, 503);
    assert.deepEqual((await api.get('/tokens')).items, []);
    assert.deepEqual(await applied(worker), STEPS);
    await done(worker);
  });
});
