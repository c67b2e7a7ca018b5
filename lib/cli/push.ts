/** `sam-native push RUN owner/name`: what a run has tuned, onto the Hugging Face Hub. */
import type { Counted } from '../core/hooks.js';
import { pushOptionsSchema } from '../tasks/push/options.js';
import type { PushResult } from '../tasks/push/push.js';
import { command } from './command.js';
import type { ProgressTask, Reporter } from './progress.js';

export default command({
  options: pushOptionsSchema.omit({ run: true, to: true }).shape,
  positionals: {
    run: { describe: 'run folder that train wrote', type: 'string', demandOption: true },
    to: { describe: 'owner/name on the Hub, or owner/name@branch', type: 'string', demandOption: true },
  },
  epilogue:
    'Examples:\n' +
    '  sam-native push runs/first me/river-sam --dry-run\n' +
    '  sam-native push runs/first me/river-sam\n' +
    '  sam-native push runs/first me/river-sam@second --public --license cc-by-4.0\n\n' +
    'Log in first: hf auth login, or HF_TOKEN with a token that may write. The repository is private unless --public. With its\n' +
    'weights go configs and a model card. It all comes in by one commit, or not at all; after a connection that broke run it again:\n' +
    'what has arrived is not sent again. The model is then --model owner/name.',
  async run({ given, positionals, hooks, reporter }): Promise<PushResult> {
    const { pushModel } = await import('../tasks/push/push.js');
    const [run, to] = [String(positionals.run), String(positionals.to)];
    return pushModel({ ...given, run, to }, { ...hooks, onProgress: megabytes(reporter) });
  },
  summary({ url, branch, commit, private: hidden, changed, files, folder }) {
    const kept = folder === null ? [] : [folder];
    if (commit === null) return [`not uploaded: ${files.join(', ')}`, ...kept].join('\n');
    const what = changed!.length === 0 ? 'everything was there already' : changed!.join(', ');
    const where = branch === 'main' ? '' : `, branch ${branch}`;
    return [`${url} (${hidden ? 'private' : 'public'}${where}): ${what}`, ...kept].join('\n');
  },
});

/** Shows a bar in megabytes while files are sent. */
function megabytes(reporter: Reporter): (progress: Counted) => void {
  let bar: ProgressTask | undefined;
  const rounded = (bytes: number) => Math.ceil(bytes / 1e6);
  return ({ done, total }) => {
    bar ??= reporter.task('uploading', rounded(total));
    bar.update(rounded(done), 'MB', rounded(total));
    if (done < total) return;
    bar.end();
    bar = undefined;
  };
}
