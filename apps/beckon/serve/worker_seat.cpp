#include "apps/beckon/serve/worker_seat.hpp"

#include <cstdio>

namespace beckon::apps {

std::string to_text(const worker_seat& seat) {
  return std::to_string(seat.number) + ',' + std::to_string(seat.shared) + ',' + std::to_string(seat.own)
         + ',' + std::to_string(seat.ready) + ',' + seat.file;
}

std::optional<worker_seat> seat_of(const std::string& text) {
  worker_seat seat;
  int length = 0;
  auto fields = std::sscanf(text.c_str(), "%d,%d,%d,%d,%n", &seat.number, &seat.shared, &seat.own,
                            &seat.ready, &length);
  if (fields != 4 || length == 0 || seat.number < 0)
    return std::nullopt;
  seat.file = text.substr(static_cast<size_t>(length));
  return seat;
}

} // namespace beckon::apps
