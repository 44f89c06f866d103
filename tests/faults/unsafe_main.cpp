#include "apps/beckon/app.hpp"
#include "tests/faults/late_store.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

using namespace beckon;

/// The product with a store that UNSAFE_STORE names: acknowledge-first or slow-commit. UNSAFE_DELAY_MS: how
/// long a write takes there. For the fault tests alone; see docs/faults.md.
int main(int argc, char** argv) {
  const char* store = std::getenv("UNSAFE_STORE");
  const char* delay = std::getenv("UNSAFE_DELAY_MS");
  std::string kind = store ? store : "";
  auto delay_ms = std::chrono::milliseconds{delay ? std::strtol(delay, nullptr, 10) : 0};
  if ((kind != "acknowledge-first" && kind != "slow-commit") || delay_ms.count() <= 0) {
    std::fprintf(stderr, "beckon-unsafe: set UNSAFE_STORE to acknowledge-first or slow-commit, and "
                         "UNSAFE_DELAY_MS to the milliseconds that a write takes\n");
    return apps::exit_usage;
  }
  actors::additions added;
  added.wrap_store = [=](storage::store_ptr opened) {
    return kind == "slow-commit" ? unsafe::slow_commit(std::move(opened), delay_ms)
                                 : unsafe::acknowledge_first(std::move(opened), delay_ms);
  };
  return apps::run(argc, argv, added);
}
