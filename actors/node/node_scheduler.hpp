#pragma once

#include <caf/actor_clock.hpp>
#include <caf/detail/thread_safe_actor_clock.hpp>
#include <caf/policy/work_sharing.hpp>
#include <caf/scheduler/coordinator.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <unordered_set>

namespace beckon::actors {

/// CAF's clock with one difference: when an actor ends, its time-outs are cancelled only if it ever had one.
/// CAF asks, and so wakes, its clock's thread for each actor that ends, and here an actor ends with each
/// request.
///
/// An actor stays noted until it ends, even if its time-outs have fired or were cancelled: CAF does not
/// report when one fires, so a count per actor would be wrong, and a count that is too low would leave
/// time-outs behind. A noted actor costs a mutex when it ends, but few actors set time-outs, because the
/// broker keeps the deadlines of requests. Messages sent with a delay are not noted; CAF never cancels them.
/// Threadsafe.
class sparing_clock final : public caf::detail::thread_safe_actor_clock {
 public:
  using super = caf::detail::thread_safe_actor_clock;

  void set_ordinary_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                            uint64_t id) override;
  void set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type, uint64_t id) override;
  void set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) override;
  void cancel_timeouts(caf::abstract_actor* self) override;
  /// How often an ending actor had to wake the clock's thread.
  uint64_t wakes() const { return wakes_; }

 private:
  void note(caf::abstract_actor* self);

  std::atomic<size_t> noted_{0};
  std::atomic<uint64_t> wakes_{0};
  std::mutex mutex_; // guards `actors_`
  std::unordered_set<caf::abstract_actor*> actors_;
};

/// CAF's work-sharing scheduler with that clock. Measured: stealing workers sleep and poll, which costs more
/// than one shared queue on a few cores. The base class also starts its own clock's thread, which nobody
/// uses; it sleeps until stop().
class node_scheduler final : public caf::scheduler::coordinator<caf::policy::work_sharing> {
 public:
  using super = caf::scheduler::coordinator<caf::policy::work_sharing>;

  using super::super;
  static caf::actor_system::module* make(caf::actor_system& system, caf::detail::type_list<>);
  sparing_clock& clock() noexcept override { return clock_; }

 protected:
  void start() override;
  void stop() override;

 private:
  sparing_clock clock_;
  std::thread timer_;
};

} // namespace beckon::actors
