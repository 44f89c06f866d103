#include "storage/mysql/cluster_tables.hpp"

#include "decision/hash.hpp"

#include <cstdlib>
#include <set>
#include <utility>

namespace beckon::storage::mysql {

namespace {

/// Unix milliseconds whatever the time zone of session and server, even in the hour repeated in autumn.
const std::string server_ms =
    "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(3)) DIV 1000)";

constexpr const char* node_columns = "SELECT incarnation, name, identity, address, http, version, state, "
                                     "lease_until, heartbeat, suspects FROM cl_node ORDER BY incarnation";
constexpr const char* shard_columns = "SELECT shard, owner, epoch, state, next_owner FROM cl_shard";

constexpr int dead = static_cast<int>(node_state::dead);

std::string text_of(const std::vector<incarnation_id>& ids) {
  std::string out;
  for (auto id : ids)
    out += (out.empty() ? "" : ",") + std::to_string(id);
  return out;
}

std::vector<incarnation_id> ids_of(std::string_view text) {
  std::vector<incarnation_id> out;
  const std::string digits{text};
  for (const char* at = digits.c_str(); *at != 0;) {
    char* end = nullptr;
    out.push_back(std::strtoull(at, &end, 10));
    if (end == at)
      return {};
    at = *end == ',' ? end + 1 : end;
  }
  return out;
}

} // namespace

cluster_tables::cluster_tables(connection& db)
    : db_(db),
      lock_meta_(db, "SELECT cluster FROM cl_meta WHERE one = 1 FOR UPDATE"),
      load_meta_(db, "SELECT cluster FROM cl_meta WHERE one = 1"),
      name_cluster_(db, "UPDATE cl_meta SET cluster = ? WHERE one = 1"),
      now_(db, "SELECT " + server_ms),
      list_nodes_(db, node_columns),
      lock_nodes_(db, std::string{node_columns} + " FOR UPDATE"),
      add_node_(db, "INSERT INTO cl_node(name, identity, address, http, version, state, lease_until, "
                    "heartbeat, suspects, died) VALUES(?, ?, ?, ?, ?, 0, ?, ?, '', 0)"),
      renew_(db, "UPDATE cl_node SET heartbeat = " + server_ms + ", lease_until = " + server_ms
                     + " + ?, suspects = ? WHERE incarnation = ? AND state <> ?"),
      set_state_(db, "UPDATE cl_node SET state = ? WHERE incarnation = ?"),
      bury_node_(db, "UPDATE cl_node SET state = ?, died = ? WHERE incarnation = ?"),
      bury_identity_(db, "UPDATE cl_node SET state = ?, died = ? WHERE identity = ? AND state <> ?"),
      remove_node_(db, "DELETE FROM cl_node WHERE incarnation = ?"),
      forget_dead_(db, "DELETE FROM cl_node WHERE state = ? AND died <= ?"),
      list_shards_(db, std::string{shard_columns} + " ORDER BY shard"),
      list_shards_of_(db, "SELECT shard FROM cl_shard WHERE owner = ? ORDER BY shard"),
      count_draining_(db, "SELECT COUNT(*) FROM cl_shard WHERE state = ?"),
      lock_shards_(db, std::string{shard_columns} + " FORCE INDEX(PRIMARY) WHERE shard IN (", "?", ", ",
                   ") ORDER BY shard FOR UPDATE"),
      store_shards_(db, "INSERT INTO cl_shard(shard, owner, epoch, state, next_owner) VALUES ",
                    "(?, ?, ?, ?, ?)",
                    "ON DUPLICATE KEY UPDATE owner = VALUES(owner), epoch = VALUES(epoch), "
                    "state = VALUES(state), next_owner = VALUES(next_owner)") {}

void cluster_tables::check_time() const {
  if (clock::now() > deadline_)
    throw failure(make_error(errc::unavailable,
                             name()
                                 + ": the cluster's tables took longer than the time-out; nothing was "
                                   "changed; check whether a transaction on cl_meta or cl_shard hangs"),
                  consequence::none);
}

void cluster_tables::corrupt(const std::string& what) const {
  throw failure(make_error(errc::corrupt, name() + ": " + what + "; put back a copy"), consequence::none);
}

// -- the cluster ----------------------------------------------------------------------------------

std::string cluster_tables::take_turn() {
  check_time();
  rows r{lock_meta_};
  if (!r.next())
    corrupt("the row of table cl_meta is gone");
  return std::string{r.text(0)};
}

std::string cluster_tables::cluster() {
  check_time();
  rows r{load_meta_};
  if (!r.next())
    corrupt("the row of table cl_meta is gone");
  return std::string{r.text(0)};
}

void cluster_tables::name_cluster(const std::string& cluster) {
  check_time();
  name_cluster_.run(cluster);
}

int64_t cluster_tables::now_ms() {
  check_time();
  rows r{now_};
  if (!r.next())
    corrupt("the server does not tell the time");
  return r.integer(0);
}

// -- nodes ----------------------------------------------------------------------------------------

cluster_node cluster_tables::node_from(const rows& r) const {
  cluster_node n;
  n.incarnation = static_cast<incarnation_id>(r.integer(0));
  n.name = r.text(1);
  n.identity = r.text(2);
  n.address = r.text(3);
  n.http = r.text(4);
  n.version = r.text(5);
  if (r.integer(6) < 0 || r.integer(6) > dead)
    corrupt("node " + std::to_string(n.incarnation) + " has the state " + std::to_string(r.integer(6))
            + ", which this program does not know");
  n.state = static_cast<node_state>(r.integer(6));
  n.lease_until_ms = r.integer(7);
  n.heartbeat_ms = r.integer(8);
  n.suspects = ids_of(r.text(9));
  return n;
}

std::vector<cluster_node> cluster_tables::list(statement& s) {
  check_time();
  std::vector<cluster_node> out;
  for (rows r{s}; r.next();)
    out.push_back(node_from(r));
  return out;
}

std::vector<cluster_node> cluster_tables::nodes() {
  return list(list_nodes_);
}

std::vector<cluster_node> cluster_tables::lock_nodes() {
  return list(lock_nodes_);
}

incarnation_id cluster_tables::add_node(const joining_node& node, int64_t now_ms) {
  check_time();
  add_node_.run(node.name, node.identity, node.address, node.http, node.version, now_ms + node.lease_ms,
                now_ms);
  auto id = db_.text("SELECT LAST_INSERT_ID()");
  return id ? std::strtoull(id->c_str(), nullptr, 10) : 0;
}

void cluster_tables::renew(const heartbeat& h) {
  check_time();
  renew_.run(h.lease_ms, text_of(h.suspects), h.self, dead);
}

void cluster_tables::set_state(incarnation_id node, node_state state) {
  check_time();
  set_state_.run(static_cast<int>(state), node);
}

void cluster_tables::declare_dead(incarnation_id node, int64_t now_ms) {
  check_time();
  bury_node_.run(dead, now_ms, node);
}

void cluster_tables::declare_dead(const std::string& identity, int64_t now_ms) {
  check_time();
  bury_identity_.run(dead, now_ms, identity, dead);
}

void cluster_tables::remove_node(incarnation_id node) {
  check_time();
  remove_node_.run(node);
}

void cluster_tables::forget_dead(int64_t died_until_ms) {
  check_time();
  forget_dead_.run(dead, died_until_ms);
}

// -- shards ---------------------------------------------------------------------------------------

cluster_shard cluster_tables::shard_from(const rows& r) const {
  cluster_shard s;
  s.shard = static_cast<uint16_t>(r.integer(0));
  s.owner = static_cast<incarnation_id>(r.integer(1));
  s.epoch = static_cast<uint64_t>(r.integer(2));
  if (r.integer(3) < 0 || r.integer(3) > static_cast<int>(shard_state::draining))
    corrupt("shard " + std::to_string(s.shard) + " has the state " + std::to_string(r.integer(3))
            + ", which this program does not know");
  s.state = static_cast<shard_state>(r.integer(3));
  s.next_owner = static_cast<incarnation_id>(r.integer(4));
  return s;
}

std::vector<cluster_shard> cluster_tables::shards() {
  check_time();
  std::vector<cluster_shard> out;
  for (rows r{list_shards_}; r.next();) {
    out.push_back(shard_from(r));
    if (out.back().shard != out.size() - 1)
      corrupt("table cl_shard lacks the row of shard " + std::to_string(out.size() - 1));
  }
  if (out.size() != decision::shard_count)
    corrupt("table cl_shard has " + std::to_string(out.size()) + " rows");
  return out;
}

size_t cluster_tables::draining() {
  check_time();
  rows r{count_draining_, static_cast<int>(shard_state::draining)};
  return r.next() ? static_cast<size_t>(r.integer(0)) : 0;
}

cluster_rules::shard_rows cluster_tables::lock(const values& numbers) {
  check_time();
  cluster_rules::shard_rows out;
  lock_shards_.run(numbers, [&](const rows& r) {
    auto s = shard_from(r);
    out[s.shard] = s;
  });
  return out;
}

cluster_rules::shard_rows cluster_tables::lock_shards(const std::vector<shard_change>& changes) {
  std::set<uint16_t> numbers; // ascending, as writers lock them
  for (const auto& c : changes)
    numbers.insert(c.shard);
  return lock({numbers.begin(), numbers.end()});
}

cluster_rules::shard_rows cluster_tables::lock_shards_of(incarnation_id owner) {
  check_time();
  values numbers;
  // This does not lock the rows, which would wait for the writers of all shards. The holder of the turn sees
  // all.
  for (rows r{list_shards_of_, owner}; r.next();)
    numbers.emplace_back(r.integer(0));
  return lock(numbers);
}

void cluster_tables::store(const std::vector<cluster_shard>& shards) {
  check_time();
  values all;
  for (const auto& s : shards)
    all.insert(all.end(), {value(s.shard), value(s.owner), value(s.epoch), value(static_cast<int>(s.state)),
                           value(s.next_owner)});
  store_shards_.run(all);
}

} // namespace beckon::storage::mysql
