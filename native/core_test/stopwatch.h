// How long something takes on a device: the median of some rounds after a warm-up (a single one has
// none).
#pragma once

#include <c10/core/Device.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "core_test/machine.h"

namespace sam::core_test {

inline double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

template <typename Work>
double median_milliseconds(at::Device device, int rounds, const Work& work) {
  std::vector<double> times;
  for (int i = rounds > 1 ? -1 : 0; i < rounds; ++i) {
    synchronize(device);
    const auto start = std::chrono::steady_clock::now();
    work();
    synchronize(device);
    if (i >= 0) times.push_back(milliseconds_since(start));
  }
  std::nth_element(times.begin(), times.begin() + rounds / 2, times.end());
  return times[static_cast<size_t>(rounds / 2)];
}

}  // namespace sam::core_test
