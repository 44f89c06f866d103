#include "actors/users/user_shard.hpp"

#include "actors/users/decide_json.hpp"
#include "base/uuid.hpp"
#include "net/quick_actor.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace beckon::actors {

const char* user_shard_state::name = "user_shard";

user_shard_state::user_shard_state() = default;

// -- entry points

user_shard_state::decide_promise user_shard_state::decide(decide_ask_ptr ask) {
  counters().taken.add();
  pending_ask d = pending_decide{std::move(ask), self->make_response_promise<decide_answer_ptr>(), false};
  auto promise = std::get<pending_decide>(d).promise;
  if (admits(d))
    serve(std::get<pending_decide>(std::move(d)));
  return promise;
}

void user_shard_state::serve(pending_decide d) {
  const auto& request = d.ask->request;
  if (!catalog) {
    reply(d, make_answer(d, ask_status::unavailable));
    return;
  }
  if (!d.ask->request_id.empty() && !request.dry_run) {
    if (auto known =
            replays.find(request.user, d.ask->request_id, node->now_ms() - decision::request_id_keep_ms)) {
      counters().replays.add();
      if (d.ask->way.forwarded()) { // the answer carries the number of this ask
        known = std::make_shared<decide_answer>(*known);
        if (known->body.empty()) // rendered for the original ask: this one may name other placements
          known->body = render_decision(*known);
        known->ask = d.ask;
      }
      d.promise.deliver(std::move(known));
      return;
    }
  }
  auto& e = use(request.user);
  admit(e, std::move(d));
}

user_shard_state::user_promise user_shard_state::serve_user(user_ask_ptr ask) {
  counters().taken.add();
  pending_ask u = pending_user{std::move(ask), self->make_response_promise<user_answer_ptr>()};
  auto promise = std::get<pending_user>(u).promise;
  if (admits(u))
    serve(std::get<pending_user>(std::move(u)));
  return promise;
}

void user_shard_state::serve(pending_user u) {
  auto& e = use(u.ask->user);
  u.loads = e.loads;
  admit(e, std::move(u));
}

void user_shard_state::adopt(decision::catalog_ptr c) {
  if (!catalog || c->version() >= catalog->version())
    catalog = std::move(c);
  if (!held.empty())
    release_held();
}

void user_shard_state::merge(const storage::changed_user& changed) {
  auto* e = users.find(changed.user);
  if (!e || e->now == user_entry::phase::absent || e->state.version >= changed.version)
    return;
  // Nothing was known: a new user, or one erased since these events were stored. The store knows which.
  if (e->now == user_entry::phase::ready && !e->found) {
    doubt(*e);
    return;
  }
  auto state = decision::decode_user_state(changed.state);
  if (!state)
    return; // written by this program just now: a load would read and report the same bytes
  e->state = std::move(*state);
  e->found = true;
}

/// The user whose work has this token, which ends now. Null: it was given up.
user_entry* user_shard_state::end_work(uint64_t token) {
  auto t = under_way.find(token);
  if (t == under_way.end())
    return nullptr;
  auto* e = users.find(t->second);
  under_way.erase(t);
  e->work->token = 0;
  return e;
}

void user_shard_state::loaded(const read_result& result) {
  settle_read(result);
  finish_hand_over();
}

void user_shard_state::settle_read(const read_result& result) {
  auto* found = end_work(result.token);
  if (!found)
    return;
  auto& e = *found;
  if (e.now == user_entry::phase::asking) {
    looked_up(e, result);
    drain(e);
    return;
  }
  std::string fault = result.error.detail;
  if (result.error.ok() && adopt_row(e, std::get<storage::user_row>(result.value), fault)) {
    refreshed(e);
    if (e.work->owed)
      charge_owed(e);
    drain(e);
    return;
  }
  if (auto left_out = node->load_faults.let_through(node->now_ms()))
    spdlog::warn("user state not loaded: {} (and {} more since the last such message)", fault, *left_out);
  if (e.work->kept) {
    fall_back(e);
    return;
  }
  e.now = user_entry::phase::absent;
  give_up_waiting(e, result.error.what == work_error::kind::overloaded ? ask_status::overloaded
                                                                       : ask_status::unavailable);
  if (e.work->owed)
    owe(e, std::exchange(e.work->owed, nullptr), false);
  else
    e.work.reset();
}

void user_shard_state::written(const write_result& result) {
  settle_write(result);
  finish_hand_over();
}

void user_shard_state::settle_write(const write_result& result) {
  auto* found = end_work(result.token);
  if (!found)
    return;
  auto& e = *found;
  e.now = user_entry::phase::ready;
  if (std::holds_alternative<pending_decide>(e.work->current))
    claimed(e, result);
  else
    user_written(e, result);
  drain(e);
}

// The pool with our jobs is gone. What it wrote is unknown, so reload every busy user.
void user_shard_state::fail_all() {
  for (auto& [token, user] : std::exchange(under_way, {}))
    abandon(*users.find(user));
  finish_hand_over();
}

void user_shard_state::abandon(user_entry& e) {
  e.work->token = 0;
  if (e.work->kept) {
    fall_back(e);
    return;
  }
  auto* d = std::get_if<pending_decide>(&e.work->current);
  auto given = e.now == user_entry::phase::writing && d && !d->promise.pending();
  auto owed = given ? std::exchange(e.work->answer, nullptr) : std::exchange(e.work->owed, nullptr);
  if (e.now == user_entry::phase::writing || e.now == user_entry::phase::asking)
    give_up(e.work->current, ask_status::unavailable);
  if (e.now == user_entry::phase::loading || owed)
    e.now = user_entry::phase::absent;
  else
    doubt(e);
  give_up_waiting(e, ask_status::unavailable);
  if (owed)
    owe(e, std::move(owed), false);
  else
    e.work.reset();
}

void user_shard_state::give_up_waiting(user_entry& e, ask_status why) {
  auto asks = std::exchange(e.work->waiting, {});
  waiting -= asks.size();
  counters().waiting.set(waiting);
  for (auto& ask : asks)
    give_up(ask, why);
}

// -- one user: admission and order

user_entry& user_shard_state::use(const std::string& user) {
  size_t evicted = 0;
  auto& e = users.use(user, evicted);
  auto& c = counters();
  (e.now == user_entry::phase::absent || e.now == user_entry::phase::loading ? c.misses : c.hits).add();
  if (evicted != 0)
    c.evictions.add(evicted);
  c.users.set(users.size());
  return e;
}

void user_shard_state::admit(user_entry& e, pending_ask ask) {
  if (e.now == user_entry::phase::ready && !outdated(e, ask)) {
    run(e, std::move(ask));
    return;
  }
  if (e.now == user_entry::phase::owing) {
    give_up(ask, ask_status::unavailable);
    return;
  }
  auto idle = e.now == user_entry::phase::absent || e.now == user_entry::phase::ready;
  if (!wait(e, ask)) {
    give_up(ask, ask_status::overloaded);
    if (idle)
      settle(e);
    return;
  }
  if (idle)
    load(e);
}

bool user_shard_state::wait(user_entry& e, pending_ask& ask) {
  if (!e.work)
    e.work = std::make_unique<user_work>();
  if (e.work->waiting.size() >= node->options.user_waiting_max || waiting >= node->options.shard_waiting_max)
    return false;
  e.work->waiting.push_back(std::move(ask));
  counters().waiting.set(++waiting);
  return true;
}

void user_shard_state::run(user_entry& e, pending_ask ask) {
  if (auto* d = std::get_if<pending_decide>(&ask))
    run_decide(e, std::move(*d));
  else
    run_user(e, std::move(std::get<pending_user>(ask)));
}

void user_shard_state::drain(user_entry& e) {
  while (e.now == user_entry::phase::ready && e.work && !e.work->waiting.empty()
         && !outdated(e, e.work->waiting.front())) {
    auto ask = std::move(e.work->waiting.front());
    e.work->waiting.pop_front();
    counters().waiting.set(--waiting);
    run(e, std::move(ask));
  }
  settle(e);
}

// Work exists only while something is running: an idle user needs no queue.
void user_shard_state::settle(user_entry& e) {
  if (!e.work || e.work->token != 0 || e.now == user_entry::phase::owing)
    return;
  if (!e.work->waiting.empty()) {
    load(e);
    return;
  }
  e.work.reset();
  // Busy users are never dropped, so the cache may have exceeded its bound.
  if (auto evicted = users.shrink(&e); evicted != 0) {
    counters().evictions.add(evicted);
    counters().users.set(users.size());
  }
}

void user_shard_state::begin(user_entry& e, user_entry::phase p, pending_ask whose) {
  if (!e.work)
    e.work = std::make_unique<user_work>();
  e.now = p;
  e.work->current = std::move(whose);
  e.work->token = ++last_token;
  under_way.emplace(last_token, *e.user);
}

void user_shard_state::start_write(user_entry& e, storage::write_job job, pending_ask whose) {
  begin(e, user_entry::phase::writing, std::move(whose));
  ask_write(self, node->handles()->writers, work_key{number}, std::move(job), last_token);
}

// -- answers

decide_answer_ptr user_shard_state::make_answer(const pending_decide& d, ask_status status) const {
  auto answer = std::make_shared<decide_answer>();
  answer->status = status;
  answer->ask = d.ask;
  answer->catalog_version = catalog ? catalog->version() : 0;
  if (status != ask_status::done) {
    answer->at_ms = node->now_ms();
    answer->decision_id = base::make_uuid_v7(answer->at_ms);
    answer->what.placements.resize(d.ask->request.placements.size());
    for (auto& p : answer->what.placements)
      p.why = decision::reason::unavailable;
  }
  return answer;
}

void user_shard_state::reply(pending_decide& d, decide_answer_ptr answer) {
  for (const auto& p : answer->what.placements)
    counters().reasons[static_cast<size_t>(p.why)].add();
  d.promise.deliver(std::move(answer));
}

void user_shard_state::give_up(pending_ask& ask, ask_status why) {
  if (auto* d = std::get_if<pending_decide>(&ask)) {
    if (d->promise.pending())
      reply(*d, make_answer(*d, why));
    return;
  }
  auto& u = std::get<pending_user>(ask);
  auto answer = std::make_shared<user_answer>();
  answer->ask = u.ask;
  answer->status = why;
  u.promise.deliver(user_answer_ptr{std::move(answer)});
}

// -- behaviour

user_shard_actor::behavior_type user_shard(user_shard_state::self_pointer self, node_context_ptr node,
                                           uint16_t number) {
  auto& st = self->state;
  st.self = self;
  st.number = number;
  st.node = std::move(node);
  st.users.resize(st.node->options.shard_users_max);
  st.replays = replay_memory{st.node->options.replay_answers_max};
  // In a cluster, serve nothing before the node allows it.
  if (st.node->cluster)
    st.place.apply({number, cluster::shard_phase::nobody, 0, 0});
  net::mark_quick(*self); // a shard only looks up, decides and sends
  return {
      [self](decide_atom, const decide_ask_ptr& ask) { return self->state.decide(ask); },
      [self](user_atom, const user_ask_ptr& ask) { return self->state.serve_user(ask); },
      [self](adopt_atom, const decision::catalog_ptr& c) { self->state.adopt(c); },
      [self](const changed_user_ptr& changed) { self->state.merge(*changed); },
      [self](const write_result_ptr& result) { self->state.written(*result); },
      [self](const read_result_ptr& result) { self->state.loaded(*result); },
      [self](lost_atom) { self->state.fail_all(); },
      [self](retry_atom, const std::string& user) { self->state.retry_owed(user); },
      [self](order_atom, const shard_orders_ptr& orders) { self->state.obey(*orders); },
      [self](hold_atom) { self->state.end_hold(); },
  };
}

} // namespace beckon::actors
