#include "net/request_target.hpp"

#include "json/json.hpp"
#include "net/char_class.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstring>

namespace beckon::net {

namespace {

bool is_ipv6(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> buf{};
  if (text.empty() || text.size() >= buf.size())
    return false;
  std::memcpy(buf.data(), text.data(), text.size());
  in6_addr ignored;
  return inet_pton(AF_INET6, buf.data(), &ignored) == 1;
}

/// The port of an authority after its colon: empty or 0 to 65535.
bool is_port(std::string_view text) {
  if (text.empty())
    return true;
  if (text.size() > 5 || !all_of_class(text, class_digit))
    return false;
  uint32_t port = 0;
  for (const char c : text)
    port = port * 10 + static_cast<uint32_t>(c - '0');
  return port <= 65535;
}

std::string to_lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    c = lower(c);
  return out;
}

/// Resolves "." and ".." segments of a path that begins with a slash; empty if they climb above the root.
std::optional<std::string> resolve_dots(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  for (size_t at = 1; at <= path.size();) {
    const auto slash = std::min(path.find('/', at), path.size());
    const auto segment = path.substr(at, slash - at);
    const bool last = slash == path.size();
    if (segment == "..") {
      if (out.empty())
        return std::nullopt;
      out.resize(out.rfind('/'));
    }
    if (segment != "." && segment != "..")
      out.append(1, '/').append(segment);
    else if (last)
      out += '/';
    at = slash + 1;
  }
  return out;
}

const char* check_decoded(std::string_view raw, std::string_view decoded) {
  for (size_t i = 0; i + 2 < raw.size(); ++i)
    if (raw[i] == '%' && raw[i + 1] == '2' && lower(raw[i + 2]) == 'f')
      return "the path holds an encoded slash (%2F); a path segment cannot contain \"/\"";
  for (const char c : decoded)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return "the path holds an encoded control character; remove it";
  if (!json::is_utf8(decoded))
    return "the percent-decoded path is not valid UTF-8; encode each segment as UTF-8";
  return nullptr;
}

const char* parse_path(std::string_view raw, target_parts& out) {
  if (raw.find('\\') != std::string_view::npos)
    return "the path holds a backslash; separate segments with \"/\" or write %5C";
  if (raw.find('%') == std::string_view::npos) {
    out.path = raw;
  } else {
    auto decoded = percent_decode(raw);
    if (!decoded)
      return "the path holds a malformed percent escape; write \"%\" and two hexadecimal digits";
    if (const auto* why = check_decoded(raw, *decoded))
      return why;
    out.path = std::move(*decoded);
  }
  if (out.path.find("/.") != std::string::npos) {
    auto resolved = resolve_dots(out.path);
    if (!resolved)
      return "the path's \"..\" segments climb above the root";
    out.path = std::move(*resolved);
  }
  return nullptr;
}

const char* parse_origin(std::string_view target, target_parts& out) {
  const auto mark = target.find('?');
  if (mark != std::string_view::npos)
    out.query = target.substr(mark + 1);
  return parse_path(target.substr(0, mark), out);
}

const char* parse_absolute(http_method method, std::string_view rest, target_parts& out) {
  const auto end = std::min(rest.find_first_of("/?"), rest.size());
  const auto authority = rest.substr(0, end);
  if (authority.find('@') != std::string_view::npos)
    return "the request target carries user information (\"user@host\"); remove it";
  if (!is_host(authority))
    return "the authority of the request target is not a valid host with an optional port";
  out.host = to_lower(authority);
  rest.remove_prefix(end);
  if (rest.empty()) {
    out.path = method == http_method::options ? "*" : "/";
    return nullptr;
  }
  if (rest.front() == '/')
    return parse_origin(rest, out);
  out.path = "/";
  out.query = rest.substr(1);
  return nullptr;
}

bool remove_prefix_ignoring_case(std::string_view& text, std::string_view prefix) {
  if (!equals_ignoring_case(text.substr(0, prefix.size()), prefix))
    return false;
  text.remove_prefix(prefix.size());
  return true;
}

} // namespace

http_method parse_method(std::string_view name) {
  for (auto m = static_cast<uint8_t>(http_method::get); m < static_cast<uint8_t>(http_method::unknown); ++m)
    if (to_string(static_cast<http_method>(m)) == name)
      return static_cast<http_method>(m);
  return http_method::unknown;
}

bool is_host(std::string_view text) {
  if (text.empty())
    return false;
  if (text.front() == '[') {
    const auto close = text.find(']');
    if (close == std::string_view::npos || !is_ipv6(text.substr(1, close - 1)))
      return false;
    const auto rest = text.substr(close + 1);
    return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
  }
  const auto colon = std::min(text.find(':'), text.size());
  if (!all_of_class(text.substr(0, colon), class_host))
    return false;
  return colon == text.size() || is_port(text.substr(colon + 1));
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_blank) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (i + 2 >= text.size() || !is_class(text[i + 1], class_hex) || !is_class(text[i + 2], class_hex))
        return std::nullopt;
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    }
  }
  return out;
}

const char* parse_target(http_method method, std::string_view target, target_parts& out) {
  if (target.empty())
    return "the request target is empty";
  if (target.find('#') != std::string_view::npos)
    return "the request target holds a fragment (\"#\"); send the target without it";
  if (target.front() == '/')
    return parse_origin(target, out);
  if (target == "*") {
    out.path = target;
    return method == http_method::options ? nullptr : "the request target \"*\" is for OPTIONS alone";
  }
  auto rest = target;
  if (remove_prefix_ignoring_case(rest, "http://") || remove_prefix_ignoring_case(rest, "https://"))
    return parse_absolute(method, rest, out);
  if (method == http_method::connect) {
    const auto last = target.back();
    if (!is_host(target) || target.find(':') == std::string_view::npos || !is_class(last, class_digit))
      return "the request target of CONNECT must be \"host:port\"";
    out.host = to_lower(target);
    return nullptr;
  }
  return "the request target must begin with \"/\", \"http://\" or \"https://\"";
}

} // namespace beckon::net
