#pragma once

#include "net/request_parser.hpp"
#include "tests/net/usual_options.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

/// Feeds a byte stream to a parser in pieces and writes down everything that can be observed, for comparison.
namespace beckon::net::test {

inline std::string describe(const request& r) {
  std::string out{to_string(r.method)};
  out += " HTTP/1." + std::to_string(r.minor_version) + (r.keep_alive ? " keep " : " close ");
  out += "path=" + r.path + " query=" + r.query + " host=" + r.host + "\n";
  for (const auto& f : r.fields)
    out.append(f.name).append("=[").append(f.value).append("]\n");
  return out + "body=[" + r.body + "]\n";
}

inline std::string_view to_string(request_parser::state s) {
  switch (s) {
  case request_parser::state::idle:
    return "idle";
  case request_parser::state::header:
    return "header";
  case request_parser::state::body:
    return "body";
  case request_parser::state::complete:
    return "complete";
  case request_parser::state::failed:
    return "failed";
  }
  return "?";
}

/// What a stream came to: each request, then the state at its end, with the failure, if there is one, and how
/// many bytes were consumed in all. `next_piece(left)` says how many bytes to feed next, at least 1. `broken`
/// is set when the parser breaks its contract.
template <class NextPiece>
std::string parse_stream(std::string_view input, const parser_limits& limits, NextPiece next_piece,
                         bool* broken = nullptr) {
  request_parser parser{limits};
  std::string out;
  size_t pos = 0;
  const auto note_broken = [&](const char* what) {
    out += std::string{"BROKEN: "} + what + "\n";
    if (broken)
      *broken = true;
  };
  while (pos < input.size() && parser.current() != request_parser::state::failed) {
    const auto piece = input.substr(pos, next_piece(input.size() - pos));
    const auto before = parser.consumed_bytes();
    const auto n = parser.feed(piece);
    if (n > piece.size())
      note_broken("consumed more than given");
    if (parser.consumed_bytes() != before + n)
      note_broken("consumed_bytes() does not add up");
    const auto now = parser.current();
    if (n < piece.size() && now != request_parser::state::complete && now != request_parser::state::failed)
      note_broken("left bytes without need");
    pos += n;
    if (now != request_parser::state::complete)
      continue;
    if (parser.feed("x") != 0)
      note_broken("took bytes behind a complete request");
    out += describe(*parser.take());
    if (parser.current() != request_parser::state::idle || parser.consumed_bytes() != 0)
      note_broken("not ready after take()");
  }
  out.append(to_string(parser.current()));
  if (parser.current() == request_parser::state::failed) {
    out += " " + std::to_string(parser.failure().status) + " " + parser.failure().detail;
    if (parser.feed("x") != 0)
      note_broken("took bytes after a failure");
  }
  return out + " at " + std::to_string(pos) + "\n";
}

inline std::string parse_whole(std::string_view input, const parser_limits& limits = test::usual_limits()) {
  return parse_stream(input, limits, [](size_t left) { return left; });
}

inline std::string parse_bytewise(std::string_view input,
                                  const parser_limits& limits = test::usual_limits()) {
  return parse_stream(input, limits, [](size_t) { return size_t{1}; });
}

} // namespace beckon::net::test
