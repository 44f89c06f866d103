#include "actors/members/membership.hpp"

#include "base/clock.hpp"

#include <chrono>
#include <cstdlib>
#include <utility>

namespace beckon::actors {

const char* membership_state::name = "membership";

namespace {

/// When a node is declared dead before its lease has run out.
storage::burial_rule rule_of(const cluster_options& o, storage::incarnation_id self) {
  storage::burial_rule rule;
  rule.by = self;
  rule.silent_ms = o.times.silent_ms;
  // A witness records its suspects with each heartbeat, and its heartbeats are faster while it suspects
  // anybody.
  rule.witness_age_ms = o.times.heartbeat_ms * 2;
  return rule;
}

/// Puts the result of a call into the answer, or returns its error.
template <class T>
caf::error keep(caf::expected<T> result, membership_answer& answer) {
  if (!result)
    return std::move(result.error());
  answer.value = std::move(*result);
  return {};
}

} // namespace

void membership_state::call(const membership_ask_ptr& ask) {
  auto answer = std::make_shared<membership_answer>();
  answer->ask = ask;
  answer->sent_ms = node->cluster->steady_ms();
  if (!tables) {
    auto opened = store->open_cluster(node->cluster->options.database_timeout_ms);
    if (opened)
      tables = std::move(*opened);
    else
      answer->error = std::move(opened.error());
  }
  if (tables)
    answer->error = carry_out(*ask, *answer);
  answer->done_ms = node->cluster->steady_ms();
  self->send(ask->client, membership_answer_ptr{std::move(answer)});
}

caf::error membership_state::carry_out(const membership_ask& ask, membership_answer& answer) {
  using namespace cluster;
  const auto& o = node->cluster->options;
  struct visitor {
    membership_state& st;
    const membership_ask& ask;
    membership_answer& answer;
    const cluster_options& o;
    caf::error operator()(const join_call&) { return keep(st.join(), answer); }
    caf::error operator()(const beat_call& c) {
      return keep(st.tables->beat({ask.self, o.times.lease_ms, c.suspects}), answer);
    }
    caf::error operator()(const activate_call&) { return keep(st.tables->activate(ask.self), answer); }
    caf::error operator()(const drain_call&) { return keep(st.tables->drain(ask.self), answer); }
    caf::error operator()(const leave_call&) { return st.tables->leave(ask.self); }
    caf::error operator()(const bury_call& c) {
      return keep(st.tables->bury(c.nodes, rule_of(o, ask.self)), answer);
    }
    caf::error operator()(const begin_moves_call& c) {
      return keep(st.tables->begin_moves(c.moves, o.times.moves_max), answer);
    }
    caf::error operator()(const assign_call& c) { return keep(st.tables->assign(c.changes), answer); }
    caf::error operator()(const cancel_moves_call& c) { return st.tables->cancel_moves(c.moves); }
  };
  return std::visit(visitor{*this, ask, answer, o}, ask.call);
}

// Keep dead nodes for a day, for people.
caf::expected<storage::incarnation_id> membership_state::join() {
  constexpr int64_t dead_kept_ms = 86'400'000;
  if (auto err = refuse_clock())
    return err;
  const auto& o = node->cluster->options;
  auto joined = tables->join({o.cluster, o.node, o.identity, o.address, o.http, o.version, o.times.lease_ms});
  if (joined)
    if (auto err = tables->forget_dead(dead_kept_ms))
      return err;
  return joined;
}

// Decisions use the database's clock anyway, but a host whose clock is this far off is not healthy.
caf::error membership_state::refuse_clock() {
  auto picture = tables->look();
  if (!picture)
    return std::move(picture.error());
  auto now_ms = base::unix_ms();
  auto off_ms = now_ms - picture->now_ms;
  if (std::abs(off_ms) <= node->cluster->options.clock_refuse_ms)
    return {};
  return storage::make_error(
      storage::errc::bad_options,
      "this host's clock is " + std::to_string(std::abs(off_ms)) + " ms "
          + (off_ms > 0 ? "ahead of" : "behind")
          + " the database's, more than cluster.clock-refuse-ms allows; set the clock (chrony, "
            "systemd-timesyncd), then start again");
}

membership_actor::behavior_type membership(membership_actor::stateful_pointer<membership_state> self,
                                           node_context_ptr node, storage::store_ptr store) {
  auto& st = self->state;
  st.self = self;
  st.node = std::move(node);
  st.store = std::move(store);
  return {
      [self](call_atom, const membership_ask_ptr& ask) { self->state.call(ask); },
  };
}

} // namespace beckon::actors
