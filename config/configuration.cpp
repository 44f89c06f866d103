#include "config/configuration.hpp"

#include "config/value.hpp"

#include <caf/atom.hpp>
#include <caf/message.hpp>

#include <cstdio>
#include <cstdlib>

namespace beckon::config {

namespace {

[[noreturn]] void no_such_key(std::string_view name, const char* type) {
  std::fprintf(stderr, "the configuration table declares no %s key \"%.*s\"\n", type,
               static_cast<int>(name.size()), name.data());
  std::abort();
}

void require(std::string_view name, bool fits, const char* type) {
  if (!fits)
    no_such_key(name, type);
}

} // namespace

configuration::configuration() {
  for (const auto& k : keys()) {
    auto checked = check_value(k, k.default_value);
    require(k.name, checked.problem.empty(), "well-formed");
    values_.emplace(std::string{k.name}, entry{std::move(checked.text), checked.number, origin::built_in});
  }
}

int64_t configuration::integer(std::string_view name) const {
  const auto* k = find_key(name);
  require(name, k != nullptr && k->type == value_type::integer, "integer");
  return values_.find(name)->second.number;
}

bool configuration::boolean(std::string_view name) const {
  const auto* k = find_key(name);
  require(name, k != nullptr && k->type == value_type::boolean, "boolean");
  return values_.find(name)->second.number != 0;
}

const std::string& configuration::text(std::string_view name) const {
  const auto* k = find_key(name);
  require(name, k != nullptr && (k->type == value_type::text || k->type == value_type::choice), "text");
  return values_.find(name)->second.text;
}

origin configuration::origin_of(std::string_view name) const {
  require(name, find_key(name) != nullptr, "");
  return values_.find(name)->second.from;
}

std::string describe(const caf::error& e) {
  if (!e)
    return "no error";
  const auto& context = e.context();
  if (!context.empty() && context.match_element<std::string>(0))
    return context.get_as<std::string>(0);
  return caf::to_string(e.category()) + " error " + std::to_string(e.code());
}

} // namespace beckon::config
