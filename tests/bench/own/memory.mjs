// Stands between workerd and the Worker, in the benchmark of the Worker's own CPU time alone: KV, D1 and the witness answer
// from this isolate's memory, so that what a request costs is the Worker's. After `POST /__memory/on` each question is asked for real
// once, and its answer is given to whoever asks the same again; nothing else is written. What was a first fetch stays one:
// a claim is won each time, and a file that was not in KV is not in it. `POST /__memory/off` forgets every answer and asks for real.
// From `POST /__memory/count` on the events are counted that would have been written; `POST /__memory/counted` says how many, and
// ends that: counting takes time, and is not done while a request's is measured.

import Worker, { Operations, Pool, Webhooks, Witness } from './index.js';
export { Operations, Pool, Webhooks, Witness };

const answers = new Map();
let isOn = false;
/** How many events were written since somebody wanted to know; undefined: nobody does. */
let events;

/** The answer to a question: the first one's. A promise belongs to the request that made it, so what is kept is its value. */
async function remembered(question, ask) {
  if (!isOn) return ask();
  if (answers.has(question)) return answers.get(question);
  const answer = await ask();
  answers.set(question, answer);
  return answer;
}

/** A statement by its text: who asks with other values gets the same answer. */
class Statement {
  constructor(db, sql, values = []) {
    Object.assign(this, { db, sql, values });
  }

  bind(...values) {
    return new Statement(this.db, this.sql, values);
  }

  real() {
    return this.db.prepare(this.sql).bind(...this.values);
  }

  all() {
    return remembered(this.sql, () => this.real().all());
  }
}

/** By its name the Worker knows that it is one. */
class D1Database {
  #real;

  constructor(real) {
    this.#real = real;
  }

  prepare(sql) {
    return new Statement(this.#real, sql);
  }

  batch(list) {
    if (events !== undefined) {
      // What is bound to it is the list of them.
      for (const { sql, values } of list) if (sql.startsWith('INSERT INTO phone_events ')) events += JSON.parse(values[0]).length;
    }
    return remembered(list.map(({ sql }) => sql).join(';'), () => this.#real.batch(list.map((one) => one.real())));
  }
}

const namespace = (kv) => ({
  get: (name, type) => remembered(`kv:${name}`, () => kv.get(name, type)),
  getWithMetadata: (name, type) => remembered(`kv+:${name}`, () => kv.getWithMetadata(name, type)),
  put: async (...values) => isOn || kv.put(...values),
  delete: async (name) => isOn || kv.delete(name),
  list: (options) => kv.list(options),
});

class DurableObjectNamespace {
  #real;

  constructor(real) {
    this.#real = real;
  }

  getByName(name) {
    return {
      fetch: async (request) => {
        const call = await request.clone().text();
        // A report of a step, or a look: whatever step it is.
        const reply = await remembered(`witness:${call.slice(0, 7)}`, async () => (await this.#real.getByName(name).fetch(request)).text());
        return new Response(reply);
      },
    };
  }
}

/** The environments of requests are equal: one stands for all. */
let memory;

export default class extends Worker {
  constructor(context, env) {
    memory ??= {
      ...env,
      DB: new D1Database(env.DB),
      FILES: namespace(env.FILES),
      WITNESS: new DurableObjectNamespace(env.WITNESS),
      GUESSES: { limit: async () => ({ success: true }) },
    };
    super(context, memory);
  }

  fetch(request) {
    const [, wanted] = request.method === 'POST' ? (/\/__memory\/(\w+)$/.exec(request.url) ?? []) : [];
    if (wanted === 'count') events = 0;
    if (wanted === 'counted') {
      const counted = events;
      events = undefined;
      return Response.json(counted);
    }
    if (wanted === 'on' || wanted === 'off') {
      answers.clear();
      isOn = wanted === 'on';
    }
    if (wanted) return new Response();
    return super.fetch(request);
  }
}
