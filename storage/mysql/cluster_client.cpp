#include "storage/mysql/cluster_client.hpp"

#include "storage/mysql/cluster.hpp"
#include "storage/mysql/inspection.hpp"
#include "storage/sharded/cluster.hpp"

#include <string>
#include <utility>

namespace beckon::storage {

namespace {

caf::error check_tables(const mysql_options& o) {
  auto schema = inspect_mysql_schema(o);
  if (!schema)
    return std::move(schema.error());
  if (schema->version < 0)
    return make_error(errc::bad_options, schema->database
                                             + " has no tables of this program: no node ever started on "
                                               "it; check that [mysql] names the cluster's database");
  if (schema->version != schema->newest)
    return make_error(errc::bad_options,
                      schema->database + ": its tables have version " + std::to_string(schema->version)
                          + ", and this program works with version " + std::to_string(schema->newest)
                          + ": take the program of the version that runs there, or start a node of this one, "
                            "which brings them up to date");
  return {};
}

} // namespace

caf::expected<std::unique_ptr<cluster_store>> open_cluster_client(const mysql_options& catalog,
                                                                  const std::vector<mysql_options>& users,
                                                                  int64_t timeout_ms) {
  if (auto err = check_tables(catalog))
    return err;
  auto members = mysql::open_cluster(catalog, timeout_ms);
  if (!members || users.empty())
    return members;
  std::vector<std::unique_ptr<shard_table>> tables;
  for (const auto& o : users) {
    if (auto err = check_tables(o); err && code_of(err) != errc::unavailable)
      return err;
    auto table = mysql::open_shards(o, timeout_ms);
    if (!table)
      return std::move(table.error());
    tables.push_back(std::move(*table));
  }
  return make_sharded_cluster(std::move(*members), std::move(tables));
}

} // namespace beckon::storage
