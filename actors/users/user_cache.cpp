#include "actors/users/user_cache.hpp"

namespace beckon::actors {

namespace {

// Busy users are skipped. Examining more than this many per insertion would stall each ask.
constexpr size_t eviction_looks_max = 16;

} // namespace

user_entry* user_cache::find(const std::string& user) {
  auto i = entries_.find(user);
  return i == entries_.end() ? nullptr : &i->second;
}

user_entry& user_cache::use(const std::string& user, size_t& evicted) {
  auto [i, fresh] = entries_.try_emplace(user);
  auto& e = i->second;
  if (fresh)
    e.user = &i->first;
  else
    unlink(e);
  link_newest(e);
  evicted = fresh ? shrink(&e) : 0;
  return e;
}

void user_cache::erase(const std::string& user) {
  auto i = entries_.find(user);
  if (i == entries_.end())
    return;
  unlink(i->second);
  entries_.erase(i);
}

void user_cache::clear() {
  entries_.clear();
  newest_ = oldest_ = nullptr;
}

void user_cache::unlink(user_entry& e) {
  (e.newer ? e.newer->older : newest_) = e.older;
  (e.older ? e.older->newer : oldest_) = e.newer;
  e.newer = e.older = nullptr;
}

void user_cache::link_newest(user_entry& e) {
  e.older = newest_;
  if (newest_)
    newest_->newer = &e;
  newest_ = &e;
  if (!oldest_)
    oldest_ = &e;
}

size_t user_cache::shrink(const user_entry* keep) {
  size_t evicted = 0;
  auto* e = oldest_;
  for (size_t looked = 0; entries_.size() > users_max_ && e && looked < eviction_looks_max; ++looked) {
    auto* next = e->newer;
    if (e != keep && !e->busy()) {
      unlink(*e);
      entries_.erase(entries_.find(*e->user));
      ++evicted;
    }
    e = next;
  }
  return evicted;
}

} // namespace beckon::actors
