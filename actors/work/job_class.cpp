#include "actors/work/job_class.hpp"

#include "storage/size_bytes.hpp"

#include <variant>

namespace beckon::actors {

namespace {

constexpr size_t read_overhead = 128;

struct class_of_write {
  work_class operator()(const storage::claim_write&) const { return work_class::claims; }
  work_class operator()(const storage::profile_write&) const { return work_class::claims; }
  work_class operator()(const storage::popup_write&) const { return work_class::claims; }
  work_class operator()(const storage::popup_erase&) const { return work_class::claims; }
  work_class operator()(const storage::settings_write&) const { return work_class::claims; }
  work_class operator()(const storage::event_batch_write&) const { return work_class::events; }
  work_class operator()(const storage::user_erase&) const { return work_class::maintenance; }
  work_class operator()(const storage::erase_piece&) const { return work_class::maintenance; }
  work_class operator()(const storage::answers_prune&) const { return work_class::maintenance; }
  work_class operator()(const storage::popup_mark&) const { return work_class::maintenance; }
};

struct class_of_read {
  work_class operator()(const load_users_job&) const { return work_class::users; }
  work_class operator()(const load_answer_job&) const { return work_class::users; }
  work_class operator()(const load_catalog_job&) const { return work_class::users; }
  work_class operator()(const load_erasures_job&) const { return work_class::exports; }
  work_class operator()(const load_stats_job&) const { return work_class::exports; }
  work_class operator()(const load_events_job&) const { return work_class::exports; }
};

struct texts_of_read {
  size_t operator()(const load_users_job& j) const { return j.user.size(); }
  size_t operator()(const load_answer_job& j) const { return j.user.size() + j.request_id.size(); }
  size_t operator()(const load_catalog_job&) const { return 0; }
  size_t operator()(const load_erasures_job& j) const { return j.after.size(); }
  size_t operator()(const load_stats_job& j) const { return j.popup.size(); }
  size_t operator()(const load_events_job& j) const { return j.filter.user.size() + j.filter.popup.size(); }
};

} // namespace

work_class class_of(const storage::write_job& job) {
  return std::visit(class_of_write{}, job);
}

work_class class_of(const read_job& job) {
  return std::visit(class_of_read{}, job);
}

size_t weight_of(const storage::write_job& job) {
  return storage::size_bytes(job);
}

size_t weight_of(const read_job& job) {
  return read_overhead + std::visit(texts_of_read{}, job);
}

size_t rows_of(const storage::write_job& job) {
  return storage::size_rows(job);
}

size_t rows_of(const read_job&) {
  return 1;
}

} // namespace beckon::actors
