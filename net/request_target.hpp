#pragma once

#include "net/message.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace beckon::net {

/// What a request target (RFC 9112, 3.2) names.
struct target_parts {
  std::string path;  // percent-decoded, dot segments resolved; "*" for asterisk-form, "" for authority-form
  std::string query; // raw
  std::string host;  // lower-case authority of an absolute-form or authority-form target; else empty
};

/// Parses a target of visible ASCII. Returns why it is refused (400), or null. Accepted: origin-form;
/// absolute-form with http or https and without userinfo; "*" with OPTIONS; host:port with CONNECT. Refused
/// in a path: malformed escapes, encoded slash, NUL and controls, invalid UTF-8, a raw backslash, dot
/// segments that climb above the root.
const char* parse_target(http_method method, std::string_view target, target_parts& out);

/// Whether `text` is a host with an optional port: a name, an IPv4 address or an IPv6 address in brackets.
bool is_host(std::string_view text);

/// Percent-decodes; "+" becomes a space if `plus_is_blank`. Empty on a malformed escape. The result may
/// contain any bytes.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_blank = false);

/// The method with exactly this name (case matters), or http_method::unknown.
http_method parse_method(std::string_view name);

} // namespace beckon::net
