#include "storage/sqlite/migrations.hpp"

#include <iterator>
#include <string>

namespace beckon::storage::sqlite {

namespace {

// Version 1. Times are Unix milliseconds. `kind` and `type` are the numbers of counter_kind.
//
// Tables read by user are WITHOUT ROWID: one tree to descend instead of two, and one page to write. Answers
// are the exception: their bodies are large and short-lived, so they are appended and pruned in arrival
// order, and only the small entries of an index are spread by user. Events keep a rowid: `seq` is the order
// of arrival, so rows are appended. An index entry ends with it, so (at), (user, at) and (popup, at) order by
// (at, seq) for all events, a user's and a popup's. Of these only (user, at) costs a page per event of
// another user on insert; it also finds what to erase. An index with the type would cost as much as it saves:
// a listing by type reads on until it has examined its share of rows.
const char* const version_1 = R"(
CREATE TABLE user_state(
  user TEXT NOT NULL PRIMARY KEY,
  shard INTEGER NOT NULL,
  version INTEGER NOT NULL,
  next_eligible_at INTEGER NOT NULL,
  state BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE user_profile(
  user TEXT NOT NULL PRIMARY KEY,
  shard INTEGER NOT NULL,
  attributes TEXT NOT NULL,
  updated_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE answer(
  seq INTEGER PRIMARY KEY,
  user TEXT NOT NULL,
  request_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  body TEXT NOT NULL,
  UNIQUE(user, request_id));
CREATE INDEX answer_by_at ON answer(at);
CREATE TABLE event(
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  type INTEGER NOT NULL,
  name TEXT NOT NULL,
  user TEXT NOT NULL,
  popup TEXT NOT NULL,
  variant TEXT NOT NULL,
  decision_id TEXT NOT NULL,
  properties TEXT NOT NULL);
CREATE INDEX event_by_at ON event(at);
CREATE INDEX event_by_user ON event(user, at);
CREATE INDEX event_by_popup ON event(popup, at) WHERE popup <> '';
CREATE TABLE stat_user(
  user TEXT NOT NULL,
  popup TEXT NOT NULL,
  variant TEXT NOT NULL,
  kind INTEGER NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY(user, popup, variant, kind)) WITHOUT ROWID;
CREATE TABLE stat(
  popup TEXT NOT NULL,
  variant TEXT NOT NULL,
  kind INTEGER NOT NULL,
  total INTEGER NOT NULL,
  users INTEGER NOT NULL,
  PRIMARY KEY(popup, variant, kind)) WITHOUT ROWID;
CREATE TABLE popup(
  id TEXT NOT NULL PRIMARY KEY,
  revision INTEGER NOT NULL,
  document TEXT, -- NULL: erased; the row stays so that no revision is ever given twice
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE popup_revision(
  id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  document TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY(id, revision)) WITHOUT ROWID;
CREATE TABLE settings(
  one INTEGER NOT NULL PRIMARY KEY CHECK(one = 1),
  document TEXT NOT NULL,
  revision INTEGER NOT NULL);
CREATE TABLE meta(
  one INTEGER NOT NULL PRIMARY KEY CHECK(one = 1),
  catalog_version INTEGER NOT NULL,
  pings INTEGER NOT NULL);
INSERT INTO meta VALUES(1, 0, 0);
)";

// Version 2: users whose old events are being deleted. An event of such a user is of the old life when its
// seq is no larger than `last_seq`; those up to (from_at, from_seq) have been seen to.
const char* const version_2 = R"(
CREATE TABLE erasure(
  user TEXT NOT NULL PRIMARY KEY,
  shard INTEGER NOT NULL,
  begun_at INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  from_at INTEGER NOT NULL,
  from_seq INTEGER NOT NULL) WITHOUT ROWID;
)";

const char* const steps[] = {version_1, version_2};

} // namespace

const schema& store_schema() {
  static constexpr schema kind{0x426b6f6e, steps, static_cast<int64_t>(std::size(steps))};
  return kind;
}

void migrate(connection& db, const schema& kind) {
  for (auto version = db.integer("PRAGMA user_version"); version < kind.version; ++version) {
    transaction t{db, transaction::kind::write};
    db.execute(kind.steps[version]);
    db.execute("PRAGMA application_id = " + std::to_string(kind.application_id));
    db.execute("PRAGMA user_version = " + std::to_string(version + 1));
    t.commit();
  }
}

} // namespace beckon::storage::sqlite
