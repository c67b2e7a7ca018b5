// OpenMP's number of threads belongs to the thread that asks, and so to all code that runs on it: a task on a
// thread of Node's pool takes the number that it needs and puts the old one back.
#pragma once

#include <ATen/Parallel.h>

extern "C" {  // of the OpenMP that LibTorch is linked with
int omp_get_max_threads();
void omp_set_num_threads(int threads);
}

namespace sam::binding {

class OpenMpThreads {
 public:
  OpenMpThreads() = default;
  ~OpenMpThreads() { omp_set_num_threads(before_); }
  OpenMpThreads(const OpenMpThreads&) = delete;
  OpenMpThreads& operator=(const OpenMpThreads&) = delete;

  // For computing. LibTorch is only told of a number that is new to this thread: it then drops the
  // convolutions that it has prepared there.
  void take(int threads) {
    thread_local int told = 0;
    if (told == threads)
      omp_set_num_threads(threads);
    else
      at::set_num_threads(told = threads);
  }

  // For all that computes nothing.
  void take_one() {
    at::get_num_threads();  // at the first question on a thread LibTorch sets its own number
    omp_set_num_threads(1);
  }

 private:
  const int before_ = omp_get_max_threads();
};

}  // namespace sam::binding
