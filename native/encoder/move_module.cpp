#include "encoder/move_module.h"

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/compilation_unit.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>

namespace sam {
namespace {

using torch::jit::Block;
using torch::jit::Node;

struct Destination {
  at::Device device;
  at::ScalarType dtype;

  void move(const at::Tensor& tensor) const {
    if (!tensor.defined()) return;
    tensor.set_data(tensor.to(device, tensor.is_floating_point() ? dtype : tensor.scalar_type()));
  }

  // Tensors wherever they are: in objects, lists, dictionaries and tuples.
  void move_all(const c10::IValue& value) const {
    value.visit([this](const c10::IValue& part) {
      if (part.isTensor()) move(part.toTensor());
      return false;
    });
  }

  void move_constant(Node* node) const {
    torch::jit::Value* output = node->output();
    const auto value = torch::jit::toIValue(output);
    if (!value) return;
    if (value->isDevice()) {
      node->s_(c10::attr::value, device.str());
    } else if (!value->isTensor()) {
      move_all(*value);
    } else if (value->toTensor().dim() >
               0) {  // a number mixes with every type and device, and loses no digits
      move(value->toTensor());
      output->setType(c10::TensorType::get());  // which knew the old type and device
    }
  }

  void move_constants(Block* block) const {
    for (Node* node : block->nodes()) {
      if (node->kind() == c10::prim::Constant) move_constant(node);
      for (Block* inner : node->blocks()) move_constants(inner);
    }
  }
};

}  // namespace

void move_module(torch::jit::Module& module, at::Device device, at::ScalarType dtype) {
  const at::NoGradGuard no_grad;
  const Destination destination{device, dtype};
  destination.move_all(module._ivalue());
  // All that the file defines: methods of modules and classes, and functions that they call.
  for (torch::jit::Function* function : module._ivalue()->compilation_unit()->get_functions())
    if (auto* graph_function = torch::jit::tryToGraphFunction(*function))
      destination.move_constants(graph_function->graph()->block());
}

}  // namespace sam
