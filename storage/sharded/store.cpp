#include "storage/sharded/store.hpp"

#include "storage/counters.hpp"
#include "storage/sharded/cluster.hpp"
#include "storage/sharded/group.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <tuple>
#include <utility>

namespace beckon::storage {

namespace {

using sharded::place_of;
using sharded::sessions;

// -- reading --------------------------------------------------------------------------------------

/// Merges the arrival numbers of several databases: those of database p are p, p + n, p + 2n ...
struct numbering {
  /// Where a listing from a given moment starts.
  static constexpr int64_t before_all = std::numeric_limits<int64_t>::min();

  size_t place;
  size_t databases;

  int64_t outer(int64_t seq) const {
    if (seq == before_all)
      return before_all;
    return seq * static_cast<int64_t>(databases) + static_cast<int64_t>(place);
  }
  /// The largest number here that does not come after `outer_seq`.
  int64_t inner(int64_t outer_seq) const {
    if (outer_seq == before_all)
      return before_all;
    auto n = static_cast<int64_t>(databases);
    auto d = outer_seq - static_cast<int64_t>(place);
    return d / n - (d % n < 0 ? 1 : 0);
  }
};

bool before(const event_cursor& a, const event_cursor& b) {
  return std::tie(a.at_ms, a.seq) < std::tie(b.at_ms, b.seq);
}

class sharded_session : public session {
 public:
  /// `catalog` is one of `users` if `own_catalog` is null.
  sharded_session(std::unique_ptr<session> own_catalog, sessions users, size_t catalog_place, bool writes)
      : writes_(writes),
        own_catalog_(std::move(own_catalog)),
        users_(std::move(users)),
        catalog_(own_catalog_ ? *own_catalog_ : *users_[catalog_place]) {}

  caf::expected<std::vector<write_outcome>> write(const std::vector<write_job>& jobs) override {
    if (!writes_)
      return make_error(errc::rejected, "a session for reading was asked to write; open a writer");
    return sharded::write_group(catalog_, users_, jobs);
  }

  /// The catalogue only: a user database that is down affects only its own users, and shows in warning().
  caf::error ping() override { return catalog_.ping(); }

  caf::expected<std::vector<user_row>> load_users(const std::vector<std::string>& users) override {
    std::vector<std::vector<std::string>> asked(users_.size());
    std::vector<std::vector<size_t>> places(users_.size());
    for (size_t i = 0; i < users.size(); ++i) {
      auto p = place_of(users[i], users_.size());
      asked[p].push_back(users[i]);
      places[p].push_back(i);
    }
    std::vector<user_row> out(users.size());
    for (size_t p = 0; p < users_.size(); ++p) {
      if (asked[p].empty())
        continue;
      auto rows = users_[p]->load_users(asked[p]);
      for (size_t k = 0; k < asked[p].size(); ++k) {
        auto& row = out[places[p][k]];
        if (rows)
          row = std::move((*rows)[k]);
        else
          row = {asked[p][k], {}, {}, rows.error()};
      }
    }
    return out;
  }

  caf::expected<std::optional<std::string>>
  load_answer(const std::string& user, const std::string& request_id, int64_t not_before_ms) override {
    return of(user).load_answer(user, request_id, not_before_ms);
  }

  caf::expected<std::vector<erasure_row>> load_erasures(const std::string& after, uint32_t limit) override {
    std::vector<erasure_row> out;
    for (auto& s : users_) {
      auto rows = s->load_erasures(after, limit);
      if (!rows)
        return rows;
      std::move(rows->begin(), rows->end(), std::back_inserter(out));
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.user < b.user; });
    if (out.size() > limit)
      out.resize(limit);
    return out;
  }

  caf::expected<catalog_rows> load_catalog() override { return catalog_.load_catalog(); }
  caf::expected<uint64_t> load_catalog_version() override { return catalog_.load_catalog_version(); }

  caf::expected<std::vector<stat_row>> load_stats(const std::string& popup) override {
    std::map<std::pair<std::string, std::string>, stat_row> sums;
    for (auto& s : users_) {
      auto rows = s->load_stats(popup);
      if (!rows)
        return std::move(rows.error());
      for (auto& r : *rows) {
        auto& sum = sums.try_emplace({r.variant, r.kind}, stat_row{r.variant, r.kind}).first->second;
        sum.total += r.total;
        sum.users += r.users;
      }
    }
    std::vector<stat_row> out;
    for (auto& [key, sum] : sums)
      out.push_back(std::move(sum));
    std::sort(out.begin(), out.end(), listed_before);
    return out;
  }

  caf::expected<event_page> load_events(const event_filter& filter, const event_cursor& from,
                                        uint32_t limit) override {
    if (filter.user.empty())
      return merged(filter, from, limit);
    auto p = place_of(filter.user, users_.size());
    return load_from(p, filter, from, limit);
  }

 private:
  session& of(const std::string& user) { return *users_[place_of(user, users_.size())]; }

  caf::expected<event_page> load_from(size_t p, const event_filter& filter, const event_cursor& from,
                                      uint32_t limit) {
    const numbering n{p, users_.size()};
    auto page = users_[p]->load_events(filter, {from.at_ms, n.inner(from.seq)}, limit);
    if (!page)
      return page;
    page->next.seq = n.outer(page->next.seq);
    for (auto& e : page->events)
      e.seq = n.outer(e.seq);
    return page;
  }

  /// One page of each database, merged as far as all of them have been read.
  caf::expected<event_page> merged(const event_filter& filter, const event_cursor& from, uint32_t limit) {
    event_page out;
    out.last = true;
    for (size_t p = 0; p < users_.size(); ++p) {
      auto page = load_from(p, filter, from, limit);
      if (!page)
        return page;
      if (!page->last && (out.last || before(page->next, out.next)))
        out.next = page->next;
      out.last = out.last && page->last;
      std::move(page->events.begin(), page->events.end(), std::back_inserter(out.events));
    }
    auto cursor = [](const event_row& e) { return event_cursor{e.at_ms, e.seq}; };
    auto& events = out.events;
    std::sort(events.begin(), events.end(),
              [&](const event_row& a, const event_row& b) { return before(cursor(a), cursor(b)); });
    if (!out.last)
      events.erase(std::find_if(events.begin(), events.end(),
                                [&](const event_row& e) { return before(out.next, cursor(e)); }),
                   events.end());
    if (events.size() > limit) {
      events.resize(limit);
      out.next = cursor(events.back());
      out.last = false;
    }
    return out;
  }

  const bool writes_;
  std::unique_ptr<session> own_catalog_;
  sessions users_;
  session& catalog_;
};

class sharded_store : public store {
 public:
  sharded_store(store_ptr catalog, std::vector<store_ptr> users)
      : catalog_(std::move(catalog)),
        users_(std::move(users)),
        catalog_place_(
            static_cast<size_t>(std::find(users_.begin(), users_.end(), catalog_) - users_.begin())) {}

  caf::expected<std::unique_ptr<session>> open_writer() override { return open(&store::open_writer, true); }
  caf::expected<std::unique_ptr<session>> open_reader() override { return open(&store::open_reader, false); }

  caf::expected<std::unique_ptr<cluster_store>> open_cluster(int64_t timeout_ms) override {
    auto nodes = catalog_->open_cluster(timeout_ms);
    if (!nodes)
      return nodes;
    std::vector<std::unique_ptr<shard_table>> shards;
    for (auto& u : users_) {
      auto opened = u->open_shards(timeout_ms);
      if (!opened)
        return std::move(opened.error());
      shards.push_back(std::move(*opened));
    }
    return make_sharded_cluster(std::move(*nodes), std::move(shards));
  }

  std::string describe() const override {
    auto text = catalog_->describe() + ", users in";
    for (const auto& u : users_)
      text += (u == users_.front() ? " " : "; ") + u->describe();
    return text;
  }

  std::string warning() const override {
    std::string text;
    for (const auto& s : all()) {
      auto one = s->warning();
      if (!one.empty())
        text += (text.empty() ? "" : "; ") + one;
    }
    return text;
  }

  store_stats stats() const override {
    store_stats out;
    for (const auto& s : all()) {
      auto one = s->stats();
      for (auto& p : one.pools) {
        p.database = s->describe() + " " + p.database;
        out.pools.push_back(std::move(p));
      }
      for (auto& r : one.replicas) {
        r.replica = s->describe() + " " + r.replica;
        out.replicas.push_back(std::move(r));
      }
    }
    return out;
  }

 private:
  using opener = caf::expected<std::unique_ptr<session>> (store::*)();

  bool catalog_apart() const { return catalog_place_ == users_.size(); }

  std::vector<store_ptr> all() const {
    auto out = users_;
    if (catalog_apart())
      out.insert(out.begin(), catalog_);
    return out;
  }

  caf::expected<std::unique_ptr<session>> open(opener f, bool writes) {
    std::unique_ptr<session> own_catalog;
    if (catalog_apart()) {
      auto opened = ((*catalog_).*f)();
      if (!opened)
        return opened;
      own_catalog = std::move(*opened);
    }
    sessions parts;
    for (auto& u : users_) {
      auto opened = ((*u).*f)();
      if (!opened)
        return opened;
      parts.push_back(std::move(*opened));
    }
    return std::unique_ptr<session>{
        std::make_unique<sharded_session>(std::move(own_catalog), std::move(parts), catalog_place_, writes)};
  }

  store_ptr catalog_;
  std::vector<store_ptr> users_;
  size_t catalog_place_; // users_.size(): separate
};

} // namespace

caf::error make_catalog_known(store& catalog, const std::vector<store_ptr>& users, int64_t now_ms) {
  auto from = catalog.open_reader();
  if (!from)
    return std::move(from.error());
  auto rows = (*from)->load_catalog();
  if (!rows)
    return std::move(rows.error());
  popup_mark marks;
  marks.at_ms = now_ms;
  for (auto& p : rows->popups)
    marks.ids.push_back(std::move(p.id));
  for (const auto& u : users) {
    if (u.get() == &catalog || marks.ids.empty())
      continue;
    auto to = u->open_writer();
    if (!to)
      return std::move(to.error());
    if (auto written = (*to)->write({marks}); !written)
      return std::move(written.error());
  }
  return {};
}

store_ptr make_sharded_store(store_ptr catalog, std::vector<store_ptr> users) {
  return std::make_shared<sharded_store>(std::move(catalog), std::move(users));
}

} // namespace beckon::storage
