#include "storage/mysql/migrations.hpp"

#include "decision/hash.hpp"
#include "storage/mysql/connection.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <string>
#include <vector>

namespace beckon::storage::mysql {

namespace {

// Version 1. Times are Unix milliseconds. `kind` and `type` are the numbers of counter_kind.
//
// Ids are VARBINARY, so they are compared byte by byte and no collation pads or folds them. JSON is utf8mb4,
// so that the server's JSON functions and people can read it.
//
// InnoDB keeps a table in primary key order, and each index entry ends with that key. So answers and events
// are keyed by `seq`, the order of arrival, and are appended; what is looked up by user is small and keyed by
// user. The index (at) orders by (at, seq), and so do the others within a user or a popup.
//
// `stat` and `ping` have slots: each connection adds to its own, so that writers do not queue for the
// counters of a popular popup. A counter is the sum of its slots.
const std::vector<std::string> version_1{
    R"(CREATE TABLE IF NOT EXISTS user_state(
  user VARBINARY(255) NOT NULL PRIMARY KEY,
  shard SMALLINT NOT NULL,
  version BIGINT NOT NULL,
  next_eligible_at BIGINT NOT NULL,
  state MEDIUMBLOB NOT NULL))",
    R"(CREATE TABLE IF NOT EXISTS user_profile(
  user VARBINARY(255) NOT NULL PRIMARY KEY,
  shard SMALLINT NOT NULL,
  attributes MEDIUMTEXT NOT NULL,
  updated_at BIGINT NOT NULL))",
    R"(CREATE TABLE IF NOT EXISTS answer(
  seq BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  user VARBINARY(255) NOT NULL,
  request_id VARBINARY(255) NOT NULL,
  at BIGINT NOT NULL,
  body MEDIUMTEXT NOT NULL,
  UNIQUE KEY answer_by_request(user, request_id),
  KEY answer_by_at(at)))",
    R"(CREATE TABLE IF NOT EXISTS event(
  seq BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  id VARBINARY(255) NOT NULL,
  at BIGINT NOT NULL,
  received_at BIGINT NOT NULL,
  type TINYINT NOT NULL,
  name VARBINARY(255) NOT NULL,
  user VARBINARY(255) NOT NULL,
  popup VARBINARY(255) NOT NULL,
  variant VARBINARY(255) NOT NULL,
  decision_id VARBINARY(255) NOT NULL,
  properties MEDIUMTEXT NOT NULL,
  UNIQUE KEY event_by_id(id),
  KEY event_by_at(at),
  KEY event_by_user(user, at),
  KEY event_by_popup(popup, at)))",
    R"(CREATE TABLE IF NOT EXISTS stat_user(
  user VARBINARY(255) NOT NULL,
  popup VARBINARY(255) NOT NULL,
  variant VARBINARY(255) NOT NULL,
  kind TINYINT NOT NULL,
  n BIGINT NOT NULL,
  PRIMARY KEY(user, popup, variant, kind)))",
    R"(CREATE TABLE IF NOT EXISTS stat(
  popup VARBINARY(255) NOT NULL,
  variant VARBINARY(255) NOT NULL,
  kind TINYINT NOT NULL,
  slot TINYINT NOT NULL,
  total BIGINT NOT NULL,
  users BIGINT NOT NULL,
  PRIMARY KEY(popup, variant, kind, slot)))",
    R"(CREATE TABLE IF NOT EXISTS popup(
  id VARBINARY(255) NOT NULL PRIMARY KEY,
  revision BIGINT NOT NULL,
  document MEDIUMTEXT COMMENT 'NULL: erased; the row stays so that no revision is ever given twice',
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL))",
    R"(CREATE TABLE IF NOT EXISTS popup_revision(
  id VARBINARY(255) NOT NULL,
  revision BIGINT NOT NULL,
  document MEDIUMTEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY(id, revision)))",
    R"(CREATE TABLE IF NOT EXISTS settings(
  one TINYINT NOT NULL PRIMARY KEY,
  document MEDIUMTEXT NOT NULL,
  revision BIGINT NOT NULL))",
    R"(CREATE TABLE IF NOT EXISTS ping(
  slot TINYINT NOT NULL PRIMARY KEY,
  n BIGINT NOT NULL))"};

// Version 2. `replica_clock` shows how far a replica is behind, see replica_watch. `user_place` records which
// users the database holds if they are spread over several; once there are users it cannot change.
const std::vector<std::string> version_2{
    R"(CREATE TABLE IF NOT EXISTS replica_clock(
  writer VARBINARY(64) NOT NULL PRIMARY KEY,
  sent_ms BIGINT NOT NULL COMMENT 'of the writer alone: its steady clock',
  written TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP))",
    R"(CREATE TABLE IF NOT EXISTS user_place(
  one TINYINT NOT NULL PRIMARY KEY,
  position INT NOT NULL,
  `databases` INT NOT NULL))"};

std::string shard_rows() {
  std::string sql = "INSERT INTO cl_shard(shard, owner, epoch, state, next_owner) VALUES ";
  for (uint32_t i = 0; i < decision::shard_count; ++i)
    sql += (i == 0 ? "(" : ", (") + std::to_string(i) + ", 0, 0, 0, 0)";
  return sql + " ON DUPLICATE KEY UPDATE shard = cl_shard.shard";
}

// Version 3: the cluster. Times are Unix milliseconds by the server's clock. States are the numbers of
// node_state and shard_state. Incarnations come from AUTO_INCREMENT, which InnoDB keeps over restarts, so
// none is reused. Every change of members or owners locks the row of `cl_meta`. With several user databases
// the members are in the catalogue's database, and each database has the owners of its users' shards.
const std::vector<std::string> version_3{
    R"(CREATE TABLE IF NOT EXISTS cl_meta(
  one TINYINT NOT NULL PRIMARY KEY,
  cluster VARBINARY(255) NOT NULL))",
    "INSERT INTO cl_meta(one, cluster) VALUES(1, '') ON DUPLICATE KEY UPDATE one = cl_meta.one",
    R"(CREATE TABLE IF NOT EXISTS cl_node(
  incarnation BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARBINARY(255) NOT NULL,
  identity VARBINARY(255) NOT NULL,
  address VARBINARY(255) NOT NULL,
  http VARBINARY(255) NOT NULL,
  version VARBINARY(255) NOT NULL,
  state TINYINT NOT NULL COMMENT '0 joining, 1 active, 2 draining, 3 dead',
  lease_until BIGINT NOT NULL,
  heartbeat BIGINT NOT NULL,
  suspects TEXT NOT NULL COMMENT 'incarnations that it cannot reach, with commas',
  died BIGINT NOT NULL COMMENT '0: it has not'))",
    R"(CREATE TABLE IF NOT EXISTS cl_shard(
  shard SMALLINT NOT NULL PRIMARY KEY,
  owner BIGINT NOT NULL COMMENT 'incarnation; 0: nobody',
  epoch BIGINT NOT NULL,
  state TINYINT NOT NULL COMMENT '0 owned, 1 draining',
  next_owner BIGINT NOT NULL))",
    shard_rows()};

// Version 4: users whose old events are being deleted. An event of such a user is of the old life when its
// seq is no larger than `last_seq`; those up to (from_at, from_seq) have been seen to.
const std::vector<std::string> version_4{
    R"(CREATE TABLE IF NOT EXISTS erasure(
  user VARBINARY(255) NOT NULL PRIMARY KEY,
  shard SMALLINT NOT NULL,
  begun_at BIGINT NOT NULL,
  last_seq BIGINT NOT NULL,
  from_at BIGINT NOT NULL,
  from_seq BIGINT NOT NULL))"};

// The step at index n leads from version n to n + 1. Released steps are never edited, only added to. A change
// of tables ends a transaction, so a step that was cut off is run again from its beginning: each statement
// must stand that.
const std::vector<std::string>* const steps[] = {&version_1, &version_2, &version_3, &version_4};

constexpr const char* our_tables =
    "'user_state', 'user_profile', 'answer', 'event', 'stat_user', 'stat', 'popup', 'popup_revision', "
    "'settings', 'ping', 'replica_clock', 'user_place', 'cl_meta', 'cl_node', 'cl_shard', 'erasure'";
constexpr const char* table_format =
    " ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin";
constexpr const char* own_database = "; give it a database of its own";

[[noreturn]] void refuse(const connection& db, errc code, const std::string& what) {
  throw failure(make_error(code, db.name() + ": " + what), consequence::none);
}

bool makes_table(const std::string& statement) {
  return statement.rfind("CREATE TABLE", 0) == 0;
}

/// The version of the database; -1 if this program has never used it. Refuses tables of other products.
int64_t stored_version(connection& db) {
  constexpr const char* there =
      "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() "
      "AND table_name = 'beckon_meta'";
  if (db.text(there) == "0")
    return -1;
  constexpr const char* columns =
      "SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() "
      "AND table_name = 'beckon_meta' AND column_name IN ('one', 'product', 'schema_version', "
      "'catalog_version')";
  if (db.text(columns) != "4")
    refuse(db, errc::bad_options, std::string{"its table beckon_meta is another product's"} + own_database);
  auto product = db.text("SELECT product FROM beckon_meta");
  if (!product)
    return -1; // created by a start that was interrupted before the row existed
  if (*product != "beckon")
    refuse(db, errc::bad_options, "its table beckon_meta belongs to \"" + *product + "\"" + own_database);
  auto version = db.text("SELECT schema_version FROM beckon_meta");
  auto number = version ? std::strtoll(version->c_str(), nullptr, 10) : 0;
  if (number > schema_version())
    refuse(db, errc::schema_newer,
           "its schema has version " + std::to_string(number) + ", this program knows "
               + std::to_string(schema_version()) + "; run the newer program, or restore an older backup");
  return number;
}

/// In a database that this program has never used.
void refuse_others_tables(connection& db) {
  auto taken = db.text(std::string{"SELECT table_name FROM information_schema.tables "
                                   "WHERE table_schema = DATABASE() AND table_name IN ("}
                       + our_tables + ") LIMIT 1");
  if (taken)
    refuse(db, errc::bad_options,
           "its table " + *taken + " is not this program's (there is no beckon_meta)" + own_database);
}

/// Creates the table that identifies the owner of the others. First look at what exists: the steps would
/// mistake another product's table of the same name for their own.
void claim_database(connection& db) {
  refuse_others_tables(db);
  db.execute(std::string{"CREATE TABLE IF NOT EXISTS beckon_meta("
                         "one TINYINT NOT NULL PRIMARY KEY, product VARBINARY(64) NOT NULL, "
                         "schema_version INT NOT NULL, catalog_version BIGINT NOT NULL)"}
             + table_format);
  db.execute("INSERT INTO beckon_meta VALUES(1, 'beckon', 0, 0)");
}

std::string text_of(const mysql_place& p) {
  return std::to_string(p.position) + " of " + std::to_string(p.databases);
}

constexpr const char* stored_place =
    "SELECT CONCAT(position, ' of ', `databases`) FROM user_place WHERE one = 1";
/// For a database without a recorded place.
constexpr const char* first_place = "0 of 1";

/// Once there are users they would not be found under another place.
void refuse_other_place(connection& db, const std::string& stored, const std::string& wanted) {
  if (stored == wanted)
    return;
  // A separate catalogue has no users to show that they are elsewhere.
  auto in_use = db.text("SELECT EXISTS(SELECT 1 FROM user_state) OR EXISTS(SELECT 1 FROM user_profile) "
                        "OR EXISTS(SELECT 1 FROM event) OR EXISTS(SELECT 1 FROM answer) "
                        "OR EXISTS(SELECT 1 FROM popup, user_place WHERE position = `databases`)");
  if (in_use == "1")
    refuse(db, errc::bad_options,
           "it is in use as number " + stored
               + " of the databases of users (counted from 0; 0 of 1: of all users, N "
               + "of N: of none, for the catalogue alone), and is now named as " + wanted
               + ". Put mysql.shards.databases back as it was, each database by the same name and in its "
                 "old order");
}

/// The lock that serialises programs migrating one database, wherever they run. Released with the connection.
void take_turn(connection& db, const mysql_options& o) {
  auto wait_s = std::max<int64_t>(1, o.migrate_timeout_ms / 2000);
  // A lock's name is global to the server and may have 64 characters, like a database's.
  auto lock = "beckon-migrate-" + std::to_string(decision::user_hash(o.database));
  if (db.text("SELECT GET_LOCK('" + lock + "', " + std::to_string(wait_s) + ")") != "1")
    refuse(db, errc::unavailable,
           "another node has been changing the schema for more than " + std::to_string(wait_s)
               + " s; see SHOW PROCESSLIST on the server, then start again");
}

} // namespace

int64_t schema_version() {
  return static_cast<int64_t>(std::size(steps));
}

void take_place(const mysql_options& options) {
  connection db{options};
  auto wanted = text_of(options.place);
  if (db.text(stored_place) == wanted)
    return;
  // Outside the transaction: inside, two programs starting at once would wait for each other's row.
  db.execute("INSERT IGNORE INTO user_place VALUES(1, 0, 1)");
  transaction t{db, transaction::kind::write};
  auto stored = db.text(std::string{stored_place} + " FOR UPDATE").value_or("");
  if (stored != wanted) {
    refuse_other_place(db, stored, wanted);
    db.execute("UPDATE user_place SET position = " + std::to_string(options.place.position)
               + ", `databases` = " + std::to_string(options.place.databases) + " WHERE one = 1");
  }
  t.commit();
}

int64_t inspect_tables(const mysql_options& options) {
  connection db{options};
  auto version = stored_version(db);
  constexpr int64_t places_since = 2;
  if (version < 0)
    refuse_others_tables(db);
  if (version >= places_since)
    refuse_other_place(db, db.text(stored_place).value_or(first_place), text_of(options.place));
  return version;
}

void migrate(const mysql_options& options) {
  {
    connection db{options};
    if (stored_version(db) == schema_version())
      return;
  }
  auto patient = options;
  patient.read_timeout_ms = options.migrate_timeout_ms;
  connection db{patient};
  take_turn(db, patient);
  auto version = stored_version(db);
  if (version < 0) {
    claim_database(db);
    version = 0;
  }
  for (; version < schema_version(); ++version) {
    for (const auto& statement : *steps[version])
      db.execute(makes_table(statement) ? statement + table_format : statement);
    db.execute("UPDATE beckon_meta SET schema_version = " + std::to_string(version + 1));
  }
}

} // namespace beckon::storage::mysql
