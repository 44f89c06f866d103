#include "storage/mysql/cluster.hpp"

#include "storage/mysql/back_off.hpp"
#include "storage/mysql/cluster_tables.hpp"
#include "storage/mysql/connection.hpp"

#include <algorithm>
#include <chrono>
#include <new>
#include <optional>
#include <utility>

namespace beckon::storage::mysql {

namespace {

using clock = cluster_tables::clock;
using shard_list = std::vector<cluster_shard>;

/// One connection with its prepared statements.
struct link {
  explicit link(const mysql_options& o) : db(o), tables(db) {}
  connection db;
  cluster_tables tables;
};

/// Runs transactions on a connection that it opens and replaces.
class runner {
 public:
  runner(const mysql_options& o, int64_t timeout_ms) : options_(o), timeout_(timeout_ms) {
    options_.connect_timeout_ms = options_.write_timeout_ms = timeout_ms;
    options_.read_timeout_ms = std::max<int64_t>(1000, timeout_ms);
  }
  ~runner() { attach_thread(); } // for closing the connection
  runner(const runner&) = delete;
  runner& operator=(const runner&) = delete;

  template <class F>
  auto run(transaction::kind kind, F&& f) -> caf::expected<decltype(f(std::declval<cluster_tables&>()))> {
    attach_thread();
    std::optional<clock::time_point> deadline; // set once there is a connection
    back_off pause;
    for (;;) {
      try {
        return once(kind, f, deadline);
      } catch (const failure& e) {
        drop_if_lost();
        if (e.then() != consequence::retry || !deadline || clock::now() >= *deadline)
          return e.reason();
      } catch (const std::bad_alloc&) {
        link_.reset(); // half a result may still be under way
        return make_error(errc::unavailable, where_ + ": out of memory; nothing was changed");
      }
      pause.wait();
    }
  }

  template <class F>
  caf::error change(F&& f) {
    auto done = run(transaction::kind::write, [&](cluster_tables& t) {
      f(t);
      return true;
    });
    return done ? caf::error{} : std::move(done.error());
  }

 private:
  template <class F>
  auto once(transaction::kind kind, F& f, std::optional<clock::time_point>& deadline)
      -> decltype(f(std::declval<cluster_tables&>())) {
    auto t = begin(kind);
    if (!deadline)
      deadline = clock::now() + timeout_;
    link_->tables.set_deadline(*deadline);
    auto result = f(link_->tables);
    t->commit();
    return result;
  }

  /// A connection lost while idle fails at the start of a transaction, when nothing has happened yet.
  std::unique_ptr<transaction> begin(transaction::kind kind) {
    if (link_) {
      try {
        return std::make_unique<transaction>(link_->db, kind);
      } catch (const failure& e) {
        if (e.then() != consequence::lost)
          throw;
      }
    }
    link_.reset(); // first, so that there is never more than one
    link_ = std::make_unique<link>(options_);
    return std::make_unique<transaction>(link_->db, kind);
  }

  void drop_if_lost() {
    if (link_ && !link_->db.usable())
      link_.reset();
  }

  mysql_options options_;
  const std::chrono::milliseconds timeout_;
  const std::string where_ = endpoint_of(options_).store;
  std::unique_ptr<link> link_;
};

constexpr auto writes = transaction::kind::write;

cluster_picture picture_of(cluster_tables& t) {
  cluster_picture p;
  p.now_ms = t.now_ms();
  p.cluster = t.cluster();
  p.nodes = t.nodes();
  p.shards = t.shards();
  return p;
}

void claim_cluster(cluster_tables& t, const std::string& stored, const std::string& wanted) {
  if (auto err = cluster_rules::check_name(t.name(), stored, wanted))
    throw failure(std::move(err), consequence::none);
  if (stored.empty())
    t.name_cluster(wanted);
}

// The callers of these hold the turn.

shard_list begin_moves_of(cluster_tables& t, const std::vector<shard_change>& moves, size_t moving_max,
                          const cluster_rules::node_test& may_receive) {
  auto draining = t.draining();
  auto rows = t.lock_shards(moves);
  auto moving = cluster_rules::begin_moves(rows, moves, moving_max, draining, may_receive);
  t.store(moving);
  return moving;
}

shard_list assign_to(cluster_tables& t, const std::vector<shard_change>& changes,
                     const cluster_rules::node_test& may_receive) {
  auto rows = t.lock_shards(changes);
  auto given = cluster_rules::assign(rows, changes, may_receive);
  t.store(given);
  return given;
}

void cancel_moves_of(cluster_tables& t, const std::vector<shard_change>& moves) {
  auto rows = t.lock_shards(moves);
  t.store(cluster_rules::cancel_moves(rows, moves));
}

void release_shards(cluster_tables& t, incarnation_id owner) {
  if (owner == 0)
    return;
  auto rows = t.lock_shards_of(owner);
  t.store(cluster_rules::release(rows, owner));
}

/// Moves to `to` from an earlier state; returns whether the node is in it now.
bool move_on(cluster_tables& t, incarnation_id node, node_state to) {
  t.take_turn();
  auto nodes = t.nodes();
  auto found =
      std::find_if(nodes.begin(), nodes.end(), [&](const cluster_node& n) { return n.incarnation == node; });
  if (found == nodes.end() || found->state > to)
    return false;
  if (found->state != to)
    t.set_state(node, to);
  return true;
}

class mysql_cluster : public cluster_store {
 public:
  mysql_cluster(const mysql_options& o, int64_t timeout_ms) : runner_(o, timeout_ms) {}

  caf::expected<incarnation_id> join(const joining_node& node) override {
    if (auto err = cluster_rules::check(node))
      return err;
    return runner_.run(writes, [&](cluster_tables& t) {
      claim_cluster(t, t.take_turn(), node.cluster);
      auto now = t.now_ms();
      t.declare_dead(node.identity, now);
      return t.add_node(node, now);
    });
  }

  caf::expected<cluster_picture> beat(const heartbeat& h) override {
    if (auto err = cluster_rules::check(h))
      return err;
    return runner_.run(transaction::kind::write_then_snapshot, [&](cluster_tables& t) {
      t.renew(h);
      return picture_of(t);
    });
  }

  caf::expected<cluster_picture> look() override {
    return runner_.run(transaction::kind::snapshot, picture_of);
  }

  caf::expected<bool> activate(incarnation_id node) override {
    return runner_.run(writes, [&](cluster_tables& t) { return move_on(t, node, node_state::active); });
  }

  caf::expected<bool> drain(incarnation_id node) override {
    return runner_.run(writes, [&](cluster_tables& t) { return move_on(t, node, node_state::draining); });
  }

  caf::error leave(incarnation_id node) override {
    return runner_.change([&](cluster_tables& t) {
      t.take_turn();
      t.remove_node(node);
      release_shards(t, node);
    });
  }

  caf::expected<std::vector<incarnation_id>> bury(const std::vector<incarnation_id>& nodes,
                                                  const burial_rule& rule) override {
    return runner_.run(writes, [&](cluster_tables& t) {
      t.take_turn();
      auto rows = t.lock_nodes();
      auto now = t.now_ms();
      auto dead = cluster_rules::dead_of(rows, nodes, rule, now);
      for (auto id : dead)
        t.declare_dead(id, now);
      return dead;
    });
  }

  caf::expected<shard_list> begin_moves(const std::vector<shard_change>& moves, size_t moving_max) override {
    return runner_.run(writes, [&](cluster_tables& t) {
      t.take_turn();
      return begin_moves_of(t, moves, moving_max, [nodes = t.nodes()](incarnation_id id) {
        return cluster_rules::is_active(nodes, id);
      });
    });
  }

  caf::expected<shard_list> assign(const std::vector<shard_change>& changes) override {
    return runner_.run(writes, [&](cluster_tables& t) {
      t.take_turn();
      return assign_to(t, changes,
                       [nodes = t.nodes()](incarnation_id id) { return cluster_rules::may_own(nodes, id); });
    });
  }

  caf::error cancel_moves(const std::vector<shard_change>& moves) override {
    return runner_.change([&](cluster_tables& t) {
      t.take_turn();
      cancel_moves_of(t, moves);
    });
  }

  caf::error forget_dead(int64_t older_than_ms) override {
    return runner_.change([&](cluster_tables& t) {
      t.take_turn();
      t.forget_dead(t.now_ms() - older_than_ms);
    });
  }

 private:
  runner runner_;
};

bool anybody(incarnation_id) {
  return true;
}

class mysql_shards : public shard_table {
 public:
  mysql_shards(const mysql_options& o, int64_t timeout_ms) : runner_(o, timeout_ms) {}

  caf::expected<content> load() override {
    return runner_.run(transaction::kind::snapshot, [](cluster_tables& t) {
      return content{t.cluster(), t.shards()};
    });
  }

  caf::error claim(const std::string& cluster) override {
    return runner_.change([&](cluster_tables& t) { claim_cluster(t, t.take_turn(), cluster); });
  }

  caf::expected<shard_list> begin_moves(const std::vector<shard_change>& moves, size_t moving_max) override {
    return runner_.run(writes, [&](cluster_tables& t) {
      t.take_turn();
      return begin_moves_of(t, moves, moving_max, anybody);
    });
  }

  caf::expected<shard_list> assign(const std::vector<shard_change>& changes) override {
    return runner_.run(writes, [&](cluster_tables& t) {
      t.take_turn();
      return assign_to(t, changes, anybody);
    });
  }

  caf::error cancel_moves(const std::vector<shard_change>& moves) override {
    return runner_.change([&](cluster_tables& t) {
      t.take_turn();
      cancel_moves_of(t, moves);
    });
  }

  caf::error release(incarnation_id owner) override {
    return runner_.change([&](cluster_tables& t) {
      t.take_turn();
      release_shards(t, owner);
    });
  }

 private:
  runner runner_;
};

template <class Made, class As>
caf::expected<std::unique_ptr<As>> open(const mysql_options& o, int64_t timeout_ms) {
  constexpr int64_t timeout_ms_max = 600'000;
  if (timeout_ms < 1 || timeout_ms > timeout_ms_max)
    return make_error(errc::bad_options,
                      "mysql: the time-out of the cluster's connection must be from 1 to 600000 ms");
  return std::unique_ptr<As>{std::make_unique<Made>(o, timeout_ms)};
}

} // namespace

caf::expected<std::unique_ptr<cluster_store>> open_cluster(const mysql_options& options, int64_t timeout_ms) {
  return open<mysql_cluster, cluster_store>(options, timeout_ms);
}

caf::expected<std::unique_ptr<shard_table>> open_shards(const mysql_options& options, int64_t timeout_ms) {
  return open<mysql_shards, shard_table>(options, timeout_ms);
}

} // namespace beckon::storage::mysql
