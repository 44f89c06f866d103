#include "storage/mysql/inspection.hpp"

#include "base/clock.hpp"
#include "storage/mysql/connection.hpp"
#include "storage/mysql/error.hpp"
#include "storage/mysql/migrations.hpp"

#include <chrono>
#include <cstdlib>

namespace beckon::storage {

namespace {

using mysql::connection;

int64_t number(connection& db, const std::string& expression) {
  auto text = db.text("SELECT CAST(" + expression + " AS SIGNED)");
  return text ? std::strtoll(text->c_str(), nullptr, 10) : 0;
}

/// MariaDB says 1 or ON; MySQL has further words, which all mean that pages are written twice.
bool is_on(connection& db, const std::string& variable) {
  auto text = db.text("SELECT @@" + variable).value_or("0");
  return text != "0" && text != "OFF";
}

int64_t clock_ahead_ms(connection& db) {
  auto before = base::unix_ms();
  auto there = number(db, "UNIX_TIMESTAMP(NOW(6)) * 1000");
  auto after = base::unix_ms();
  if (there < before)
    return there - before;
  return there > after ? there - after : 0;
}

mysql_facts ask(connection& db) {
  mysql_facts f;
  f.database = db.name();
  f.version = db.text("SELECT VERSION()").value_or("unknown");
  f.flush_log_at_commit = number(db, "@@innodb_flush_log_at_trx_commit");
  f.binary_log = is_on(db, "log_bin");
  f.sync_binlog = number(db, "@@sync_binlog");
  f.doublewrite = is_on(db, "innodb_doublewrite");
  f.connections_max = number(db, "@@max_connections");
  f.user_connections_max = number(db, "@@max_user_connections");
  f.clock_ahead_ms = clock_ahead_ms(db);
  return f;
}

} // namespace

caf::expected<mysql_facts> inspect_mysql(const mysql_options& options) {
  try {
    mysql::attach_thread();
    connection db{options};
    return ask(db);
  } catch (const mysql::failure& e) {
    return e.reason();
  }
}

caf::expected<mysql_schema> inspect_mysql_schema(const mysql_options& options) {
  if (auto e = check_mysql_options(options))
    return e;
  try {
    mysql::attach_thread();
    return mysql_schema{mysql::endpoint_of(options).store, mysql::inspect_tables(options),
                        mysql::schema_version()};
  } catch (const mysql::failure& e) {
    return e.reason();
  }
}

} // namespace beckon::storage
