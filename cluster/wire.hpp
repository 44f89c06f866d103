#pragma once

#include "decision/decide.hpp"
#include "json/object_reader.hpp"
#include "storage/rows.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The messages between nodes as bytes: one hello each way, then batches of frames. Pure; any thread.
///
/// A hello or a batch begins with the protocol version and its kind, one byte each. The head of a batch has
/// fixed positions (little-endian). Each frame is a byte for its kind and then its members, numbers as
/// varints and strings with their length in front. Each value has exactly one encoding.
namespace beckon::cluster {

constexpr uint8_t protocol_version = 1;

constexpr size_t event_properties_bytes_max = 16384; // as JSON text

struct wire_bounds {
  size_t batch_bytes_max = 8u << 20; // including the head
  size_t frames_max = 8192;
};

/// Who owns a shard, as the sender knows it.
struct route_claim {
  uint16_t shard = 0; // below decision::shard_count
  uint64_t owner = 0; // incarnation; 0: none, or unknown
  uint64_t epoch = 0;
};

enum class ask_result : uint8_t {
  done,
  unavailable,
  overloaded,
  moved, // the asked node is not the owner; `route` names the owner
};

/// Asks the owner of the user's shard for a decision.
struct decide_ask_frame {
  uint64_t id = 0;    // the sender's; returned with the answer
  uint64_t epoch = 0; // of the shard, as the sender knows it
  uint32_t deadline_ms =
      0; // when the sender stops waiting: the low bits of Unix time by the database's clock
  decision::decide_request request;
  std::string request_id; // empty: none
  uint64_t catalog = 0;   // the sender's version: an older one must not decide
};

struct decide_answer_frame {
  uint64_t id = 0;
  ask_result result = ask_result::done;
  route_claim route;
  std::string body; // the JSON object for the client; sent only when done
};

enum class user_verb : uint8_t { get, replace_profile, patch_profile, erase };

/// A client's request for the user's owner.
struct user_ask_frame {
  uint64_t id = 0;
  uint64_t epoch = 0;
  uint32_t deadline_ms = 0;
  user_verb verb = user_verb::get;
  std::string user;
  std::string document; // a JSON object: the profile or the patch; not sent for get and erase
};

struct user_answer_frame {
  uint64_t id = 0;
  ask_result result = ask_result::done;
  route_claim route;
  bool found = false;
  bool created = false;
  json::field_errors errors; // at most json::field_errors_max
  std::string state;         // decision::encode(); empty: none
  std::string profile;       // a JSON object; empty: none
};

/// Events for the owner of their users. `seq` is not sent.
struct events_ask_frame {
  uint64_t id = 0;
  uint32_t deadline_ms = 0;
  std::vector<storage::event_row> events;
};

enum class events_result : uint8_t {
  done,
  not_now,
  rejected,
  moved, // as in ask_result
};

struct events_answer_frame {
  uint64_t id = 0;
  events_result result = events_result::done;
  route_claim route;
  uint32_t duplicates = 0;
  std::string detail; // for the log
};

/// The version of the catalogue in the store.
struct catalog_hint_frame {
  uint64_t version = 0;
};

/// A shard has a new owner.
struct route_hint_frame {
  route_claim route;
};

/// The cluster's tables have changed: read them.
struct look_hint_frame {};

using frame =
    std::variant<decide_ask_frame, decide_answer_frame, user_ask_frame, user_answer_frame, events_ask_frame,
                 events_answer_frame, catalog_hint_frame, route_hint_frame, look_hint_frame>;

struct batch_head {
  uint64_t from = 0; // incarnations
  uint64_t to = 0;
  uint64_t sequence = 0;
  uint64_t acknowledged = 0; // the highest sequence received from the peer
};

struct batch {
  batch_head head;
  std::vector<frame> frames; // empty: only an acknowledgement
};

/// Builds a batch frame by frame, without a variant for each. Frames must satisfy the decoder, as everything
/// does that the HTTP front accepts.
class batch_writer {
 public:
  explicit batch_writer(const wire_bounds& bounds = {});

  /// False if the batch would exceed its bounds: then it is unchanged. A frame that does not fit into an
  /// empty batch fits into none.
  [[nodiscard]] bool add(const decide_ask_frame& f);
  [[nodiscard]] bool add(const decide_answer_frame& f);
  [[nodiscard]] bool add(const user_ask_frame& f);
  [[nodiscard]] bool add(const user_answer_frame& f);
  [[nodiscard]] bool add(const events_ask_frame& f);
  [[nodiscard]] bool add(const events_answer_frame& f);
  [[nodiscard]] bool add(const catalog_hint_frame& f);
  [[nodiscard]] bool add(const route_hint_frame& f);
  [[nodiscard]] bool add(const look_hint_frame& f);
  [[nodiscard]] bool add(const frame& f);

  /// Moves all frames of `other` to the end of this batch. False if they do not fit: then both are unchanged.
  [[nodiscard]] bool merge(batch_writer& other);

  /// The size of the batch if sent now, with its head.
  size_t size_bytes() const { return bytes_.size(); }
  size_t frames() const { return frames_; }
  bool empty() const { return frames_ == 0; }

  /// The bytes of the batch, even of one without frames; the writer is empty afterwards.
  std::string finish(const batch_head& head);

 private:
  template <class Frame>
  bool append(const Frame& f);

  wire_bounds bounds_;
  std::string bytes_; // begins with room for the head
  size_t frames_ = 0;
};

/// Empty, with a text for the log in `fault`, unless the bytes are exactly a batch of this version within the
/// bounds, and its frames hold what the HTTP front would accept: identifiers, UTF-8, 1 to 20 distinct
/// placements, attributes and event properties within their bounds, readable states. Of JSON objects other
/// than properties only UTF-8 and the braces are checked. Uses memory for at most `frames_max` frames and 50
/// times the size of the bytes.
std::optional<batch> decode_batch(std::string_view bytes, const wire_bounds& bounds, std::string& fault);

/// The first message between two nodes.
struct hello {
  uint8_t protocol = protocol_version;
  std::string cluster; // its name, an identifier
  std::string name;    // of the node, an identifier
  uint64_t from = 0;   // incarnations
  uint64_t to = 0;
};

std::string encode(const hello& h);
/// Empty, with a text for the log in `fault`, unless the bytes are exactly a hello of this version.
std::optional<hello> decode_hello(std::string_view bytes, std::string& fault);

} // namespace beckon::cluster
