#include "net/framing_check.hpp"

#include "net/char_class.hpp"

#include <algorithm>

namespace beckon::net {

// -- field lines --------------------------------------------------------------

field_scan::outcome field_scan::refuse(size_t& pos, const char* why) {
  ++pos;
  why_ = why;
  return outcome::refused;
}

field_scan::outcome field_scan::refuse_name(char c, size_t& pos) {
  if (c == ' ' || c == '\t')
    return refuse(pos, "a blank stands in or behind the field name; write \"Name: value\"");
  if (c == '\r' || c == '\n')
    return refuse(pos, "the line has no colon; write \"Name: value\"");
  return refuse(pos, "the field name is no token (letters, digits and !#$%&'*+-.^_`|~)");
}

field_scan::outcome field_scan::run(std::string_view text, size_t& pos) {
  while (pos < text.size()) {
    const char c = text[pos];
    switch (step_) {
    case step::start:
      if (c == '\r') {
        ++pos;
        step_ = step::block_end;
        break;
      }
      if (c == ' ' || c == '\t')
        return refuse(
            pos, "the line begins with a blank; folded lines are not accepted, write one line per field");
      if (c == '\n')
        return refuse(pos, "a line feed without a carriage return; end each line with CR LF");
      if (c == ':')
        return refuse(pos, "the field name is empty; write \"Name: value\"");
      name_at_ = pos;
      step_ = step::name;
      [[fallthrough]];
    case step::name:
      pos = end_of_run(text, pos, class_token);
      if (pos == text.size())
        return outcome::more;
      if (text[pos] != ':')
        return refuse_name(text[pos], pos);
      colon_at_ = pos++;
      step_ = step::value;
      [[fallthrough]];
    case step::value:
      pos = end_of_run(text, pos, class_value);
      if (pos == text.size())
        return outcome::more;
      if (text[pos] == '\n')
        return refuse(pos, "a line feed without a carriage return; end each line with CR LF");
      if (text[pos] != '\r')
        return refuse(pos, "the field value holds a control character");
      ++pos;
      step_ = step::line_end;
      break;
    case step::line_end:
      if (c != '\n')
        return refuse(pos, "a carriage return without a line feed; end each line with CR LF");
      ++pos;
      step_ = step::start;
      return outcome::field;
    case step::block_end:
      if (c != '\n')
        return refuse(pos, "a carriage return without a line feed; end each line with CR LF");
      ++pos;
      step_ = step::start;
      return outcome::block;
    }
  }
  return outcome::more;
}

// -- chunked coding -----------------------------------------------------------

namespace {
constexpr size_t size_digits_max = 16; // what fits into 64 bits
}

chunk_check::chunk_check(const parser_limits& limits) : limits_(limits) {
  // nop
}

bool chunk_check::refuse(uint16_t status, std::string detail) {
  failure_.status = status;
  failure_.detail = std::move(detail);
  return false;
}

bool chunk_check::add_digit(char c) {
  if (++digits_ > size_digits_max)
    return refuse(400, "Chunked body: a chunk size has more than 16 digits.");
  size_ = (size_ << 4) | hex_value(c);
  step_ = step::size_digits;
  return true;
}

bool chunk_check::end_size() {
  if (size_ > limits_.body_bytes_max - body_bytes_)
    return refuse(413, "The body is larger than " + std::to_string(limits_.body_bytes_max)
                           + " bytes. Send less in one request.");
  body_bytes_ += size_;
  left_ = size_;
  return true;
}

bool chunk_check::read_size_line(char c) {
  if (step_ == step::size_first)
    return is_class(c, class_hex)
               ? add_digit(c)
               : refuse(400, "Chunked body: a chunk must begin with its size in hexadecimal digits.");
  if (step_ == step::size_digits) {
    if (is_class(c, class_hex))
      return add_digit(c);
    if (c != '\r' && c != ';')
      return refuse(400, "Chunked body: only \";\" or CR LF may follow the digits of a chunk size.");
    step_ = c == '\r' ? step::size_end : step::name_first;
    return end_size();
  }
  if (step_ == step::size_end)
    return c == '\n'
           || refuse(400, "Chunked body: a carriage return without a line feed after a chunk size.");
  return read_extension(c);
}

bool chunk_check::count_extension() {
  if (++extension_bytes_ > limits_.chunk_extension_bytes_max)
    return refuse(400, "Chunked body: a chunk extension is longer than "
                           + std::to_string(limits_.chunk_extension_bytes_max) + " bytes.");
  if (++extension_bytes_total_ > limits_.header_bytes_max)
    return refuse(400, "Chunked body: the chunk extensions together are longer than "
                           + std::to_string(limits_.header_bytes_max) + " bytes.");
  return true;
}

/// Whether `c` may follow a whole extension: the next one, the end of the line, or a blank before the next
/// one.
bool chunk_check::extension_over(char c, step blank) {
  if (c == '\r' && step_ != blank)
    step_ = step::size_end;
  else if (c == ';')
    step_ = step::name_first;
  else if (c == ' ' || c == '\t')
    step_ = blank;
  else
    return refuse(400,
                  "Chunked body: a chunk extension is not well-formed; write \";name\", \";name=token\" or "
                  "\";name=\"text\"\" and CR LF.");
  return c == '\r' || count_extension();
}

// RFC 9112, 7.1.1: *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )
bool chunk_check::read_extension(char c) {
  const bool blank = c == ' ' || c == '\t';
  switch (step_) {
  case step::name_first:
    if (blank)
      return count_extension();
    if (!is_class(c, class_token))
      return refuse(400, "Chunked body: behind \";\" the name of a chunk extension must stand, a token.");
    step_ = step::name;
    return count_extension();
  case step::name:
    if (is_class(c, class_token))
      return count_extension();
    [[fallthrough]];
  case step::name_end:
    if (c != '=')
      return extension_over(c, step::name_end);
    step_ = step::value_first;
    return count_extension();
  case step::value_first:
    if (blank)
      return count_extension();
    if (c != '"' && !is_class(c, class_token))
      return refuse(400, "Chunked body: the value of a chunk extension must be a token or a quoted text.");
    step_ = c == '"' ? step::quoted : step::value;
    return count_extension();
  case step::value:
    return is_class(c, class_token) ? count_extension() : extension_over(c, step::value_end);
  case step::quoted:
  case step::quoted_pair:
    if (!is_class(c, class_value))
      return refuse(
          400, "Chunked body: the quoted value of a chunk extension is not closed in its line, or holds a "
               "control character.");
    if (step_ == step::quoted_pair)
      step_ = step::quoted;
    else if (c == '"')
      step_ = step::closed;
    else if (c == '\\')
      step_ = step::quoted_pair;
    return count_extension();
  case step::closed:
  case step::value_end:
    return extension_over(c, step::value_end);
  case step::size_first:
  case step::size_digits:
  case step::size_end:
  case step::data:
  case step::data_cr:
  case step::data_lf:
  case step::trailer:
    break;
  }
  return refuse(400, "Chunked body: the framing is not well-formed.");
}

chunk_check::event chunk_check::read_data(std::string_view bytes, size_t& pos) {
  const auto n = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size() - pos));
  event e{kind::data, 0, bytes.substr(pos, n)};
  pos += n;
  left_ -= n;
  if (left_ == 0)
    step_ = step::data_cr;
  return e;
}

chunk_check::event chunk_check::read_trailer(std::string_view bytes, size_t& pos) {
  // Scan only what the limit leaves, so that the same byte is refused for every split.
  const auto bounded =
      bytes.substr(0, pos + std::min(bytes.size() - pos, limits_.header_bytes_max - trailer_bytes_));
  while (true) {
    const auto start = pos;
    const auto got = trailer_.run(bounded, pos);
    trailer_bytes_ += pos - start;
    if (got == field_scan::outcome::block)
      return {kind::end, 0, {}};
    if (got == field_scan::outcome::refused) {
      refuse(400, std::string{"Trailer of the chunked body: "} + trailer_.why() + ".");
      return {kind::refused, 0, {}};
    }
    if (got == field_scan::outcome::more && pos == bytes.size())
      return {kind::more, 0, {}};
    if (got == field_scan::outcome::more || ++trailer_fields_ > limits_.header_fields_max) {
      pos += got == field_scan::outcome::more ? 1 : 0;
      refuse(431, "The trailer of the chunked body has more than " + std::to_string(limits_.header_bytes_max)
                      + " bytes or " + std::to_string(limits_.header_fields_max) + " fields.");
      return {kind::refused, 0, {}};
    }
  }
}

chunk_check::event chunk_check::next(std::string_view bytes, size_t& pos) {
  while (pos < bytes.size()) {
    if (step_ == step::data)
      return read_data(bytes, pos);
    if (step_ == step::trailer)
      return read_trailer(bytes, pos);
    const char c = bytes[pos++];
    if (step_ == step::data_cr || step_ == step::data_lf) {
      if (c != (step_ == step::data_cr ? '\r' : '\n')) {
        refuse(400, "Chunked body: CR LF must follow the data of a chunk; its size may be wrong.");
        return {kind::refused, 0, {}};
      }
      step_ = step_ == step::data_cr ? step::data_lf : step::size_first;
      continue;
    }
    if (!read_size_line(c))
      return {kind::refused, 0, {}};
    if (c == '\n') { // accepted only as the end of a size line
      step_ = size_ == 0 ? step::trailer : step::data;
      const event e{size_ == 0 ? kind::more : kind::size, size_, {}};
      size_ = 0;
      digits_ = 0;
      extension_bytes_ = 0;
      if (e.what == kind::size)
        return e;
    }
  }
  return {kind::more, 0, {}};
}

} // namespace beckon::net
