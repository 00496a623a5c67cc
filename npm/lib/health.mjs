// Whether a Worker answers.

import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until `GET /healthz` says ok; false when it has not after `seconds`. `ended` tells that it is in vain. */
export async function isHealthy(address, seconds, { ended = () => false, still = () => {} } = {}) {
  const begun = Date.now();
  for (let turn = 1; Date.now() - begun < seconds * 1000 && !ended(); turn += 1) {
    try {
      const answer = await fetch(`${address}/healthz`, { redirect: 'manual', signal: AbortSignal.timeout(10_000) });
      if (answer.status === 200 && (await answer.json()).status === 'ok') return true;
    } catch {
      // Neither name nor certificate need be there yet.
    }
    if (turn % 10 === 0) still(Math.round((Date.now() - begun) / 1000));
    await sleep(1000);
  }
  return false;
}

/** A link that signs a person in to the console once; nothing where the Worker makes none. */
export async function signInLink(address, token) {
  try {
    const answer = await fetch(`${address}/api/v1/sign-in-codes`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(30_000),
    });
    return answer.status === 201 ? `${address}/console/sign-in#code=${(await answer.json()).code}` : undefined;
  } catch {
    return undefined;
  }
}
