#include "actors/api/user_handler.hpp"

#include "actors/seam/request_body.hpp"
#include "json/raw_text.hpp"
#include "json/writer.hpp"

#include <utility>

namespace beckon::actors {

namespace {

user_operation operation_of(net::http_method m) {
  switch (m) {
  case net::http_method::put:
    return user_operation::replace_profile;
  case net::http_method::patch:
    return user_operation::patch_profile;
  case net::http_method::del:
    return user_operation::erase;
  case net::http_method::get:
  case net::http_method::head:
  case net::http_method::post:
  case net::http_method::options:
  case net::http_method::trace:
  case net::http_method::connect:
  case net::http_method::unknown:
    break; // of these the routes let only GET and HEAD through
  }
  return user_operation::get;
}

user_ask read_user_ask(const net::request& request, body_errors& errors) {
  user_ask ask;
  ask.operation = operation_of(request.method);
  ask.user = request.param("id");
  if (!json::is_identifier(ask.user)) {
    errors.fields.push_back({"/id", "a user id is 1 to 128 bytes of UTF-8 without control characters"});
    return ask;
  }
  if (ask.operation == user_operation::get || ask.operation == user_operation::erase)
    return ask;
  json::document doc;
  if (!read_body(request, doc, errors))
    return ask;
  json::object_reader in{doc, {}, errors.fields};
  if (const auto* attributes = in.object("attributes", json::object_reader::need::required)) {
    ask.document = json::to_string(*attributes);
    json::refuse_large_integers(body_text(request), "attributes", errors.fields);
  }
  in.finish();
  return ask;
}

std::string render_user(const std::string& user, const user_answer& a, int64_t now_ms) {
  std::string out;
  json::writer w{out};
  w.begin_object().member("user", user);
  w.key("attributes").raw(a.profile ? decision::to_json(*a.profile) : "{}");
  w.key("next_eligible_at").time_or_null(a.state.next_eligible_ms > now_ms ? a.state.next_eligible_ms : 0);
  w.key("popups").begin_object();
  for (const auto& p : a.state.popups) {
    w.key(p.popup).begin_object().member("shows", p.shows);
    w.key("last_shown_at").time_or_null(p.last_shown_ms);
    w.key("clicked_at").time_or_null(p.clicked_ms);
    w.key("dismissed_at").time_or_null(p.dismissed_ms);
    w.key("converted_at").time_or_null(p.converted_ms).end_object();
  }
  w.end_object().end_object();
  return out;
}

net::response render(const net::request& request, const user_answer& a, int64_t now_ms) {
  std::string user{request.param("id")};
  if (a.status == ask_status::overloaded)
    return net::make_unavailable("too many requests wait for this user's state; try again later");
  if (a.status == ask_status::moving)
    return net::make_unavailable(
        "this user's shard is moving to another node; nothing was changed; try again");
  if (a.status == ask_status::unavailable)
    return net::make_unavailable("the store cannot be reached; it is unknown whether a change took effect: "
                                 "read the user, then repeat it");
  if (!a.errors.empty())
    return net::make_problem(422, "the profile is not acceptable; nothing was changed", a.errors);
  if (!a.found && request.method == net::http_method::del)
    return net::make_problem(404, "nothing is known about user '" + user + "'");
  if (!a.found)
    return net::make_problem(404, "user '" + user
                                      + "' has no profile and was shown no popup; events alone are listed by "
                                        "GET /v1/events?user="
                                      + net::percent_encode(user));
  if (request.method == net::http_method::del) {
    net::response r;
    r.status = 204;
    return r;
  }
  auto created = request.method == net::http_method::put && a.created;
  return json_answer(render_user(user, a, now_ms), created ? 201 : 200);
}

} // namespace

user_handler_actor::behavior_type user_handler(user_handler_actor::stateful_pointer<exchange_state> self,
                                               net::request_ptr request, net::http_broker_actor broker,
                                               node_context_ptr node) {
  auto& st = self->state;
  st.open(std::move(request), std::move(broker), std::move(node));
  body_errors errors;
  auto ask = std::make_shared<user_ask>(read_user_ask(*st.request, errors));
  if (errors.any()) {
    answer(self, errors.problem());
    return user_handler_actor::behavior_type::make_empty_behavior();
  }
  send_to_owner(self, ask->user, user_atom::value, user_ask_ptr{ask});
  return {
      [self](net::expire_atom) { answer_expired(self); },
      [self](const user_answer_ptr& a) {
        answer(self, render(*self->state.request, *a, self->state.node->now_ms()));
      },
  };
}

} // namespace beckon::actors
