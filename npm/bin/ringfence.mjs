#!/usr/bin/env node
// The command. An old Node.js would fail in the middle of wrangler with words that help nobody.
const major = Number(process.versions.node.split('.')[0]);
if (major < 22) {
  process.stderr.write(
    `[ringfence] This is Node.js ${process.versions.node}, and wrangler needs 22 or newer. Install it (https://nodejs.org), then run this again.\n`,
  );
  process.exitCode = 1;
} else {
  const { main } = await import('../lib/main.mjs');
  process.exitCode = await main(process.argv.slice(2));
}
