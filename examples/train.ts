/** Fine-tunes from a program: events as they come, Ctrl-C stops and saves. `node train.js [folder]` once compiled. */
import { SamError, train } from 'sam-native';

const controller = new AbortController();
process.once('SIGINT', () => controller.abort());

const data = process.argv[2] ?? 'sample:rivers';
const run = train({ data, model: 'mobile-sam', epochs: 5, batchSize: 4 }, { signal: controller.signal });

try {
  for await (const event of run) {
    switch (event.type) {
      case 'setup':
        console.log(`${event.trainImages} images on ${event.deviceName}, ${event.stepsPerEpoch} steps an epoch`);
        break;
      case 'epoch':
        console.log(
          `epoch ${event.epoch}: loss ${event.validationLoss.toFixed(4)}, IoU ${event.validationIou.toFixed(4)}`,
        );
        break;
      case 'warning':
        console.warn(event.message);
        break;
    }
  }
  const { bestCheckpoint, seconds } = await run.result;
  console.log(`${bestCheckpoint} after ${seconds.total.toFixed(0)} s`);
} catch (error) {
  if (!(error instanceof SamError)) throw error;
  console.error(`${error.code}: ${error.message}. ${error.fix ?? ''}`);
  process.exitCode = error.exitCode;
}
