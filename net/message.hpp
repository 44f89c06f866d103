#pragma once

#include "json/object_reader.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The room of HTTP/1.1: sockets and connections with their bounds and timers, the parser, the router, the
/// answers. The broker hands each request to an actor and writes its answer; it decides nothing.
///
/// This header: HTTP/1.1 messages as the rest of the program sees them (RFC 9110, 9112).
namespace beckon::net {

enum class http_method : uint8_t { get, head, post, put, patch, del, options, trace, connect, unknown };
std::string_view to_string(http_method m);

/// A header field; `name` is lower-case. Both point into the request's own bytes.
struct header_field {
  std::string_view name;
  std::string_view value;
};

/// Names a request on a connection. A connection's number is never reused (it includes a generation).
struct exchange_id {
  uint64_t connection = 0;
  uint64_t sequence = 0; // counts requests on the connection
};

/// One complete request, with its body decoded. Immutable once it left the broker; local to the process.
struct request {
  exchange_id id;
  http_method method = http_method::get;
  uint8_t minor_version = 1;
  bool keep_alive = true;
  std::string head;                 // the header block's bytes; fields point into it
  std::vector<header_field> fields; // field names with "_" are dropped
  std::string path;  // percent-decoded, dot segments resolved; "*" for OPTIONS *, empty for CONNECT
  std::string query; // raw, after "?"
  std::string host;  // lower-case, with its port if sent; the target's own goes first
  std::string body;
  std::vector<std::pair<std::string_view, std::string>> params; // path parameters by name, decoded
  size_t route = 0;                                             // index into the route table
  std::string peer;                                             // client address as text
  int64_t received_us = 0;                                      // steady clock, when the request was complete

  request() = default;
  request(const request&) = delete; // fields point into head
  request& operator=(const request&) = delete;

  /// The value of a field by lower-case name; empty if absent. Of repeated fields: the first.
  std::optional<std::string_view> field(std::string_view name) const;
  /// A path parameter; empty if the route has none of this name.
  std::string_view param(std::string_view name) const;
};

using request_ptr = std::shared_ptr<const request>;

/// Parses "a=1&b=2" with percent and plus decoding. Empty on a malformed escape or invalid UTF-8.
std::optional<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query);

/// A path segment with everything but unreserved characters (RFC 3986, 2.3) escaped.
std::string percent_encode(std::string_view segment);

/// A complete answer. The writer adds Date, Server, Content-Length and Connection, and checks every header.
struct response {
  uint16_t status = 200;
  std::string_view content_type;                                 // static text; empty for no body
  std::vector<std::pair<std::string_view, std::string>> headers; // extra ones; names are static text
  std::string body;
  bool close = false; // close the connection after this answer
};

/// An RFC 9457 problem document as an answer. `type` is "about:blank" or a "/problems/…" reference; `detail`
/// says what is wrong and what to do. `errors` become the "errors" member.
response make_problem(uint16_t status, std::string_view detail, const json::field_errors& errors = {});
/// 503 with Retry-After.
response make_unavailable(std::string_view detail, uint32_t retry_after_s = 1);

/// The standard reason phrase, e.g. "Not Found".
std::string_view status_text(uint16_t status);

} // namespace beckon::net
