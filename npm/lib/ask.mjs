// Questions, answered by a line each.

import { createInterface } from 'node:readline/promises';

/** Asks what `use` wants to know: `ask(question)` is the line that was typed, or null when there is none. */
export async function asking(use) {
  const lines = createInterface({ input: process.stdin });
  // One iterator for all questions: lines that come by a pipe come at once.
  const next = lines[Symbol.asyncIterator]();
  try {
    return await use(async (question) => {
      process.stdout.write(question);
      const { value, done } = await next.next();
      return done ? null : value.trim();
    });
  } finally {
    lines.close();
  }
}
