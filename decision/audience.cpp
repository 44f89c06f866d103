#include "decision/audience.hpp"

#include "decision/condition.hpp"
#include "json/writer.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace beckon::decision {

struct audience_rule::node {
  enum class kind : uint8_t { all, any, negation, leaf };

  kind what = kind::leaf;
  std::vector<node> children;
  condition leaf;
};

namespace {

using node = audience_rule::node;
using kind = audience_rule::node::kind;

constexpr std::string_view context_prefix = "context.";

bool holds(const node& n, const facts& f) {
  auto child_holds = [&](const node& child) { return holds(child, f); };
  switch (n.what) {
  case kind::all:
    return std::all_of(n.children.begin(), n.children.end(), child_holds);
  case kind::any:
    return std::any_of(n.children.begin(), n.children.end(), child_holds);
  case kind::negation:
    return !holds(n.children.front(), f);
  case kind::leaf:
    break;
  }
  return n.leaf.holds(f);
}

/// Each attribute's fact once, where it stands first.
void write_facts(const node& n, const facts& f, json::writer& out, std::vector<std::string>& written) {
  if (n.what == kind::leaf) {
    auto name = n.leaf.fact_name();
    if (std::find(written.begin(), written.end(), name) == written.end()) {
      n.leaf.write_fact(out.key(name), f);
      written.push_back(std::move(name));
    }
  }
  for (const auto& child : n.children)
    write_facts(child, f, out, written);
}

/// Compiles one rule with its nested rules, and counts them.
class compiler {
 public:
  explicit compiler(json::field_errors& errors) : errors_(errors) {}

  node compile(const json::value& v, const json::path& where, size_t depth) {
    node result;
    if (depth > audience_depth_max) {
      json::add_error(errors_, where,
                      "rules are nested more than " + std::to_string(audience_depth_max) + " deep");
      return result;
    }
    if (++nodes_ > audience_nodes_max) {
      if (nodes_ == audience_nodes_max + 1)
        json::add_error(errors_, where,
                        "the rule has more than " + std::to_string(audience_nodes_max) + " parts");
      return result;
    }
    json::object_reader in{v, where, errors_};
    if (!v.IsObject())
      return result;
    if (in.member("all") != nullptr)
      compile_list(result, kind::all, "all", in, depth);
    else if (in.member("any") != nullptr)
      compile_list(result, kind::any, "any", in, depth);
    else if (const auto* inner = in.member("not"))
      compile_negation(result, *inner, in, depth);
    else if (!other_name(v, in))
      result.leaf = compile_condition(in);
    in.finish();
    return result;
  }

 private:
  /// Reports the names that other products have for "all", "any" and "not"; by letters "and" would be near to
  /// "any".
  static bool other_name(const json::value& v, json::object_reader& in) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 10> others{
        {{"and", "\"all\""},
         {"AND", "\"all\""},
         {"&&", "\"all\""},
         {"must", "\"all\""},
         {"or", "\"any\""},
         {"OR", "\"any\""},
         {"||", "\"any\""},
         {"should", "\"any\""},
         {"nor", "\"not\" around \"any\""},
         {"none", "\"not\" around \"any\""}}};
    for (const auto& [name, meant] : others)
      if (v.HasMember(name.data())) {
        in.member(name);
        in.error(name, std::string{"is not a known member here; write "}.append(meant));
        return true;
      }
    return false;
  }

  void compile_list(node& out, kind what, std::string_view name, json::object_reader& in, size_t depth) {
    out.what = what;
    const auto* list = in.array(name, 1, audience_nodes_max);
    auto where = in.at(name);
    for (rapidjson::SizeType i = 0; list != nullptr && i < list->Size(); ++i)
      out.children.push_back(compile((*list)[i], {&where, {}, i}, depth + 1));
  }

  void compile_negation(node& out, const json::value& v, json::object_reader& in, size_t depth) {
    out.what = kind::negation;
    out.children.push_back(compile(v, in.at("not"), depth + 1));
  }

  json::field_errors& errors_;
  size_t nodes_ = 0;
};

} // namespace

const attribute_value* facts::find(std::string_view name) const {
  if (name.substr(0, context_prefix.size()) == context_prefix)
    return context != nullptr ? context->find(name.substr(context_prefix.size())) : nullptr;
  if (request != nullptr)
    if (const auto* found = request->find(name))
      return found;
  return profile != nullptr ? profile->find(name) : nullptr;
}

bool audience_rule::matches(const facts& f) const {
  return root_ == nullptr || holds(*root_, f);
}

std::string audience_rule::facts_json(const facts& f) const {
  std::vector<std::string> written;
  std::string result;
  json::writer out{result};
  out.begin_object();
  if (root_ != nullptr)
    write_facts(*root_, f, out, written);
  out.end_object();
  return result;
}

audience_rule compile_audience(const json::value& v, const json::path& where, json::field_errors& errors) {
  auto root = std::make_shared<node>(compiler{errors}.compile(v, where, 1));
  return errors.empty() ? audience_rule{std::move(root)} : audience_rule{};
}

} // namespace beckon::decision
