// Which of LibTorch's attention kernels really run below the encoder and the decoder: right numbers don't
// tell a fused kernel from the plain one, which is several times as slow. (softmax/fused asks which it would
// be.)
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <ATen/record_function.h>

#include <set>
#include <string_view>

#include "core_test/checks.h"
#include "core_test/drawn_encoder.h"
#include "core_test/machine.h"

namespace sam::core_test {
namespace {

// The attention operators that LibTorch runs in this thread, while it lives.
class AttentionCalls {
 public:
  AttentionCalls()
      : handle_(at::addThreadLocalCallback(
            at::RecordFunctionCallback(note).scopes({at::RecordScope::FUNCTION}))) {
    seen_.clear();
  }
  ~AttentionCalls() { at::removeCallback(handle_); }
  AttentionCalls(const AttentionCalls&) = delete;
  AttentionCalls& operator=(const AttentionCalls&) = delete;

  // "efficient", "flash efficient" …; "none" where no attention of LibTorch's ran.
  std::string names() const {
    std::string text;
    for (const std::string& name : seen_) text += (text.empty() ? "" : " ") + name;
    return text.empty() ? "none" : text;
  }
  static bool saw(const char* name) { return seen_.contains(name); }

 private:
  // aten::_scaled_dot_product_<kernel>_attention…, aten::_scaled_dot_product_attention_math
  static std::unique_ptr<at::ObserverContext> note(const at::RecordFunction& call) {
    constexpr std::string_view kPrefix = "aten::_scaled_dot_product_", kPlain = "attention_math";
    const std::string_view name = call.name();
    if (!name.starts_with(kPrefix)) return nullptr;
    const std::string_view kind = name.substr(kPrefix.size());
    seen_.emplace(kind.starts_with(kPlain) ? "math" : kind.substr(0, kind.find('_')));
    return nullptr;
  }

  static thread_local std::set<std::string> seen_;
  at::CallbackHandle handle_;
};

thread_local std::set<std::string> AttentionCalls::seen_;

// The encoder itself, of one block, which attends within windows or everywhere; on a CPU it has a kernel of
// its own.
void check_encoder(const Context& context, int64_t window, int64_t depth, const NamedType& type) {
  ViTConfig config = block_pair(depth, context.device);
  config.windows = {window};
  const auto encoder = load_weights(drawn_weights(config, 1), context.device, type.second);
  const AttentionCalls calls;
  encoder->encode(drawn_pixels(context.device));
  const std::string name =
      "kernels/encoder/" + std::to_string(window) + "-" + std::to_string(depth) + "/" + type.first;
  context.report->fact(name, calls.names());
  const bool right = context.device.is_cpu() ? calls.names() == "none"
                                             : calls.names() != "none" && !AttentionCalls::saw("math");
  context.report->check(name, right ? 0 : 1, 0);
}

// One prompt and many take different ways through the decoder.
void check_decoder_kernels(const Context& context, const NamedType& type) {
  const auto sam = context.load();
  sam->compute_type = type.second;
  for (const int64_t count : {1, 64}) {
    Prompts prompts = context.prompts("points", 0, 1);
    prompts.points = prompts.points.repeat({1, count, 1, 1});
    prompts.labels = prompts.labels.repeat({1, count, 1});
    prompts.per_image *= count;
    const AttentionCalls calls;
    sam->decode(context.embeddings.narrow(0, 0, 1), prompts, MaskOutput::kMulti);
    const std::string name = "kernels/decoder/" + std::to_string(count) + "-prompts/" + type.first;
    context.report->fact(name, calls.names());
  }
}

}  // namespace

void check_kernels(const Context& context) {
  const at::NoGradGuard no_grad;
  Report& report = *context.report;
  std::vector<NamedType> types = all_types(context.device);
  // A CPU attends with one kernel in all types, and without bf16 arithmetic takes minutes for the others.
  if (context.device.is_cpu()) types.resize(1);
  for (const int64_t depth : {64, 80})
    for (const int64_t window : {14, 64})
      for (const NamedType& type : types)
        report.attempt("kernels/encoder", [&] { check_encoder(context, window, depth, type); });
  for (const NamedType& type : types)
    report.attempt("kernels/decoder", [&] { check_decoder_kernels(context, type); });
}

}  // namespace sam::core_test
