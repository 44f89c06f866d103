#include "apps/beckon/commands/catalog_commands.hpp"

#include "actors/node/open_store.hpp"
#include "apps/beckon/commands/catalog_document.hpp"
#include "apps/beckon/commands/remote_catalog.hpp"
#include "apps/beckon/commands/store_holder.hpp"
#include "apps/beckon/host/exit_code.hpp"
#include "apps/beckon/host/host.hpp"
#include "base/clock.hpp"
#include "json/json.hpp"
#include "storage/error.hpp"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <system_error>

namespace beckon::apps {

namespace {

constexpr size_t file_bytes_max = size_t{512} * 1024 * 1024;
constexpr size_t problems_shown_max = 100;

int fail(const std::string& what) {
  std::fprintf(stderr, "beckon: %s\n", what.c_str());
  return exit_failure;
}

/// The content of a stream; empty if it is too large or cannot be read.
std::optional<std::string> slurp(std::istream& in) {
  std::string result;
  char buffer[65536];
  while (in.read(buffer, sizeof buffer) || in.gcount() > 0) {
    result.append(buffer, static_cast<size_t>(in.gcount()));
    if (result.size() > file_bytes_max)
      return std::nullopt;
  }
  return in.bad() ? std::nullopt : std::optional{std::move(result)};
}

std::optional<std::string> read_file(const std::string& name) {
  if (name == "-")
    return slurp(std::cin);
  std::ifstream in{name, std::ios::binary};
  if (!in) {
    fail(name + " cannot be read: " + std::generic_category().message(errno));
    return std::nullopt;
  }
  auto text = slurp(in);
  if (!text)
    fail(name + " cannot be read to its end, or is larger than 512 MiB");
  return text;
}

/// The checked document; empty after an error, which is printed.
std::optional<catalog_document> read_document(const std::string& file) {
  auto text = read_file(file);
  if (!text)
    return std::nullopt;
  std::vector<std::string> problems;
  auto document = read_catalog_document(*text, problems);
  if (problems.empty())
    return document;
  for (size_t i = 0; i < problems.size() && i < problems_shown_max; ++i)
    std::fprintf(stderr, "%s: %s\n", file.c_str(), problems[i].c_str());
  fail("nothing was imported: " + std::to_string(problems.size())
       + (problems.size() == 1 ? " error in " : " errors in ") + file);
  return std::nullopt;
}

int report(const catalog_changes& changes) {
  auto done = in_words(changes.popups.size(), changes.settings.has_value(), "nothing");
  auto left = in_words(changes.popups_unchanged, changes.settings_unchanged, "0");
  std::printf("imported %s, %s unchanged\n", done.c_str(), left.c_str());
  return exit_success;
}

int report_used(const storage::catalog_rows& present) {
  std::printf(
      "nothing done: the catalogue is not empty (version %llu, %s), and --if-empty leaves such a one alone\n",
      static_cast<unsigned long long>(present.version),
      in_words(present.popups.size(), false, "no popups").c_str());
  return exit_success;
}

/// The store, opened for an operator's command; empty after an error, which is printed.
storage::store_ptr open_for_command(const config::configuration& cfg) {
  if (auto problem = prepare_directory(cfg.text("node.data-dir")); !problem.empty()) {
    fail("data directory " + problem);
    return nullptr;
  }
  auto store = actors::open_store(cfg);
  if (store)
    return *store;
  auto detail = storage::describe(store.error());
  auto embedded = cfg.text("storage.backend") == "sqlite";
  if (embedded && storage::code_of(store.error()) == storage::errc::unavailable)
    detail += '\n' + way_through(holder_of(store_lock_path(cfg)));
  fail(detail);
  return nullptr;
}

std::vector<storage::write_job> jobs_for(const catalog_changes& changes) {
  auto now = base::unix_ms();
  std::vector<storage::write_job> jobs;
  if (changes.settings)
    jobs.emplace_back(storage::settings_write{*changes.settings, std::nullopt});
  for (const auto* popup : changes.popups)
    jobs.emplace_back(storage::popup_write{popup->id, std::nullopt, popup->document, now});
  return jobs;
}

int import_into(const storage::store_ptr& store, const catalog_document& document, bool if_empty,
                size_t popups_max) {
  auto session = store->open_writer();
  if (!session)
    return fail(storage::describe(session.error()));
  auto present = (*session)->load_catalog();
  if (!present)
    return fail("the catalogue cannot be read: " + storage::describe(present.error()));
  if (if_empty && present->version != 0)
    return report_used(*present);
  auto changes = changes_of(document, *present);
  if (present->popups.size() + changes.added > popups_max)
    return fail("nothing was imported: there would be "
                + std::to_string(present->popups.size() + changes.added)
                + "popups, more than limits.popups-max (" + std::to_string(popups_max)
                + "); raise it or delete some");
  auto jobs = jobs_for(changes);
  if (jobs.empty())
    return report(changes);
  auto outcomes = (*session)->write(jobs);
  if (!outcomes)
    return fail("nothing was imported: " + storage::describe(outcomes.error()));
  for (const auto& o : *outcomes)
    if (o.error)
      return fail("nothing was imported: " + storage::describe(o.error));
  return report(changes);
}

int import_through(const std::string& url, const catalog_document& document, bool if_empty) {
  remote_catalog remote{url};
  auto present = remote.load();
  if (!present)
    return fail(remote.problem());
  if (if_empty && present->version != 0)
    return report_used(*present);
  auto changes = changes_of(document, *present);
  if (changes.settings) {
    if (!remote.put_settings(*changes.settings))
      return fail("nothing was imported: " + remote.problem());
    std::printf("wrote the settings\n");
  }
  for (const auto* popup : changes.popups) {
    if (!remote.put_popup(popup->id, popup->document))
      return fail(
          "stopped at popup " + json::clipped(popup->id) + ": " + remote.problem()
          + "\nThis popup and the following ones were not written; run the same import again to continue");
    std::printf("wrote popup %s\n", json::clipped(popup->id).c_str());
  }
  return report(changes);
}

} // namespace

int import_catalog(const config::configuration& cfg, const import_options& options) {
  auto document = read_document(options.file);
  if (!document)
    return exit_failure;
  if (options.url)
    return import_through(*options.url, *document, options.if_empty);
  auto store = open_for_command(cfg);
  if (!store)
    return exit_failure;
  return import_into(store, *document, options.if_empty,
                     static_cast<size_t>(cfg.integer("limits.popups-max")));
}

int export_catalog(const config::configuration& cfg, const std::optional<std::string>& url) {
  storage::catalog_rows rows;
  if (url) {
    remote_catalog remote{*url};
    auto loaded = remote.load();
    if (!loaded)
      return fail(remote.problem());
    rows = std::move(*loaded);
  } else {
    auto store = open_for_command(cfg);
    if (!store)
      return exit_failure;
    auto session = store->open_reader();
    if (!session)
      return fail(storage::describe(session.error()));
    auto loaded = (*session)->load_catalog();
    if (!loaded)
      return fail("the catalogue cannot be read: " + storage::describe(loaded.error()));
    rows = std::move(*loaded);
  }
  auto text = write_catalog_document(rows);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    return fail("the output cannot be written completely");
  return exit_success;
}

} // namespace beckon::apps
