#include "storage/store.hpp"

namespace beckon::storage {

namespace {

caf::error no_cluster(const store& s) {
  return make_error(errc::bad_options,
                    s.describe() + " belongs to one node: a cluster needs storage.backend mysql");
}

} // namespace

caf::expected<std::unique_ptr<cluster_store>> store::open_cluster(int64_t) {
  return no_cluster(*this);
}

caf::expected<std::unique_ptr<shard_table>> store::open_shards(int64_t) {
  return no_cluster(*this);
}

} // namespace beckon::storage
