// What the Worker's storage holds, read from its files: all of D1 and of KV takes some milliseconds so, where asking the
// runtime for each value takes seconds.

import { globSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** What a row has in it, as JSON can say it. */
function plain(_, value) {
  if (typeof value === 'bigint') return `${value}`;
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
}

/**
 * Everything that D1 and KV hold: a text for each table that has rows. Of a value in KV it has the name of the file that the value is in, which
 * each writing makes anew: the same value written once more is another text. What the runtime keeps for itself is left out.
 */
export function everything({ persist }) {
  const found = {};
  for (const file of globSync(['d1/**/*.sqlite', 'kv/**/*.sqlite'], { cwd: persist })) {
    if (file.endsWith('metadata.sqlite')) continue;
    const database = new DatabaseSync(join(persist, file), { readOnly: true });
    const tables = database.prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' \
       AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
    );
    for (const { name } of tables.all()) {
      const rows = database.prepare(`SELECT * FROM "${name}"`);
      rows.setReadBigInts(true);
      // The runtime makes the tables of KV when it is read for the first time.
      const all = rows.all();
      if (all.length > 0) found[name] = (found[name] ?? '') + JSON.stringify(all, plain);
    }
    database.close();
  }
  return found;
}
