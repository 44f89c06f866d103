#include "net/message.hpp"

#include "json/json.hpp"
#include "net/request_target.hpp"

#include <algorithm>

namespace beckon::net {

std::string_view to_string(http_method m) {
  switch (m) {
  case http_method::get:
    return "GET";
  case http_method::head:
    return "HEAD";
  case http_method::post:
    return "POST";
  case http_method::put:
    return "PUT";
  case http_method::patch:
    return "PATCH";
  case http_method::del:
    return "DELETE";
  case http_method::options:
    return "OPTIONS";
  case http_method::trace:
    return "TRACE";
  case http_method::connect:
    return "CONNECT";
  case http_method::unknown:
    break;
  }
  return "unknown";
}

std::optional<std::string_view> request::field(std::string_view name) const {
  for (const auto& f : fields)
    if (f.name == name)
      return f.value;
  return std::nullopt;
}

std::string_view request::param(std::string_view name) const {
  for (const auto& [key, value] : params)
    if (key == name)
      return value;
  return {};
}

std::optional<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> result;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty())
      continue;
    const auto equals = std::min(pair.find('='), pair.size());
    auto key = percent_decode(pair.substr(0, equals), true);
    auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!key || !value || !json::is_utf8(*key) || !json::is_utf8(*value))
      return std::nullopt;
    result.emplace_back(std::move(*key), std::move(*value));
  }
  return result;
}

std::string_view status_text(uint16_t status) {
  struct entry {
    uint16_t status;
    std::string_view text;
  };
  static constexpr entry entries[] = {
      {100, "Continue"},
      {101, "Switching Protocols"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {205, "Reset Content"},
      {206, "Partial Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {416, "Range Not Satisfiable"},
      {417, "Expectation Failed"},
      {421, "Misdirected Request"},
      {422, "Unprocessable Content"},
      {425, "Too Early"},
      {426, "Upgrade Required"},
      {428, "Precondition Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
      {507, "Insufficient Storage"},
  };
  for (const auto& e : entries)
    if (e.status == status)
      return e.text;
  // RFC 9110, 15: an unknown status is treated as the first of its class.
  return status >= 500 ? "Server Error" : status >= 400 ? "Client Error" : "Other";
}

} // namespace beckon::net
