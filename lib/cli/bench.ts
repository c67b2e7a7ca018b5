/** `sam-native bench`: measures what this machine does, and says what that means for a training run. */
import type { Counted } from '../core/hooks.js';
import { benchMarkdown } from '../tasks/bench/markdown.js';
import { benchOptionsSchema } from '../tasks/bench/options.js';
import type { BenchResult } from '../tasks/bench/result.js';
import { command } from './command.js';

export default command({
  options: benchOptionsSchema.shape,
  epilogue:
    'Examples:\n' +
    '  sam-native bench\n' +
    '  sam-native bench --sizes base --out bench.md\n' +
    '  sam-native bench --models mobile-sam,facebook/sam-vit-huge --device cuda --json\n\n' +
    'No data, no weights and no network are needed: speed does not depend on what the weights are. Random ones are written to the\n' +
    'cache folder while they are measured (ViT-H takes 2.5 GB) and removed. All sizes take about ten minutes on two CPU cores;\n' +
    'close other programs first.\n\n' +
    'It says how many images a second the encoder takes, by size and precision; how many steps a second the decoder trains, by batch;\n' +
    "how long a prompt takes once the image is encoded; and from these, hours for 1000 images and 50 epochs, beside the article's\n" +
    "T4 (12 hours) and the limit of a T4's data sheet. On a T4 that comparison is measured; anywhere else it is projected and says so.",
  async run({ given, reporter, hooks }): Promise<BenchResult> {
    const { bench } = await import('../tasks/bench/bench.js');
    const bar = reporter.task('measuring', 1, { plain: false });
    const onProgress = ({ done, total }: Counted) => bar.update(done, '', total);
    const result = await bench(given, { ...hooks, onProgress });
    bar.end();
    return result;
  },
  summary: benchMarkdown,
});
