#include "storage/error.hpp"

#include <caf/atom.hpp>
#include <caf/make_message.hpp>
#include <caf/message.hpp>

#include <utility>

namespace beckon::storage {

namespace {

constexpr auto category = caf::atom("storage");

} // namespace

std::string to_string(errc code) {
  switch (code) {
  case errc::unavailable:
    return "unavailable";
  case errc::unknown_outcome:
    return "unknown_outcome";
  case errc::disk_full:
    return "disk_full";
  case errc::io_failed:
    return "io_failed";
  case errc::rejected:
    return "rejected";
  case errc::corrupt:
    return "corrupt";
  case errc::schema_newer:
    return "schema_newer";
  case errc::bad_options:
    return "bad_options";
  }
  return "storage error " + std::to_string(static_cast<unsigned>(code));
}

caf::error make_error(errc code, std::string detail) {
  return caf::error{static_cast<uint8_t>(code), category, caf::make_message(std::move(detail))};
}

std::string describe(const caf::error& e) {
  if (!e)
    return "no error";
  const auto& context = e.context();
  if (!context.empty() && context.match_element<std::string>(0))
    return context.get_as<std::string>(0);
  if (e.category() == category)
    return to_string(static_cast<errc>(e.code()));
  return caf::to_string(e.category()) + " error " + std::to_string(e.code());
}

errc code_of(const caf::error& e) {
  return e && e.category() == category ? static_cast<errc>(e.code()) : errc{};
}

} // namespace beckon::storage
