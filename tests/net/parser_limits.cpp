// The limits that the parser keeps, each at its bound and one beyond.

#define CAF_SUITE net.parser_limits

#include "tests/net/refusal_rows.hpp"
#include "tests/net/usual_options.hpp"

#include <caf/test/unit_test.hpp>

#include <string>

using namespace beckon::net;
using namespace beckon::net::test;

CAF_TEST(limits) {
  parser_limits l = test::usual_limits();
  l.request_line_bytes_max = 32;
  l.header_bytes_max = 128;
  l.header_fields_max = 4;
  l.body_bytes_max = 10;
  l.chunk_extension_bytes_max = 8;
  // "GET  HTTP/1.1" takes 13 bytes of the request line, "Host: a\r\n" with the rest 28 of the header.
  const auto target = [](size_t n) { return "/" + std::string(n - 1, 'a'); };
  const auto value = [](size_t n) { return "A: " + std::string(n, 'b') + "\r\n"; };
  check(
      {
          {"request line at its limit", 0, get("", target(19))},
          {"request line above", 414, get("", target(20))},
          {"request line without end", 414, "GET /" + std::string(28, 'a')},
          {"method without end", 414, std::string(33, 'A')},
          {"header at its limit", 0, get(value(128 - 27 - 5))},
          {"header above", 431, get(value(128 - 27 - 4))},
          {"header without end", 431, "GET / HTTP/1.1\r\nA: " + std::string(128, 'b')},
          {"name without end", 431, "GET / HTTP/1.1\r\n" + std::string(128, 'b')},
          {"fields at their limit", 0, get("A:\r\nB:\r\nC:\r\n")},
          {"fields above", 431, get("A:\r\nB:\r\nC:\r\nD:\r\n")},
          {"dropped fields count", 431, get("A_:\r\nB_:\r\nC_:\r\nD_:\r\n")},
          {"body at its limit", 0, post("Content-Length: 10\r\n", "0123456789")},
          {"body above, before any byte of it", 413, post("Content-Length: 11\r\n", "")},
          {"body above, with Expect", 413, post("Content-Length: 11\r\nExpect: 100-continue\r\n", "")},
          {"chunked body at its limit", 0, chunks("5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n")},
          {"chunked body above", 413, chunks("5\r\nhello\r\n6\r\n")},
          {"extension at its limit", 0, chunks("0;12345678\r\n\r\n")},
          {"extension above", 400, chunks("0;123456789\r\n\r\n")},
          {"extension without end", 400, chunks("0;123456789")},
          {"trailer at its limit", 0, chunks("0\r\n" + value(128 - 2 - 5) + "\r\n")},
          {"trailer above", 431, chunks("0\r\n" + value(128 - 2 - 4) + "\r\n")},
          {"trailer without end", 431, chunks("0\r\n" + std::string(129, 'a'))},
          {"trailer fields above", 431, chunks("0\r\nA:\r\nB:\r\nC:\r\nD:\r\nE:\r\n\r\n")},
      },
      l);
}

CAF_TEST(many small extensions) {
  // Each is within its own bound; together they are a flood.
  parser_limits l = test::usual_limits();
  l.header_bytes_max = 200;
  std::string body;
  for (int i = 0; i < 30; ++i)
    body += "1;abcdefghi\r\nx\r\n";
  check({{"extension flood", 400, chunks(body + "0\r\n\r\n")}}, l);
}

CAF_TEST(defaults of the limits) {
  check({
      {"request line of 8 KiB", 0, get("", "/" + std::string(8192 - 14, 'a'))},
      {"request line above 8 KiB", 414, get("", "/" + std::string(8192 - 13, 'a'))},
      {"header block above 16 KiB", 431, get("A: " + std::string(16384, 'b') + "\r\n")},
      {"body above 1 MiB", 413, post("Content-Length: 1048577\r\n", "")},
  });
  std::string fields;
  for (int i = 0; i < 99; ++i)
    fields += "A: b\r\n";
  check({{"100 fields", 0, get(fields)}, {"101 fields", 431, get(fields + "A: b\r\n")}});
}
