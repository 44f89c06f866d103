#pragma once

#include "storage/rows.hpp"
#include "storage/sqlite/connection.hpp"

namespace beckon::storage::sqlite {

/// Writes to the catalogue: popups and settings. Each successful write increments the catalogue's version.
/// Works inside the transaction of its owner, job_writer. Throws failure.
class catalog_writer {
 public:
  /// Old revisions of a popup that are kept for people.
  static constexpr int64_t revisions_kept = 100;

  explicit catalog_writer(connection& db);

  write_outcome apply(const popup_write& job);
  write_outcome apply(const popup_erase& job);
  write_outcome apply(const popup_mark& job);
  write_outcome apply(const settings_write& job);

 private:
  struct stored_popup {
    uint64_t last_revision = 0; // 0: this id was never used
    bool alive = false;
    uint64_t revision() const { return alive ? last_revision : 0; }
  };
  stored_popup find(const std::string& id);
  uint64_t next_version();

  statement find_popup_;
  statement put_popup_;
  statement add_revision_;
  statement drop_revisions_;
  statement erase_popup_;
  statement mark_popup_;
  statement find_settings_;
  statement put_settings_;
  statement move_version_;
};

} // namespace beckon::storage::sqlite
