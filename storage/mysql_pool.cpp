#include "storage/mysql_pool.hpp"

#include <algorithm>
#include <utility>

namespace beckon::storage::mysql {

using std::chrono::milliseconds;

connection_pool::connection_pool(std::shared_ptr<const mysql_options> options, std::string name)
    : options_(std::move(options)), name_(std::move(name)), pause_(options_->connect_retry_ms) {}

connection_pool::lease::~lease() {
  if (connection_)
    from_->give_back(std::move(connection_));
}

// -- taking ---------------------------------------------------------------------------------------

connection_pool::lease connection_pool::take() {
  attach_thread();
  const auto began = clock::now();
  const auto deadline = began + milliseconds{options_->pool_timeout_ms};
  bool waited = false;
  for (;;) {
    std::vector<connection_ptr> outworn; // closed without the lock
    std::unique_lock<std::mutex> lock{mutex_};
    if (auto c = take_idle(outworn)) {
      auto round = distrusted_;
      lock.unlock();
      if (stands_test(*c, round))
        return {*this, std::move(c), false};
      forget_one();
      continue;
    }
    const auto now = clock::now();
    const auto most = uint64_t{options_->pool_size} + options_->max_overflow;
    if (open_ < most && now >= next_try_) {
      ++open_;
      lock.unlock();
      return make();
    }
    if (open_ == 0)
      throw failure(last_refusal_, consequence::lost);
    if (now >= deadline) {
      ++totals_.timeouts;
      refuse_late();
    }
    if (!std::exchange(waited, true))
      ++totals_.waits;
    ++waiting_;
    changed_.wait_until(lock, open_ < most ? std::min(deadline, next_try_) : deadline);
    --waiting_;
  }
}

/// With the lock held. Null when none is idle; those found too old are handed out to be closed.
connection_pool::connection_ptr connection_pool::take_idle(std::vector<connection_ptr>& outworn) {
  const auto now = clock::now();
  while (!idle_.empty()) {
    auto c = std::move(idle_.back());
    idle_.pop_back();
    if (options_->recycle_after_ms == 0 || now - c->opened <= milliseconds{options_->recycle_after_ms})
      return c;
    ++totals_.recycled;
    --open_;
    outworn.push_back(std::move(c));
  }
  return nullptr;
}

/// Without the lock: the server may take its time.
bool connection_pool::stands_test(pooled_connection& c, uint64_t round) {
  auto idle = clock::now() - c.used;
  if (c.trusted == round && idle <= milliseconds{options_->ping_after_idle_ms})
    return true;
  try {
    c.db.ping();
    c.trusted = round;
    return true;
  } catch (const failure&) {
    return false; // whoever takes the next one learns what is wrong
  }
}

/// Without the lock; the place of the new connection is taken already.
connection_pool::lease connection_pool::make() {
  try {
    auto c = std::make_unique<pooled_connection>(*options_);
    std::lock_guard<std::mutex> guard{mutex_};
    c->trusted = distrusted_;
    ++totals_.opened;
    pause_ = milliseconds{options_->connect_retry_ms};
    return {*this, std::move(c), true};
  } catch (const failure& e) {
    std::lock_guard<std::mutex> guard{mutex_};
    --open_;
    ++totals_.failed;
    last_refusal_ = e.reason();
    next_try_ = clock::now() + pause_;
    pause_ = std::min(pause_ * 2, milliseconds{options_->connect_retry_max_ms});
    changed_.notify_all();
    throw;
  } catch (...) {
    forget_one(); // out of memory: not the server's fault, so without a pause
    throw;
  }
}

void connection_pool::refuse_late() const {
  auto most = std::to_string(options_->pool_size + options_->max_overflow);
  auto text = endpoint_of(*options_).store + ": all " + most + " connections were in use for "
              + std::to_string(options_->pool_timeout_ms)
              + " ms; raise mysql.pool-size or mysql.max-overflow, or see what the server is busy with";
  if (last_refusal_ && clock::now() < next_try_)
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

void connection_pool::forget_one() {
  std::lock_guard<std::mutex> guard{mutex_};
  --open_;
  changed_.notify_one();
}

void connection_pool::distrust() {
  std::lock_guard<std::mutex> guard{mutex_};
  ++distrusted_;
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
