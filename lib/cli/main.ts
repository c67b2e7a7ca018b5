#!/usr/bin/env node
/** The command line's entry, in what any Node.js reads: refuses one that is too old in a line, else lets the program do its work. */
import { isSupportedNode, OLDEST_NODE } from '../core/node-version.js';

if (isSupportedNode(process.versions.node)) {
  await import('./program.js');
} else {
  const message = `Node ${process.versions.node} is too old for sam-native`;
  const fix = `install Node ${OLDEST_NODE} or newer`;
  process.stderr.write(`error: ${message} — ${fix}\n`);
  if (process.argv.includes('--json')) {
    process.stdout.write(`${JSON.stringify({ error: { code: 'SAM_OLD_NODE', message, fix } })}\n`);
  }
  process.exitCode = 2;
}
