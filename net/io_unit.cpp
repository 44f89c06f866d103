#include "net/io_unit.hpp"

#include <caf/scheduler/abstract_coordinator.hpp>

namespace beckon::net {

io_unit::~io_unit() {
  for (auto* r : waiting_)
    system().scheduler().enqueue(r);
}

void io_unit::exec_later(caf::resumable* ptr) {
  if (left_ == 0 || ptr->subtype() != caf::resumable::scheduled_actor) {
    system().scheduler().enqueue(ptr);
    return;
  }
  --left_;
  waiting_.push_back(ptr);
}

void io_unit::run() {
  while (!waiting_.empty()) {
    auto* r = waiting_.front();
    waiting_.pop_front();
    switch (r->resume(this, messages_max)) {
    case caf::resumable::resume_later:
      exec_later(r);
      break;
    case caf::resumable::awaiting_message:
    case caf::resumable::done:
      caf::intrusive_ptr_release(r);
      break;
    case caf::resumable::shutdown_execution_unit:
      break; // only ever meant for threads of the scheduler
    }
  }
}

} // namespace beckon::net
