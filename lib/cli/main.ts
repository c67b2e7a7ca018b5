#!/usr/bin/env node
/** The command line: parses the call, and lets the command that it names do its work. */
import { SamError } from '../core/errors.js';
import { parse } from './parser.js';

const args = process.argv.slice(2);
try {
  if (args[0] === '--get-yargs-completions') {
    const { completions } = await import('./completions.js');
    process.stdout.write((await completions(args.slice(1))).map((word) => `${word}\n`).join(''));
  } else {
    await parse(args, (command, argv) => command.handler(argv));
  }
} catch (error) {
  const { printError } = await import('./command.js');
  const ours = !(error instanceof SamError); // a wrong call has no stack worth reading, a mistake of ours has
  const verbose = ours && args.includes('--verbose');
  process.exitCode = printError(error, { json: args.includes('--json'), verbose });
}
