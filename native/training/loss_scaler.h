// Dynamic loss scaling for fp16 (Micikevicius et al. 2018): gradients too small for fp16 are lifted, and a
// step whose gradients overflowed is left out. With other types it does nothing: no step is left out there.
#pragma once

#include <cstdint>

namespace sam {

// Growth and back-off are torch.amp.GradScaler's defaults.
class LossScaler {
 public:
  explicit LossScaler(bool enabled) : enabled_(enabled) {}

  bool enabled() const { return enabled_; }
  double scale() const { return enabled_ ? scale_ : 1.0; }

  // No scale helps: gradients that don't fit without one, or in step after step, are not an overflow.
  bool hopeless() const { return scale_ < 1 || skipped_ >= kMostSkipped; }

  // After each update: were all gradients finite?
  void update(bool finite) {
    if (!enabled_) return;
    skipped_ = finite ? 0 : skipped_ + 1;
    if (!finite) {
      scale_ /= 2;
      good_steps_ = 0;
    } else if (++good_steps_ == kGrowthInterval) {
      scale_ *= 2;
      good_steps_ = 0;
    }
  }

  int64_t good_steps() const { return good_steps_; }
  void restore(double scale, int64_t good_steps) {
    scale_ = scale;
    good_steps_ = good_steps;
  }

 private:
  static constexpr int64_t kGrowthInterval = 2000;
  static constexpr int64_t kMostSkipped = 20;

  bool enabled_;
  double scale_ = 65536;
  int64_t good_steps_ = 0;
  int64_t skipped_ = 0;  // in a row
};

}  // namespace sam
