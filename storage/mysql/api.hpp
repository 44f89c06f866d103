#pragma once

#include <mysql.h>
#include <type_traits>

/// The C interface of MySQL, and all differences between MariaDB's Connector/C and Oracle's libmysqlclient 8.
/// Differences are detected by probing for names, never by version numbers. Private to storage/mysql.
/// a flag in MYSQL_BIND is a my_bool or a bool        -> flag
/// different options request an encrypted connection  -> require_tls
namespace beckon::storage::mysql::api {

using flag = std::remove_pointer_t<decltype(MYSQL_BIND::is_null)>;

template <class Option>
auto require_tls(MYSQL* db, bool verify, int) -> decltype(Option::MYSQL_OPT_SSL_ENFORCE, bool{}) {
  const flag yes = 1;
  const flag check = verify ? 1 : 0;
  return ::mysql_options(db, Option::MYSQL_OPT_SSL_ENFORCE, &yes) == 0
         && ::mysql_options(db, Option::MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &check) == 0;
}

template <class Option>
auto require_tls(MYSQL* db, bool verify, long) -> decltype(Option::MYSQL_OPT_SSL_MODE, bool{}) {
  // SSL_MODE_VERIFY_IDENTITY and SSL_MODE_REQUIRED, by number because only one library has the names.
  const unsigned mode = verify ? 5 : 3;
  return ::mysql_options(db, Option::MYSQL_OPT_SSL_MODE, &mode) == 0;
}

/// Refuses connections without TLS, and with `verify` servers that cannot prove their identity.
inline bool require_tls(MYSQL* db, bool verify) {
  return require_tls<enum mysql_option>(db, verify, 0);
}

} // namespace beckon::storage::mysql::api
