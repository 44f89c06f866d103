#include "actors/users/decide_json.hpp"
#include "actors/users/user_shard.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

// How a shard claims, and when it tries a claim again: after a conflict it loads the user and decides anew; a
// claim whose commit failed or is unknown is never repeated blindly; with durability.claims=queued a charge
// that is still owed is tried until it is stored.
namespace beckon::actors {

namespace {

/// Pause before a failed charge is retried; only durability.claims=queued owes charges.
constexpr std::chrono::milliseconds owed_retry{200};

std::vector<storage::shown_popup> shown_in(const decide_answer& answer) {
  std::vector<storage::shown_popup> shown;
  for (const auto& p : answer.what.placements)
    if (p.popup)
      shown.push_back({p.popup->id, p.popup->variants.empty() ? "" : p.popup->variants[p.variant].id});
  return shown;
}

/// Whether a state already contains an answer's charge: its write was executed although it was reported lost.
bool is_charged(const decision::user_state& state, const decide_answer& answer) {
  for (const auto& p : answer.what.placements) {
    if (!p.popup)
      continue;
    const auto* record = state.find(p.popup->id);
    const auto* decided = answer.what.next.find(p.popup->id);
    // Only this shard charges this user, one claim at a time, so the number of shows is conclusive.
    if (!record || !decided || record->shows < decided->shows)
      return false;
  }
  return true;
}

/// The state with the charge of an answer that was decided on an older state.
decision::user_state charge_again(decision::user_state state, const decide_answer& answer) {
  for (const auto& p : answer.what.placements) {
    if (!p.popup)
      continue;
    auto& record = state.touch(p.popup->id);
    ++record.shows;
    record.last_shown_ms = std::max(record.last_shown_ms, answer.at_ms);
  }
  state.next_eligible_ms = std::max(state.next_eligible_ms, answer.what.next.next_eligible_ms);
  ++state.version;
  if (!answer.ask->request_id.empty())
    state.remember_request(answer.ask->request_id, answer.at_ms);
  return state;
}

} // namespace

void user_shard_state::claim(user_entry& e, pending_decide d, decide_answer_ptr answer) {
  // After its lease a node shows nothing. Do not give an answer that does not wait for the store while the
  // store is known to be down.
  if (!node->may_claim() || (node->options.claims_queued && !node->health.store.writable)) {
    reply(d, make_answer(d, ask_status::unavailable));
    return;
  }
  if (!d.ask->request_id.empty()) {
    answer->what.next.remember_request(d.ask->request_id, answer->at_ms);
    answer->body = render_decision(*answer);
  }
  if (node->options.claims_queued)
    reply(d, answer);
  auto next = answer->what.next;
  write_claim(e, std::move(d), std::move(answer), next);
}

void user_shard_state::write_claim(user_entry& e, pending_decide d, decide_answer_ptr answer,
                                   const decision::user_state& next) {
  storage::claim_write w;
  w.shard = number;
  w.user = *e.user;
  w.expected_version = e.state.version;
  w.version = next.version;
  w.next_eligible_ms = next.next_eligible_ms;
  w.state = decision::encode(next);
  w.shown = shown_in(*answer);
  w.held = fence();
  if (!answer->ask->request_id.empty())
    w.answer = storage::stored_answer{answer->ask->request_id, answer->at_ms, answer->body};
  start_write(e, std::move(w), std::move(d));
  e.work->next = next;
  e.work->answer = std::move(answer);
}

void user_shard_state::claimed(user_entry& e, const write_result& result) {
  auto d = std::get<pending_decide>(std::exchange(e.work->current, pending_decide{}));
  auto answer = std::exchange(e.work->answer, nullptr);
  auto answered = !d.promise.pending();
  auto conflict = result.error.ok() && result.outcome.status == storage::write_status::conflict;
  auto fenced = result.error.ok() && result.outcome.status == storage::write_status::fenced;
  if (conflict)
    counters().conflicts.add();
  if (fenced) {
    // An answer that left before its charge was durable stays uncharged: only the owner could charge it.
    note_fenced();
    e.now = user_entry::phase::absent;
    pending_ask ask{std::move(d)};
    give_up(ask, ask_status::unavailable);
    return;
  }
  if (result.error.ok() && !conflict) {
    if (e.work->next.version > e.state.version)
      e.state = std::move(e.work->next);
    e.found = true;
    counters().claims.add();
    if (!answered)
      reply(d, std::move(answer));
    return;
  }
  auto overloaded = result.error.what == work_error::kind::overloaded;
  if (conflict || (answered && !overloaded)) {
    e.now = user_entry::phase::absent; // the store no longer holds what this claim was built on
  } else if (!overloaded) {
    // The second failure in a row: do not let waiting asks run into one time-out after another.
    if (e.doubtful)
      give_up_waiting(e, ask_status::unavailable);
    doubt(e);
  }
  if (answered) {
    owe(e, std::move(answer), conflict);
  } else if (conflict) {
    d.answer_looked_up = false;
    e.work->waiting.push_front(std::move(d));
    counters().waiting.set(++waiting);
  } else {
    pending_ask ask{std::move(d)};
    give_up(ask, overloaded ? ask_status::overloaded : ask_status::unavailable);
  }
}

// -- answers that left before their charge was durable
// ----------------------------------------------------------------

void user_shard_state::owe(user_entry& e, decide_answer_ptr answer, bool at_once) {
  e.work->owed = std::move(answer);
  if (at_once) {
    load(e);
    return;
  }
  e.now = user_entry::phase::owing;
  ++owing;
  give_up_waiting(e, ask_status::unavailable);
  self->delayed_send(self, owed_retry, retry_atom::value, *e.user);
}

void user_shard_state::retry_owed(const std::string& user) {
  auto* e = users.find(user);
  if (!e || e->now != user_entry::phase::owing)
    return;
  --owing;
  load(*e);
}

void user_shard_state::charge_owed(user_entry& e) {
  auto answer = std::exchange(e.work->owed, nullptr);
  if (is_charged(e.state, *answer)) {
    counters().claims.add();
    return;
  }
  auto next = charge_again(e.state, *answer);
  pending_decide answered{answer->ask, {}, true};
  write_claim(e, std::move(answered), std::move(answer), next);
}

} // namespace beckon::actors
