#define CAF_SUITE decision.ip_range

#include "decision/ip_range.hpp"

#include <caf/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace beckon::decision;

CAF_TEST(ranges hold their addresses and no others) {
  struct row {
    std::string range;
    std::string address;
    bool in;
  };
  std::vector<row> rows = {
      {"10.0.0.0/8", "10.255.1.2", true},
      {"10.0.0.0/8", "11.0.0.0", false},
      {"10.1.2.3/8", "10.9.9.9", true},
      {"192.168.4.0/22", "192.168.7.255", true},
      {"192.168.4.0/22", "192.168.8.0", false},
      {"0.0.0.0/0", "255.255.255.255", true},
      {"0.0.0.0/0", "::1", false},
      {"::/0", "1.2.3.4", false},
      {"::/0", "fe80::1", true},
      {"1.2.3.4", "1.2.3.4", true},
      {"1.2.3.4/32", "1.2.3.5", false},
      {"1.2.3.4/31", "1.2.3.5", true},
      {"2001:db8::/32", "2001:db8:ffff::1", true},
      {"2001:db8::/33", "2001:db8:ffff::1", false},
      {"2001:db8::/127", "2001:db8::1", true},
      {"2001:db8::1", "2001:db8::2", false},
      {"1.2.3.0/24", "::ffff:1.2.3.9", true},
      {"::ffff:1.2.3.0/120", "1.2.3.9", true},
      {"::ffff:1.2.3.0/120", "1.2.4.9", false},
  };
  for (const auto& r : rows) {
    auto range = parse_ip_range(r.range);
    auto address = parse_ip_address(r.address);
    CAF_REQUIRE(range && address);
    if (range->contains(*address) != r.in)
      CAF_ERROR(r.range << " and " << r.address);
  }
}

CAF_TEST(an invalid range or address is refused) {
  using namespace std::string_literals;
  for (const auto& text : {""s, "/8"s, "10.0.0.0/"s, "10.0.0.0/33"s, "10.0.0/8"s, "10.0.0.0/-1"s,
                           "10.0.0.0/08"s, "10.0.0.0/8x"s, "::/129"s, "::ffff:1.2.3.4/95"s, "256.1.1.1"s,
                           "fe80::1%eth0"s, "x"s, "1.2.3.4\0"s, std::string(100, '1')})
    if (parse_ip_range(text))
      CAF_ERROR("accepted: " << text);
  CAF_CHECK(!parse_ip_address("10.0.0.0/8"));
}
