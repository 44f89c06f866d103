#pragma once

#include "net/http_actors.hpp"
#include "net/request_parser.hpp"
#include "net/response_writer.hpp"
#include "net/timer_wheel.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace beckon::net {

/// One request and its answer, from the complete request until the answer is in the output. Pooled.
struct exchange {
  enum class stage : uint8_t {
    working, // a request actor has it
    expired, // its deadline has passed and the actor was told
    ready,   // `answer` is complete
    begun,   // `answer` is the head of a stream, not written yet
    flowing, // the head is written, pieces follow
  };

  exchange* next = nullptr; // the following request of the connection
  uint64_t sequence = 0;
  size_t route = 0;
  stage at = stage::working;
  bool counted = false;   // among the requests in flight
  bool more_owed = false; // the producer waits for more_atom
  bool early_end = false; // finish came before the exchange's turn
  framing frame;          // request_id points to `request_id`
  std::string request_id;
  size_t body_bytes = 0;   // of the request, while it is counted
  size_t held_bytes = 0;   // of `answer`, while it waits to be written
  int64_t received_us = 0; // steady clock
  int64_t due_ms = 0;      // deadline for the actor's answer or next piece
  request_actor handler;
  streaming_request_actor producer;
  exchange_answer_ptr answer;
  std::string early; // pieces that arrived before the exchange's turn
};

/// The state of one client connection. An idle one holds no buffer, no parser state and no exchange.
struct connection : timer_entry {
  enum class phase : uint8_t { idle, header, body };

  connection(uint64_t number_, int fd_, std::string peer_, const parser_limits& limits)
      : number(number_), fd(fd_), peer(std::move(peer_)), parser(limits) {}

  uint64_t number;
  int fd;
  phase input = phase::idle;
  bool readable = false;         // the socket may have input (edge-triggered, so it is remembered here)
  bool write_blocked = false;    // the socket is full; waits for its event
  bool write_watched = false;    // registered for output events
  bool no_more_requests = false; // input is no longer parsed
  bool client_closes = false;    // the client announced that it sends nothing more
  bool fin_announced = false;    // the kernel reports a FIN after the unread input
  bool peer_done = false;        // FIN received
  bool broken = false;           // to be dropped: reset by the peer, or an error on the socket
  bool cut = false;              // to be reset by us
  bool lingering = false;        // our FIN is sent, input is discarded
  bool continue_owed = false;    // "100 Continue" waits for earlier answers
  bool dirty = false;            // settled at the end of the turn
  uint32_t in_flight = 0;        // length of the list of exchanges
  exchange* first = nullptr;
  exchange* last = nullptr;
  uint64_t next_sequence = 0;
  int64_t input_since_ms = 0; // when the phase began
  size_t body_from_bytes = 0; // bytes the parser had consumed when the body began
  int64_t progress_ms = 0;    // when output last moved
  int64_t linger_until_ms = 0;
  size_t lingered_bytes = 0;
  size_t body_bytes = 0; // of the incoming request; counted among the bytes in flight
  size_t held_bytes = 0; // of complete answers that are not in the output yet
  std::string peer;
  request_parser parser;
  std::string pending;   // read, not parsed: the pipeline is full
  std::vector<char> out; // what the socket did not take
  size_t out_sent = 0;

  size_t unsent_bytes() const { return out.size() - out_sent; }
};

} // namespace beckon::net
