#pragma once

#include "storage/mysql/connection.hpp"
#include "storage/mysql/store.hpp"

#include <caf/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>

/// Real MariaDB servers for the tests of the MySQL store.
namespace beckon::storage::test {

/// The directory of the server that all suites share; tests/mariadb/server.py has started it.
inline std::string shared_server_directory() {
  const char* directory = std::getenv("BECKON_TEST_MARIADB"); // NOLINT(concurrency-mt-unsafe)
  if (!directory || !*directory)
    CAF_FAIL("BECKON_TEST_MARIADB names no server: run this by ctest, or start one with "
             "tests/mariadb/server.py start DIR and set it to DIR");
  return directory;
}

struct server_address {
  std::string socket;
  uint16_t port = 0;
  std::string control; // path of server.py

  explicit server_address(const std::string& directory) {
    std::ifstream in{directory + "/address"};
    for (std::string line; std::getline(in, line);) {
      auto equals = line.find('=');
      auto name = line.substr(0, equals);
      auto text = line.substr(equals + 1);
      if (name == "socket")
        socket = text;
      else if (name == "port")
        port = static_cast<uint16_t>(std::stoi(text));
      else if (name == "control")
        control = text;
    }
    if (socket.empty())
      CAF_FAIL("there is no server in " << directory << ": see tests/mariadb/server.py");
  }

  mysql_options options() const {
    mysql_options o;
    o.socket = socket;
    o.port = port;
    o.host = "127.0.0.1";
    o.user = o.password = o.database = "beckon";
    o.connect_timeout_ms = 3000;
    o.read_timeout_ms = o.write_timeout_ms = 5000;
    o.ping_after_idle_ms = 30'000;
    o.recycle_after_ms = 1'800'000;
    o.pool_size = 4;
    o.max_overflow = 2;
    o.pool_timeout_ms = 2000;
    o.connect_retry_ms = 50;
    o.connect_retry_max_ms = 1000;
    o.replica_staleness_ms = 2000;
    o.replica_check_ms = 500;
    o.transaction_idle_ms = 60'000; // tests hold transactions open, on busy machines too
    return o;
  }
};

/// A server of one suite, which may be stopped, killed and paused. It ends with the program, or at the latest
/// when the shared one is removed.
class own_server {
 public:
  /// `options` are further words for mariadbd.
  explicit own_server(const std::string& name, const std::string& options = "")
      : directory_(shared_server_directory() + "/" + name),
        control_(server_address{shared_server_directory()}.control) {
    command("start", " tls " + options);
  }
  ~own_server() { run("stop", ""); }
  own_server(const own_server&) = delete;
  own_server& operator=(const own_server&) = delete;

  void command(const std::string& word, const std::string& more = "") {
    if (run(word, more) != 0)
      CAF_FAIL("server.py " << word << " " << directory_ << " failed");
  }
  server_address address() const { return server_address{directory_}; }
  std::string file(const std::string& name) const { return directory_ + "/" + name; }

 private:
  int run(const std::string& word, const std::string& more) {
    auto line = "python3 '" + control_ + "' " + word + " '" + directory_ + "'" + more + " >/dev/null";
    return std::system(line.c_str()); // NOLINT(concurrency-mt-unsafe,cert-env33-c)
  }

  std::string directory_;
  std::string control_;
};

/// An empty database that goes with its object, and options that name it.
class fresh_database {
 public:
  explicit fresh_database(mysql_options on) : admin_(on), options(std::move(on)) {
    static std::atomic<int> made{0};
    options.database = "t_" + std::to_string(::getpid()) + "_" + std::to_string(++made);
    admin().execute("CREATE DATABASE " + options.database);
  }
  ~fresh_database() {
    try {
      admin().execute("DROP DATABASE " + options.database);
    } catch (const mysql::failure&) {
      // The test has taken the server down for good; the database goes with the server's directory.
    }
  }
  fresh_database(const fresh_database&) = delete;
  fresh_database& operator=(const fresh_database&) = delete;

  /// A new connection to the new database.
  mysql::connection connect() const { return mysql::connection{options}; }
  std::string text(const std::string& sql) const { return connect().text(sql).value_or("NULL"); }

 private:
  /// Opened anew each time, because a test may have restarted the server.
  mysql::connection admin() const { return mysql::connection{admin_}; }

  mysql_options admin_;

 public:
  mysql_options options;
};

inline store_ptr open_or_fail(const mysql_options& options) {
  auto opened = open_mysql(options);
  if (!opened)
    CAF_FAIL(describe(opened.error()));
  return std::move(*opened);
}

/// State and profile of one user, by value: what an expected holds dies with it.
inline user_row row_of(session& s, const std::string& user) {
  auto rows = s.load_users({user});
  if (!rows)
    CAF_FAIL(describe(rows.error()));
  return rows->at(0);
}

inline std::string state_of(session& s, const std::string& user) {
  return row_of(s, user).state;
}

inline std::string attributes_of(session& s, const std::string& user) {
  return row_of(s, user).attributes;
}

/// Asks again and again until it holds; false when it does not within the time.
template <class F>
bool comes_true(F&& f, int64_t every_ms = 5, int64_t within_ms = 20'000) {
  auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds{within_ms};
  while (!f()) {
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{every_ms});
  }
  return true;
}

/// The server refreshes information_schema.innodb_trx only if nobody has read it for 100 ms.
constexpr int64_t transactions_shown_every_ms = 130;

class stopwatch {
 public:
  int64_t ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began_)
        .count();
  }

 private:
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

} // namespace beckon::storage::test
