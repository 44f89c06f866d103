#include "net/io_unit.hpp"

#include "net/quick_actor.hpp"

#include <caf/scheduled_actor.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

namespace beckon::net {

io_unit::~io_unit() {
  hand_over();
}

void io_unit::reset(const bounds& b) {
  left_ = b.runs_max;
  time_max_ = b.time_max;
  timed_ = false;
  runs_until_look_ = runs_per_look;
}

bool io_unit::admits(caf::resumable* ptr) const {
  return left_ > 0 && ptr->subtype() == caf::resumable::scheduled_actor
         && (!running_ || is_quick(*static_cast<caf::scheduled_actor*>(ptr)));
}

void io_unit::exec_later(caf::resumable* ptr) {
  if (!admits(ptr)) {
    system().scheduler().enqueue(ptr);
    return;
  }
  if (!running_) // it has not run yet, so no other thread changes its flags
    mark_quick(*static_cast<caf::scheduled_actor*>(ptr));
  --left_;
  waiting_.push_back(ptr);
}

void io_unit::run() {
  if (waiting_.empty())
    return;
  if (!timed_) {
    timed_ = true;
    until_ = clock::now() + time_max_;
  }
  running_ = true;
  while (!waiting_.empty()) {
    auto* r = waiting_.front();
    waiting_.pop_front();
    run_one(r);
    if (--runs_until_look_ > 0)
      continue;
    runs_until_look_ = runs_per_look;
    if (clock::now() >= until_) {
      left_ = 0;
      hand_over();
    }
  }
  running_ = false;
}

void io_unit::run_one(caf::resumable* r) {
  switch (r->resume(this, messages_max)) {
  case caf::resumable::resume_later:
    exec_later(r);
    break;
  case caf::resumable::awaiting_message:
  case caf::resumable::done:
    caf::intrusive_ptr_release(r);
    break;
  case caf::resumable::shutdown_execution_unit:
    break; // only for the scheduler's threads
  }
}

void io_unit::hand_over() {
  for (auto* r : waiting_)
    system().scheduler().enqueue(r);
  waiting_.clear();
}

} // namespace beckon::net
