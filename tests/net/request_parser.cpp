#define CAF_SUITE net.request_parser

#include "net/request_parser.hpp"

#include "tests/net/parser_feeding.hpp"
#include "tests/net/usual_options.hpp"

#include <caf/test/unit_test.hpp>

#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace beckon::net;
using state = request_parser::state;

namespace {

/// The one request that `input` is; null and a failed check when it is something else.
std::unique_ptr<request> parse_one(const std::string& input,
                                   const parser_limits& limits = test::usual_limits()) {
  request_parser p{limits};
  const auto n = p.feed(input);
  CAF_REQUIRE_EQUAL(n, input.size());
  CAF_REQUIRE(p.current() == state::complete);
  return p.take();
}

std::string get(const std::string& target, const std::string& fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

std::string path_of(const std::string& target) {
  return parse_one(get(target))->path;
}

const std::string full_post = "POST /v1/decide?x=1&y=%20 HTTP/1.1\r\nHost: Pop.Example:8080\r\n"
                              "Content-Type: application/json\r\nX_Dropped: 1\r\nACCEPT:  a/b \t\r\n"
                              "Content-Length: 11\r\n\r\nhello world";

} // namespace

CAF_TEST(a whole request) {
  const auto r = parse_one(full_post);
  CAF_CHECK(r->method == http_method::post);
  CAF_CHECK_EQUAL(r->minor_version, 1);
  CAF_CHECK_EQUAL(r->keep_alive, true);
  CAF_CHECK_EQUAL(r->path, "/v1/decide");
  CAF_CHECK_EQUAL(r->query, "x=1&y=%20");
  CAF_CHECK_EQUAL(r->host, "pop.example:8080");
  CAF_CHECK_EQUAL(r->body, "hello world");
  CAF_REQUIRE_EQUAL(r->fields.size(), 4u); // without X_Dropped
  CAF_CHECK_EQUAL(std::string{r->fields[0].name}, "host");
  CAF_CHECK_EQUAL(std::string{r->fields[0].value}, "Pop.Example:8080");
  CAF_CHECK_EQUAL(std::string{*r->field("accept")}, "a/b");
  CAF_CHECK(!r->field("x_dropped"));
  CAF_CHECK(!r->field("absent"));
}

CAF_TEST(every method) {
  const std::pair<const char*, http_method> rows[] = {
      {"GET", http_method::get},     {"HEAD", http_method::head},       {"POST", http_method::post},
      {"PUT", http_method::put},     {"PATCH", http_method::patch},     {"DELETE", http_method::del},
      {"TRACE", http_method::trace}, {"OPTIONS", http_method::options}, {"CONNECT", http_method::connect},
      {"get", http_method::unknown}, {"BREW", http_method::unknown},    {"unknown", http_method::unknown},
      {"GETX", http_method::unknown}};
  for (const auto& [name, method] : rows)
    CAF_CHECK(parse_one(std::string{name} + " /x HTTP/1.1\r\nHost: a\r\n\r\n")->method == method);
}

CAF_TEST(paths are decoded and resolved) {
  CAF_CHECK_EQUAL(path_of("/a%20b/%e2%82%ac"), "/a b/\xe2\x82\xac");
  CAF_CHECK_EQUAL(path_of("/a+b"), "/a+b");
  CAF_CHECK_EQUAL(path_of("/a/./b"), "/a/b");
  CAF_CHECK_EQUAL(path_of("/a/../b"), "/b");
  CAF_CHECK_EQUAL(path_of("/a/b/../../c/"), "/c/");
  CAF_CHECK_EQUAL(path_of("/a/."), "/a/");
  CAF_CHECK_EQUAL(path_of("/a/b/.."), "/a/");
  CAF_CHECK_EQUAL(path_of("/a/.."), "/");
  CAF_CHECK_EQUAL(path_of("/."), "/");
  CAF_CHECK_EQUAL(path_of("/%2e/a"), "/a");
  CAF_CHECK_EQUAL(path_of("/a/%2E%2e/b"), "/b");
  CAF_CHECK_EQUAL(path_of("/.a/..b/c.."), "/.a/..b/c..");
  CAF_CHECK_EQUAL(path_of("//a"), "//a");
  CAF_CHECK_EQUAL(path_of("/a%252Fb"), "/a%2Fb"); // decoded once, not twice
  CAF_CHECK_EQUAL(path_of("/a%5Cb"), "/a\\b");
  CAF_CHECK_EQUAL(std::string{parse_one(get("/a?b?c/../d"))->query}, "b?c/../d");
}

CAF_TEST(target forms) {
  const auto absolute = parse_one(get("http://Other.example:81/p?q"));
  CAF_CHECK_EQUAL(absolute->host, "other.example:81");
  CAF_CHECK_EQUAL(absolute->path, "/p");
  CAF_CHECK_EQUAL(absolute->query, "q");
  CAF_CHECK_EQUAL(path_of("http://b"), "/");
  CAF_CHECK_EQUAL(path_of("https://b?q"), "/");
  CAF_CHECK_EQUAL(std::string{parse_one(get("https://b?q"))->query}, "q");
  CAF_CHECK_EQUAL(std::string{parse_one("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")->path}, "*");
  CAF_CHECK_EQUAL(std::string{parse_one("OPTIONS http://b HTTP/1.1\r\nHost: a\r\n\r\n")->path}, "*");
  const auto connect = parse_one("CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n");
  CAF_CHECK_EQUAL(connect->path, "");
  CAF_CHECK_EQUAL(connect->host, "b:443");
}

CAF_TEST(connection and version) {
  const auto keep = [](const std::string& version, const std::string& fields) {
    return parse_one("GET / HTTP/" + version + "\r\nHost: a\r\n" + fields + "\r\n")->keep_alive;
  };
  CAF_CHECK_EQUAL(keep("1.1", ""), true);
  CAF_CHECK_EQUAL(keep("1.1", "Connection: close\r\n"), false);
  CAF_CHECK_EQUAL(keep("1.1", "Connection: x, CLOSE\r\n"), false);
  CAF_CHECK_EQUAL(keep("1.1", "Connection: x\r\nConnection: close\r\n"), false);
  CAF_CHECK_EQUAL(keep("1.1", "Connection: closed\r\n"), true);
  CAF_CHECK_EQUAL(keep("1.0", ""), false);
  CAF_CHECK_EQUAL(keep("1.0", "Connection: Keep-Alive\r\n"), true);
  CAF_CHECK_EQUAL(keep("1.0", "Connection: keep-alive, close\r\n"), false);
  CAF_CHECK_EQUAL(keep("1.0", "Proxy-Connection: keep-alive\r\n"), false);
  CAF_CHECK_EQUAL(keep("1.1", "Connection:\r\n"), true);
  CAF_CHECK_EQUAL(keep("1.1", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n"),
                  true);
  CAF_CHECK_EQUAL(keep("1.2", ""), true);
  CAF_CHECK_EQUAL(+parse_one("GET / HTTP/1.9\r\nHost: a\r\n\r\n")->minor_version, 1);
  CAF_CHECK_EQUAL(+parse_one("GET / HTTP/1.0\r\n\r\n")->minor_version, 0);
  CAF_CHECK_EQUAL(std::string{parse_one("GET / HTTP/1.0\r\n\r\n")->host}, "");
}

CAF_TEST(chunked bodies are decoded and trailers dropped) {
  const auto r = parse_one("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "5;x=\"y;z\"\r\nhello\r\n00B\r\n wide world\r\n0\r\n"
                           "Host: evil\r\nConnection: close\r\nX-Late: 1\r\n\r\n");
  CAF_CHECK_EQUAL(r->body, "hello wide world");
  CAF_CHECK_EQUAL(r->fields.size(), 2u);
  CAF_CHECK_EQUAL(r->host, "a");
  CAF_CHECK_EQUAL(r->keep_alive, true);
  CAF_CHECK(!r->field("x-late"));
}

CAF_TEST(states) {
  request_parser p{test::usual_limits()};
  CAF_CHECK(p.current() == state::idle);
  CAF_CHECK_EQUAL(p.feed(""), 0u);
  CAF_CHECK_EQUAL(p.feed("\r\n"), 2u);
  CAF_CHECK(p.current() == state::idle);
  CAF_CHECK_EQUAL(p.feed("P"), 1u);
  CAF_CHECK(p.current() == state::header);
  p.feed("OST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r");
  CAF_CHECK(p.current() == state::header);
  p.feed("\n");
  CAF_CHECK(p.current() == state::body);
  p.feed("x");
  CAF_CHECK(p.current() == state::body);
  CAF_CHECK_EQUAL(p.feed("yGET"), 1u);
  CAF_CHECK(p.current() == state::complete);
  CAF_CHECK_EQUAL(std::string{p.take()->body}, "xy");
  CAF_CHECK(p.current() == state::idle);
}

CAF_TEST(pipelined requests are taken one by one) {
  std::string input;
  for (int i = 0; i < 3; ++i)
    input += get("/" + std::to_string(i)) + full_post;
  request_parser p{test::usual_limits()};
  std::string_view left = input;
  for (int i = 0; i < 6; ++i) {
    left.remove_prefix(p.feed(left));
    CAF_REQUIRE(p.current() == state::complete);
    const auto r = p.take();
    CAF_CHECK_EQUAL(r->path, i % 2 == 0 ? "/" + std::to_string(i / 2) : "/v1/decide");
  }
  CAF_CHECK(left.empty());
}

CAF_TEST(expect continue) {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n";
  request_parser waiting{test::usual_limits()};
  waiting.feed(head.substr(0, head.size() - 1));
  CAF_CHECK_EQUAL(waiting.take_expect_continue(), false); // the header is not through
  waiting.feed("\n");
  CAF_CHECK_EQUAL(waiting.take_expect_continue(), true);
  CAF_CHECK_EQUAL(waiting.take_expect_continue(), false); // once
  waiting.feed("ab");
  CAF_CHECK(waiting.current() == state::complete);
  request_parser eager{test::usual_limits()};
  eager.feed(head + "a");
  CAF_CHECK_EQUAL(eager.take_expect_continue(), false); // it does not wait
  request_parser old{test::usual_limits()};
  old.feed("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CAF_CHECK_EQUAL(old.take_expect_continue(), false); // HTTP/1.0 knows no 100
  request_parser chunked{test::usual_limits()};
  chunked.feed("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
  CAF_CHECK_EQUAL(chunked.take_expect_continue(), true);
  parser_limits small = test::usual_limits();
  small.body_bytes_max = 1;
  request_parser refused{small};
  refused.feed(head);
  CAF_CHECK(refused.current() == state::failed);
  CAF_CHECK_EQUAL(refused.failure().status, 413);
  CAF_CHECK_EQUAL(refused.take_expect_continue(), false);
}

CAF_TEST(refusals come early) {
  const std::pair<const char*, const char*> rows[] = {
      {"\x16", "binary"},
      {"GET / HTTP/1.1\r\nHost: a\r\nA ", "space before the colon"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n", "second Host"},
      {"POST / HTTP/1.1\r\nContent-Length: +\r\n", "bad length"},
      {"GET /%zz HTTP/1.1\r\n", "bad escape"},
      {"GET / HTTP/1.1X", "long version"},
  };
  for (const auto& [input, name] : rows) {
    CAF_MESSAGE(name);
    request_parser p{test::usual_limits()};
    p.feed(input);
    CAF_CHECK(p.current() == state::failed);
  }
}

CAF_TEST(a failure names the line) {
  request_parser p{test::usual_limits()};
  p.feed("GET / HTTP/1.1\r\nHost: a\r\nBad name: x\r\n");
  CAF_REQUIRE(p.current() == state::failed);
  CAF_CHECK_EQUAL(p.failure().status, 400);
  CAF_CHECK_EQUAL(p.failure().detail.rfind("Header line 2: ", 0), 0u);
}

CAF_TEST(memory follows what was sent and stays within the limit) {
  parser_limits l = test::usual_limits();
  const size_t bytes = 1000000;
  request_parser p{l};
  p.feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n");
  const std::string piece(1000, 'x');
  for (size_t sent = 0; sent < bytes; sent += piece.size())
    p.feed(piece);
  CAF_REQUIRE(p.current() == state::complete);
  const auto r = p.take();
  CAF_CHECK_EQUAL(r->body.size(), bytes);
  CAF_CHECK_LESS_OR_EQUAL(r->body.capacity(), bytes);
}

CAF_TEST(a parser can be moved in the middle) {
  request_parser a{test::usual_limits()};
  a.feed(full_post.substr(0, 40));
  request_parser b{std::move(a)};
  request_parser c{test::usual_limits()};
  c = std::move(b);
  c.feed(full_post.substr(40));
  CAF_REQUIRE(c.current() == state::complete);
  CAF_CHECK_EQUAL(test::describe(*c.take()), test::describe(*parse_one(full_post)));
}

CAF_TEST(every split gives the same outcome) {
  std::vector<std::string> inputs = {
      full_post,
      get("/a") + full_post + get("/b", "Connection: close\r\n"),
      "\r\n" + get("/a") + "\r\n\r\n" + get("/b"),
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1A\r\n"
      "abcdefghijklmnopqrstuvwxyz\r\n0;z\r\nA: b\r\nC: d\r\n\r\n"
          + get("/next"),
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r0\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n",
      "GET / HTTP/1.2\r\nHost: a\r\nX: y\r\n\r\nGET / HTTP/2.0\r\n",
      get("/" + std::string(9000, 'a')),
      get("/", "A: " + std::string(17000, 'a') + "\r\n"),
  };
  std::mt19937 random{20261120};
  for (const auto& input : inputs) {
    const auto whole = test::parse_whole(input);
    CAF_CHECK_EQUAL(whole.find("BROKEN"), std::string::npos);
    CAF_CHECK_EQUAL(test::parse_bytewise(input), whole);
    for (int round = 0; round < 200; ++round) {
      const size_t most = 1 + random() % (round % 2 == 0 ? 8 : 400);
      const auto split =
          test::parse_stream(input, test::usual_limits(), [&](size_t) { return 1 + random() % most; });
      CAF_CHECK_EQUAL(split, whole);
    }
    for (size_t at = 1; at < std::min<size_t>(input.size(), 600); ++at) {
      bool first = true;
      CAF_CHECK_EQUAL(
          test::parse_stream(input, test::usual_limits(),
                             [&](size_t left) { return std::exchange(first, false) ? at : left; }),
          whole);
    }
  }
}
