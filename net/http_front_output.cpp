#include "net/http_front.hpp"

#include <caf/send.hpp>

#include <cerrno>
#include <sys/socket.h>

namespace beckon::net {

namespace {

constexpr uint32_t all_events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
constexpr size_t spare_max = 4096;
constexpr size_t scratch_bytes_kept = 262144;
constexpr size_t early_bytes_kept = 4096;
constexpr size_t compact_bytes = 65536;

} // namespace

// -- answers come in ----------------------------------------------------------

exchange* http_front::find(exchange_id id, connection*& c) {
  c = connections_.find(id.connection);
  if (c == nullptr)
    return nullptr;
  for (auto* e = c->first; e != nullptr; e = e->next)
    if (e->sequence == id.sequence)
      return e;
  return nullptr;
}

/// Whether an answer to `id` may still come; counts one that may not.
bool http_front::accepts_answer(const exchange* e, exchange_id id) {
  if (e != nullptr && e->at <= exchange::stage::expired)
    return true;
  ++metrics_.late_answers;
  if (const auto o = orphans_.find(id); o != orphans_.end()) {
    --metrics_.requests_in_flight;
    metrics_.request_bytes -= o->second.body_bytes;
    orphans_.erase(o);
  }
  return false;
}

void http_front::answer(const exchange_answer_ptr& answer) {
  connection* c = nullptr;
  auto* e = find(answer->id, c);
  if (!accepts_answer(e, answer->id))
    return;
  hold_answer(*c, *e, answer);
  mark(*c);
}

void http_front::begin(const exchange_answer_ptr& head, streaming_request_actor producer) {
  connection* c = nullptr;
  auto* e = find(head->id, c);
  if (!accepts_answer(e, head->id)) {
    caf::anon_send(producer, abort_atom_v);
    return;
  }
  e->answer = head;
  e->at = exchange::stage::begun;
  e->producer = std::move(producer);
  e->handler = nullptr;
  e->due_ms = 0;
  mark(*c);
}

void http_front::piece(exchange_id id, const std::string& bytes) {
  connection* c = nullptr;
  auto* e = find(id, c);
  if (e == nullptr || !e->producer)
    return; // it was told to stop
  if (e->early.size() + bytes.size() > options_.stream_piece_bytes_max) {
    c->cut = true;
  } else {
    e->early += bytes;
    e->more_owed = true;
    e->due_ms = 0;
  }
  mark(*c);
}

void http_front::finish(exchange_id id) {
  connection* c = nullptr;
  auto* e = find(id, c);
  if (e == nullptr || !e->producer)
    return;
  e->early_end = true;
  e->producer = nullptr;
  e->due_ms = 0;
  mark(*c);
}

void http_front::abort(exchange_id id) {
  connection* c = nullptr;
  auto* e = find(id, c);
  if (e == nullptr || e->at == exchange::stage::ready)
    return;
  e->producer = nullptr; // it gave up itself and needs no abort_atom
  if (e->at == exchange::stage::flowing)
    c->cut = true;
  else
    set_answer(*c, *e, make_problem(500, "the answer could not be completed"));
  mark(*c);
}

void http_front::set_answer(connection& c, exchange& e, response what) {
  auto answer = std::make_shared<exchange_answer>();
  answer->what = std::move(what);
  hold_answer(c, e, std::move(answer));
}

void http_front::hold_answer(connection& c, exchange& e, exchange_answer_ptr answer) {
  e.held_bytes = answer->what.body.size();
  c.held_bytes += e.held_bytes;
  e.answer = std::move(answer);
  e.at = exchange::stage::ready;
  e.handler = nullptr;
  uncount(e);
}

void http_front::uncount(exchange& e) {
  if (!e.counted)
    return;
  --metrics_.requests_in_flight;
  metrics_.request_bytes -= e.body_bytes;
  e.counted = false;
}

int64_t http_front::deadline_of(size_t route) const {
  return table_[route].deadline_ms > 0 ? table_[route].deadline_ms : options_.request_deadline_ms;
}

// -- answers go out -----------------------------------------------------------

bool http_front::keeps_alive(const connection& c, const exchange& e) const {
  if (!e.frame.keep_alive || e.answer->what.close)
    return false;
  const bool last = e.next == nullptr && c.pending.empty() && c.input == connection::phase::idle;
  return !(last && (draining_ || c.peer_done));
}

/// Whether the output waiting for the client is below its bound.
bool http_front::has_room(const connection& c) const {
  return (c.out.empty() ? scratch_.size() : c.unsent_bytes()) < options_.output_bytes_max;
}

/// Whether more can be written as soon as flush() makes room.
bool http_front::wants_output(const connection& c) const {
  if (c.broken || c.cut || c.first == nullptr || !has_room(c))
    return false;
  const auto& e = *c.first;
  if (e.at == exchange::stage::flowing)
    return e.frame.head_request || e.early_end || !e.early.empty();
  return e.at == exchange::stage::ready || e.at == exchange::stage::begun;
}

/// Writes what is due, in request order; at most one answer or piece beyond the bound.
void http_front::write_answers(connection& c) {
  if (c.broken || c.cut)
    return;
  while (c.first != nullptr && has_room(c) && write_first(c, *c.first))
    complete(c);
  offer_continue(c);
}

/// True if the answer to the oldest request is completely written.
bool http_front::write_first(connection& c, exchange& e) {
  auto& out = output(c);
  if (e.at == exchange::stage::ready) {
    e.frame.keep_alive = keeps_alive(c, e);
    write_response(out, e.answer->what, e.frame, date_);
    return true;
  }
  if (e.at == exchange::stage::begun) {
    // Without chunks only the end of the connection marks the end of the body.
    e.frame.keep_alive = keeps_alive(c, e) && e.frame.minor_version >= 1;
    start_stream(e, out);
  }
  if (e.at != exchange::stage::flowing)
    return false;
  if (e.frame.head_request)
    return true;
  write_stream_piece(out, e.early, e.frame);
  e.early.clear();
  if (e.early_end)
    write_stream_end(out, e.frame);
  return e.early_end;
}

void http_front::start_stream(exchange& e, std::vector<char>& out) {
  write_stream_head(out, e.answer->what, e.frame, date_);
  e.at = exchange::stage::flowing;
  e.more_owed = true;
  if (e.frame.head_request && e.producer)
    caf::anon_send(e.producer, abort_atom_v);
}

void http_front::complete(connection& c) {
  auto& e = *c.first;
  const bool keep = e.frame.keep_alive;
  metrics_.answered(e.route, e.answer->what.status, now_us_ - e.received_us);
  c.first = e.next;
  if (c.first == nullptr)
    c.last = nullptr;
  --c.in_flight;
  if (c.input == connection::phase::idle)
    c.input_since_ms = now_ms_;
  release(c, e);
  if (keep)
    return;
  c.no_more_requests = true;
  c.continue_owed = false;
  c.pending = {};
  uncount_body(c);
  abandon_exchanges(c);
}

void http_front::release(connection& c, exchange& e) {
  uncount(e);
  c.held_bytes -= e.held_bytes;
  std::unique_ptr<exchange> owned{&e};
  if (spare_.size() >= spare_max || e.early.capacity() > early_bytes_kept)
    return;
  auto id = std::move(e.request_id); // keeps its memory
  e = exchange{};
  e.request_id = std::move(id);
  spare_.push_back(std::move(owned));
}

/// Sends the pending output; what the socket does not take stays in c.out.
void http_front::flush(connection& c) {
  if (c.out.empty()) {
    const auto sent = send_from(c, scratch_, 0);
    if (sent < scratch_.size() && !c.broken) {
      c.out.assign(scratch_.begin() + static_cast<std::ptrdiff_t>(sent), scratch_.end());
      c.progress_ms = now_ms_;
    }
    scratch_.clear();
    if (scratch_.capacity() > scratch_bytes_kept)
      scratch_.shrink_to_fit();
  } else {
    c.out_sent = send_from(c, c.out, c.out_sent);
    if (c.out_sent == c.out.size()) {
      std::vector<char>{}.swap(c.out);
      c.out_sent = 0;
    } else if (c.out_sent > compact_bytes && c.out_sent > c.out.size() / 2) {
      c.out.erase(c.out.begin(), c.out.begin() + static_cast<std::ptrdiff_t>(c.out_sent));
      c.out_sent = 0;
    }
  }
  if (c.write_blocked && !c.write_watched && !c.broken) {
    c.write_watched = poller_->change(c.fd, c.number, all_events);
    c.broken = !c.write_watched;
  }
}

size_t http_front::send_from(connection& c, const std::vector<char>& bytes, size_t from) {
  while (from < bytes.size() && !c.write_blocked && !c.broken) {
    const auto n = ::send(c.fd, bytes.data() + from, bytes.size() - from, MSG_NOSIGNAL);
    if (n >= 0) {
      from += static_cast<size_t>(n);
      metrics_.sent_bytes += static_cast<size_t>(n);
      c.progress_ms = now_ms_;
    } else if (errno == EAGAIN) {
      c.write_blocked = true;
    } else if (errno != EINTR) {
      c.broken = true;
    }
  }
  return from;
}

/// Lets the producer of a stream continue as soon as its client has read enough.
void http_front::credit(connection& c) {
  if (c.first == nullptr || c.broken || c.cut)
    return;
  auto& e = *c.first;
  if (e.at != exchange::stage::flowing || !e.more_owed || !e.producer
      || c.unsent_bytes() >= options_.output_bytes_max)
    return;
  e.more_owed = false;
  e.due_ms = now_ms_ + deadline_of(e.route);
  caf::anon_send(e.producer, more_atom_v);
}

} // namespace beckon::net
