// Any bytes: what decodes is within the bounds and encodes to the same bytes, so that nothing is let in which
// no node writes. The rest is refused with a word for the log.

#include "tests/cluster/wire_samples.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace beckon::cluster;

namespace {

[[noreturn]] void give_up(const char* why, const std::string& detail) {
  std::fprintf(stderr, "%s\n%s\n", why, detail.c_str());
  std::abort();
}

void check_batch(std::string_view input, const wire_bounds& bounds) {
  std::string fault;
  const auto decoded = decode_batch(input, bounds, fault);
  if (decoded.has_value() != fault.empty())
    give_up("a fault is told exactly when there is one", fault);
  if (!decoded)
    return;
  if (input.size() > bounds.batch_bytes_max || decoded->frames.size() > bounds.frames_max)
    give_up("the batch breaks its bounds", samples::describe(*decoded));
  if (samples::encode(*decoded) != input)
    give_up("the batch has a second encoding", samples::describe(*decoded));
}

void check_hello(std::string_view input) {
  std::string fault;
  const auto decoded = decode_hello(input, fault);
  if (decoded.has_value() != fault.empty())
    give_up("a fault is told exactly when there is one", fault);
  if (decoded && encode(*decoded) != input)
    give_up("the hello has a second encoding", decoded->cluster + " " + decoded->name);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  check_batch(input, {});
  wire_bounds narrow;
  narrow.batch_bytes_max = 200;
  narrow.frames_max = 2;
  check_batch(input, narrow);
  check_hello(input);
  return 0;
}
