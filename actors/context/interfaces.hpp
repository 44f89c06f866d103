#pragma once

#include "actors/context/messages.hpp"
#include "actors/context/work.hpp"
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
CAF_ADD_ATOM(beckon_actors, beckon::actors, late_atom, "late")   // something may have waited for too long
CAF_END_TYPE_ID_BLOCK(beckon_actors)

namespace beckon::actors {

/// Gives jobs to workers by credit: each lane has one worker with at most one batch in hand, made of what
/// gathered meanwhile. Jobs of one class and key keep their order. Runs on: scheduler. Blocks: no. Bounds:
/// jobs and bytes of each class in each lane, and how long a job may wait; beyond: overloaded, and nothing
/// happened to the job.
template <class Job, class Result>
using work_pool_actor = caf::typed_actor<
    // Queues one job.
    caf::reacts_to<work_ask_ptr<Job, Result>>,
    // A batch came back.
    caf::reacts_to<work_report_ptr<Result>>,
    // The worker of this lane is (again) there.
    caf::reacts_to<attach_atom, uint32_t /* lane */, worker_actor<Job, Result>>,
    // Checks the store when no report told how it is.
    caf::reacts_to<beat_atom, uint64_t /* which */>,
    // Refuses what has waited for too long.
    caf::reacts_to<late_atom>,
    // Takes no more jobs; answers when the queues are empty and each worker idle.
    typename caf::replies_to<stop_atom>::template with<stop_atom>>;

using write_client_actor = work_client_actor<write_result>;
using read_client_actor = work_client_actor<read_result>;
using write_ask_ptr = work_ask_ptr<storage::write_job, write_result>;
using read_ask_ptr = work_ask_ptr<read_job, read_result>;
using writer_actor = worker_actor<storage::write_job, write_result>;
using reader_actor = worker_actor<read_job, read_result>;
using writer_pool_actor = work_pool_actor<storage::write_job, write_result>;
using reader_pool_actor = work_pool_actor<read_job, read_result>;

/// Asks `pool` for a write on behalf of `self`, which gets the result with `token`.
template <class Self>
void ask_write(Self* self, const writer_pool_actor& pool, work_key key, storage::write_job job,
               uint64_t token = 0) {
  self->send(pool, std::make_shared<write_ask_ptr::element_type>(key, std::move(job), self, token));
}

/// The same for a read.
template <class Self>
void ask_read(Self* self, const reader_pool_actor& pool, work_key key, read_job job, uint64_t token = 0) {
  self->send(pool, std::make_shared<read_ask_ptr::element_type>(key, std::move(job), self, token));
}

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

/// Deletes the events of erased users that their erasure has left, piece by piece; in a cluster those of the
/// shards of this node. Runs on: scheduler. Blocks: no. Lost on a crash: nothing; the marks are in the store.
using eraser_actor = caf::typed_actor<
    // Looks for marks now and then.
    caf::reacts_to<beat_atom>,
    // A mark was made.
    caf::reacts_to<look_atom>,
    // A pause is over.
    caf::reacts_to<retry_atom>, caf::reacts_to<write_result_ptr>, caf::reacts_to<read_result_ptr>,
    caf::reacts_to<lost_atom>>;

/// Ships events from the outbox to the store in the order of arrival, one group at a time, each group in
/// parts by lane and by owner. Runs on: own thread. Blocks: yes, for the outbox's file. Bounds:
/// outbox.ship-events-max in a group, writers.batch-events-max in a part. Lost on a crash: nothing; what was
/// shipped twice counts once. No timer runs while the outbox is empty.
using outbox_shipper_actor = caf::typed_actor<
    // Something was appended to the outbox.
    caf::reacts_to<look_atom>,
    // Ships what has gathered, if nothing is under way.
    caf::reacts_to<beat_atom>,
    // Tries again after a failure; looks whether a group is overdue.
    caf::reacts_to<retry_atom, uint64_t /* which */>,
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
    // Restarts what is due.
    caf::reacts_to<beat_atom>,
    // Something about the node has changed: it may be ready now.
    caf::reacts_to<look_atom>,
    // Flushes the writers, then stops everybody.
    caf::replies_to<stop_atom>::with<stop_atom>>;

/// Where everybody is. Replaced as a whole when an actor was restarted.
struct node_handles {
  std::vector<user_shard_actor> shards; // decision::shard_count
  writer_pool_actor writers;
  writer_pool_actor
      event_writers; // takes accepted events: the outbox's pool, or `writers` where there is no outbox
  reader_pool_actor readers;
  catalog_cache_actor catalog;
  eraser_actor eraser;
  outbox_shipper_actor shipper; // null without an outbox
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
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::decision::catalog_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::shard_orders_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(beckon::actors::events_answer_ptr)
