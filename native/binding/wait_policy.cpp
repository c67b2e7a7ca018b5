// OMP_WAIT_POLICY while LibTorch is loaded. libgomp, of which LibTorch is made, reads it in its constructor,
// and that runs before every constructor of ours. But the dynamic linker relocates all libraries before it
// runs the first constructor, and to relocate an indirect function it calls that function's resolver: the one
// place that is early enough. The resolver calls functions of libc, which has been relocated before us; this
// file is compiled with -fno-plt, so that its own references to them are bound by then (CMakeLists.txt).
#include "binding/wait_policy.h"

#ifdef __linux__

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>

namespace sam::binding {
namespace {

char policy[] = "OMP_WAIT_POLICY=PASSIVE";
char** before = nullptr;             // the environment as it was
std::atomic<char**> ours = nullptr;  // the one with the policy

// A copy with one line more, put in its place by one store: setenv would move what other threads may be
// reading. For the same reason it is never freed.
void set_wait_policy() {
  if (environ == nullptr || std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  size_t count = 0;
  while (environ[count] != nullptr) ++count;
  auto** const all = static_cast<char**>(std::malloc((count + 2) * sizeof(char*)));
  if (all == nullptr) return;
  std::copy_n(environ, count, all);
  all[count] = policy;
  all[count + 1] = nullptr;
  before = environ;
  environ = ours = all;
}

void forget_wait_policy() {
  char** const all = ours.exchange(nullptr);
  if (all == nullptr) return;
  if (environ == all)
    environ = before;
  else
    unsetenv("OMP_WAIT_POLICY");  // somebody has set another variable meanwhile, and so copied ours
}

}  // namespace

extern "C" {

static void (*resolve_forget_wait_policy())() {
  set_wait_policy();
  return forget_wait_policy;
}

void sam_forget_wait_policy() __attribute__((ifunc("resolve_forget_wait_policy")));

}  // extern "C"

}  // namespace sam::binding

#else  // no indirect functions, and no libgomp

extern "C" void sam::binding::sam_forget_wait_policy() {}

#endif
