#include "binding/single_copy.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <dlfcn.h>

#include <string>

#include "error.h"

namespace sam::binding {
namespace {

std::string own_path() {
  Dl_info where{};
  return dladdr(reinterpret_cast<void*>(&require_single_copy), &where) != 0 ? where.dli_fname
                                                                            : "sam_native.node";
}

}  // namespace

// The register of namespaces is LibTorch's, which all copies share; it takes each name once.
void require_single_copy() {
  try {
    static const auto* const registered = new c10::RegistrationHandleRAII(
        c10::Dispatcher::singleton().registerLibrary("sam_native", own_path()));
    (void)registered;
  } catch (const c10::Error& error) {
    throw Error("SAM_SECOND_COPY",
                own_path() + " cannot be loaded: another copy of the addon is in this process already",
                error.what_without_backtrace());
  }
}

}  // namespace sam::binding
