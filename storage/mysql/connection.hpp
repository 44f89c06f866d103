#pragma once

#include "storage/mysql/api.hpp"
#include "storage/mysql/error.hpp"
#include "storage/mysql/store.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

/// RAII over the C interface of MySQL. Private to storage/mysql.
namespace beckon::storage::mysql {

/// Account and server, without the password.
endpoint endpoint_of(const mysql_options& options);

/// One connection, READ COMMITTED and strict about values. Used by one thread at a time, not always the same.
/// Every call ends within the time-outs.
class connection {
 public:
  /// Connects; throws failure.
  explicit connection(const mysql_options& options);

  /// Runs a statement without parameters and results; throws failure.
  void execute(const std::string& sql);
  /// The first column of the first row, nothing if there is no row or it is NULL; throws failure.
  std::optional<std::string> text(const std::string& sql);
  /// COMMIT. Throws failure: unknown_outcome unless the server certainly rolled back.
  void commit();
  /// Rolls back an open transaction. If that fails, the connection is unusable.
  void rollback() noexcept;
  /// Whether the server answers; throws failure.
  void ping();

  /// False once a call has failed in a way that makes this connection unusable.
  bool usable() const { return usable_; }
  /// Call this after abandoning a partly read result.
  void abandon() { usable_ = false; }
  MYSQL* raw() const { return handle_.get(); }
  const std::string& name() const { return where_.store; }
  /// Maximum bytes of one statement with its values.
  uint64_t packet_bytes_max() const { return packet_bytes_max_; }
  /// The server's id of this connection.
  uint64_t id() const { return id_; }
  /// The server ends connections that are idle for longer; 0: not soon.
  int64_t idle_ms_max() const { return idle_ms_max_; }

  /// Throws that the store holds what it cannot hold.
  [[noreturn]] void corrupt(const std::string& what) const;
  /// Throws what the last call on the connection failed with.
  [[noreturn]] void fail(phase when = phase::working);
  /// Throws the error of the last call on a statement.
  [[noreturn]] void fail(MYSQL_STMT* statement);

 private:
  struct closer {
    void operator()(MYSQL* db) const { mysql_close(db); }
  };
  [[noreturn]] void fail(unsigned code, const std::string& message, phase when);
  void set_up(const mysql_options& options);
  void set(enum mysql_option option, const void* value);
  void use_tls(const mysql_tls& tls);
  void begin_session(const mysql_options& options);
  void bound_silence(int64_t ms);

  endpoint where_;
  std::unique_ptr<MYSQL, closer> handle_;
  bool usable_ = true;
  uint64_t packet_bytes_max_ = 0;
  uint64_t id_ = 0;
  int64_t idle_ms_max_ = 0;
};

/// A transaction that is rolled back unless commit() was called.
class transaction {
 public:
  enum class kind : uint8_t {
    write,
    snapshot,            // all reads see one moment; no writes
    write_then_snapshot, // reads after its writes see one moment
  };
  transaction(connection& db, kind k);
  ~transaction();
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;
  void commit();

 private:
  connection& db_;
  bool open_ = true;
};

/// Registers the calling thread with the client library until the thread ends. Call it before any other MySQL
/// code on a thread; repeated calls are allowed.
void attach_thread();

} // namespace beckon::storage::mysql
