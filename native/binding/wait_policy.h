// OpenMP's threads sleep while they wait, instead of spinning, which on a busy machine slows each step down
// tenfold. libgomp takes that from the environment alone, once, when it is loaded. Setting `process.env`
// would not do: in a worker thread it is a copy, and on the main thread the host's child processes inherit
// it.
#pragma once

namespace sam::binding {

// Takes OMP_WAIT_POLICY out of the environment again, which wait_policy.cpp has put there for as long as
// LibTorch was being loaded.
extern "C" void sam_forget_wait_policy();

}  // namespace sam::binding
