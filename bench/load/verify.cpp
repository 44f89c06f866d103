#include "bench/load/verify.hpp"

#include "bench/load/clock.hpp"
#include "bench/load/rules.hpp"
#include "bench/load/run.hpp"
#include "bench/load/store_view.hpp"
#include "json/writer.hpp"

#include <cstdio>
#include <thread>

namespace beckon::load {

namespace {

constexpr int cannot_verify = 3;

/// One verification: what was read, and what is wrong with it.
struct verification {
  const verify_options& options;
  store_client client;
  history told;
  findings found = {};
  event_counts events = {};
  uint64_t stored = 0;
  uint64_t others = 0;
  uint64_t users = 0;       // looked at one by one
  uint64_t users_known = 0; // that were shown something
  std::string problem = {};
};

bool read_ledgers(verification& v) {
  for (const auto& directory : v.options.ledgers) {
    auto files = ledger_files(directory, v.problem);
    for (const auto& file : files)
      if (!read_ledger(file, v.told, v.problem))
        return false;
    if (files.empty())
      return false;
  }
  v.told.finish();
  v.problem = v.told.problem();
  return v.problem.empty();
}

/// Reads every event of the store once and holds it against the ledgers.
bool look_at_events(verification& v) {
  v.stored = v.others = 0;
  v.told.forget_stored();
  for (auto what : {finding::lost, finding::duplicated, finding::unexpected})
    v.found.clear(what);
  auto take = [&](std::string_view id) {
    ++v.stored;
    if (v.told.stored(id))
      return;
    ++v.others;
    if (!v.options.others)
      v.found.add(finding::unexpected, "event " + json::clipped(id) + " was sent by no run of these ledgers");
  };
  if (!read_event_ids(v.client, v.told.began_us() / 1000, take, v.problem))
    return false;
  v.events = check_events(v.told, v.found);
  return true;
}

/// Again while confirmed events are missing: an outbox ships them later.
bool check_all_events(verification& v) {
  auto until_ns = steady_ns() + static_cast<int64_t>(v.options.wait_seconds) * 1'000'000'000;
  while (look_at_events(v)) {
    auto missing = v.found.of(finding::lost).count;
    if (missing == 0 || steady_ns() >= until_ns)
      return true;
    std::fprintf(stderr, "beckon-load: %llu confirmed events are not in the store yet; looking again\n",
                 static_cast<unsigned long long>(missing));
    std::this_thread::sleep_for(std::chrono::milliseconds{500});
  }
  return false;
}

bool check_users(verification& v) {
  auto answered = answered_shows(v.told);
  v.users_known = answered.size();
  auto wanted = v.options.users_max;
  auto skip = wanted > 0 ? (answered.size() + wanted - 1) / wanted : 0; // spread over all of them
  size_t place = 0;
  for (const auto& [user, shows] : answered) {
    if (wanted == 0 || place++ % skip != 0)
      continue;
    auto now = read_user_shows(v.client, v.told.names()[user], v.problem);
    if (!now)
      return false;
    ++v.users;
    check_user(v.told, user, shows, *now, v.found);
  }
  return true;
}

bool check_store(verification& v) {
  if (!check_all_events(v))
    return false;
  auto catalog = read_catalog(v.client, v.problem);
  auto shows = catalog ? read_shows(v.client, *catalog, v.problem) : std::nullopt;
  if (!shows)
    return false;
  check_limits(v.told, *catalog, v.found);
  check_totals(v.told, *shows, v.found);
  check_promises(v.told, v.found);
  check_repeats(v.told, v.found);
  check_answers(v.told, v.found);
  return check_users(v);
}

using number_row = std::pair<const char*, uint64_t>;

std::vector<number_row> looked_at(const verification& v) {
  return {{"files", v.told.files().size()},
          {"files_of_killed_runs", v.told.killed()},
          {"requests", v.told.requests()},
          {"events_sent", v.events.sent},
          {"events_confirmed", v.events.confirmed},
          {"events_unknown", v.events.unknown},
          {"events_unknown_stored", v.events.unknown_stored},
          {"events_in_store", v.stored},
          {"events_of_others", v.others},
          {"shows_answered", v.told.shows().size()},
          {"decides_unknown", v.told.uncertain_all()},
          {"promises", v.told.promises().size()},
          {"request_ids", v.told.repeats().size()},
          {"users_shown", v.users_known},
          {"users_looked_at", v.users}};
}

std::string json_of(const verification& v) {
  std::string out;
  json::writer w{out};
  w.begin_object().key("findings").begin_object();
  for (size_t i = 0; i < finding_count; ++i) {
    auto what = static_cast<finding>(i);
    const auto& row = v.found.of(what);
    w.key(to_string(what)).begin_object().member("count", row.count).key("examples").begin_array();
    for (const auto& example : row.examples)
      w.string(example);
    w.end_array().end_object();
  }
  w.end_object().member("total", v.found.count());
  for (auto [name, value] : looked_at(v))
    w.member(name, value);
  w.end_object();
  return out + '\n';
}

void print(const verification& v, FILE* out) {
  for (auto [name, value] : looked_at(v))
    std::fprintf(out, "%-22s %12llu\n", name, static_cast<unsigned long long>(value));
  if (!v.told.shows_before())
    std::fprintf(out, "(overcharged is not looked at: the run had no statistics from before)\n");
  for (size_t i = 0; i < finding_count; ++i) {
    auto what = static_cast<finding>(i);
    const auto& row = v.found.of(what);
    std::fprintf(out, "%-22s %12llu\n", std::string{to_string(what)}.c_str(),
                 static_cast<unsigned long long>(row.count));
    for (const auto& example : row.examples)
      std::fprintf(out, "  %s\n", example.c_str());
  }
  std::fprintf(out, v.found.count() == 0 ? "verified: nothing found\n" : "FOUND: %llu\n",
               static_cast<unsigned long long>(v.found.count()));
}

} // namespace

int verify(const verify_options& options) {
  verification v{options, store_client{options.nodes}, history{static_cast<int64_t>(options.clock_error_ms)}};
  if (!read_ledgers(v) || !check_store(v)) {
    std::fprintf(stderr, "beckon-load: cannot verify: %s\n", v.problem.c_str());
    return cannot_verify;
  }
  print(v, options.json == "-" ? stderr : stdout);
  if (!options.json.empty() && !write_document(options.json, json_of(v)))
    return cannot_verify;
  return v.found.count() == 0 ? 0 : 1;
}

} // namespace beckon::load
