#include "actors/work/reader_pool.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>

#include <utility>

namespace beckon::actors {

const char* reader_pool_state::name = "reader_pool";

void reader_pool_state::refuse(const read_ask& ask, work_error error) {
  auto result = std::make_shared<read_result>();
  result->token = ask.token;
  result->error = std::move(error);
  self->send(ask.client, read_result_ptr{std::move(result)});
}

void reader_pool_state::enqueue(read_ask_ptr ask) {
  if (!queue.push(std::move(ask), 0)) {
    node->metrics->read_overloads->Increment();
    refuse(*ask, {work_error::kind::overloaded, {}, "the queue of the readers is full"});
    return;
  }
  pump();
}

void reader_pool_state::pump() {
  for (uint32_t i = 0; i < lanes.size() && !queue.empty(); ++i) {
    auto& l = lanes[i];
    if (!l.reader || !l.in_flight.empty())
      continue;
    l.in_flight = queue.take({node->options.read_batch_max});
    auto batch = std::make_shared<read_batch>();
    batch->lane = i;
    batch->jobs.reserve(l.in_flight.size());
    for (auto& ask : l.in_flight)
      batch->jobs.push_back(std::move(ask->job));
    self->send(l.reader, read_atom::value, read_batch_ptr{std::move(batch)});
  }
  node->metrics->read_queue_jobs->Set(static_cast<double>(queue.size()));
}

void reader_pool_state::attach(uint32_t number, reader_actor reader) {
  self->monitor(reader);
  lanes[number].reader = std::move(reader);
  pump();
}

void reader_pool_state::detach(const caf::actor_addr& reader) {
  for (auto& l : lanes) {
    if (!l.reader || l.reader.address() != reader)
      continue;
    l.reader = nullptr;
    auto asks = std::exchange(l.in_flight, {});
    for (auto& ask : asks)
      refuse(*ask, {work_error::kind::store, storage::errc::unavailable,
                    "the reader died in the middle of its work"});
  }
}

void reader_pool_state::complete(read_batch_result& result) {
  auto asks = std::exchange(lanes[result.lane].in_flight, {});
  for (size_t i = 0; i < asks.size(); ++i) {
    auto one = std::make_shared<read_result>(std::move(result.results[i]));
    one->token = asks[i]->token;
    if (!one->error.ok())
      node->metrics->read_failures->Increment();
    self->send(asks[i]->client, read_result_ptr{std::move(one)});
  }
  pump();
}

reader_pool_actor::behavior_type reader_pool(reader_pool_state::self_pointer self, node_context_ptr node) {
  auto& st = self->state;
  st.self = self;
  st.node = std::move(node);
  st.lanes.resize(st.node->options.readers);
  st.queue = work_queue<read_ask_ptr>{{st.node->options.read_jobs_max}};
  self->set_down_handler([self](const caf::down_msg& down) { self->state.detach(down.source); });
  return {
      [self](read_atom, const read_ask_ptr& ask) { self->state.enqueue(ask); },
      [self](const read_batch_result_ptr& result) { self->state.complete(*result); },
      [self](attach_atom, uint32_t number, const reader_actor& reader) {
        self->state.attach(number, reader);
      },
  };
}

} // namespace beckon::actors
