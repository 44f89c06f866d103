#define CAF_SUITE actors.gateway_routes

#include "tests/actors/members/gateway_fixture.hpp"

#include <prometheus/counter.h>

using namespace beckon;
using namespace beckon::actors;
using cluster::ask_result;
using cluster::shard_phase;

namespace {

struct fixture : actors::test::gateway_fixture {
  const std::string user_id = "u";
  const uint16_t shard = static_cast<uint16_t>(decision::shard_of(user_id));

  void ask_shard() {
    self->send(node->handles()->shards[shard], decide_atom::value, make_decide(user_id));
    consume_messages();
  }

  void say_moved(const cluster::decide_ask_frame& ask, storage::incarnation_id to, uint64_t epoch) {
    cluster::decide_answer_frame f;
    f.id = ask.id;
    f.result = ask_result::moved;
    f.route = {shard, to, epoch};
    reply({f});
  }

  cluster::decide_ask_frame decide_frame(uint64_t id) {
    cluster::decide_ask_frame f;
    f.id = id;
    f.epoch = 4;
    f.deadline_ms = in_time();
    f.request.user = user_id;
    f.request.placements = {"home"};
    return f;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(gateway_routes_tests, fixture)

CAF_TEST(an ask for a shard elsewhere goes there with the epoch that is known) {
  begin();
  connect();
  take_batches();
  order(shard, shard_phase::elsewhere, peer, 4);
  ask_shard();
  auto ask = take_frame<cluster::decide_ask_frame>();
  CAF_CHECK_EQUAL(ask.epoch, 4u);
  CAF_CHECK_EQUAL(ask.request.user, user_id);
}

CAF_TEST(an ask is answered at once although the gateway has ended that it should go through) {
  begin();
  connect();
  order(shard, shard_phase::elsewhere, peer, 4);
  caf::anon_send_exit(gate, caf::exit_reason::kill);
  consume_messages();
  ask_shard();
  auto answer = take<decide_answer_ptr>();
  CAF_REQUIRE(answer);
  CAF_CHECK(answer->status == ask_status::moving);
}

CAF_TEST(asks of a later version are refused one by one and the rest of the batch is served) {
  begin();
  connect();
  take_batches();
  order(shard, shard_phase::elsewhere, peer, 4); // so that the known ask has an answer at once
  cluster::user_ask_frame unknown;
  unknown.id = 7;
  unknown.user = user_id;
  unknown.deadline_ms = in_time();
  unknown.verb = static_cast<cluster::user_verb>(99);
  ++peer_sequence;
  reply({unknown, decide_frame(8)});
  std::vector<uint64_t> refused;
  std::vector<uint64_t> answered;
  for (const auto& b : take_batches())
    for (const auto& f : b.frames) {
      if (const auto* u = std::get_if<cluster::unsupported_frame>(&f))
        refused.push_back(u->id);
      if (const auto* d = std::get_if<cluster::decide_answer_frame>(&f))
        answered.push_back(d->id);
    }
  CAF_CHECK_EQUAL(refused, std::vector<uint64_t>{7});
  CAF_CHECK_EQUAL(answered, std::vector<uint64_t>{8});
  CAF_CHECK_EQUAL(context().metrics->skipped->Value(), 1.0);
}

CAF_TEST(an ask that an older peer does not know fails at once) {
  begin();
  connect();
  take_batches();
  order(shard, shard_phase::elsewhere, peer, 4);
  ask_shard();
  auto ask = take_frame<cluster::decide_ask_frame>();
  reply({cluster::unsupported_frame{ask.id}});
  auto answer = take<decide_answer_ptr>();
  CAF_REQUIRE(answer);
  CAF_CHECK(answer->status == ask_status::unavailable);
  CAF_CHECK_EQUAL(context().metrics->unsupported->Value(), 1.0);
}

CAF_TEST(a redirection that knows more is followed with the new epoch) {
  begin();
  connect();
  take_batches();
  order(shard, shard_phase::elsewhere, peer, 4);
  ask_shard();
  say_moved(take_frame<cluster::decide_ask_frame>(), 3, 5);
  CAF_REQUIRE_EQUAL(log.hints.size(), 1u);
  CAF_CHECK(log.hints[0].shard == shard && log.hints[0].owner == 3 && log.hints[0].epoch == 5);
  CAF_MESSAGE("the shard waits until it has heard of that epoch itself");
  CAF_CHECK(take_decide() == nullptr);
  order(shard, shard_phase::elsewhere, peer, 5);
  CAF_CHECK_EQUAL(take_frame<cluster::decide_ask_frame>().epoch, 5u);
  CAF_CHECK(take_decide() == nullptr);
}

CAF_TEST(a redirection that knows nothing new ends the ask) {
  for (auto where : {std::pair<uint64_t, uint64_t>{3, 4}, {3, 3}, {0, 9}}) {
    fixture f;
    f.begin();
    f.connect();
    f.take_batches();
    f.order(f.shard, shard_phase::elsewhere, peer, 4);
    f.ask_shard();
    f.say_moved(f.take_frame<cluster::decide_ask_frame>(), where.first, where.second);
    auto answer = f.take_decide();
    CAF_REQUIRE(answer != nullptr);
    CAF_CHECK(answer->status == ask_status::moving);
    CAF_CHECK(f.log.hints.empty());
  }
}

CAF_TEST(an ask is sent to so many owners and then given up) {
  begin();
  connect();
  take_batches();
  uint64_t epoch = 4;
  order(shard, shard_phase::elsewhere, peer, epoch);
  ask_shard();
  for (int i = 0; i < ask_way::sendings_max; ++i) {
    CAF_CHECK(take_decide() == nullptr);
    auto ask = take_frame<cluster::decide_ask_frame>();
    CAF_CHECK_EQUAL(ask.epoch, epoch);
    ++epoch;
    say_moved(ask, peer, epoch);
    order(shard, shard_phase::elsewhere, peer, epoch);
  }
  auto answer = take_decide();
  CAF_REQUIRE(answer != nullptr);
  CAF_CHECK(answer->status == ask_status::moving);
  for (const auto& b : take_batches())
    CAF_CHECK(b.frames.empty());
}

CAF_TEST(an ask of a peer is decided here and answered under its number) {
  begin();
  put_popup("p", R"({"max_shows":1})");
  connect();
  take_batches();
  CAF_MESSAGE("nothing is decided before the shard is here");
  ask_node(decide_frame(41));
  for (const auto& b : take_batches())
    CAF_CHECK(b.frames.empty());
  context().lease_until_ms = steady() + 5000;
  order(shard, shard_phase::serving, own, 4);
  auto answer = take_frame<cluster::decide_answer_frame>();
  CAF_CHECK_EQUAL(answer.id, 41u);
  // The memory store has no owner of this shard, so the claim is fenced: an answer, but no popup.
  CAF_CHECK(answer.result == ask_result::unavailable);
  CAF_CHECK_EQUAL(node->health.store.writable, true);
}

CAF_TEST(an ask whose time is over is not carried out) {
  begin();
  connect();
  take_batches();
  order(shard, shard_phase::serving, own, 4);
  auto late = decide_frame(41);
  late.deadline_ms = static_cast<uint32_t>(node->now_ms() - 1);
  ask_node(late);
  CAF_CHECK(take_batch().frames.empty());
  CAF_CHECK_EQUAL(node->metrics->shard(shard).taken.get(), 0u);
}

CAF_TEST(events for a shard that is elsewhere are not applied) {
  begin();
  connect();
  take_batches();
  auto owners = std::make_shared<ownership>();
  owners->self = own;
  owners->shards[shard] = {3, 8, {}};
  context().publish_owners(owners);
  cluster::events_ask_frame f;
  f.id = 9;
  f.deadline_ms = in_time();
  f.events = {make_event("e", decision::event_type::click, user_id, "p")};
  auto writes = faults.calls(storage::fault_plan::operation::write);
  ask_node(f);
  auto answer = take_frame<cluster::events_answer_frame>();
  CAF_CHECK(answer.id == 9 && answer.result == cluster::events_result::moved);
  CAF_CHECK(answer.route.shard == shard && answer.route.owner == 3 && answer.route.epoch == 8);
  CAF_CHECK_EQUAL(faults.calls(storage::fault_plan::operation::write), writes);
}

CAF_TEST(events whose fence does not hold are not applied) {
  begin();
  connect();
  take_batches();
  auto owners = std::make_shared<ownership>();
  owners->self = own;
  owners->shards[shard] = {own, 8, {}}; // the tables say otherwise
  context().publish_owners(owners);
  cluster::events_ask_frame f;
  f.id = 9;
  f.deadline_ms = in_time();
  f.events = {make_event("e", decision::event_type::click, user_id, "p")};
  ask_node(f);
  CAF_CHECK(take_frame<cluster::events_answer_frame>().result == cluster::events_result::not_now);
  auto session = store->open_reader();
  CAF_CHECK((*session)->load_events({}, {}, 10)->events.empty());
  CAF_CHECK_EQUAL(log.looks, 1u);
}

CAF_TEST(hints of a peer reach those whom they concern) {
  begin();
  connect();
  take_batches();
  ask_node(cluster::route_hint_frame{{shard, 3, 8}});
  CAF_REQUIRE_EQUAL(log.hints.size(), 1u);
  CAF_CHECK(log.hints[0].owner == 3 && log.hints[0].epoch == 8);
  auto reads = faults.calls(storage::fault_plan::operation::read);
  CAF_MESSAGE("a version that this node has already costs nothing");
  ask_node(cluster::catalog_hint_frame{0});
  CAF_CHECK_EQUAL(faults.calls(storage::fault_plan::operation::read), reads);
  CAF_MESSAGE("one that the store never had costs one look");
  ask_node(cluster::catalog_hint_frame{7});
  CAF_CHECK_EQUAL(faults.calls(storage::fault_plan::operation::read), reads + 1);
  self->send(gate, hint_atom::value, uint64_t{12});
  consume_messages();
  auto batches = take_batches();
  CAF_REQUIRE(!batches.empty() && !batches.back().frames.empty());
  CAF_CHECK_EQUAL(std::get<cluster::catalog_hint_frame>(batches.back().frames[0]).version, 12u);
}

CAF_TEST_FIXTURE_SCOPE_END()
