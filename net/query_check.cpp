#include "net/query_check.hpp"

#include <algorithm>

namespace beckon::net {

namespace {

bool has(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string unknown_text(const query_names& known, std::string_view name) {
  auto all = known.once;
  all.insert(all.end(), known.lists.begin(), known.lists.end());
  if (all.empty())
    return "this request takes no query parameters; leave it out";
  std::string result = "unknown parameter; ";
  if (auto near = json::nearest(name, all))
    return result.append("did you mean \"").append(*near).append("\"?");
  result += "known are ";
  for (const auto& one : all)
    result.append(&one == all.data() ? "" : ", ").append(one);
  return result;
}

} // namespace

std::optional<response> refuse_query(const query_names& known, std::string_view query) {
  if (query.empty() || known.any)
    return std::nullopt;
  json::field_errors errors;
  const json::path root;
  const auto pairs = parse_query(query);
  if (!pairs)
    json::add_error(errors, root, "the query string is not well-formed: check its percent escapes");
  std::vector<std::string_view> seen;
  for (size_t i = 0; pairs && i < pairs->size() && errors.size() < json::field_errors_max; ++i) {
    const std::string_view name = (*pairs)[i].first;
    const json::path where{&root, name, -1};
    const bool once = has(known.once, name);
    if (!once && !has(known.lists, name))
      json::add_error(errors, where, unknown_text(known, name));
    else if (once && has(seen, name))
      json::add_error(errors, where, "stands more than once; keep one of them");
    else if (once)
      seen.push_back(name);
  }
  if (errors.empty())
    return std::nullopt;
  return make_problem(422, "the query is not acceptable; see errors", errors);
}

} // namespace beckon::net
