#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>
#include <thread>

namespace beckon::storage::mysql {

/// The pauses between tries of a transaction: doubled each time, and different for two writers that collided,
/// so that they do not collide again.
class back_off {
 public:
  void wait() {
    std::uniform_int_distribution<int64_t> spread{most_us_ / 4, most_us_};
    std::this_thread::sleep_for(std::chrono::microseconds{spread(random_)});
    most_us_ = std::min<int64_t>(most_us_ * 2, 100'000);
  }

 private:
  std::minstd_rand random_{std::random_device{}()};
  int64_t most_us_ = 2000;
};

} // namespace beckon::storage::mysql
