/** `sam-native doctor`: says what is here, what is missing, and whether it works. */
import { formatGib } from '../core/bytes.js';
import { defaultCacheDir } from '../core/cache-dir.js';
import { doctor } from '../setup/doctor.js';
import { command } from './command.js';

export default command({
  options: {},
  epilogue:
    'Examples:\n' +
    '  sam-native doctor\n' +
    '  sam-native doctor --json\n\n' +
    'Exit code 0 when a picture was encoded, a step trained, saved and loaded; else 1, with the commands that help.',
  run: ({ reporter, signal }) => doctor({ cacheDir: defaultCacheDir(), signal, say: (line) => reporter.say(line) }),
  summary({ checks, devices, ok }) {
    const lines = checks.map(({ ok, name, found, fix }) => {
      const line = `${ok ? 'ok     ' : 'MISSING'} ${name.padEnd(11)} ${found}`;
      return fix === null ? line : `${line}\n        fix: ${fix}`;
    });
    const hardware = devices.map(({ type, name, memoryBytes, usable, reason }) =>
      usable
        ? `device  ${type.padEnd(11)} ${name}, ${formatGib(memoryBytes)}`
        : `device  ${type.padEnd(11)} not usable: ${reason}`,
    );
    return [...lines, ...hardware, ok ? 'everything works' : 'not ready: see the fixes above'].join('\n');
  },
  exitCode: ({ ok }) => (ok ? 0 : 1),
});
