#include "actors/decide_json.hpp"
#include "actors/user_shard.hpp"
#include "actors/uuid.hpp"

#include <utility>

// How a shard decides and claims.
namespace beckon::actors {

void user_shard_state::run_decide(user_entry& e, pending_decide d) {
  const auto& request = d.ask->request;
  auto now = node->now_ms();
  auto remembered = !d.ask->request_id.empty() && !request.dry_run;
  using lookup = decision::user_state::request_id_answer;
  if (remembered && !d.answer_looked_up
      && e.state.check_request(d.ask->request_id, now) == lookup::ask_store) {
    look_up(std::move(d));
    return;
  }
  auto answer = make_answer(d, ask_status::done);
  answer->at_ms = now;
  answer->decision_id = make_uuid_v7(now);
  answer->what = decision::decide(*catalog, e.state, e.profile.get(), request, now);
  if (answer->what.claims) {
    claim(e, std::move(d), std::move(answer));
    return;
  }
  if (remembered)
    replays.remember(answer);
  reply(d, std::move(answer));
}

void user_shard_state::look_up(pending_decide d) {
  if (waiting >= node->options.shard_waiting_max) {
    reply(d, make_answer(d, ask_status::overloaded));
    return;
  }
  counters().waiting.set(++waiting);
  auto ask = std::make_shared<read_ask>();
  ask->token = ++last_token;
  ask->job =
      load_answer_job{d.ask->request.user, d.ask->request_id, node->now_ms() - decision::request_id_keep_ms};
  ask->client = self;
  lookups.emplace(last_token, std::move(d));
  self->send(node->handles()->readers, read_atom::value, read_ask_ptr{std::move(ask)});
}

void user_shard_state::looked_up(pending_decide d, const read_result& result) {
  counters().waiting.set(waiting);
  if (!result.error.ok()) {
    auto overloaded = result.error.what == work_error::kind::overloaded;
    reply(d, make_answer(d, overloaded ? ask_status::overloaded : ask_status::unavailable));
    return;
  }
  if (const auto& body = std::get<std::optional<std::string>>(result.value)) {
    counters().replays.add();
    auto answer = make_answer(d, ask_status::done);
    answer->body = *body;
    d.promise.deliver(std::move(answer));
    return;
  }
  d.answer_looked_up = true;
  auto& e = use(d.ask->request.user);
  admit(e, std::move(d));
}

void user_shard_state::claim(user_entry& e, pending_decide d, decide_answer_ptr answer) {
  auto& next = answer->what.next;
  storage::claim_write w;
  w.shard = number;
  w.user = d.ask->request.user;
  w.expected_version = e.state.version;
  w.version = next.version;
  w.next_eligible_ms = next.next_eligible_ms;
  for (const auto& p : answer->what.placements)
    if (p.popup)
      w.shown.push_back({p.popup->id, p.popup->variants.empty() ? "" : p.popup->variants[p.variant].id});
  if (!d.ask->request_id.empty()) {
    next.remember_request(d.ask->request_id, answer->at_ms);
    answer->body = render_decision(*answer);
    w.answer = storage::stored_answer{d.ask->request_id, answer->at_ms, answer->body};
  }
  w.state = decision::encode(next);
  if (node->options.claims_queued)
    reply(d, answer);
  start_write(e, std::move(w), std::move(d));
  e.work->answer = std::move(answer);
}

void user_shard_state::claimed(user_entry& e, const write_result& result) {
  auto d = std::get<pending_decide>(std::exchange(e.work->writing, pending_decide{}));
  auto answer = std::exchange(e.work->answer, nullptr);
  if (!result.error.ok()) {
    auto overloaded = result.error.what == work_error::kind::overloaded;
    if (!overloaded)
      e.now = user_entry::phase::absent; // what the store holds now is not known
    pending_ask ask{std::move(d)};
    give_up(ask, overloaded ? ask_status::overloaded : ask_status::unavailable);
    return;
  }
  if (result.outcome.status == storage::write_status::conflict) {
    counters().conflicts.add();
    e.now = user_entry::phase::absent;
    if (d.promise.pending()) {
      d.answer_looked_up = false;
      e.work->waiting.push_front(std::move(d));
      counters().waiting.set(++waiting);
    }
    return;
  }
  if (answer->what.next.version > e.state.version)
    e.state = answer->what.next;
  e.found = true;
  counters().claims.add();
  if (d.promise.pending())
    reply(d, std::move(answer));
}

} // namespace beckon::actors
