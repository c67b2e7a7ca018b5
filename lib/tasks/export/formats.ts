/** The formats of `export`, a row each. */
import type { Format } from './format.js';
import { huggingFace } from './hugging-face.js';
import { meta } from './meta.js';
import { onnx } from './onnx.js';
import type { ExportFormat } from './options.js';
import { torchscript } from './torchscript.js';

export const FORMATS: Readonly<Record<ExportFormat, Format>> = { torchscript, hf: huggingFace, meta, onnx };
