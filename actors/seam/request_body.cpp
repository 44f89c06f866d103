#include "actors/seam/request_body.hpp"

#include "json/writer.hpp"

#include <algorithm>
#include <cctype>

namespace beckon::actors {

namespace {

bool is_json(std::string_view type) {
  type = type.substr(0, type.find(';'));
  while (!type.empty() && type.back() == ' ')
    type.remove_suffix(1);
  std::string lower{type};
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  auto ends_with = [&lower](std::string_view tail) {
    return lower.size() >= tail.size() && lower.compare(lower.size() - tail.size(), tail.size(), tail) == 0;
  };
  return lower == "application/json" || (lower.rfind("application/", 0) == 0 && ends_with("+json"));
}

// Without a header `curl -d` declares a form although it sends JSON, and hand-written clients often declare
// nothing, so both are accepted. A browser is different: any page may make it send such a body without asking
// first, and it marks this with Origin.
bool may_go_without_type(const net::request& request, std::string_view type) {
  auto plain = type.empty() || type == "application/x-www-form-urlencoded";
  return plain && !request.field("origin");
}

} // namespace

net::response body_errors::problem() const {
  if (!detail.empty())
    return net::make_problem(status, detail);
  return net::make_problem(422, "the request does not have the expected shape; see errors", fields);
}

std::string_view body_text(const net::request& request) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  std::string_view text{request.body};
  return text.substr(0, mark.size()) == mark ? text.substr(mark.size()) : text;
}

bool read_body(const net::request& request, json::document& doc, body_errors& errors) {
  auto type = request.field("content-type").value_or("");
  if (!is_json(type) && !may_go_without_type(request, type)) {
    errors.status = 415;
    errors.detail = "the body must be JSON and say so: send the header Content-Type: application/json";
    return false;
  }
  if (auto bad = json::parse(body_text(request), doc)) {
    errors.status = 400;
    errors.detail =
        "the body is not acceptable JSON: " + bad->detail + " (byte " + std::to_string(bad->offset) + ")";
    return false;
  }
  return true;
}

net::response json_answer(std::string body, uint16_t status) {
  net::response r;
  r.status = status;
  r.content_type = json_content;
  r.body = std::move(body);
  return r;
}

std::string json_flag(std::string_view name, bool value) {
  std::string out;
  json::writer{out}.begin_object().member(name, value).end_object();
  return out;
}

} // namespace beckon::actors
