// Waiting for what the Worker does after its answer. The deadline is patience, never an assertion
// about speed.

/** Calls `look` until `good` likes what it gives; fails with the last thing seen. */
export async function eventually(look, good = Boolean, what = 'what was waited for') {
  let seen;
  for (let attempt = 0; attempt < 200; attempt += 1) {
    seen = await look();
    if (good(seen)) return seen;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what} did not come about; last seen: ${JSON.stringify(seen)?.slice(0, 2000)}`);
}
