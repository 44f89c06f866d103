#include "actors/api/events_handler.hpp"

#include "actors/seam/request_body.hpp"
#include "decision/hash.hpp"
#include "json/writer.hpp"

#include <prometheus/counter.h>

#include <utility>

namespace beckon::actors {

namespace {

using state = events_handler_state;

net::response all_rejected(const parsed_events& parsed) {
  json::field_errors errors;
  for (const auto& r : parsed.rejected)
    if (errors.size() < json::field_errors_max)
      errors.push_back({r.pointer, r.code + ": " + r.detail});
  return net::make_problem(422, "none of the events can be accepted; nothing was stored", errors);
}

net::response accepted(const parsed_events& parsed, uint32_t duplicates) {
  std::string body;
  json::writer w{body};
  w.begin_object().member("accepted", parsed.rows.size() - duplicates).member("duplicates", duplicates);
  w.key("rejected").begin_array();
  for (const auto& r : parsed.rejected) {
    w.begin_object().member("index", r.index).member("code", r.code);
    w.member("detail", r.pointer + " " + r.detail).end_object();
  }
  w.end_array().end_object();
  return json_answer(std::move(body), 202);
}

/// Not 503, which promises that no event of the batch was taken.
net::response unknown_outcome() {
  return net::make_problem(
      504, "it is unknown whether the events were stored; send the same batch again, the ids keep it "
           "from counting twice");
}

/// After an I/O error the bytes may still be in the file: the next start reads what is there.
bool leaves_open(storage::errc code) {
  return code == storage::errc::unknown_outcome || code == storage::errc::io_failed;
}

net::response render(const state& st, const write_result& result) {
  auto& m = *st.node->metrics;
  if (!result.error.ok()) {
    if (result.error.code == storage::errc::rejected && result.error.what == work_error::kind::store)
      return net::make_problem(422, "the store refuses this batch: " + result.error.detail);
    if (leaves_open(result.error.code) && result.error.what == work_error::kind::store)
      return unknown_outcome();
    return net::make_unavailable("the events cannot be stored now, and none was taken: " + result.error.detail
                                 + "; send the same batch again later");
  }
  m.events_accepted->Increment(static_cast<double>(st.parsed.rows.size() - result.outcome.duplicates));
  m.events_duplicate->Increment(result.outcome.duplicates);
  m.events_rejected->Increment(static_cast<double>(st.parsed.rejected.size()));
  return accepted(st.parsed, result.outcome.duplicates);
}

template <class Self>
void send_batch(Self* self) {
  auto& st = self->state;
  // Events of one user keep their order: the first user of the batch decides its writer.
  work_key key{decision::shard_of(st.parsed.rows.front().user)};
  ask_write(self, st.node->handles()->event_writers, key, storage::event_batch_write{st.parsed.rows});
}

} // namespace

events_handler_actor::behavior_type
events_handler(events_handler_actor::stateful_pointer<events_handler_state> self, net::request_ptr request,
               net::http_broker_actor broker, node_context_ptr node) {
  auto& st = self->state;
  st.open(std::move(request), std::move(broker), std::move(node));
  body_errors errors;
  json::document doc;
  if (read_body(*st.request, doc, errors))
    st.parsed = parse_events(doc, body_text(*st.request), st.node->now_ms(), errors.fields);
  if (errors.any() || st.parsed.rows.empty()) {
    st.node->metrics->events_rejected->Increment(static_cast<double>(st.parsed.rejected.size()));
    answer(self, errors.any() ? errors.problem() : all_rejected(st.parsed));
    return events_handler_actor::behavior_type::make_empty_behavior();
  }
  send_batch(self);
  return {
      [self](net::expire_atom) { answer(self, unknown_outcome()); },
      [self](const write_result_ptr& result) { answer(self, render(self->state, *result)); },
  };
}

// -- out
// ----------------------------------------------------------------------------------------------------------

namespace {

constexpr uint32_t events_per_page = 500;

template <class Self>
void ask_page(Self* self, const storage::event_cursor& from) {
  auto& st = self->state;
  // Exports spread over the lanes; each has one page under way.
  work_key key{static_cast<uint32_t>(st.request->id.connection)};
  ask_read(self, st.node->handles()->readers, key, load_events_job{st.filter, from, events_per_page});
}

template <class Self>
void begin_stream(Self* self) {
  auto& st = self->state;
  auto head = std::make_shared<net::exchange_answer>();
  head->id = st.request->id;
  head->what.content_type = "application/x-ndjson";
  st.begun = true;
  self->send(st.broker, net::begin_atom::value, std::move(head), net::streaming_request_actor{self});
}

/// As many events of the page as fit into one piece; at least one.
std::string next_piece(event_export_state& st) {
  std::string piece;
  const auto most = st.node->options.stream_piece_bytes_max;
  for (; st.sent < st.page.events.size(); ++st.sent) {
    auto before = piece.size();
    append_event(piece, st.page.events[st.sent]);
    piece += '\n';
    if (before != 0 && piece.size() > most) {
      piece.resize(before);
      break;
    }
  }
  return piece;
}

template <class Self>
void send_piece(Self* self, std::string piece) {
  const auto& id = self->state.request->id;
  self->send(self->state.broker, net::piece_atom::value, id.connection, id.sequence, std::move(piece));
}

/// Sends the next piece, reads the next page, or ends. The broker asks for more when the piece has left.
template <class Self>
void go_on(Self* self) {
  auto& st = self->state;
  const auto& id = st.request->id;
  if (st.sent < st.page.events.size()) {
    send_piece(self, next_piece(st));
  } else if (!st.page.last) {
    ask_page(self, st.page.next);
  } else {
    self->send(st.broker, net::finish_atom::value, id.connection, id.sequence);
    self->quit();
  }
}

template <class Self>
void take_page(Self* self, const read_result& result) {
  auto& st = self->state;
  if (result.error.ok()) {
    st.page = std::get<storage::event_page>(result.value);
    st.sent = 0;
    if (!st.begun)
      begin_stream(self); // the first piece needs credit too
    else if (st.page.events.empty() && !st.page.last)
      send_piece(self, {}); // nothing found yet, the search continues
    else
      go_on(self);
    return;
  }
  if (!st.begun) {
    answer(self, net::make_unavailable("the events cannot be read now: " + result.error.detail));
    return;
  }
  self->send(st.broker, net::abort_atom::value, st.request->id.connection, st.request->id.sequence);
  self->quit();
}

} // namespace

event_export_handler_actor::behavior_type
event_export_handler(event_export_handler_actor::stateful_pointer<event_export_state> self,
                     net::request_ptr request, net::http_broker_actor broker, node_context_ptr node) {
  auto& st = self->state;
  st.open(std::move(request), std::move(broker), std::move(node));
  json::field_errors errors;
  auto filter = parse_event_filter(*st.request, errors);
  if (!filter) {
    answer(self, net::make_problem(422, "the query is not acceptable; see errors", errors));
    return event_export_handler_actor::behavior_type::make_empty_behavior();
  }
  st.filter = std::move(*filter);
  ask_page(self, {});
  return {
      [self](net::expire_atom) {
        if (!self->state.begun)
          answer_expired(self);
      },
      [self](net::more_atom) { go_on(self); },
      [self](net::abort_atom) { self->quit(); },
      [self](const read_result_ptr& result) { take_page(self, *result); },
  };
}

} // namespace beckon::actors
