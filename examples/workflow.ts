/** From photographs to a model for other programs: every command is a function too. `node workflow.js FOLDER` once compiled. */
import { evaluate, exportModel, predictImages, SamError, splitData, train } from 'sam-native';

const hooks = { onNote: (line: string) => console.error(line), onWarning: (line: string) => console.error(line) };

try {
  const { files } = await splitData(
    { data: process.argv[2] ?? 'sample:rivers', out: 'splits.csv', overwrite: true },
    hooks,
  );
  const data = files[0]!;
  const { runDir } = await train({ data, epochs: 20, out: 'runs/first' }, hooks).result;
  const { models } = await evaluate({ models: [runDir, 'untuned'], data, split: 'test' }, hooks);
  for (const { name, meanIou } of models) console.log(`${name}: mean IoU ${meanIou.toFixed(3)}`);
  const { outputs } = await predictImages(
    { images: ['new'], model: runDir, points: [[310, 220]], out: 'masks' },
    hooks,
  );
  console.log(outputs.map(({ mask }) => mask).join('\n'));
  await exportModel({ model: runDir, to: 'hf', out: 'river-sam' }, hooks);
} catch (error) {
  if (!(error instanceof SamError)) throw error;
  console.error(`${error.code}: ${error.message}. ${error.fix ?? ''}`);
  process.exitCode = error.exitCode;
}
