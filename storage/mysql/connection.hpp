#pragma once

#include "storage/mysql/api.hpp"
#include "storage/mysql/error.hpp"
#include "storage/mysql/store.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

/// RAII over the C interface of MySQL. Private to storage/*.cpp: no other folder includes this.
namespace beckon::storage::mysql {

/// Who talks to whom, without the password.
endpoint endpoint_of(const mysql_options& options);

/// One connection, READ COMMITTED and strict about values. Used by one thread at a time, which need not
/// always be the same. Every call ends within the time-outs.
class connection {
 public:
  /// Connects; throws failure.
  explicit connection(const mysql_options& options);

  /// Runs a statement without parameters and results; throws failure.
  void execute(const std::string& sql);
  /// The first column of the first row, nothing when there is no row or it is NULL; throws failure.
  std::optional<std::string> text(const std::string& sql);
  /// COMMIT. Throws failure: unknown_outcome unless the server certainly rolled back.
  void commit();
  /// Ends an open transaction without its changes. Where that fails, the connection is of no use any more.
  void rollback() noexcept;
  /// Whether the server answers; throws failure.
  void ping();

  /// False once a call has failed in a way that leaves nothing to be done with this connection.
  bool usable() const { return usable_; }
  /// To be called when a result was given up halfway.
  void abandon() { usable_ = false; }
  MYSQL* raw() const { return handle_.get(); }
  const std::string& name() const { return where_.store; }
  /// Bytes that one statement with its values may have.
  uint64_t packet_bytes_max() const { return packet_bytes_max_; }
  /// The server's number of this connection.
  uint64_t id() const { return id_; }
  /// The server ends a connection that is idle for longer; 0: not for a long time.
  int64_t idle_ms_max() const { return idle_ms_max_; }

  /// Throws that the store holds what it cannot hold.
  [[noreturn]] void corrupt(const std::string& what) const;
  /// Throws what the last call on the connection failed with.
  [[noreturn]] void fail(phase when = phase::working);
  /// Throws what the last call on a statement failed with.
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
    snapshot,            // all reads see one moment; nothing may be written
    write_then_snapshot, // what it reads after its writes is of one moment
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

/// Tells the client library that the calling thread uses it; taken back when the thread ends. To be called
/// before anything else of this folder's MySQL code on a thread, as often as one likes.
void attach_thread();

} // namespace beckon::storage::mysql
