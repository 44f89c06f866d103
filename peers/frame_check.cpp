#include "peers/frame_check.hpp"

#include <caf/io/basp/header.hpp>
#include <caf/message_id.hpp>

namespace beckon::peers {

namespace {

using caf::io::basp::message_type;

static_assert(caf::io::basp::header_size == frame_check::header_bytes);

constexpr size_t operation_at = 0;
constexpr size_t body_bytes_at = 4;
constexpr size_t message_id_at = 8;

template <class Integer>
Integer big_endian_at(const char* piece, size_t where) {
  Integer result = 0;
  for (size_t i = 0; i < sizeof(result); ++i)
    result = static_cast<Integer>(result << 8 | static_cast<uint8_t>(piece[where + i]));
  return result;
}

} // namespace

struct frame_check::header {
  message_type operation;
  uint32_t body_bytes;
  caf::message_id id;
};

const char* frame_check::take(const char* piece, size_t size) {
  if (body_next_) {
    body_next_ = false;
    known_ = true; // the first body is that of the handshake
    return nullptr;
  }
  if (size != header_bytes)
    return "it sent an incomplete header";
  const auto operation = static_cast<uint8_t>(piece[operation_at]);
  if (operation > static_cast<uint8_t>(message_type::heartbeat))
    return "it does not speak as a node does";
  const header h{static_cast<message_type>(operation), big_endian_at<uint32_t>(piece, body_bytes_at),
                 caf::message_id{big_endian_at<uint64_t>(piece, message_id_at)}};
  body_next_ = h.body_bytes > 0;
  return judge(h);
}

const char* frame_check::judge(const header& h) {
  if ((h.operation == message_type::heartbeat) != (h.body_bytes == 0))
    return "it sent a message without a body, or a heartbeat with one";
  const bool is_message =
      h.operation == message_type::direct_message || h.operation == message_type::routed_message;
  if (is_message && h.id.is_stream_message())
    return "it sent a stream message";
  const auto greeting =
      side_ == side::accepting ? message_type::client_handshake : message_type::server_handshake;
  const auto other =
      side_ == side::accepting ? message_type::server_handshake : message_type::client_handshake;
  if (h.operation == other)
    return "it shakes hands from the wrong side";
  if (!greeted_ && h.operation != greeting)
    return "it did not say first which node it is";
  greeted_ = true;
  return nullptr;
}

} // namespace beckon::peers
