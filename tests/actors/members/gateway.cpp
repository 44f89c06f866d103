#define CAF_SUITE actors.gateway

#include "tests/actors/members/gateway_fixture.hpp"

using namespace beckon;
using namespace beckon::actors;
using cluster::ask_result;

namespace {

struct fixture : actors::test::gateway_fixture {
  /// As many asks as may go unconfirmed, each in a batch of its own.
  void use_up_credit() {
    for (size_t i = 0; i < context().options.batches_in_flight_max; ++i) {
      send_ask("first-" + std::to_string(i));
      consume_messages();
      CAF_REQUIRE_EQUAL(take_batch().frames.size(), 1u);
    }
  }

  cluster::decide_answer_frame answer_to(const cluster::decide_ask_frame& ask, ask_result result) {
    cluster::decide_answer_frame f;
    f.id = ask.id;
    f.result = result;
    if (result == ask_result::done)
      f.body = "{}";
    f.route.shard = static_cast<uint16_t>(decision::shard_of(ask.request.user));
    return f;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(gateway_tests, fixture)

// -- batches

CAF_TEST(what is asked at once goes in one batch and each answer finds its asker) {
  begin();
  connect();
  CAF_CHECK(log.links == std::vector<bool>{true});
  take_batches();
  for (const char* user : {"a", "b", "c"})
    send_ask(user);
  consume_messages();
  auto b = take_batch();
  CAF_CHECK(b.head.from == own && b.head.to == peer);
  CAF_REQUIRE_EQUAL(b.frames.size(), 3u);
  std::vector<cluster::frame> answers;
  for (auto i = b.frames.rbegin(); i != b.frames.rend(); ++i) {
    const auto& ask = std::get<cluster::decide_ask_frame>(*i);
    auto answer = answer_to(ask, ask_result::done);
    answer.body = "{\"for\":\"" + ask.request.user + "\"}";
    answers.push_back(answer);
  }
  reply(answers);
  for (const char* user : {"c", "b", "a"}) {
    auto got = take_decide();
    CAF_REQUIRE(got != nullptr);
    CAF_CHECK_EQUAL(got->ask->request.user, user);
    CAF_CHECK_EQUAL(got->body, std::string{"{\"for\":\""} + user + "\"}");
  }
}

CAF_TEST(asks gather while as many batches as may be are on their way) {
  begin();
  connect();
  take_batches();
  use_up_credit();
  for (const char* user : {"a", "b", "c"}) {
    send_ask(user);
    consume_messages();
  }
  CAF_CHECK(take_batches().empty());
  reply();
  auto b = take_batch();
  CAF_CHECK_EQUAL(b.frames.size(), 3u);
}

CAF_TEST(answers do not wait for a confirmation) {
  begin();
  put_popup("p");
  connect();
  take_batches();
  use_up_credit();
  auto shard = static_cast<uint16_t>(decision::shard_of("u"));
  order(shard, cluster::shard_phase::elsewhere, 3, 8);
  ++peer_sequence;
  cluster::decide_ask_frame ask;
  ask.id = 77;
  ask.deadline_ms = in_time();
  ask.request.user = "u";
  ask.request.placements = {"home"};
  // It confirms nothing of what came before.
  send_raw(batch_of({peer, own, peer_sequence, 0}, {ask}));
  auto answer = take_frame<cluster::decide_answer_frame>();
  CAF_CHECK_EQUAL(answer.id, 77u);
  CAF_CHECK(answer.result == ask_result::moved);
  CAF_CHECK(answer.route.owner == 3 && answer.route.epoch == 8 && answer.route.shard == shard);
}

CAF_TEST(a batch that only confirms is not confirmed) {
  begin();
  connect();
  take_batches();
  reply();
  CAF_CHECK(take_batches().empty());
  ask_node(cluster::look_hint_frame{});
  auto b = take_batch();
  CAF_CHECK(b.frames.empty());
  CAF_CHECK_EQUAL(b.head.acknowledged, peer_sequence);
  CAF_CHECK_EQUAL(log.looks, 1u);
}

// -- bounds and the ends of asks

CAF_TEST(beyond the bounds it is overloaded and nothing is sent) {
  cluster_options few = cluster_options_from(config::configuration{});
  few.gateway_asks_max = 2;
  begin(few);
  connect();
  take_batches();
  for (const char* user : {"a", "b", "c"})
    send_ask(user);
  send_user_ask("d");
  consume_messages();
  CAF_CHECK_EQUAL(take_batch().frames.size(), 2u);
  CAF_CHECK(take_decide()->status == ask_status::overloaded);
  CAF_CHECK(take<user_answer_ptr>()->status == ask_status::overloaded);
  CAF_CHECK(take_decide() == nullptr);
}

CAF_TEST(the bytes that wait are bounded) {
  cluster_options small = cluster_options_from(config::configuration{});
  small.gateway_bytes_max = 2000;
  begin(small);
  connect();
  take_batches();
  use_up_credit();
  size_t refused = 0;
  for (int i = 0; i < 40; ++i)
    send_ask(std::string(100, 'u'));
  consume_messages();
  while (auto a = take_decide())
    refused += a->status == ask_status::overloaded ? 1 : 0;
  CAF_CHECK(refused > 10 && refused < 40);
}

CAF_TEST(without a link everything is refused at once) {
  begin();
  send_ask("a");
  send_user_ask("b");
  consume_messages();
  CAF_CHECK(take_decide()->status == ask_status::unavailable);
  CAF_CHECK(take<user_answer_ptr>()->status == ask_status::unavailable);
}

CAF_TEST(an ask without an answer ends in time and a late answer is nothing) {
  begin();
  connect();
  take_batches();
  send_ask("a");
  consume_messages();
  auto ask = take_frame<cluster::decide_ask_frame>();
  CAF_CHECK_EQUAL(ask.deadline_ms,
                  static_cast<uint32_t>(node->now_ms() + context().options.forward_timeout_ms));
  reply();
  pass(context().options.forward_timeout_ms - 200);
  reply();
  CAF_CHECK(take_decide() == nullptr);
  pass(400);
  CAF_CHECK(take_decide()->status == ask_status::unavailable);
  reply({answer_to(ask, ask_result::done)});
  CAF_CHECK(take_decide() == nullptr);
}

CAF_TEST(a lost link fails whatever waits) {
  begin();
  connect();
  take_batches();
  events_answer_ptr told;
  auto collect = [](events_client_actor::pointer,
                    events_answer_ptr* out) -> events_client_actor::behavior_type {
    return {[out](const events_answer_ptr& a) { *out = a; }};
  };
  auto events = std::make_shared<events_ask>();
  events->token = 5;
  events->events = {make_event("e", decision::event_type::click, "u", "p")};
  events->client = sys.spawn(collect, &told);
  send_ask("a");
  send_user_ask("b");
  self->send(gate, events_ask_ptr{events});
  consume_messages();
  CAF_CHECK_EQUAL(take_batch().frames.size(), 3u);
  caf::anon_send_exit(link, caf::exit_reason::kill);
  consume_messages();
  CAF_CHECK((log.links == std::vector<bool>{true, false}));
  CAF_CHECK(take_decide()->status == ask_status::unavailable);
  CAF_CHECK(take<user_answer_ptr>()->status == ask_status::unavailable);
  CAF_REQUIRE(told != nullptr);
  CAF_CHECK(told->token == 5 && told->result == cluster::events_result::not_now && told->unreachable);
}

CAF_TEST(a gateway that goes leaves nobody waiting) {
  begin();
  connect();
  send_ask("a");
  consume_messages();
  caf::anon_send_exit(gate, caf::exit_reason::user_shutdown);
  send_user_ask("b");
  consume_messages();
  CAF_CHECK(take_decide()->status == ask_status::unavailable);
  CAF_CHECK(take<user_answer_ptr>()->status == ask_status::unavailable);
  CAF_MESSAGE("its last link is none of the map's business any more");
  CAF_CHECK(log.links == std::vector<bool>{true});
}

// -- silence

CAF_TEST(an idle link is kept alive and a silent one is given up) {
  begin();
  connect();
  take_batches();
  pass(1100);
  auto b = take_batch();
  CAF_CHECK(b.frames.empty());
  reply();
  pass(context().options.link_silence_ms - 500);
  CAF_CHECK(log.links == std::vector<bool>{true});
  pass(700);
  CAF_CHECK((log.links == std::vector<bool>{true, false}));
}

CAF_TEST(a peer that confirms nothing is given up although it talks) {
  begin();
  connect();
  take_batches();
  auto before = last_taken;
  send_ask("a");
  consume_messages();
  take_batches();
  last_taken = before;
  for (int i = 0; i < 8 && log.links.size() == 1; ++i) {
    pass(500);
    reply();
  }
  CAF_CHECK((log.links == std::vector<bool>{true, false}));
  CAF_MESSAGE("and what it says then does not bring the link back: it has to hear that it is gone");
  reply();
  CAF_CHECK_EQUAL(log.links.size(), 2u);
  take_batches();
  pass(2000);
  CAF_CHECK(take_batches().empty());
}

// -- what must not be believed

CAF_TEST(garbage and messages of other incarnations are counted and ignored) {
  begin();
  connect();
  take_batches();
  auto bad = context().metrics->bad_batches->Value();
  send_raw("");
  send_raw("not a batch");
  send_raw(batch_of({peer, 9, 1, 0}, {cluster::look_hint_frame{}}));
  send_raw(batch_of({9, own, 1, 0}, {cluster::look_hint_frame{}}));
  auto whole = batch_of({peer, own, 1, 0}, {cluster::look_hint_frame{}});
  send_raw(whole.substr(0, whole.size() - 1));
  CAF_CHECK_EQUAL(context().metrics->bad_batches->Value() - bad, 5);
  CAF_CHECK_EQUAL(log.looks, 0u);
  CAF_CHECK(take_batches().empty());
}

CAF_TEST(what an older link still brings does not spoil the numbers of the new one) {
  begin();
  connect();
  take_batches();
  peer_sequence = 57;
  auto late = batch_of({peer, own, 58, last_taken + 3}, {cluster::look_hint_frame{}});
  reply({cluster::look_hint_frame{}});
  CAF_CHECK_EQUAL(take_batch().head.acknowledged, 57u);
  connect();
  take_batches();
  send_raw(late);
  take_batches();
  CAF_MESSAGE("the peer's numbers go on, as a gateway's do");
  peer_sequence = 58;
  ask_node(cluster::look_hint_frame{});
  CAF_CHECK_EQUAL(take_batch().head.acknowledged, 59u);
  CAF_MESSAGE("and so do ours: as many batches as may be, then a confirmation is waited for");
  use_up_credit();
  send_ask("a");
  consume_messages();
  CAF_CHECK(take_batches().empty());
  reply();
  CAF_CHECK_EQUAL(take_batch().frames.size(), 1u);
}

CAF_TEST(numbers never come twice even when a gateway is made again) {
  begin();
  connect();
  take_batches();
  send_ask("a");
  consume_messages();
  auto first = take_frame<cluster::decide_ask_frame>();
  auto sent = last_taken;
  caf::anon_send_exit(gate, caf::exit_reason::kill);
  consume_messages();
  steady() += 1;
  gate = sys.spawn(gateway, node, own, peer, std::string{"peer"});
  connect();
  take_batches();
  send_ask("b");
  consume_messages();
  CAF_CHECK(take_frame<cluster::decide_ask_frame>().id > first.id);
  CAF_CHECK(last_taken > sent);
}

CAF_TEST_FIXTURE_SCOPE_END()
