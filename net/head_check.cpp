#include "net/head_check.hpp"

#include "net/char_class.hpp"

#include <algorithm>
#include <limits>

namespace beckon::net {

namespace {

constexpr size_t version_bytes = 8; // "HTTP/1.1"

/// Calls `f` for each element of a comma-separated list, blanks removed; empty elements too.
template <class F>
void for_each_element(std::string_view list, F f) {
  while (true) {
    const auto comma = std::min(list.find(','), list.size());
    f(trim(list.substr(0, comma)));
    if (comma == list.size())
      return;
    list.remove_prefix(comma + 1);
  }
}

} // namespace

head_check::head_check(const parser_limits& limits) : limits_(limits) {
  // nop
}

head_check::verdict head_check::refuse(uint16_t status, std::string detail) {
  failure_.status = status;
  failure_.detail = std::move(detail);
  return verdict::refused;
}

bool head_check::refuse_field(const char* why) {
  refuse(400, "Header line " + std::to_string(field_count_) + ": " + why + ".");
  return false;
}

head_check::verdict head_check::scan(std::string_view head) {
  if (step_ != step::fields) {
    const auto result = scan_request_line(head);
    if (result != verdict::accepted)
      return result;
  }
  return scan_fields(head);
}

// -- request line -------------------------------------------------------------

head_check::verdict head_check::scan_request_line(std::string_view head) {
  const auto line_bytes_max = std::min(limits_.request_line_bytes_max, limits_.header_bytes_max);
  while (step_ != step::line_end) {
    // One byte beyond the limit: only a carriage return is allowed there.
    const auto line = head.substr(0, line_bytes_max + 1);
    if (pos_ < line.size()) {
      const auto result = scan_request_line_byte(line);
      if (result != verdict::accepted)
        return result;
    }
    if (pos_ > line_bytes_max && step_ != step::line_end)
      return refuse(414, "The request line is longer than " + std::to_string(line_bytes_max)
                             + " bytes. Shorten the path or the query, or move data into the body.");
    if (pos_ == head.size())
      return verdict::more;
  }
  if (pos_ == head.size())
    return verdict::more;
  if (head[pos_++] != '\n')
    return refuse(400, "Request line: a carriage return without a line feed.");
  step_ = step::fields;
  return check_request_line(head);
}

/// Reads one run of bytes of a class and the byte that ends it, as far as available.
head_check::verdict head_check::scan_request_line_byte(std::string_view line) {
  if (step_ == step::version) {
    const auto most = line.substr(0, version_at_ + version_bytes + 1);
    pos_ = end_of_run(most, pos_, class_target);
    if (pos_ == line.size() && pos_ < version_at_ + version_bytes + 1)
      return verdict::accepted;
    if (pos_ == most.size() || line[pos_] != '\r') {
      pos_ = std::min(pos_ + 1, most.size());
      return refuse(400,
                    "Request line: exactly one blank must stand between method, target and version, and the "
                    "version must be \"HTTP/1.1\" or \"HTTP/1.0\", then CR LF.");
    }
    ++pos_;
    step_ = step::line_end;
    return verdict::accepted;
  }
  const bool in_method = step_ == step::method;
  pos_ = end_of_run(line, pos_, in_method ? class_token : class_target);
  if (pos_ == line.size())
    return verdict::accepted;
  const auto start = in_method ? 0 : method_end_ + 1;
  if (line[pos_] != ' ' || pos_ == start) {
    ++pos_;
    return refuse(
        400,
        in_method
            ? "Request line: it must begin with a method (a token) and one blank. TLS is not spoken here."
            : "Request line: the target must be visible ASCII without blanks, followed by one blank "
              "and the version \"HTTP/1.1\". Percent-encode everything else.");
  }
  (in_method ? method_end_ : target_end_) = pos_++;
  version_at_ = pos_;
  step_ = in_method ? step::target : step::version;
  return verdict::accepted;
}

head_check::verdict head_check::check_version(std::string_view head) {
  const auto version = head.substr(version_at_, version_bytes);
  const auto end = version_at_ + version_bytes + 2;
  if (pos_ != end || version.substr(0, 5) != "HTTP/" || !is_class(version[5], class_digit)
      || version[6] != '.' || !is_class(version[7], class_digit))
    return refuse(400, "Request line: the version must be \"HTTP/1.1\" or \"HTTP/1.0\", in capitals.");
  if (version[5] != '1')
    return refuse(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
  minor_version_ = version[7] == '0' ? 0 : 1;
  return verdict::accepted;
}

head_check::verdict head_check::check_request_line(std::string_view head) {
  const auto result = check_version(head);
  if (result != verdict::accepted)
    return result;
  method_ = parse_method(head.substr(0, method_end_));
  const auto target = head.substr(method_end_ + 1, target_end_ - method_end_ - 1);
  if (const auto* why = parse_target(method_, target, target_))
    return refuse(400, std::string{"Request line: "} + why + ".");
  return verdict::accepted;
}

// -- fields -------------------------------------------------------------------

head_check::verdict head_check::scan_fields(std::string_view head) {
  const auto bounded = head.substr(0, limits_.header_bytes_max);
  while (pos_ <= bounded.size()) {
    const auto got = fields_.run(bounded, pos_);
    if (got == field_scan::outcome::block)
      return check_together();
    if (got == field_scan::outcome::more)
      break;
    ++field_count_;
    if (got == field_scan::outcome::refused) {
      refuse_field(fields_.why());
      return verdict::refused;
    }
    if (field_count_ > limits_.header_fields_max)
      return refuse(431,
                    "The header has more than " + std::to_string(limits_.header_fields_max) + " fields.");
    if (!check_field(head))
      return verdict::refused;
  }
  if (bounded.size() == head.size() || pos_ == head.size())
    return verdict::more;
  ++pos_;
  return refuse(431, "The header is larger than " + std::to_string(limits_.header_bytes_max)
                         + " bytes. Send fewer or shorter fields, for example fewer cookies.");
}

bool head_check::check_field(std::string_view head) {
  const auto name = head.substr(fields_.name_at(), fields_.colon_at() - fields_.name_at());
  const auto value = trim(head.substr(fields_.colon_at() + 1, pos_ - 2 - (fields_.colon_at() + 1)));
  // Compare sizes first: most fields are none of these.
  switch (name.size()) {
  case 4:
    return !equals_ignoring_case(name, "host") || check_host(head, value);
  case 6:
    if (equals_ignoring_case(name, "expect"))
      expect_ = equals_ignoring_case(value, "100-continue") && expect_ != expectation::unknown
                    ? expectation::go_on
                    : expectation::unknown;
    return true;
  case 10:
    if (equals_ignoring_case(name, "connection"))
      note_connection(value);
    return true;
  case 14:
    return !equals_ignoring_case(name, "content-length") || check_content_length(value);
  case 17:
    return !equals_ignoring_case(name, "transfer-encoding") || check_transfer_encoding(value);
  default:
    return true;
  }
}

bool head_check::check_host(std::string_view head, std::string_view value) {
  if (has_host_)
    return refuse_field("a second Host field; send exactly one");
  if (!is_host(value))
    return refuse_field("Host must be a name or address with an optional port, without user information");
  has_host_ = true;
  host_at_ = static_cast<size_t>(value.data() - head.data());
  host_bytes_ = value.size();
  return true;
}

bool head_check::check_content_length(std::string_view value) {
  if (has_content_length_)
    return refuse_field("a second Content-Length field; send exactly one");
  if (!all_of_class(value, class_digit))
    return refuse_field("Content-Length must be one number of decimal digits alone");
  has_content_length_ = true;
  constexpr auto most = std::numeric_limits<uint64_t>::max();
  for (const char c : value) {
    const auto digit = static_cast<uint64_t>(c - '0');
    // Digits beyond 64 bits are still a well-formed length that no limit allows, so keep the maximum.
    content_length_ = content_length_ > (most - digit) / 10 ? most : content_length_ * 10 + digit;
  }
  return true;
}

bool head_check::check_transfer_encoding(std::string_view value) {
  if (coding_ != coding::none)
    return refuse_field("a second Transfer-Encoding field; send exactly one");
  bool malformed = false;
  bool chunked = false;
  bool unknown = false;
  for_each_element(value, [&](std::string_view element) {
    const auto name = trim(element.substr(0, element.find(';')));
    // Nothing may follow "chunked", and it takes no parameters.
    malformed = malformed || chunked || !all_of_class(name, class_token);
    if (equals_ignoring_case(name, "chunked")) {
      chunked = true;
      malformed = malformed || name.size() != element.size();
    } else {
      unknown = true;
    }
  });
  if (malformed)
    return refuse_field("Transfer-Encoding must be exactly \"chunked\"");
  coding_ = unknown ? coding::unknown : coding::chunked;
  return true;
}

void head_check::note_connection(std::string_view value) {
  for_each_element(value, [this](std::string_view element) {
    close_ = close_ || equals_ignoring_case(element, "close");
    keep_alive_ = keep_alive_ || equals_ignoring_case(element, "keep-alive");
  });
}

head_check::verdict head_check::check_together() {
  const bool has_coding = coding_ != coding::none;
  if (minor_version_ >= 1 && !has_host_)
    return refuse(400, "The Host field is missing; HTTP/1.1 requires exactly one.");
  if (has_coding && has_content_length_)
    return refuse(400, "Content-Length and Transfer-Encoding stand in one request; send only one of them.");
  if (has_coding && minor_version_ == 0)
    return refuse(400, "Transfer-Encoding stands in an HTTP/1.0 request; send Content-Length instead.");
  if (coding_ == coding::unknown)
    return refuse(501, "The transfer coding is not known here; \"chunked\" is the only one.");
  if (expect_ == expectation::unknown)
    return refuse(417, "The only expectation that can be met is \"100-continue\".");
  if (content_length_ > limits_.body_bytes_max)
    return refuse(413, "The body is larger than " + std::to_string(limits_.body_bytes_max)
                           + " bytes. Send less in one request.");
  return verdict::accepted;
}

} // namespace beckon::net
