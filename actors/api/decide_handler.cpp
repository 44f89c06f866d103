#include "actors/api/decide_handler.hpp"

#include "actors/seam/request_body.hpp"
#include "actors/users/decide_json.hpp"
#include "decision/hash.hpp"
#include "json/raw_text.hpp"

#include <utility>

namespace beckon::actors {

namespace {

decide_ask parse_request(const net::request& request, body_errors& errors) {
  if (request.method == net::http_method::post) {
    json::small_document doc;
    if (!read_body(request, doc.get(), errors))
      return {};
    auto ask = parse_decide(doc.get(), errors.fields);
    const auto text = body_text(request);
    for (const std::string_view name : {"context", "attributes"})
      json::refuse_large_integers(text, name, errors.fields);
    return ask;
  }
  auto ask = parse_decide_query(request, errors.fields);
  // A HEAD request shows no popup, so it must not charge one.
  ask.request.dry_run = ask.request.dry_run || request.method == net::http_method::head;
  return ask;
}

net::response render(const decide_answer& a) {
  if (a.status == ask_status::overloaded)
    return net::make_unavailable("too many requests wait for this user's state; try again later");
  if (a.status == ask_status::moving)
    return net::make_unavailable("this user's shard is moving to another node; nothing was shown; try again");
  net::response r;
  r.content_type = json_content;
  r.body = a.body.empty() ? render_decision(a) : a.body;
  // An answer is a claim: a cache that repeated it would show uncharged popups.
  r.headers.emplace_back("Cache-Control", "no-store");
  return r;
}

} // namespace

decide_handler_actor::behavior_type
decide_handler(decide_handler_actor::stateful_pointer<exchange_state> self, net::request_ptr request,
               net::http_broker_actor broker, node_context_ptr node) {
  self->state.open(std::move(request), std::move(broker), std::move(node));
  auto& st = self->state;
  body_errors errors;
  auto ask = std::make_shared<decide_ask>(parse_request(*st.request, errors));
  if (errors.any()) {
    answer(self, errors.problem());
    return decide_handler_actor::behavior_type::make_empty_behavior();
  }
  send_to_owner(self, ask->request.user, decide_atom::value, decide_ask_ptr{ask});
  return {
      [self](net::expire_atom) { answer_expired(self); },
      [self](const decide_answer_ptr& a) { answer(self, render(*a)); },
  };
}

} // namespace beckon::actors
