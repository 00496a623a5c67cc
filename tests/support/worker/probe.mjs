// Stands between workerd and the Worker, in tests only: counts what each request asks of storage and
// of WebCrypto, and breaks storage on demand. `POST /__probe` sets faults and answers with the counts
// since the last time:
//
//   { "d1": "fail" | "lose-answer" | null, "d1Match": "regular expression" | null,
//     "kv": "fail" | "empty" | "fail-writes" | null, "witness": "fail" | null, "hold": "regular expression" | null,
//     "holdsEach": true, "d1Most": 50 | null, "release": true, "reset": true, "record": true, "replay": 10, "abort": "id of a pool" }
//
// `lose-answer` does what was asked and then fails, as a connection lost at the wrong moment does.
// `d1Match` limits the fault to statements that match. `hold` keeps the next call of D1 with a statement
// that matches back until `release`, with `holdsEach` every such call; `holding` in the answer says whether one is there. From `record` on the calls of
// D1 are kept; `replay` is how often they are made again by themselves: what D1 costs without the Worker. `abort` ends the
// object of a pool, whatever it is at: so the runtime moves one to another machine.

import Worker, { Operations as Steps, Pool as Queue } from './index.js';
export * from './index.js';

const none = () => ({
  kvReads: 0,
  kvReadsAtOnce: 0,
  kvWrites: 0,
  kvDeletes: 0,
  d1Calls: 0,
  d1Statements: 0,
  d1MostOfOne: 0,
  rowsRead: 0,
  rowsWritten: 0,
  encryptions: 0,
  witnessCalls: 0,
  sql: [],
  trips: [],
  read: [],
});
let counts = none();
/** KV reads that are under way. */
let reading = 0;
let faults = { d1: null, d1Match: null, kv: null, witness: null, hold: null, holdsEach: false, d1Most: null };
/** Whether a call of D1 is being held back. */
let holding = false;
/** Wrapped statement → the real one, which is what the runtime takes in a batch. */
const real = new WeakMap();
/** Calls of D1 that are kept: the statements of each, with their values. */
let recorded = null;
/** The database itself. */
let bare = null;

function forward(target, overrides) {
  return new Proxy(target, {
    get(object, key) {
      if (Object.hasOwn(overrides, key)) return overrides[key];
      const value = object[key];
      return typeof value === 'function' && key !== 'constructor' ? value.bind(object) : value;
    },
  });
}

async function d1(statements, work, bound, own) {
  recorded?.push(bound);
  if (faults.hold && statements.some((sql) => new RegExp(faults.hold).test(sql))) {
    if (!faults.holdsEach) faults.hold = null;
    holding = true;
    // Its own timer: one request of workerd cannot wake another.
    while (holding) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const meant = faults.d1 && (!faults.d1Match || statements.some((sql) => new RegExp(faults.d1Match).test(sql)));
  if (meant && faults.d1 === 'fail') throw new Error('D1_ERROR: Network connection lost. (made by the test)');
  own.statements += statements.length;
  if (faults.d1Most !== null && own.statements > faults.d1Most)
    throw new Error('D1_ERROR: Too many API requests by single worker invocation. (made by the test)');
  counts.d1MostOfOne = Math.max(counts.d1MostOfOne, own.statements);
  counts.d1Calls += 1;
  counts.d1Statements += statements.length;
  const texts = statements.map((sql) => sql.replace(/\s+/g, ' ').trim());
  counts.sql.push(...texts);
  counts.trips.push(texts);
  const answer = await work();
  if (meant && faults.d1 === 'lose-answer') throw new Error('D1_ERROR: Network connection lost. (made by the test)');
  // `read` says how many rows each statement of `sql` read.
  const results = Array.isArray(answer) ? answer : [answer];
  counts.read.push(...statements.map((_, at) => results[at]?.meta?.rows_read ?? 0));
  for (const result of results) {
    counts.rowsRead += result?.meta?.rows_read ?? 0;
    counts.rowsWritten += result?.meta?.rows_written ?? 0;
  }
  return answer;
}

function statement(inner, sql, own, values = []) {
  const call = (work) => d1([sql], work, [[sql, values]], own);
  const wrapped = forward(inner, {
    bind: (...bound) => statement(inner.bind(...bound), sql, own, bound),
    all: () => call(() => inner.all()),
    run: () => call(() => inner.run()),
    raw: (options) => call(() => inner.raw(options)),
    first: (column) => call(() => (column === undefined ? inner.first() : inner.first(column))),
  });
  real.set(wrapped, { inner, sql, values });
  return wrapped;
}

/** A database as one invocation sees it, whose statements are counted in `own`. */
function database(db, own) {
  return forward(db, {
    prepare: (sql) => statement(db.prepare(sql), sql, own),
    batch: (list) => {
      const found = list.map((one) => real.get(one));
      return d1(
        found.map((one) => one.sql),
        () => db.batch(found.map((one) => one.inner)),
        found.map((one) => [one.sql, one.values]),
        own,
      );
    },
    withSession: (bookmark) => database(db.withSession(bookmark), own),
  });
}

function namespace(kv) {
  const read =
    (name, nothing) =>
    async (...values) => {
      counts.kvReads += 1;
      if (faults.kv === 'fail') throw new Error('KV GET failed: 500 (made by the test)');
      if (faults.kv === 'empty') return nothing;
      reading += 1;
      counts.kvReadsAtOnce = Math.max(counts.kvReadsAtOnce, reading);
      try {
        return await kv[name](...values);
      } finally {
        reading -= 1;
      }
    };
  const write =
    (name, counter) =>
    async (...values) => {
      counts[counter] += 1;
      if (faults.kv === 'fail' || faults.kv === 'fail-writes') throw new Error('KV PUT failed: 500 (made by the test)');
      return kv[name](...values);
    };
  return forward(kv, {
    get: read('get', null),
    getWithMetadata: read('getWithMetadata', { value: null, metadata: null, cacheStatus: null }),
    put: write('put', 'kvWrites'),
    delete: write('delete', 'kvDeletes'),
  });
}

function witness(objects) {
  const watched = (stub) =>
    forward(stub, {
      fetch: async (...values) => {
        counts.witnessCalls += 1;
        if (faults.witness === 'fail') throw new Error('the object does not answer (made by the test)');
        return stub.fetch(...values);
      },
    });
  return forward(objects, {
    getByName: (...values) => watched(objects.getByName(...values)),
    get: (...values) => watched(objects.get(...values)),
  });
}

const encrypt = crypto.subtle.encrypt.bind(crypto.subtle);
Object.defineProperty(crypto.subtle, 'encrypt', {
  value: (algorithm, ...rest) => {
    if (algorithm?.name === 'AES-CBC') counts.encryptions += 1;
    return encrypt(algorithm, ...rest);
  },
});

/** Says that it is made: after an eviction, it must be made again. Ends in the middle of its work when it is told to. */
export class Pool extends Queue {
  #state;

  constructor(state, env) {
    super(state, env);
    this.#state = state;
    console.log(JSON.stringify({ message: 'pool_constructed', pool: state.id.name }));
  }

  fetch(request) {
    if (new URL(request.url).pathname !== '/__abort') return super.fetch(request);
    this.#state.abort('ended by the test');
    return new Response();
  }
}

/** Its storage is counted and broken like a request's. */
export class Operations extends Steps {
  constructor(state, env) {
    // It lives for many invocations; what one takes is bounded by its steps.
    super(state, forwardEnv(env, { statements: -Infinity }));
  }
}

export default class Probe extends Worker {
  #pools;

  constructor(context, env) {
    super(context, forwardEnv(env));
    this.#pools = env.POOL;
  }

  async fetch(request) {
    if (new URL(request.url).pathname !== '/__probe') return super.fetch(request);
    const { reset, release, record, replay = 0, abort, ...wanted } = await request.json();
    // The call ends with the object.
    if (abort)
      await this.#pools
        .getByName(abort)
        .fetch('https://pool/__abort')
        .catch(() => {});
    faults = { ...faults, ...wanted };
    if (release) {
      holding = false;
      faults.hold = wanted.hold ?? null;
      faults.holdsEach = false;
    }
    if (record !== undefined) recorded = record ? [] : null;
    const calls = recorded ?? [];
    if (replay > 0) recorded = null;
    for (let time = 0; time < replay; time += 1) {
      for (const list of calls) await bare.batch(list.map(([sql, values]) => bare.prepare(sql).bind(...values)));
    }
    if (replay > 0) recorded = calls;
    const answer = Response.json({ ...counts, holding });
    if (reset) counts = none();
    return answer;
  }
}

function forwardEnv(env, own = { statements: 0 }) {
  const copy = { ...env };
  bare ??= env.DB;
  if (env.DB) copy.DB = database(env.DB, own);
  if (env.FILES) copy.FILES = namespace(env.FILES);
  if (env.WITNESS) copy.WITNESS = witness(env.WITNESS);
  return copy;
}
