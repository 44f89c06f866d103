#include "storage/size_bytes.hpp"

#include <variant>

namespace beckon::storage {

namespace {

constexpr size_t event_numbers = 64;
constexpr size_t job_overhead = 128;

struct texts_of {
  size_t operator()(const claim_write& w) const {
    auto n =
        w.user.size() + w.state.size() + (w.answer ? w.answer->body.size() + w.answer->request_id.size() : 0);
    for (const auto& s : w.shown)
      n += s.popup.size() + s.variant.size();
    return n;
  }
  size_t operator()(const event_batch_write& w) const {
    size_t n = 0;
    for (const auto& e : w.events)
      n += size_bytes(e);
    return n;
  }
  size_t operator()(const profile_write& w) const { return w.user.size() + w.attributes.size(); }
  size_t operator()(const user_erase& w) const { return w.user.size(); }
  size_t operator()(const erase_piece& w) const { return w.user.size(); }
  size_t operator()(const popup_write& w) const { return w.id.size() + w.document.size(); }
  size_t operator()(const popup_erase& w) const { return w.id.size(); }
  size_t operator()(const settings_write& w) const { return w.document.size(); }
  size_t operator()(const answers_prune&) const { return 0; }
  size_t operator()(const popup_mark& w) const {
    size_t n = 0;
    for (const auto& id : w.ids)
      n += id.size();
    return n;
  }
};

struct rows_of {
  size_t operator()(const claim_write&) const { return 1; }
  size_t operator()(const event_batch_write& w) const { return w.events.size(); }
  size_t operator()(const profile_write&) const { return 1; }
  size_t operator()(const user_erase& w) const { return w.limit; }
  size_t operator()(const erase_piece& w) const { return w.limit; }
  size_t operator()(const popup_write&) const { return 1; }
  size_t operator()(const popup_erase&) const { return 1; }
  size_t operator()(const settings_write&) const { return 1; }
  size_t operator()(const answers_prune& w) const { return w.limit; }
  size_t operator()(const popup_mark& w) const { return w.ids.size(); }
};

} // namespace

size_t size_bytes(const event_row& e) {
  return event_numbers + e.id.size() + e.name.size() + e.user.size() + e.popup.size() + e.variant.size()
         + e.decision_id.size() + e.properties.size();
}

size_t size_bytes(const write_job& job) {
  return job_overhead + std::visit(texts_of{}, job);
}

size_t size_rows(const write_job& job) {
  return std::visit(rows_of{}, job);
}

} // namespace beckon::storage
