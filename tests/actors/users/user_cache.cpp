#define CAF_SUITE actors.user_cache

#include "actors/users/user_cache.hpp"

#include <caf/test/dsl.hpp>

using namespace beckon::actors;

CAF_TEST(the least recently used user goes first) {
  user_cache cache{2};
  size_t evicted = 0;
  cache.use("a", evicted);
  cache.use("b", evicted);
  cache.use("a", evicted);
  CAF_CHECK_EQUAL(evicted, 0u);
  cache.use("c", evicted);
  CAF_CHECK_EQUAL(evicted, 1u);
  CAF_CHECK(cache.find("a") && cache.find("c") && !cache.find("b"));
}

CAF_TEST(busy users stay) {
  user_cache cache{1};
  size_t evicted = 0;
  cache.use("a", evicted).work = std::make_unique<user_work>();
  cache.use("b", evicted);
  CAF_CHECK_EQUAL(evicted, 0u);
  cache.find("a")->work.reset();
  cache.use("c", evicted);
  CAF_CHECK_EQUAL(evicted, 2u);
  CAF_CHECK(cache.find("c"));
  CAF_CHECK_EQUAL(cache.size(), 1u);
}

CAF_TEST(erasing any place keeps the order whole) {
  user_cache cache{3};
  size_t evicted = 0;
  for (const char* u : {"a", "b", "c"})
    cache.use(u, evicted);
  cache.erase("b");
  cache.erase("nobody");
  cache.use("d", evicted);
  cache.use("e", evicted);
  CAF_CHECK(!cache.find("a"));
  CAF_CHECK(cache.find("c") && cache.find("d") && cache.find("e"));
}
