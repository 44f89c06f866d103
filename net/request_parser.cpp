#include "net/request_parser.hpp"

#include "net/char_class.hpp"
#include "net/head_check.hpp"

#include <boost/beast/http/basic_parser.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <limits>
#include <optional>

namespace beckon::net {

namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using view = boost::beast::string_view;

constexpr size_t empty_lines_max = 2; // some clients send one after a body

/// Makes room for `more` bytes by doubling, but never for more than `bytes_max` in total. A string's own
/// growth, even in reserve(), would overshoot the limit by up to a factor of two; only a fresh string takes
/// exactly the requested size.
void make_room(std::string& text, size_t more, size_t bytes_max) {
  const auto needed = text.size() + more;
  if (needed <= text.capacity())
    return;
  std::string larger;
  larger.reserve(std::max(needed, std::min(2 * text.capacity(), bytes_max)));
  larger.append(text);
  text.swap(larger);
}

/// Receives what Boost.Beast parses and puts it into a request.
class library_parser final : public http::basic_parser<true> {
 public:
  library_parser(request& out, const parser_limits& limits)
      : out_(out), body_bytes_max_(limits.body_bytes_max) {
    // Strict checks run before; these limits only must not interfere.
    header_limit(
        static_cast<uint32_t>(std::min<size_t>(out.head.size() + 1, std::numeric_limits<uint32_t>::max())));
    body_limit(limits.body_bytes_max);
  }

  /// Takes all of `bytes`, or reports that something is left.
  bool put_all(std::string_view bytes) {
    error_code ec;
    while (!bytes.empty()) {
      const auto n = put(boost::asio::const_buffer{bytes.data(), bytes.size()}, ec);
      if (ec || n == 0)
        return false;
      bytes.remove_prefix(n);
    }
    return true;
  }

 private:
  void on_request_impl(http::verb, view, view, int, error_code&) override {}

  void on_response_impl(int, view, int, error_code&) override {}

  void on_field_impl(http::field, view name, view value, error_code&) override {
    const auto at = static_cast<size_t>(name.data() - out_.head.data());
    bool underscore = false;
    for (size_t i = at; i < at + name.size(); ++i) {
      out_.head[i] = lower(out_.head[i]);
      underscore = underscore || out_.head[i] == '_';
    }
    if (!underscore) // servers behind CGI-like gateways read "_" as "-", which would bypass a proxy's rules
      out_.fields.push_back({{name.data(), name.size()}, {value.data(), value.size()}});
  }

  void on_header_impl(error_code&) override {}

  void on_body_init_impl(const boost::optional<uint64_t>& length, error_code&) override {
    if (length)
      body_bytes_max_ = static_cast<size_t>(*length);
  }

  size_t on_body_impl(view bytes, error_code&) override { return append(bytes); }

  void on_chunk_header_impl(uint64_t, view, error_code&) override {}

  size_t on_chunk_body_impl(uint64_t, view bytes, error_code&) override { return append(bytes); }

  void on_finish_impl(error_code&) override {}

  size_t append(view bytes) {
    make_room(out_.body, bytes.size(), body_bytes_max_);
    out_.body.append(bytes.data(), bytes.size());
    return bytes.size();
  }

  request& out_;
  size_t body_bytes_max_; // the announced length, or the limit
};

} // namespace

class request_parser::impl {
 public:
  explicit impl(const parser_limits& limits) : limits_(limits), head_(limits_), chunks_(limits_) {
    // nop
  }

  size_t feed(std::string_view bytes);

  state current() const { return state_; }
  size_t consumed_bytes() const { return consumed_; }
  size_t body_bytes() const { return request_ ? request_->body.size() : 0; }
  uint64_t body_bytes_expected() const { return body_left_; }
  const parse_failure& failure() const { return failure_; }
  bool take_expect_continue();
  std::unique_ptr<request> take() { return std::move(request_); }

 private:
  size_t skip_empty_lines(std::string_view bytes);
  size_t read_head(std::string_view bytes);
  void accept_head();
  size_t read_body(std::string_view bytes);
  size_t read_chunks(std::string_view bytes);
  bool put_chunk_size(uint64_t size);
  void fail(parse_failure why);
  void fail_in_library();

  const parser_limits limits_;
  size_t consumed_ = 0;
  std::unique_ptr<request> request_;
  std::optional<library_parser> library_;
  head_check head_;
  chunk_check chunks_;
  uint64_t body_left_ = 0; // with Content-Length
  parse_failure failure_;
  state state_ = state::idle;
  uint8_t empty_lines_ = 0;
  bool half_empty_line_ = false; // its carriage return was seen
  bool first_chunk_ = true;
  bool expect_continue_ = false;
};

void request_parser::impl::fail(parse_failure why) {
  failure_ = std::move(why);
  state_ = state::failed;
  library_.reset();
  request_.reset();
}

void request_parser::impl::fail_in_library() {
  fail({400, "The request is not well-formed HTTP/1.1."});
}

size_t request_parser::impl::feed(std::string_view bytes) {
  size_t pos = 0;
  if (state_ == state::idle)
    pos = skip_empty_lines(bytes);
  if (state_ == state::header && pos < bytes.size())
    pos += read_head(bytes.substr(pos));
  if (state_ == state::body && pos < bytes.size())
    pos += head_.chunked() ? read_chunks(bytes.substr(pos)) : read_body(bytes.substr(pos));
  consumed_ += pos;
  return pos;
}

size_t request_parser::impl::skip_empty_lines(std::string_view bytes) {
  size_t pos = 0;
  for (; pos < bytes.size(); ++pos) {
    const char c = bytes[pos];
    if (half_empty_line_ ? c != '\n' : c == '\n') {
      fail({400, "An empty line before the request line must be CR LF."});
      return pos + 1;
    }
    if (!half_empty_line_ && c != '\r') {
      state_ = state::header;
      request_ = std::make_unique<request>();
      return pos;
    }
    half_empty_line_ = !half_empty_line_;
    if (c == '\n' && ++empty_lines_ > empty_lines_max) {
      fail({400,
            "More than " + std::to_string(empty_lines_max) + " empty lines stand before the request line."});
      return pos + 1;
    }
  }
  return pos;
}

size_t request_parser::impl::read_head(std::string_view bytes) {
  auto& head = request_->head;
  const auto before = head.size();
  // Check a header that arrives in one piece in place, and copy it once at its exact size. Otherwise collect
  // as much as the check could need.
  const auto collected_max = std::max(limits_.header_bytes_max, limits_.request_line_bytes_max) + 4;
  if (before > 0) {
    const auto more = bytes.substr(0, collected_max - before);
    make_room(head, more.size(), collected_max);
    head.append(more);
  }
  const auto verdict = head_.scan(before > 0 ? std::string_view{head} : bytes);
  const auto end = head_.position();
  if (verdict == head_check::verdict::refused) {
    fail(head_.failure());
    return end - before;
  }
  if (before > 0)
    head.resize(end);
  else
    head.assign(bytes.data(), end);
  if (verdict == head_check::verdict::accepted)
    accept_head();
  return end - before;
}

void request_parser::impl::accept_head() {
  auto& r = *request_;
  r.method = head_.method();
  r.minor_version = head_.minor_version();
  r.keep_alive = head_.keep_alive();
  r.path = std::move(head_.target().path);
  r.query = std::move(head_.target().query);
  r.host = std::move(head_.target().host);
  if (r.host.empty()) {
    r.host = head_.host(r.head);
    for (auto& c : r.host)
      c = lower(c);
  }
  // A later minor version must be read as the latest known one (RFC 9110, 2.5); the library does not do this.
  r.head[head_.minor_version_at()] = static_cast<char>('0' + r.minor_version);
  r.fields.reserve(head_.fields());
  library_.emplace(r, limits_);
  if (!library_->put_all(r.head) || !library_->is_header_done())
    return fail_in_library();
  body_left_ = head_.content_length();
  const bool has_body = head_.chunked() || body_left_ > 0;
  if (has_body == library_->is_done() || head_.chunked() != library_->chunked())
    return fail_in_library();
  state_ = has_body ? state::body : state::complete;
  expect_continue_ = head_.expect_continue();
}

size_t request_parser::impl::read_body(std::string_view bytes) {
  expect_continue_ = false; // a client that already sends its body is not waiting
  const auto n = static_cast<size_t>(std::min<uint64_t>(bytes.size(), body_left_));
  body_left_ -= n;
  if (!library_->put_all(bytes.substr(0, n)) || library_->is_done() != (body_left_ == 0))
    fail_in_library();
  else if (body_left_ == 0)
    state_ = state::complete;
  return n;
}

bool request_parser::impl::put_chunk_size(uint64_t size) {
  // The library gets each chunk's size in its plainest form, without extensions and trailers, so that nothing
  // ambiguous reaches it. The CR LF after the data of the previous chunk belongs to this line.
  std::array<char, 32> line{'\r', '\n'};
  auto* const digits = line.data() + 2;
  auto* end = std::to_chars(digits, line.data() + line.size(), size, 16).ptr;
  for (const char c : std::string_view{size == 0 ? "\r\n\r\n" : "\r\n"})
    *end++ = c;
  const auto* const begin = first_chunk_ ? digits : line.data();
  first_chunk_ = false;
  return library_->put_all({begin, static_cast<size_t>(end - begin)});
}

size_t request_parser::impl::read_chunks(std::string_view bytes) {
  expect_continue_ = false;
  size_t pos = 0;
  while (state_ == state::body) {
    const auto got = chunks_.next(bytes, pos);
    bool taken = true;
    switch (got.what) {
    case chunk_check::kind::more:
      return pos;
    case chunk_check::kind::refused:
      fail(chunks_.failure());
      return pos;
    case chunk_check::kind::size:
      taken = put_chunk_size(got.size);
      break;
    case chunk_check::kind::data:
      taken = library_->put_all(got.data);
      break;
    case chunk_check::kind::end:
      taken = put_chunk_size(0) && library_->is_done();
      state_ = state::complete;
      break;
    }
    if (!taken)
      fail_in_library();
  }
  return pos;
}

bool request_parser::impl::take_expect_continue() {
  const bool result = expect_continue_ && state_ == state::body;
  expect_continue_ = false;
  return result;
}

// -- the parser itself --------------------------------------------------------

request_parser::request_parser(const parser_limits& limits) : limits_(limits) {
  // nop
}

request_parser::~request_parser() = default;
request_parser::request_parser(request_parser&&) noexcept = default;
request_parser& request_parser::operator=(request_parser&&) noexcept = default;

size_t request_parser::feed(std::string_view bytes) {
  if (bytes.empty())
    return 0;
  if (!impl_)
    impl_ = std::make_unique<impl>(limits_);
  return impl_->feed(bytes);
}

request_parser::state request_parser::current() const {
  return impl_ ? impl_->current() : state::idle;
}

size_t request_parser::consumed_bytes() const {
  return impl_ ? impl_->consumed_bytes() : 0;
}

size_t request_parser::body_bytes() const {
  return impl_ ? impl_->body_bytes() : 0;
}

uint64_t request_parser::body_bytes_expected() const {
  return impl_ ? impl_->body_bytes_expected() : 0;
}

bool request_parser::take_expect_continue() {
  return impl_ && impl_->take_expect_continue();
}

const parse_failure& request_parser::failure() const {
  assert(current() == state::failed);
  return impl_->failure();
}

std::unique_ptr<request> request_parser::take() {
  assert(current() == state::complete);
  auto result = impl_->take();
  impl_.reset(); // small enough to be made anew for each request
  return result;
}

} // namespace beckon::net
