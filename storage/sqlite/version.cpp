#include "storage/sqlite/version.hpp"

#include <sqlite3.h>

namespace beckon::storage {

std::string_view sqlite_version() {
  return sqlite3_libversion();
}

} // namespace beckon::storage
