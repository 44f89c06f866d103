#include "decision/case_fold.hpp"
#include "decision/condition.hpp"
#include "decision/operator_names.hpp"
#include "json/time_text.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <array>

namespace beckon::decision {

namespace {

enum class operand : uint8_t { none, scalar, list, ordered, text, pattern, version, network, popup };

struct operator_spec {
  std::string_view name;
  test what;
  operand takes;
  bool negated = false;
  bool fold_case = false;
};

constexpr std::array operators = {
    operator_spec{"eq", test::equal, operand::scalar},
    operator_spec{"ne", test::equal, operand::scalar, true},
    operator_spec{"in", test::in, operand::list},
    operator_spec{"not_in", test::in, operand::list, true},
    operator_spec{"exists", test::exists, operand::none},
    operator_spec{"not_exists", test::exists, operand::none, true},
    operator_spec{"lt", test::less, operand::ordered},
    operator_spec{"le", test::less_equal, operand::ordered},
    operator_spec{"gt", test::greater, operand::ordered},
    operator_spec{"ge", test::greater_equal, operand::ordered},
    operator_spec{"starts_with", test::starts_with, operand::text},
    operator_spec{"ends_with", test::ends_with, operand::text},
    operator_spec{"contains", test::contains, operand::text},
    operator_spec{"starts_with_ci", test::starts_with, operand::text, false, true},
    operator_spec{"ends_with_ci", test::ends_with, operand::text, false, true},
    operator_spec{"contains_ci", test::contains, operand::text, false, true},
    operator_spec{"matches", test::matches, operand::pattern},
    operator_spec{"semver_eq", test::semver_equal, operand::version},
    operator_spec{"semver_lt", test::semver_less, operand::version},
    operator_spec{"semver_le", test::semver_less_equal, operand::version},
    operator_spec{"semver_gt", test::semver_greater, operand::version},
    operator_spec{"semver_ge", test::semver_greater_equal, operand::version},
    operator_spec{"cidr", test::in_network, operand::network},
    operator_spec{"any_of", test::any_of, operand::list},
    operator_spec{"all_of", test::all_of, operand::list},
    operator_spec{"none_of", test::any_of, operand::list, true},
    operator_spec{"seen", test::seen, operand::popup},
    operator_spec{"clicked", test::clicked, operand::popup},
    operator_spec{"dismissed", test::dismissed, operand::popup},
    operator_spec{"converted", test::converted, operand::popup},
};

constexpr auto required = json::object_reader::need::required;

const operator_spec* find_operator(json::object_reader& in) {
  auto name = in.string("op", required);
  if (!name)
    return nullptr;
  std::vector<std::string_view> known;
  for (const auto& o : operators) {
    if (o.name == *name)
      return &o;
    known.push_back(o.name);
  }
  in.error("op", "there is no operator \"" + json::clipped(*name) + '"' + operator_hint(*name, known));
  return nullptr;
}

void compile_scalar(condition& c, json::object_reader& in) {
  const auto* v = in.member("value", required);
  if (v == nullptr)
    return;
  if (auto scalar = parse_scalar(*v))
    c.values.push_back(std::move(*scalar));
  else
    in.error("value",
             "must be a string, a number, true or false; for several values use the operator \"in\"");
}

void compile_list(condition& c, json::object_reader& in) {
  const auto* list = in.array("value", 1, condition_values_max, required);
  if (list == nullptr)
    return;
  auto where = in.at("value");
  for (rapidjson::SizeType i = 0; i < list->Size(); ++i) {
    if (auto scalar = parse_scalar((*list)[i]))
      c.values.push_back(std::move(*scalar));
    else
      json::add_error(in.errors(), {&where, {}, i}, "must be a string, a number, true or false");
  }
}

void compile_ordered(condition& c, json::object_reader& in) {
  const auto* v = in.member("value", required);
  if (v == nullptr)
    return;
  if (v->IsString())
    c.time_ms = json::parse_stored_rfc3339_ms(json::view(*v));
  auto scalar = parse_scalar(*v);
  if (c.time_ms || v->IsNumber())
    c.values.push_back(std::move(*scalar));
  else
    in.error("value", "must be a number or an RFC 3339 time such as \"2026-11-20T10:30:00Z\"");
}

void compile_text(condition& c, json::object_reader& in) {
  auto text = in.string("value", required);
  if (!text)
    return;
  c.text = *text;
  if (c.text.empty())
    in.error("value", "must not be empty; to ask whether there is a value use the operator \"exists\"");
  if (c.fold_case)
    c.text = case_folded(c.text);
}

void compile_pattern(condition& c, json::object_reader& in) {
  auto text = in.string("value", required);
  if (!text)
    return;
  if (text->size() > pattern_bytes_max) {
    in.error("value",
             "a regular expression may have at most " + std::to_string(pattern_bytes_max) + " bytes");
    return;
  }
  RE2::Options options{RE2::Quiet};
  options.set_max_mem(pattern_memory_bytes_max);
  auto pattern = std::make_shared<const RE2>(re2::StringPiece{text->data(), text->size()}, options);
  if (pattern->ok())
    c.pattern = std::move(pattern);
  else
    in.error("value", "is not a regular expression that can be used (RE2 syntax): " + pattern->error());
}

void compile_version(condition& c, json::object_reader& in) {
  auto text = in.string("value", required);
  if (!text)
    return;
  if (auto version = parse_semver(*text))
    c.version = std::move(*version);
  else
    in.error("value", "must be a version such as \"3.2.1\" or \"4.0.0-beta.2\"");
}

void compile_network(condition& c, const json::value& v, const json::path& where,
                     json::field_errors& errors) {
  auto range = v.IsString() ? parse_ip_range(json::view(v)) : std::nullopt;
  if (range)
    c.networks.push_back(*range);
  else
    json::add_error(errors, where, "must be an IP network such as \"10.0.0.0/8\" or \"2001:db8::/32\"");
}

void compile_networks(condition& c, json::object_reader& in) {
  const auto* v = in.member("value", required);
  if (v == nullptr)
    return;
  auto where = in.at("value");
  if (!v->IsArray()) {
    compile_network(c, *v, where, in.errors());
    return;
  }
  const auto* list = in.array("value", 1, condition_values_max);
  for (rapidjson::SizeType i = 0; list != nullptr && i < list->Size(); ++i)
    compile_network(c, (*list)[i], {&where, {}, i}, in.errors());
}

void compile_operand(condition& c, operand kind, json::object_reader& in) {
  switch (kind) {
  case operand::none:
  case operand::popup:
    return;
  case operand::scalar:
    return compile_scalar(c, in);
  case operand::list:
    return compile_list(c, in);
  case operand::ordered:
    return compile_ordered(c, in);
  case operand::text:
    return compile_text(c, in);
  case operand::pattern:
    return compile_pattern(c, in);
  case operand::version:
    return compile_version(c, in);
  case operand::network:
    return compile_networks(c, in);
  }
}

} // namespace

condition compile_condition(json::object_reader& in) {
  condition c;
  const auto* spec = find_operator(in);
  if (spec == nullptr) {
    // Without an operator nothing is known about the other members, so accept them all.
    for (auto name : {"attribute", "value", "popup", "within"})
      in.member(name);
    return c;
  }
  c.what = spec->what;
  c.negated = spec->negated;
  c.fold_case = spec->fold_case;
  bool about_popup = spec->takes == operand::popup;
  if (auto subject = in.identifier(about_popup ? "popup" : "attribute", required))
    c.attribute = *subject;
  if (about_popup)
    c.within_ms = in.duration_ms("within");
  compile_operand(c, spec->takes, in);
  return c;
}

} // namespace beckon::decision
