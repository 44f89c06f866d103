#pragma once

#include "storage/error.hpp"

#include <caf/error.hpp>
#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

/// RAII over the SQLite C interface. Private to storage/*.cpp: no other folder includes this.
namespace beckon::storage::sqlite {

/// How an SQLite call went wrong, as this folder's error. Thrown only below a session's or store's functions,
/// each of which catches it and returns the error: none leaves the folder.
class failure {
 public:
  explicit failure(caf::error reason) : reason_(std::move(reason)) {}
  const caf::error& reason() const { return reason_; }

 private:
  caf::error reason_;
};

/// `code` may be an extended one. `where` names the file and what was being done. `error_number` is the
/// system's, 0 for unknown: an I/O error for want of space is disk_full and not final, except in an fsync,
/// after which nobody knows what the disk holds.
caf::error to_error(int code, const std::string& where, const char* message, int error_number = 0);
/// With message and error number of the last call on `db`; without one, space itself is looked at.
caf::error to_error(int code, const std::string& path, const std::string& doing, sqlite3* db);

enum class access : uint8_t { read_only, read_write, create };

/// One connection. Used by one thread at a time.
class connection {
 public:
  /// Throws failure. `busy_timeout_ms`: how long a call waits for a lock of another connection.
  connection(const std::string& path, access mode, int64_t busy_timeout_ms);

  /// Runs one or more statements without parameters and results; throws failure.
  void execute(const std::string& sql);
  /// The first column of the first row, 0 when there is none; throws failure.
  int64_t integer(const std::string& sql);
  /// Switches to (or stays in) write-ahead logging; throws failure where the file system does not allow it.
  void use_wal();
  /// Ends an open transaction, if there still is one, without its changes.
  void rollback() noexcept;
  /// Closing the last connection normally writes the WAL back into the file; a file that is not ours is not
  /// to be touched.
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

/// A prepared statement, kept as long as its connection.
class statement {
 public:
  statement(connection& owner, const char* sql);

  /// Runs to the end and returns the number of rows changed. The arguments are bound in order.
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

/// The rows of one run of a statement; resets the statement when it goes. The bound arguments must stay alive
/// as long as this does, for they are not copied.
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
