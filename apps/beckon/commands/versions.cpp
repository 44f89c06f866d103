#include "apps/beckon/commands/versions.hpp"

#include "storage/sqlite/version.hpp"

#include <caf/config.hpp>

#include <curl/curl.h>

namespace beckon::apps {

std::string_view program_version() {
  return BECKON_VERSION;
}

std::string versions() {
  std::string out = "beckon ";
  out.append(program_version());
  out += "\nCAF " + std::to_string(CAF_MAJOR_VERSION) + '.' + std::to_string(CAF_MINOR_VERSION) + '.'
         + std::to_string(CAF_PATCH_VERSION);
  out.append("\nSQLite ").append(storage::sqlite_version());
  out.append("\nlibcurl ").append(curl_version_info(CURLVERSION_NOW)->version);
  out += '\n';
  return out;
}

} // namespace beckon::apps
