#include "config/ini.hpp"

#include "json/json.hpp"

#include <optional>
#include <utility>

namespace beckon::config {

namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'
         || c == '.';
}

bool ends_line(char c) {
  return c == '#' || c == ';';
}

std::string quoted(std::string_view what) {
  return '"' + json::clipped(what) + '"';
}

/// Reads one line from the left.
class line_reader {
 public:
  explicit line_reader(std::string_view line) : rest_(line) {}

  void skip_blanks() {
    while (!rest_.empty() && is_blank(rest_.front()))
      rest_.remove_prefix(1);
  }

  /// Whether only a comment is left.
  bool at_end() {
    skip_blanks();
    return rest_.empty() || ends_line(rest_.front());
  }

  bool take(char c) {
    skip_blanks();
    if (rest_.empty() || rest_.front() != c)
      return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view name() {
    skip_blanks();
    size_t n = 0;
    while (n < rest_.size() && is_name_char(rest_[n]))
      ++n;
    return take_front(n);
  }

  std::string_view word() {
    skip_blanks();
    size_t n = 0;
    while (n < rest_.size() && !is_blank(rest_[n]) && !ends_line(rest_[n]))
      ++n;
    return take_front(n);
  }

  /// The text up to the closing quote; the opening one is already consumed. Empty without a closing quote.
  std::optional<std::string> until(char quote) {
    std::string result;
    while (!rest_.empty()) {
      char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == quote)
        return result;
      if (c == '\\' && !rest_.empty()) {
        char escaped = rest_.front();
        rest_.remove_prefix(1);
        c = escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped;
      }
      result.push_back(c);
    }
    return std::nullopt;
  }

  std::string_view rest() const { return rest_; }

 private:
  std::string_view take_front(size_t n) {
    auto result = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return result;
  }

  std::string_view rest_;
};

class ini_parser {
 public:
  void line(size_t number, std::string_view text) {
    number_ = number;
    line_reader in{text};
    if (in.at_end())
      return;
    if (in.take('['))
      section(in);
    else
      assignment(in);
  }

  ini_content result;

 private:
  void error(std::string detail) { result.errors.push_back({number_, std::move(detail)}); }

  void section(line_reader& in) {
    auto name = in.name();
    if (name.empty() || !in.take(']') || !in.at_end()) {
      error("a section is written like [http], with nothing after it");
      return;
    }
    section_ = std::string{name};
  }

  void assignment(line_reader& in) {
    auto name = in.name();
    if (name.empty() || !in.take('=')) {
      error("expected a line like port = 8080, but found " + quoted(in.rest()));
      return;
    }
    ini_entry entry;
    entry.line = number_;
    entry.name = section_.empty() ? std::string{name} : section_ + '.' + std::string{name};
    if (!value(in, entry))
      return;
    if (!in.at_end()) {
      error(entry.name + ": unexpected " + quoted(in.rest())
            + " after the value; put a text in double quotes, begin a comment with #");
      return;
    }
    result.entries.push_back(std::move(entry));
  }

  bool value(line_reader& in, ini_entry& entry) {
    for (auto [quote, form] : {std::pair{'"', ini_form::string}, std::pair{'\'', ini_form::atom}}) {
      if (!in.take(quote))
        continue;
      auto text = in.until(quote);
      if (!text) {
        error(entry.name + ": the closing " + quote + " is missing");
        return false;
      }
      entry.value = std::move(*text);
      entry.form = form;
      return true;
    }
    entry.value = std::string{in.word()};
    if (entry.value.empty()) {
      error(entry.name + ": the value is missing");
      return false;
    }
    return true;
  }

  size_t number_ = 0;
  std::string section_;
};

} // namespace

ini_content parse_ini(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (text.substr(0, byte_order_mark.size()) == byte_order_mark)
    text.remove_prefix(byte_order_mark.size());
  ini_parser parser;
  size_t number = 0;
  while (!text.empty()) {
    auto end = text.find('\n');
    parser.line(++number, text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return std::move(parser.result);
}

} // namespace beckon::config
