#include "actors/api/catalog_handlers.hpp"

#include "actors/api/popup_json.hpp"
#include "actors/seam/request_body.hpp"
#include "decision/incoming.hpp"
#include "json/writer.hpp"

#include <algorithm>
#include <utility>

namespace beckon::actors {

namespace {

const storage::popup_row* find_row(const catalog_view& view, std::string_view id) {
  const auto& rows = view.rows.popups;
  auto i =
      std::lower_bound(rows.begin(), rows.end(), id, [](const auto& row, auto key) { return row.id < key; });
  return i != rows.end() && i->id == id ? &*i : nullptr;
}

net::response no_such_popup(std::string_view id) {
  return net::make_problem(404,
                           "there is no popup '" + std::string{id} + "'; GET /v1/popups lists all popups");
}

net::response with_etag(const net::request& request, uint64_t revision, std::string body,
                        uint16_t status = 200) {
  auto r = none_match_hits(request, revision) && status == 200 && request.method == net::http_method::get
               ? json_answer({}, 304)
               : json_answer(std::move(body), status);
  if (r.status == 304)
    r.content_type = {};
  r.headers.emplace_back("ETag", etag(revision));
  return r;
}

std::string popup_body(const storage::popup_row& row) {
  std::string body;
  body.reserve(row.document.size() + 128);
  json::writer w{body};
  write_popup(w, row);
  return body;
}

/// A reader: asks for the view and answers with the result of `render`.
template <class Render>
catalog_read_actor::behavior_type read_catalog(catalog_read_pointer self, net::request_ptr request,
                                               net::http_broker_actor broker, node_context_ptr node,
                                               Render render) {
  self->state.open(std::move(request), std::move(broker), std::move(node));
  self->send(self->state.node->handles()->catalog, view_atom::value);
  return {
      [self](net::expire_atom) { answer_expired(self); },
      [self, render](const catalog_view_ptr& view) {
        answer(self, view ? render(*self->state.request, *view)
                          : net::make_unavailable("the catalogue is not loaded yet"));
      },
  };
}

net::response conflict(const net::request& request, const catalog_ask& ask, const catalog_answer& a) {
  auto present = "; the current revision is " + etag(a.revision);
  net::response r;
  if (ask.operation != catalog_operation::create_popup)
    r = net::make_problem(412, "If-Match does not name the current revision"
                                   + (a.revision == 0 ? ": there is no such popup" : present)
                                   + "; read the popup again, then repeat the change");
  else if (request.method == net::http_method::put)
    r = net::make_problem(412, "there is a popup '" + ask.id
                                   + "' already, and If-None-Match: * requires that there is none" + present);
  else
    r = net::make_problem(409, "there is a popup '" + ask.id + "' already; change it with PUT /v1/popups/"
                                   + net::percent_encode(ask.id));
  if (a.revision != 0)
    r.headers.emplace_back("ETag", etag(a.revision));
  return r;
}

net::response render_change(const net::request& request, const catalog_ask& ask, const catalog_answer& a) {
  using status = catalog_answer::status;
  switch (a.what) {
  case status::done:
  case status::created:
    break;
  case status::conflict:
    return conflict(request, ask, a);
  case status::not_found:
    return no_such_popup(ask.id);
  case status::too_many:
    return net::make_problem(
        422, "the catalogue is full (limits.popups-max); delete popups that are no longer needed");
  case status::unavailable:
  case status::overloaded:
    return net::make_unavailable("the change was not confirmed: " + a.detail);
  }
  if (ask.operation == catalog_operation::put_settings)
    return with_etag(request, a.revision, render_settings(*a.view));
  if (ask.operation == catalog_operation::erase_popup) {
    net::response r;
    r.status = 204;
    return r;
  }
  const auto* row = find_row(*a.view, ask.id);
  if (!row) // erased by somebody else meanwhile
    return no_such_popup(ask.id);
  auto created = a.what == status::created;
  auto r = with_etag(request, a.revision, popup_body(*row), created ? 201 : 200);
  if (created)
    r.headers.emplace_back("Location", "/v1/popups/" + net::percent_encode(ask.id));
  return r;
}

/// A changer: sends the change that `read` made of the request to the catalogue's owner. `read` may add
/// errors instead.
template <class Read>
catalog_change_actor::behavior_type change_catalog(catalog_change_pointer self, net::request_ptr request,
                                                   net::http_broker_actor broker, node_context_ptr node,
                                                   Read read) {
  auto& st = self->state;
  st.open(std::move(request), std::move(broker), std::move(node));
  auto ask = std::make_shared<catalog_ask>();
  body_errors errors;
  auto condition = read_if_match(*st.request);
  ask->expected_revision = condition.revision;
  ask->must_exist = condition.any;
  if (condition.bad) {
    errors.status = 412;
    errors.detail = "If-Match must be \"*\" or the ETag of the current revision, with its quotes";
  } else {
    read(*st.request, *ask, errors);
  }
  if (errors.any()) {
    answer(self, errors.problem());
    return catalog_change_actor::behavior_type::make_empty_behavior();
  }
  self->send(st.node->handles()->catalog, change_atom::value, catalog_ask_ptr{ask});
  return {
      [self](net::expire_atom) { answer_expired(self); },
      [self, ask](const catalog_answer_ptr& a) {
        answer(self, render_change(*self->state.request, *ask, *a));
      },
  };
}

void read_popup_body(const net::request& request, std::optional<std::string_view> id, catalog_ask& ask,
                     body_errors& errors) {
  json::document doc;
  if (!read_body(request, doc, errors))
    return;
  auto popup = read_popup(doc, body_text(request), id, errors.fields);
  ask.id = std::move(popup.id);
  ask.document = std::move(popup.text);
}

} // namespace

catalog_read_actor::behavior_type get_popup_handler(catalog_read_pointer self, net::request_ptr request,
                                                    net::http_broker_actor broker, node_context_ptr node) {
  auto render = [](const net::request& r, const catalog_view& view) {
    const auto* row = find_row(view, r.param("id"));
    return row ? with_etag(r, row->revision, popup_body(*row)) : no_such_popup(r.param("id"));
  };
  return read_catalog(self, std::move(request), std::move(broker), std::move(node), render);
}

catalog_read_actor::behavior_type get_settings_handler(catalog_read_pointer self, net::request_ptr request,
                                                       net::http_broker_actor broker, node_context_ptr node) {
  auto render = [](const net::request& r, const catalog_view& view) {
    return with_etag(r, view.rows.settings_revision, render_settings(view));
  };
  return read_catalog(self, std::move(request), std::move(broker), std::move(node), render);
}

catalog_change_actor::behavior_type create_popup_handler(catalog_change_pointer self,
                                                         net::request_ptr request,
                                                         net::http_broker_actor broker,
                                                         node_context_ptr node) {
  auto read = [](const net::request& r, catalog_ask& ask, body_errors& errors) {
    ask.operation = catalog_operation::create_popup;
    read_popup_body(r, std::nullopt, ask, errors);
  };
  return change_catalog(self, std::move(request), std::move(broker), std::move(node), read);
}

catalog_change_actor::behavior_type put_popup_handler(catalog_change_pointer self, net::request_ptr request,
                                                      net::http_broker_actor broker, node_context_ptr node) {
  auto read = [](const net::request& r, catalog_ask& ask, body_errors& errors) {
    auto only_new = r.field("if-none-match") == std::string_view{"*"};
    ask.operation = only_new ? catalog_operation::create_popup : catalog_operation::put_popup;
    read_popup_body(r, r.param("id"), ask, errors);
  };
  return change_catalog(self, std::move(request), std::move(broker), std::move(node), read);
}

catalog_change_actor::behavior_type delete_popup_handler(catalog_change_pointer self,
                                                         net::request_ptr request,
                                                         net::http_broker_actor broker,
                                                         node_context_ptr node) {
  auto read = [](const net::request& r, catalog_ask& ask, body_errors&) {
    ask.operation = catalog_operation::erase_popup;
    ask.id = r.param("id");
  };
  return change_catalog(self, std::move(request), std::move(broker), std::move(node), read);
}

catalog_change_actor::behavior_type put_settings_handler(catalog_change_pointer self,
                                                         net::request_ptr request,
                                                         net::http_broker_actor broker,
                                                         node_context_ptr node) {
  auto read = [](const net::request& r, catalog_ask& ask, body_errors& errors) {
    ask.operation = catalog_operation::put_settings;
    json::document doc;
    if (!read_body(r, doc, errors))
      return;
    decision::parse_settings(doc, errors.fields);
    decision::check_incoming_settings(doc, errors.fields);
    ask.document = body_text(r);
  };
  return change_catalog(self, std::move(request), std::move(broker), std::move(node), read);
}

stats_actor::behavior_type popup_stats_handler(stats_pointer self, net::request_ptr request,
                                               net::http_broker_actor broker, node_context_ptr node) {
  self->state.open(std::move(request), std::move(broker), std::move(node));
  self->send(self->state.node->handles()->catalog, view_atom::value);
  return {
      [self](net::expire_atom) { answer_expired(self); },
      [self](const catalog_view_ptr& view) {
        auto& st = self->state;
        std::string id{st.request->param("id")};
        if (!view || !find_row(*view, id)) {
          answer(self, view ? no_such_popup(id) : net::make_unavailable("the catalogue is not loaded yet"));
          return;
        }
        ask_read(self, st.node->handles()->readers, work_key{decision::shard_of(id)}, load_stats_job{id});
      },
      [self](const read_result_ptr& result) {
        if (!result->error.ok())
          answer(self, net::make_unavailable("the counters cannot be read now: " + result->error.detail));
        else
          answer(self, json_answer(render_stats(std::string{self->state.request->param("id")},
                                                std::get<std::vector<storage::stat_row>>(result->value))));
      },
  };
}

} // namespace beckon::actors
