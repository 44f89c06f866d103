#include "storage/mysql/connection.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace beckon::storage::mysql {

namespace {

unsigned whole_seconds(int64_t ms) {
  return static_cast<unsigned>((ms + 999) / 1000);
}

struct thread_registration {
  thread_registration() { mysql_thread_init(); }
  ~thread_registration() { mysql_thread_end(); }
};

const char* or_null(const std::string& text) {
  return text.empty() ? nullptr : text.c_str();
}

} // namespace

void attach_thread() {
  // The library's initialisation is not threadsafe, but that of a static variable is.
  static const int started = mysql_library_init(0, nullptr, nullptr);
  static thread_local const thread_registration registered;
  static_cast<void>(started);
  static_cast<void>(registered);
}

endpoint endpoint_of(const mysql_options& o) {
  auto place = o.socket.empty() ? o.host + ":" + std::to_string(o.port) : o.socket;
  auto account = o.user + "@" + place;
  return {"mysql " + account + " database " + o.database, account};
}

// -- connection -----------------------------------------------------------------------------------

connection::connection(const mysql_options& o) : where_(endpoint_of(o)) {
  attach_thread();
  handle_.reset(mysql_init(nullptr));
  if (!handle_)
    throw std::bad_alloc{};
  set_up(o);
  bool by_socket = !o.socket.empty();
  // Without CLIENT_FOUND_ROWS only changed rows count as affected; without CLIENT_MULTI_STATEMENTS no value
  // can start another statement.
  if (!mysql_real_connect(raw(), by_socket ? nullptr : o.host.c_str(), o.user.c_str(), o.password.c_str(),
                          o.database.c_str(), by_socket ? 0 : o.port, or_null(o.socket), 0))
    fail(phase::connecting);
  // MariaDB's library continues without TLS if the server offers none, and does not verify the server.
  if (o.tls.required && !mysql_get_ssl_cipher(raw()))
    throw failure(make_error(errc::bad_options, where_.store
                                                    + ": the server offers no TLS, but TLS is required; "
                                                      "give it a certificate, or do not require TLS"),
                  consequence::lost);
  begin_session(o);
}

void connection::set(enum mysql_option option, const void* value) {
  if (::mysql_options(raw(), option, value) != 0)
    throw failure(make_error(errc::bad_options, where_.store + ": the client library refuses option "
                                                    + std::to_string(static_cast<int>(option))),
                  consequence::lost);
}

// Never set MYSQL_OPT_RECONNECT: a reconnect silently loses transaction, settings and prepared statements.
void connection::set_up(const mysql_options& o) {
  const unsigned connect_s = whole_seconds(o.connect_timeout_ms);
  const unsigned read_s = whole_seconds(o.read_timeout_ms);
  const unsigned write_s = whole_seconds(o.write_timeout_ms);
  const unsigned no_local_files = 0;
  const unsigned protocol = o.socket.empty() ? MYSQL_PROTOCOL_TCP : MYSQL_PROTOCOL_SOCKET;
  set(MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
  set(MYSQL_OPT_READ_TIMEOUT, &read_s);
  set(MYSQL_OPT_WRITE_TIMEOUT, &write_s);
  set(MYSQL_OPT_LOCAL_INFILE, &no_local_files);
  set(MYSQL_OPT_PROTOCOL, &protocol);
  set(MYSQL_SET_CHARSET_NAME, "utf8mb4");
  if (o.tls.required)
    use_tls(o.tls);
}

void connection::use_tls(const mysql_tls& tls) {
  if (!tls.ca.empty())
    set(MYSQL_OPT_SSL_CA, tls.ca.c_str());
  if (!tls.cert.empty())
    set(MYSQL_OPT_SSL_CERT, tls.cert.c_str());
  if (!tls.key.empty())
    set(MYSQL_OPT_SSL_KEY, tls.key.c_str());
  if (!api::require_tls(raw(), tls.verify))
    throw failure(make_error(errc::bad_options, where_.store + ": the client library does not support TLS"),
                  consequence::lost);
}

void connection::begin_session(const mysql_options& o) {
  auto lock_wait_s = std::max(1u, whole_seconds(o.read_timeout_ms) / 2);
  execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
  // Strict mode: a value that does not fit is an error, not truncated.
  execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', autocommit = 1, "
          "innodb_lock_wait_timeout = "
          + std::to_string(lock_wait_s));
  bound_silence(o.transaction_idle_ms);
  auto packet = text("SELECT @@max_allowed_packet");
  packet_bytes_max_ = packet ? std::strtoull(packet->c_str(), nullptr, 10) : 0;
  id_ = mysql_thread_id(raw());
}

/// A client that stops in the middle of a transaction or a packet would keep its locks for hours.
void connection::bound_silence(int64_t ms) {
  auto n = std::to_string(whole_seconds(ms));
  execute("SET SESSION net_read_timeout = " + n + ", net_write_timeout = " + n);
  // Only MariaDB has a limit for transactions; other servers report it as unknown.
  if (mysql_query(raw(), ("SET SESSION idle_transaction_timeout = " + n).c_str()) == 0)
    return;
  constexpr unsigned unknown_variable = 1193;
  if (mysql_errno(raw()) != unknown_variable)
    fail();
  execute("SET SESSION wait_timeout = " + n);
  idle_ms_max_ = ms;
}

void connection::corrupt(const std::string& what) const {
  throw failure(make_error(errc::corrupt, name() + ": " + what), consequence::none);
}

void connection::fail(unsigned code, const std::string& message, phase when) {
  auto f = to_failure(code, message, where_, when);
  if (f.then() == consequence::lost)
    usable_ = false;
  throw failure(std::move(f));
}

void connection::fail(phase when) {
  fail(mysql_errno(raw()), mysql_error(raw()), when);
}

void connection::fail(MYSQL_STMT* statement) {
  fail(mysql_stmt_errno(statement), mysql_stmt_error(statement), phase::working);
}

void connection::execute(const std::string& sql) {
  if (mysql_real_query(raw(), sql.data(), sql.size()) != 0)
    fail();
}

std::optional<std::string> connection::text(const std::string& sql) {
  execute(sql);
  struct freer {
    void operator()(MYSQL_RES* r) const { mysql_free_result(r); }
  };
  std::unique_ptr<MYSQL_RES, freer> result{mysql_store_result(raw())};
  if (!result)
    fail();
  auto* row = mysql_fetch_row(result.get());
  if (!row || !row[0])
    return std::nullopt;
  return std::string{row[0], mysql_fetch_lengths(result.get())[0]};
}

void connection::commit() {
  if (mysql_query(raw(), "COMMIT") != 0)
    fail(phase::committing);
}

void connection::rollback() noexcept {
  if (usable_ && mysql_query(raw(), "ROLLBACK") != 0)
    usable_ = false;
}

void connection::ping() {
  if (mysql_ping(raw()) != 0)
    fail();
}

// -- transaction ----------------------------------------------------------------------------------

transaction::transaction(connection& db, kind k) : db_(db) {
  if (k == kind::write) {
    db.execute("START TRANSACTION");
    return;
  }
  // Affects only the next transaction.
  db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
  // The snapshot is that of the first read; a change of rows does not set it.
  db.execute(k == kind::snapshot ? "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
                                 : "START TRANSACTION");
}

transaction::~transaction() {
  if (open_)
    db_.rollback();
}

void transaction::commit() {
  db_.commit();
  open_ = false;
}

} // namespace beckon::storage::mysql
