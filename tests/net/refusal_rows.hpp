#pragma once

// Tables of byte streams and the status that each must get. Include it behind the definition of CAF_SUITE.

#include "tests/net/parser_feeding.hpp"
#include "tests/net/usual_options.hpp"

#include <caf/test/unit_test.hpp>

#include <string>
#include <vector>

namespace beckon::net::test {

struct row {
  const char* name;
  uint16_t status; // 0: accepted
  std::string input;
};

/// The status with which the stream is refused, or 0 when each request of it was accepted.
inline uint16_t status_of(const std::string& outcome) {
  const auto at = outcome.rfind("failed ");
  return at == std::string::npos ? 0 : static_cast<uint16_t>(std::stoi(outcome.substr(at + 7)));
}

// Not shared between the suites: the test macros may name their own.
static inline void check(const std::vector<row>& rows, const parser_limits& limits = test::usual_limits()) {
  for (const auto& r : rows) {
    const auto whole = parse_whole(r.input, limits);
    CAF_MESSAGE(r.name);
    CAF_CHECK_EQUAL(status_of(whole), r.status);
    CAF_CHECK_EQUAL(parse_bytewise(r.input, limits), whole);
    CAF_CHECK_EQUAL(whole.find("BROKEN"), std::string::npos);
    const bool settled = r.status != 0 || whole.find("idle at ") != std::string::npos;
    CAF_CHECK(settled);
  }
}

inline std::string get(const std::string& fields, const std::string& target = "/") {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

inline std::string post(const std::string& fields, const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body;
}

inline std::string chunks(const std::string& body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}

} // namespace beckon::net::test
