#pragma once

#include "actors/context/messages.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/replies_to.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

/// Work on a store as messages: a client asks a pool for one job and gets one result; a pool gives a batch of
/// jobs to a worker and gets one report.
namespace beckon::actors {

/// What a job is for. A pool keeps its classes apart: each has its own queue and bounds, and lanes of its own
/// where the store can do several things at once.
enum class work_class : uint8_t {
  claims,      // and what else a person waits for: changes of profiles and of the catalogue
  events,      // accepted, or shipped from an outbox
  maintenance, // prunes, erasures
  users,       // reads of users, of remembered answers, of the catalogue
  exports,     // reads that go on page by page, and counters
};
constexpr size_t work_class_count = 5;

/// Which jobs must keep their order: jobs of one class and one key are done one after the other. Of a user it
/// is the shard, and the lane follows from it.
struct work_key {
  uint32_t value;
  explicit constexpr work_key(uint32_t v) : value(v) {}
};

/// For what belongs to no shard: changes of the catalogue keep their order among themselves.
constexpr work_key catalog_key{0};

/// Gets the result of a job that it asked for, with the token it gave. Exactly one result an ask, unless
/// lost_atom.
template <class Result>
using work_client_actor = caf::typed_actor<caf::reacts_to<std::shared_ptr<const Result>>>;

template <class Job, class Result>
struct work_ask {
  work_ask(work_key k, Job j, work_client_actor<Result> c, uint64_t t)
      : key(k), job(std::move(j)), client(std::move(c)), token(t) {}

  work_key key;
  Job job;
  work_client_actor<Result> client;
  uint64_t token;
  int64_t queued_ms = 0; // set by the pool
};

/// Jobs for one worker, done together where that is cheaper. No jobs: the worker checks its store.
template <class Job>
struct work_batch {
  uint32_t lane = 0;
  std::vector<Job> jobs;
};

/// What became of a batch: one result for each job, in their order.
template <class Result>
struct work_report {
  uint32_t lane = 0;
  std::vector<std::shared_ptr<Result>> results;
  /// What the batch showed of the store as a whole: an error when the store cannot be used now, ok when it
  /// can. Nothing: only single jobs, or one of several databases, failed.
  std::optional<work_error> store;
};

template <class Job, class Result>
using work_ask_ptr = std::shared_ptr<work_ask<Job, Result>>;
template <class Job>
using work_batch_ptr = std::shared_ptr<const work_batch<Job>>;
template <class Result>
using work_report_ptr = std::shared_ptr<work_report<Result>>;

/// One store session. Runs on: own thread. Blocks: yes, at most for the store's time-outs.
template <class Job, class Result>
using worker_actor =
    caf::typed_actor<typename caf::replies_to<work_batch_ptr<Job>>::template with<work_report_ptr<Result>>>;

} // namespace beckon::actors

namespace caf {

template <class Job, class Result>
struct allowed_unsafe_message_type<std::shared_ptr<beckon::actors::work_ask<Job, Result>>> : std::true_type {
};
template <class Job>
struct allowed_unsafe_message_type<std::shared_ptr<const beckon::actors::work_batch<Job>>> : std::true_type {
};
template <class Result>
struct allowed_unsafe_message_type<std::shared_ptr<beckon::actors::work_report<Result>>> : std::true_type {};

} // namespace caf
