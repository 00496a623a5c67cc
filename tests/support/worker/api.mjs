// The operator's side: the API as a client sees it.

/** A client for one token. Every call returns `{ status, headers, body }`; `ok` calls throw instead. */
export class Api {
  constructor(worker, token = worker.adminToken) {
    this.worker = worker;
    this.token = token;
  }

  /** One request below /api/v1. `options`: body, ifMatch, headers. */
  async call(method, path, { body, ifMatch, headers = {} } = {}) {
    const response = await this.worker.fetch(`/api/v1${path}`, {
      method,
      headers: {
        ...(this.token === null ? {} : { authorization: `Bearer ${this.token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
        ...headers,
      },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    const json = /\bjson\b/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, text, body: json ? JSON.parse(text) : text };
  }

  /** The same, but anything outside 2xx is an error; the body alone. */
  async ok(method, path, options) {
    const answer = await this.call(method, path, options);
    if (answer.status < 200 || answer.status > 299) {
      throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    }
    return answer.body;
  }

  get(path, options) {
    return this.ok('GET', path, options);
  }

  post(path, body, options) {
    return this.ok('POST', path, { ...options, body: body ?? {} });
  }

  put(path, body, options) {
    return this.ok('PUT', path, { ...options, body });
  }

  delete(path, options) {
    return this.ok('DELETE', path, options);
  }
}

/** What follows the kind and the id of a credential (`rfc_<id>_<secret>`): base64url, which has underscores of its own. */
export const secretOf = (credential) => credential.split('_').slice(2).join('_');
