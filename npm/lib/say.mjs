// What is said to whoever runs a command, and how a command stops.

/** Why a command stops. Its message says what is wrong and what to do; no stack trace goes with it. */
export class Refusal extends Error {}

const bold = (text, stream) => (stream.isTTY ? `\x1b[1m${text}\x1b[0m` : text);

/** A line about what is being done. */
export const say = (text) => process.stdout.write(`${bold('[ringfence]', process.stdout)} ${text}\n`);

/** Lines that stand for themselves. */
export const show = (text) => process.stdout.write(`${text}\n`);

/** A line about what went wrong. */
export const complain = (text) => process.stderr.write(`${bold('[ringfence]', process.stderr)} ${text}\n`);

/** Whether what is said can be seen by the person who runs the command alone: a pipe's reader may keep it. */
export const isSeenByPersonAlone = () => process.stdout.isTTY === true;
