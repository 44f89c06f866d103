#include "json/writer.hpp"
#include "net/message.hpp"

namespace beckon::net {

response make_problem(uint16_t status, std::string_view detail, const json::field_errors& errors) {
  response r;
  r.status = status;
  r.content_type = "application/problem+json";
  // What a client sent and is told back need not be UTF-8.
  json::writer w{r.body};
  w.begin_object().member("type", "about:blank").member("title", status_text(status));
  w.member("status", status).key("detail").any_text(detail);
  if (!errors.empty()) {
    w.key("errors").begin_array();
    for (const auto& e : errors) {
      w.begin_object().key("pointer").any_text(e.pointer);
      w.key("detail").any_text(e.detail).end_object();
    }
    w.end_array();
  }
  w.end_object();
  return r;
}

response make_unavailable(std::string_view detail, uint32_t retry_after_s) {
  auto r = make_problem(503, detail);
  r.headers.emplace_back("Retry-After", std::to_string(retry_after_s));
  return r;
}

} // namespace beckon::net
