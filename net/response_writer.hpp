#pragma once

#include "net/message.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::net {

/// How an answer must be framed for the request it answers.
struct framing {
  uint8_t minor_version = 1;
  bool head_request = false; // header as for GET, no body
  bool keep_alive = true;
  std::string_view request_id; // X-Request-Id
};

/// Appends a complete answer to `out`. This is the only place that writes headers. It leaves out a value with
/// CR, LF, NUL or another control character, a name that is not a token, and headers that the writer owns
/// (Date, Server, Content-Type, Content-Length, Transfer-Encoding, Connection, Keep-Alive, Trailer). A status
/// outside 100 to 999 is written as 500. Each is a programming error, and the function returns false. 204 and
/// 304 get neither Content-Length nor body. `date` is the current IMF-fixdate, kept by the caller.
bool write_response(std::vector<char>& out, const response& r, const framing& f, std::string_view date);

/// Appends the head of a streamed answer: chunked for HTTP/1.1; for HTTP/1.0 until-close, so the caller must
/// close the connection after the last piece whatever `f.keep_alive` says. A 204 or 304 cannot be streamed.
bool write_stream_head(std::vector<char>& out, const response& r, const framing& f, std::string_view date);
/// Appends one piece of a streamed body (chunk framing for 1.1). Empty pieces append nothing.
void write_stream_piece(std::vector<char>& out, std::string_view piece, const framing& f);
void write_stream_end(std::vector<char>& out, const framing& f);

/// "Fri, 20 Nov 2026 10:30:00 GMT".
std::string format_http_date(int64_t unix_s);

} // namespace beckon::net
