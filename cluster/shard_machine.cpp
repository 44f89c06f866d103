#include "cluster/shard_machine.hpp"

namespace beckon::cluster {

namespace {

bool is_here(shard_phase p) {
  return p == shard_phase::serving || p == shard_phase::handing_over;
}

} // namespace

shard_machine::effect shard_machine::apply(const shard_order& order) {
  auto before = now_;
  now_ = order;
  if (!is_here(order.phase))
    return is_here(before.phase) || order != before ? effect::lose : effect::none;
  // Under another epoch another node may have owned it in between.
  auto same = is_here(before.phase) && before.owner == order.owner && before.epoch == order.epoch;
  if (order.phase == shard_phase::handing_over)
    return same && before.phase == order.phase ? effect::none : effect::hand_over;
  if (!same)
    return effect::start;
  return before.phase == order.phase ? effect::none : effect::serve;
}

shard_machine::admission shard_machine::admit(bool forwarded, uint64_t epoch_known) const {
  // The sender knows a newer owner than this node: our order is on its way.
  if (epoch_known > now_.epoch)
    return admission::hold;
  switch (now_.phase) {
  case shard_phase::serving:
    return admission::serve;
  case shard_phase::elsewhere:
    return forwarded ? admission::moved : admission::forward;
  default:
    return admission::hold;
  }
}

} // namespace beckon::cluster
