#include "cluster_book.hpp"

#include "decision/hash.hpp"
#include "decision/user_state.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace beckon::actors::test {

namespace {

/// The clock that decisions go by differs from the database's by at most half of the time that a call to it
/// took.
constexpr int64_t clock_error_ms = 400;

std::string text_of(const storage::fence& f) {
  return std::to_string(f.owner) + "/" + std::to_string(f.epoch);
}

/// The moment that is in a decision's id.
int64_t time_of(const std::string& decision_id) {
  return std::strtoll((decision_id.substr(0, 8) + decision_id.substr(9, 4)).c_str(), nullptr, 16);
}

std::string member(const std::string& body, const std::string& name) {
  auto at = body.find("\"" + name + "\":\"");
  if (at == std::string::npos)
    return {};
  at += name.size() + 4;
  return body.substr(at, body.find('"', at) - at);
}

} // namespace

sim_totals& sim_totals::operator+=(const sim_totals& x) {
  decisions += x.decisions;
  claims += x.claims;
  shown += x.shown;
  fenced += x.fenced;
  fenced_claims += x.fenced_claims;
  conflicts += x.conflicts;
  changes += x.changes;
  return *this;
}

std::string to_string(const sim_totals& t) {
  return std::to_string(t.decisions) + " decisions, " + std::to_string(t.claims) + " claims ("
         + std::to_string(t.conflicts) + " conflicts), " + std::to_string(t.shown) + " shown, "
         + std::to_string(t.fenced_claims) + " claims and " + std::to_string(t.fenced)
         + " other writes fenced, " + std::to_string(t.changes) + " changes of owner";
}

void sim_book::note(const std::string& line) {
  for (char c : line)
    fingerprint_ = (fingerprint_ ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  fingerprint_ = (fingerprint_ ^ static_cast<uint64_t>(sim_time::now_ms)) * 1099511628211ULL;
  if (loud_)
    std::printf("%9.3f  %s\n", static_cast<double>(sim_time::now_ms) / 1000.0, line.c_str());
}

void sim_book::violate(const std::string& what) {
  note("VIOLATION: " + what);
  if (fault_.empty())
    fault_ = "at " + std::to_string(sim_time::now_ms) + " ms: " + what;
}

// -- the tables

void sim_book::saw_tables(const std::vector<storage::cluster_shard>& shards) {
  if (tables_.empty())
    tables_.resize(shards.size());
  for (size_t i = 0; i < shards.size(); ++i) {
    const auto& now = shards[i];
    auto& before = tables_[i];
    if (now.epoch < before.epoch)
      violate("the epoch of shard " + std::to_string(i) + " went back");
    if (now.epoch == before.epoch && now.owner != before.owner)
      violate("shard " + std::to_string(i) + " has two owners in one epoch");
    if (now.epoch != before.epoch)
      ++totals_.changes;
    before = now;
  }
}

// -- writes

void sim_book::saw_fence(const std::string& what, uint16_t shard, const storage::fence& held,
                         const std::vector<storage::cluster_shard>& before) {
  const auto& row = before[shard];
  if (held.owner == 0)
    violate(what + " was written without a fence");
  else if (row.owner != held.owner || row.epoch != held.epoch)
    violate(what + " of shard " + std::to_string(shard) + " was written with " + text_of(held) + ", and "
            + text_of({row.owner, row.epoch}) + " had it");
}

void sim_book::saw_write(const storage::write_job& job, const storage::write_outcome& outcome,
                         const std::vector<storage::cluster_shard>& before) {
  if (outcome.status == storage::write_status::fenced)
    ++(std::holds_alternative<storage::claim_write>(job) ? totals_.fenced_claims : totals_.fenced);
  if (outcome.status == storage::write_status::conflict)
    ++totals_.conflicts;
  if (outcome.status != storage::write_status::done)
    return;
  if (const auto* claim = std::get_if<storage::claim_write>(&job)) {
    saw_fence("a claim", claim->shard, claim->held, before);
    if (claim->shard != decision::shard_of(claim->user))
      violate("a claim names another shard than its user's");
    saw_claim(*claim);
  } else if (const auto* profile = std::get_if<storage::profile_write>(&job)) {
    saw_fence("a profile", profile->shard, profile->held, before);
  } else if (const auto* batch = std::get_if<storage::event_batch_write>(&job)) {
    std::set<uint32_t> named;
    for (const auto& f : batch->held) {
      saw_fence("an event", f.shard, f.held, before);
      named.insert(f.shard);
    }
    for (const auto& e : batch->events)
      if (named.count(decision::shard_of(e.user)) == 0)
        violate("an event was applied without its shard's fence");
  }
}

void sim_book::saw_claim(const storage::claim_write& claim) {
  auto state = decision::decode_user_state(claim.state);
  if (!state) {
    violate("a state that cannot be read was claimed");
    return;
  }
  int64_t at_ms = 0;
  for (const auto& p : state->popups)
    at_ms = std::max(at_ms, p.last_shown_ms);
  if (at_ms > sim_time::database() + clock_error_ms)
    violate("a claim is dated " + std::to_string(at_ms - sim_time::database()) + " ms ahead of the database");
  auto& last = last_claim_ms_[claim.user];
  if (last != 0 && at_ms < last + gap_ms)
    violate("two claims of '" + claim.user + "' are " + std::to_string(at_ms - last) + " ms apart");
  last = at_ms;
  ++totals_.claims;
  claims_[claim.user].insert(at_ms);
  for (const auto& s : claim.shown)
    ++shows_[s.popup];
  if (claim.answer)
    bodies_[{claim.user, claim.answer->request_id}] = claim.answer->body;
  note("claimed " + claim.user + " with " + text_of(claim.held));
}

// -- answers

void sim_book::count_answer(sim_ask& ask) {
  if (++ask.answers > 1)
    violate("an ask about '" + ask.user + "' has two answers");
}

void sim_book::answered(sim_ask& ask, const decide_answer& a) {
  count_answer(ask);
  note("decide " + ask.user + " " + ask.request_id + " status "
       + std::to_string(static_cast<unsigned>(a.status)));
  if (a.status == ask_status::moved)
    violate("a client was told where the shard is");
  if (a.status != ask_status::done)
    return;
  ++totals_.decisions;
  ask.served = true;
  showing s{a.decision_id, 0};
  bool shows = false;
  if (!a.body.empty()) {
    s.decision = member(a.body, "decision_id");
    shows = a.body.find(R"("popup":{)") != std::string::npos;
    if (member(a.body, "user") != ask.user)
      violate("'" + ask.user + "' got the answer of '" + member(a.body, "user") + "'");
  } else {
    shows = a.what.placements.at(0).popup != nullptr;
    if (a.ask->request.user != ask.user)
      violate("'" + ask.user + "' got the answer of '" + a.ask->request.user + "'");
  }
  if (!shows)
    return;
  s.at_ms = time_of(s.decision);
  saw_showing(ask, s);
  if (ask.request_id.empty())
    return;
  auto known = bodies_.find({ask.user, ask.request_id});
  if (known != bodies_.end() && !a.body.empty() && known->second != a.body)
    violate("the answer to a request id is not the one that was claimed");
}

void sim_book::saw_showing(const sim_ask& ask, const showing& s) {
  if (!ask.request_id.empty()) {
    auto [known, fresh] = shown_under_.try_emplace({ask.user, ask.request_id}, s.decision);
    if (!fresh && known->second != s.decision)
      violate("one request id of '" + ask.user + "' was shown two popups");
  }
  auto& all = showings_[ask.user];
  if (!all.emplace(s.decision, s.at_ms).second)
    return;
  ++totals_.shown;
  note("shown " + ask.user);
  for (const auto& [decision, at_ms] : all)
    if (decision != s.decision && std::abs(at_ms - s.at_ms) < gap_ms)
      violate("'" + ask.user + "' was shown two popups within " + std::to_string(std::abs(at_ms - s.at_ms))
              + " ms");
  if (claims_[ask.user].count(s.at_ms) == 0)
    violate("'" + ask.user + "' was shown a popup that was not claimed");
}

void sim_book::answered(sim_ask& ask, const user_answer& a) {
  count_answer(ask);
  note("user " + ask.user + " " + ask.key + " status " + std::to_string(static_cast<unsigned>(a.status)));
  if (a.ask->user != ask.user)
    violate("'" + ask.user + "' got what is known of '" + a.ask->user + "'");
  if (a.status != ask_status::done)
    return;
  ask.served = true;
  if (ask.what == sim_ask::kind::patch) {
    if (a.errors.empty())
      patches_[ask.user].insert(ask.key);
    return;
  }
  for (const auto& key : ask.known_patches)
    if (!a.profile || !a.profile->find(key))
      violate("'" + ask.user + "' was read without " + key + ", which had been confirmed");
}

void sim_book::answered(sim_ask& ask, const write_result& result) {
  count_answer(ask);
  for (const auto& e : ask.rows) {
    events_tried_.insert(e.id);
    if (result.error.ok())
      events_taken_.insert(e.id);
  }
  ask.served = result.error.ok();
  note("events " + ask.user + (result.error.ok() ? " taken" : " refused"));
}

// -- the end

void sim_book::check_stored(storage::session& store, const std::set<std::string>& waiting) {
  auto page = store.load_events({}, {}, 100000);
  if (!page) {
    violate("the events cannot be read");
    return;
  }
  std::map<std::string, size_t> times;
  for (const auto& e : page->events)
    ++times[e.id.substr(0, e.id.find('#'))];
  for (const auto& [id, n] : times)
    if (n != 1)
      violate("event " + id + " is stored " + std::to_string(n) + " times");
  for (const auto& id : events_taken_)
    if (times.count(id) == 0 && waiting.count(id) == 0)
      violate("event " + id + " was taken and is not stored");
  check_counters(store, page->events);
  for (const auto& [user, keys] : patches_) {
    auto rows = store.load_users({user});
    for (const auto& key : keys)
      if (!rows || rows->front().attributes.find("\"" + key + "\"") == std::string::npos)
        violate("the confirmed patch " + key + " of '" + user + "' is lost");
  }
}

void sim_book::check_counters(storage::session& store, const std::vector<storage::event_row>& stored) {
  std::map<std::pair<std::string, std::string>, uint64_t> expected;
  for (const auto& [popup, n] : shows_)
    expected[{popup, "show"}] = n;
  for (const auto& e : stored)
    ++expected[{e.popup, std::string{decision::to_string(e.type)}}];
  for (const auto& popup : {std::string{"p0"}, std::string{"p1"}}) {
    auto rows = store.load_stats(popup);
    if (!rows) {
      violate("the counters cannot be read");
      return;
    }
    std::map<std::pair<std::string, std::string>, uint64_t> counted;
    for (const auto& row : *rows)
      counted[{popup, row.kind}] += row.total;
    for (const auto& [key, n] : expected)
      if (key.first == popup && counted[key] != n)
        violate("counter " + key.first + "/" + key.second + " is " + std::to_string(counted[key]) + ", not "
                + std::to_string(n));
    for (const auto& [key, n] : counted)
      if (n != 0 && expected.count(key) == 0)
        violate("counter " + key.first + "/" + key.second + " counts what never was");
  }
}

} // namespace beckon::actors::test
