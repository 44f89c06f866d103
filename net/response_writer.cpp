#include "net/response_writer.hpp"

#include "net/char_class.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

namespace beckon::net {

namespace {

constexpr size_t fixed_head_bytes = 256; // approximate maximum of the writer's own lines

/// Appends to a buffer and records whether something had to be left out.
class head_writer {
 public:
  explicit head_writer(std::vector<char>& out) : out_(out) {
    // nop
  }

  void text(std::string_view s) { out_.insert(out_.end(), s.begin(), s.end()); }

  void number(uint64_t n) {
    std::array<char, 20> digits;
    const auto* const end = std::to_chars(digits.data(), digits.data() + digits.size(), n).ptr;
    text({digits.data(), static_cast<size_t>(end - digits.data())});
  }

  /// One header line; left out when the name is no token or the value holds a control character.
  void field(std::string_view name, std::string_view value) {
    if (!all_of_class(name, class_token) || end_of_run(value, 0, class_value) != value.size()) {
      clean_ = false;
      return;
    }
    text(name);
    text(": ");
    text(value);
    text("\r\n");
  }

  void refuse() { clean_ = false; }
  bool clean() const { return clean_; }

 private:
  std::vector<char>& out_;
  bool clean_ = true;
};

/// Headers that only the writer may set: another value would break the framing or duplicate them.
bool is_own_header(std::string_view name) {
  static constexpr std::string_view own[] = {"content-length", "transfer-encoding", "connection", "date",
                                             "server",         "content-type",      "keep-alive", "trailer"};
  return std::any_of(std::begin(own), std::end(own),
                     [&](std::string_view o) { return equals_ignoring_case(name, o); });
}

bool allows_body(uint16_t status) {
  return status >= 200 && status != 204 && status != 304;
}

/// Growth by doubling, so that many answers in one buffer stay linear.
void make_room(std::vector<char>& out, const response& r, size_t body_bytes) {
  auto needed = out.size() + fixed_head_bytes + r.content_type.size() + body_bytes;
  for (const auto& [name, value] : r.headers)
    needed += name.size() + value.size() + 4;
  if (needed > out.capacity())
    out.reserve(std::max(needed, 2 * out.capacity()));
}

/// Everything up to the lines that frame the body.
void begin_head(head_writer& w, const response& r, const framing& f, std::string_view date) {
  const bool valid = r.status >= 100 && r.status <= 999;
  const uint16_t status = valid ? r.status : 500;
  if (!valid)
    w.refuse();
  w.text("HTTP/1.1 ");
  w.number(status);
  w.text(" ");
  w.text(status_text(status));
  w.text("\r\n");
  w.field("Date", date);
  w.text("Server: beckon\r\n");
  if (!f.request_id.empty())
    w.field("X-Request-Id", f.request_id);
  if (!r.content_type.empty() && allows_body(status))
    w.field("Content-Type", r.content_type);
  for (const auto& [name, value] : r.headers) {
    if (is_own_header(name))
      w.refuse();
    else
      w.field(name, value);
  }
}

void end_head(head_writer& w, bool keep_alive, const framing& f) {
  // Write only what differs from the version's default.
  if (!keep_alive && f.minor_version >= 1)
    w.text("Connection: close\r\n");
  else if (keep_alive && f.minor_version == 0)
    w.text("Connection: keep-alive\r\n");
  w.text("\r\n");
}

} // namespace

bool write_response(std::vector<char>& out, const response& r, const framing& f, std::string_view date) {
  const bool body_follows = allows_body(r.status) && !f.head_request;
  make_room(out, r, body_follows ? r.body.size() : 0);
  head_writer w{out};
  begin_head(w, r, f, date);
  if (allows_body(r.status)) {
    w.text("Content-Length: ");
    w.number(r.body.size());
    w.text("\r\n");
  }
  end_head(w, f.keep_alive && !r.close, f);
  if (body_follows)
    w.text(r.body);
  return w.clean();
}

bool write_stream_head(std::vector<char>& out, const response& r, const framing& f, std::string_view date) {
  make_room(out, r, 0);
  head_writer w{out};
  begin_head(w, r, f, date);
  const bool chunked = f.minor_version >= 1;
  if (!allows_body(r.status))
    w.refuse();
  else if (chunked)
    w.text("Transfer-Encoding: chunked\r\n");
  // For HTTP/1.0 the end of the connection is the end of the body.
  end_head(w, f.keep_alive && !r.close && chunked, f);
  return w.clean();
}

void write_stream_piece(std::vector<char>& out, std::string_view piece, const framing& f) {
  if (piece.empty() || f.head_request) // an empty chunk would end the body
    return;
  head_writer w{out};
  if (f.minor_version == 0) {
    w.text(piece);
    return;
  }
  std::array<char, 16> digits;
  const auto* const end = std::to_chars(digits.data(), digits.data() + digits.size(), piece.size(), 16).ptr;
  w.text({digits.data(), static_cast<size_t>(end - digits.data())});
  w.text("\r\n");
  w.text(piece);
  w.text("\r\n");
}

void write_stream_end(std::vector<char>& out, const framing& f) {
  if (f.minor_version >= 1 && !f.head_request)
    head_writer{out}.text("0\r\n\r\n");
}

std::string format_http_date(int64_t unix_s) {
  static constexpr std::string_view days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::string_view months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  constexpr int64_t year_10000_s = 253402300800;
  const auto t = static_cast<time_t>(std::clamp<int64_t>(unix_s, 0, year_10000_s - 1));
  tm parts{};
  gmtime_r(&t, &parts);
  std::string out;
  const auto pad = [&out](int n, int width) {
    const auto digits = std::to_string(n);
    out.append(static_cast<size_t>(width) - std::min(digits.size(), static_cast<size_t>(width)), '0')
        .append(digits);
  };
  out.append(days[parts.tm_wday]).append(", ");
  pad(parts.tm_mday, 2);
  out.append(" ").append(months[parts.tm_mon]).append(" ");
  pad(parts.tm_year + 1900, 4);
  out += ' ';
  pad(parts.tm_hour, 2);
  out += ':';
  pad(parts.tm_min, 2);
  out += ':';
  pad(parts.tm_sec, 2);
  return out.append(" GMT");
}

} // namespace beckon::net
