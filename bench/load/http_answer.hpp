#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace beckon::load {

/// Parses one HTTP/1.1 answer as it arrives. Strict: anything unclear is refused, so that a server's defect
/// is seen. Skips interim answers (1xx). Bounds: 16 KiB of header fields; `body_bytes_max` of untaken body.
class answer_parser {
 public:
  enum class state : uint8_t { more, done, bad };

  static constexpr size_t head_bytes_max = 16384;
  static constexpr std::string_view cut = "the connection ended in the middle of an answer";

  explicit answer_parser(size_t body_bytes_max = size_t{4} << 20) : body_bytes_max_(body_bytes_max) {}

  /// Begins with the next answer of the same connection.
  void reset();

  /// Takes bytes. After `done` or `bad` call reset() first. Bytes beyond the end of the answer are `bad`,
  /// because no request is open.
  state feed(std::string_view data);
  /// The connection ended. `done` if that ends the body, `bad` otherwise.
  state end();

  bool begun() const { return begun_; } // any byte of an answer came
  int status() const { return status_; }
  bool keep_alive() const { return keep_alive_; }
  /// Seconds from Retry-After; 0 if there is none.
  unsigned retry_after_s() const { return retry_after_s_; }
  const std::string& body() const { return body_; }
  /// The body received so far; it no longer counts against the bound.
  std::string take_body();
  const std::string& problem() const { return problem_; } // of `bad`

 private:
  enum class part : uint8_t { head, body, chunk_size, chunk, chunk_end, trailer, until_end, over };

  state bad(std::string_view why);
  state feed_head();
  state read_head(std::string_view head);
  bool read_field(std::string_view name, std::string_view value);
  bool read_status_line(std::string_view line);
  state begin_body();
  state feed_body();
  state feed_chunked();
  bool take_line(std::string_view& line); // of the buffer, without its CRLF
  bool keep(size_t bytes);                // moves bytes from the buffer to the body
  state finish();

  size_t body_bytes_max_;
  part part_ = part::head;
  std::string buffer_; // bytes not parsed yet
  size_t at_ = 0;      // where they begin
  std::string body_;
  std::string problem_;
  uint64_t left_ = 0; // of the body or of the chunk
  int status_ = 0;
  unsigned retry_after_s_ = 0;
  bool begun_ = false;
  bool keep_alive_ = true;
  bool has_length_ = false;
  bool chunked_ = false;
};

} // namespace beckon::load
