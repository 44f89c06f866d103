#include "actors/users/user_shard.hpp"

#include <utility>

// Reading, changing and erasing users.
namespace beckon::actors {

void user_shard_state::run_user(user_entry& e, pending_user u) {
  // After its lease a node may have lost the shard, and its memory may be outdated.
  if (!node->may_claim()) {
    pending_ask ask{std::move(u)};
    give_up(ask, ask_status::unavailable);
    return;
  }
  if (u.ask->operation == user_operation::erase) {
    storage::write_job job = storage::user_erase{u.ask->user, number, fence(), node->now_ms()};
    start_write(e, std::move(job), std::move(u));
    return;
  }
  auto op = u.ask->operation;
  if (op == user_operation::replace_profile || op == user_operation::patch_profile) {
    write_profile(e, std::move(u));
    return;
  }
  auto answer = std::make_shared<user_answer>();
  answer->ask = u.ask;
  answer->found = e.found;
  answer->state = e.state;
  answer->profile = e.profile;
  u.promise.deliver(user_answer_ptr{std::move(answer)});
}

void user_shard_state::write_profile(user_entry& e, pending_user u) {
  json::field_errors errors;
  json::document doc;
  auto merged = std::make_shared<decision::attributes>();
  const json::path root;
  const json::path attributes_path{&root, "attributes", -1};
  if (auto bad = json::parse(u.ask->document, doc))
    errors.push_back({"/attributes", bad->detail});
  else if (u.ask->operation == user_operation::replace_profile)
    *merged = decision::parse_attributes(doc, attributes_path, errors);
  else {
    if (e.profile)
      *merged = *e.profile;
    decision::patch_attributes(*merged, doc, attributes_path, errors);
  }
  auto text = decision::to_json(*merged);
  if (errors.empty() && merged->size() > decision::attributes_max)
    errors.push_back({"/attributes", "a user has at most 64 attributes"});
  if (errors.empty() && text.size() > decision::attributes_bytes_max)
    errors.push_back({"/attributes", "the attributes of a user take at most 16 KiB as JSON"});
  if (!errors.empty()) {
    auto answer = std::make_shared<user_answer>();
    answer->ask = u.ask;
    answer->errors = std::move(errors);
    u.promise.deliver(user_answer_ptr{std::move(answer)});
    return;
  }
  auto created = !e.profile;
  auto user = u.ask->user;
  start_write(e, storage::profile_write{number, user, std::move(text), node->now_ms(), fence()},
              std::move(u));
  e.work->profile = std::move(merged);
  e.work->created = created;
}

void user_shard_state::user_written(user_entry& e, const write_result& result) {
  auto u = std::get<pending_user>(std::exchange(e.work->current, pending_decide{}));
  auto profile = std::exchange(e.work->profile, nullptr);
  if (!result.error.ok()) {
    auto overloaded = result.error.what == work_error::kind::overloaded;
    if (!overloaded)
      doubt(e);
    pending_ask ask{std::move(u)};
    give_up(ask, overloaded ? ask_status::overloaded : ask_status::unavailable);
    return;
  }
  if (result.outcome.status == storage::write_status::fenced) {
    note_fenced();
    e.now = user_entry::phase::absent;
    pending_ask ask{std::move(u)};
    give_up(ask, ask_status::unavailable);
    return;
  }
  auto answer = std::make_shared<user_answer>();
  answer->ask = u.ask;
  if (u.ask->operation == user_operation::erase) {
    e.state = {};
    e.profile = nullptr;
    e.found = false;
    replays.forget(u.ask->user);
    // Events alone must be erased too, and only the store knows of them.
    answer->found = result.outcome.status == storage::write_status::done;
    if (auto eraser = node->handles()->eraser; eraser && result.outcome.more)
      self->send(eraser, look_atom::value);
  } else {
    e.profile = std::move(profile);
    e.found = true;
    answer->found = true;
    answer->created = e.work->created;
    answer->state = e.state;
    answer->profile = e.profile;
  }
  u.promise.deliver(user_answer_ptr{std::move(answer)});
}

} // namespace beckon::actors
