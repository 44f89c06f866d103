#include "apps/beckon/serve/log_queue.hpp"

#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include <cerrno>
#include <poll.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace beckon::apps {

log_queue::log_queue(int fd, line_of_dropped tell) : fd_(fd), tell_(tell) {
  std::thread{[this] { run(); }}.detach();
}

void log_queue::push(std::string line) {
  std::lock_guard<std::mutex> guard{mutex_};
  if (unwritten_ >= log_lines_max || bytes_ + line.size() > log_bytes_max) {
    ++dropped_;
    ++untold_;
    if (counter_)
      counter_->Increment();
    return;
  }
  ++unwritten_;
  bytes_ += line.size();
  lines_.push_back(std::move(line));
  if (lines_.size() == 1)
    came_.notify_one();
}

bool log_queue::flush(std::chrono::milliseconds time) {
  std::unique_lock<std::mutex> lock{mutex_};
  return written_.wait_for(lock, time, [this] { return unwritten_ == 0 && untold_ == 0; });
}

void log_queue::count_in(std::shared_ptr<prometheus::Registry> registry) {
  std::lock_guard<std::mutex> guard{mutex_};
  counter_ = &prometheus::BuildCounter()
                  .Name("beckon_log_dropped_total")
                  .Help("Lines of the log that were dropped because standard error did not take them in time")
                  .Register(*registry)
                  .Add({});
  counter_->Increment(static_cast<double>(dropped_));
  registry_ = std::move(registry);
}

// What is being written still counts, so that the bounds hold for all that is in memory.
void log_queue::run() {
  std::unique_lock<std::mutex> lock{mutex_};
  for (;;) {
    came_.wait(lock, [this] { return !lines_.empty() || untold_ > 0; });
    auto batch = std::exchange(lines_, {});
    auto untold = std::exchange(untold_, 0);
    lock.unlock();
    size_t bytes = 0;
    for (const auto& line : batch) {
      write_all(line);
      bytes += line.size();
    }
    if (untold > 0)
      write_all(tell_(untold));
    lock.lock();
    unwritten_ -= batch.size();
    bytes_ -= bytes;
    if (unwritten_ == 0)
      written_.notify_all();
  }
}

// Whoever shares standard error may have made it non-blocking. A line that cannot be written at all is lost.
void log_queue::write_all(const std::string& text) const {
  for (size_t from = 0; from < text.size();) {
    auto n = ::write(fd_, text.data() + from, text.size() - from);
    if (n > 0) {
      from += static_cast<size_t>(n);
    } else if (errno == EAGAIN) {
      pollfd wanted{fd_, POLLOUT, 0};
      ::poll(&wanted, 1, -1);
    } else if (errno != EINTR) {
      return;
    }
  }
}

} // namespace beckon::apps
