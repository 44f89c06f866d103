#pragma once

#include <optional>
#include <string>

namespace beckon::apps {

/// What the parent tells a worker that it starts; one word of its command line. Descriptors are inherited.
struct worker_seat {
  int number = 0;   // from 1; 0: it only ships an outbox that nobody else owns, and ends
  int shared = -1;  // the listening socket of this seat on the common port; -1: listens nowhere
  int own = -1;     // the one on the worker's own port; -1: none
  int ready = -1;   // a pipe: one byte goes there once the worker answers
  std::string file; // the configuration file that was read, for the log; empty: none

  bool only_ships() const { return shared < 0; }
};

std::string to_text(const worker_seat& seat);
/// Empty when the text is none that to_text() made.
std::optional<worker_seat> seat_of(const std::string& text);

} // namespace beckon::apps
