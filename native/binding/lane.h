// Where asynchronous work of one JavaScript environment runs: two lanes over Node's thread pool, first in
// first out. Of each kind at most one task is in flight in the whole process, however many environments there
// are, so that files and names are still served by the pool's other threads.
#pragma once

#include <napi.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>

namespace sam::binding {

enum class LaneKind { kCompute, kData };

class Lane;

// The right to run a task of one kind. No thread of the pool waits for it: a lane that is refused is woken
// when it is free, and asks again. Whoever comes first has it, as a lane's thread may be busy with JavaScript
// for long.
class Turn {
 public:
  static Turn& of(LaneKind kind);

  // For a lane, on its thread. False: somebody else has the turn, and the lane will be woken.
  bool take(Lane& lane);
  // True if others want the turn, who were promised it before: the lane will be woken after them.
  bool make_way(Lane& lane);
  // The lane will not be woken any more.
  void forget(Lane& lane);

  // For those who want no task to run meanwhile: waits for the one in flight, before all lanes.
  void lock();
  // After a task, on whichever thread it ran, or after `lock`.
  void unlock();

 private:
  std::mutex mutex_;
  std::condition_variable free_;
  std::set<Lane*> wanted_by_;
  int locking_ = 0;
  bool taken_ = false;
};

class Lane {
 public:
  Lane(Napi::Env env, LaneKind kind);

  // The environment's thread. Takes the worker over; it deletes itself when it is done.
  void submit(Napi::AsyncWorker* worker);

  // The environment's thread, from the worker that has just completed.
  void finished();

  // The environment is going away: what waits will never start.
  void close();

 private:
  friend Turn;
  static void woken(Napi::Env env, Napi::Function, Lane* lane, void*);
  using Waker = Napi::TypedThreadSafeFunction<Lane, void, &Lane::woken>;

  void wake() { waker_.NonBlockingCall(); }  // any thread
  void start_next();
  void wait_for_turn();

  Napi::Env env_;
  Turn& turn_;
  Waker waker_;  // keeps the event loop alive only while the lane waits for its turn
  std::deque<Napi::AsyncWorker*> waiting_;
  bool waits_for_turn_ = false;
  bool busy_ = false;
  bool closed_ = false;
};

}  // namespace sam::binding
