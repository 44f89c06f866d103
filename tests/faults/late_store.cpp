#include "tests/faults/late_store.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace beckon::unsafe {

namespace {

using namespace storage;
using steady = std::chrono::steady_clock;

/// Groups that were reported as stored and are not yet; a thread of their own writes them in order.
/// Threadsafe.
class pending_writes {
 public:
  pending_writes(store_ptr inner, std::chrono::milliseconds delay)
      : inner_(std::move(inner)), delay_(delay), thread_{[this] { run(); }} {}

  ~pending_writes() {
    {
      std::lock_guard<std::mutex> guard{mutex_};
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  pending_writes(const pending_writes&) = delete;
  pending_writes& operator=(const pending_writes&) = delete;

  void add(const std::vector<write_job>& jobs) {
    {
      std::lock_guard<std::mutex> guard{mutex_};
      queue_.push_back({jobs, steady::now() + delay_});
      ++added_;
    }
    changed_.notify_all();
  }

  /// Returns when no claim of this user is left. Other groups go on waiting; otherwise a node that reads now
  /// and then would have nothing to lose.
  void flush_claims(const std::string& user) {
    std::unique_lock<std::mutex> lock{mutex_};
    for (const auto& waiting : queue_)
      for (const auto& job : waiting.jobs)
        if (const auto* claim = std::get_if<claim_write>(&job); claim && claim->user == user)
          return flush(lock);
  }

  /// Returns when everything added so far is stored.
  void flush() {
    std::unique_lock<std::mutex> lock{mutex_};
    flush(lock);
  }

 private:
  struct group {
    std::vector<write_job> jobs;
    steady::time_point due;
  };

  void flush(std::unique_lock<std::mutex>& lock) {
    auto wanted = added_;
    hurry_until_ = std::max(hurry_until_, wanted);
    changed_.notify_all();
    changed_.wait(lock, [&] { return written_ >= wanted; });
  }

  void run() {
    std::unique_lock<std::mutex> lock{mutex_};
    for (;;) {
      changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty())
        return;
      auto due = queue_.front().due;
      changed_.wait_until(lock, due, [this] { return stopping_ || hurry_until_ > written_; });
      const auto& next = queue_.front(); // stays in place while others are added
      lock.unlock();
      write(next.jobs);
      lock.lock();
      queue_.pop_front();
      ++written_;
      changed_.notify_all();
    }
  }

  void write(const std::vector<write_job>& jobs) {
    if (!session_) {
      auto opened = inner_->open_writer();
      if (!opened)
        end(opened.error());
      session_ = std::move(*opened);
    }
    if (auto written = session_->write(jobs); !written)
      end(written.error());
  }

  [[noreturn]] static void end(const caf::error& why) {
    std::fprintf(stderr, "beckon-unsafe: a late write failed: %s\n", describe(why).c_str());
    std::abort();
  }

  store_ptr inner_;
  std::chrono::milliseconds delay_;
  std::unique_ptr<session> session_; // of the thread
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<group> queue_;
  uint64_t added_ = 0;
  uint64_t written_ = 0;
  uint64_t hurry_until_ = 0; // groups up to this number are written at once
  bool stopping_ = false;
  std::thread thread_; // last: it uses all the others
};

/// Forwards everything.
class forwarding_session : public session {
 public:
  explicit forwarding_session(std::unique_ptr<session> inner) : inner_(std::move(inner)) {}

  caf::expected<std::vector<write_outcome>> write(const std::vector<write_job>& jobs) override {
    return inner_->write(jobs);
  }
  caf::error ping() override { return inner_->ping(); }
  caf::expected<std::vector<user_row>> load_users(const std::vector<std::string>& users) override {
    for (const auto& user : users)
      before_reading(user);
    return inner_->load_users(users);
  }
  caf::expected<std::optional<std::string>>
  load_answer(const std::string& user, const std::string& request_id, int64_t not_before_ms) override {
    before_reading(user);
    return inner_->load_answer(user, request_id, not_before_ms);
  }
  caf::expected<std::vector<erasure_row>> load_erasures(const std::string& after, uint32_t limit) override {
    return inner_->load_erasures(after, limit);
  }
  caf::expected<catalog_rows> load_catalog() override { return inner_->load_catalog(); }
  caf::expected<uint64_t> load_catalog_version() override { return inner_->load_catalog_version(); }
  caf::expected<std::vector<stat_row>> load_stats(const std::string& popup) override {
    before_reading();
    return inner_->load_stats(popup);
  }
  caf::expected<event_page> load_events(const event_filter& filter, const event_cursor& from,
                                        uint32_t limit) override {
    before_reading();
    return inner_->load_events(filter, from, limit);
  }

 protected:
  /// Called before reading what claims and events change: of one user, or of all.
  virtual void before_reading(const std::string&) {}
  virtual void before_reading() {}

 private:
  std::unique_ptr<session> inner_;
};

class late_session : public forwarding_session {
 public:
  late_session(std::unique_ptr<session> inner, std::shared_ptr<pending_writes> pending)
      : forwarding_session(std::move(inner)), pending_(std::move(pending)) {}

  caf::expected<std::vector<write_outcome>> write(const std::vector<write_job>& jobs) override {
    auto can_lie = [](const write_job& job) {
      return std::holds_alternative<claim_write>(job) || std::holds_alternative<event_batch_write>(job);
    };
    if (!std::all_of(jobs.begin(), jobs.end(), can_lie)) {
      pending_->flush();
      return forwarding_session::write(jobs);
    }
    pending_->add(jobs);
    return std::vector<write_outcome>(jobs.size());
  }

 protected:
  void before_reading(const std::string& user) override { pending_->flush_claims(user); }
  void before_reading() override { pending_->flush(); }

 private:
  std::shared_ptr<pending_writes> pending_;
};

class slow_session : public forwarding_session {
 public:
  slow_session(std::unique_ptr<session> inner, std::chrono::milliseconds delay)
      : forwarding_session(std::move(inner)), delay_(delay) {}

  caf::expected<std::vector<write_outcome>> write(const std::vector<write_job>& jobs) override {
    std::this_thread::sleep_for(delay_);
    return forwarding_session::write(jobs);
  }

 private:
  std::chrono::milliseconds delay_;
};

/// Removes the owners from a job, so that nobody checks them.
void unfence(write_job& job) {
  if (auto* claim = std::get_if<claim_write>(&job))
    claim->held = {};
  else if (auto* profile = std::get_if<profile_write>(&job))
    profile->held = {};
  else if (auto* erase = std::get_if<user_erase>(&job))
    erase->held = {};
  else if (auto* piece = std::get_if<erase_piece>(&job))
    piece->held = {};
  else if (auto* events = std::get_if<event_batch_write>(&job))
    events->held.clear();
}

class unfenced_session : public slow_session {
 public:
  using slow_session::slow_session;

  caf::expected<std::vector<write_outcome>> write(const std::vector<write_job>& jobs) override {
    auto copies = jobs;
    for (auto& job : copies)
      unfence(job);
    return slow_session::write(copies);
  }
};

using session_wrapper = std::function<std::unique_ptr<session>(std::unique_ptr<session>)>;

class wrapped_store : public store {
 public:
  wrapped_store(store_ptr inner, std::string name, session_wrapper wrap)
      : inner_(std::move(inner)), name_(std::move(name)), wrap_(std::move(wrap)) {}

  caf::expected<std::unique_ptr<session>> open_writer() override { return wrapped(inner_->open_writer()); }
  caf::expected<std::unique_ptr<session>> open_reader() override { return wrapped(inner_->open_reader()); }
  caf::expected<std::unique_ptr<cluster_store>> open_cluster(int64_t timeout_ms) override {
    return inner_->open_cluster(timeout_ms);
  }
  caf::expected<std::unique_ptr<shard_table>> open_shards(int64_t timeout_ms) override {
    return inner_->open_shards(timeout_ms);
  }
  std::string describe() const override { return name_ + ' ' + inner_->describe(); }
  std::string warning() const override { return inner_->warning(); }
  store_stats stats() const override { return inner_->stats(); }

 private:
  caf::expected<std::unique_ptr<session>> wrapped(caf::expected<std::unique_ptr<session>> opened) {
    if (!opened)
      return opened;
    return wrap_(std::move(*opened));
  }

  store_ptr inner_;
  std::string name_;
  session_wrapper wrap_;
};

} // namespace

store_ptr acknowledge_first(store_ptr inner, std::chrono::milliseconds delay) {
  auto pending = std::make_shared<pending_writes>(inner, delay);
  return std::make_shared<wrapped_store>(
      std::move(inner),
      "UNSAFE, acknowledging first:", [pending](std::unique_ptr<session> opened) -> std::unique_ptr<session> {
        return std::make_unique<late_session>(std::move(opened), pending);
      });
}

store_ptr slow_commit(store_ptr inner, std::chrono::milliseconds delay) {
  return std::make_shared<wrapped_store>(
      std::move(inner), "slow:", [delay](std::unique_ptr<session> opened) -> std::unique_ptr<session> {
        return std::make_unique<slow_session>(std::move(opened), delay);
      });
}

store_ptr no_fence(store_ptr inner, std::chrono::milliseconds delay) {
  return std::make_shared<wrapped_store>(
      std::move(inner),
      "UNSAFE, without a fence:", [delay](std::unique_ptr<session> opened) -> std::unique_ptr<session> {
        return std::make_unique<unfenced_session>(std::move(opened), delay);
      });
}

} // namespace beckon::unsafe
