#define CAF_SUITE base.address_text

#include "base/address_text.hpp"

#include <caf/test/unit_test.hpp>

using namespace beckon::base;

CAF_TEST(loopback addresses are told from others) {
  for (auto text : {"127.0.0.1", "127.255.0.9", "::1"})
    CAF_CHECK(kind_of_address(text) == address_kind::loopback);
  for (auto text : {"0.0.0.0", "128.0.0.1", "10.0.0.1", "::", "::ffff:127.0.0.1", "fe80::1"})
    CAF_CHECK(kind_of_address(text) == address_kind::other);
  for (auto text : {"", "localhost", "127.0.0", "127.0.0.1:80", "[::1]"})
    CAF_CHECK(kind_of_address(text) == address_kind::none);
}

CAF_TEST(a port stands behind brackets only where the host has colons) {
  CAF_CHECK_EQUAL(host_and_port("db1", 3306), "db1:3306");
  CAF_CHECK_EQUAL(host_and_port("127.0.0.1", 80), "127.0.0.1:80");
  CAF_CHECK_EQUAL(host_and_port("::1", 80), "[::1]:80");
}
