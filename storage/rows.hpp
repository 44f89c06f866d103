#pragma once

#include "decision/user_state.hpp"

#include <caf/error.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The input and output of a store: plain values without behaviour. Times are Unix milliseconds.
namespace beckon::storage {

// -- writes: each is one job; a group of jobs is one transaction ---------------------------------

/// The owner and epoch of its shard under which a job was decided. If the shard has another owner or epoch
/// when the job runs, the job changes nothing (write_status::fenced). Owner 0: not checked.
struct fence {
  uint64_t owner = 0; // incarnation
  uint64_t epoch = 0;
};
struct shard_fence {
  uint16_t shard = 0;
  fence held;
};

/// One showing, for the counters: a popup and its variant ("" for none).
struct shown_popup {
  std::string popup;
  std::string variant;
};

/// The answer to remember under a request id, as sent to the client.
struct stored_answer {
  std::string request_id;
  int64_t at_ms = 0;
  std::string body;
};

/// Charges one user for the popups in one answer.
struct claim_write {
  uint16_t shard = 0;
  std::string user;
  uint64_t expected_version = 0; // of the stored state; 0: there is none
  uint64_t version = 0;          // of `state`
  int64_t next_eligible_ms = 0;  // also in `state`; a column so that people can read it
  std::string state;             // decision::encode()
  std::vector<shown_popup> shown;
  std::optional<stored_answer> answer;
  fence held = {};
};

/// An event as accepted. `properties` is compact JSON or empty.
struct event_row {
  std::string id;
  decision::event_type type = decision::event_type::impression;
  std::string name; // custom events only
  std::string user;
  std::string popup; // may be empty for custom events
  std::string variant;
  std::string decision_id;
  int64_t at_ms = 0;
  int64_t received_ms = 0;
  std::string properties;
  int64_t seq = 0; // from a store: its number in the order of arrival; ignored by a store
};

/// Stores the events whose id is new, counts them, and applies them to the users' states, all or nothing. An
/// event about a popup that never existed changes no state, because made-up ids would fill it; one about an
/// erased popup does. An unreadable state stays as it is, and the outcome reports it.
struct event_batch_write {
  std::vector<event_row> events;
  std::vector<shard_fence> held = {}; // of the events' users, by shard; empty: not checked
};

/// Replaces a user's profile (a JSON object of attributes).
struct profile_write {
  uint16_t shard = 0;
  std::string user;
  std::string attributes;
  int64_t at_ms = 0;
  fence held = {};
};

/// How many events of an erased user one transaction deletes at most: with a page or two to touch for each,
/// it holds up the jobs behind it for some milliseconds.
constexpr uint32_t erased_events_per_piece = 500;

/// Erases profile, state and remembered answers of a user, takes what the user counted out of the counters,
/// and deletes at most `limit` events. When there may be more it marks the user: from then on no event that
/// was stored before is listed, and erase_piece deletes the rest. Events that are stored later belong to a
/// new life of the user and stay.
struct user_erase {
  std::string user;
  uint16_t shard = 0;
  fence held = {};
  int64_t at_ms = 0;
  uint32_t limit = erased_events_per_piece;
};

/// Looks at no more than `limit` (at least 1) further events of a marked user, deletes those from before the
/// mark, and takes the mark away when it has come to the end. not_found: the user is not marked.
struct erase_piece {
  std::string user;
  uint16_t shard = 0;
  fence held = {};
  uint32_t limit = erased_events_per_piece;
};

/// Writes a new revision of a popup, one more than the last this id ever had.
struct popup_write {
  std::string id;
  std::optional<uint64_t> expected_revision; // 0: must not exist; absent: any
  std::string document;                      // compact JSON
  int64_t at_ms = 0;
  bool must_exist = false; // conflict unless there is a live popup with this id, of any revision
};

struct popup_erase {
  std::string id;
  std::optional<uint64_t> expected_revision;
  int64_t at_ms = 0;
};

/// Registers ids as those of erased popups, so that events about them change states. This informs user
/// databases about a catalogue in another database. Known ids stay as they are.
struct popup_mark {
  std::vector<std::string> ids;
  int64_t at_ms = 0;
};

struct settings_write {
  std::string document; // compact JSON
  std::optional<uint64_t> expected_revision;
};

/// Drops remembered answers older than this moment, at most `limit`.
struct answers_prune {
  int64_t before_ms = 0;
  uint32_t limit = 1000;
};

using write_job = std::variant<claim_write, event_batch_write, profile_write, user_erase, popup_write,
                               popup_erase, settings_write, answers_prune, popup_mark, erase_piece>;

// -- outcomes, in the order of the jobs -----------------------------------------------------------

enum class write_status : uint8_t {
  done,
  conflict,  // the expected version or revision is not the stored one; this job changed nothing
  not_found, // nothing to erase; this job changed nothing
  fenced,    // the shard is not owned as the job says; this job changed nothing
};

/// A user whose stored state was changed by an event batch.
struct changed_user {
  std::string user;
  uint64_t version = 0;
  std::string state;
};

struct write_outcome {
  caf::error error; // set only if this job's database failed and others did not; then the rest is invalid
  write_status status = write_status::done;
  uint64_t revision = 0;          // popup and settings writes: the new (or, on conflict, the stored) one
  uint64_t catalog_version = 0;   // popup and settings writes: the new one
  bool existed = false;           // popup writes: whether there was a live popup of this id before
  uint32_t duplicates = 0;        // event batches: ids that were there already
  uint32_t affected = 0;          // prune, erase_piece: rows dropped
  bool more = false;              // user_erase, erase_piece: the user is marked, and events may be left
  uint32_t unreadable_states = 0; // event batches: users whose state could not be read, and so did not move
  std::string unreadable_user;    // one of them, for the log
  std::vector<changed_user> changed; // event batches
};

// -- reads -----------------------------------------------------------------------------------------

struct user_row {
  std::string user;
  std::string state;      // empty: none stored
  std::string attributes; // empty: no profile stored
  caf::error error = {};  // set only if this user's database failed and others did not
};

/// The mark of a user whose old events are being deleted.
struct erasure_row {
  std::string user;
  uint16_t shard = 0;
  int64_t begun_ms = 0; // of the last erasure of this user
};

struct popup_row {
  std::string id;
  uint64_t revision = 0;
  std::string document;
  int64_t created_ms = 0;
  int64_t updated_ms = 0;
};

struct catalog_rows {
  uint64_t version = 0;          // grows by one with each popup or settings write
  std::vector<popup_row> popups; // sorted by id, without erased ones
  std::string settings;          // empty: never set
  uint64_t settings_revision = 0;
};

/// Counters of one popup and variant ("" for none). `shows` come from claims, the rest from events.
struct stat_row {
  std::string variant;
  std::string kind; // "show", "impression", "click", "dismiss", "convert", "custom"
  uint64_t total = 0;
  uint64_t users = 0;
};

struct event_filter {
  std::optional<int64_t> since_ms; // at >= since
  std::optional<int64_t> until_ms; // at < until
  std::string user;                // empty: any
  std::string popup;
  std::optional<decision::event_type> type;
};

/// Where a listing of events continues: ordered by (at, arrival).
struct event_cursor {
  int64_t at_ms = INT64_MIN;
  int64_t seq = 0;
};

struct event_page {
  std::vector<event_row> events;
  event_cursor next; // meaningful unless `last`
  bool last = false; // no page follows
};

} // namespace beckon::storage
