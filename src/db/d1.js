// D1's side of src/db/d1.rs: statements come and results go as one text each. A call from WebAssembly costs as much whatever it brings,
// and a value by itself takes six of them.

/** A statement as it comes: its text, then what is bound to it. */
const bound = (database, [sql, ...values]) => database.prepare(sql).bind(...values);

/** A result as it goes, in one line: how many rows it changed and those that it found, or `!` and why it failed. */
const line = ({ success, error, meta, results }) =>
  success ? `${meta?.changes ?? 0} ${JSON.stringify(results ?? [])}` : `!${JSON.stringify(`${error ?? ''}`)}`;

/** Runs one statement. */
export async function all(database, statement) {
  return line(await bound(database, JSON.parse(statement)).all());
}

/** Runs a list of statements as one transaction; a line for each. */
export async function batch(database, statements) {
  const list = JSON.parse(statements).map((statement) => bound(database, statement));
  return (await database.batch(list)).map(line).join('\n');
}
