#include "cluster/wire.hpp"

#include "cluster/wire_codec.hpp"
#include "decision/hash.hpp"

#include <algorithm>
#include <array>

namespace beckon::cluster {

namespace {

enum class mark : uint8_t { hello = 1, batch = 2 };

constexpr size_t head_bytes = 2 + 4 * sizeof(uint64_t) + sizeof(uint32_t);
constexpr size_t frame_bytes_typical = 64;
constexpr size_t reserve_bytes_max = 65536;
constexpr size_t name_bytes_max = 255;

/// By the place in `frame`; on the wire they count from 1.
constexpr std::array<const char*, 10> kind_names = {
    "decide ask",    "decide answer",  "user ask",   "user answer", "events ask",
    "events answer", "catalogue hint", "route hint", "look hint",   "unsupported"};
static_assert(kind_names.size() == std::variant_size_v<frame>);

template <class Frame>
constexpr bool is_ask =
    std::is_same_v<
        Frame,
        decide_ask_frame> || std::is_same_v<Frame, user_ask_frame> || std::is_same_v<Frame, events_ask_frame>;

/// The wire's number for a frame: its place in the variant and one, with ask_bit for an ask.
template <class Frame, size_t Place = 0>
constexpr uint8_t kind() {
  if constexpr (std::is_same_v<std::variant_alternative_t<Place, frame>, Frame>)
    return (Place + 1) | (is_ask<Frame> ? ask_bit : 0);
  else
    return kind<Frame, Place + 1>();
}

template <size_t... Places>
constexpr auto kinds(std::index_sequence<Places...>) {
  return std::array<uint8_t, sizeof...(Places)>{kind<std::variant_alternative_t<Places, frame>>()...};
}

constexpr auto known_kinds = kinds(std::make_index_sequence<std::variant_size_v<frame>>{});

/// The place in the variant; std::variant_npos for a kind that this version does not know.
size_t place_of(uint8_t kind) {
  const size_t place = (kind & ~ask_bit) - size_t{1};
  return place < known_kinds.size() && known_kinds[place] == kind ? place : std::variant_npos;
}

template <size_t Place>
void read_as(wire_reader& in, std::vector<frame>& out) {
  read(in, std::get<Place>(out.emplace_back(std::in_place_index<Place>)));
}

template <size_t... Places>
constexpr auto readers(std::index_sequence<Places...>) {
  using function = void (*)(wire_reader&, std::vector<frame>&);
  return std::array<function, sizeof...(Places)>{&read_as<Places>...};
}

constexpr auto read_frame = readers(std::make_index_sequence<std::variant_size_v<frame>>{});

/// Reads the version and the kind; false with the fault if they are not as expected.
bool take_marks(wire_reader& in, mark wanted, std::string& fault) {
  const char* what = wanted == mark::hello ? "hello" : "batch";
  if (in.at_end()) {
    fault = std::string{"a "} + what + " without a byte";
    return false;
  }
  auto layout = in.fixed<uint8_t>();
  if (layout != layout_version) {
    fault = "the peer's messages have layout " + std::to_string(layout) + ", this node reads layout "
            + std::to_string(layout_version)
            + ": stop all nodes of the cluster, then start them with one version of Beckon";
    return false;
  }
  if (in.fixed<uint8_t>() != static_cast<uint8_t>(wanted)) {
    fault = std::string{"the bytes are no "} + what;
    return false;
  }
  return true;
}

std::string frame_fault(size_t place, size_t count, uint8_t kind, const char* why) {
  auto result = "frame " + std::to_string(place + 1) + " of " + std::to_string(count);
  if (auto known = place_of(kind); known != std::variant_npos)
    result += std::string{" ("} + kind_names[known] + ")";
  return result + ": " + why;
}

/// Names go into the log as they are.
bool is_printable(std::string_view name) {
  auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return json::is_utf8(name) && std::none_of(name.begin(), name.end(), control);
}

/// A frame of a later version, whose body is given. Asks begin with their id.
void skip_frame(uint8_t kind, std::string_view body, batch& out) {
  ++out.skipped;
  wire_reader in{body};
  auto id = (kind & ask_bit) != 0 ? in.varint() : 0;
  if (id != 0)
    out.unsupported.push_back(id);
}

/// False, with `why`, when the body is not what its kind has.
bool read_body(uint8_t kind, std::string_view body, batch& out, const char*& why) {
  auto place = place_of(kind);
  if (place == std::variant_npos) {
    skip_frame(kind, body, out);
    return true;
  }
  wire_reader in{body};
  read_frame[place](in, out.frames);
  if (in.good() && !in.at_end())
    in.refuse("bytes stand behind it");
  if (in.is_skipped()) {
    out.frames.pop_back();
    skip_frame(kind, body, out);
    return true;
  }
  why = in.why();
  return in.good();
}

} // namespace

void put(std::string& out, const route_claim& r) {
  base::put_varint(out, r.shard);
  base::put_varint(out, r.owner);
  base::put_varint(out, r.epoch);
}

void read(wire_reader& in, route_claim& r) {
  r.shard = static_cast<uint16_t>(in.number(decision::shard_count - 1, "there is no such shard"));
  r.owner = in.varint();
  r.epoch = in.varint();
}

void put(std::string& out, const catalog_hint_frame& f) {
  base::put_varint(out, f.version);
}

void read(wire_reader& in, catalog_hint_frame& f) {
  f.version = in.varint();
}

void put(std::string& out, const route_hint_frame& f) {
  put(out, f.route);
}

void read(wire_reader& in, route_hint_frame& f) {
  read(in, f.route);
}

void put(std::string&, const look_hint_frame&) {}

void read(wire_reader&, look_hint_frame&) {}

void put(std::string& out, const unsupported_frame& f) {
  base::put_varint(out, f.id);
}

void read(wire_reader& in, unsupported_frame& f) {
  f.id = in.varint();
}

batch_writer::batch_writer(const wire_bounds& bounds) : bounds_(bounds), bytes_(head_bytes, '\0') {}

template <class Frame>
bool batch_writer::append(const Frame& f) {
  if (frames_ == bounds_.frames_max)
    return false;
  auto before = bytes_.size();
  bytes_.push_back(static_cast<char>(kind<Frame>()));
  bytes_.append(sizeof(uint32_t), '\0');
  const auto body = bytes_.size();
  put(bytes_, f);
  base::write_fixed(&bytes_[body - sizeof(uint32_t)], static_cast<uint32_t>(bytes_.size() - body));
  if (bytes_.size() > bounds_.batch_bytes_max) {
    bytes_.resize(before);
    return false;
  }
  ++frames_;
  return true;
}

bool batch_writer::add(const decide_ask_frame& f) {
  return append(f);
}

bool batch_writer::add(const decide_answer_frame& f) {
  return append(f);
}

bool batch_writer::add(const user_ask_frame& f) {
  return append(f);
}

bool batch_writer::add(const user_answer_frame& f) {
  return append(f);
}

bool batch_writer::add(const events_ask_frame& f) {
  return append(f);
}

bool batch_writer::add(const events_answer_frame& f) {
  return append(f);
}

bool batch_writer::add(const catalog_hint_frame& f) {
  return append(f);
}

bool batch_writer::add(const route_hint_frame& f) {
  return append(f);
}

bool batch_writer::add(const look_hint_frame& f) {
  return append(f);
}

bool batch_writer::add(const unsupported_frame& f) {
  return append(f);
}

bool batch_writer::add(const frame& f) {
  return std::visit([this](const auto& one) { return append(one); }, f);
}

bool batch_writer::merge(batch_writer& other) {
  if (frames_ + other.frames_ > bounds_.frames_max
      || bytes_.size() + other.bytes_.size() - head_bytes > bounds_.batch_bytes_max)
    return false;
  if (empty())
    std::swap(bytes_, other.bytes_);
  else
    bytes_.append(other.bytes_, head_bytes, std::string::npos);
  frames_ += other.frames_;
  other.frames_ = 0;
  other.bytes_.resize(head_bytes);
  return true;
}

std::string batch_writer::finish(const batch_head& head) {
  std::string head_text;
  head_text.reserve(head_bytes);
  base::put_fixed(head_text, layout_version);
  base::put_fixed(head_text, static_cast<uint8_t>(mark::batch));
  base::put_fixed(head_text, head.from);
  base::put_fixed(head_text, head.to);
  base::put_fixed(head_text, head.sequence);
  base::put_fixed(head_text, head.acknowledged);
  base::put_fixed(head_text, static_cast<uint32_t>(frames_));
  std::copy(head_text.begin(), head_text.end(), bytes_.begin());
  std::string result = std::move(bytes_);
  bytes_ = std::string{};
  bytes_.reserve(std::min(result.size(), reserve_bytes_max)); // the next is likely to be as large
  bytes_.assign(head_bytes, '\0');
  frames_ = 0;
  return result;
}

std::optional<batch> decode_batch(std::string_view bytes, const wire_bounds& bounds, std::string& fault) {
  wire_reader in{bytes};
  if (!take_marks(in, mark::batch, fault))
    return std::nullopt;
  if (bytes.size() > bounds.batch_bytes_max) {
    fault = "a batch of " + std::to_string(bytes.size()) + " bytes, more than "
            + std::to_string(bounds.batch_bytes_max);
    return std::nullopt;
  }
  batch result;
  auto& head = result.head;
  head.from = in.fixed<uint64_t>();
  head.to = in.fixed<uint64_t>();
  head.sequence = in.fixed<uint64_t>();
  head.acknowledged = in.fixed<uint64_t>();
  size_t count = in.fixed<uint32_t>();
  if (!in.good()) {
    fault = "the head of a batch ends too early";
    return std::nullopt;
  }
  if (count > bounds.frames_max) {
    fault = "a batch of " + std::to_string(count) + " frames, more than " + std::to_string(bounds.frames_max);
    return std::nullopt;
  }
  result.frames.reserve(std::min(count, in.left() / frame_bytes_typical + 1));
  for (size_t i = 0; i < count; ++i) {
    auto kind = in.fixed<uint8_t>();
    auto body = in.bytes(in.fixed<uint32_t>());
    const char* why = in.why();
    if (!in.good() || !read_body(kind, body, result, why)) {
      fault = frame_fault(i, count, kind, why);
      return std::nullopt;
    }
  }
  if (!in.at_end()) {
    fault =
        std::to_string(in.left()) + " bytes stand behind the last of " + std::to_string(count) + " frames";
    return std::nullopt;
  }
  return result;
}

std::string describe_disagreement(const protocol_range& peer, const protocol_range& self) {
  auto text = [](const protocol_range& r) {
    return std::to_string(r.oldest) + " to " + std::to_string(r.newest);
  };
  return "it speaks versions " + text(peer) + " of the nodes' protocol, this node " + text(self)
         + ": upgrade the older node; a node works with the version before its own and no older one";
}

std::string encode(const hello& h) {
  std::string out;
  base::put_fixed(out, layout_version);
  base::put_fixed(out, static_cast<uint8_t>(mark::hello));
  base::put_text(out, h.cluster);
  base::put_text(out, h.name);
  base::put_varint(out, h.from);
  base::put_varint(out, h.to);
  base::put_fixed(out, h.speaks.oldest);
  base::put_fixed(out, h.speaks.newest);
  base::put_varint(out, h.state_format_newest);
  return out;
}

std::optional<hello> decode_hello(std::string_view bytes, std::string& fault) {
  wire_reader in{bytes};
  if (!take_marks(in, mark::hello, fault))
    return std::nullopt;
  hello h;
  h.cluster = in.text(name_bytes_max);
  h.name = in.text(name_bytes_max);
  h.from = in.varint();
  h.to = in.varint();
  h.speaks.oldest = in.fixed<uint8_t>();
  h.speaks.newest = in.fixed<uint8_t>();
  h.state_format_newest = static_cast<uint32_t>(in.number(UINT32_MAX, "a format has no such number"));
  if (in.good() && (!is_printable(h.cluster) || !is_printable(h.name)))
    in.refuse("a name is not UTF-8 or has control characters");
  if (!in.good()) {
    fault = std::string{"a hello cannot be read: "} + in.why();
    return std::nullopt;
  }
  return h;
}

} // namespace beckon::cluster
