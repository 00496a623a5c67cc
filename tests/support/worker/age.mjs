// Events as if ten minutes had passed: the cron event counts an event a while after its request.

import { ulid } from './seed.mjs';

const TEN_MINUTES = 600_000;
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** The Unix time in milliseconds with which a ULID begins. */
const timeOf = (id) => [...id.slice(0, 10)].reduce((time, digit) => time * 32 + CROCKFORD.indexOf(digit), 0);

/** Makes events, minutes and the mark of those that are counted ten minutes older. */
export async function ageEvents(worker) {
  for (const { id, at } of await worker.sql('SELECT id, at FROM phone_events')) {
    const before = at - TEN_MINUTES;
    await worker.sql('UPDATE phone_events SET id = ?2, at = ?3 WHERE id = ?1', id, ulid(undefined, before), before);
  }
  await worker.sql('UPDATE event_minutes SET minute = minute - 10');
  const [{ event }] = await worker.sql('SELECT event FROM metric_progress');
  const mark = event && ulid(0, timeOf(event) - TEN_MINUTES);
  await worker.sql('UPDATE metric_progress SET minute = minute - 10, event = ?1', mark);
}
