/** `sam-native setup`: finds or gets LibTorch and builds the addon. */
import { createInterface } from 'node:readline/promises';
import { z } from 'zod';
import { setup } from '../setup/setup.js';
import { command } from './command.js';

export default command({
  options: {
    libtorch: z.string().optional().describe('folder of the LibTorch to use (holds include/ and lib/)'),
    indexUrl: z.string().optional().describe("pip's index to get LibTorch from, e.g. one with CPU builds only"),
    from: z.string().optional().describe('a torch wheel or libtorch zip to use instead of a download'),
    yes: z.boolean().default(false).describe('download without asking'),
    force: z.boolean().default(false).describe('compile even if nothing changed'),
  },
  epilogue:
    'Examples:\n' +
    '  sam-native setup\n' +
    '  sam-native setup --yes\n' +
    '  sam-native setup --libtorch /opt/libtorch\n\n' +
    'LibTorch is taken from --libtorch, SAM_NATIVE_LIBTORCH, LIBTORCH, the last choice, the active Python, the cache, or\n' +
    '/usr/local/libtorch and /opt/libtorch: the first that will do. If there is none, pip gets it, after asking.',
  async run({ options, reporter, signal }) {
    const { libtorch, indexUrl, from, force, yes } = options;
    const consent = (question: string) => (yes ? Promise.resolve(true) : ask(question, signal));
    return setup({ libtorch, indexUrl, from, force, consent, reporter, signal });
  },
  summary: ({ libtorch, addon }) => `ready: LibTorch ${libtorch.version} (${libtorch.path}), addon ${addon.path}`,
});

/** Asks a question of yes or no on the terminal; the answer is no where nobody can give one. */
async function ask(question: string, signal: AbortSignal): Promise<boolean> {
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return false;
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await prompt.question(`${question} [y/N] `, { signal })).trim());
  } finally {
    prompt.close();
  }
}
