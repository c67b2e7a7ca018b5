// What a GPU needs around LibTorch, as far as it shows without one.
#include <fstream>
#include <random>

#include "core_test/checks.h"
#include "device/cuda_library.h"

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
}

}  // namespace sam::core_test
