// Gives the rate limits of a wrangler.toml the counters of an installation: standard input to standard output.
//
//   node scripts/counters.mjs NAME <wrangler.toml

import { readFileSync } from 'node:fs';

import { countersIn } from '../npm/lib/counters.mjs';

process.stdout.write(countersIn(process.argv[2], readFileSync(0, 'utf8')));
