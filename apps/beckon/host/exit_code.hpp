#pragma once

namespace beckon::apps {

/// The program's exit codes, for scripts and service managers.
enum exit_code : int {
  exit_success = 0,
  exit_failure = 1, // the command failed; the reason is on standard error
  exit_usage = 2,   // unknown command, flag, key or value
  exit_fatal = 70,  // a running node found a fault after which it must not go on
};

} // namespace beckon::apps
