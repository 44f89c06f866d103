#pragma once

#include "net/framing_check.hpp"
#include "net/request_target.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace beckon::net {

/// Checks a request line and header block as they arrive, and records what determines the framing. It accepts
/// only what every recipient must read in the same way; the library parser behind it sees nothing else.
class head_check {
 public:
  explicit head_check(const parser_limits& limits);

  enum class verdict : uint8_t { more, accepted, refused };

  /// `head` is everything since the first byte of the request line (perhaps with bytes after the header
  /// block). Each call continues where the last one stopped. Do not call again after `accepted` or `refused`.
  verdict scan(std::string_view head);

  /// Bytes read: the size of the header block once it is accepted.
  size_t position() const { return pos_; }
  const parse_failure& failure() const { return failure_; }

  // The contents of an accepted header.
  http_method method() const { return method_; }
  target_parts& target() { return target_; }
  /// Position of the minor version's digit in the head.
  size_t minor_version_at() const { return version_at_ + 7; }
  uint8_t minor_version() const { return minor_version_; } // 0, or 1 for any later one
  size_t fields() const { return field_count_; }
  std::string_view host(std::string_view head) const { return head.substr(host_at_, host_bytes_); }
  uint64_t content_length() const { return content_length_; } // 0 if there is none
  bool chunked() const { return coding_ == coding::chunked; }
  bool keep_alive() const { return !close_ && (minor_version_ >= 1 || keep_alive_); }
  bool expect_continue() const { return expect_ == expectation::go_on && minor_version_ >= 1; }

 private:
  enum class step : uint8_t { method, target, version, line_end, fields };
  enum class coding : uint8_t { none, chunked, unknown };
  enum class expectation : uint8_t { none, go_on, unknown };

  verdict scan_request_line(std::string_view head);
  verdict scan_request_line_byte(std::string_view line);
  verdict check_version(std::string_view head);
  verdict check_request_line(std::string_view head);
  verdict scan_fields(std::string_view head);
  bool check_field(std::string_view head);
  bool check_host(std::string_view head, std::string_view value);
  bool check_content_length(std::string_view value);
  bool check_transfer_encoding(std::string_view value);
  void note_connection(std::string_view value);
  verdict check_together();

  verdict refuse(uint16_t status, std::string detail);
  bool refuse_field(const char* why);

  const parser_limits& limits_;
  size_t pos_ = 0;
  size_t method_end_ = 0;
  size_t target_end_ = 0;
  size_t version_at_ = 0;
  size_t host_at_ = 0;
  size_t host_bytes_ = 0;
  size_t field_count_ = 0;
  uint64_t content_length_ = 0;
  field_scan fields_;
  target_parts target_;
  parse_failure failure_;
  step step_ = step::method;
  http_method method_ = http_method::unknown;
  uint8_t minor_version_ = 0;
  coding coding_ = coding::none;
  expectation expect_ = expectation::none;
  bool has_content_length_ = false;
  bool has_host_ = false;
  bool close_ = false;
  bool keep_alive_ = false;
};

} // namespace beckon::net
