#include "storage/faulty_store.hpp"

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace beckon::storage {

struct fault_plan::impl {
  mutable std::mutex mutex;
  std::condition_variable healed;
  uint64_t calls[2] = {0, 0};
  std::map<uint64_t, errc> failing[2]; // by the number of the call
  std::set<uint64_t> losing;           // numbers of writes
  errc failing_all{};
  bool hanging = false;
  int64_t release_after_ms = 0;
  uint64_t healings = 0;
};

namespace {

size_t index_of(fault_plan::operation op) {
  return static_cast<size_t>(op);
}

caf::error fault(errc code) {
  return make_error(code, "faulty store: " + to_string(code) + ", as planned");
}

} // namespace

fault_plan::fault_plan() : impl_(std::make_shared<impl>()) {}

void fault_plan::fail(operation op, uint64_t nth, errc code) {
  std::lock_guard<std::mutex> guard{impl_->mutex};
  impl_->failing[index_of(op)][impl_->calls[index_of(op)] + nth] = code;
}

void fault_plan::fail_all(errc code) {
  std::lock_guard<std::mutex> guard{impl_->mutex};
  impl_->failing_all = code;
}

void fault_plan::lose_outcome(uint64_t nth) {
  std::lock_guard<std::mutex> guard{impl_->mutex};
  impl_->losing.insert(impl_->calls[index_of(operation::write)] + nth);
}

void fault_plan::hang(int64_t release_after_ms) {
  std::lock_guard<std::mutex> guard{impl_->mutex};
  impl_->hanging = true;
  impl_->release_after_ms = release_after_ms;
}

void fault_plan::heal() {
  {
    std::lock_guard<std::mutex> guard{impl_->mutex};
    for (auto& f : impl_->failing)
      f.clear();
    impl_->losing.clear();
    impl_->failing_all = errc{};
    impl_->hanging = false;
    ++impl_->healings;
  }
  impl_->healed.notify_all();
}

uint64_t fault_plan::calls(operation op) const {
  std::lock_guard<std::mutex> guard{impl_->mutex};
  return impl_->calls[index_of(op)];
}

class faulty_session : public session {
 public:
  faulty_session(std::unique_ptr<session> inner, fault_plan plan)
      : inner_(std::move(inner)), plan_(std::move(plan)) {}

  caf::expected<std::vector<write_outcome>> write(const std::vector<write_job>& jobs) override {
    bool lost = false;
    if (auto e = consult(fault_plan::operation::write, &lost))
      return e;
    auto outcomes = inner_->write(jobs);
    if (lost)
      return fault(errc::unknown_outcome);
    return outcomes;
  }

  caf::expected<std::vector<user_row>> load_users(const std::vector<std::string>& users) override {
    return reading([&] { return inner_->load_users(users); });
  }

  caf::expected<std::optional<std::string>>
  load_answer(const std::string& user, const std::string& request_id, int64_t not_before_ms) override {
    return reading([&] { return inner_->load_answer(user, request_id, not_before_ms); });
  }

  caf::expected<catalog_rows> load_catalog() override {
    return reading([&] { return inner_->load_catalog(); });
  }

  caf::expected<uint64_t> load_catalog_version() override {
    return reading([&] { return inner_->load_catalog_version(); });
  }

  caf::expected<std::vector<stat_row>> load_stats(const std::string& popup) override {
    return reading([&] { return inner_->load_stats(popup); });
  }

  caf::expected<event_page> load_events(const event_filter& filter, const event_cursor& from,
                                        uint32_t limit) override {
    return reading([&] { return inner_->load_events(filter, from, limit); });
  }

  caf::error ping() override {
    std::unique_lock<std::mutex> lock{state().mutex};
    if (auto e = refused_for_now(lock))
      return e;
    lock.unlock();
    return inner_->ping();
  }

 private:
  fault_plan::impl& state() { return *plan_.impl_; }

  template <class F>
  auto reading(F&& f) -> decltype(f()) {
    if (auto e = consult(fault_plan::operation::read, nullptr))
      return e;
    return f();
  }

  /// Counts the call, waits while the plan hangs, and gives the error planned for it. A call is what the plan
  /// said when it began, but one that was held up until heal() goes through.
  caf::error consult(fault_plan::operation op, bool* lost) {
    auto& s = state();
    std::unique_lock<std::mutex> lock{s.mutex};
    auto number = ++s.calls[index_of(op)];
    if (auto e = refused_for_now(lock))
      return e;
    if (lost)
      *lost = s.losing.erase(number) != 0;
    auto& planned = s.failing[index_of(op)];
    auto found = planned.find(number);
    if (found == planned.end())
      return {};
    auto code = found->second;
    planned.erase(found);
    return fault(code);
  }

  caf::error refused_for_now(std::unique_lock<std::mutex>& lock) {
    auto& s = state();
    if (s.hanging) {
      auto healings = s.healings;
      if (!s.healed.wait_for(lock, std::chrono::milliseconds{s.release_after_ms},
                             [&] { return s.healings != healings; }))
        return fault(errc::unavailable);
    }
    return s.failing_all == errc{} ? caf::error{} : fault(s.failing_all);
  }

  std::unique_ptr<session> inner_;
  fault_plan plan_;
};

namespace {

class faulty_store : public store {
 public:
  faulty_store(store_ptr inner, fault_plan plan) : inner_(std::move(inner)), plan_(std::move(plan)) {}

  caf::expected<std::unique_ptr<session>> open_writer() override { return wrap(inner_->open_writer()); }
  caf::expected<std::unique_ptr<session>> open_reader() override { return wrap(inner_->open_reader()); }
  std::string describe() const override { return "faulty " + inner_->describe(); }
  std::string warning() const override { return inner_->warning(); }

 private:
  caf::expected<std::unique_ptr<session>> wrap(caf::expected<std::unique_ptr<session>> opened) {
    if (!opened)
      return opened;
    return std::unique_ptr<session>{std::make_unique<faulty_session>(std::move(*opened), plan_)};
  }

  store_ptr inner_;
  fault_plan plan_;
};

} // namespace

store_ptr make_faulty_store(store_ptr inner, fault_plan plan) {
  return std::make_shared<faulty_store>(std::move(inner), std::move(plan));
}

} // namespace beckon::storage
