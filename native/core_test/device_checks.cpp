// What a GPU needs around LibTorch, as far as it shows without one.
#include <ATen/ATen.h>

#include <fstream>
#include <random>

#include "core_test/checks.h"
#include "device/cuda.h"
#include "device/cuda_library.h"
#include "device/move_together.h"
#include "model/exact.h"

namespace sam::core_test {
namespace {

namespace fs = std::filesystem;

// Number of places at which the libraries found around <folder>/torch/lib are other than `expected`.
double wrong_dependencies(const std::vector<std::string>& files, const std::vector<std::string>& expected) {
  const fs::path folder =
      fs::temp_directory_path() / ("sam_core_test-" + std::to_string(std::random_device{}()));
  fs::create_directories(folder / "torch/lib");
  for (const std::string& file : files) {
    fs::create_directories((folder / file).parent_path());
    std::ofstream(folder / file).put('\n');
  }
  const std::vector<fs::path> found = cuda_dependencies(folder / "torch/lib");
  double wrong = found.size() == expected.size() ? 0 : 1;
  for (size_t i = 0; wrong == 0 && i < found.size(); ++i) wrong += found[i] != folder / expected[i];
  fs::remove_all(folder);
  return wrong;
}

// Tensors of several types, an undefined and an empty one, moved as views of one buffer.
double packing_error() {
  const std::vector<at::Tensor> all = {at::rand({3, 5}),    at::Tensor(),
                                       at::arange(7),       at::ones({2, 3}, at::kBool),
                                       at::empty({0, 2}),   at::arange(13, at::kByte),
                                       at::rand({4, 4}).t()};
  std::vector<at::Tensor> moved = all;
  std::vector<at::Tensor*> places;
  for (at::Tensor& tensor : moved) places.push_back(&tensor);
  move_packed(places, at::kCPU);
  double wrong = 0;
  for (size_t i = 0; i < all.size(); ++i)
    wrong += all[i].defined() ? !moved[i].equal(all[i]) : moved[i].defined();
  return wrong + !moved[0].is_alias_of(moved[6]);
}

// fp32 means fp32, whatever the environment has set.
double tf32_left() {
  at::Context& torch = at::globalContext();
  torch.setAllowTF32CuBLAS(true);
  torch.setAllowTF32CuDNN(true);
  keep_exact(at::Device(at::kCUDA, 0), at::kFloat);
  return torch.allowTF32CuBLAS() + torch.allowTF32CuDNN();
}

}  // namespace

void check_device(const Context& context) {
  const std::string cuda13 = "nvidia/cu13/lib/", cudnn = "nvidia/cudnn/lib/";
  const std::vector<std::string> wheel13 = {
      cuda13 + "libcublasLt.so.13", cuda13 + "libcublas.so.13",           cudnn + "libcudnn.so.9",
      cuda13 + "libnvrtc.so.13",    cuda13 + "libnvrtc-builtins.so.13.0", cuda13 + "libnvJitLink.so.13"};
  std::vector<std::string> all = wheel13;
  for (const std::string& other : {cuda13 + "libnvrtc-builtins.alt.so.13.0", cuda13 + "libnvrtc.alt.so.13",
                                   cudnn + "libcudnn_ops.so.9", cuda13 + "libcudart.so.13"})
    all.push_back(other);
  context.report->check("device/dependencies/cuda-13", wrong_dependencies(all, wheel13), 0);
  const std::vector<std::string> wheel12 = {"nvidia/cublas/lib/libcublasLt.so.12",
                                            "nvidia/cudnn/lib/libcudnn.so.9",
                                            "nvidia/cuda_nvrtc/lib/libnvrtc.so.12"};
  context.report->check("device/dependencies/cuda-12", wrong_dependencies(wheel12, wheel12), 0);
  context.report->check("device/dependencies/none", wrong_dependencies({}, {}), 0);
  context.report->check("device/moved-together", packing_error(), 0);
  context.report->check("device/no-tf32", tf32_left(), 0);
  if (context.device.is_cpu())  // here a first kernel must fail, and its words be told
    context.report->check("device/problem-is-told", cuda_problem(0).value_or("").empty(), 0);
  else
    context.report->check("device/no-cudnn-attention", at::globalContext().userEnabledCuDNNSDP(), 0);
}

}  // namespace sam::core_test
