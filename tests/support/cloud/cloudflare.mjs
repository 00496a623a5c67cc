// Cloudflare's API as wrangler and the npm package call it, on loopback: an account that remembers what it was told, and
// every call. It stands in for what cannot be had here, an account. What it accepts and refuses is what Cloudflare's
// documents and wrangler's own handling of answers say. A call that it does not know is refused, and fails the test that made it.

import { createServer } from 'node:http';
import { randomBytes, randomUUID } from 'node:crypto';

/** The token that may do everything in the account. */
export const TOKEN = 'cloudflare-token-of-a-test-0123456789abcdef';

const hex = () => randomBytes(16).toString('hex');

class Refused extends Error {
  constructor(status, code, message) {
    super(message);
    Object.assign(this, { status, code });
  }
}

export class Cloudflare {
  static async start() {
    const it = new Cloudflare();
    it.account = hex();
    /** Name → `{ bindings, tag, migration, schedules, subdomain, versions }`; secrets are bindings with their text. */
    it.scripts = new Map();
    it.databases = [];
    it.namespaces = [];
    /** Hostname → Worker. */
    it.domains = new Map();
    /** Faults: `(method, path) => [status, code, message] | promise | undefined`, asked before each call. */
    it.faults = [];
    /** `(method, path) => promise`, after each call that was done and before its answer goes out. */
    it.afterwards = [];
    it.isFree = false;
    /** How many lists of namespaces, and how many looks at a database, know nothing yet of what was just made. */
    it.staleLooks = { namespaces: 0, databases: 0 };
    it.calls = [];
    it.unknown = [];
    /** What answers for the Worker's own address, once it is up. */
    it.worker = undefined;
    it.server = createServer((request, response) => it.#answer(request, response));
    await new Promise((resolve) => it.server.listen(0, '127.0.0.1', resolve));
    it.base = `http://127.0.0.1:${it.server.address().port}`;
    return it;
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** What a process needs to take this for Cloudflare. */
  get environment() {
    return {
      CLOUDFLARE_API_BASE_URL: `${this.base}/client/v4`,
      CLOUDFLARE_API_TOKEN: TOKEN,
      RINGFENCE_TEST_EDGE: this.base,
      NODE_OPTIONS: `--import=${new URL('./edge.mjs', import.meta.url).href}`,
    };
  }

  /** Calls that fit, as `METHOD /path` below the account. */
  called(fits) {
    return this.calls.filter((call) => fits.test(call));
  }

  secret(script, name) {
    return this.scripts.get(script)?.bindings.find((one) => one.type === 'secret_text' && one.name === name)?.text;
  }

  async #answer(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const url = new URL(request.url, this.base);
    if (url.pathname.startsWith('/edge/')) return this.#edge(request, response, url, body);
    const path = url.pathname.replace('/client/v4', '').replace(`/accounts/${this.account}/`, '/');
    this.calls.push(`${request.method} ${path}`);
    const send = (status, document) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(document));
    };
    try {
      for (const fault of this.faults) {
        const refusal = await fault(request.method, path);
        if (refusal) throw new Refused(...refusal);
      }
      if (request.headers.authorization !== `Bearer ${TOKEN}` && !path.startsWith('/workers/assets/upload')) {
        throw new Refused(401, 9109, 'Invalid access token');
      }
      const type = request.headers['content-type'] ?? '';
      const form = type.startsWith('multipart/') ? await new Response(body, { headers: { 'content-type': type } }).formData() : undefined;
      const json = type.startsWith('application/json') && body.length > 0 ? JSON.parse(body) : undefined;
      const result = this.#route(request.method, path, { query: url.searchParams, form, json });
      for (const hook of this.afterwards) await hook(request.method, path);
      send(200, {
        success: true,
        errors: [],
        messages: [],
        result,
        result_info: { page: 1, per_page: 100, count: 1, total_count: 1, total_pages: 1 },
      });
    } catch (error) {
      if (!(error instanceof Refused)) this.unknown.push(`${request.method} ${path}: ${error.stack}`);
      send(error.status ?? 500, {
        success: false,
        errors: [{ code: error.code ?? 1, message: error.message }],
        messages: [],
        result: null,
      });
    }
  }

  /** The address of the Worker: passed on to the one that is up. */
  async #edge(request, response, url, body) {
    if (!this.worker) {
      response.writeHead(530).end('error code: 1016');
      return;
    }
    const { host, connection, 'content-length': _length, ...headers } = request.headers;
    const answer = await fetch(new URL(url.pathname.slice('/edge'.length) + url.search, this.worker.http), {
      method: request.method,
      headers,
      redirect: 'manual',
      body: ['GET', 'HEAD'].includes(request.method) ? undefined : body,
    });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' });
    response.end(Buffer.from(await answer.arrayBuffer()));
  }

  #isStale(what) {
    this.staleLooks[what] -= 1;
    return this.staleLooks[what] >= 0;
  }

  #script(name) {
    const script = this.scripts.get(name);
    if (!script) throw new Refused(404, 10007, 'This Worker does not exist on your account.');
    return script;
  }

  #route(method, path, { query, form, json }) {
    const call = `${method} ${path}`;
    const on = (pattern) => pattern.exec(call)?.slice(1);
    let found;
    if (call === 'GET /accounts') return [{ id: this.account, name: 'Test' }];
    if (call === 'GET /memberships') return [{ id: hex(), status: 'accepted', account: { id: this.account, name: 'Test' } }];
    if (call === 'GET /user') return { id: hex(), email: 'operator@example.org' };
    if (call === 'GET /user/tokens/verify') return { id: hex(), status: 'active' };
    if (call === 'GET /workers/subdomain') return { subdomain: 'example' };
    if (call === 'GET /workers/domains') {
      return [...this.domains]
        .filter(([hostname]) => hostname === query.get('hostname'))
        .map(([hostname, service]) => ({ hostname, service }));
    }
    if (call === 'GET /workers/scripts') return [...this.scripts].map(([id, { migration }]) => ({ id, migration_tag: migration }));
    if ((found = on(/^GET \/workers\/services\/([^/]+)$/))) {
      const script = this.scripts.get(found[0]);
      if (!script) throw new Refused(404, 10090, 'This service does not exist on your account.');
      return {
        default_environment: {
          environment: 'production',
          script: { tag: script.tag, tags: null, last_deployed_from: 'wrangler', migration_tag: script.migration },
        },
      };
    }
    if ((found = on(/^GET \/workers\/scripts\/([^/]+)\/settings$/))) {
      const { bindings } = this.#script(found[0]);
      return { bindings: bindings.map(({ text: _text, ...binding }) => binding) };
    }
    if ((found = on(/^GET \/workers\/scripts\/([^/]+)\/secrets$/))) {
      return this.#script(found[0])
        .bindings.filter(({ type }) => type === 'secret_text')
        .map(({ name, type }) => ({ name, type }));
    }
    if ((found = on(/^GET \/workers\/scripts\/([^/]+)\/deployments$/))) {
      return { deployments: this.#script(found[0]).versions.map((id) => ({ id, versions: [{ version_id: id, percentage: 100 }] })) };
    }
    if ((found = on(/^POST \/workers\/scripts\/([^/]+)\/assets-upload-session$/))) {
      this.manifest = json.manifest;
      return { jwt: 'assets', buckets: [Object.values(json.manifest).map(({ hash }) => hash)] };
    }
    if (on(/^POST \/workers\/assets\/upload$/)) return { jwt: 'assets-done' };
    if ((found = on(/^PUT \/workers\/scripts\/([^/]+)$/))) return this.#upload(found[0], form);
    if ((found = on(/^POST \/workers\/scripts\/([^/]+)\/versions$/))) {
      this.#script(found[0]);
      const { deployment_id: id } = this.#upload(found[0], form);
      return { id, resources: { script: { etag: hex() } }, startup_time_ms: 20, metadata: {}, number: 1 };
    }
    if ((found = on(/^POST \/workers\/scripts\/([^/]+)\/deployments$/))) {
      this.#script(found[0]);
      return { id: randomUUID() };
    }
    if ((found = on(/^PATCH \/workers\/scripts\/([^/]+)\/script-settings$/))) return this.#script(found[0]) && {};
    if ((found = on(/^GET \/workers\/workers\/([^/]+)$/))) return { name: found[0], subdomain: this.#script(found[0]).subdomain };
    if ((found = on(/^POST \/workers\/scripts\/([^/]+)\/subdomain$/))) return (this.#script(found[0]).subdomain = json);
    if ((found = on(/^PUT \/workers\/scripts\/([^/]+)\/schedules$/))) return { schedules: (this.#script(found[0]).schedules = json) };
    if ((found = on(/^POST \/workers\/scripts\/([^/]+)\/domains\/changeset$/))) {
      return { added: json, removed: [], updated: [], conflicting: [] };
    }
    if ((found = on(/^PUT \/workers\/scripts\/([^/]+)\/domains\/records$/))) {
      for (const { hostname } of json.origins) this.domains.set(hostname, found[0]);
      return json.origins;
    }
    if ((found = on(/^DELETE \/workers\/scripts\/([^/]+)$/))) {
      this.#script(found[0]);
      this.scripts.delete(found[0]);
      return null;
    }
    if (call === 'GET /d1/database') return query.get('page') > 1 ? [] : this.databases;
    if (call === 'POST /d1/database') {
      if (this.databases.some(({ name }) => name === json.name)) throw new Refused(400, 7502, 'A database with that name already exists');
      const database = { uuid: randomUUID(), name: json.name, num_tables: 0, file_size: 12_288, jurisdiction: json.jurisdiction ?? null };
      this.databases.push(database);
      return database;
    }
    if ((found = on(/^(?:GET|DELETE) \/d1\/database\/([^/]+)$/))) {
      const database = this.databases.find(({ uuid, name }) => uuid === found[0] || name === found[0]);
      if (!database || (method === 'GET' && this.#isStale('databases'))) throw new Refused(404, 7404, 'The database could not be found');
      if (method === 'DELETE') this.databases.splice(this.databases.indexOf(database), 1);
      return database;
    }
    if (call === 'GET /storage/kv/namespaces') return query.get('page') > 1 || this.#isStale('namespaces') ? [] : this.namespaces;
    if (call === 'POST /storage/kv/namespaces') {
      if (this.namespaces.some(({ title }) => title === json.title)) {
        throw new Refused(400, 10014, 'a namespace with this account ID and title already exists');
      }
      const namespace = { id: hex(), title: json.title };
      this.namespaces.push(namespace);
      return namespace;
    }
    if ((found = on(/^DELETE \/storage\/kv\/namespaces\/([^/]+)$/))) {
      const at = this.namespaces.findIndex(({ id }) => id === found[0]);
      if (at < 0) throw new Refused(404, 10013, 'namespace not found');
      this.namespaces.splice(at, 1);
      return null;
    }
    throw new Error('this call is not known');
  }

  /** A version of a Worker. Secrets that are not in it stay, as `keep_bindings` says. */
  #upload(name, form) {
    const metadata = JSON.parse(form.get('metadata'));
    if (this.isFree && metadata.limits) throw new Refused(400, 100328, 'CPU limits are not supported for the Free plan.');
    const old = this.scripts.get(name) ?? {
      bindings: [],
      versions: [],
      tag: hex(),
      subdomain: { enabled: false, previews_enabled: false },
    };
    const bindings = metadata.bindings.map((binding) => {
      if (binding.type !== 'inherit') return binding.type === 'd1' ? { ...binding, id: binding.id ?? binding.database_id } : binding;
      const inherited = old.bindings.find((one) => one.name === (binding.old_name ?? binding.name));
      if (!inherited) throw new Refused(400, 10056, `There is no ${binding.name} to inherit`);
      return inherited;
    });
    for (const { type, name: bound, id, namespace_id: namespace } of bindings) {
      if (type === 'd1' && !this.databases.some(({ uuid }) => uuid === id)) {
        throw new Refused(400, 10181, `D1 binding '${bound}' references database '${id}' which was not found.`);
      }
      if (type === 'kv_namespace' && !this.namespaces.some((one) => one.id === namespace)) {
        throw new Refused(400, 10041, `KV namespace '${namespace}' not found.`);
      }
    }
    const kept = old.bindings.filter(
      (one) => (metadata.keep_bindings ?? []).includes(one.type) && !bindings.some(({ name: bound }) => bound === one.name),
    );
    const id = randomUUID();
    const modules = [...form].filter(([key]) => key !== 'metadata');
    this.scripts.set(name, {
      ...old,
      bindings: [...bindings, ...kept],
      migration: metadata.migrations?.new_tag ?? old.migration,
      limits: metadata.limits,
      modules: modules.map(([key]) => key),
      bytes: Object.fromEntries(modules.map(([key, { size }]) => [key, size])),
      versions: [id, ...old.versions],
    });
    return { id: name, tag: old.tag, deployment_id: id.replaceAll('-', ''), startup_time_ms: 20, etag: hex() };
  }
}
