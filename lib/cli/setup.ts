/** `sam-native setup`: finds or gets LibTorch and builds the addon. */
import { createInterface } from 'node:readline/promises';
import { setupOptionsSchema } from '../setup/options.js';
import { setup } from '../setup/setup.js';
import { command } from './command.js';

export default command({
  options: setupOptionsSchema.shape,
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
