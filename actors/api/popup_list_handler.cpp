#include "actors/api/popup_list_handler.hpp"

#include "actors/api/popup_json.hpp"
#include "actors/seam/request_body.hpp"
#include "json/writer.hpp"

#include <algorithm>
#include <utility>

namespace beckon::actors {

namespace {

/// Reads the `status` and `placement` filters of a list; false if the query is invalid.
bool parse_list_query(const net::request& request, std::string& status, std::string& placement,
                      json::field_errors& errors) {
  auto query = net::parse_query(request.query);
  if (!query) {
    errors.push_back({"", "the query string is malformed: check its percent escapes"});
    return false;
  }
  for (const auto& [name, value] : *query) {
    const json::path root;
    const json::path where{&root, name, -1};
    if (name == "placement")
      placement = value;
    else if (value == "draft" || value == "live" || value == "paused" || value == "archived")
      status = value;
    else
      json::add_error(errors, where, "must be one of draft, live, paused, archived");
  }
  return errors.empty();
}

std::string_view status_name(decision::popup_status s) {
  constexpr std::string_view names[] = {"draft", "live", "paused", "archived"};
  return names[static_cast<size_t>(s)];
}

bool wanted(const popup_list_state& st, const storage::popup_row& row) {
  auto p = st.view->compiled->find(row.id);
  if (!st.status.empty() && (!p || status_name(p->status) != st.status))
    return false;
  if (st.placement.empty())
    return true;
  return p && std::find(p->placements.begin(), p->placements.end(), st.placement) != p->placements.end();
}

/// The popups that follow, at least one look, until the piece is as large as a piece may be.
void append_popups(popup_list_state& st, std::string& piece) {
  const auto& rows = st.view->rows.popups;
  const auto most = st.node->options.stream_piece_bytes_max;
  json::writer w{piece, !st.first};
  for (; st.next < rows.size(); ++st.next) {
    if (!wanted(st, rows[st.next]))
      continue;
    if (!piece.empty() && piece.size() + rows[st.next].document.size() + 256 > most)
      return;
    st.first = false;
    write_popup(w, rows[st.next]);
  }
  w.end_array().end_object();
  st.closed = true;
}

net::response list_head(const popup_list_state& st) {
  net::response r;
  r.content_type = json_content;
  r.headers.emplace_back("ETag", etag(st.view->rows.version));
  return r;
}

template <class Self>
void begin(Self* self) {
  auto& st = self->state;
  if (none_match_hits(*st.request, st.view->rows.version)) {
    auto r = list_head(st);
    r.status = 304;
    r.content_type = {};
    answer(self, std::move(r));
    return;
  }
  std::string piece;
  json::writer{piece}
      .begin_object()
      .member("catalog_version", st.view->rows.version)
      .key("popups")
      .begin_array();
  append_popups(st, piece);
  if (st.closed) { // small enough for a plain answer with its length
    auto r = list_head(st);
    r.body = std::move(piece);
    answer(self, std::move(r));
    return;
  }
  st.rest = std::move(piece);
  auto head = std::make_shared<net::exchange_answer>();
  head->id = st.request->id;
  head->what = list_head(st);
  self->send(st.broker, net::begin_atom::value, std::move(head), net::streaming_request_actor{self});
}

template <class Self>
void go_on(Self* self) {
  auto& st = self->state;
  const auto& id = st.request->id;
  if (st.closed && st.rest.empty()) {
    self->send(st.broker, net::finish_atom::value, id.connection, id.sequence);
    self->quit();
    return;
  }
  if (st.rest.empty())
    append_popups(st, st.rest);
  auto piece = st.rest.substr(0, st.node->options.stream_piece_bytes_max);
  st.rest.erase(0, piece.size());
  self->send(st.broker, net::piece_atom::value, id.connection, id.sequence, std::move(piece));
}

} // namespace

popup_list_handler_actor::behavior_type
popup_list_handler(popup_list_handler_actor::stateful_pointer<popup_list_state> self,
                   net::request_ptr request, net::http_broker_actor broker, node_context_ptr node) {
  auto& st = self->state;
  st.open(std::move(request), std::move(broker), std::move(node));
  json::field_errors errors;
  if (!parse_list_query(*st.request, st.status, st.placement, errors)) {
    answer(self, net::make_problem(422, "the query is not acceptable; see errors", errors));
    return popup_list_handler_actor::behavior_type::make_empty_behavior();
  }
  self->send(st.node->handles()->catalog, view_atom::value);
  return {
      [self](net::expire_atom) {
        if (!self->state.view)
          answer_expired(self);
      },
      [self](net::more_atom) { go_on(self); },
      [self](net::abort_atom) { self->quit(); },
      [self](const catalog_view_ptr& view) {
        self->state.view = view;
        if (view)
          begin(self);
        else
          answer(self, net::make_unavailable("the catalogue is not loaded yet"));
      },
  };
}

} // namespace beckon::actors
