#pragma once

#include "net/http_actors.hpp"
#include "net/query_check.hpp"
#include "net/request_parser.hpp"
#include "net/router.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace prometheus {
class Registry;
}

namespace beckon::net {

/// One line of the route table.
struct route {
  route_key key;
  spawn_handler handle;
  int64_t deadline_ms = 0;      // 0: options.request_deadline_ms
  bool publish_metrics = false; // update the registry before calling the handler
  // The request actor takes microseconds and never blocks, so the I/O thread may run it
  // (http_options::inline_requests_max). Actors that it asks run there only if they are marked too
  // (mark_quick()).
  bool quick = false;
  query_names query{}; // every other parameter is refused with 422 before the handler is called
};

/// Bounds and time-outs of the front; each has a configuration key.
struct http_options {
  std::string address;
  uint16_t port = 0; // 0: any free one
  int backlog = 0;
  bool reuse_port = false;
  // A socket that already listens; it determines address, port and reuse_port. Its opener keeps it open:
  // connections in its queue when this front ends are taken by another. -1: none
  int inherited_fd = -1;
  parser_limits parser;
  size_t connections_max = 0;        // beyond: accept halts until one closes
  size_t pipeline_depth_max = 0;     // requests in flight per connection; beyond: reading stops
  size_t requests_in_flight_max = 0; // whole node; beyond: 503 with Retry-After
  // Requests of quick routes that the I/O thread works on itself in one turn, instead of waking another
  // thread for each; beyond, and with larger bodies: the scheduler's threads
  size_t inline_requests_max = 0;
  size_t inline_body_bytes_max = 0;
  // How long they may take in one turn, while every connection waits; what is left then: the scheduler's
  // threads
  int64_t inline_turn_us = 0;
  // Bodies of requests that come in or are in flight, whole node; beyond: 503 with Retry-After
  size_t request_bytes_in_flight_max = 0;
  // Unsent output and answers that wait for their turn, per connection; beyond: reading stops and no further
  // answer is written to the output
  size_t output_bytes_max = 0;
  size_t stream_piece_bytes_max = 0;
  int64_t header_timeout_ms = 0;         // first byte of a request to the end of its header
  int64_t body_timeout_ms = 0;           // end of the header to the end of the body
  int64_t body_rate_bytes_per_s_min = 0; // least average rate while a body comes in; 0: none
  int64_t idle_timeout_ms = 0;           // keep-alive without a request: silent close
  int64_t write_timeout_ms = 0;          // the client takes nothing of a waiting answer: reset
  int64_t linger_ms = 0;                 // after our FIN, how long input is drained
  int64_t request_deadline_ms = 0;       // a request actor must have answered by then
};

/// A listening socket. It is made before the broker, so that a port in use is an error at start.
struct listener {
  int fd = -1;
  std::string address;
  uint16_t port = 0;
};

/// Binds and listens, or takes over `inherited_fd`. Blocks: only while a host name in `address` is looked up.
/// Errors: caf::sec::cannot_open_port with one text that names address, port, cause and remedy.
caf::expected<listener> open_listener(const http_options& options);

/// Starts the broker on `l` and takes ownership of its descriptor in any case. Copies `table`. `metrics` may
/// be null. Threadsafe. Throws std::invalid_argument for a malformed or repeated route, and
/// std::runtime_error if the system has no I/O module or no descriptor is left. The actor system's destructor
/// waits for the broker: drain it first. Bounds: those of http_options; connections_max is capped at 2^20.
http_broker_actor spawn_http_broker(caf::actor_system& system, const listener& l, http_options options,
                                    std::vector<route> table, std::shared_ptr<prometheus::Registry> metrics);

} // namespace beckon::net
