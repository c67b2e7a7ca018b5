/** `sam-native completion`: prints what makes bash and zsh complete its commands and options. */
import { fileURLToPath } from 'node:url';
import { command } from './command.js';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));

/** Asks this installation, wherever it lies, so that it also holds for an alias of `npx sam-native`. zsh takes bash's words. */
const SCRIPT = `# Completion of sam-native for bash and zsh.
if [ -n "\${ZSH_VERSION-}" ]; then
  autoload -Uz compinit bashcompinit && compinit && bashcompinit
fi
_sam_native() {
  local IFS=$'\\n'
  COMPREPLY=($(${quoted(process.execPath)} ${quoted(MAIN)} --get-yargs-completions "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o bashdefault -o default -F _sam_native sam-native`;

function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}

export default command({
  options: {},
  epilogue:
    'Examples, the first for this shell alone:\n' +
    '  source <(sam-native completion)\n' +
    '  sam-native completion >> ~/.bashrc\n' +
    '  sam-native completion >> ~/.zshrc\n\n' +
    'Commands, options, their words, and the runs in runs/ are completed; where files are meant the shell completes those. In a project\n' +
    "that has sam-native installed, also: alias sam-native='npx sam-native'",
  run: async () => ({ script: SCRIPT }),
  summary: ({ script }) => script,
});
