#include "actors/work/eraser.hpp"

#include "actors/context/cluster_context.hpp"
#include "base/clock.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace beckon::actors {

namespace {

/// How soon the marks of a node that died, or whose shards moved, are found. Nothing of those users is shown
/// meanwhile, so it may take its time.
constexpr std::chrono::seconds look_interval{30};
constexpr int64_t retry_ms = 5000;
constexpr int64_t pause_max_ms = 1000;
constexpr uint32_t page_users = 100;
constexpr work_key marks_key{0};

} // namespace

const char* eraser_state::name = "eraser";

bool eraser_state::is_here(uint16_t shard) const {
  return !node->cluster || node->cluster->owners()->is_here(shard);
}

storage::fence eraser_state::fence_of(uint16_t shard) const {
  if (!node->cluster)
    return {};
  const auto owner = node->cluster->owners()->shards[shard];
  return {owner.incarnation, owner.epoch};
}

void eraser_state::look() {
  if (busy) {
    look_again = true;
    return;
  }
  open.clear();
  after.clear();
  load_page();
}

void eraser_state::load_page() {
  busy = true;
  ask_read(self, node->handles()->readers, marks_key, load_erasures_job{after, page_users}, ++token);
}

void eraser_state::marks_loaded(const read_result& result) {
  if (result.token != token)
    return;
  if (!result.error.ok()) {
    page_full = false;
    look_again = true;
    pause(retry_ms);
    return;
  }
  const auto& rows = std::get<std::vector<storage::erasure_row>>(result.value);
  page_full = rows.size() == page_users;
  if (page_full)
    after = rows.back().user;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(open),
               [this](const auto& row) { return row.shard < decision::shard_count && is_here(row.shard); });
  busy = false;
  go_on();
}

void eraser_state::go_on() {
  node->metrics->erasures_open->Set(static_cast<double>(open.size()));
  while (!open.empty() && !is_here(open.front().shard))
    open.pop_front(); // its new owner goes on
  if (!open.empty())
    send_piece();
  else if (page_full)
    load_page();
  else if (std::exchange(look_again, false))
    look();
}

void eraser_state::send_piece() {
  busy = true;
  asked_ms = base::steady_ms();
  const auto& next = open.front();
  ask_write(self, node->handles()->writers, work_key{next.shard},
            storage::erase_piece{next.user, next.shard, fence_of(next.shard)}, ++token);
}

void eraser_state::piece_done(const write_result& result) {
  if (result.token != token)
    return;
  auto done = std::move(open.front());
  open.pop_front();
  if (!result.error.ok()) {
    open.push_back(std::move(done)); // the others' turn: it may be this one alone that fails
    pause(retry_ms);
    return;
  }
  node->metrics->erased_events->Increment(result.outcome.affected);
  if (result.outcome.more)
    open.push_back(std::move(done));
  // As long as the piece took, so that half of the writer's time at least is for others.
  pause(std::clamp<int64_t>(base::steady_ms() - asked_ms, 1, pause_max_ms));
}

void eraser_state::pause(int64_t ms) {
  busy = true;
  self->delayed_send(self, std::chrono::milliseconds{ms}, retry_atom::value);
}

/// The result of what is under way will not come.
void eraser_state::lost() {
  ++token;
  look_again = true;
  busy = false;
  go_on();
}

eraser_actor::behavior_type eraser(eraser_state::self_pointer self, node_context_ptr node) {
  auto& st = self->state;
  st.self = self;
  st.node = std::move(node);
  self->send(self, beat_atom::value);
  return {
      [self](beat_atom) {
        self->delayed_send(self, look_interval, beat_atom::value);
        self->state.look();
      },
      [self](look_atom) { self->state.look(); },
      [self](retry_atom) {
        self->state.busy = false;
        self->state.go_on();
      },
      [self](const write_result_ptr& result) { self->state.piece_done(*result); },
      [self](const read_result_ptr& result) { self->state.marks_loaded(*result); },
      [self](lost_atom) { self->state.lost(); },
  };
}

} // namespace beckon::actors
