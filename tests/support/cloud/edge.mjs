// Loaded before a program of a test: what it fetches from the Worker's public address comes from the test's own edge
// (cloudflare.mjs). There is no such address here.

const { RINGFENCE_TEST_EDGE: edge } = process.env;
const outside = globalThis.fetch;

globalThis.fetch = (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input);
  const isPublic = url.hostname.endsWith('.workers.dev') || url.hostname.endsWith('.example');
  return isPublic && edge ? outside(`${edge}/edge${url.pathname}${url.search}`, init) : outside(input, init);
};
