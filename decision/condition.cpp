#include "decision/condition.hpp"

#include "decision/case_fold.hpp"
#include "decision/user_state.hpp"
#include "json/time_text.hpp"
#include "json/writer.hpp"

#include <re2/re2.h>

#include <algorithm>

namespace beckon::decision {

namespace {

template <class T>
constexpr bool is_number = std::is_same_v<T, int64_t> || std::is_same_v<T, double>;

template <class A, class B>
bool equal_parts(const A& a, const B& b) {
  if constexpr (is_number<A> && is_number<B>) // a long double represents both exactly
    return static_cast<long double>(a) == static_cast<long double>(b);
  else if constexpr (std::is_same_v<A, B>)
    return a == b;
  else
    return false;
}

template <class V>
bool equal(const V& a, const attribute_scalar& b) {
  return std::visit([](const auto& x, const auto& y) { return equal_parts(x, y); }, a, b);
}

template <class V>
bool is_any(const V& v, const std::vector<attribute_scalar>& values) {
  return std::any_of(values.begin(), values.end(),
                     [&](const auto& candidate) { return equal(v, candidate); });
}

bool any_in_list(const attribute_value& v, const std::vector<attribute_scalar>& values) {
  const auto* list = std::get_if<std::vector<attribute_scalar>>(&v);
  return list != nullptr && std::any_of(list->begin(), list->end(), [&](const auto& element) {
           return is_any(element, values);
         });
}

bool all_in_list(const attribute_value& v, const std::vector<attribute_scalar>& values) {
  const auto* list = std::get_if<std::vector<attribute_scalar>>(&v);
  return list != nullptr && std::all_of(values.begin(), values.end(), [&](const auto& wanted) {
           return is_any(wanted, *list);
         });
}

/// Negative, zero or positive: how the attribute compares to the operand; empty for different types.
std::optional<int> order(const attribute_value& v, const condition& c) {
  auto sign = [](auto a, auto b) { return static_cast<int>(a > b) - static_cast<int>(a < b); };
  if (const auto* text = std::get_if<std::string>(&v)) {
    auto moment = c.time_ms ? json::parse_stored_rfc3339_ms(*text) : std::nullopt;
    return moment ? std::optional{sign(*moment, *c.time_ms)} : std::nullopt;
  }
  return std::visit(
      [&](const auto& a, const auto& b) -> std::optional<int> {
        if constexpr (is_number<std::decay_t<decltype(a)>> && is_number<std::decay_t<decltype(b)>>)
          return sign(static_cast<long double>(a), static_cast<long double>(b));
        else
          return std::nullopt;
      },
      v, c.values.front());
}

std::optional<int> version_order(const std::string& text, const condition& c) {
  auto version = parse_semver(text);
  return version ? std::optional{compare(*version, c.version)} : std::nullopt;
}

bool text_at(std::string_view text, size_t at, const condition& c) {
  return text.compare(at, c.text.size(), c.text) == 0;
}

/// Whether the text, folded if need be, starts or ends with the operand or contains it.
bool text_part_holds(std::string_view text, const condition& c) {
  std::string folded;
  if (c.fold_case) {
    // A start needs no more of the text than the operand is long; the rest is bounded by the size of
    // attributes.
    folded = c.what == test::starts_with ? case_folded(text, c.text.size()) : case_folded(text);
    text = folded;
  }
  if (c.what == test::contains)
    return text.find(c.text) != std::string_view::npos;
  return text.size() >= c.text.size()
         && text_at(text, c.what == test::starts_with ? 0 : text.size() - c.text.size(), c);
}

bool in_networks(const std::string& text, const condition& c) {
  auto address = parse_ip_address(text);
  return address && std::any_of(c.networks.begin(), c.networks.end(), [&](const auto& n) {
           return n.contains(*address);
         });
}

bool text_holds(const std::string& text, const condition& c) {
  switch (c.what) {
  case test::starts_with:
  case test::ends_with:
  case test::contains:
    return text_part_holds(text, c);
  case test::matches:
    return RE2::PartialMatch(text, *c.pattern);
  case test::semver_equal:
    return version_order(text, c) == 0;
  case test::semver_less:
    return version_order(text, c).value_or(0) < 0;
  case test::semver_less_equal:
    return version_order(text, c).value_or(1) <= 0;
  case test::semver_greater:
    return version_order(text, c).value_or(0) > 0;
  case test::semver_greater_equal:
    return version_order(text, c).value_or(-1) >= 0;
  case test::in_network:
    return in_networks(text, c);
  default:
    return false;
  }
}

bool value_holds(const attribute_value& v, const condition& c) {
  switch (c.what) {
  case test::exists:
    return true;
  case test::equal:
    return equal(v, c.values.front());
  case test::in:
    return is_any(v, c.values);
  case test::any_of:
    return any_in_list(v, c.values);
  case test::all_of:
    return all_in_list(v, c.values);
  case test::less:
    return order(v, c).value_or(0) < 0;
  case test::less_equal:
    return order(v, c).value_or(1) <= 0;
  case test::greater:
    return order(v, c).value_or(0) > 0;
  case test::greater_equal:
    return order(v, c).value_or(-1) >= 0;
  default:
    const auto* text = std::get_if<std::string>(&v);
    return text != nullptr && text_holds(*text, c);
  }
}

bool is_outcome(test t) {
  return t == test::seen || t == test::clicked || t == test::dismissed || t == test::converted;
}

/// When the user last did what the condition names; 0 for never.
int64_t outcome_ms(const condition& c, const facts& f) {
  const auto* record = f.state != nullptr ? f.state->find(c.attribute) : nullptr;
  if (record == nullptr)
    return 0;
  switch (c.what) {
  case test::seen:
    return record->last_shown_ms;
  case test::clicked:
    return record->clicked_ms;
  case test::dismissed:
    return record->dismissed_ms;
  default:
    return record->converted_ms;
  }
}

bool outcome_holds(const condition& c, const facts& f) {
  auto at = outcome_ms(c, f);
  return at != 0 && (!c.within_ms || f.now_ms - at <= *c.within_ms);
}

std::string_view outcome_name(test t) {
  switch (t) {
  case test::seen:
    return "seen ";
  case test::clicked:
    return "clicked ";
  case test::dismissed:
    return "dismissed ";
  default:
    return "converted ";
  }
}

} // namespace

bool condition::holds(const facts& f) const {
  if (is_outcome(what))
    return outcome_holds(*this, f);
  const auto* v = f.find(attribute);
  return (v != nullptr && value_holds(*v, *this)) != negated;
}

std::string condition::fact_name() const {
  return is_outcome(what) ? std::string{outcome_name(what)} + attribute : attribute;
}

void condition::write_fact(json::writer& out, const facts& f) const {
  if (is_outcome(what))
    out.time_or_null(outcome_ms(*this, f));
  else if (const auto* v = f.find(attribute))
    write(out, *v);
  else
    out.null();
}

} // namespace beckon::decision
