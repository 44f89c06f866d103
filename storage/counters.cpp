#include "storage/counters.hpp"

#include <cassert>

namespace beckon::storage {

std::string_view to_string(counter_kind kind) {
  switch (kind) {
  case counter_kind::impression:
    return "impression";
  case counter_kind::click:
    return "click";
  case counter_kind::dismiss:
    return "dismiss";
  case counter_kind::convert:
    return "convert";
  case counter_kind::custom:
    return "custom";
  case counter_kind::show:
    return "show";
  }
  assert(false && "no such counter");
  return "";
}

counter_kind kind_of(decision::event_type type) {
  switch (type) {
  case decision::event_type::impression:
    return counter_kind::impression;
  case decision::event_type::click:
    return counter_kind::click;
  case decision::event_type::dismiss:
    return counter_kind::dismiss;
  case decision::event_type::convert:
    return counter_kind::convert;
  case decision::event_type::custom:
    return counter_kind::custom;
  }
  assert(false && "no such event type");
  return counter_kind::custom;
}

decision::event_type event_type_of(counter_kind kind) {
  switch (kind) {
  case counter_kind::impression:
    return decision::event_type::impression;
  case counter_kind::click:
    return decision::event_type::click;
  case counter_kind::dismiss:
    return decision::event_type::dismiss;
  case counter_kind::convert:
    return decision::event_type::convert;
  case counter_kind::custom:
  case counter_kind::show:
    break;
  }
  assert(kind == counter_kind::custom);
  return decision::event_type::custom;
}

bool moves_state(decision::event_type type) {
  return type == decision::event_type::click || type == decision::event_type::dismiss
         || type == decision::event_type::convert;
}

} // namespace beckon::storage
