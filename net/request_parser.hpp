#pragma once

#include "net/message.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace beckon::net {

struct parser_limits {
  size_t request_line_bytes_max = 0;      // 414
  size_t header_bytes_max = 0;            // whole header block, 431
  size_t header_fields_max = 0;           // 431
  size_t body_bytes_max = 0;              // decoded body, 413
  size_t chunk_extension_bytes_max = 256; // per chunk header line, 400
};

/// Why a request is refused before any handler sees it. The connection is closed after the answer.
struct parse_failure {
  uint16_t status = 400;
  std::string detail;
};

/// Incremental HTTP/1.x request parser for one connection: strict framing checks in front of Boost.Beast.
/// Not threadsafe. Holds at most header_bytes_max + body_bytes_max bytes, and next to nothing between
/// requests.
class request_parser {
 public:
  explicit request_parser(const parser_limits& limits);
  ~request_parser();
  request_parser(request_parser&&) noexcept;
  request_parser& operator=(request_parser&&) noexcept;

  enum class state : uint8_t {
    idle,     // no byte of a request seen (empty lines before it do not count; at most a few are allowed)
    header,   // in the request line or header block
    body,     // header accepted, body incomplete
    complete, // take() yields the request
    failed,   // failure() says why; no more input is accepted
  };

  /// Consumes bytes up to the end of at most one request; returns how many. Bytes after a complete request
  /// stay with the caller (pipelining): feed them again after take().
  size_t feed(std::string_view bytes);

  state current() const;
  /// Bytes of the current request consumed so far (for the minimum rate).
  size_t consumed_bytes() const;
  /// Decoded bytes of the current request's body so far.
  size_t body_bytes() const;
  /// Missing bytes of a body with Content-Length; 0 for a chunked body of unknown size.
  uint64_t body_bytes_expected() const;
  /// The header is accepted, the body is incomplete, and the client waits for "100 Continue"; true once per
  /// request.
  bool take_expect_continue();
  const parse_failure& failure() const;
  /// Moves the request out and prepares for the next. Requires state complete.
  std::unique_ptr<request> take();

 private:
  class impl;
  std::unique_ptr<impl> impl_; // null between requests: an idle connection costs no parser
  parser_limits limits_;
};

} // namespace beckon::net
