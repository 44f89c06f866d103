#pragma once

#include "net/http_broker.hpp"

/// Options for tests that are about something else; this room does not know the configuration.
namespace beckon::net::test {

inline parser_limits usual_limits() {
  parser_limits l;
  l.request_line_bytes_max = 8192;
  l.header_bytes_max = 16384;
  l.header_fields_max = 100;
  l.body_bytes_max = 1048576;
  return l;
}

inline http_options usual_options() {
  http_options o;
  o.address = "127.0.0.1";
  o.backlog = 4096;
  o.parser = usual_limits();
  o.connections_max = 10000;
  o.pipeline_depth_max = 16;
  o.requests_in_flight_max = 20000;
  o.inline_requests_max = 64;
  o.inline_body_bytes_max = 4096;
  o.inline_turn_us = 1000;
  o.request_bytes_in_flight_max = 268435456;
  o.output_bytes_max = 1048576;
  o.stream_piece_bytes_max = 262144;
  o.header_timeout_ms = 10000;
  o.body_timeout_ms = 30000;
  o.idle_timeout_ms = 60000;
  o.write_timeout_ms = 30000;
  o.linger_ms = 2000;
  o.request_deadline_ms = 5000;
  return o;
}

} // namespace beckon::net::test
