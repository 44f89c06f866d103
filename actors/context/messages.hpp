#pragma once

#include "decision/decide.hpp"
#include "storage/error.hpp"
#include "storage/rows.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// The messages between actors: plain values behind shared pointers, never changed once sent, local to the
/// process.
namespace beckon::actors {

// -- decide ---------------------------------------------------------------------------------------

/// How an ask reached the shard of its user.
struct ask_way {
  uint64_t forwarded_id = 0;  // another node sent it here under this number; 0: it came by HTTP
  uint64_t epoch_known = 0;   // the newest epoch of the shard known to its sender
  uint64_t catalog_known = 0; // the sender's version of the catalogue
  uint8_t sendings = 0;       // how often it was sent to another node

  /// A wrong owner names the right one; after this many in a row the ask fails.
  static constexpr uint8_t sendings_max = 3;

  bool forwarded() const { return forwarded_id != 0; }
};

struct decide_ask {
  decision::decide_request request;
  std::string request_id = {}; // empty: none
  ask_way way = {};
};

enum class ask_status : uint8_t {
  done,
  unavailable, // the store did not answer or the claim was not stored: nothing shown, nothing counted
  overloaded,  // a bound was reached before anything happened: try again later
  moving,      // the shard is moving to another owner, and nothing happened: try again at once
  moved,       // never to a client: this node is not the owner, see `owner` and `epoch`
};

/// With ask_status::moved: the owner, as the asked node knows it.
struct moved_to {
  uint64_t owner = 0;
  uint64_t epoch = 0;
};

struct decide_answer {
  ask_status status = ask_status::done;
  std::shared_ptr<const decide_ask> ask;
  uint64_t catalog_version = 0;
  int64_t at_ms = 0; // the time of the decision
  std::string decision_id;
  decision::decision what;
  std::string body; // not empty: send exactly this answer (made with the claim, or replayed)
  moved_to moved = {};
};

// -- users
// --------------------------------------------------------------------------------------------------------

enum class user_operation : uint8_t { get, replace_profile, patch_profile, erase };

struct user_ask {
  user_operation operation = user_operation::get;
  std::string user;
  std::string document; // JSON object of attributes, for replace and patch; already checked
  ask_way way = {};
};

struct user_answer {
  ask_status status = ask_status::done;
  std::shared_ptr<const user_ask> ask;
  moved_to moved = {};
  bool found = false;        // whether anything about this user was stored
  bool created = false;      // replace: there was no profile before
  json::field_errors errors; // patch: the merged profile is invalid; nothing changed
  decision::user_state state;
  std::shared_ptr<const decision::attributes> profile; // null: none
};

// -- store work
// -----------------------------------------------------------------------------------------------------

/// Why work could not be done, in `detail` for people. `ok()` means it was done.
struct work_error {
  enum class kind : uint8_t { none, overloaded, store } what = kind::none;
  storage::errc code = storage::errc::unavailable; // for kind::store
  std::string detail;
  bool ok() const { return what == kind::none; }
};

struct write_result {
  uint64_t token = 0;
  work_error error;
  storage::write_outcome outcome;
};

struct load_users_job {
  std::string user;
};
struct load_answer_job {
  std::string user;
  std::string request_id;
  int64_t not_before_ms = 0;
};
struct load_catalog_job {
  std::optional<uint64_t> unless; // nothing is loaded while the stored version is this one
};
struct load_stats_job {
  std::string popup;
};
struct load_erasures_job {
  std::string after;
  uint32_t limit = 100;
};
struct load_events_job {
  storage::event_filter filter;
  storage::event_cursor from;
  uint32_t limit = 500;
};

using read_job = std::variant<load_users_job, load_answer_job, load_catalog_job, load_stats_job,
                              load_events_job, load_erasures_job>;
using read_value =
    std::variant<std::monostate, storage::user_row, std::optional<std::string>, storage::catalog_rows,
                 std::vector<storage::stat_row>, storage::event_page, std::vector<storage::erasure_row>>;

struct read_result {
  uint64_t token = 0;
  work_error error;
  read_value value; // the alternative that belongs to the job
};

// -- the catalogue
// ---------------------------------------------------------------------------------------------------

/// The catalogue, stored and compiled; immutable.
struct catalog_view {
  decision::catalog_ptr compiled;
  storage::catalog_rows rows;
};

using catalog_view_ptr = std::shared_ptr<const catalog_view>;

enum class catalog_operation : uint8_t { create_popup, put_popup, erase_popup, put_settings };

struct catalog_ask {
  catalog_operation operation = catalog_operation::put_popup;
  std::string id;
  std::string document;                      // JSON, already checked; of settings only the changed members
  std::optional<uint64_t> expected_revision; // from If-Match
  bool must_exist = false;                   // If-Match: *
};

struct catalog_answer {
  enum class status : uint8_t {
    done,
    created,
    conflict,
    not_found,
    too_many,
    unavailable,
    overloaded
  } what = status::done;
  uint64_t revision = 0; // the new one, or the current one on a conflict
  catalog_view_ptr view; // the catalogue after the change
  std::string detail;
};

} // namespace beckon::actors
