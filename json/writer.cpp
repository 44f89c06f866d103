#include "json/writer.hpp"

#include "json/time_text.hpp"

namespace beckon::json {

writer& writer::any_text(std::string_view text) {
  if (is_utf8(text))
    return string(text);
  std::string ascii{text};
  for (auto& c : ascii)
    if (static_cast<unsigned char>(c) >= 0x80)
      c = '?';
  return string(ascii);
}

writer& writer::number(double d) {
  return raw(to_string(value(d)));
}

writer& writer::time(int64_t unix_ms) {
  begin_value(rfc3339_bytes + 2);
  buffer_[used_++] = '"';
  write_rfc3339(buffer_.data() + used_, unix_ms);
  used_ += rfc3339_bytes;
  buffer_[used_++] = '"';
  return value_done();
}

} // namespace beckon::json
