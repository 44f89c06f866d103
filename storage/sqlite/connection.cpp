#include "storage/sqlite/connection.hpp"

#include <cassert>
#include <cerrno>
#include <climits>
#include <sys/statvfs.h>

namespace beckon::storage::sqlite {

namespace {

struct mapped {
  errc code;
  const char* remedy;
};

constexpr mapped full{
    errc::disk_full, "the disk is full: free space on its file system (or raise the size limit); nothing was "
                     "changed"};

bool for_want_of_space(int code, int error_number) {
  if ((code & 0xff) != SQLITE_IOERR || code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC)
    return false;
  return error_number == ENOSPC || error_number == EDQUOT;
}

bool no_space_left(const std::string& path) {
  struct statvfs s {};
  return ::statvfs(path.c_str(), &s) == 0 && s.f_bavail == 0;
}

mapped map_code(int code) {
  switch (code & 0xff) {
  case SQLITE_FULL:
    return full;
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return {errc::unavailable, "another connection holds the lock; end a long-running sqlite3 shell or copy"};
  case SQLITE_TOOBIG:
  case SQLITE_CONSTRAINT:
    return {errc::rejected, "this write does not fit the store; nothing was changed"};
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
    return {errc::corrupt,
            "the file is damaged or not a database; restore a backup, or try sqlite3's .recover"};
  case SQLITE_CANTOPEN:
  case SQLITE_PERM:
  case SQLITE_READONLY:
  case SQLITE_AUTH:
    return {errc::bad_options,
            "check that the file and its directory exist and that this user may write there"};
  case SQLITE_NOMEM:
    return {errc::unavailable, "out of memory; nothing was changed"};
  default:
    return {errc::io_failed, "check the disk and the kernel's log, then restart the process"};
  }
}

} // namespace

caf::error to_error(int code, const std::string& where, const char* message, int error_number) {
  auto to = for_want_of_space(code, error_number) ? full : map_code(code);
  return make_error(to.code, where + ": " + message + " (SQLite " + std::to_string(code) + "): " + to.remedy);
}

caf::error to_error(int code, const std::string& path, const std::string& doing, sqlite3* db) {
  // SQLite keeps the error number only for some errors, and not on all systems for the WAL's shared index
  // file.
  auto error_number = db ? sqlite3_system_errno(db) : 0;
  if (code == SQLITE_IOERR_SHMSIZE && error_number == 0 && no_space_left(path))
    error_number = ENOSPC;
  return to_error(code, doing.empty() ? path : path + ", " + doing, db ? sqlite3_errmsg(db) : "out of memory",
                  error_number);
}

// -- connection -----------------------------------------------------------------------------------

connection::connection(const std::string& path, access mode, int64_t busy_timeout_ms) : path_(path) {
  // No mutex inside SQLite: a connection belongs to one thread at a time.
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
  if (mode == access::read_only)
    flags |= SQLITE_OPEN_READONLY;
  else
    flags |= SQLITE_OPEN_READWRITE;
  if (mode == access::create)
    flags |= SQLITE_OPEN_CREATE;
  sqlite3* db = nullptr;
  int code = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
  handle_.reset(db);
  if (code != SQLITE_OK)
    throw failure(to_error(code, path, "opening", db));
  assert(busy_timeout_ms >= 0 && busy_timeout_ms <= INT_MAX);
  sqlite3_busy_timeout(db, static_cast<int>(busy_timeout_ms));
}

void connection::corrupt(const std::string& what) const {
  throw failure(make_error(errc::corrupt, path_ + ": " + what));
}

void connection::fail(int code, const char* doing) const {
  throw failure(to_error(code, path_, doing, raw()));
}

void connection::execute(const std::string& sql) {
  int code = sqlite3_exec(raw(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK)
    fail(code, sql.size() <= 60 ? sql.c_str() : "running a script");
}

int64_t connection::integer(const std::string& sql) {
  statement s{*this, sql.c_str()};
  rows r{s};
  return r.next() ? r.integer(0) : 0;
}

void connection::use_wal() {
  statement s{*this, "PRAGMA journal_mode = WAL"};
  rows r{s};
  if (!r.next() || r.text(0) != "wal")
    throw failure(
        make_error(errc::bad_options, path_
                                          + ": its file system does not allow write-ahead logging (network "
                                            "file systems do not); move it to a local disk"));
}

void connection::rollback() noexcept {
  // Some errors (disk full, I/O) have already ended the transaction.
  if (sqlite3_get_autocommit(raw()) == 0)
    sqlite3_exec(raw(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void connection::leave_untouched_on_close() {
  sqlite3_db_config(raw(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

// -- statement ------------------------------------------------------------------------------------

statement::statement(connection& owner, const char* sql) : owner_(&owner) {
  sqlite3_stmt* s = nullptr;
  int code = sqlite3_prepare_v3(owner.raw(), sql, -1, SQLITE_PREPARE_PERSISTENT, &s, nullptr);
  handle_.reset(s);
  if (code != SQLITE_OK)
    owner.fail(code, "preparing a statement");
}

void statement::check_bound(int code) {
  if (code != SQLITE_OK)
    owner_->fail(code, "binding a value");
}

// A null pointer would bind NULL, even with length 0; hence the empty literals.
void statement::bind(int index, std::string_view text) {
  check_bound(sqlite3_bind_text64(handle_.get(), index, text.data() ? text.data() : "", text.size(),
                                  SQLITE_STATIC, SQLITE_UTF8));
}

void statement::bind(int index, blob_view blob) {
  const auto& b = blob.bytes;
  check_bound(sqlite3_bind_blob64(handle_.get(), index, b.data() ? b.data() : "", b.size(), SQLITE_STATIC));
}

void statement::bind_integer(int index, int64_t number) {
  check_bound(sqlite3_bind_int64(handle_.get(), index, number));
}

bool statement::step() {
  int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW)
    return true;
  if (code == SQLITE_DONE)
    return false;
  // Take the text before the reset, which is due in any case.
  auto reason = to_error(code, owner_->path(), "", owner_->raw());
  sqlite3_reset(handle_.get());
  throw failure(std::move(reason));
}

int64_t statement::finish() {
  while (step())
    ; // a statement run for its effect may return rows
  auto changed = sqlite3_changes64(owner_->raw());
  sqlite3_reset(handle_.get());
  return changed;
}

std::string_view rows::text(int column) const {
  const void* data = sqlite3_column_blob(raw(), column);
  auto size = static_cast<size_t>(sqlite3_column_bytes(raw(), column));
  return data ? std::string_view{static_cast<const char*>(data), size} : std::string_view{};
}

// -- transaction ----------------------------------------------------------------------------------

transaction::transaction(connection& db, kind k) : db_(db) {
  // Take the write lock at once: a transaction that reads first and then cannot write would have to restart.
  db.execute(k == kind::write ? "BEGIN IMMEDIATE" : "BEGIN");
}

void transaction::commit() {
  db_.execute("COMMIT");
}

} // namespace beckon::storage::sqlite
