#include "storage/mysql/catalog_writer.hpp"

#include <string>

namespace beckon::storage::mysql {

namespace {

write_outcome conflict(uint64_t stored_revision) {
  write_outcome out;
  out.status = write_status::conflict;
  out.revision = stored_revision;
  return out;
}

} // namespace

catalog_writer::catalog_writer(connection& db)
    : db_(db),
      lock_version_(db, "SELECT catalog_version FROM beckon_meta WHERE one = 1 FOR UPDATE"),
      move_version_(db, "UPDATE beckon_meta SET catalog_version = ? WHERE one = 1"),
      find_popup_(db, "SELECT revision, document IS NOT NULL FROM popup WHERE id = ? FOR UPDATE"),
      // Assignments run from left to right, so created_at must come before document.
      put_popup_(db,
                 "INSERT INTO popup(id, revision, document, created_at, updated_at) VALUES(?, ?, ?, ?, ?) "
                 "ON DUPLICATE KEY UPDATE revision = VALUES(revision), "
                 "created_at = IF(document IS NULL, VALUES(created_at), created_at), "
                 "document = VALUES(document), updated_at = VALUES(updated_at)"),
      add_revision_(db, "INSERT INTO popup_revision(id, revision, document, at) VALUES(?, ?, ?, ?)"),
      drop_revisions_(db, "DELETE FROM popup_revision WHERE id = ? AND revision <= ?"),
      erase_popup_(db, "UPDATE popup SET document = NULL, updated_at = ? WHERE id = ?"),
      mark_popup_(
          db, "INSERT INTO popup(id, revision, document, created_at, updated_at) VALUES(?, 0, NULL, ?, ?) "
              "ON DUPLICATE KEY UPDATE revision = revision"),
      find_settings_(db, "SELECT revision FROM settings WHERE one = 1 FOR UPDATE"),
      put_settings_(db, "INSERT INTO settings(one, document, revision) VALUES(1, ?, ?) "
                        "ON DUPLICATE KEY UPDATE document = VALUES(document), revision = VALUES(revision)") {}

uint64_t catalog_writer::lock_version() {
  rows r{lock_version_};
  if (!r.next())
    throw failure(
        make_error(errc::corrupt, db_.name() + ": the row of table beckon_meta is gone; put back a copy"),
        consequence::none);
  return static_cast<uint64_t>(r.integer(0));
}

uint64_t catalog_writer::move_version(uint64_t from) {
  move_version_.run(from + 1);
  return from + 1;
}

catalog_writer::stored_popup catalog_writer::find(const std::string& id) {
  rows r{find_popup_, id};
  if (!r.next())
    return {};
  return {static_cast<uint64_t>(r.integer(0)), r.integer(1) != 0};
}

write_outcome catalog_writer::apply(const popup_write& job) {
  auto version = lock_version();
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
  out.catalog_version = move_version(version);
  return out;
}

write_outcome catalog_writer::apply(const popup_erase& job) {
  auto version = lock_version();
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
  out.catalog_version = move_version(version);
  return out;
}

write_outcome catalog_writer::apply(const popup_mark& job) {
  for (const auto& id : job.ids)
    mark_popup_.run(id, job.at_ms, job.at_ms);
  return {};
}

write_outcome catalog_writer::apply(const settings_write& job) {
  auto version = lock_version();
  uint64_t stored = 0;
  if (rows r{find_settings_}; r.next())
    stored = static_cast<uint64_t>(r.integer(0));
  if (job.expected_revision && *job.expected_revision != stored)
    return conflict(stored);
  write_outcome out;
  out.revision = stored + 1;
  put_settings_.run(job.document, out.revision);
  out.catalog_version = move_version(version);
  return out;
}

} // namespace beckon::storage::mysql
