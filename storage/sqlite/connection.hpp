#pragma once

#include "storage/error.hpp"

#include <caf/error.hpp>
#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

/// RAII over the SQLite C interface. Private to storage/sqlite.
namespace beckon::storage::sqlite {

/// A failed SQLite call, as an error of this folder. Thrown only below the functions of a session or store;
/// these catch it and return the error, so no exception leaves the folder.
class failure {
 public:
  explicit failure(caf::error reason) : reason_(std::move(reason)) {}
  const caf::error& reason() const { return reason_; }

 private:
  caf::error reason_;
};

/// `code` may be an extended one. `where` names the file and the action. `error_number` is the system's, 0
/// for unknown. An I/O error for lack of space is disk_full and not final, except in an fsync, after which
/// the state of the disk is unknown.
caf::error to_error(int code, const std::string& where, const char* message, int error_number = 0);
/// With message and error number of the last call on `db`; without a number, checks the free space itself.
caf::error to_error(int code, const std::string& path, const std::string& doing, sqlite3* db);

enum class access : uint8_t { read_only, read_write, create };

/// One connection. Used by one thread at a time.
class connection {
 public:
  /// Throws failure. `busy_timeout_ms`: how long a call waits for another connection's lock.
  connection(const std::string& path, access mode, int64_t busy_timeout_ms);

  /// Runs one or more statements without parameters and results; throws failure.
  void execute(const std::string& sql);
  /// The first column of the first row, 0 if there is none; throws failure.
  int64_t integer(const std::string& sql);
  /// Switches to (or stays in) write-ahead logging; throws failure if the file system does not support it.
  void use_wal();
  /// Rolls back an open transaction, if there is one.
  void rollback() noexcept;
  /// Prevents the last close from writing the WAL back into the file, which it normally does: a file that is
  /// not ours must not be changed.
  void leave_untouched_on_close();

  sqlite3* raw() const { return handle_.get(); }
  const std::string& path() const { return path_; }
  /// Throws that the store holds what it cannot hold.
  [[noreturn]] void corrupt(const std::string& what) const;
  [[noreturn]] void fail(int code, const char* doing) const;

 private:
  struct closer {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  std::string path_;
  std::unique_ptr<sqlite3, closer> handle_;
};

struct blob_view {
  std::string_view bytes;
};

/// A prepared statement, kept with its connection.
class statement {
 public:
  statement(connection& owner, const char* sql);

  /// Runs to the end and returns the number of changed rows. Binds the arguments in order.
  template <class... Ts>
  int64_t run(const Ts&... args) {
    bind_all(args...);
    return finish();
  }

 private:
  friend class rows;
  struct finalizer {
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
  };

  template <class... Ts>
  void bind_all(const Ts&... args) {
    int index = 0;
    (bind(++index, args), ...);
  }
  void bind(int index, std::string_view text);
  void bind(int index, blob_view blob);
  template <class T, class = std::enable_if_t<std::is_integral_v<T>>>
  void bind(int index, T number) {
    bind_integer(index, static_cast<int64_t>(number));
  }
  void bind_integer(int index, int64_t number);
  bool step();
  int64_t finish();
  void check_bound(int code);

  connection* owner_;
  std::unique_ptr<sqlite3_stmt, finalizer> handle_;
};

/// The rows of one run of a statement; resets the statement when destroyed. The bound arguments must outlive
/// it, because they are not copied.
class rows {
 public:
  template <class... Ts>
  explicit rows(statement& s, const Ts&... args) : statement_(s) {
    statement_.bind_all(args...);
  }
  ~rows() { sqlite3_reset(statement_.handle_.get()); }
  rows(const rows&) = delete;
  rows& operator=(const rows&) = delete;

  bool next() { return statement_.step(); }
  int64_t integer(int column) const { return sqlite3_column_int64(raw(), column); }
  /// Valid until the next call of next().
  std::string_view text(int column) const;
  bool is_null(int column) const { return sqlite3_column_type(raw(), column) == SQLITE_NULL; }

 private:
  sqlite3_stmt* raw() const { return statement_.handle_.get(); }
  statement& statement_;
};

/// A transaction that is rolled back unless commit() returned.
class transaction {
 public:
  enum class kind : uint8_t { read, write };
  transaction(connection& db, kind k);
  ~transaction() { db_.rollback(); }
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;
  void commit();

 private:
  connection& db_;
};

} // namespace beckon::storage::sqlite
