#pragma once

#include "storage/mysql/pool.hpp"
#include "storage/mysql/replicas.hpp"

#include <memory>

namespace beckon::storage::mysql {

/// The connections to one database and its replicas, shared by its store and their sessions.
struct database_connections {
  explicit database_connections(const mysql_options& o)
      : options(std::make_shared<const mysql_options>(o)),
        primary(options, "primary"),
        replicas(options, primary) {}

  std::shared_ptr<const mysql_options> options;
  connection_pool primary;
  replica_watch replicas;
};

/// A session that takes a connection for each call. This decides whether it may write.
std::unique_ptr<session> make_session(std::shared_ptr<database_connections> connections, bool writes);

} // namespace beckon::storage::mysql
