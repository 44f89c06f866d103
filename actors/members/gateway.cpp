#include "actors/members/gateway.hpp"

#include "actors/context/refusals.hpp"
#include "actors/users/decide_json.hpp"
#include "decision/hash.hpp"
#include "net/quick_actor.hpp"

#include <prometheus/counter.h>

#include <utility>

// Output to a peer. Input: gateway_input.cpp; the link: gateway_link.cpp.
namespace beckon::actors {

const char* gateway_state::name = "gateway";

namespace {

cluster::user_verb verb_of(user_operation op) {
  switch (op) {
  case user_operation::get:
    break;
  case user_operation::replace_profile:
    return cluster::user_verb::replace_profile;
  case user_operation::patch_profile:
    return cluster::user_verb::patch_profile;
  case user_operation::erase:
    return cluster::user_verb::erase;
  }
  return cluster::user_verb::get;
}

} // namespace

// Ids start from the clock, so they never collide with an earlier gateway's, whose asks may still be answered
// or confirmed. None sends more than 4096 in a millisecond.
void gateway_state::open() {
  map_ = context().map().address();
  self->monitor(context().map());
  last_id_ = sent_ = acknowledged_ = static_cast<uint64_t>(now()) << 12;
}

// -- asks of this node

/// By the clock that all nodes share. Its low bits are enough, because nothing waits for weeks.
uint32_t gateway_state::until(int64_t wait_ms) const {
  return static_cast<uint32_t>(node->now_ms() + wait_ms);
}

bool gateway_state::has_room() const {
  const auto& o = node->cluster->options;
  if (pending_.size() >= o.gateway_asks_max)
    return false;
  size_t bytes = answers_.size_bytes();
  for (const auto& batch : asks_)
    bytes += batch.size_bytes();
  return bytes < o.gateway_bytes_max;
}

uint64_t gateway_state::note(asked what, int64_t wait_ms, std::deque<std::pair<int64_t, uint64_t>>& due) {
  pending_.emplace(++last_id_, std::move(what));
  due.emplace_back(now() + wait_ms, last_id_);
  wait_for_due();
  return last_id_;
}

gateway_state::decide_promise gateway_state::decide(decide_ask_ptr ask) {
  auto promise = self->make_response_promise<decide_answer_ptr>();
  if (!up_ || !has_room()) {
    if (up_)
      metrics().refused->Increment();
    promise.deliver(
        refuse(std::move(ask), up_ ? ask_status::overloaded : ask_status::unavailable, 0, node->now_ms()));
    return promise;
  }
  auto wait_ms = context().options.forward_timeout_ms;
  cluster::decide_ask_frame f{last_id_ + 1, ask->way.epoch_known, until(wait_ms),
                              ask->request, ask->request_id,      ask->way.catalog_known};
  if (!gather_ask(f)) {
    promise.deliver(refuse(std::move(ask), ask_status::overloaded, 0, node->now_ms()));
    return promise;
  }
  note(asked_decide{std::move(ask), promise}, wait_ms, asks_due_);
  metrics().forwarded->Increment();
  return promise;
}

gateway_state::user_promise gateway_state::serve_user(user_ask_ptr ask) {
  auto promise = self->make_response_promise<user_answer_ptr>();
  auto wait_ms = context().options.forward_timeout_ms;
  cluster::user_ask_frame f{last_id_ + 1, ask->way.epoch_known, until(wait_ms), verb_of(ask->operation),
                            ask->user,    ask->document};
  if (!up_ || !has_room() || !gather_ask(f)) {
    if (up_)
      metrics().refused->Increment();
    promise.deliver(refuse(std::move(ask), up_ ? ask_status::overloaded : ask_status::unavailable));
    return promise;
  }
  note(asked_user{std::move(ask), promise}, wait_ms, asks_due_);
  metrics().forwarded->Increment();
  return promise;
}

void gateway_state::apply(const events_ask_ptr& ask) {
  auto wait_ms = context().options.apply_timeout_ms;
  cluster::events_ask_frame f{last_id_ + 1, until(wait_ms), ask->events};
  asked what{ask};
  if (!up_ || !has_room() || !gather_ask(f)) {
    fail(what);
    return;
  }
  note(std::move(what), wait_ms, events_due_);
  metrics().forwarded->Increment();
}

void gateway_state::hint_catalog(uint64_t version) {
  if (up_)
    gather_answer(cluster::catalog_hint_frame{version});
}

void gateway_state::hint_route(const cluster::route_claim& route) {
  if (up_)
    gather_answer(cluster::route_hint_frame{route});
}

// -- answers of this node

cluster::route_claim gateway_state::route_of(const std::string& user, const moved_to& where) const {
  return {static_cast<uint16_t>(decision::shard_of(user)), where.owner, where.epoch};
}

namespace {

cluster::ask_result result_of(ask_status s) {
  switch (s) {
  case ask_status::done:
    return cluster::ask_result::done;
  case ask_status::unavailable:
    return cluster::ask_result::unavailable;
  case ask_status::moved:
    return cluster::ask_result::moved;
  case ask_status::overloaded:
  case ask_status::moving:
    break;
  }
  return cluster::ask_result::overloaded;
}

} // namespace

void gateway_state::answer(const decide_answer& a) {
  cluster::decide_answer_frame f;
  f.id = a.ask->way.forwarded_id;
  f.result = result_of(a.status);
  if (a.status == ask_status::moved)
    f.route = route_of(a.ask->request.user, a.moved);
  if (a.status == ask_status::done)
    f.body = a.body.empty() ? render_decision(a) : a.body;
  metrics().answered->Increment();
  gather_answer(f);
}

void gateway_state::answer(const user_answer& a) {
  cluster::user_answer_frame f;
  f.id = a.ask->way.forwarded_id;
  f.result = result_of(a.status);
  if (a.status == ask_status::moved)
    f.route = route_of(a.ask->user, a.moved);
  if (a.status == ask_status::done) {
    f.found = a.found;
    f.created = a.created;
    f.errors = a.errors;
    f.state = decision::encode(a.state);
    if (a.profile)
      f.profile = decision::to_json(*a.profile);
  }
  metrics().answered->Increment();
  gather_answer(f);
}

void gateway_state::answer(const write_result& result) {
  cluster::events_answer_frame f;
  f.id = result.token;
  f.duplicates = result.outcome.duplicates;
  f.detail = result.error.detail;
  if (result.error.ok())
    f.result = cluster::events_result::done;
  else if (result.error.what == work_error::kind::store && result.error.code == storage::errc::rejected)
    f.result = cluster::events_result::rejected;
  else
    f.result = cluster::events_result::not_now;
  if (result.error.ok() && result.outcome.status == storage::write_status::fenced) {
    f.result = cluster::events_result::not_now;
    f.detail = "the shard has a new owner";
    metrics().fenced->Increment();
    self->send(context().map(), look_atom::value);
  }
  metrics().answered->Increment();
  gather_answer(f);
}

namespace {

/// A class: for a function that gets nothing CAF 0.17.6 looks through a null pointer at its (no) arguments,
/// which sanitizers report.
class turn_echo : public turn_echo_actor::base {
 public:
  using turn_echo_actor::base::base;
  behavior_type make_behavior() override {
    net::mark_quick(*this);
    return {
        [](flush_atom) { return flush_atom::value; },
    };
  }
};

} // namespace

gateway_actor::behavior_type gateway(gateway_state::self_pointer self, node_context_ptr node,
                                     storage::incarnation_id own, storage::incarnation_id peer,
                                     std::string peer_name) {
  auto& st = self->state;
  st.self = self;
  st.node = std::move(node);
  st.own = own;
  st.peer = peer;
  st.peer_name = std::move(peer_name);
  st.open();
  st.echo = self->spawn<turn_echo>();
  self->set_down_handler([self](const caf::down_msg& down) { self->state.link_down(down); });
  self->set_exit_handler([self](const caf::exit_msg&) { self->state.retire(); });
  net::mark_quick(*self); // large batches come by the scheduler (link_end)
  return {
      [self](batch_atom, const peer_bytes& bytes) { self->state.take(bytes); },
      [self](decide_atom, const decide_ask_ptr& ask) { return self->state.decide(ask); },
      [self](user_atom, const user_ask_ptr& ask) { return self->state.serve_user(ask); },
      [self](const events_ask_ptr& ask) { self->state.apply(ask); },
      [self](const decide_answer_ptr& a) { self->state.answer(*a); },
      [self](const user_answer_ptr& a) { self->state.answer(*a); },
      [self](const write_result_ptr& r) { self->state.answer(*r); },
      [self](dial_atom) { self->state.begin_link(); },
      [self](link_atom, const link_actor& link) { self->state.attach(link); },
      [self](hint_atom, uint64_t version) { self->state.hint_catalog(version); },
      [self](hint_atom, uint16_t shard, uint64_t owner, uint64_t epoch) {
        self->state.hint_route({shard, owner, epoch});
      },
      [self](flush_atom) { self->state.flush(); },
      [self](beat_atom) { self->state.beat(); },
  };
}

} // namespace beckon::actors
