#include "actors/request_body.hpp"

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

// A body sent by `curl -d` without a header says "form" although it is JSON; refusing it would only be
// pedantry.
bool is_form_default(std::string_view type) {
  return type == "application/x-www-form-urlencoded";
}

} // namespace

net::response body_errors::problem() const {
  if (!detail.empty())
    return net::make_problem(status, detail);
  return net::make_problem(422, "the request does not have the expected shape; see errors", fields);
}

bool read_body(const net::request& request, json::document& doc, body_errors& errors) {
  if (auto type = request.field("content-type");
      type && *type != json_content && !is_json(*type) && !is_form_default(*type)) {
    errors.status = 415;
    errors.detail = "the body must be application/json";
    return false;
  }
  if (auto bad = json::parse(request.body, doc)) {
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

} // namespace beckon::actors
