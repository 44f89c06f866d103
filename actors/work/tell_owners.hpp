#pragma once

#include "actors/context/interfaces.hpp"
#include "actors/context/node_context.hpp"
#include "decision/hash.hpp"

#include <spdlog/spdlog.h>

#include <memory>

namespace beckon::actors {

/// The owners learn of a change before the client's answer leaves, so that its next decide sees it.
template <class Self>
void tell_owners(Self* self, const node_context& node, const char* pool, const write_result& result) {
  auto table = node.handles();
  for (const auto& changed : result.outcome.changed)
    self->send(table->shards[decision::shard_of(changed.user)],
               changed_user_ptr{std::make_shared<storage::changed_user>(changed)});
  if (result.outcome.unreadable_states != 0)
    spdlog::error("{}: the stored state of user '{}' cannot be read; its events are kept, but move no "
                  "state (users: {})",
                  pool, result.outcome.unreadable_user, result.outcome.unreadable_states);
}

template <class Self>
void tell_owners(Self*, const node_context&, const char*, const read_result&) {}

} // namespace beckon::actors
