// Any bytes, in any split: the parser keeps its contract, holds no more than its limits allow, and comes to
// the same outcome as for the whole input at once. The first input byte chooses limits and split, the rest is
// the stream.

#include "tests/net/parser_feeding.hpp"
#include "tests/net/usual_options.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace beckon::net;

namespace {

parser_limits choose_limits(uint8_t choice) {
  parser_limits l = test::usual_limits();
  if ((choice & 1) != 0) {
    l.request_line_bytes_max = 64;
    l.header_bytes_max = 256;
    l.header_fields_max = 5;
    l.body_bytes_max = 40;
    l.chunk_extension_bytes_max = 8;
  }
  if ((choice & 2) != 0)
    l.header_bytes_max = 48; // less than a request line may have
  return l;
}

[[noreturn]] void give_up(const char* why, const std::string& a, const std::string& b) {
  std::fprintf(stderr, "%s\n--- whole\n%s\n--- split\n%s\n", why, a.c_str(), b.c_str());
  std::abort();
}

void check_sizes(std::string_view input, const parser_limits& limits) {
  request_parser parser{limits};
  while (!input.empty() && parser.current() != request_parser::state::failed) {
    input.remove_prefix(parser.feed(input));
    if (parser.current() != request_parser::state::complete)
      continue;
    const auto r = parser.take();
    const bool fits = r->head.size() <= limits.header_bytes_max + 2 && r->body.size() <= limits.body_bytes_max
                      && r->fields.size() <= limits.header_fields_max;
    if (!fits || r->path.find('\0') != std::string::npos)
      give_up("a request breaks its bounds", test::describe(*r), {});
    const std::string_view head = r->head;
    for (const auto& f : r->fields)
      if (f.name.data() < head.data() || f.value.data() + f.value.size() > head.data() + head.size()
          || f.name.empty() || f.name.find('_') != std::string_view::npos)
        give_up("a field does not lie within the head", test::describe(*r), {});
    parse_query(r->query);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0)
    return 0;
  const auto choice = data[0];
  const std::string_view input{reinterpret_cast<const char*>(data) + 1, size - 1};
  const auto limits = choose_limits(choice);
  bool broken = false;
  const auto whole = test::parse_stream(
      input, limits, [](size_t left) { return left; }, &broken);
  const auto bytewise = test::parse_stream(
      input, limits, [](size_t) { return size_t{1}; }, &broken);
  uint32_t random = choice;
  const auto next_random = [&random](size_t) {
    random = random * 1664525U + 1013904223U;
    return size_t{1} + (random >> 16) % 29;
  };
  const auto split = test::parse_stream(input, limits, next_random, &broken);
  if (broken || bytewise != whole)
    give_up("byte by byte is not as whole", whole, bytewise);
  if (split != whole)
    give_up("a split is not as whole", whole, split);
  check_sizes(input, limits);
  return 0;
}
