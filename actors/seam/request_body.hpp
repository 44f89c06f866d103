#pragma once

#include "json/object_reader.hpp"
#include "net/message.hpp"

#include <string>
#include <string_view>

/// How request actors treat bodies: strict JSON in, problem documents out.
namespace beckon::actors {

constexpr std::string_view json_content = "application/json";

/// What is wrong with a request: not JSON at all (400), or JSON of the wrong shape (422 with pointers).
struct body_errors {
  uint16_t status = 422;
  std::string detail;
  json::field_errors fields;

  bool any() const { return !detail.empty() || !fields.empty(); }
  net::response problem() const;
};

/// The body without a byte order mark: that is what some editors put in front of a file.
std::string_view body_text(const net::request& request);

/// Parses the body as JSON. False when that is not possible: `errors` says why. A Content-Type other than
/// JSON is 415.
bool read_body(const net::request& request, json::document& doc, body_errors& errors);

/// 200 (or another status) with a JSON body.
net::response json_answer(std::string body, uint16_t status = 200);

/// The object with this one member.
std::string json_flag(std::string_view name, bool value);

} // namespace beckon::actors
