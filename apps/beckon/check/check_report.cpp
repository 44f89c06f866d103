#include "apps/beckon/check/check_report.hpp"

namespace beckon::apps {

void check_report::add(verdict what, const std::string& text) {
  constexpr const char* names[] = {"ok", "warn", "fail"};
  failed_ = failed_ || what == verdict::fail;
  lines_.push_back({what, text});
  if (out_ != nullptr)
    std::fprintf(out_, "%-5s %s\n", names[static_cast<size_t>(what)], text.c_str());
}

} // namespace beckon::apps
