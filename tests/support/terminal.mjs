// A command in a terminal of its own: what it prints for a person alone it prints there, and in no pipe.

/** Program and arguments that run `words` in a pseudo-terminal, whose output is the program's; its status is kept. */
export function inTerminal(words) {
  const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  return ['script', ['-qec', quoted, '/dev/null']];
}
