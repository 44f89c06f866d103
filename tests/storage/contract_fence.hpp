#pragma once

// Writes that name the owner of their shard: part of the contract suite of a cluster, included by
// contract_cluster.hpp.

namespace beckon::storage::test {

namespace {

struct fence_steps : cluster_steps {
  std::unique_ptr<session> writer = of(store->open_writer());
  const std::string ann = user_of(0, 0);
  const std::string bob = user_of(0, 1);
  const incarnation_id us = join_active("us");
  const incarnation_id them = join_active("them");
  const fence ours{us, 1};

  fence_steps() {
    // The three users have shards of their own.
    CAF_REQUIRE(shard_of(ann) != shard_of(bob));
    give({shard_of(ann), shard_of(bob)}, us);
  }

  std::vector<write_status> write(const std::vector<write_job>& jobs) {
    std::vector<write_status> out;
    for (const auto& o : of(writer->write(jobs))) {
      CAF_CHECK(!o.error);
      out.push_back(o.status);
    }
    return out;
  }

  write_status write_one(write_job job) { return write({std::move(job)}).at(0); }

  static claim_write claim_as(const std::string& user, uint64_t version, fence held) {
    auto c = claim_with_answer(user, version, {"r-" + std::to_string(version), noon_ms, "{}"});
    c.held = held;
    return c;
  }

  user_row row(const std::string& user) { return of(writer->load_users({user})).at(0); }

  /// Gives ann's shard to another owner.
  void lose_ann() { CAF_REQUIRE_EQUAL(of(cluster->assign({{shard_of(ann), us, 1, them}})).size(), 1u); }
};

constexpr auto done = write_status::done;
constexpr auto fenced = write_status::fenced;

} // namespace

CAF_TEST_FIXTURE_SCOPE(contract_fence_tests, fence_steps)

CAF_TEST(a claim needs the shard) {
  CAF_CHECK(write_one(claim_as(ann, 0, ours)) == done);
  CAF_CHECK(write_one(claim_as(ann, 1, {us, 0})) == fenced);
  CAF_CHECK(write_one(claim_as(ann, 1, {us, 2})) == fenced);
  CAF_CHECK(write_one(claim_as(ann, 1, {them, 1})) == fenced);
  CAF_CHECK_EQUAL(row(ann).state, state_bytes(1));
  CAF_CHECK_EQUAL(of(writer->load_answer(ann, "r-1", 0)).value_or("none"), "none");
  CAF_CHECK_EQUAL(stats_text(*writer, "welcome"), "show a 1/1 ");
  CAF_CHECK(write_one(claim_as(ann, 1, ours)) == done);
}

CAF_TEST(a former owner of a shard cannot write and the new one can) {
  CAF_CHECK(write_one(claim_as(ann, 0, ours)) == done);
  lose_ann();
  CAF_CHECK(write_one(claim_as(ann, 1, ours)) == fenced);
  CAF_CHECK(write_one(claim_as(ann, 1, {us, 2})) == fenced);
  CAF_CHECK(write_one(claim_as(ann, 1, {them, 2})) == done);
  CAF_CHECK(write_one(claim_as(bob, 0, ours)) == done);
}

CAF_TEST(a shard that drains is still with its owner) {
  CAF_REQUIRE_EQUAL(of(cluster->begin_moves({{shard_of(ann), us, 1, them}}, 4)).size(), 1u);
  CAF_CHECK(write_one(claim_as(ann, 0, ours)) == done);
  CAF_CHECK(write_one(claim_as(ann, 1, {them, 1})) == fenced);
}

CAF_TEST(a job with an owner does not write an ownerless shard) {
  auto c = claim_as(user_of(0, 2), 0, ours);
  CAF_CHECK(write_one(c) == fenced);
  c.shard = 999;
  CAF_CHECK(write_one(c) == fenced);
}

CAF_TEST(a job that names no owner is not checked) {
  lose_ann();
  CAF_CHECK(write_one(claim_as(ann, 0, {})) == done);
  CAF_CHECK(write_one(claim_as(ann, 1, {0, 77})) == done);
  CAF_CHECK(write_one(event_batch_write{{impression("e-1", noon_ms, ann)}, {{shard_of(ann), {0, 5}}}})
            == done);
}

CAF_TEST(profiles and erasing need the shard too) {
  profile_write profile{shard_of(ann), ann, "{\"a\":1}", noon_ms, ours};
  user_erase erase{ann, shard_of(ann), ours};
  CAF_CHECK(write_one(profile) == done);
  lose_ann();
  profile.attributes = "{\"a\":2}";
  CAF_CHECK(write_one(profile) == fenced);
  CAF_CHECK(write_one(erase) == fenced);
  CAF_CHECK_EQUAL(row(ann).attributes, "{\"a\":1}");
  erase.held = {them, 2};
  CAF_CHECK(write_one(erase) == done);
  CAF_CHECK_EQUAL(row(ann).attributes, "");
}

CAF_TEST(each piece of an erasure needs the shard) {
  event_batch_write batch{{impression("e-1", noon_ms, ann), impression("e-2", noon_ms, ann)}, {}};
  CAF_CHECK(write_one(batch) == done);
  CAF_CHECK(write_one(user_erase{ann, shard_of(ann), ours, noon_ms, 1}) == done);
  lose_ann();
  CAF_CHECK(write_one(erase_piece{ann, shard_of(ann), ours}) == fenced);
  CAF_CHECK_EQUAL(of(writer->load_erasures("", 10)).size(), 1u);
  CAF_CHECK(event_ids(*writer, {}, 10).empty());
  CAF_CHECK(write_one(erase_piece{ann, shard_of(ann), {them, 2}}) == done);
  CAF_CHECK(of(writer->load_erasures("", 10)).empty());
  CAF_CHECK(event_ids(*writer, {}, 10).empty());
}

CAF_TEST(a batch of events needs all its shards) {
  event_batch_write batch{{impression("e-1", noon_ms, ann), impression("e-2", noon_ms, bob)},
                          {{shard_of(ann), ours}, {shard_of(bob), ours}}};
  lose_ann();
  CAF_CHECK(write_one(batch) == fenced);
  CAF_CHECK(event_ids(*writer, {}, 10).empty());
  CAF_CHECK_EQUAL(stats_text(*writer, "welcome"), "");
  batch.held[0].held = {them, 2};
  CAF_CHECK(write_one(batch) == done);
  CAF_CHECK_EQUAL(event_ids(*writer, {}, 10).size(), 2u);
}

CAF_TEST(of a group those go on that may) {
  lose_ann();
  CAF_CHECK((write({claim_as(bob, 0, ours), claim_as(ann, 0, ours), claim_as(bob, 1, ours),
                    event_batch_write{{impression("e-1", noon_ms, ann)}, {{shard_of(ann), ours}}},
                    event_batch_write{{impression("e-2", noon_ms, bob)}, {{shard_of(bob), ours}}},
                    user_erase{ann, shard_of(ann), ours}, claim_as(ann, 0, {them, 2}), claim_as(ann, 1, ours),
                    profile_write{shard_of(bob), bob, "{}", noon_ms, ours}})
             == std::vector<write_status>{done, fenced, done, fenced, done, fenced, done, fenced, done}));
  CAF_CHECK_EQUAL(row(bob).state, state_bytes(2));
  CAF_CHECK_EQUAL(row(bob).attributes, "{}");
  CAF_CHECK_EQUAL(row(ann).state, state_bytes(1));
  CAF_CHECK_EQUAL(event_ids(*writer, {}, 10), std::vector<std::string>{"e-2"});
  CAF_CHECK_EQUAL(stats_text(*writer, "welcome"), "impression a 1/1 show a 3/2 ");
}

CAF_TEST_FIXTURE_SCOPE_END()

} // namespace beckon::storage::test
