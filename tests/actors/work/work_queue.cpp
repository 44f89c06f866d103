#define CAF_SUITE actors.work_queue

#include "actors/work/work_queue.hpp"

#include <caf/test/dsl.hpp>

using beckon::actors::work_queue;

namespace {

std::vector<int> take(work_queue<int>& q, work_queue<int>::bounds most) {
  work_queue<int>::batch b;
  q.take(b, most);
  return b.items;
}

} // namespace

CAF_TEST(items leave in order within both bounds) {
  work_queue<int> q{{10, 100}};
  for (int i = 0; i < 5; ++i)
    CAF_CHECK(q.push(int{i}, 20));
  CAF_CHECK(!q.push(5, 1));
  CAF_CHECK((take(q, {2, 1000}) == std::vector<int>{0, 1}));
  CAF_CHECK((take(q, {10, 45}) == std::vector<int>{2, 3}));
  CAF_CHECK_EQUAL(q.bytes(), 20u);
  CAF_CHECK((take(q, {10, 1}) == std::vector<int>{4}));
  CAF_CHECK(take(q, {10, 1}).empty());
}

CAF_TEST(the number of items is bounded) {
  work_queue<int> q{{2}};
  CAF_CHECK(q.push(1, 0));
  CAF_CHECK(q.push(2, 0));
  CAF_CHECK(!q.push(3, 0));
  take(q, {1});
  CAF_CHECK(q.push(3, 0));
}

CAF_TEST(an item beyond the byte bound is taken by an empty queue only) {
  work_queue<int> q{{10, 100}};
  CAF_CHECK(q.push(1, 1000));
  CAF_CHECK(!q.push(2, 1));
  CAF_CHECK((take(q, {10, 100}) == std::vector<int>{1}));
  CAF_CHECK(q.push(2, 1));
}

CAF_TEST(a batch is bounded in rows and goes on with what another queue gives) {
  work_queue<int> q{{10}};
  work_queue<int> other{{10}};
  q.push(1, 10, 3);
  q.push(2, 10, 3);
  other.push(3, 10, 2);
  other.push(4, 10, 9);
  work_queue<int>::batch b;
  q.take(b, {10, 1000, 5});
  other.take(b, {10, 1000, 5});
  CAF_CHECK((b.items == std::vector<int>{1, 3}));
  CAF_MESSAGE("one that is too large goes alone");
  CAF_CHECK((take(other, {10, 1000, 5}) == std::vector<int>{4}));
}
