#include "tests/support/memory_store.hpp"

#include "tests/support/memory_tables.hpp"

#include <functional>
#include <memory>
#include <utility>

namespace beckon::storage {

namespace {

class memory_session : public session {
 public:
  memory_session(std::shared_ptr<memory_shared> shared, bool writes)
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

  caf::expected<std::vector<erasure_row>> load_erasures(const std::string& after, uint32_t limit) override {
    return locked([&](memory_tables& t) { return t.load_erasures(after, limit); });
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
    return with_tables(*shared_, f);
  }

  std::shared_ptr<memory_shared> shared_;
  const bool writes_;
};

class memory_store : public store {
 public:
  explicit memory_store(std::function<int64_t()> clock_ms)
      : shared_(std::make_shared<memory_shared>(std::move(clock_ms))) {}

  caf::expected<std::unique_ptr<session>> open_writer() override { return open(true); }
  caf::expected<std::unique_ptr<session>> open_reader() override { return open(false); }
  caf::expected<std::unique_ptr<cluster_store>> open_cluster(int64_t) override {
    return make_memory_cluster(shared_);
  }
  caf::expected<std::unique_ptr<shard_table>> open_shards(int64_t) override {
    return make_memory_shards(shared_);
  }
  std::string describe() const override { return "memory"; }

 private:
  std::unique_ptr<session> open(bool writes) { return std::make_unique<memory_session>(shared_, writes); }

  const std::shared_ptr<memory_shared> shared_;
};

} // namespace

store_ptr make_memory_store(std::function<int64_t()> clock_ms) {
  return std::make_shared<memory_store>(std::move(clock_ms));
}

} // namespace beckon::storage
