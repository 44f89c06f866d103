#define CAF_SUITE net.response_writer

#include "net/response_writer.hpp"

#include <caf/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace beckon;
using namespace beckon::net;
using namespace std::literals;

namespace {

constexpr std::string_view date = "Fri, 20 Nov 2026 10:30:00 GMT";
const std::string common = "Date: Fri, 20 Nov 2026 10:30:00 GMT\r\nServer: beckon\r\n";

response make_response(uint16_t status, std::string body, bool close = false) {
  response r;
  r.status = status;
  r.content_type = "text/plain";
  r.body = std::move(body);
  r.close = close;
  return r;
}

std::string written(const response& r, const framing& f = {}, bool clean = true) {
  std::vector<char> out;
  CAF_CHECK_EQUAL(write_response(out, r, f, date), clean);
  return {out.begin(), out.end()};
}

framing with_version(uint8_t minor, bool keep_alive, bool head = false) {
  framing f;
  f.minor_version = minor;
  f.keep_alive = keep_alive;
  f.head_request = head;
  return f;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

CAF_TEST(a plain answer) {
  framing f;
  f.request_id = "r-1";
  auto r = make_response(200, "hello");
  r.headers.emplace_back("ETag", "\"x\"");
  CAF_CHECK_EQUAL(written(r, f), "HTTP/1.1 200 OK\r\n" + common
                                     + "X-Request-Id: r-1\r\nContent-Type: text/plain\r\nETag: \"x\"\r\n"
                                       "Content-Length: 5\r\n\r\nhello");
}

CAF_TEST(answers are appended) {
  std::vector<char> out;
  const auto one = written(make_response(200, "a"));
  write_response(out, make_response(200, "a"), {}, date);
  write_response(out, make_response(200, "a"), {}, date);
  CAF_CHECK_EQUAL((std::string{out.begin(), out.end()}), one + one);
}

CAF_TEST(head has the length of get and no body) {
  const auto get = written(make_response(200, "hello"));
  CAF_CHECK_EQUAL(written(make_response(200, "hello"), with_version(1, true, true)),
                  get.substr(0, get.size() - 5));
}

CAF_TEST(statuses without body) {
  for (const uint16_t status : {204, 304}) {
    const auto text = written(make_response(status, "must not appear"));
    CAF_CHECK(!has(text, "Content-Length"));
    CAF_CHECK(!has(text, "Content-Type"));
    CAF_CHECK_EQUAL(text.substr(text.size() - 4), "\r\n\r\n");
  }
  CAF_CHECK(has(written(make_response(200, "")), "Content-Length: 0\r\n"));
}

CAF_TEST(connection is said only where it is needed) {
  const auto r = make_response(200, "x");
  CAF_CHECK(!has(written(r, with_version(1, true)), "Connection"));
  CAF_CHECK(has(written(r, with_version(1, false)), "\r\nConnection: close\r\n"));
  CAF_CHECK(!has(written(r, with_version(0, false)), "Connection"));
  CAF_CHECK(has(written(r, with_version(0, true)), "\r\nConnection: keep-alive\r\n"));
  CAF_CHECK(has(written(make_response(200, "x", true)), "\r\nConnection: close\r\n"));
  CAF_CHECK(!has(written(make_response(200, "x", true), with_version(0, true)), "Connection"));
}

CAF_TEST(what would break the header is left out and reported) {
  const std::pair<std::string_view, std::string> rows[] = {
      {"X-A", "b\r\nX-Evil: 1"}, {"X-A", "b\rX-Evil: 1"}, {"X-A", "b\nX-Evil: 1"}, {"X-A", "X-Evil\0"s},
      {"X-A", "X-Evil\x1b"},     {"X-A", "X-Evil\x7f"},   {"X-Evil ", "b"},        {"", "X-Evil"},
      {"X-Evil:", "b"},          {"X\r\nX-Evil", "b"},
  };
  for (const auto& row : rows) {
    auto r = make_response(200, "x");
    r.headers.push_back(row);
    CAF_CHECK_EQUAL(written(r, {}, false), written(make_response(200, "x")));
  }
  for (const auto* own :
       {"Content-Length", "transfer-encoding", "Connection", "Date", "Server", "Content-Type"}) {
    auto r = make_response(200, "x");
    r.headers.emplace_back(own, "1");
    CAF_CHECK_EQUAL(written(r, {}, false), written(make_response(200, "x")));
  }
  framing f;
  f.request_id = "a\r\nb";
  CAF_CHECK_EQUAL(written(make_response(200, "x"), f, false), written(make_response(200, "x")));
  auto bad_type = make_response(200, "x");
  bad_type.content_type = "a\nb";
  CAF_CHECK(!has(written(bad_type, {}, false), "a\nb"));
  CAF_CHECK(has(written(make_response(7, "x"), {}, false), "HTTP/1.1 500 Internal Server Error\r\n"));
}

CAF_TEST(tabs and text beyond ASCII are fine in a value) {
  auto r = make_response(200, "x");
  r.headers.emplace_back("X-A", "b\tc \xc3\xa9");
  CAF_CHECK(has(written(r), "X-A: b\tc \xc3\xa9\r\n"));
}

CAF_TEST(streams) {
  const auto stream = [](const framing& f) {
    std::vector<char> out;
    CAF_CHECK(write_stream_head(out, make_response(200, ""), f, date));
    write_stream_piece(out, "hello", f);
    write_stream_piece(out, "", f);
    write_stream_piece(out, std::string(26, 'x'), f);
    write_stream_end(out, f);
    return std::string{out.begin(), out.end()};
  };
  const auto head = "HTTP/1.1 200 OK\r\n" + common + "Content-Type: text/plain\r\n";
  const auto xs = std::string(26, 'x');
  CAF_CHECK_EQUAL(stream(with_version(1, true)),
                  head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1a\r\n" + xs + "\r\n0\r\n\r\n");
  CAF_CHECK_EQUAL(stream(with_version(1, true, true)), head + "Transfer-Encoding: chunked\r\n\r\n");
  // Without chunks the end of the connection is the end of the body: keep-alive cannot be.
  CAF_CHECK_EQUAL(stream(with_version(0, true)), head + "\r\nhello" + xs);
}

CAF_TEST(dates) {
  CAF_CHECK_EQUAL(format_http_date(1795170600), date);
  CAF_CHECK_EQUAL(format_http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  CAF_CHECK_EQUAL(format_http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  CAF_CHECK_EQUAL(format_http_date(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
  CAF_CHECK_EQUAL(format_http_date(-5), format_http_date(0));
}
