#include "apps/beckon/app.hpp"
#include "apps/beckon/host/exit_code.hpp"
#include "tests/faults/late_store.hpp"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

using namespace beckon;

/// The product with the store named by UNSAFE_STORE: acknowledge-first, slow-commit or no-fence.
/// UNSAFE_DELAY_MS: the delay of a write. Only for the fault tests; see docs/faults.md.
int main(int argc, char** argv) {
  const char* store = std::getenv("UNSAFE_STORE");
  const char* delay = std::getenv("UNSAFE_DELAY_MS");
  const std::map<std::string, storage::store_ptr (*)(storage::store_ptr, std::chrono::milliseconds)> kinds{
      {"acknowledge-first", unsafe::acknowledge_first},
      {"slow-commit", unsafe::slow_commit},
      {"no-fence", unsafe::no_fence}};
  auto kind = kinds.find(store ? store : "");
  auto delay_ms = std::chrono::milliseconds{delay ? std::strtol(delay, nullptr, 10) : 0};
  if (kind == kinds.end() || delay_ms.count() <= 0) {
    std::fprintf(stderr, "beckon-unsafe: set UNSAFE_STORE to acknowledge-first, slow-commit or no-fence, and "
                         "UNSAFE_DELAY_MS to the milliseconds that a write takes\n");
    return apps::exit_usage;
  }
  actors::additions added;
  added.wrap_store = [make = kind->second, delay_ms](storage::store_ptr opened) {
    return make(std::move(opened), delay_ms);
  };
  return apps::run(argc, argv, added);
}
