// What an isolate has made from its bindings (keys, the database) is good for as long as they are the same.

import assert from 'node:assert/strict';
import { it } from 'node:test';

import { version } from '../../src/platform/bindings.js';

it('another number stands for each set of bindings, whether the object is another one or was changed', () => {
  const [database, files] = [{}, {}];
  const env = { DB: database, FILES: files, MASTER_KEY: 'k1:a' };
  const first = version(env);
  assert.equal(version(env), first);
  assert.equal(version({ ...env }), first, 'the same bindings in another object');
  env.MASTER_KEY = 'k2:b';
  const second = version(env);
  assert.notEqual(second, first, 'a secret was rotated in place');
  assert.equal(version(env), second);
  const sets = [
    { ...env, DB: {} },
    { DB: database, FILES: files },
    { ...env, LOG_LEVEL: 'all' },
    { ...env, LOG_LEVEL: 'failures' },
    { DB: database, FILES: files, MASTER_KEY: 'k1:a' },
  ];
  const seen = new Set([first, second]);
  for (const set of sets) {
    const now = version(set);
    assert.ok(!seen.has(now), JSON.stringify(set));
    seen.add(now);
  }
});
