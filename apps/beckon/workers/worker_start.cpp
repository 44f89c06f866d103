#include "apps/beckon/host/host.hpp"
#include "apps/beckon/serve/log.hpp"
#include "apps/beckon/serve/worker_seat.hpp"
#include "apps/beckon/workers/worker_parent.hpp"
#include "apps/beckon/workers/worker_process.hpp"
#include "base/clock.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/sysinfo.h>
#include <system_error>
#include <thread>
#include <unistd.h>

// How a process is started, and in which directory.
namespace beckon::apps {

namespace {

constexpr const char* directory_prefix = "worker-";

bool has_outbox(const std::string& path) {
  std::error_code status;
  return std::filesystem::exists(path + "/outbox.db", status);
}

} // namespace

std::string worker_parent::path_of(int directory) const {
  const auto& base = data_dir_;
  return directory == 0 ? base : base + '/' + directory_prefix + std::to_string(directory);
}

std::vector<std::string> worker_parent::words_of(const std::string& seat_text, int directory,
                                                 const configuration_snapshot& snapshot) const {
  auto words = words_;
  words.push_back("--worker-seat=" + seat_text);
  if (snapshot.descriptor() >= 0)
    words.push_back("--config=" + snapshot.path());
  words.push_back("--node.data-dir=" + path_of(directory));
  return words;
}

pid_t worker_parent::start_worker(size_t seat_index, int directory, const snapshot_ptr& snapshot) {
  std::array<int, 2> pipe_ends{-1, -1};
  if (::pipe2(pipe_ends.data(), O_CLOEXEC) != 0) {
    log_line(log_level::error, "a worker cannot be started",
             {{"reason", std::generic_category().message(errno)}});
    return 0;
  }
  worker_seat place{static_cast<int>(seat_index) + 1, sockets_.shared(seat_index), sockets_.own(seat_index),
                    pipe_ends[1], from_.file};
  auto words = words_of(to_text(place), directory, *snapshot);
  const auto& cfg = snapshot->values();
  words.push_back("--node.name=" + name_of_node(cfg) + '-' + std::to_string(place.number));
  if (cfg.integer("node.threads") == 0)
    words.push_back(
        "--node.threads="
        + std::to_string(std::clamp<size_t>(std::thread::hardware_concurrency() / seats_.size(), 1, 64)));
  process_order order{std::move(words), {place.shared, place.ready}, &inherited_signals_};
  for (int fd : {place.own, snapshot->descriptor()})
    if (fd >= 0)
      order.descriptors.push_back(fd);
  auto pid = start_process(order);
  ::close(pipe_ends[1]);
  if (pid < 0) {
    ::close(pipe_ends[0]);
    log_line(log_level::error, "a worker cannot be started",
             {{"reason", std::generic_category().message(-pid)}});
    return 0;
  }
  // At the very start a schema upgrade may take long, and nothing else waits for it.
  auto due = all_were_ready_ ? base::steady_ms() + cfg.integer("workers.start-timeout-ms") : never;
  processes_.push_back({pid, seat_index, directory, pipe_ends[0], snapshot, due});
  return pid;
}

void worker_parent::start_shipping(int directory) {
  if (owned(directory) || !has_outbox(path_of(directory)))
    return; // its owner ships it
  worker_seat place;
  place.file = from_.file;
  auto words = words_of(to_text(place), directory, *snapshot_);
  for (const char* word :
       {"--node.threads=1", "--writers.count=1", "--readers.count=1", "--durability.events=outbox"})
    words.push_back(word);
  process_order order{std::move(words), {}, &inherited_signals_};
  if (snapshot_->descriptor() >= 0)
    order.descriptors.push_back(snapshot_->descriptor());
  auto pid = start_process(order);
  if (pid < 0) {
    log_line(log_level::error, "an outbox cannot be shipped",
             {{"data_dir", path_of(directory)}, {"reason", std::generic_category().message(-pid)}});
    ship_later(directory, base::steady_ms() + shipping_retry_ms);
    return;
  }
  processes_.push_back({pid, shipper, directory, -1, snapshot_});
}

void worker_parent::ship_later(int directory, int64_t at_ms) {
  shippings_.push_back({directory, at_ms});
}

/// Outboxes left by an earlier run, including one without workers or with more of them.
void worker_parent::find_left_outboxes() {
  std::error_code status;
  ship_later(0, 0);
  for (const auto& entry : std::filesystem::directory_iterator{data_dir_, status}) {
    auto name = entry.path().filename().string();
    auto digits = name.substr(std::min(name.size(), std::string{directory_prefix}.size()));
    if (name.rfind(directory_prefix, 0) != 0 || digits.empty() || digits.size() > 4
        || digits.find_first_not_of("0123456789") != std::string::npos)
      continue;
    ship_later(std::stoi(digits), 0);
  }
}

bool worker_parent::owned(int directory) const {
  auto is_owner = [directory](const auto& x) { return x.directory == directory; };
  return std::any_of(processes_.begin(), processes_.end(), is_owner)
         || std::any_of(seats_.begin(), seats_.end(), is_owner);
}

/// Whether any process, of any run, has the outbox open.
bool worker_parent::in_use(int directory) const {
  int fd = ::open((path_of(directory) + "/outbox.db.lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return false; // nobody ever had it; or it cannot be read, which its worker will report
  auto locked = ::flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(fd);
  return locked;
}

int worker_parent::free_directory() const {
  int directory = 1;
  auto is_due = [this](int d) {
    return std::any_of(shippings_.begin(), shippings_.end(),
                       [d](const auto& due) { return due.directory == d; });
  };
  while (owned(directory) || is_due(directory) || in_use(directory))
    ++directory;
  return directory;
}

} // namespace beckon::apps
