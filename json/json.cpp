#include "json/json.hpp"

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <memory_resource>
#include <stdexcept>
#include <vector>

namespace beckon::json {

namespace {

constexpr size_t text_bytes_max = size_t{1} << 30; // lengths within RapidJSON are 32 bits wide
constexpr size_t scan_keys_max = 16;               // up to here pairwise comparison is fastest

uint64_t key_hash(std::string_view key) {
  uint64_t h = 14695981039346656037u;
  for (char c : key)
    h = (h ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return h;
}

/// RapidJSON accepts a lone low surrogate ("\udc00") and writes it as the bytes ED B0 80. Well-formed UTF-8
/// never has ED followed by A0 or more.
bool has_surrogate(std::string_view text) {
  const char* at = text.data();
  const char* end = at + text.size();
  while ((at = static_cast<const char*>(std::memchr(at, 0xED, static_cast<size_t>(end - at)))) != nullptr) {
    if (++at == end || static_cast<unsigned char>(*at) >= 0xA0)
      return true;
  }
  return false;
}

/// Whether a number is zero whatever its exponent says.
bool is_zero(std::string_view number) {
  return number.substr(0, number.find_first_of("eE")).find_first_of("123456789") == std::string_view::npos;
}

/// The text with the exponents of its zeros made zero, byte for byte: the reader refuses "0e999" for its
/// exponent.
std::string with_plain_zeros(std::string_view text) {
  std::string result{text};
  bool in_string = false;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"')
      in_string = !in_string;
    else if (in_string && text[at] == '\\')
      ++at;
    if (in_string || text[at] < '0' || text[at] > '9')
      continue;
    const auto end = std::min(text.find_first_not_of("0123456789+-.eE", at), text.size());
    const auto number = text.substr(at, end - at);
    const auto exponent = std::min(number.find_first_of("eE"), number.size());
    if (is_zero(number))
      std::replace_if(
          result.begin() + static_cast<std::ptrdiff_t>(at + exponent),
          result.begin() + static_cast<std::ptrdiff_t>(end), [](char c) { return c >= '1' && c <= '9'; },
          '0');
    at = end - 1;
  }
  return result;
}

/// Stands between the reader and the document and refuses what RapidJSON would accept.
class strict_filter {
 public:
  using Ch = char;

  strict_filter(document& out, const rapidjson::MemoryStream& in, size_t depth_max)
      : out_(out), in_(in), depth_max_(depth_max) {
    keys_.reserve(scan_keys_max * 2);
  }

  const std::string& refusal() const { return refusal_; }
  size_t refusal_offset() const { return refusal_offset_; }

  bool Null() { return out_.Null(); }
  bool Bool(bool b) { return out_.Bool(b); }
  bool Int(int i) { return out_.Int(i); }
  bool Uint(unsigned i) { return out_.Uint(i); }
  bool Int64(int64_t i) { return out_.Int64(i); }
  bool Uint64(uint64_t i) { return out_.Uint64(i); }
  bool Double(double d) { return out_.Double(d); }

  // Take numbers as text: the reader's own conversion is sometimes off by one in the last place, and its
  // exact one reads beyond its tables for extreme exponents.
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
    const char* end = text + size;
    int64_t i = 0;
    if (auto r = std::from_chars(text, end, i); r.ec == std::errc{} && r.ptr == end)
      return out_.Int64(i);
    uint64_t u = 0;
    if (auto r = std::from_chars(text, end, u); r.ec == std::errc{} && r.ptr == end)
      return out_.Uint64(u);
    double d = 0;
    auto r = std::from_chars(text, end, d);
    if (r.ec == std::errc::result_out_of_range && is_zero({text, size}))
      return out_.Double(*text == '-' ? -0.0 : 0.0); // 0e999
    if (r.ec != std::errc{} || r.ptr != end || !std::isfinite(d))
      return refuse("a number is out of range; it must fit a 64-bit floating-point number");
    return out_.Double(d);
  }

  bool String(const char* text, rapidjson::SizeType size, bool copy) {
    return check_text({text, size}) && out_.String(text, size, copy);
  }

  bool StartObject() {
    object_starts_.push_back(keys_.size());
    return enter() && out_.StartObject();
  }

  bool Key(const char* text, rapidjson::SizeType size, bool copy) {
    if (!check_text({text, size}))
      return false;
    // Compare hashes instead of keys. A document crafted so that two hashes collide is refused, which harms
    // only its sender.
    auto hash = key_hash({text, size});
    auto first = keys_.begin() + static_cast<std::ptrdiff_t>(object_starts_.back());
    if (keys_.size() - object_starts_.back() < scan_keys_max) {
      for (auto i = first; i != keys_.end(); ++i)
        if (i->hash == hash)
          return refuse("the key \"" + clipped({text, size})
                        + "\" appears twice in one object; keep one of them");
    }
    keys_.push_back({hash, in_.Tell()});
    return out_.Key(text, size, copy);
  }

  bool EndObject(rapidjson::SizeType count) {
    auto first = keys_.begin() + static_cast<std::ptrdiff_t>(object_starts_.back());
    if (static_cast<size_t>(keys_.end() - first) > scan_keys_max) {
      std::sort(first, keys_.end());
      auto twice = std::adjacent_find(first, keys_.end(), [](auto& a, auto& b) { return a.hash == b.hash; });
      if (twice != keys_.end())
        return refuse_at((twice + 1)->offset,
                         "the key that ends here appears twice in one object; keep one of them");
    }
    keys_.resize(object_starts_.back());
    object_starts_.pop_back();
    --depth_;
    return out_.EndObject(count);
  }

  bool StartArray() { return enter() && out_.StartArray(); }

  bool EndArray(rapidjson::SizeType count) {
    --depth_;
    return out_.EndArray(count);
  }

 private:
  struct key_mark {
    uint64_t hash = 0;
    size_t offset = 0;
    bool operator<(const key_mark& o) const { return hash != o.hash ? hash < o.hash : offset < o.offset; }
  };

  bool enter() {
    if (++depth_ <= depth_max_)
      return true;
    return refuse("objects and arrays are nested more than " + std::to_string(depth_max_) + " deep");
  }

  bool check_text(std::string_view text) {
    return !has_surrogate(text) || refuse("a \\u escape is half of a surrogate pair; write both halves");
  }

  bool refuse(std::string why) { return refuse_at(in_.Tell(), std::move(why)); }

  bool refuse_at(size_t offset, std::string why) {
    refusal_ = std::move(why);
    refusal_offset_ = offset;
    return false;
  }

  document& out_;
  const rapidjson::MemoryStream& in_;
  size_t depth_max_;
  size_t depth_ = 0;
  std::string refusal_;
  size_t refusal_offset_ = 0;
  // A request body fits into this buffer, so the check needs no allocation.
  std::array<std::byte, 2048> buffer_;
  std::pmr::monotonic_buffer_resource memory_{buffer_.data(), buffer_.size()};
  std::pmr::vector<key_mark> keys_{&memory_};
  std::pmr::vector<size_t> object_starts_{&memory_};
};

using pool = rapidjson::MemoryPoolAllocator<>;
using reader = rapidjson::GenericReader<rapidjson::UTF8<>, rapidjson::UTF8<>, pool>;

/// Feeds one text to a document; a functor, as Document::Populate requires.
class text_source {
 public:
  text_source(std::string_view text, size_t depth_max) : text_(text), depth_max_(depth_max) {}

  bool operator()(document& out) {
    constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag
                               | rapidjson::kParseNumbersAsStringsFlag;
    alignas(std::max_align_t) std::array<char, 4096> buffer;
    pool memory{buffer.data(), buffer.size(), 16384};
    reader in{&memory};
    rapidjson::MemoryStream stream{text_.data(), text_.size()};
    strict_filter filter{out, stream, depth_max_};
    auto result = in.Parse<flags>(stream, filter);
    if (!filter.refusal().empty()) {
      error_ = parse_error{filter.refusal_offset(), filter.refusal()};
    } else if (result.IsError()) {
      too_big_ = result.Code() == rapidjson::kParseErrorNumberTooBig;
      error_ = parse_error{result.Offset(), rapidjson::GetParseError_En(result.Code())};
    } else if (stream.Tell() != text_.size()) {
      // The stream signals its end with NUL, so the reader would take a real NUL for the end.
      error_ = parse_error{stream.Tell(), "there is text after the JSON value; send only one value"};
    }
    return !error_;
  }

  /// Whether the reader itself refused a number for its size.
  bool too_big() const { return too_big_; }
  std::optional<parse_error> take_error() { return std::move(error_); }

 private:
  std::string_view text_;
  size_t depth_max_;
  std::optional<parse_error> error_;
  bool too_big_ = false;
};

/// RapidJSON's output stream over a string.
struct string_sink {
  using Ch = char;
  std::string& out;
  void Put(char c) { out.push_back(c); }
  void Flush() {}
};

bool needs_escape(unsigned char c) {
  return c < 0x20 || c == '"' || c == '\\';
}

void append_escape(std::string& out, unsigned char c) {
  constexpr char hex[] = "0123456789abcdef";
  out.push_back('\\');
  switch (c) {
  case '"':
  case '\\':
    out.push_back(static_cast<char>(c));
    break;
  case '\n':
    out.push_back('n');
    break;
  case '\r':
    out.push_back('r');
    break;
  case '\t':
    out.push_back('t');
    break;
  default:
    out += "u00";
    out.push_back(hex[c >> 4]);
    out.push_back(hex[c & 15]);
  }
}

/// How many bytes the character at the head of `text` has, 0 unless it is well-formed.
size_t utf8_length(std::string_view text) {
  auto at = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  auto within = [&](size_t i, unsigned low, unsigned high) { return at(i) >= low && at(i) <= high; };
  unsigned lead = at(0);
  if (lead < 0x80)
    return 1;
  if (lead < 0xC2 || lead > 0xF4)
    return 0;
  if (lead < 0xE0)
    return within(1, 0x80, 0xBF) ? 2 : 0;
  if (lead < 0xF0) {
    bool second = within(1, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF);
    return second && within(2, 0x80, 0xBF) ? 3 : 0;
  }
  bool second = within(1, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF);
  return second && within(2, 0x80, 0xBF) && within(3, 0x80, 0xBF) ? 4 : 0;
}

} // namespace

void assertion_failed(const char* condition) {
  throw std::logic_error(std::string{"a JSON value was used as the wrong type: "} + condition);
}

std::optional<parse_error> parse(std::string_view text, document& out, size_t depth_max) {
  if (text.size() > text_bytes_max) {
    out.SetNull();
    return parse_error{text_bytes_max, "the text is longer than 1 GiB"};
  }
  if (text.substr(0, 3) == "\xEF\xBB\xBF") {
    out.SetNull();
    return parse_error{0, "the text begins with a byte order mark (BOM); save it as UTF-8 without one"};
  }
  text_source source{text, depth_max};
  out.Populate(source);
  auto error = source.take_error();
  if (source.too_big()) {
    const auto plain = with_plain_zeros(text);
    text_source again{plain, depth_max};
    out.Populate(again);
    error = again.take_error();
  }
  if (error)
    out.SetNull();
  return error;
}

std::string to_string(const value& v) {
  std::string result;
  string_sink sink{result};
  rapidjson::Writer<string_sink> writer{sink};
  v.Accept(writer);
  return result;
}

std::string clipped(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max)
    return std::string{text};
  size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;
  return std::string{text.substr(0, end)} + "…";
}

size_t plain_length(std::string_view text) {
  constexpr uint64_t ones = 0x0101010101010101u;
  constexpr uint64_t highs = 0x8080808080808080u;
  auto any_below = [](uint64_t bytes, uint64_t bound) { return (bytes - ones * bound) & ~bytes & highs; };
  size_t i = 0;
  for (uint64_t eight = 0; i + sizeof(eight) <= text.size(); i += sizeof(eight)) {
    std::memcpy(&eight, text.data() + i, sizeof(eight));
    if (any_below(eight, 0x20) | any_below(eight ^ ones * '"', 1) | any_below(eight ^ ones * '\\', 1))
      break;
  }
  while (i < text.size() && !needs_escape(static_cast<unsigned char>(text[i])))
    ++i;
  return i;
}

void append_quoted(std::string& out, std::string_view text) {
  out.push_back('"');
  for (auto plain = plain_length(text); plain < text.size(); plain = plain_length(text)) {
    out.append(text.data(), plain);
    append_escape(out, static_cast<unsigned char>(text[plain]));
    text.remove_prefix(plain + 1);
  }
  out.append(text);
  out.push_back('"');
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    uint64_t eight = 0;
    if (text.size() >= sizeof(eight)) {
      std::memcpy(&eight, text.data(), sizeof(eight));
      if ((eight & 0x8080808080808080u) == 0) {
        text.remove_prefix(sizeof(eight));
        continue;
      }
    }
    auto length = utf8_length(text);
    if (length == 0)
      return false;
    text.remove_prefix(length);
  }
  return true;
}

} // namespace beckon::json
