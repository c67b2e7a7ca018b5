#include "export/script_builder.h"

#include <ATen/ATen.h>

namespace sam {
namespace {

using torch::jit::Module;

constexpr const char* kConv = R"(
def forward(self, x: Tensor) -> Tensor:
    x = x.permute(0, 3, 1, 2)
    x = torch.conv2d(x, self.weight, self.bias, [self.stride, self.stride], [1, 1], [1, 1], self.groups)
    return x.permute(0, 2, 3, 1)
)";

// On the CPU a 1 x 1 convolution: it goes to oneDNN in every type, whereas fp32 linear goes to MKL, which on
// AMD processors is half as fast.
constexpr const char* kLinear = R"(
def forward(self, x: Tensor) -> Tensor:
    if x.is_cuda:
        return torch.linear(x, self.weight, self.bias)
    x = torch.conv2d(x.permute(0, 3, 1, 2), self.weight[:, :, None, None], self.bias)
    return x.permute(0, 2, 3, 1)
)";

constexpr const char* kMlp = R"(
def forward(self, x: Tensor) -> Tensor:
    height, dim = x.size(1), x.size(3)
    rows = height if x.is_cuda else 32
    out = torch.empty_like(x)
    for first in range(0, height, rows):
        band = x[:, first:first + rows]
        y = torch.layer_norm(band, [dim], self.norm_weight, self.norm_bias, self.epsilon)
        y = self.fc2.forward(torch.gelu_(self.fc1.forward(y)))
        out[:, first:first + rows] = band + y
    return out
)";

constexpr const char* kNeck = R"(
def forward(self, x: Tensor) -> Tensor:
    dim = self.norm1_weight.size(0)
    x = torch.layer_norm(self.conv1.forward(x), [dim], self.norm1_weight, self.norm1_bias, 1e-6)
    x = torch.layer_norm(self.conv2.forward(x), [dim], self.norm2_weight, self.norm2_bias, 1e-6)
    return x.permute(0, 3, 1, 2).float().contiguous()
)";

}  // namespace

Module ScriptBuilder::module(const std::string& name) const {
  return Module(c10::QualifiedName("__torch__.sam_native." + name), unit_, /*shouldMangle=*/true);
}

void ScriptBuilder::buffer(Module& module, const std::string& name, const at::Tensor& value) const {
  module.register_buffer(name, value.to(dtype_));
}

void ScriptBuilder::number(Module& module, const std::string& name, int64_t value) {
  module.register_attribute(name, c10::IntType::get(), value);
}

Module ScriptBuilder::linear(const at::Tensor& weight, const at::Tensor& bias) const {
  Module m = module("Linear");
  buffer(m, "weight", weight.contiguous());
  buffer(m, "bias", bias);
  m.define(kLinear);
  return m;
}

Module ScriptBuilder::conv(const at::Tensor& weight, const at::Tensor& bias, int64_t stride,
                           int64_t groups) const {
  Module m = module("Conv");
  buffer(m, "weight", weight.contiguous(at::MemoryFormat::ChannelsLast));
  buffer(m, "bias", bias);
  number(m, "stride", stride);
  number(m, "groups", groups);
  m.define(kConv);
  return m;
}

Module ScriptBuilder::neck(const Neck& weights) const {
  const at::Tensor none = at::zeros({weights.conv1.size(0)});
  Module m = module("Neck");
  m.register_module("conv1", linear(weights.conv1.flatten(1), none));
  m.register_module("conv2", conv(weights.conv2, none, /*stride=*/1));
  buffer(m, "norm1_weight", weights.norm1_weight);
  buffer(m, "norm1_bias", weights.norm1_bias);
  buffer(m, "norm2_weight", weights.norm2_weight);
  buffer(m, "norm2_bias", weights.norm2_bias);
  m.define(kNeck);
  return m;
}

Module ScriptBuilder::mlp(const Mlp& weights) const {
  Module m = module("Mlp");
  buffer(m, "norm_weight", weights.norm_weight);
  buffer(m, "norm_bias", weights.norm_bias);
  m.register_attribute("epsilon", c10::FloatType::get(), weights.epsilon);
  m.register_module("fc1", linear(weights.fc1_weight, weights.fc1_bias));
  m.register_module("fc2", linear(weights.fc2_weight, weights.fc2_bias));
  m.define(kMlp);
  return m;
}

Module ScriptBuilder::sequence(const std::string& name, const std::vector<Module>& slices) const {
  Module m = module(name);
  const std::string count = std::to_string(slices.size());
  std::string run = "def run_slice(self, i: int, x: Tensor) -> Tensor:\n";
  for (size_t i = 0; i < slices.size(); ++i) {
    const std::string index = std::to_string(i);
    m.register_module("slice" + index, slices[i]);
    if (i + 1 < slices.size()) run += "    if i == " + index + ":\n    ";
    run += "    return self.slice" + index + ".forward(x)\n";
  }
  m.define("def slice_count(self) -> int:\n    return " + count + "\n");
  m.define(run);
  m.define(
      "def forward(self, x: Tensor) -> Tensor:\n"
      "    for i in range(self.slice_count()):\n"
      "        x = self.run_slice(i, x)\n"
      "    return x\n");
  m.eval();
  return m;
}

}  // namespace sam
