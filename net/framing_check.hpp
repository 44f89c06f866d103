#pragma once

#include "net/request_parser.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// Strict checks of HTTP/1.x framing on the raw bytes, in front of the lenient library parser. Each check
/// reads byte by byte and decides at the first decisive byte, so the outcome does not depend on how the input
/// was split.
namespace beckon::net {

/// Walks field lines up to and with the empty line that ends them (header block or trailer section).
class field_scan {
 public:
  enum class outcome : uint8_t {
    more,    // end of the text
    field,   // one whole line was read: see name_at() and colon_at()
    block,   // the empty line was read
    refused, // see why(); `pos` is after the offending byte
  };

  /// Reads `text` from `pos`, at most to the end of one line. After `more`, call again with a longer text of
  /// the same beginning or, if field positions do not matter, with the next bytes and pos 0.
  outcome run(std::string_view text, size_t& pos);

  size_t name_at() const { return name_at_; }
  size_t colon_at() const { return colon_at_; }
  const char* why() const { return why_; }

 private:
  enum class step : uint8_t { start, name, value, line_end, block_end };

  outcome refuse(size_t& pos, const char* why);
  outcome refuse_name(char c, size_t& pos);

  size_t name_at_ = 0;
  size_t colon_at_ = 0;
  const char* why_ = "";
  step step_ = step::start;
};

/// Checks the chunked coding (RFC 9112, 7.1) and splits it into events. Holds no body bytes.
class chunk_check {
 public:
  explicit chunk_check(const parser_limits& limits);

  enum class kind : uint8_t {
    more,    // end of the bytes
    size,    // a chunk of `size` bytes begins
    data,    // `data` is a piece of it
    end,     // last chunk and trailer section are complete
    refused, // failure() says why
  };
  struct event {
    kind what = kind::more;
    uint64_t size = 0;
    std::string_view data;
  };

  /// Reads `bytes` from `pos`, up to one event.
  event next(std::string_view bytes, size_t& pos);
  const parse_failure& failure() const { return failure_; }

 private:
  enum class step : uint8_t {
    size_first,
    size_digits,
    name_first, // behind ";", blanks may stand before the name
    name,
    name_end,    // blanks behind the name
    value_first, // behind "=", blanks may stand before the value
    value,
    quoted,
    quoted_pair, // behind a backslash
    closed,      // behind the closing quote
    value_end,   // blanks behind the value
    size_end,
    data,
    data_cr,
    data_lf,
    trailer
  };

  bool read_size_line(char c);
  bool read_extension(char c);
  bool count_extension();
  bool extension_over(char c, step blank);
  bool add_digit(char c);
  bool end_size();
  event read_data(std::string_view bytes, size_t& pos);
  event read_trailer(std::string_view bytes, size_t& pos);
  bool refuse(uint16_t status, std::string detail);

  const parser_limits& limits_;
  uint64_t size_ = 0;       // of this chunk
  uint64_t left_ = 0;       // of its data
  uint64_t body_bytes_ = 0; // announced so far
  size_t digits_ = 0;
  size_t extension_bytes_ = 0;       // in this chunk's line
  size_t extension_bytes_total_ = 0; // in the whole body
  size_t trailer_bytes_ = 0;
  size_t trailer_fields_ = 0;
  field_scan trailer_;
  parse_failure failure_;
  step step_ = step::size_first;
};

} // namespace beckon::net
