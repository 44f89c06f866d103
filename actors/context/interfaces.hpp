#pragma once

#include "actors/context/messages.hpp"
#include "net/http_actors.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/replies_to.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

#include <memory>
#include <string>

/// The room of what all actors of a node share: typed interfaces, messages, options, metrics, and the table
/// of actors. It has no behaviours.
namespace beckon::actors {

using decide_ask_ptr = std::shared_ptr<const decide_ask>;
using decide_answer_ptr = std::shared_ptr<decide_answer>;
using user_ask_ptr = std::shared_ptr<const user_ask>;
using user_answer_ptr = std::shared_ptr<const user_answer>;
using changed_user_ptr = std::shared_ptr<const storage::changed_user>;
using catalog_ask_ptr = std::shared_ptr<const catalog_ask>;
using catalog_answer_ptr = std::shared_ptr<const catalog_answer>;
using write_result_ptr = std::shared_ptr<const write_result>;
using read_result_ptr = std::shared_ptr<const read_result>;

struct write_ask;
struct write_batch;
struct write_batch_result;
struct read_ask;
struct read_batch;
struct read_batch_result;
using write_ask_ptr = std::shared_ptr<write_ask>;
using write_batch_ptr = std::shared_ptr<const write_batch>;
using write_batch_result_ptr = std::shared_ptr<write_batch_result>;
using read_ask_ptr = std::shared_ptr<read_ask>;
using read_batch_ptr = std::shared_ptr<const read_batch>;
using read_batch_result_ptr = std::shared_ptr<read_batch_result>;

struct events_answer;
using events_answer_ptr = std::shared_ptr<const events_answer>;
struct shard_orders;
using shard_orders_ptr = std::shared_ptr<const shard_orders>;

struct node_handles;
using node_handles_ptr = std::shared_ptr<const node_handles>;

} // namespace beckon::actors

CAF_BEGIN_TYPE_ID_BLOCK(beckon_actors, beckon_net_last_type_id + 1)
CAF_ADD_ATOM(beckon_actors, beckon::actors, decide_atom, "decide")
CAF_ADD_ATOM(beckon_actors, beckon::actors, user_atom, "user")
CAF_ADD_ATOM(beckon_actors, beckon::actors, change_atom, "change") // change the catalogue
CAF_ADD_ATOM(beckon_actors, beckon::actors, adopt_atom, "adopt")   // use this snapshot from now on
CAF_ADD_ATOM(beckon_actors, beckon::actors, view_atom, "view")
CAF_ADD_ATOM(beckon_actors, beckon::actors, write_atom, "write")
CAF_ADD_ATOM(beckon_actors, beckon::actors, read_atom, "read")
CAF_ADD_ATOM(beckon_actors, beckon::actors, attach_atom, "attach") // here is a worker to give work to
CAF_ADD_ATOM(beckon_actors, beckon::actors, lost_atom,
             "lost") // a pool was restarted: its answers will not come
CAF_ADD_ATOM(beckon_actors, beckon::actors, start_atom, "start")
CAF_ADD_ATOM(beckon_actors, beckon::actors, stop_atom, "stop")
CAF_ADD_ATOM(beckon_actors, beckon::actors, beat_atom, "beat") // a periodic turn of one's own
CAF_ADD_ATOM(beckon_actors, beckon::actors, retry_atom, "retry")
CAF_ADD_ATOM(beckon_actors, beckon::actors, order_atom, "order") // what to do with a shard from now on
CAF_ADD_ATOM(beckon_actors, beckon::actors, hold_atom, "hold")   // asks were held for long enough
CAF_ADD_ATOM(beckon_actors, beckon::actors, look_atom, "look")   // something has changed elsewhere
CAF_END_TYPE_ID_BLOCK(beckon_actors)

namespace beckon::actors {

/// Gets the result of a write that it asked for, with the token it gave. Exactly one result an ask, unless
/// lost_atom.
using write_client_actor = caf::typed_actor<caf::reacts_to<write_result_ptr>>;

/// Gets the result of a read that it asked for, with the token it gave.
using read_client_actor = caf::typed_actor<caf::reacts_to<read_result_ptr>>;

/// One store session that writes. Runs on: own thread. Blocks: yes, at most for the store's time-outs.
using writer_actor = caf::typed_actor<
    // Runs the jobs as one durable transaction; one result a job, in their order. No jobs: checks that the
    // store can write.
    caf::replies_to<write_atom, write_batch_ptr>::with<write_batch_result_ptr>>;

/// Gives write jobs to the writers, by credit: each writer has at most one batch, made of what gathered
/// meanwhile. Runs on: scheduler. Blocks: no. Bounds: writers.queue-jobs-max, writers.queue-bytes-max;
/// beyond: overloaded.
using writer_pool_actor = caf::typed_actor<
    // Queues one job. Jobs of one shard keep their order.
    caf::reacts_to<write_atom, write_ask_ptr>,
    // A batch came back.
    caf::reacts_to<write_batch_result_ptr>,
    // Writer number `lane` is (again) there.
    caf::reacts_to<attach_atom, uint32_t /* lane */, writer_actor>,
    // Checks the store when no result told how it is.
    caf::reacts_to<beat_atom>,
    // Takes no more jobs; answers when the queue is empty and each writer idle.
    caf::replies_to<stop_atom>::with<stop_atom>>;

/// One store session that reads. Runs on: own thread. Blocks: yes, at most for the store's time-outs.
using reader_actor =
    caf::typed_actor<caf::replies_to<read_atom, read_batch_ptr>::with<read_batch_result_ptr>>;

/// Gives read jobs to whichever reader is idle; loads of users go in batches.
/// Runs on: scheduler. Blocks: no. Bounds: readers.queue-jobs-max; beyond: overloaded.
using reader_pool_actor =
    caf::typed_actor<caf::reacts_to<read_atom, read_ask_ptr>, caf::reacts_to<read_batch_result_ptr>,
                     caf::reacts_to<attach_atom, uint32_t /* lane */, reader_actor>>;

/// The current compiled catalogue: loads it once at start and pushes each new snapshot to the shards before
/// answering. Runs on: scheduler. Blocks: no. Bounds: limits.popups-max.
using catalog_cache_actor = caf::typed_actor<
    // The current view; null until it is loaded.
    caf::replies_to<view_atom>::with<catalog_view_ptr>,
    // Changes one popup or the settings, durably, then live on this node. Not safe to retry without a
    // revision.
    caf::replies_to<change_atom, catalog_ask_ptr>::with<catalog_answer_ptr>, caf::reacts_to<write_result_ptr>,
    caf::reacts_to<read_result_ptr>, caf::reacts_to<lost_atom>,
    // Another node raised the catalogue to this version: load it at once if it is newer.
    caf::reacts_to<look_atom, uint64_t>,
    // Tries to load again.
    caf::reacts_to<beat_atom>>;

/// Owner of the state and profile of one shard's users: a bounded cache in front of the store. Decides and
/// claims. Runs on: scheduler, or I/O thread (net::mark_quick). Blocks: no. Bounds: limits.shard-users-max,
/// user-waiting-max, shard-waiting-max; beyond: overloaded. Lost on a crash: the cache.
using user_shard_actor = caf::typed_actor<
    // Decides. A popup is in the answer only after its claim is durable. Safe to retry with a request id.
    caf::replies_to<decide_atom, decide_ask_ptr>::with<decide_answer_ptr>,
    // Reads or changes one user.
    caf::replies_to<user_atom, user_ask_ptr>::with<user_answer_ptr>,
    // A new catalogue; older versions than the current one are ignored.
    caf::reacts_to<adopt_atom, decision::catalog_ptr>,
    // Retry a charge that is still owed to the store.
    caf::reacts_to<retry_atom, std::string>,
    // Events changed a user's stored state.
    caf::reacts_to<changed_user_ptr>, //
    // In a cluster: serve, hand over, or send asks to the owner.
    caf::reacts_to<order_atom, shard_orders_ptr>, caf::reacts_to<hold_atom>, caf::reacts_to<write_result_ptr>,
    caf::reacts_to<read_result_ptr>, caf::reacts_to<lost_atom>>;

/// Drops remembered answers too old for a retry. Runs on: scheduler. Blocks: no.
using answer_pruner_actor = caf::typed_actor<caf::reacts_to<beat_atom>, caf::reacts_to<write_result_ptr>>;

/// Ships events from the outbox to the store in the order of arrival, one group at a time. Runs on: own
/// thread. Blocks: yes, for the outbox's file. Bounds: outbox.ship-events-max in one group. Lost on a crash:
/// nothing; what was shipped twice counts once.
using outbox_shipper_actor = caf::typed_actor<
    // Ships what waits, if nothing is under way.
    caf::reacts_to<beat_atom>,
    // The store took a part of a group, or could not; so did another node.
    caf::reacts_to<write_result_ptr>, caf::reacts_to<events_answer_ptr>,
    // The pool that had the group is gone.
    caf::reacts_to<lost_atom>,
    // Answers when nothing waits any more, or at the first failure: the rest stays on disk.
    caf::replies_to<stop_atom>::with<stop_atom>>;

/// Starts every long-lived actor, restarts what dies with a growing pause, stops in order. Runs on:
/// scheduler. Blocks: no.
using supervisor_actor = caf::typed_actor<
    // Answers when the catalogue is loaded and pushed to the shards.
    caf::replies_to<start_atom>::with<start_atom>,
    // Looks whether the catalogue is there; restarts what is due.
    caf::reacts_to<beat_atom>,
    // Flushes the writers, then stops everybody.
    caf::replies_to<stop_atom>::with<stop_atom>>;

struct write_ask {
  uint64_t token = 0;
  uint16_t shard = 0; // decides the writer: jobs of one shard keep their order
  storage::write_job job;
  write_client_actor client;
  int64_t queued_ms = 0; // set by the pool
};

struct write_batch {
  uint32_t lane = 0;
  std::vector<storage::write_job> jobs;
};

struct write_batch_result {
  uint32_t lane = 0;
  std::vector<work_error> errors;               // empty: all done
  std::vector<storage::write_outcome> outcomes; // one a job unless it failed
  bool only_parts_failed = false; // of a store of several databases: says nothing of the store as a whole
};

struct read_ask {
  uint64_t token = 0;
  read_job job;
  read_client_actor client;
};

struct read_batch {
  uint32_t lane = 0;
  std::vector<read_job> jobs;
};

struct read_batch_result {
  uint32_t lane = 0;
  std::vector<read_result> results; // one a job
};

/// The table of actors. Replaced as a whole when an actor was restarted.
struct node_handles {
  std::vector<user_shard_actor> shards; // decision::shard_count
  writer_pool_actor writers;
  writer_pool_actor
      event_writers; // takes accepted events: the outbox's pool, or `writers` where there is no outbox
  reader_pool_actor readers;
  catalog_cache_actor catalog;
};

} // namespace beckon::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::decide_ask_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::decide_answer_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::user_ask_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::user_answer_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::changed_user_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::catalog_ask_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::catalog_answer_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::catalog_view_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::write_result_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::read_result_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::write_ask_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::write_batch_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::write_batch_result_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::read_ask_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::read_batch_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::read_batch_result_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::decision::catalog_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::shard_orders_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::events_answer_ptr)
