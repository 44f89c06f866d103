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
/// A hello or a batch begins with the layout and what it is, one byte each. The head of a batch has fixed
/// places (little-endian). Frames follow one another: a byte for the kind, four for the length of the body,
/// the body. In a body numbers are varints and texts have their length in front; each value has one encoding.
///
/// The protocol grows by new kinds and verbs. A node skips a frame of a kind or with a verb that it does not
/// know and reads the rest of the batch; if the frame is an ask (ask_bit), its body begins with an id, and
/// the node answers that id with unsupported_frame. Members are never added to a kind: that would be a new
/// kind.
namespace beckon::cluster {

/// Of the bytes of hellos and batches. Another layout cannot be read at all; 1 was that of Beckon 0.1.0.
constexpr uint8_t layout_version = 2;

/// The versions of the protocol that a node speaks: its own and the one before. Version 2 is the first.
struct protocol_range {
  uint8_t oldest = 2;
  uint8_t newest = 2;
};

/// The newest version that both speak; 0: there is none.
constexpr uint8_t common_protocol(const protocol_range& a, const protocol_range& b) {
  const auto newest = a.newest < b.newest ? a.newest : b.newest;
  return newest >= a.oldest && newest >= b.oldest ? newest : 0;
}

/// For people: why two nodes have none in common, and what to do.
std::string describe_disagreement(const protocol_range& peer, const protocol_range& self);

/// Set in the kind of a frame that wants an answer.
constexpr uint8_t ask_bit = 0x80;

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

/// The answer to an ask whose kind or verb the node asked does not know. Nothing happened.
struct unsupported_frame {
  uint64_t id = 0;
};

using frame = std::variant<decide_ask_frame, decide_answer_frame, user_ask_frame, user_answer_frame,
                           events_ask_frame, events_answer_frame, catalog_hint_frame, route_hint_frame,
                           look_hint_frame, unsupported_frame>;

struct batch_head {
  uint64_t from = 0; // incarnations
  uint64_t to = 0;
  uint64_t sequence = 0;
  uint64_t acknowledged = 0; // the highest sequence received from the peer
};

struct batch {
  batch_head head;
  std::vector<frame> frames;         // none: it only acknowledges
  size_t skipped = 0;                // frames of a kind or with a verb that this node does not know
  std::vector<uint64_t> unsupported; // the ids of those among them that are asks
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
  [[nodiscard]] bool add(const unsupported_frame& f);
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

/// Empty, with a text for the log in `fault`, unless the bytes are exactly a batch of this layout within the
/// bounds whose frames of known kinds hold what the HTTP front would let through: identifiers, UTF-8, 1 to 20
/// distinct placements, attributes and event properties within their bounds, states that can be read. Texts
/// of JSON objects other than properties are UTF-8 within braces, not more. Takes memory for at most
/// `frames_max` frames and 50 times the size of the bytes.
std::optional<batch> decode_batch(std::string_view bytes, const wire_bounds& bounds, std::string& fault);

/// What nodes say first to one another. Later versions may add members at its end; they are skipped.
struct hello {
  std::string cluster; // its name, an identifier
  std::string name;    // of the node, an identifier
  uint64_t from = 0;   // incarnations
  uint64_t to = 0;
  protocol_range speaks = {};
  uint32_t state_format_newest = 1; // of decision::user_state, that this node reads
};

std::string encode(const hello& h);
/// Empty, with a text for the log in `fault`, unless the bytes begin with a hello of this layout.
std::optional<hello> decode_hello(std::string_view bytes, std::string& fault);

} // namespace beckon::cluster
