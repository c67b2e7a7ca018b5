/** How a model on the Hub is used from Python, Node.js and transformers.js: text of its card. */
import type { HubName } from '../../hub/names.js';
import { type FolderKind, MOBILE_SAM_TUNED } from './folder.js';

/** Writes the section of the card. */
export function usage({ name, revision }: HubName, kind: FolderKind): string {
  const spec = revision === 'main' ? name : `${name}@${revision}`;
  return [
    node(spec),
    kind === 'transformers' ? transformers(name, revision) : mobileSam(name, revision),
    onnx(spec),
  ].join('\n');
}

function node(spec: string): string {
  return `Node.js, with the npm package sam-native (a private repository needs \`HF_TOKEN\`):

\`\`\`ts
import { SamModel } from 'sam-native';

using model = await SamModel.load('${spec}');
using embedding = await model.embed('picture.jpg');
const { mask, score } = await model.predict(embedding, { points: [[120, 80]], labels: [1] });
\`\`\`
`;
}

function transformers(name: string, revision: string): string {
  const at = revision === 'main' ? '' : `, revision='${revision}'`;
  return `Python, with transformers:

\`\`\`python
import torch
from PIL import Image
from transformers import SamModel, SamProcessor

model = SamModel.from_pretrained('${name}'${at})
processor = SamProcessor.from_pretrained('${name}'${at})
picture = Image.open('picture.jpg').convert('RGB')
inputs = processor(picture, input_points=[[[120, 80]]], return_tensors='pt')
with torch.no_grad():
    outputs = model(**inputs)
masks = processor.image_processor.post_process_masks(
    outputs.pred_masks, inputs['original_sizes'], inputs['reshaped_input_sizes'])
\`\`\`
`;
}

function mobileSam(name: string, revision: string): string {
  const at = revision === 'main' ? '' : `, revision='${revision}'`;
  return `Python, with MobileSAM's own package (transformers does not know its image encoder):

\`\`\`python
from huggingface_hub import hf_hub_download
from mobile_sam import SamPredictor, sam_model_registry

path = hf_hub_download('${name}', '${MOBILE_SAM_TUNED}'${at})
predictor = SamPredictor(sam_model_registry['vit_t'](checkpoint=path).eval())
\`\`\`
`;
}

function onnx(spec: string): string {
  return `transformers.js runs ONNX, which one command makes:

\`\`\`sh
npx sam-native export ${spec} --to onnx --layout transformers.js --out model-onnx
\`\`\`

\`\`\`js
import { AutoProcessor, env, RawImage, SamModel } from '@huggingface/transformers';

env.localModelPath = '.';
const model = await SamModel.from_pretrained('model-onnx');
const processor = await AutoProcessor.from_pretrained('model-onnx');
const inputs = await processor(await RawImage.read('picture.jpg'), { input_points: [[[120, 80]]], input_labels: [[[1]]] });
const { pred_masks, iou_scores } = await model(inputs);
\`\`\`
`;
}
