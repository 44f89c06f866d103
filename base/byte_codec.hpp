#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

/// Numbers and strings as bytes, for storage and messages: varints (seven bits per byte, lowest first),
/// fixed-width numbers (little-endian), strings with their length in front.
namespace beckon::base {

inline void put_varint(std::string& out, uint64_t n) {
  for (; n >= 0x80; n >>= 7)
    out.push_back(static_cast<char>(n | 0x80));
  out.push_back(static_cast<char>(n));
}

/// A signed number as a varint that is short near zero: 0, -1, 1, -2 become 0, 1, 2, 3.
inline void put_signed(std::string& out, int64_t n) {
  auto bits = static_cast<uint64_t>(n);
  put_varint(out, (bits << 1) ^ (n < 0 ? ~uint64_t{0} : 0));
}

template <class T>
void put_fixed(std::string& out, T number) {
  static_assert(std::is_integral_v<T>);
  for (size_t i = 0; i < sizeof(T); ++i)
    out.push_back(static_cast<char>(static_cast<uint64_t>(number) >> (8 * i) & 0xff));
}

/// Over bytes that are there.
template <class T>
void write_fixed(char* to, T number) {
  static_assert(std::is_integral_v<T>);
  for (size_t i = 0; i < sizeof(T); ++i)
    to[i] = static_cast<char>(static_cast<uint64_t>(number) >> (8 * i) & 0xff);
}

inline void put_text(std::string& out, std::string_view text) {
  put_varint(out, text.size());
  out += text;
}

/// Reads parts from the start of the bytes. After the first mismatch everything is zero or empty and `good`
/// is false. Views point into the bytes.
class byte_reader {
 public:
  explicit byte_reader(std::string_view bytes) : rest_(bytes) {}

  bool good() const { return good_; }
  bool at_end() const { return rest_.empty(); }
  size_t left() const { return rest_.size(); }

  /// Each number has exactly one encoding: no zero at the top, nothing beyond 64 bits.
  uint64_t varint() {
    uint64_t result = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty())
        return fail();
      auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      result |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) {
        bool canonical = (shift == 0 || byte != 0) && (shift < 63 || byte <= 1);
        return canonical ? result : fail();
      }
    }
    return fail();
  }

  int64_t signed_varint() {
    auto bits = varint();
    return static_cast<int64_t>((bits >> 1) ^ ((bits & 1) != 0 ? ~uint64_t{0} : 0));
  }

  /// A count of parts that take at least `bytes_min` each.
  size_t count(size_t bytes_min) {
    auto result = varint();
    return result <= rest_.size() / bytes_min ? static_cast<size_t>(result) : static_cast<size_t>(fail());
  }

  template <class T>
  T fixed() {
    static_assert(std::is_integral_v<T>);
    uint64_t result = 0;
    auto part = bytes(sizeof(T));
    for (size_t i = 0; i < part.size(); ++i)
      result |= static_cast<uint64_t>(static_cast<unsigned char>(part[i])) << (8 * i);
    return static_cast<T>(result);
  }

  std::string_view bytes(uint64_t size) {
    if (size > rest_.size()) {
      fail();
      return {};
    }
    auto result = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return result;
  }

  /// A string of at most `bytes_max` bytes; it may be empty.
  std::string_view text(size_t bytes_max) {
    auto size = varint();
    return bytes(size <= bytes_max ? size : fail());
  }

  uint64_t fail() {
    good_ = false;
    rest_ = {};
    return 0;
  }

 private:
  std::string_view rest_;
  bool good_ = true;
};

} // namespace beckon::base
