// What src/http/head.rs reads off a request: in one call, which costs as much whatever it brings.
const HEADERS = ['cf-connecting-ip', 'user-agent', 'cf-ipcountry', 'if-match', 'if-none-match', 'range', 'if-range'];

const line = (value) => (value === null ? '' : `=${value}`);

/** A line each: the method, the URL, and of each header `=` and its value, or nothing where it was not sent. */
export const head = ({ method, url, headers }) => [method, url, ...HEADERS.map((name) => line(headers.get(name)))].join('\n');
