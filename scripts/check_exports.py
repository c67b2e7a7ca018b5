"""What others make of an export: their own package opens it, answers the same prompts, and is compared with sam-native.

    python scripts/check_exports.py KIND EXPORT REFERENCE

KIND is vit_b, vit_l, vit_h (segment_anything's registry), vit_t (MobileSAM's own package), hf (transformers) or torchscript
(torch.jit.load). EXPORT is the file or the folder that was exported. REFERENCE holds reference.json and what it names: pictures
(RGB bytes), points with labels, and sam-native's logits (3 x 256 x 256), predicted IoUs and mask. test/cli/exports.test.ts writes it.
Prints the largest differences as JSON. Exit code 1: some mask has an IoU below 0.999, or a logit differs by more than 1e-3.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

MEAN, DEVIATION = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


def registry(kind, export):
    """Meta's or MobileSAM's predictor. Their registries load strictly: every tensor must be there, and no other."""
    if kind == "vit_t":
        from mobile_sam import SamPredictor, sam_model_registry
    else:
        from segment_anything import SamPredictor, sam_model_registry
    model = sam_model_registry[kind](checkpoint=str(export))
    state = torch.load(export, weights_only=True)
    assert set(state) == set(model.state_dict()) - {n for n in model.state_dict() if n.endswith("num_batches_tracked")}
    model.eval()  # MobileSAM spreads its attention biases here
    predictor = SamPredictor(model)

    def answer(picture, points, labels):
        predictor.set_image(picture)
        masks, scores, logits = predictor.predict(points, labels, multimask_output=True)
        return logits, scores, masks[scores.argmax()]

    return answer


def transformers(export):
    from transformers import SamModel, SamProcessor

    # Pillow resizes here as in Meta's code. From version 5 on the default is torchvision, which is one grey level off here and there.
    try:
        from transformers import SamImageProcessorPil as ImageProcessor
    except ImportError:
        from transformers import SamImageProcessor as ImageProcessor
    processor = SamProcessor(ImageProcessor.from_pretrained(export))
    model, loading = SamModel.from_pretrained(export, output_loading_info=True)
    assert not any(loading[what] for what in ("missing_keys", "unexpected_keys", "mismatched_keys")), loading
    model.eval()

    def answer(picture, points, labels):
        given = processor(Image.fromarray(picture), input_points=[[points.tolist()]], input_labels=[[labels.tolist()]], return_tensors="pt")
        sizes = given["original_sizes"], given["reshaped_input_sizes"]
        given["input_points"] = given["input_points"].float()
        found = model(**{k: v for k, v in given.items() if k in ("pixel_values", "input_points", "input_labels")})
        scores = found.iou_scores[0, 0].numpy()
        masks = processor.image_processor.post_process_masks(found.pred_masks, *sizes)[0][0].numpy()
        return found.pred_masks[0, 0].numpy(), scores, masks[scores.argmax()]

    return answer


def torchscript(export):
    encoder, decoder = (torch.jit.load(Path(export) / f"{name}.pt") for name in ("encoder", "decoder"))

    def answer(picture, points, labels):
        height, width = picture.shape[:2]
        scale = 1024 / max(height, width)
        size = int(width * scale + 0.5), int(height * scale + 0.5)
        resized = np.asarray(Image.fromarray(picture).resize(size, Image.BILINEAR), dtype=np.float32)
        pixels = np.zeros((1, 3, 1024, 1024), dtype=np.float32)
        pixels[0, :, : size[1], : size[0]] = ((resized / 255 - MEAN) / DEVIATION).transpose(2, 0, 1)
        coordinates = np.concatenate([points * [size[0] / width, size[1] / height], [[0, 0]]]).astype(np.float32)
        padded = np.concatenate([labels, [-1]])
        masks, scores = decoder(encoder(torch.from_numpy(pixels)), torch.from_numpy(coordinates)[None], torch.from_numpy(padded)[None])
        logits, scores = masks[0, 1:], scores[0, 1:].numpy()
        best = torch.nn.functional.interpolate(logits[None, None, scores.argmax()], (1024, 1024), mode="bilinear")
        best = torch.nn.functional.interpolate(best[..., : size[1], : size[0]], (height, width), mode="bilinear")
        return logits.numpy(), scores, best[0, 0].numpy() > 0

    return answer


def main(kind, export, reference):
    answer = transformers(export) if kind == "hf" else torchscript(export) if kind == "torchscript" else registry(kind, export)
    folder = Path(reference)
    worst = {"pictures": 0, "minIou": 1.0, "maxLogitDifference": 0.0, "scoreDifference": 0.0}
    for entry in json.loads((folder / "reference.json").read_text()):
        shape = entry["height"], entry["width"]
        picture = np.fromfile(folder / entry["picture"], dtype=np.uint8).reshape(*shape, 3)
        with torch.no_grad():
            logits, scores, mask = answer(picture, np.array(entry["points"], dtype=np.float64), np.array(entry["labels"]))
        known = np.fromfile(folder / entry["logits"], dtype=np.float32).reshape(3, 256, 256)
        ours = np.fromfile(folder / entry["mask"], dtype=np.uint8).reshape(shape) > 0
        union = (ours | mask).sum()
        worst["pictures"] += 1
        worst["minIou"] = min(worst["minIou"], float((ours & mask).sum() / union) if union else 1.0)
        worst["maxLogitDifference"] = max(worst["maxLogitDifference"], float(np.abs(logits - known).max()))
        worst["scoreDifference"] = max(worst["scoreDifference"], float(np.abs(scores - np.float32(entry["scores"])).max()))
    print(json.dumps(worst))
    return 0 if worst["minIou"] >= 0.999 and worst["maxLogitDifference"] <= 1e-3 else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
