#include "config/ini.hpp"
#include "config/value.hpp"
#include "json/json.hpp"
#include "json/object_reader.hpp"

#include <caf/atom.hpp>
#include <caf/error.hpp>
#include <caf/make_message.hpp>
#include <caf/message.hpp>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <system_error>

namespace beckon::config {

namespace {

constexpr std::uintmax_t file_bytes_max = 1'048'576;
constexpr size_t errors_max = 50;
constexpr std::string_view environment_prefix = "BECKON_";

/// The environment variable of a key: http.header-timeout-ms is BECKON_HTTP_HEADER_TIMEOUT_MS.
std::string variable_of(std::string_view key_name) {
  std::string result{environment_prefix};
  for (char c : key_name) {
    if (c == '.' || c == '-')
      result.push_back('_');
    else
      result.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  }
  return result;
}

caf::error failure(errc code, std::string detail) {
  return {static_cast<uint8_t>(code), caf::atom("config"), caf::make_message(std::move(detail))};
}

/// `; did you mean …?` with the nearest name, or a pointer to the list of all keys.
std::string suggestion(std::string_view name, const std::vector<std::string_view>& known) {
  if (auto near = json::nearest(name, known))
    return "; did you mean " + std::string{*near} + '?';
  return "; \"beckon help keys\" lists all";
}

/// Whether the word after --key is its value. A boolean may be left out: --http.reuse-port means true.
bool is_value_of(const key* k, std::string_view word) {
  if (k && k->type == value_type::boolean)
    return word == "true" || word == "false";
  return word.substr(0, 2) != "--";
}

std::vector<std::string_view> key_names() {
  std::vector<std::string_view> result;
  for (const auto& k : keys())
    result.push_back(k.name);
  return result;
}

} // namespace

class reader {
 public:
  void file(const std::string& path) {
    auto content = slurp(path);
    if (!content)
      return;
    auto ini = parse_ini(*content);
    for (const auto& e : ini.errors)
      problem(path + ':' + std::to_string(e.line), e.detail);
    std::map<std::string, size_t> first_lines;
    for (const auto& entry : ini.entries) {
      auto place = path + ':' + std::to_string(entry.line);
      if (auto [i, added] = first_lines.emplace(entry.name, entry.line); !added)
        problem(place, entry.name + " was set before, in line " + std::to_string(i->second) + "; remove one");
      else
        file_entry(place, entry);
    }
  }

  void environment(const std::vector<std::string>& entries) {
    std::map<std::string, const key*, std::less<>> by_variable;
    for (const auto& k : keys())
      by_variable.emplace(variable_of(k.name), &k);
    for (std::string_view entry : entries) {
      if (entry.substr(0, environment_prefix.size()) != environment_prefix)
        continue;
      auto equals = entry.find('=');
      auto variable = entry.substr(0, equals);
      auto value = equals == std::string_view::npos ? std::string_view{} : entry.substr(equals + 1);
      auto i = by_variable.find(variable);
      if (i != by_variable.end()) {
        set(*i->second, value, origin::environment, std::string{variable});
        continue;
      }
      std::vector<std::string_view> known;
      known.reserve(by_variable.size());
      for (const auto& [name, k] : by_variable)
        known.push_back(name);
      problem(json::clipped(variable),
              "the environment has this variable, but there is no such key" + suggestion(variable, known));
    }
  }

  void arguments(const std::vector<std::string>& words) {
    for (size_t i = 0; i < words.size(); ++i) {
      std::string_view word = words[i];
      if (word.substr(0, 2) != "--") {
        problem(json::clipped(word), "not expected here; a key is set like --http.port=8081");
        continue;
      }
      auto equals = word.find('=');
      auto name = word.substr(2, equals == std::string_view::npos ? equals : equals - 2);
      const auto* k = find_key(name);
      std::optional<std::string_view> value;
      if (equals != std::string_view::npos)
        value = word.substr(equals + 1);
      else if (i + 1 < words.size() && is_value_of(k, words[i + 1]))
        value = words[++i];
      if (!k)
        problem("--" + json::clipped(name), "unknown key" + suggestion(name, key_names()));
      else if (!value && k->type == value_type::boolean)
        set(*k, "true", origin::command_line, "--" + std::string{name});
      else if (!value)
        problem("--" + std::string{name},
                "the value is missing; write --" + std::string{name} + "="
                    + std::string{k->default_value.empty() ? "…" : k->default_value});
      else
        set(*k, *value, origin::command_line, "--" + std::string{name});
    }
  }

  /// Relations between keys, checked when each value is valid by itself.
  void relations() {
    not_above("writers.batch-jobs-max", "writers.queue-jobs-max");
    not_above("writers.batch-bytes-max", "writers.queue-bytes-max");
    not_above("limits.stream-piece-bytes-max", "limits.output-bytes-max");
    not_above("limits.body-bytes-max", "limits.request-bytes-in-flight-max");
    if (!result_.text("mysql.password").empty() && !result_.text("mysql.password-file").empty())
      problem("mysql.password", "is set, and so is mysql.password-file; keep the file");
  }

  caf::expected<configuration> finish() {
    if (problems_.empty())
      relations();
    if (problems_.empty())
      return std::move(result_);
    std::string text;
    for (size_t i = 0; i < problems_.size() && i < errors_max; ++i)
      text += (i > 0 ? "\n" : "") + problems_[i];
    if (problems_.size() > errors_max)
      text += "\nand " + std::to_string(problems_.size() - errors_max) + " more";
    return failure(code_, std::move(text));
  }

 private:
  void problem(const std::string& place, const std::string& what) {
    problems_.push_back(place + ": " + what);
  }

  std::optional<std::string> slurp(const std::string& path) {
    std::error_code status;
    auto size = std::filesystem::file_size(path, status);
    std::ifstream in{path, std::ios::binary};
    if (status || !in) {
      auto reason = status ? status.message() : std::generic_category().message(errno);
      unreadable(path, "cannot be read: " + reason + "; name another with --config FILE");
      return std::nullopt;
    }
    if (size > file_bytes_max) {
      unreadable(path, "is larger than 1 MiB; this is not a configuration file");
      return std::nullopt;
    }
    return std::string{std::istreambuf_iterator<char>{in}, {}};
  }

  void unreadable(const std::string& path, const std::string& what) {
    code_ = errc::unreadable;
    problem(path, what);
  }

  void file_entry(const std::string& place, const ini_entry& entry) {
    const auto* k = find_key(entry.name);
    if (!k) {
      problem(place, "unknown key " + json::clipped(entry.name) + suggestion(entry.name, key_names()));
      return;
    }
    bool wants_quotes = k->type == value_type::text || k->type == value_type::choice;
    if (wants_quotes && entry.form == ini_form::word)
      problem(place, entry.name + ": write the value in quotes: " + '"' + json::clipped(entry.value) + '"');
    else if (!wants_quotes && entry.form != ini_form::word)
      problem(place, entry.name + ": must be " + describe_range(*k) + ", written without quotes");
    else
      set(*k, entry.value, origin::file, place + ": " + entry.name);
  }

  void set(const key& k, std::string_view written, origin from, const std::string& place) {
    auto checked = check_value(k, written);
    if (!checked.problem.empty()) {
      problem(place, checked.problem);
      return;
    }
    auto& entry = result_.values_.find(k.name)->second;
    entry = configuration::entry{std::move(checked.text), checked.number, from};
  }

  void not_above(std::string_view lower, std::string_view upper) {
    auto low = result_.integer(lower);
    auto high = result_.integer(upper);
    if (low > high)
      problem(std::string{lower}, "is " + std::to_string(low) + ", above " + std::string{upper} + " ("
                                      + std::to_string(high) + "); change one of them");
  }

  configuration result_;
  std::vector<std::string> problems_;
  errc code_ = errc::invalid;
};

caf::expected<configuration> read(const sources& from) {
  reader r;
  if (!from.file.empty())
    r.file(from.file);
  r.environment(from.environment);
  r.arguments(from.arguments);
  return r.finish();
}

} // namespace beckon::config
