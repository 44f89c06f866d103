#pragma once

#include "actors/catalog/catalog_cache.hpp"
#include "actors/node/configured_options.hpp"
#include "actors/users/user_shard.hpp"
#include "actors/work/reader.hpp"
#include "actors/work/work_plan.hpp"
#include "actors/work/work_pool.hpp"
#include "actors/work/writer.hpp"
#include "decision/hash.hpp"
#include "tests/support/faulty_store.hpp"
#include "tests/support/memory_store.hpp"

#include <caf/test/dsl.hpp>
#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include <memory>
#include <string>
#include <vector>

namespace beckon::actors::test {

struct system_config : caf::actor_system_config {
  system_config() {
    add_message_types<caf::id_block::beckon_net>();
    add_message_types<caf::id_block::beckon_actors>();
  }
};

/// Unix time of the tests; moved by hand.
inline int64_t& clock_ms() {
  static int64_t now = 1'800'000'000'000;
  return now;
}

/// The actors of one node under CAF's deterministic scheduler, on a store whose faults the test plans. The
/// workers run on the scheduler as well, so that every step is the test's.
struct node_fixture : test_coordinator_fixture<system_config> {
  storage::fault_plan faults;
  storage::store_ptr store = storage::make_faulty_store(storage::make_memory_store(), faults);
  node_context_ptr node = std::make_shared<node_context>();

  void start(const node_options& options = options_from(config::configuration{})) {
    node->options = options;
    node->options.readers = 1;
    node->metrics = std::make_shared<node_metrics>(std::make_shared<prometheus::Registry>());
    node->now_ms = [] { return clock_ms(); };
    auto table = std::make_shared<node_handles>();
    for (uint16_t i = 0; i < decision::shard_count; ++i)
      table->shards.push_back(sys.spawn(user_shard, node, i));
    table->writers = sys.spawn(writer_pool, node, store_plan(*node));
    table->event_writers = table->writers;
    table->readers = sys.spawn(reader_pool, node, read_plan(*node));
    table->catalog = sys.spawn(catalog_cache, node);
    node->publish(table);
    for (uint32_t lane = 0; lane < store_plan(*node).lanes.size(); ++lane)
      self->send(table->writers, attach_atom::value, lane,
                 sys.spawn(writer, writes_to(store), &node->metrics->store_pool));
    for (uint32_t lane = 0; lane < read_plan(*node).lanes.size(); ++lane)
      self->send(table->readers, attach_atom::value, lane,
                 sys.spawn(reader, store, &node->metrics->read_pool));
    consume_messages();
  }

  void stop() {
    if (auto table = node->handles()) {
      for (const auto& shard : table->shards)
        caf::anon_send_exit(shard, caf::exit_reason::kill);
      caf::anon_send_exit(table->writers, caf::exit_reason::kill);
      caf::anon_send_exit(table->readers, caf::exit_reason::kill);
      caf::anon_send_exit(table->catalog, caf::exit_reason::kill);
    }
    consume_messages();
    node->publish(nullptr);
  }

  ~node_fixture() { stop(); }

  user_shard_actor owner(const std::string& user) {
    return node->handles()->shards[decision::shard_of(user)];
  }

  /// Changes the catalogue and waits until the change is live.
  catalog_answer_ptr change(catalog_operation op, const std::string& id, const std::string& document) {
    auto ask = std::make_shared<catalog_ask>();
    ask->operation = op;
    ask->id = id;
    ask->document = document;
    return ask_and_wait<catalog_answer_ptr>(node->handles()->catalog, change_atom::value,
                                            catalog_ask_ptr{ask});
  }

  void put_popup(const std::string& id, const std::string& frequency = "{}") {
    auto answer =
        change(catalog_operation::put_popup, id,
               R"({"id":")" + id + R"(","status":"live","placements":["home"],"content":{"t":1},"frequency":)"
                   + frequency + "}");
    CAF_REQUIRE(answer->what == catalog_answer::status::created
                || answer->what == catalog_answer::status::done);
  }

  static decide_ask_ptr make_decide(const std::string& user, const std::string& request_id = "") {
    auto ask = std::make_shared<decide_ask>();
    ask->request.user = user;
    ask->request.placements = {"home"};
    ask->request_id = request_id;
    return ask;
  }

  void send_decide(const std::string& user, const std::string& request_id = "") {
    self->send(owner(user), decide_atom::value, make_decide(user, request_id));
  }

  decide_answer_ptr take_decide() {
    decide_answer_ptr got;
    self->receive([&](const decide_answer_ptr& a) { got = a; }, caf::after(std::chrono::seconds{0}) >> [] {});
    return got;
  }

  decide_answer_ptr decide(const std::string& user, const std::string& request_id = "") {
    send_decide(user, request_id);
    consume_messages();
    auto answer = take_decide();
    CAF_REQUIRE(answer != nullptr);
    return answer;
  }

  decision::reason why(const decide_answer_ptr& a) { return a->what.placements.at(0).why; }
  bool shows(const decide_answer_ptr& a) { return a->what.placements.at(0).popup != nullptr; }

  user_answer_ptr user(user_operation op, const std::string& id, const std::string& document = "") {
    auto ask = std::make_shared<user_ask>();
    ask->operation = op;
    ask->user = id;
    ask->document = document;
    return ask_and_wait<user_answer_ptr>(owner(id), user_atom::value, user_ask_ptr{ask});
  }

  write_result_ptr store_events(const std::vector<storage::event_row>& rows) {
    write_result_ptr got;
    // With an argument: CAF's spawn of a function without any dereferences a null pointer, which UBSan
    // reports.
    auto collect = [](write_client_actor::pointer,
                      write_result_ptr* out) -> write_client_actor::behavior_type {
      return {[out](const write_result_ptr& r) { *out = r; }};
    };
    auto client = sys.spawn(collect, &got);
    work_key key{decision::shard_of(rows.front().user)};
    self->send(node->handles()->writers, std::make_shared<write_ask_ptr::element_type>(
                                             key, storage::event_batch_write{rows}, client, uint64_t{0}));
    consume_messages();
    CAF_REQUIRE(got != nullptr);
    return got;
  }

  static storage::event_row make_event(const std::string& id, decision::event_type type,
                                       const std::string& user, const std::string& popup) {
    storage::event_row e;
    e.id = id;
    e.type = type;
    e.user = user;
    e.popup = popup;
    e.at_ms = e.received_ms = clock_ms();
    return e;
  }

  template <class Answer, class Handle, class... Ts>
  Answer ask_and_wait(const Handle& dest, Ts&&... xs) {
    Answer got;
    self->send(dest, std::forward<Ts>(xs)...);
    consume_messages();
    self->receive([&](const Answer& a) { got = a; }, caf::after(std::chrono::seconds{0}) >> [] {});
    CAF_REQUIRE(got != nullptr);
    return got;
  }
};

} // namespace beckon::actors::test
