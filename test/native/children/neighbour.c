// Another addon in the same process, which computes with OpenMP on Node's pool as many do: what it sees of the process is
// what a neighbour of ours sees.
#include <node_api.h>
#include <omp.h>
#include <stdlib.h>
#include <unistd.h>

enum { POOL = 4 };  // threads of Node's pool

typedef struct {
  napi_async_work work;
  napi_deferred deferred;
  int threads;
} Reading;

// It lasts long enough that each of four readings gets a thread of its own.
static void read_threads(napi_env env, void* data) {
  (void)env;
  usleep(100000);
  ((Reading*)data)->threads = omp_get_max_threads();
}

static void tell(napi_env env, napi_status status, void* data) {
  (void)status;
  Reading* reading = data;
  napi_value value;
  napi_create_int32(env, reading->threads, &value);
  napi_resolve_deferred(env, reading->deferred, value);
  napi_delete_async_work(env, reading->work);
  free(reading);
}

// Promises of the number of threads that OpenMP would take, on each thread of Node's pool.
static napi_value pool_threads(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value all, name;
  napi_create_array(env, &all);
  napi_create_string_utf8(env, "neighbour", NAPI_AUTO_LENGTH, &name);
  for (uint32_t i = 0; i < POOL; ++i) {
    Reading* reading = calloc(1, sizeof *reading);
    napi_value promise;
    napi_create_promise(env, &reading->deferred, &promise);
    napi_create_async_work(env, NULL, name, read_threads, tell, reading, &reading->work);
    napi_queue_async_work(env, reading->work);
    napi_set_element(env, all, i, promise);
  }
  return all;
}

// The number of threads that OpenMP would take on the thread that calls.
static napi_value own_threads(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value value;
  napi_create_int32(env, omp_get_max_threads(), &value);
  return value;
}

// OMP_WAIT_POLICY of the process itself, whatever `process.env` says.
static napi_value wait_policy(napi_env env, napi_callback_info info) {
  (void)info;
  const char* policy = getenv("OMP_WAIT_POLICY");
  napi_value value;
  napi_create_string_utf8(env, policy == NULL ? "unset" : policy, NAPI_AUTO_LENGTH, &value);
  return value;
}

// An External that points at nothing of ours.
static napi_value external(napi_env env, napi_callback_info info) {
  (void)info;
  static double numbers[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  napi_value value;
  napi_create_external(env, numbers, NULL, NULL, &value);
  return value;
}

static void export(napi_env env, napi_value exports, const char* name, napi_callback function) {
  napi_value value;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, function, NULL, &value);
  napi_set_named_property(env, exports, name, value);
}

NAPI_MODULE_INIT() {
  export(env, exports, "poolThreads", pool_threads);
  export(env, exports, "ownThreads", own_threads);
  export(env, exports, "waitPolicy", wait_policy);
  export(env, exports, "external", external);
  return exports;
}
