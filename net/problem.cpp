#include "net/message.hpp"

namespace beckon::net {

namespace {

/// Appends a JSON string. Bytes that are not UTF-8 (echoed client input) become "?" so that the document
/// stays readable.
void append_text(std::string& out, std::string_view text) {
  if (json::is_utf8(text)) {
    json::append_quoted(out, text);
    return;
  }
  std::string ascii{text};
  for (auto& c : ascii)
    if (static_cast<unsigned char>(c) >= 0x80)
      c = '?';
  json::append_quoted(out, ascii);
}

void append_errors(std::string& out, const json::field_errors& errors) {
  out += ",\"errors\":[";
  for (const auto& e : errors) {
    if (&e != &errors.front())
      out += ',';
    out += "{\"pointer\":";
    append_text(out, e.pointer);
    out += ",\"detail\":";
    append_text(out, e.detail);
    out += '}';
  }
  out += ']';
}

} // namespace

response make_problem(uint16_t status, std::string_view detail, const json::field_errors& errors) {
  response r;
  r.status = status;
  r.content_type = "application/problem+json";
  r.body = R"({"type":"about:blank","title":)";
  append_text(r.body, status_text(status));
  r.body.append(",\"status\":").append(std::to_string(status)).append(",\"detail\":");
  append_text(r.body, detail);
  if (!errors.empty())
    append_errors(r.body, errors);
  r.body += '}';
  return r;
}

response make_unavailable(std::string_view detail, uint32_t retry_after_s) {
  auto r = make_problem(503, detail);
  r.headers.emplace_back("Retry-After", std::to_string(retry_after_s));
  return r;
}

} // namespace beckon::net
