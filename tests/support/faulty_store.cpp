#include "tests/support/faulty_store.hpp"

#include "tests/support/faulty_cluster.hpp"

#include <cassert>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace beckon::storage {

struct fault_plan::impl {
  mutable std::mutex mutex;
  std::condition_variable healed;
  struct kind {
    uint64_t calls = 0;
    std::map<uint64_t, errc> failing; // by the number of the call
    std::set<uint64_t> losing;
  };
  kind& of(operation op) { return kinds[static_cast<size_t>(op)]; }
  caf::error refused(std::unique_lock<std::mutex>& lock);

  kind kinds[3];
  errc failing_all{};
  bool hanging = false;
  int64_t release_after_ms = 0;
  uint64_t healings = 0;
};

namespace {

caf::error fault(errc code) {
  return make_error(code, "faulty store: " + to_string(code) + ", as planned");
}

} // namespace

fault_plan::fault_plan() : impl_(std::make_shared<impl>()) {}

void fault_plan::fail(operation op, uint64_t nth, errc code) {
  std::lock_guard<std::mutex> guard{impl_->mutex};
  auto& kind = impl_->of(op);
  kind.failing[kind.calls + nth] = code;
}

void fault_plan::fail_all(errc code) {
  std::lock_guard<std::mutex> guard{impl_->mutex};
  impl_->failing_all = code;
}

void fault_plan::lose_outcome(uint64_t nth, operation op) {
  assert(op != operation::read);
  std::lock_guard<std::mutex> guard{impl_->mutex};
  auto& kind = impl_->of(op);
  kind.losing.insert(kind.calls + nth);
}

void fault_plan::hang(int64_t release_after_ms) {
  std::lock_guard<std::mutex> guard{impl_->mutex};
  impl_->hanging = true;
  impl_->release_after_ms = release_after_ms;
}

void fault_plan::heal() {
  {
    std::lock_guard<std::mutex> guard{impl_->mutex};
    for (auto& kind : impl_->kinds) {
      kind.failing.clear();
      kind.losing.clear();
    }
    impl_->failing_all = errc{};
    impl_->hanging = false;
    ++impl_->healings;
  }
  impl_->healed.notify_all();
}

uint64_t fault_plan::calls(operation op) const {
  std::lock_guard<std::mutex> guard{impl_->mutex};
  return impl_->of(op).calls;
}

fault_plan::fate fault_plan::consult(operation op) {
  std::unique_lock<std::mutex> lock{impl_->mutex};
  auto& kind = impl_->of(op);
  auto number = ++kind.calls;
  if (auto e = impl_->refused(lock))
    return {e, false};
  bool lost = kind.losing.erase(number) != 0;
  auto found = kind.failing.find(number);
  if (found == kind.failing.end())
    return {{}, lost};
  auto code = found->second;
  kind.failing.erase(found);
  return {fault(code), false};
}

caf::error fault_plan::refused_for_now() {
  std::unique_lock<std::mutex> lock{impl_->mutex};
  return impl_->refused(lock);
}

caf::error fault_plan::impl::refused(std::unique_lock<std::mutex>& lock) {
  if (hanging) {
    auto before = healings;
    if (!healed.wait_for(lock, std::chrono::milliseconds{release_after_ms},
                         [&] { return healings != before; }))
      return fault(errc::unavailable);
  }
  return failing_all == errc{} ? caf::error{} : fault(failing_all);
}

caf::error fault_plan::lost_outcome() {
  return fault(errc::unknown_outcome);
}

namespace {

class faulty_session : public session {
 public:
  faulty_session(std::unique_ptr<session> inner, fault_plan plan)
      : inner_(std::move(inner)), plan_(std::move(plan)) {}

  caf::expected<std::vector<write_outcome>> write(const std::vector<write_job>& jobs) override {
    auto fate = plan_.consult(fault_plan::operation::write);
    if (fate.refused)
      return fate.refused;
    auto outcomes = inner_->write(jobs);
    if (fate.lost)
      return fault_plan::lost_outcome();
    return outcomes;
  }

  caf::expected<std::vector<user_row>> load_users(const std::vector<std::string>& users) override {
    return reading([&] { return inner_->load_users(users); });
  }

  caf::expected<std::optional<std::string>>
  load_answer(const std::string& user, const std::string& request_id, int64_t not_before_ms) override {
    return reading([&] { return inner_->load_answer(user, request_id, not_before_ms); });
  }

  caf::expected<std::vector<erasure_row>> load_erasures(const std::string& after, uint32_t limit) override {
    return reading([&] { return inner_->load_erasures(after, limit); });
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
    if (auto e = plan_.refused_for_now())
      return e;
    return inner_->ping();
  }

 private:
  template <class F>
  auto reading(F&& f) -> decltype(f()) {
    if (auto fate = plan_.consult(fault_plan::operation::read); fate.refused)
      return fate.refused;
    return f();
  }

  std::unique_ptr<session> inner_;
  fault_plan plan_;
};

class faulty_store : public store {
 public:
  faulty_store(store_ptr inner, fault_plan plan) : inner_(std::move(inner)), plan_(std::move(plan)) {}

  caf::expected<std::unique_ptr<session>> open_writer() override { return wrap(inner_->open_writer()); }
  caf::expected<std::unique_ptr<session>> open_reader() override { return wrap(inner_->open_reader()); }
  caf::expected<std::unique_ptr<cluster_store>> open_cluster(int64_t timeout_ms) override {
    auto opened = inner_->open_cluster(timeout_ms);
    if (!opened)
      return opened;
    return make_faulty_cluster(std::move(*opened), plan_);
  }
  caf::expected<std::unique_ptr<shard_table>> open_shards(int64_t timeout_ms) override {
    auto opened = inner_->open_shards(timeout_ms);
    if (!opened)
      return opened;
    return make_faulty_shards(std::move(*opened), plan_);
  }
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
