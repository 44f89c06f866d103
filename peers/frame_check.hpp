#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace beckon::peers {

/// Looks at what arrives on one link, header by header, before CAF does: CAF's reader of its protocol between
/// nodes takes the header's word for everything, and falls over handshakes and messages without a body and
/// over stream messages, which no node sends. It knows headers only; what is in a body is CAF's to read.
class frame_check {
 public:
  enum class side : uint8_t { accepting, connecting };
  explicit frame_check(side which) : side_(which) {}

  /// The next piece, exactly as long as it was to be: a header, or the body that the one before announced.
  /// Null, or why nothing more may be read.
  const char* take(const char* piece, size_t size);

  /// The other side has said which node it is.
  bool is_known() const { return known_; }

  static constexpr size_t header_bytes = 32;

 private:
  struct header;
  const char* judge(const header& h);

  side side_;
  bool greeted_ = false; // the header of a handshake was there
  bool known_ = false;
  bool body_next_ = false;
};

} // namespace beckon::peers
