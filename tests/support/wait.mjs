// Waiting for what the Worker does after its answer. The deadline is patience, never an assertion
// about speed: a machine that others use may be slow.

const PATIENCE_MS = 60_000;

/** Calls `look` until `good` likes what it gives; fails with the last thing seen. */
export async function eventually(look, good = Boolean, what = 'what was waited for', patience = PATIENCE_MS) {
  const begin = performance.now();
  for (;;) {
    const seen = await look();
    if (good(seen)) return seen;
    const waited = performance.now() - begin;
    if (waited > patience) throw new Error(`${what} did not come about; last seen: ${JSON.stringify(seen)?.slice(0, 2000)}`);
    await new Promise((resolve) => setTimeout(resolve, waited < 10_000 ? 50 : 250));
  }
}
