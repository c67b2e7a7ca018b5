#include "binding/lane.h"

#include <utility>

namespace sam::binding {

Turn& Turn::of(LaneKind kind) {
  // Never destroyed: a task may end while the process does.
  static auto& compute = *new Turn();
  static auto& data = *new Turn();
  return kind == LaneKind::kCompute ? compute : data;
}

bool Turn::take(Lane& lane) {
  const std::lock_guard lock(mutex_);
  if (taken_ || locking_ > 0) {
    wanted_by_.insert(&lane);
    return false;
  }
  wanted_by_.erase(&lane);
  return taken_ = true;
}

bool Turn::make_way(Lane& lane) {
  const std::lock_guard lock(mutex_);
  if (wanted_by_.empty()) return false;
  wanted_by_.insert(&lane);
  lane.wake();
  return true;
}

void Turn::forget(Lane& lane) {
  const std::lock_guard lock(mutex_);
  wanted_by_.erase(&lane);
}

void Turn::lock() {
  std::unique_lock lock(mutex_);
  ++locking_;
  free_.wait(lock, [this] { return !taken_; });
  --locking_;
  taken_ = true;
}

void Turn::unlock() {
  const std::lock_guard lock(mutex_);
  taken_ = false;
  free_.notify_all();
  for (Lane* const lane : wanted_by_) lane->wake();
}

Lane::Lane(Napi::Env env, LaneKind kind)
    : env_(env), turn_(Turn::of(kind)), waker_(Waker::New(env, "sam-native", 0, 1, this)) {
  waker_.Unref(env);
}

void Lane::submit(Napi::AsyncWorker* worker) {
  waiting_.push_back(worker);
  start_next();
}

void Lane::finished() {
  busy_ = false;
  if (!closed_ && !waiting_.empty() && turn_.make_way(*this)) return wait_for_turn();
  start_next();
}

void Lane::close() {
  closed_ = true;
  turn_.forget(*this);
  for (const Napi::AsyncWorker* worker : std::exchange(waiting_, {})) delete worker;
}

// `env` is null, and the lane may be gone, where the environment is being torn down.
void Lane::woken(Napi::Env env, Napi::Function, Lane* lane, void*) {
  if (env != nullptr) lane->start_next();
}

void Lane::start_next() {
  if (busy_ || closed_ || waiting_.empty()) return;
  if (!turn_.take(*this)) return wait_for_turn();
  if (std::exchange(waits_for_turn_, false)) waker_.Unref(env_);
  busy_ = true;
  Napi::AsyncWorker* const worker = waiting_.front();
  waiting_.pop_front();
  worker->Queue();
}

void Lane::wait_for_turn() {
  if (!std::exchange(waits_for_turn_, true)) waker_.Ref(env_);
}

}  // namespace sam::binding
