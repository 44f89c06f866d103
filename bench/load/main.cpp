#include "bench/load/command_line.hpp"
#include "bench/load/run.hpp"
#include "bench/load/verify.hpp"

#include <cstdio>

int main(int argc, char** argv) {
  std::string problem;
  auto line = beckon::load::parse_command_line({argv + 1, argv + argc}, problem);
  if (!line) {
    std::fprintf(stderr, "beckon-load: %s\n", problem.c_str());
    return 2;
  }
  if (line->command == "run")
    return beckon::load::run(line->run);
  if (line->command == "verify")
    return beckon::load::verify(line->verify);
  std::fputs(beckon::load::help_text().data(), stdout);
  return 0;
}
