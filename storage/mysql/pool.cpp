#include "storage/mysql/pool.hpp"

#include <algorithm>
#include <iterator>
#include <new>
#include <system_error>
#include <utility>

namespace beckon::storage::mysql {

using std::chrono::milliseconds;

namespace {

/// A healthy server answers sooner.
constexpr milliseconds probe_wait{100};

} // namespace

connection_pool::connection_pool(std::shared_ptr<const mysql_options> options, std::string name)
    : options_(std::move(options)), name_(std::move(name)), pause_(options_->connect_retry_ms) {}

connection_pool::lease::~lease() {
  if (connection_)
    from_->give_back(std::move(connection_));
}

connection_pool::~connection_pool() {
  if (prober_.joinable())
    prober_.join();
}

// -- taking ---------------------------------------------------------------------------------------

connection_pool::lease connection_pool::take() {
  attach_thread();
  const auto began = clock::now();
  const auto deadline = began + milliseconds{options_->pool_timeout_ms};
  bool waited = false;
  for (;;) {
    std::vector<connection_ptr> outworn; // closed after the lock is released
    std::unique_lock<std::mutex> lock{mutex_};
    if (auto c = take_idle(outworn)) {
      auto round = distrusted_;
      lock.unlock();
      if (stands_test(*c, round))
        return {*this, std::move(c), false};
      drop_untested(std::move(c));
      continue;
    }
    const auto now = clock::now();
    if (!failing_ && has_room()) {
      ++open_;
      lock.unlock();
      return make();
    }
    if (failing_ && has_room() && !probing_ && now >= next_try_)
      start_probe();
    // Connections in use may return; a reachable server answers a probe at once.
    auto until = failing_ && open_ == 0 ? std::min(deadline, began + probe_wait) : deadline;
    if (failing_ && open_ == 0 && (!probing_ || now >= until))
      throw failure(last_refusal_, consequence::lost);
    if (now >= deadline) {
      ++totals_.timeouts;
      refuse_late();
    }
    if (!std::exchange(waited, true))
      ++totals_.waits;
    ++waiting_;
    auto may_probe_later = failing_ && has_room() && !probing_;
    changed_.wait_until(lock, may_probe_later ? std::min(until, next_try_) : until);
    --waiting_;
  }
}

bool connection_pool::has_room() const {
  return open_ < uint64_t{options_->pool_size} + options_->max_overflow;
}

/// Call with the lock held. A hanging server blocks only this thread.
void connection_pool::start_probe() {
  if (prober_.joinable())
    prober_.join(); // it has ended: probing_ is false
  try {
    prober_ = std::thread{[this] { probe(); }};
    probing_ = true;
  } catch (const std::system_error& e) {
    note_refusal(make_error(errc::unavailable, endpoint_of(*options_).store + ": no thread to connect with: "
                                                   + e.what() + "; raise the limit of threads"));
  }
}

void connection_pool::probe() {
  attach_thread();
  connection_ptr made;
  try {
    made = std::make_unique<pooled_connection>(*options_);
  } catch (const failure& e) {
    std::lock_guard<std::mutex> guard{mutex_};
    note_refusal(e.reason());
  } catch (const std::bad_alloc&) {
    // The next probe tries again.
  }
  std::lock_guard<std::mutex> guard{mutex_};
  probing_ = false;
  if (made) {
    made->trusted = distrusted_;
    ++open_;
    note_success();
    idle_.push_back(std::move(made));
  }
  changed_.notify_all();
}

void connection_pool::note_refusal(const caf::error& why) {
  ++totals_.failed;
  failing_ = true;
  last_refusal_ = why;
  next_try_ = clock::now() + pause_;
  pause_ = std::min(pause_ * 2, milliseconds{options_->connect_retry_max_ms});
}

void connection_pool::note_success() {
  ++totals_.opened;
  failing_ = false;
  pause_ = milliseconds{options_->connect_retry_ms};
}

/// Whether it is too old, or the server may soon end it for being idle.
bool connection_pool::worn_out(const pooled_connection& c, clock::time_point now) const {
  auto recycle = options_->recycle_after_ms;
  auto idle = c.db.idle_ms_max();
  return (recycle != 0 && now - c.opened > milliseconds{recycle})
         || (idle != 0 && now - c.used > milliseconds{idle / 2});
}

/// Call with the lock held. Null if none is idle; those found too old are returned for closing.
connection_pool::connection_ptr connection_pool::take_idle(std::vector<connection_ptr>& outworn) {
  const auto now = clock::now();
  while (!idle_.empty()) {
    auto c = std::move(idle_.back());
    idle_.pop_back();
    if (!worn_out(*c, now))
      return c;
    ++totals_.recycled;
    --open_;
    outworn.push_back(std::move(c));
  }
  return nullptr;
}

/// Call without the lock, because the server may be slow.
bool connection_pool::stands_test(pooled_connection& c, uint64_t round) {
  auto idle = clock::now() - c.used;
  if (c.trusted == round && idle <= milliseconds{options_->ping_after_idle_ms})
    return true;
  const auto began = clock::now();
  caf::error lost;
  try {
    c.db.ping();
    c.trusted = round;
  } catch (const failure& e) {
    lost = e.reason();
  }
  std::lock_guard<std::mutex> guard{mutex_};
  ++totals_.pings;
  if (!lost)
    return true;
  ++totals_.ping_failures;
  // A hanging server would hang this caller again, so let a probe find out when it is back.
  if (clock::now() - began > probe_wait) {
    failing_ = true;
    last_refusal_ = lost;
    next_try_ = clock::now();
  }
  return false;
}

/// If one fails its test, drop all that were unused for longer: testing each would cost a time-out each.
void connection_pool::drop_untested(connection_ptr lost) {
  std::vector<connection_ptr> closing;
  std::lock_guard<std::mutex> guard{mutex_};
  auto later = std::stable_partition(idle_.begin(), idle_.end(), [&](const connection_ptr& c) {
    return c->used <= lost->used || c->trusted != distrusted_;
  });
  std::move(idle_.begin(), later, std::back_inserter(closing));
  idle_.erase(idle_.begin(), later);
  open_ -= closing.size();
  --open_;
  closing.push_back(std::move(lost));
  changed_.notify_all();
}

/// Call without the lock; the new connection is already counted.
connection_pool::lease connection_pool::make() {
  try {
    auto c = std::make_unique<pooled_connection>(*options_);
    std::lock_guard<std::mutex> guard{mutex_};
    c->trusted = distrusted_;
    note_success();
    return {*this, std::move(c), true};
  } catch (const failure& e) {
    std::lock_guard<std::mutex> guard{mutex_};
    --open_;
    note_refusal(e.reason());
    changed_.notify_all();
    throw;
  } catch (const std::bad_alloc&) { // not the server's fault, so no pause
    std::lock_guard<std::mutex> guard{mutex_};
    --open_;
    changed_.notify_all();
    throw;
  }
}

void connection_pool::refuse_late() const {
  auto most = std::to_string(options_->pool_size + options_->max_overflow);
  auto text = endpoint_of(*options_).store + ": all " + most + " connections were in use for "
              + std::to_string(options_->pool_timeout_ms)
              + " ms; raise mysql.pool-size or mysql.max-overflow, or find out what keeps the server busy";
  if (failing_)
    text = describe(last_refusal_);
  throw failure(make_error(errc::unavailable, std::move(text)), consequence::none);
}

// -- giving back ----------------------------------------------------------------------------------

void connection_pool::give_back(connection_ptr c) {
  connection_ptr closing;
  std::lock_guard<std::mutex> guard{mutex_};
  if (c->db.usable() && open_ <= options_->pool_size) {
    idle_.push_back(std::move(c));
  } else {
    --open_;
    closing = std::move(c);
  }
  changed_.notify_one();
}

void connection_pool::distrust() {
  std::lock_guard<std::mutex> guard{mutex_};
  ++distrusted_;
}

std::string connection_pool::trouble() const {
  std::lock_guard<std::mutex> guard{mutex_};
  // A failure to add one while others work is soon outdated.
  auto matters = failing_ && (open_ == 0 || clock::now() < next_try_);
  return matters ? describe(last_refusal_) : std::string{};
}

pool_stats connection_pool::stats() const {
  std::lock_guard<std::mutex> guard{mutex_};
  auto s = totals_;
  s.database = name_;
  s.size_max = options_->pool_size;
  s.overflow_max = options_->max_overflow;
  s.open = open_;
  s.idle = idle_.size();
  s.waiting = waiting_;
  return s;
}

} // namespace beckon::storage::mysql
