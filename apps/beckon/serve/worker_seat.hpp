#pragma once

#include <optional>
#include <string>

namespace beckon::apps {

/// A parent's instructions to its worker; one word of its command line. Descriptors are inherited.
struct worker_seat {
  int number = 0;   // from 1; 0: only ships an outbox without an owner, and exits
  int shared = -1;  // this seat's listening socket on the common port; -1: none
  int own = -1;     // the socket on the worker's own port; -1: none
  int ready = -1;   // a pipe that gets one byte once the worker answers
  std::string file; // the configuration file, for the log; empty: none

  bool only_ships() const { return shared < 0; }
};

std::string to_text(const worker_seat& seat);
/// Empty if the text was not made by to_text().
std::optional<worker_seat> seat_of(const std::string& text);

} // namespace beckon::apps
