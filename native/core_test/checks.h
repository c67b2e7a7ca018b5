// The families of checks, and what they share: fixtures, device, report, and the model with the fixtures'
// weights.
#pragma once

#include <c10/core/Device.h>

#include <memory>
#include <string>
#include <vector>

#include "core_test/report.h"
#include "core_test/synthetic.h"
#include "storage/safetensors.h"
#include "training/trainer.h"
#include "weights/load_sam.h"

namespace sam::core_test {

// How far an embedding may be from the reference's, in fp32: absolute.
inline constexpr double kEmbeddingTolerance = 1e-4;

// A part left out on purpose (--break), to see that the checks notice.
enum class Broken { kNothing, kPositions, kMissing, kWeightDecay };

// A file of a random name that goes with its scope.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& extension = ".safetensors");
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// The run that is long enough to learn the disks.
inline constexpr const char* kLearning = "run-joint";

struct Context {
  StateDict fixture;
  std::vector<Parameter> parameters, vit_parameters;
  at::Tensor embeddings;  // 8 x 256 x 64 x 64 on `device`
  at::Device device = at::kCPU;
  Broken broken = Broken::kNothing;
  Report* report = nullptr;
  std::string encoder_path;                    // --encoder; may be empty
  std::vector<std::string> sizes = {"ViT-B"};  // --sizes: what `encoding` and `recipe` run
  int64_t images = 64;                         // --images: of `recipe`

  const at::Tensor& at(const std::string& name) const;
  bool has(const std::string& name) const { return fixture.contains(name); }
  // The `<case>` of every `<case>/settings` that begins with `prefix`.
  std::vector<std::string> cases(const std::string& prefix) const;
  // Points, labels, boxes and presence of images first to first + count, on the device.
  Prompts prompts(const std::string& name, int64_t first, int64_t count) const;
  // Through a weights file and load_sam, as everyone loads.
  std::shared_ptr<Sam> load(bool meta_names = false, bool quiet_self_attention = false) const;
  // Some images' embeddings, prompts and targets; `loss-…` and `run-…` cases.
  Batch batch(const std::string& name, int64_t first, int64_t count) const;
  // The batches that a `run-…` takes in turn.
  std::vector<Batch> batches(const std::string& run) const;
};

Context make_context(const std::string& fixtures, at::Device device, Broken broken, Report& report);

// The same on another device.
Context moved(const Context& context, at::Device device);

// What a `run-…` case trains with.
TrainerOptions options_of(const Context& context, const std::string& run);

// A step that updates with this rate, and one that only computes gradients.
StepOptions update_with(double learning_rate);
StepOptions gradients_only();

// Largest absolute difference; NaN where shapes differ or something isn't a number.
double difference(const at::Tensor& ours, const at::Tensor& reference);

// Their distance, in parts of the reference.
double relative(double ours, double reference);
// 1 - cosine of the two as long vectors; NaN where one holds something that isn't a number.
double angle(const at::Tensor& ours, const at::Tensor& reference);

void check_device(const Context& context);    // device/…
void check_decoder(const Context& context);   // synthetic/…, prompts/…, decoder/…
void check_losses(const Context& context);    // losses/…
void check_training(const Context& context);  // gradients/…, training/…, precision/…
// precision/…: on weights that have learned something; random ones have logits about 0 everywhere.
void check_precision(const Context& context, const std::string& run, Sam& trained);
void check_updates(const Context& context);        // updates/…
void check_moves(const Context& context);          // moves/…
void check_softmax(const Context& context);        // softmax/…
void check_vit(const Context& context);            // vit/…
void check_kernels(const Context& context);        // kernels/…
void check_half_encoders(const Context& context);  // half/…
void check_scripts(const Context& context);        // script/…
void check_encoder_file(const Context& context);   // encoder/…
void check_cache(const Context& context);          // cache/…
void check_threads(const Context& context);        // threads/…
void check_prediction(const Context& context);     // prediction/…
void check_memory(const Context& context);         // memory/…
void check_other_gpu(const Context& context);      // cuda:1/…
void measure(const Context& context);              // timings
void measure_rates(const Context& context);        // rates/…
void measure_encoding(const Context& context);     // encoding/…
void measure_decoding(const Context& context);     // decoding/…
void measure_recipe(const Context& context);       // recipe/…

}  // namespace sam::core_test
