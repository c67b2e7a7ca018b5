"""Checks ONNX files by onnx's own checker, and their shapes by its shape inference.

    python scripts/check_onnx.py FILE.onnx ...

Every value between the nodes must have a type and a shape, and what onnx infers of it, strictly and with data propagation, must be the same
where it is known. Exit code 1 and a line for each difference where it is not.
"""
import sys

import onnx


def shapes(values):
    """Returns type and dimensions by name: numbers, names, or None for what is not known."""
    found = {}
    for value in values:
        tensor = value.type.tensor_type
        dims = None
        if tensor.HasField("shape"):
            dims = [d.dim_value if d.HasField("dim_value") else d.dim_param or None for d in tensor.shape.dim]
        found[value.name] = (tensor.elem_type, dims)
    return found


def differences(path):
    onnx.checker.check_model(path, full_check=True)
    model = onnx.load(path, load_external_data=False)
    ours = shapes([*model.graph.value_info, *model.graph.output])
    made = {name for node in model.graph.node for name in node.output}
    for name in sorted(made - ours.keys()):
        yield f"{name} has no shape"
    # Inference may only see what the nodes say, not what we wrote beside them.
    del model.graph.value_info[:]
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    for name, (kind, dims) in shapes(inferred.graph.value_info).items():
        own_kind, own_dims = ours[name]
        if kind != own_kind:
            yield f"{name} is of type {own_kind}; onnx infers {kind}"
        if dims is not None and len(dims) != len(own_dims):
            yield f"{name} has the shape {own_dims}; onnx infers {dims}"
        for own, theirs in zip(own_dims, dims or []):
            if isinstance(theirs, int) and own != theirs:
                yield f"{name} has the shape {own_dims}; onnx infers {dims}"
                break


failed = False
for path in sys.argv[1:]:
    for difference in differences(path):
        failed = True
        print(f"{path}: {difference}")
sys.exit(1 if failed else 0)
