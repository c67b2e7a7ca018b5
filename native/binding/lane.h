// Where asynchronous work of one JavaScript environment runs: two lanes over Node's thread pool, first in
// first out, at most one task of each in flight, so that files and names are still served by the pool's other
// threads.
#pragma once

#include <napi.h>

#include <deque>
#include <utility>

namespace sam::binding {

class Lane {
 public:
  // Main thread. Takes the worker over; it deletes itself when it is done.
  void submit(Napi::AsyncWorker* worker) {
    waiting_.push_back(worker);
    start_next();
  }

  // Main thread, from the worker that has just completed.
  void finished() {
    busy_ = false;
    start_next();
  }

  // The environment is going away: what waits will never start.
  void close() {
    closed_ = true;
    for (const Napi::AsyncWorker* worker : std::exchange(waiting_, {})) delete worker;
  }

 private:
  void start_next() {
    if (busy_ || closed_ || waiting_.empty()) return;
    busy_ = true;
    Napi::AsyncWorker* worker = waiting_.front();
    waiting_.pop_front();
    worker->Queue();
  }

  std::deque<Napi::AsyncWorker*> waiting_;
  bool busy_ = false;
  bool closed_ = false;
};

}  // namespace sam::binding
