#pragma once

#include "storage/rows.hpp"

#include <cstdint>
#include <string>

namespace beckon::storage::sql {

/// The statements of the catalogue's writes that each SQL store words in its own way. Arguments:
struct catalog_statements {
  const char* find_popup; // id; columns: revision, whether it has a document
  const char* put_popup;  // id, revision, document, created_at, updated_at; created_at of a living one stays
  const char* mark_popup; // id, created_at, updated_at: a row without a document, unless there is one
  const char* find_settings; // column: revision
  const char* put_settings;  // document, revision
};

/// The writes that change the catalogue: popups and settings. Each that is done moves the catalogue's version
/// by one. Works inside the transaction of its owner, job_writer. Throws what the store throws.
///
/// `Dialect` names a store's connection, statement and rows, and `version_row(connection)`, the version:
/// begin() before anything is read, next() moves it and returns where to. `Dialect::catalog` is its
/// catalog_statements.
template <class Dialect>
class catalog_writer {
 public:
  /// Old revisions of a popup that are kept for people to look at.
  static constexpr int64_t revisions_kept = 100;

  explicit catalog_writer(typename Dialect::connection& db)
      : version_(db),
        find_popup_(db, Dialect::catalog.find_popup),
        put_popup_(db, Dialect::catalog.put_popup),
        add_revision_(db, "INSERT INTO popup_revision(id, revision, document, at) VALUES(?, ?, ?, ?)"),
        drop_revisions_(db, "DELETE FROM popup_revision WHERE id = ? AND revision <= ?"),
        erase_popup_(db, "UPDATE popup SET document = NULL, updated_at = ? WHERE id = ?"),
        mark_popup_(db, Dialect::catalog.mark_popup),
        find_settings_(db, Dialect::catalog.find_settings),
        put_settings_(db, Dialect::catalog.put_settings) {}

  write_outcome apply(const popup_write& job) {
    version_.begin();
    auto stored = find(job.id);
    auto other = job.expected_revision && *job.expected_revision != stored.revision();
    if (other || (job.must_exist && !stored.alive)) {
      auto out = conflict(stored.revision());
      out.existed = stored.alive;
      return out;
    }
    write_outcome out;
    out.existed = stored.alive;
    out.revision = stored.last_revision + 1;
    put_popup_.run(job.id, out.revision, job.document, job.at_ms, job.at_ms);
    add_revision_.run(job.id, out.revision, job.document, job.at_ms);
    drop_revisions_.run(job.id, static_cast<int64_t>(out.revision) - revisions_kept);
    out.catalog_version = version_.next();
    return out;
  }

  write_outcome apply(const popup_erase& job) {
    version_.begin();
    auto stored = find(job.id);
    write_outcome out;
    if (!stored.alive) {
      out.status = write_status::not_found;
      return out;
    }
    if (job.expected_revision && *job.expected_revision != stored.revision())
      return conflict(stored.revision());
    erase_popup_.run(job.at_ms, job.id);
    out.revision = stored.last_revision;
    out.catalog_version = version_.next();
    return out;
  }

  write_outcome apply(const popup_mark& job) {
    for (const auto& id : job.ids)
      mark_popup_.run(id, job.at_ms, job.at_ms);
    return {};
  }

  write_outcome apply(const settings_write& job) {
    version_.begin();
    uint64_t stored = 0;
    if (rows r{find_settings_}; r.next())
      stored = static_cast<uint64_t>(r.integer(0));
    if (job.expected_revision && *job.expected_revision != stored)
      return conflict(stored);
    write_outcome out;
    out.revision = stored + 1;
    put_settings_.run(job.document, out.revision);
    out.catalog_version = version_.next();
    return out;
  }

 private:
  using rows = typename Dialect::rows;
  using statement = typename Dialect::statement;

  struct stored_popup {
    uint64_t last_revision = 0; // 0: this id was never used
    bool alive = false;
    uint64_t revision() const { return alive ? last_revision : 0; }
  };

  stored_popup find(const std::string& id) {
    rows r{find_popup_, id};
    if (!r.next())
      return {};
    return {static_cast<uint64_t>(r.integer(0)), r.integer(1) != 0};
  }

  static write_outcome conflict(uint64_t stored_revision) {
    write_outcome out;
    out.status = write_status::conflict;
    out.revision = stored_revision;
    return out;
  }

  typename Dialect::version_row version_;
  statement find_popup_;
  statement put_popup_;
  statement add_revision_;
  statement drop_revisions_;
  statement erase_popup_;
  statement mark_popup_;
  statement find_settings_;
  statement put_settings_;
};

} // namespace beckon::storage::sql
