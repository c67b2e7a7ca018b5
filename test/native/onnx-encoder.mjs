// Runs MobileSAM's encoder.onnx in ONNX Runtime (WebAssembly): the reference for our own encoder. A process of its own,
// since ONNX Runtime and LibTorch don't share one.
//
//   node onnx-encoder.mjs MODEL.onnx PIXELS.raw WIDTH HEIGHT OUTPUT.raw
//
// PIXELS: interleaved RGB, long side 1024 already. OUTPUT: 256 x 64 x 64 floats.
import { readFileSync, writeFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web';

const SIDE = 1024;
const MEAN = [123.675, 116.28, 103.53];
const DEVIATION = [58.395, 57.12, 57.375];

const [model, input, width, height, output] = process.argv.slice(2);
const pixels = readFileSync(input);
const picture = new Float32Array(3 * SIDE * SIDE); // zeros where there is no picture
for (let y = 0; y < Number(height); y++)
  for (let x = 0; x < Number(width); x++)
    for (let c = 0; c < 3; c++)
      picture[(c * SIDE + y) * SIDE + x] = (pixels[(y * Number(width) + x) * 3 + c] - MEAN[c]) / DEVIATION[c];

ort.env.wasm.numThreads = 1; // no workers for one picture
const session = await ort.InferenceSession.create(readFileSync(model));
const { output: embedding } = await session.run({ input: new ort.Tensor('float32', picture, [1, 3, SIDE, SIDE]) });
writeFileSync(output, new Uint8Array(embedding.data.buffer, embedding.data.byteOffset, embedding.data.byteLength));
