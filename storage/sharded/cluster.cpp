#include "storage/sharded/cluster.hpp"

#include "storage/cluster_rules.hpp"
#include "storage/error.hpp"

#include <algorithm>
#include <cassert>
#include <future>
#include <iterator>
#include <numeric>
#include <system_error>
#include <utility>

namespace beckon::storage {

namespace {

using shard_list = std::vector<cluster_shard>;
using change_list = std::vector<shard_change>;

caf::error no_thread(const std::system_error& e) {
  return make_error(errc::unavailable, std::string{"no thread to call a user database: "} + e.what()
                                           + "; raise the limit of threads");
}

/// The changes towards nodes that may own shards, by database.
template <class Test>
std::vector<change_list> split(const change_list& all, size_t databases, Test&& may_have) {
  std::vector<change_list> out(databases);
  for (const auto& change : all)
    if (may_have(change))
      out[change.shard % databases].push_back(change);
  return out;
}

/// The result of one call in several databases.
class harvest {
 public:
  void add(caf::expected<shard_list> part) {
    if (!part)
      failed(part.error());
    else
      std::move(part->begin(), part->end(), std::back_inserter(changed_));
  }

  void failed(const caf::error& e) {
    // An unknown outcome makes the caller check, so it takes precedence.
    if (e && (!first_ || code_of(e) == errc::unknown_outcome))
      first_ = e;
  }

  caf::expected<shard_list> shards() && {
    if (changed_.empty() && first_)
      return first_;
    std::sort(changed_.begin(), changed_.end(),
              [](const cluster_shard& a, const cluster_shard& b) { return a.shard < b.shard; });
    return std::move(changed_);
  }

  const caf::error& error() const { return first_; }

 private:
  shard_list changed_;
  caf::error first_;
};

/// The databases of users.
class user_databases {
 public:
  explicit user_databases(std::vector<std::unique_ptr<shard_table>> tables) : tables_(std::move(tables)) {
    assert(!tables_.empty());
  }

  size_t size() const { return tables_.size(); }
  shard_table& operator[](size_t p) { return *tables_[p]; }

  /// Calls `f(table, number)` for these databases in parallel, so that a hanging one does not delay the
  /// others. Returns the results in the order of `places`.
  template <class F>
  auto each(const std::vector<size_t>& places, F f) {
    using result = decltype(f(*tables_[0], 0));
    std::vector<result> out;
    if (places.empty())
      return out;
    std::vector<std::future<result>> running(places.size() - 1);
    caf::error refused;
    for (size_t i = 0; i < running.size() && !refused; ++i) {
      try {
        running[i] = std::async(std::launch::async, [&, p = places[i]] { return f(*tables_[p], p); });
      } catch (const std::system_error& e) {
        refused = no_thread(e);
      }
    }
    // The last one needs no thread.
    auto last = f(*tables_[places.back()], places.back());
    for (auto& r : running)
      out.push_back(r.valid() ? r.get() : result{refused});
    out.push_back(std::move(last));
    return out;
  }

  template <class F>
  auto each(F f) {
    std::vector<size_t> all(tables_.size());
    std::iota(all.begin(), all.end(), size_t{0});
    return each(all, f);
  }

 private:
  std::vector<std::unique_ptr<shard_table>> tables_;
};

std::vector<size_t> concerned(const std::vector<change_list>& parts) {
  std::vector<size_t> out;
  for (size_t p = 0; p < parts.size(); ++p)
    if (!parts[p].empty())
      out.push_back(p);
  return out;
}

class sharded_cluster : public cluster_store {
 public:
  sharded_cluster(std::unique_ptr<cluster_store> catalog, std::vector<std::unique_ptr<shard_table>> users)
      : catalog_(std::move(catalog)), users_(std::move(users)) {}

  caf::expected<incarnation_id> join(const joining_node& node) override {
    auto joined = catalog_->join(node);
    if (!joined)
      return joined;
    // A database that cannot be reached now is claimed by the first heartbeat that reaches it.
    auto claimed = users_.each([&](shard_table& t, size_t) { return t.claim(node.cluster); });
    for (const auto& err : claimed) {
      if (code_of(err) != errc::bad_options)
        continue;
      if (auto left = catalog_->leave(*joined))
        return left;
      return err;
    }
    return joined;
  }

  caf::expected<cluster_picture> beat(const heartbeat& h) override {
    auto picture = catalog_->beat(h);
    if (picture)
      fill(*picture, true);
    return picture;
  }

  caf::expected<cluster_picture> look() override {
    auto picture = catalog_->look();
    if (picture)
      fill(*picture, false);
    return picture;
  }

  caf::expected<bool> activate(incarnation_id node) override { return catalog_->activate(node); }
  caf::expected<bool> drain(incarnation_id node) override { return catalog_->drain(node); }

  caf::error leave(incarnation_id node) override {
    if (auto err = catalog_->leave(node))
      return err;
    return gravest(users_.each([&](shard_table& t, size_t) { return t.release(node); }));
  }

  caf::expected<std::vector<incarnation_id>> bury(const std::vector<incarnation_id>& nodes,
                                                  const burial_rule& rule) override {
    return catalog_->bury(nodes, rule);
  }

  caf::expected<shard_list> begin_moves(const change_list& moves, size_t moving_max) override {
    auto nodes = catalog_->look();
    if (!nodes)
      return std::move(nodes.error());
    auto parts = split(moves, users_.size(),
                       [&](const shard_change& c) { return cluster_rules::is_active(nodes->nodes, c.to); });
    const auto stored = users_.each([](shard_table& t, size_t) { return t.load(); });
    size_t draining = 0;
    for (const auto& part : stored)
      draining += part ? draining_of(part->shards) : 0;
    harvest out;
    for (size_t p = 0; p < users_.size(); ++p) {
      if (parts[p].empty())
        continue;
      if (!stored[p]) {
        out.failed(stored[p].error());
        continue;
      }
      // The shards draining in this database, plus the room left in the cluster.
      auto here = draining_of(stored[p]->shards);
      auto room = moving_max > draining ? moving_max - draining : 0;
      auto moving = users_[p].begin_moves(parts[p], here + room);
      if (moving)
        draining += begun(*moving, stored[p]->shards);
      out.add(std::move(moving));
    }
    return std::move(out).shards();
  }

  caf::expected<shard_list> assign(const change_list& changes) override {
    auto nodes = catalog_->look();
    if (!nodes)
      return std::move(nodes.error());
    auto parts = split(changes, users_.size(), [&](const shard_change& c) {
      return c.to == 0 || cluster_rules::may_own(nodes->nodes, c.to);
    });
    harvest out;
    auto all = users_.each(concerned(parts), [&](shard_table& t, size_t p) { return t.assign(parts[p]); });
    for (auto& given : all)
      out.add(std::move(given));
    return std::move(out).shards();
  }

  caf::error cancel_moves(const change_list& moves) override {
    auto parts = split(moves, users_.size(), [](const shard_change&) { return true; });
    return gravest(
        users_.each(concerned(parts), [&](shard_table& t, size_t p) { return t.cancel_moves(parts[p]); }));
  }

  caf::error forget_dead(int64_t older_than_ms) override { return catalog_->forget_dead(older_than_ms); }

 private:
  static caf::error gravest(const std::vector<caf::error>& errors) {
    harvest h;
    for (const auto& e : errors)
      h.failed(e);
    return h.error();
  }

  /// Replaces the catalogue database's shards by those of the user databases.
  void fill(cluster_picture& picture, bool may_claim) {
    auto stored = users_.each([&](shard_table& t, size_t) -> caf::expected<shard_table::content> {
      auto content = t.load();
      if (!content || content->cluster == picture.cluster || (content->cluster.empty() && !may_claim))
        return content;
      if (auto err = t.claim(picture.cluster))
        return err;
      return content;
    });
    for (auto& s : picture.shards) {
      const auto& part = stored[s.shard % users_.size()];
      if (part) {
        s = part->shards[s.shard];
      } else {
        s = {s.shard, 0, 0, shard_state::owned, 0, false};
      }
    }
    for (const auto& part : stored)
      if (!part)
        picture.trouble += (picture.trouble.empty() ? "" : "; ") + describe(part.error());
  }

  static size_t draining_of(const shard_list& shards) {
    return static_cast<size_t>(std::count_if(shards.begin(), shards.end(), [](const cluster_shard& s) {
      return s.state == shard_state::draining;
    }));
  }

  /// How many of them were not moving before.
  static size_t begun(const shard_list& moving, const shard_list& before) {
    return static_cast<size_t>(std::count_if(moving.begin(), moving.end(), [&](const cluster_shard& s) {
      return before[s.shard].state != shard_state::draining;
    }));
  }

  std::unique_ptr<cluster_store> catalog_;
  user_databases users_;
};

} // namespace

std::unique_ptr<cluster_store> make_sharded_cluster(std::unique_ptr<cluster_store> catalog,
                                                    std::vector<std::unique_ptr<shard_table>> users) {
  return std::make_unique<sharded_cluster>(std::move(catalog), std::move(users));
}

} // namespace beckon::storage
