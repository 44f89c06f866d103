#include "cluster_store.hpp"

#include <algorithm>
#include <utility>

namespace beckon::actors::test {

namespace {

/// What becomes of the calls of one session.
class call_fate {
 public:
  enum class kind : uint8_t { reads, writes };

  call_fate(database_way& way, sim_dice& dice) : way_(way), dice_(dice) {}

  template <class F>
  auto call(kind k, F&& f) -> decltype(f()) {
    if (way_.cut || dice_.percent(way_.fail_percent))
      return storage::make_error(storage::errc::unavailable, "the database is away");
    pass_time();
    auto result = f();
    pass_time();
    if (k == kind::writes && dice_.percent(way_.lose_percent))
      return storage::make_error(storage::errc::unknown_outcome, "the answer of the database was lost");
    return result;
  }

  const database_way& way() const { return way_; }
  sim_dice& dice() { return dice_; }

 private:
  void pass_time() {
    if (dice_.percent(way_.slow_percent))
      sim_time::now_ms += dice_.between(1, 200);
  }

  database_way& way_;
  sim_dice& dice_;
};

using kind = call_fate::kind;

class watched_session : public storage::session {
 public:
  watched_session(std::unique_ptr<storage::session> inner, std::unique_ptr<storage::cluster_store> tables,
                  call_fate fate, sim_book& book)
      : inner_(std::move(inner)), tables_(std::move(tables)), fate_(fate), book_(book) {}

  caf::expected<std::vector<storage::write_outcome>>
  write(const std::vector<storage::write_job>& jobs) override {
    return fate_.call(kind::writes, [&] {
      auto before = tables_->look();
      auto outcomes = inner_->write(spoiled(jobs));
      for (size_t i = 0; outcomes && i < jobs.size(); ++i)
        book_.saw_write(jobs[i], (*outcomes)[i], before->shards);
      return outcomes;
    });
  }
  caf::expected<std::vector<storage::user_row>> load_users(const std::vector<std::string>& users) override {
    return fate_.call(kind::reads, [&] { return inner_->load_users(users); });
  }
  caf::expected<std::optional<std::string>>
  load_answer(const std::string& user, const std::string& request_id, int64_t not_before_ms) override {
    return fate_.call(kind::reads, [&] { return inner_->load_answer(user, request_id, not_before_ms); });
  }
  caf::expected<std::vector<storage::erasure_row>> load_erasures(const std::string& after,
                                                                 uint32_t limit) override {
    return fate_.call(kind::reads, [&] { return inner_->load_erasures(after, limit); });
  }
  caf::expected<storage::catalog_rows> load_catalog() override {
    return fate_.call(kind::reads, [&] { return inner_->load_catalog(); });
  }
  caf::expected<uint64_t> load_catalog_version() override {
    return fate_.call(kind::reads, [&] { return inner_->load_catalog_version(); });
  }
  caf::expected<std::vector<storage::stat_row>> load_stats(const std::string& popup) override {
    return fate_.call(kind::reads, [&] { return inner_->load_stats(popup); });
  }
  caf::expected<storage::event_page> load_events(const storage::event_filter& filter,
                                                 const storage::event_cursor& from, uint32_t limit) override {
    return fate_.call(kind::reads, [&] { return inner_->load_events(filter, from, limit); });
  }
  caf::error ping() override {
    return fate_.call(kind::reads, [&] { return inner_->ping(); });
  }

 private:
  std::vector<storage::write_job> spoiled(std::vector<storage::write_job> jobs) {
    if (!fate_.way().strips_fences && !fate_.way().renames_events)
      return jobs;
    for (auto& job : jobs) {
      if (auto* batch = std::get_if<storage::event_batch_write>(&job)) {
        if (fate_.way().strips_fences)
          batch->held.clear();
        if (fate_.way().renames_events)
          for (auto& e : batch->events)
            e.id += "#" + std::to_string(++renamed_);
      }
      if (!fate_.way().strips_fences)
        continue;
      if (auto* claim = std::get_if<storage::claim_write>(&job))
        claim->held = {};
      if (auto* profile = std::get_if<storage::profile_write>(&job))
        profile->held = {};
    }
    return jobs;
  }

  std::unique_ptr<storage::session> inner_;
  std::unique_ptr<storage::cluster_store> tables_;
  call_fate fate_;
  sim_book& book_;
  uint64_t renamed_ = 0;
};

class watched_cluster : public storage::cluster_store {
 public:
  watched_cluster(std::unique_ptr<storage::cluster_store> inner, call_fate fate, sim_book& book)
      : inner_(std::move(inner)), fate_(fate), book_(book) {}

  caf::expected<storage::incarnation_id> join(const storage::joining_node& node) override {
    return changing([&] {
      auto joined = inner_->join(node);
      book_.note(node.name + " joins as " + std::to_string(*joined));
      return joined;
    });
  }
  caf::expected<storage::cluster_picture> beat(const storage::heartbeat& h) override {
    return fate_.call(kind::writes, [&] { return inner_->beat(h); });
  }
  caf::expected<storage::cluster_picture> look() override {
    return fate_.call(kind::reads, [&] { return inner_->look(); });
  }
  caf::expected<bool> activate(storage::incarnation_id node) override {
    return fate_.call(kind::writes, [&] {
      auto done = inner_->activate(node);
      book_.note("incarnation " + std::to_string(node) + (*done ? " is active" : " is not activated"));
      return done;
    });
  }
  caf::expected<bool> drain(storage::incarnation_id node) override {
    return fate_.call(kind::writes, [&] { return inner_->drain(node); });
  }
  caf::error leave(storage::incarnation_id node) override {
    return changing([&] {
      book_.note("incarnation " + std::to_string(node) + " leaves");
      return inner_->leave(node);
    });
  }
  caf::expected<std::vector<storage::incarnation_id>> bury(const std::vector<storage::incarnation_id>& nodes,
                                                           const storage::burial_rule& rule) override {
    return fate_.call(kind::writes, [&] {
      auto dead = inner_->bury(nodes, rule);
      for (auto id : *dead)
        book_.note("incarnation " + std::to_string(id) + " is buried by " + std::to_string(rule.by));
      return dead;
    });
  }
  caf::expected<std::vector<storage::cluster_shard>>
  begin_moves(const std::vector<storage::shard_change>& moves, size_t moving_max) override {
    return changing([&] {
      auto begun = inner_->begin_moves(moves, moving_max);
      auto now = inner_->look();
      auto draining = std::count_if(now->shards.begin(), now->shards.end(),
                                    [](const auto& s) { return s.state == storage::shard_state::draining; });
      if (static_cast<size_t>(draining) > moving_max)
        book_.violate(std::to_string(draining) + " shards move at once");
      return begun;
    });
  }
  caf::expected<std::vector<storage::cluster_shard>>
  assign(const std::vector<storage::shard_change>& changes) override {
    return changing([&] { return inner_->assign(changes); });
  }
  caf::error cancel_moves(const std::vector<storage::shard_change>& moves) override {
    return changing([&] { return inner_->cancel_moves(moves); });
  }
  caf::error forget_dead(int64_t older_than_ms) override {
    return fate_.call(kind::writes, [&] { return inner_->forget_dead(older_than_ms); });
  }

 private:
  template <class F>
  auto changing(F&& f) -> decltype(f()) {
    return fate_.call(kind::writes, [&] {
      auto result = f();
      book_.saw_tables(inner_->look()->shards);
      return result;
    });
  }

  std::unique_ptr<storage::cluster_store> inner_;
  call_fate fate_;
  sim_book& book_;
};

class watched_store : public storage::store {
 public:
  watched_store(storage::store_ptr inner, database_way& way, sim_dice& dice, sim_book& book)
      : inner_(std::move(inner)), fate_(way, dice), book_(book) {}

  caf::expected<std::unique_ptr<storage::session>> open_writer() override {
    return wrap(inner_->open_writer());
  }
  caf::expected<std::unique_ptr<storage::session>> open_reader() override {
    return wrap(inner_->open_reader());
  }
  caf::expected<std::unique_ptr<storage::cluster_store>> open_cluster(int64_t timeout_ms) override {
    auto opened = inner_->open_cluster(timeout_ms);
    return std::unique_ptr<storage::cluster_store>{
        std::make_unique<watched_cluster>(std::move(*opened), fate_, book_)};
  }
  std::string describe() const override { return "watched " + inner_->describe(); }

 private:
  caf::expected<std::unique_ptr<storage::session>>
  wrap(caf::expected<std::unique_ptr<storage::session>> opened) {
    auto tables = inner_->open_cluster(0);
    return std::unique_ptr<storage::session>{
        std::make_unique<watched_session>(std::move(*opened), std::move(*tables), fate_, book_)};
  }

  storage::store_ptr inner_;
  call_fate fate_;
  sim_book& book_;
};

class outbox_session : public storage::write_session {
 public:
  explicit outbox_session(std::shared_ptr<memory_outbox> box) : box_(std::move(box)) {}

  caf::expected<std::vector<storage::write_outcome>>
  write(const std::vector<storage::write_job>& jobs) override {
    for (const auto& job : jobs)
      if (auto err = box_->append({&std::get<storage::event_batch_write>(job).events}))
        return err;
    return std::vector<storage::write_outcome>(jobs.size());
  }
  caf::error ping() override { return {}; }

 private:
  std::shared_ptr<memory_outbox> box_;
};

} // namespace

storage::store_ptr make_watched_store(storage::store_ptr inner, database_way& way, sim_dice& dice,
                                      sim_book& book) {
  return std::make_shared<watched_store>(std::move(inner), way, dice, book);
}

// -- the outbox

caf::error memory_outbox::append(const std::vector<const std::vector<storage::event_row>*>& batches) {
  for (const auto* events : batches)
    batches_.push_back({++last_, *events});
  return {};
}

caf::expected<std::vector<storage::outbox_batch>> memory_outbox::oldest(size_t events_max) {
  std::vector<storage::outbox_batch> out;
  size_t events = 0;
  for (const auto& b : batches_) {
    if (!out.empty() && events + b.events.size() > events_max)
      break;
    events += b.events.size();
    out.push_back(b);
  }
  return out;
}

caf::error memory_outbox::shipped(int64_t seq) {
  auto gone = std::remove_if(batches_.begin(), batches_.end(), [seq](const auto& b) { return b.seq <= seq; });
  batches_.erase(gone, batches_.end());
  return {};
}

caf::error memory_outbox::set_aside(int64_t seq, const std::string&) {
  auto gone = std::remove_if(batches_.begin(), batches_.end(), [seq](const auto& b) { return b.seq == seq; });
  batches_.erase(gone, batches_.end());
  return {};
}

storage::outbox_depth memory_outbox::depth() const {
  storage::outbox_depth d;
  d.batches = batches_.size();
  for (const auto& b : batches_)
    d.events += b.events.size();
  return d;
}

std::unique_ptr<storage::write_session> memory_outbox::open_writer() {
  return std::make_unique<outbox_session>(shared_from_this());
}

std::set<std::string> memory_outbox::ids() const {
  std::set<std::string> out;
  for (const auto& b : batches_)
    for (const auto& e : b.events)
      out.insert(e.id);
  return out;
}

} // namespace beckon::actors::test
