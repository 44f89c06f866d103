#define CAF_SUITE load.http_answer

#include "bench/load/http_answer.hpp"

#include <caf/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace beckon::load;
using state = answer_parser::state;

namespace {

constexpr std::string_view fixed =
    "HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\nRetry-After: 7\r\n\r\nhello";
constexpr std::string_view chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                     "5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nTrailer: 1\r\n\r\n";

state fed(answer_parser& p, std::string_view text) {
  p.reset();
  return p.feed(text);
}

state refused(std::string_view text) {
  answer_parser p{100};
  auto result = fed(p, text);
  CAF_CHECK_EQUAL(p.problem().empty(), result != state::bad);
  return result;
}

} // namespace

CAF_TEST(an answer is the same however its bytes arrive) {
  struct row {
    std::string_view text;
    int status;
    std::string_view body;
  };
  for (const auto& r : std::vector<row>{{fixed, 202, "hello"}, {chunked, 200, "hello!"}}) {
    for (size_t piece = 1; piece <= r.text.size(); ++piece) {
      answer_parser p;
      p.reset();
      auto last = state::more;
      for (size_t at = 0; at < r.text.size(); at += piece) {
        CAF_REQUIRE(last == state::more);
        last = p.feed(r.text.substr(at, piece));
      }
      CAF_CHECK(last == state::done);
      CAF_CHECK_EQUAL(p.status(), r.status);
      CAF_CHECK_EQUAL(p.body(), r.body);
      CAF_CHECK(p.keep_alive());
    }
  }
}

CAF_TEST(fields are read without regard to case) {
  answer_parser p;
  CAF_CHECK(fed(p, "HTTP/1.1 503 No\r\ncOnnection: Close\r\nretry-AFTER:  12 \r\ncontent-length:0\r\n\r\n")
            == state::done);
  CAF_CHECK_EQUAL(p.status(), 503);
  CAF_CHECK_EQUAL(p.retry_after_s(), 12u);
  CAF_CHECK(!p.keep_alive());
}

CAF_TEST(interim answers are skipped) {
  answer_parser p;
  CAF_CHECK(fed(p, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n") == state::done);
  CAF_CHECK_EQUAL(p.status(), 204);
}

CAF_TEST(without a length the end of the connection is the end) {
  answer_parser p;
  CAF_CHECK(fed(p, "HTTP/1.1 200 OK\r\n\r\nabc") == state::more);
  CAF_CHECK(p.end() == state::done);
  CAF_CHECK_EQUAL(p.body(), "abc");
  CAF_CHECK(!p.keep_alive());
}

CAF_TEST(an end in the middle is no answer) {
  answer_parser p;
  for (size_t bytes = 0; bytes < fixed.size(); ++bytes) {
    CAF_CHECK(fed(p, fixed.substr(0, bytes)) == state::more);
    CAF_CHECK(p.end() == state::bad);
    CAF_CHECK_EQUAL(p.begun(), bytes > 0);
  }
}

CAF_TEST(malformed answers are refused) {
  for (std::string_view text :
       {"HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 999 X\r\n\r\n", "hello\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nspace : 1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx"})
    CAF_CHECK(refused(text) == state::bad);
}

CAF_TEST(bounds hold) {
  CAF_CHECK(refused("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'a')) == state::bad);
  CAF_CHECK(refused("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" + std::string(101, 'a')) == state::bad);
  CAF_CHECK(refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(300, '1'))
            == state::bad);
  answer_parser p{100};
  CAF_CHECK(fed(p, "HTTP/1.1 200 OK\r\nContent-Length: 150\r\n\r\n" + std::string(80, 'a')) == state::more);
  CAF_CHECK_EQUAL(p.take_body().size(), 80u);
  CAF_CHECK(p.feed(std::string(70, 'b')) == state::done);
  CAF_CHECK_EQUAL(p.body(), std::string(70, 'b'));
}
