#include "actors/users/user_shard.hpp"
#include "base/uuid.hpp"

#include <utility>

// How a shard decides. How it claims: user_shard_claim.cpp.
namespace beckon::actors {

void user_shard_state::run_decide(user_entry& e, pending_decide d) {
  const auto& request = d.ask->request;
  auto now = node->now_ms();
  auto remembered = !d.ask->request_id.empty() && !request.dry_run;
  using lookup = decision::user_state::request_id_answer;
  if (remembered && !d.answer_looked_up
      && e.state.check_request(d.ask->request_id, now) == lookup::ask_store) {
    look_up(e, std::move(d));
    return;
  }
  auto answer = make_answer(d, ask_status::done);
  answer->at_ms = now;
  answer->decision_id = base::make_uuid_v7(now);
  answer->what = decision::decide(*catalog, e.state, e.profile.get(), request, now);
  if (answer->what.claims) {
    claim(e, std::move(d), std::move(answer));
    return;
  }
  if (remembered)
    replays.remember(answer);
  reply(d, std::move(answer));
}

// The user stays busy meanwhile, so that two simultaneous retries cannot both find no answer.
void user_shard_state::look_up(user_entry& e, pending_decide d) {
  auto job =
      load_answer_job{d.ask->request.user, d.ask->request_id, node->now_ms() - decision::request_id_keep_ms};
  begin(e, user_entry::phase::asking, std::move(d));
  ask_read(self, node->handles()->readers, work_key{number}, std::move(job), last_token);
}

void user_shard_state::looked_up(user_entry& e, const read_result& result) {
  auto d = std::get<pending_decide>(std::exchange(e.work->current, pending_decide{}));
  e.now = user_entry::phase::ready;
  if (!result.error.ok()) {
    auto overloaded = result.error.what == work_error::kind::overloaded;
    reply(d, make_answer(d, overloaded ? ask_status::overloaded : ask_status::unavailable));
  } else if (const auto& body = std::get<std::optional<std::string>>(result.value)) {
    counters().replays.add();
    auto answer = make_answer(d, ask_status::done);
    answer->body = *body;
    d.promise.deliver(std::move(answer));
  } else {
    d.answer_looked_up = true;
    run_decide(e, std::move(d));
  }
}

} // namespace beckon::actors
