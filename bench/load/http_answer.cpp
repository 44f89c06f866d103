#include "bench/load/http_answer.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace beckon::load {

namespace {

constexpr size_t line_bytes_max = 256; // of a chunk's size or a trailer field

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool same(std::string_view a, std::string_view lower_case) {
  return a.size() == lower_case.size()
         && std::equal(a.begin(), a.end(), lower_case.begin(), [](char x, char y) { return lower(x) == y; });
}

std::string_view trimmed(std::string_view text) {
  auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_space(text.back()))
    text.remove_suffix(1);
  return text;
}

template <class Number>
bool read_number(std::string_view text, Number& out, int base = 10) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return !text.empty() && error == std::errc{} && end == text.data() + text.size();
}

} // namespace

void answer_parser::reset() {
  part_ = part::head;
  buffer_.clear();
  body_.clear();
  problem_.clear();
  at_ = 0;
  left_ = 0;
  status_ = 0;
  retry_after_s_ = 0;
  begun_ = has_length_ = chunked_ = false;
  keep_alive_ = true;
}

std::string answer_parser::take_body() {
  return std::exchange(body_, {});
}

answer_parser::state answer_parser::bad(std::string_view why) {
  problem_ = why;
  return state::bad;
}

answer_parser::state answer_parser::feed(std::string_view data) {
  begun_ = begun_ || !data.empty();
  buffer_.erase(0, at_);
  at_ = 0;
  buffer_.append(data);
  return part_ == part::head ? feed_head() : feed_body();
}

answer_parser::state answer_parser::end() {
  if (part_ == part::until_end)
    return finish();
  return bad(begun_ ? cut : std::string_view{"the connection ended without an answer"});
}

answer_parser::state answer_parser::feed_head() {
  for (;;) {
    auto rest = std::string_view{buffer_}.substr(at_);
    auto end = rest.find("\r\n\r\n");
    if (end == std::string_view::npos)
      return rest.size() > head_bytes_max ? bad("the header fields are longer than 16 KiB") : state::more;
    if (end > head_bytes_max)
      return bad("the header fields are longer than 16 KiB");
    if (auto result = read_head(rest.substr(0, end)); result == state::bad)
      return result;
    at_ += end + 4;
    if (status_ >= 200)
      return begin_body();
  }
}

bool answer_parser::read_status_line(std::string_view line) {
  if (line.size() < 12 || line.substr(0, 9) != "HTTP/1.1 " || (line.size() > 12 && line[12] != ' '))
    return false;
  return read_number(line.substr(9, 3), status_) && status_ >= 100 && status_ <= 599;
}

answer_parser::state answer_parser::read_head(std::string_view head) {
  auto line_end = std::min(head.find("\r\n"), head.size());
  if (!read_status_line(head.substr(0, line_end)))
    return bad("no HTTP/1.1 status line");
  head.remove_prefix(line_end);
  while (!head.empty()) {
    head.remove_prefix(2);
    line_end = std::min(head.find("\r\n"), head.size());
    auto line = head.substr(0, line_end);
    auto colon = line.find(':');
    if (colon == 0 || colon == std::string_view::npos || line[colon - 1] == ' ' || line.front() == ' ')
      return bad("a header field is malformed");
    if (!read_field(line.substr(0, colon), trimmed(line.substr(colon + 1))))
      return bad("Content-Length or Transfer-Encoding cannot be understood, or stand together");
    head.remove_prefix(line_end);
  }
  return state::more;
}

bool answer_parser::read_field(std::string_view name, std::string_view value) {
  if (same(name, "content-length")) {
    if (has_length_ || chunked_)
      return false;
    has_length_ = true;
    return read_number(value, left_);
  }
  if (same(name, "transfer-encoding")) {
    if (has_length_ || chunked_)
      return false;
    chunked_ = true;
    return same(value, "chunked");
  }
  if (same(name, "connection"))
    keep_alive_ = !same(value, "close");
  else if (same(name, "retry-after") && !read_number(value, retry_after_s_))
    retry_after_s_ = 0;
  return true;
}

answer_parser::state answer_parser::begin_body() {
  if (status_ == 204 || status_ == 304)
    return finish();
  part_ = chunked_ ? part::chunk_size : has_length_ ? part::body : part::until_end;
  keep_alive_ = keep_alive_ && part_ != part::until_end;
  return feed_body();
}

bool answer_parser::keep(size_t bytes) {
  if (bytes > body_bytes_max_ - std::min(body_bytes_max_, body_.size()))
    return false;
  body_.append(buffer_, at_, bytes);
  at_ += bytes;
  return true;
}

answer_parser::state answer_parser::feed_body() {
  constexpr std::string_view too_large = "the body is larger than expected here";
  auto have = buffer_.size() - at_;
  switch (part_) {
  case part::until_end:
    return keep(have) ? state::more : bad(too_large);
  case part::body: {
    auto bytes = std::min<uint64_t>(have, left_);
    if (!keep(bytes))
      return bad(too_large);
    left_ -= bytes;
    return left_ == 0 ? finish() : state::more;
  }
  default:
    return feed_chunked();
  }
}

bool answer_parser::take_line(std::string_view& line) {
  auto rest = std::string_view{buffer_}.substr(at_);
  auto end = rest.find("\r\n");
  if (end == std::string_view::npos)
    return false;
  line = rest.substr(0, end);
  at_ += end + 2;
  return true;
}

answer_parser::state answer_parser::feed_chunked() {
  for (;;) {
    if (part_ == part::chunk) {
      auto bytes = std::min<uint64_t>(buffer_.size() - at_, left_);
      if (!keep(bytes))
        return bad("the body is larger than expected here");
      left_ -= bytes;
      if (left_ > 0)
        return state::more;
      part_ = part::chunk_end;
    }
    std::string_view line;
    if (!take_line(line))
      return buffer_.size() - at_ > line_bytes_max ? bad("a line of the chunked body is too long")
                                                   : state::more;
    if (part_ == part::chunk_size) {
      if (!read_number(line.substr(0, line.find(';')), left_, 16))
        return bad("the size of a chunk is no number");
      part_ = left_ == 0 ? part::trailer : part::chunk;
    } else if (part_ == part::chunk_end) {
      if (!line.empty())
        return bad("a chunk is longer than it said");
      part_ = part::chunk_size;
    } else if (line.empty()) {
      return finish();
    }
  }
}

answer_parser::state answer_parser::finish() {
  part_ = part::over;
  return at_ == buffer_.size() ? state::done : bad("there are bytes after the end of the answer");
}

} // namespace beckon::load
