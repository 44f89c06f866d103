#include "actors/catalog/catalog_cache.hpp"

#include "actors/context/cluster_context.hpp"
#include "base/clock.hpp"
#include "decision/incoming.hpp"

#include <prometheus/gauge.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace beckon::actors {

const char* catalog_cache_state::name = "catalog_cache";

namespace {

using row_list = std::vector<storage::popup_row>;

row_list::const_iterator find_row(const row_list& rows, const std::string& id) {
  auto i = std::lower_bound(rows.begin(), rows.end(), id,
                            [](const auto& row, const auto& key) { return row.id < key; });
  return i != rows.end() && i->id == id ? i : rows.end();
}

/// The rows after a written change.
storage::catalog_rows apply(storage::catalog_rows rows, const catalog_ask& ask,
                            const storage::write_outcome& outcome, int64_t now_ms) {
  rows.version = outcome.catalog_version;
  if (ask.operation == catalog_operation::put_settings) {
    rows.settings = ask.document;
    rows.settings_revision = outcome.revision;
    return rows;
  }
  auto& list = rows.popups;
  auto i = std::lower_bound(list.begin(), list.end(), ask.id,
                            [](const auto& row, const auto& key) { return row.id < key; });
  auto there = i != list.end() && i->id == ask.id;
  if (ask.operation == catalog_operation::erase_popup) {
    if (there)
      list.erase(i);
    return rows;
  }
  if (!there)
    i = list.insert(i, storage::popup_row{ask.id, 0, {}, now_ms, now_ms});
  i->revision = outcome.revision;
  i->document = ask.document;
  i->updated_ms = now_ms;
  return rows;
}

decision::popup_ptr compile_popup(const storage::popup_row& row, std::vector<std::string>& faults) {
  json::document doc;
  json::field_errors errors;
  if (auto bad = json::parse(row.document, doc))
    errors.push_back({"", bad->detail});
  auto p = errors.empty() ? decision::parse_popup_text(doc, row.document, row.id, errors) : decision::popup{};
  if (!errors.empty()) {
    faults.push_back("popup '" + row.id + "' " + errors.front().pointer + ": " + errors.front().detail);
    return nullptr;
  }
  p.revision = row.revision;
  return std::make_shared<const decision::popup>(std::move(p));
}

decision::settings compile_settings(const std::string& document, std::vector<std::string>& faults) {
  if (document.empty())
    return {};
  json::document doc;
  json::field_errors errors;
  if (auto bad = json::parse(document, doc))
    errors.push_back({"", bad->detail});
  auto s = errors.empty() ? decision::parse_settings(doc, errors) : decision::settings{};
  if (!errors.empty())
    faults.push_back("settings " + errors.front().pointer + ": " + errors.front().detail);
  return errors.empty() ? s : decision::settings{};
}

} // namespace

decision::catalog_ptr compile(const storage::catalog_rows& rows, const catalog_view* before,
                              std::vector<std::string>& faults) {
  std::vector<decision::popup_ptr> popups;
  popups.reserve(rows.popups.size());
  for (const auto& row : rows.popups) {
    // An unchanged revision is already compiled: a change costs one popup, not the catalogue.
    auto known = before ? before->compiled->find(row.id) : nullptr;
    auto p = known && known->revision == row.revision ? known : compile_popup(row, faults);
    if (p)
      popups.push_back(std::move(p));
  }
  return std::make_shared<const decision::catalog>(rows.version, compile_settings(rows.settings, faults),
                                                   std::move(popups));
}

namespace {

/// A change of settings names only the changed members; all of them are stored.
catalog_ask_ptr complete_settings(const catalog_ask& ask, const decision::settings& present) {
  auto whole = std::make_shared<catalog_ask>(ask);
  json::document doc;
  json::field_errors errors;
  if (!json::parse(ask.document, doc))
    whole->document = decision::to_json(decision::parse_settings(doc, errors, present));
  return whole;
}

} // namespace

catalog_answer::status catalog_cache_state::precheck(const catalog_ask& ask, bool& existed) const {
  using status = catalog_answer::status;
  existed = ask.operation == catalog_operation::put_settings
            || find_row(view->rows.popups, ask.id) != view->rows.popups.end();
  if (ask.operation == catalog_operation::create_popup && existed)
    return status::conflict;
  if (ask.operation == catalog_operation::erase_popup && !existed)
    return status::not_found;
  if (ask.must_exist && !existed)
    return status::conflict;
  if (!existed && view->rows.popups.size() >= node->options.popups_max)
    return status::too_many;
  return status::done;
}

catalog_cache_state::change_promise catalog_cache_state::accept(catalog_ask_ptr ask) {
  change c{std::move(ask), self->make_response_promise<catalog_answer_ptr>(), false, node->now_ms()};
  auto promise = c.promise;
  if (!view) {
    refuse(c, catalog_answer::status::unavailable, "the catalogue is not loaded yet");
    return promise;
  }
  auto state = precheck(*c.ask, c.existed);
  if (state != catalog_answer::status::done) {
    refuse(c, state, {});
    return promise;
  }
  if (c.ask->operation == catalog_operation::put_settings && !c.ask->expected_revision)
    c.members = c.ask;
  submit(std::move(c));
  return promise;
}

// A merge names the revision it builds on, because another node may have changed the rest meanwhile.
void catalog_cache_state::submit(change c) {
  if (c.ask->operation == catalog_operation::put_settings)
    c.ask = complete_settings(c.members ? *c.members : *c.ask, view->compiled->config());
  storage::write_job job;
  auto now = c.at_ms;
  const auto& a = *c.ask;
  if (a.operation == catalog_operation::erase_popup)
    job = storage::popup_erase{a.id, a.expected_revision, now};
  else if (a.operation == catalog_operation::put_settings)
    job = storage::settings_write{a.document, c.members ? view->rows.settings_revision : a.expected_revision};
  else
    job = storage::popup_write{a.id,
                               a.operation == catalog_operation::create_popup ? std::optional<uint64_t>{0}
                                                                              : a.expected_revision,
                               a.document, now, a.must_exist};
  changes.emplace(++last_token, std::move(c));
  ask_write(self, node->handles()->writers, catalog_key, std::move(job), last_token);
}

/// Whether a change of settings that collided with another one should be merged into it.
bool catalog_cache_state::merge_again(change& c) {
  constexpr uint8_t merges_max = 5;
  if (!c.members || ++c.merges > merges_max)
    return false;
  to_merge.push_back(std::move(c));
  stale = true;
  load();
  return true;
}

void catalog_cache_state::refuse(change& c, catalog_answer::status why, std::string detail) {
  auto answer = std::make_shared<catalog_answer>();
  answer->what = why;
  answer->detail = std::move(detail);
  answer->view = view;
  if (view)
    if (auto i = find_row(view->rows.popups, c.ask->id); i != view->rows.popups.end())
      answer->revision = i->revision;
  c.promise.deliver(catalog_answer_ptr{std::move(answer)});
}

void catalog_cache_state::written(const write_result& result) {
  using status = catalog_answer::status;
  auto i = changes.find(result.token);
  if (i == changes.end())
    return;
  auto c = std::move(i->second);
  changes.erase(i);
  const auto& outcome = result.outcome;
  if (!result.error.ok()) {
    auto overloaded = result.error.what == work_error::kind::overloaded;
    refuse(c, overloaded ? status::overloaded : status::unavailable, result.error.detail);
    if (result.error.code == storage::errc::unknown_outcome) {
      stale = true;
      load();
    }
  } else if (outcome.status == storage::write_status::conflict && merge_again(c)) {
    return;
  } else if (outcome.status != storage::write_status::done) {
    refuse(c, outcome.status == storage::write_status::conflict ? status::conflict : status::not_found, {});
  } else if (outcome.catalog_version == view->rows.version + 1 && written_ahead.empty()) {
    adopt(apply(view->rows, *c.ask, outcome, c.at_ms));
    complete(std::move(c), outcome);
  } else {
    written_ahead.emplace_back(std::move(c), outcome);
    load();
  }
}

void catalog_cache_state::complete(change c, const storage::write_outcome& outcome) {
  const auto& ask = *c.ask;
  if (ask.operation == catalog_operation::put_settings)
    spdlog::info("catalogue: settings changed revision={} version={}", outcome.revision,
                 outcome.catalog_version);
  else
    spdlog::info("catalogue: popup '{}' {} revision={} version={}", ask.id,
                 ask.operation == catalog_operation::erase_popup ? "erased" : "written", outcome.revision,
                 outcome.catalog_version);
  if (node->cluster)
    self->send(node->cluster->map(), hint_atom::value, outcome.catalog_version);
  auto answer = std::make_shared<catalog_answer>();
  auto existed = ask.operation == catalog_operation::put_popup ? outcome.existed : c.existed;
  answer->what = existed ? catalog_answer::status::done : catalog_answer::status::created;
  answer->revision = outcome.revision;
  answer->view = view;
  c.promise.deliver(catalog_answer_ptr{std::move(answer)});
}

// Push the snapshot to the shards before anybody learns of the change: their mailboxes keep the order.
void catalog_cache_state::adopt(storage::catalog_rows rows) {
  if (view && rows.version < view->rows.version)
    return;
  std::vector<std::string> faults;
  auto fresh = std::make_shared<catalog_view>();
  fresh->compiled = compile(rows, view.get(), faults);
  fresh->rows = std::move(rows);
  for (const auto& fault : faults)
    spdlog::error("catalogue: skipped, because it cannot be read: {}", fault);
  if (!view)
    spdlog::info("catalogue: {} popups, version {}", fresh->rows.popups.size(), fresh->rows.version);
  view = fresh;
  node->publish_catalog(view->compiled);
  // Use a named handle: a loop over a member of a temporary does not keep it alive, and the supervisor may
  // publish a new table.
  const auto table = node->handles();
  for (const auto& shard : table->shards)
    self->send(shard, adopt_atom::value, view->compiled);
  node->metrics->catalog_version->Set(static_cast<double>(view->rows.version));
  node->metrics->catalog_popups->Set(static_cast<double>(view->rows.popups.size()));
  node->health.catalog_loaded = true;
}

namespace {

/// After a load that failed.
constexpr int64_t retry_ms = 1000;

} // namespace

void catalog_cache_state::load() {
  if (loading != 0)
    return;
  loading = ++last_token;
  looked_for = wanted;
  // Without a reason to doubt the view this is the regular look whether somebody else changed the catalogue.
  auto job =
      stale || !view || !written_ahead.empty() ? load_catalog_job{} : load_catalog_job{view->rows.version};
  ask_read(self, node->handles()->readers, catalog_key, job, loading);
}

void catalog_cache_state::loaded(const read_result& result) {
  if (result.token != loading)
    return;
  loading = 0;
  if (!result.error.ok()) {
    if (!failing || !view)
      spdlog::warn("catalogue not loaded: {}; retrying every second", result.error.detail);
    failing = true;
    for (auto& c : std::exchange(to_merge, {}))
      refuse(c, catalog_answer::status::unavailable, result.error.detail);
    auto now_ms = base::steady_ms();
    turn.at(self, now_ms + retry_ms, now_ms); // beat() tries again while there is a reason
    return;
  }
  failing = false;
  // A load that began after a report has seen whether it is true. One that is not (the store was restored,
  // say) must not be looked for again and again.
  if (wanted == looked_for)
    wanted = 0;
  if (std::holds_alternative<std::monostate>(result.value)) {
    // The view was current when it was checked; a reason for doubt may have arrived since.
    if (stale || !written_ahead.empty() || wanted > view->rows.version)
      load();
    return;
  }
  stale = false;
  adopt(std::get<storage::catalog_rows>(result.value));
  auto done = std::exchange(written_ahead, {});
  for (auto& [c, outcome] : done) {
    if (view->rows.version >= outcome.catalog_version)
      complete(std::move(c), outcome);
    else
      written_ahead.emplace_back(std::move(c), outcome);
  }
  for (auto& c : std::exchange(to_merge, {}))
    submit(std::move(c));
  if (!written_ahead.empty() || wanted > view->rows.version)
    load();
}

void catalog_cache_state::fail_all() {
  loading = 0;
  stale = true;
  for (auto& c : std::exchange(to_merge, {}))
    refuse(c, catalog_answer::status::unavailable, "nothing was changed; try again");
  for (auto& [token, c] : std::exchange(changes, {}))
    refuse(c, catalog_answer::status::unavailable,
           "it is unknown whether the change was stored; check before you repeat it");
  load();
}

void catalog_cache_state::look(uint64_t version) {
  wanted = std::max(wanted, version); // a running load may have read the previous version
  if (view && view->rows.version < wanted)
    load();
}

void catalog_cache_state::beat() {
  turn.came();
  auto poll_ms = node->options.catalog_poll_ms;
  if (auto now_ms = base::steady_ms(); poll_ms > 0)
    turn.at(self, now_ms + poll_ms, now_ms);
  if (poll_ms > 0 || stale || !written_ahead.empty() || (view && wanted > view->rows.version))
    load();
}

catalog_cache_actor::behavior_type catalog_cache(catalog_cache_state::self_pointer self,
                                                 node_context_ptr node) {
  self->state.self = self;
  self->state.node = std::move(node);
  self->send(self, beat_atom::value);
  return {
      [self](view_atom) { return self->state.view; },
      [self](change_atom, const catalog_ask_ptr& ask) { return self->state.accept(ask); },
      [self](const write_result_ptr& result) { self->state.written(*result); },
      [self](const read_result_ptr& result) { self->state.loaded(*result); },
      [self](lost_atom) { self->state.fail_all(); },
      [self](look_atom, uint64_t version) { self->state.look(version); },
      [self](beat_atom) { self->state.beat(); },
  };
}

} // namespace beckon::actors
