#include "net/http_front.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <exception>
#include <sys/socket.h>

namespace beckon::net {

namespace {

constexpr size_t linger_bytes_max = 1048576; // discarded after our FIN; a client that sends more is cut off
constexpr size_t request_id_bytes_max = 128;
constexpr std::string_view too_many_bytes =
    "the bodies of the requests in flight hold too many bytes; try again";
constexpr std::string_view continue_text = "HTTP/1.1 100 Continue\r\n\r\n";

bool is_identifier(std::string_view text) {
  return !text.empty() && text.size() <= request_id_bytes_max
         && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

bool is_encoded(const request& r) {
  const auto coding = r.field("content-encoding");
  return coding && !coding->empty() && *coding != "identity";
}

response with_header(response r, std::string_view name, std::string value) {
  r.headers.emplace_back(name, std::move(value));
  return r;
}

response refusal_of(const route_match& m) {
  switch (m.what) {
  case route_match::kind::options: {
    response r;
    r.status = 204;
    return with_header(std::move(r), "Allow", m.allow);
  }
  case route_match::kind::method_not_allowed:
    return with_header(make_problem(405, "this path answers " + m.allow), "Allow", m.allow);
  case route_match::kind::not_implemented:
    return make_problem(501, "this server does not know the method");
  default:
    return make_problem(404, "nothing is served at this path");
  }
}

} // namespace

bool http_front::may_parse(const connection& c) const {
  return !c.no_more_requests && !c.broken && c.in_flight < options_.pipeline_depth_max
         && c.unsent_bytes() + c.held_bytes < options_.output_bytes_max;
}

bool http_front::wants_input(const connection& c) const {
  if (c.broken || c.cut)
    return false;
  const bool may_receive = c.readable && !c.peer_done;
  // After the last request, further input is read and discarded only once our FIN is out.
  return c.lingering ? may_receive : may_parse(c) && (may_receive || !c.pending.empty());
}

/// One step of input.
void http_front::take_input(connection& c) {
  if (!wants_input(c))
    return;
  if (c.lingering || c.pending.empty()) {
    receive(c);
    return;
  }
  const std::string bytes = std::move(c.pending);
  c.pending.clear();
  feed(c, bytes);
}

void http_front::receive(connection& c) {
  const auto n = ::recv(c.fd, input_.data(), input_.size(), 0);
  if (n < 0) {
    if (errno == EINTR)
      return;
    c.readable = false;
    c.broken = errno != EAGAIN;
    return;
  }
  if (n == 0) { // earlier requests are still answered
    c.readable = false;
    c.peer_done = true;
    c.no_more_requests = true;
    return;
  }
  const auto bytes = static_cast<size_t>(n);
  metrics_.received_bytes += bytes;
  // Less than requested: the socket is empty, and the next byte brings an event. A FIN may already be there.
  if (bytes < input_.size() && !c.fin_announced)
    c.readable = false;
  if (c.lingering) {
    c.lingered_bytes += bytes;
    c.broken = c.lingered_bytes > linger_bytes_max;
    return;
  }
  feed(c, {input_.data(), bytes});
}

void http_front::feed(connection& c, std::string_view bytes) {
  while (!bytes.empty() && may_parse(c)) {
    const auto used = c.parser.feed(bytes);
    bytes.remove_prefix(used);
    const auto state = c.parser.current();
    if (state == request_parser::state::complete) {
      on_request(c, c.parser.take());
      c.input = connection::phase::idle;
      c.input_since_ms = now_ms_;
    } else if (state == request_parser::state::failed) {
      const auto& why = c.parser.failure();
      metrics_.parse_failure(why.status);
      refuse_input(c, make_problem(why.status, why.detail));
    } else {
      if (count_body(c))
        note_phase(c);
      if (used == 0)
        break; // impossible: it would ask for the same bytes for ever
    }
  }
  if (!c.no_more_requests)
    c.pending.assign(bytes);
}

void http_front::note_phase(connection& c) {
  const auto state = c.parser.current();
  auto phase = connection::phase::idle;
  if (state == request_parser::state::header)
    phase = connection::phase::header;
  else if (state == request_parser::state::body)
    phase = connection::phase::body;
  if (phase != c.input) {
    c.input = phase;
    c.input_since_ms = now_ms_;
    c.body_from_bytes = c.parser.consumed_bytes();
  }
  if (phase == connection::phase::body && c.parser.take_expect_continue())
    c.continue_owed = true;
}

/// Counts the bytes of an arriving body. False if it would exceed the node's bound: refused. Announced bytes
/// are not counted, so headers alone cannot use up the bound.
bool http_front::count_body(connection& c) {
  const auto bytes = c.parser.body_bytes();
  metrics_.request_bytes += bytes - c.body_bytes; // a body in the parser only grows
  c.body_bytes = bytes;
  const auto expected = c.parser.body_bytes_expected();
  if (bytes + expected == 0 || metrics_.request_bytes + expected <= options_.request_bytes_in_flight_max)
    return true;
  metrics_.overloaded(http_metrics::overload::request_bytes);
  refuse_input(c, make_unavailable(too_many_bytes));
  return false;
}

void http_front::uncount_body(connection& c) {
  metrics_.request_bytes -= c.body_bytes;
  c.body_bytes = 0;
}

/// Not before the answers of earlier requests: the interim answer belongs to the request whose body is
/// awaited.
void http_front::offer_continue(connection& c) {
  if (!c.continue_owed || c.first != nullptr)
    return;
  auto& out = output(c);
  out.insert(out.end(), continue_text.begin(), continue_text.end());
  c.continue_owed = false;
}

/// Answers unparsable input, after the requests before it.
void http_front::refuse_input(connection& c, response why) {
  c.no_more_requests = true;
  c.continue_owed = false;
  c.pending = {};
  c.parser = request_parser(options_.parser); // with the body bytes it holds
  uncount_body(c);
  auto& e = add_exchange(c);
  name_request(e, nullptr);
  e.frame.keep_alive = false;
  why.close = true;
  set_answer(c, e, std::move(why));
}

exchange& http_front::add_exchange(connection& c) {
  std::unique_ptr<exchange> fresh;
  if (spare_.empty()) {
    fresh = std::make_unique<exchange>();
  } else {
    fresh = std::move(spare_.back());
    spare_.pop_back();
  }
  auto* e = fresh.release(); // owned by the connection's list until release()
  e->sequence = c.next_sequence++;
  e->route = metrics_.no_route();
  e->received_us = now_us_;
  (c.last != nullptr ? c.last->next : c.first) = e;
  c.last = e;
  ++c.in_flight;
  return *e;
}

void http_front::name_request(exchange& e, const request* r) {
  if (r != nullptr) {
    if (const auto given = r->field("x-request-id"); given && is_identifier(*given)) {
      e.request_id.assign(*given);
      e.frame.request_id = e.request_id;
      return;
    }
  }
  char digits[16];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), ++ids_given_, 16).ptr;
  e.request_id.assign(id_prefix_);
  e.request_id.append(digits, end);
  e.frame.request_id = e.request_id;
}

void http_front::on_request(connection& c, std::unique_ptr<request> r) {
  c.continue_owed = false;
  uncount_body(c);
  auto& e = add_exchange(c);
  name_request(e, r.get());
  e.frame.minor_version = r->minor_version;
  e.frame.head_request = r->method == http_method::head;
  e.frame.keep_alive = r->keep_alive;
  if (!r->keep_alive) {
    c.no_more_requests = true;
    c.client_closes = true;
  }
  const auto match = router_.match(r->method, r->path, r->params);
  if (match.what != route_match::kind::found) {
    set_answer(c, e, refusal_of(match));
    return;
  }
  e.route = match.route;
  r->route = match.route;
  if (auto refusal = refuse_query(table_[match.route].query, r->query)) {
    set_answer(c, e, std::move(*refusal));
    return;
  }
  admit_request(c, e, std::move(r));
}

/// Hands a request to its route unless a bound is reached.
void http_front::admit_request(connection& c, exchange& e, std::unique_ptr<request> r) {
  const auto bytes = r->body.size();
  if (is_encoded(*r)) {
    set_answer(c, e,
               with_header(make_problem(415, "send the body without Content-Encoding"), "Accept-Encoding",
                           "identity"));
  } else if (metrics_.requests_in_flight >= options_.requests_in_flight_max) {
    metrics_.overloaded(http_metrics::overload::requests);
    set_answer(c, e, make_unavailable("too many requests are in flight; try again"));
  } else if (bytes > 0 && metrics_.request_bytes + bytes > options_.request_bytes_in_flight_max) {
    metrics_.overloaded(http_metrics::overload::request_bytes);
    set_answer(c, e, make_unavailable(too_many_bytes));
  } else {
    r->id = {c.number, e.sequence};
    r->peer = c.peer;
    r->received_us = now_us_;
    e.due_ms = now_ms_ + deadline_of(e.route);
    e.counted = true;
    e.body_bytes = bytes;
    ++metrics_.requests_in_flight;
    metrics_.request_bytes += bytes;
    parsed_.push_back(std::move(r));
  }
}

/// All actors of a turn start together: a worker thread woken for the first finds the others, instead of
/// sleeping and waking for each. Those that run on this thread have often answered when this returns.
void http_front::spawn_handlers() {
  for (auto& r : parsed_)
    spawn_handler_of(std::move(r));
  parsed_.clear();
  inline_unit_.run();
}

spawn_place http_front::place_of(const route& to, const request& r) {
  auto may_run_here = to.quick && inline_started_ < options_.inline_requests_max && inline_unit_.has_room()
                      && r.body.size() <= options_.inline_body_bytes_max;
  if (!may_run_here)
    return {system_};
  ++inline_started_;
  return {system_, &inline_unit_};
}

void http_front::spawn_handler_of(std::unique_ptr<request> r) {
  connection* c = nullptr;
  auto* e = find(r->id, c);
  if (e == nullptr)
    return; // the connection broke during the turn
  if (table_[e->route].publish_metrics)
    metrics_.publish();
  try {
    auto place = place_of(table_[e->route], *r);
    e->handler = table_[e->route].handle(place, request_ptr{std::move(r)}, host_.self());
  } catch (const std::exception&) {
    e->handler = nullptr;
  }
  if (e->handler)
    return;
  ++metrics_.spawn_failures;
  set_answer(*c, *e, make_problem(500, "the request could not be started"));
  mark(*c);
}

} // namespace beckon::net
