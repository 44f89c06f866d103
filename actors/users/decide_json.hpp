#pragma once

#include "actors/context/messages.hpp"
#include "json/object_reader.hpp"
#include "net/message.hpp"

#include <string>

namespace beckon::actors {

/// Reads the body of POST /v1/decide. Adds every error with its pointer; the result is usable only if none
/// was added.
decide_ask parse_decide(const json::value& body, json::field_errors& errors);

/// Reads the short form GET
/// /v1/decide?user=U&placement=P[&placement=P…][&request_id=R][&dry_run=true][&explain=true].
decide_ask parse_decide_query(const net::request& request, json::field_errors& errors);

/// The body of the answer.
std::string render_decision(const decide_answer& answer);

} // namespace beckon::actors
