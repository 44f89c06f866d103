#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace beckon::apps {

enum class verdict : uint8_t { ok, warn, fail };

struct check_line {
  verdict what;
  std::string text; // with the remedy
};

/// The findings of `check`, one line each, in order.
class check_report {
 public:
  /// `out`: prints each line at once; null: prints nothing.
  explicit check_report(std::FILE* out) : out_(out) {}

  void ok(const std::string& what) { add(verdict::ok, what); }
  void warn(const std::string& what, const std::string& remedy) {
    add(verdict::warn, what + "  — " + remedy);
  }
  void fail(const std::string& what) { add(verdict::fail, what); }
  void fail(const std::string& what, const std::string& remedy) { fail(what + "  — " + remedy); }

  const std::vector<check_line>& lines() const { return lines_; }
  bool failed() const { return failed_; }

 private:
  void add(verdict what, const std::string& text);

  std::FILE* out_;
  std::vector<check_line> lines_;
  bool failed_ = false;
};

} // namespace beckon::apps
