#include "storage/memory_store.hpp"

#include "storage/memory_tables.hpp"

#include <mutex>
#include <utility>

namespace beckon::storage {

namespace {

struct shared_tables {
  std::mutex mutex;
  memory_tables tables;
};

class memory_session : public session {
 public:
  memory_session(std::shared_ptr<shared_tables> shared, bool writes)
      : shared_(std::move(shared)), writes_(writes) {}

  caf::expected<std::vector<write_outcome>> write(const std::vector<write_job>& jobs) override {
    if (!writes_)
      return make_error(errc::rejected, "memory: a session for reading was asked to write; open a writer");
    return locked([&](memory_tables& t) { return caf::expected<std::vector<write_outcome>>{t.write(jobs)}; });
  }

  caf::expected<std::vector<user_row>> load_users(const std::vector<std::string>& users) override {
    return locked([&](memory_tables& t) { return t.load_users(users); });
  }

  caf::expected<std::optional<std::string>>
  load_answer(const std::string& user, const std::string& request_id, int64_t not_before_ms) override {
    return locked([&](memory_tables& t) { return t.load_answer(user, request_id, not_before_ms); });
  }

  caf::expected<catalog_rows> load_catalog() override {
    return locked([](memory_tables& t) { return t.load_catalog(); });
  }

  caf::expected<uint64_t> load_catalog_version() override {
    return locked([](memory_tables& t) { return t.catalog_version(); });
  }

  caf::expected<std::vector<stat_row>> load_stats(const std::string& popup) override {
    return locked([&](memory_tables& t) { return t.load_stats(popup); });
  }

  caf::expected<event_page> load_events(const event_filter& filter, const event_cursor& from,
                                        uint32_t limit) override {
    return locked([&](memory_tables& t) { return t.load_events(filter, from, limit); });
  }

  caf::error ping() override { return {}; }

 private:
  template <class F>
  auto locked(F&& f) -> decltype(f(std::declval<memory_tables&>())) {
    std::lock_guard<std::mutex> guard{shared_->mutex};
    return f(shared_->tables);
  }

  std::shared_ptr<shared_tables> shared_;
  const bool writes_;
};

class memory_store : public store {
 public:
  caf::expected<std::unique_ptr<session>> open_writer() override { return open(true); }
  caf::expected<std::unique_ptr<session>> open_reader() override { return open(false); }
  std::string describe() const override { return "memory"; }

 private:
  std::unique_ptr<session> open(bool writes) { return std::make_unique<memory_session>(shared_, writes); }

  std::shared_ptr<shared_tables> shared_ = std::make_shared<shared_tables>();
};

} // namespace

store_ptr make_memory_store() {
  return std::make_shared<memory_store>();
}

} // namespace beckon::storage
