#include "storage/mysql/error.hpp"

#include <algorithm>
#include <array>

namespace beckon::storage::mysql {

namespace {

struct meaning {
  unsigned code;
  errc as;
  consequence then;
  const char* remedy;
};

constexpr auto none = consequence::none;
constexpr auto lost = consequence::lost;
constexpr auto retry = consequence::retry;

constexpr const char* too_many =
    "the server accepts no more connections: raise max_connections there, or lower the nodes' pools "
    "(mysql.pool-size, mysql.max-overflow); the node retries after a pause";
constexpr const char* gone = "the connection was lost and nothing was changed; the next call reconnects";
constexpr const char* contended = "conflicts with other transactions on every try; nothing was changed";
constexpr const char* full = "the server's disk is full: free space on it; nothing was changed";
constexpr const char* too_large =
    "this write does not fit the store; nothing was changed (if it should fit: max_allowed_packet)";
constexpr const char* no_fit = "this write does not fit the store; nothing was changed";
constexpr const char* read_only = "the server accepts no writes; name the primary, or turn off its read_only";
constexpr const char* damaged =
    "the tables are not those that this program created; restore a backup, or use another database";

// Numbers of MySQL 8 and of MariaDB; if only one has a number, the other does not use it differently.
constexpr meaning meanings[] = {
    {3, errc::disk_full, none, full},            // error writing a file
    {1020, errc::unavailable, retry, contended}, // the record has changed since it was read
    {1021, errc::disk_full, none, full},
    {1040, errc::unavailable, lost, too_many},
    {1048, errc::rejected, none, no_fit},  // a NULL where none may be
    {1053, errc::unavailable, lost, gone}, // the server is shutting down
    {1054, errc::corrupt, none, damaged},  // no such column
    {duplicate_key, errc::rejected, none, no_fit},
    {1114, errc::disk_full, none, full}, // the table is full
    {1118, errc::rejected, none, too_large},
    {1129, errc::unavailable, lost, "the server blocks this host: run FLUSH HOSTS there"},
    {1146, errc::corrupt, none, damaged},  // no such table
    {1152, errc::unavailable, lost, gone}, // aborted connection
    {1153, errc::rejected, lost, too_large},
    {1158, errc::unavailable, lost, gone}, // network read
    {1159, errc::unavailable, lost, gone}, // network read, time-out
    {1160, errc::unavailable, lost, gone}, // network write
    {1161, errc::unavailable, lost, gone}, // network write, time-out
    {1184, errc::unavailable, lost, gone}, // aborted connection
    {1203, errc::unavailable, lost, too_many},
    {1205, errc::unavailable, retry, contended}, // waited too long for a lock
    {1213, errc::unavailable, retry, contended}, // deadlock
    {1226, errc::unavailable, lost, too_many},   // MAX_USER_CONNECTIONS of the account
    {1243, errc::unavailable, lost, gone},       // the server forgot a prepared statement
    {1264, errc::rejected, none, no_fit},        // a number out of range
    {1290, errc::unavailable, none, read_only},
    {1366, errc::rejected, none, no_fit}, // text that is not UTF-8
    {1406, errc::rejected, none, too_large},
    {1461, errc::unavailable, none, "raise max_prepared_stmt_count on the server"},
    {1792, errc::unavailable, none, read_only},
    {1836, errc::unavailable, none, read_only},
    {1927, errc::unavailable, lost, gone}, // the connection was killed
    {2006, errc::unavailable, lost, gone},
    {2008, errc::unavailable, lost, "out of memory; nothing was changed"},
    {2012, errc::unavailable, lost, gone},
    {2013, errc::unavailable, lost, gone},
    {2014, errc::unavailable, lost, gone},
    {2020, errc::rejected, lost, too_large},
    {2026, errc::unavailable, lost, gone}, // TLS
    {2027, errc::unavailable, lost, gone}, // a malformed packet
    {2055, errc::unavailable, lost, gone},
    {3819, errc::rejected, none, no_fit},  // a CHECK
    {4025, errc::rejected, none, no_fit},  // a CHECK
    {4031, errc::unavailable, lost, gone}, // idle for too long
};

bool is_access(unsigned code) {
  static constexpr std::array<unsigned, 14> codes{1044, 1045, 1049, 1130, 1142, 1143, 1227,
                                                  1251, 1275, 1370, 1698, 1820, 2059, 2061};
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

/// Some errors of the server's storage mention the operating system's number only in their text.
bool tells_of_full_disk(unsigned code, const std::string& message) {
  constexpr unsigned writing_failed = 1026;
  constexpr unsigned storage_engine = 1030;
  if (code != writing_failed && code != storage_engine)
    return false;
  return message.find("rror 28 ") != std::string::npos || message.find("rrcode: 28 ") != std::string::npos
         || message.find("errno: 28 ") != std::string::npos;
}

meaning meaning_of(unsigned code, const std::string& message) {
  for (const auto& m : meanings)
    if (m.code == code)
      return m;
  if (tells_of_full_disk(code, message))
    return {code, errc::disk_full, none, full};
  return {code, errc::unavailable, none, "nothing was changed; look at the server's error log"};
}

std::string access_remedy(unsigned code, const endpoint& where) {
  constexpr unsigned no_such_database = 1049;
  if (code == no_such_database)
    return "create the database and grant " + where.account + " all rights on it, or correct mysql.database";
  return "check user and password of " + where.account + " (mysql.user, mysql.password) and its rights";
}

} // namespace

failure to_failure(unsigned code, const std::string& message, const endpoint& where, phase when) {
  auto text = where.store + ": " + message + " (MySQL " + std::to_string(code) + "): ";
  if (is_access(code))
    return {make_error(errc::bad_options, text + access_remedy(code, where)), lost};
  auto m = meaning_of(code, message);
  if (when == phase::committing && m.then != retry)
    return {make_error(errc::unknown_outcome,
                       text + "the connection was lost in COMMIT; the changes may be there or not"),
            lost};
  if (when != phase::connecting)
    return {make_error(m.as, text + m.remedy), m.then};
  constexpr unsigned tls = 2026;
  if (code == tls)
    return {make_error(errc::bad_options,
                       text + "check the certificates (mysql.tls-*) and that the server offers TLS"),
            lost};
  if (m.remedy == too_many || m.code == 1129)
    return {make_error(errc::unavailable, text + m.remedy), lost};
  return {
      make_error(errc::unavailable,
                 text + "see that the server runs and that its address is right; the next call tries again"),
      lost};
}

} // namespace beckon::storage::mysql
