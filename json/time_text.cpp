#include "json/time_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace beckon::json {

namespace {

constexpr int64_t second_ms = 1000;
constexpr int64_t minute_ms = 60 * second_ms;
constexpr int64_t hour_ms = 60 * minute_ms;
constexpr int64_t day_ms = 24 * hour_ms;
constexpr int64_t duration_ms_max = 3650 * day_ms;

constexpr int64_t first_ms = -62167219200000; // 0000-01-01T00:00:00.000Z
constexpr int64_t last_ms = 253402300799999;  // 9999-12-31T23:59:59.999Z
constexpr int64_t epoch_day = 719528;         // days from 0000-01-01 to 1970-01-01

bool is_leap(int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/// Days from 0000-01-01 to the first of January of `year` (0 to 10000); year 0 is a leap year.
int64_t days_before_year(int64_t year) {
  return year == 0 ? 0 : year * 365 + (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400;
}

constexpr std::array<int, 13> month_starts = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};

int days_before_month(bool leap, int month) { // month 1 to 13
  return month_starts[static_cast<size_t>(month - 1)] + (leap && month > 2 ? 1 : 0);
}

/// Reads fixed-width parts from the start of a text; after the first mismatch everything fails.
class scanner {
 public:
  explicit scanner(std::string_view text) : rest_(text) {}

  int digits(size_t count) {
    if (rest_.size() < count)
      return fail();
    int result = 0;
    for (size_t i = 0; i < count; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9')
        return fail();
      result = result * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return result;
  }

  char one_of(std::string_view chars) {
    if (rest_.empty() || chars.find(rest_.front()) == std::string_view::npos) {
      fail();
      return 0;
    }
    char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  bool next_is(char c) const { return !rest_.empty() && rest_.front() == c; }
  bool next_is_digit() const { return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; }
  bool at_end() const { return rest_.empty(); }
  bool good() const { return good_; }

  int fail() {
    good_ = false;
    rest_ = {};
    return 0;
  }

 private:
  std::string_view rest_;
  bool good_ = true;
};

int64_t scan_date_ms(scanner& in) {
  int year = in.digits(4);
  in.one_of("-");
  int month = in.digits(2);
  in.one_of("-");
  int day = in.digits(2);
  if (!in.good() || month < 1 || month > 12 || day < 1)
    return in.fail();
  bool leap = is_leap(year);
  int start = days_before_month(leap, month);
  if (day > days_before_month(leap, month + 1) - start)
    return in.fail();
  return (days_before_year(year) + start + day - 1 - epoch_day) * day_ms;
}

int scan_fraction_ms(scanner& in) {
  if (!in.next_is('.'))
    return 0;
  in.one_of(".");
  int result = 0;
  int count = 0;
  for (; in.next_is_digit(); ++count) {
    int digit = in.digits(1);
    if (count < 3)
      result = result * 10 + digit;
  }
  if (count < 1)
    return in.fail();
  for (; count < 3; ++count)
    result *= 10;
  return result;
}

/// `leap_second`: the second is 60; the result is then the last millisecond before it ends, for which Unix
/// time has a place.
int64_t scan_clock_ms(scanner& in, bool& leap_second) {
  int hour = in.digits(2);
  in.one_of(":");
  int minute = in.digits(2);
  in.one_of(":");
  int second = in.digits(2);
  int fraction = scan_fraction_ms(in);
  if (!in.good() || hour > 23 || minute > 59 || second > 60)
    return in.fail();
  leap_second = second == 60;
  if (leap_second) {
    second = 59;
    fraction = 999;
  }
  return hour * hour_ms + minute * minute_ms + second * second_ms + fraction;
}

int64_t scan_offset_ms(scanner& in) {
  char sign = in.one_of("Zz+-");
  if (sign == 'Z' || sign == 'z' || !in.good())
    return 0;
  int hour = in.digits(2);
  in.one_of(":");
  int minute = in.digits(2);
  if (!in.good() || hour > 23 || minute > 59)
    return in.fail();
  int64_t result = hour * hour_ms + minute * minute_ms;
  return sign == '-' ? -result : result;
}

/// Whether this is the last millisecond of June or December (UTC), the only places of a leap second.
bool ends_half_year(int64_t unix_ms) {
  const auto text = format_rfc3339(unix_ms).substr(5, 18); // 06-30T23:59:59.999
  return text == "06-30T23:59:59.999" || text == "12-31T23:59:59.999";
}

struct unit {
  std::string_view name;
  int64_t ms;
};

// Smallest first: of two texts of equal length the smaller unit wins ("7d", not "1w").
constexpr std::array<unit, 6> units = {unit{"ms", 1},      unit{"s", second_ms}, unit{"m", minute_ms},
                                       unit{"h", hour_ms}, unit{"d", day_ms},    unit{"w", 7 * day_ms}};

void put_digits(char* to, int64_t number, int count) {
  for (int i = count - 1; i >= 0; --i, number /= 10)
    to[i] = static_cast<char>('0' + number % 10);
}

} // namespace

namespace {

std::optional<int64_t> parse_time(std::string_view text, bool& leap_second) {
  if (text.size() < 20) // the shortest: 2026-11-20T10:30:00Z
    return std::nullopt;
  scanner in{text};
  int64_t result = scan_date_ms(in);
  in.one_of("Tt");
  result += scan_clock_ms(in, leap_second);
  result -= scan_offset_ms(in);
  if (!in.good() || !in.at_end() || result < first_ms || result > last_ms)
    return std::nullopt;
  return result;
}

} // namespace

std::optional<int64_t> parse_rfc3339_ms(std::string_view text) {
  bool leap_second = false;
  auto result = parse_time(text, leap_second);
  return leap_second && result && !ends_half_year(*result) ? std::nullopt : result;
}

std::optional<int64_t> parse_stored_rfc3339_ms(std::string_view text) {
  bool ignored = false;
  return parse_time(text, ignored);
}

void write_rfc3339(char* to, int64_t unix_ms) {
  int64_t since = std::clamp(unix_ms, first_ms, last_ms) - first_ms;
  int64_t days = since / day_ms;
  int64_t clock = since % day_ms;
  int64_t year = days * 400 / 146097; // exact, or off by one near a new year
  while (days_before_year(year + 1) <= days)
    ++year;
  while (days_before_year(year) > days)
    --year;
  auto day = static_cast<int>(days - days_before_year(year));
  bool leap = is_leap(year);
  int month = day / 31 + 1; // exact, or one month too early
  if (days_before_month(leap, month + 1) <= day)
    ++month;
  std::memcpy(to, "0000-00-00T00:00:00.000Z", rfc3339_bytes);
  put_digits(to, year, 4);
  put_digits(to + 5, month, 2);
  put_digits(to + 8, day - days_before_month(leap, month) + 1, 2);
  put_digits(to + 11, clock / hour_ms, 2);
  put_digits(to + 14, clock / minute_ms % 60, 2);
  put_digits(to + 17, clock / second_ms % 60, 2);
  put_digits(to + 20, clock % second_ms, 3);
}

std::string format_rfc3339(int64_t unix_ms) {
  std::string result(rfc3339_bytes, '0');
  write_rfc3339(result.data(), unix_ms);
  return result;
}

std::optional<int64_t> parse_duration_ms(std::string_view text) {
  if (text.empty() || text.front() < '1' || text.front() > '9')
    return std::nullopt;
  int64_t count = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{})
    return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  auto u = std::find_if(units.begin(), units.end(), [&](const unit& x) { return x.name == text; });
  if (u == units.end() || count > duration_ms_max / u->ms)
    return std::nullopt;
  return count * u->ms;
}

std::string format_duration(int64_t ms) {
  if (ms == 0)
    return "0s";
  std::string best;
  for (const auto& u : units) {
    if (ms % u.ms != 0)
      continue;
    auto text = std::to_string(ms / u.ms).append(u.name);
    if (best.empty() || text.size() < best.size())
      best = std::move(text);
  }
  return best;
}

} // namespace beckon::json
