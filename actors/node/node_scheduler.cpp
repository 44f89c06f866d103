#include "actors/node/node_scheduler.hpp"

#include <caf/detail/set_thread_name.hpp>

namespace beckon::actors {

// -- sparing_clock --------------------------------------------------------------------------------

void sparing_clock::note(caf::abstract_actor* self) {
  std::lock_guard<std::mutex> guard{mutex_};
  actors_.insert(self);
  noted_ = actors_.size();
}

void sparing_clock::set_ordinary_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                                         uint64_t id) {
  note(self);
  super::set_ordinary_timeout(t, self, type, id);
}

void sparing_clock::set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                                      uint64_t id) {
  note(self);
  super::set_multi_timeout(t, self, type, id);
}

void sparing_clock::set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) {
  note(self);
  super::set_request_timeout(t, self, id);
}

// An actor sets its time-outs and ends on the thread that runs it, never on two at once, so its note is
// visible.
void sparing_clock::cancel_timeouts(caf::abstract_actor* self) {
  if (noted_ == 0)
    return;
  {
    std::lock_guard<std::mutex> guard{mutex_};
    if (actors_.erase(self) == 0)
      return;
    noted_ = actors_.size();
  }
  ++wakes_;
  super::cancel_timeouts(self);
}

// -- node_scheduler -------------------------------------------------------------------------------

caf::actor_system::module* node_scheduler::make(caf::actor_system& system, caf::detail::type_list<>) {
  return new node_scheduler(system);
}

void node_scheduler::start() {
  super::start();
  timer_ = std::thread{[this] {
    caf::detail::set_thread_name("beckon.clock");
    system().thread_started();
    clock_.run_dispatch_loop();
    system().thread_terminates();
  }};
}

void node_scheduler::stop() {
  super::stop();
  clock_.cancel_dispatch_loop();
  timer_.join();
}

} // namespace beckon::actors
