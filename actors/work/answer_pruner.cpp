#include "actors/work/answer_pruner.hpp"

#include "decision/user_state.hpp"

#include <chrono>
#include <utility>

namespace beckon::actors {

namespace {

constexpr std::chrono::seconds pause{10};
constexpr uint32_t rows_per_turn = 1000;
constexpr uint32_t go_on_from = 100;
constexpr work_key prune_key{0};

template <class Self>
void prune(Self* self) {
  auto& node = *self->state.node;
  auto before_ms = node.now_ms() - decision::request_id_keep_ms;
  ask_write(self, node.handles()->writers, prune_key, storage::answers_prune{before_ms, rows_per_turn});
}

} // namespace

const char* answer_pruner_state::name = "answer_pruner";

answer_pruner_actor::behavior_type
answer_pruner(answer_pruner_actor::stateful_pointer<answer_pruner_state> self, node_context_ptr node) {
  self->state.node = std::move(node);
  self->delayed_send(self, pause, beat_atom::value);
  return {
      [self](beat_atom) {
        self->delayed_send(self, pause, beat_atom::value);
        prune(self);
      },
      [self](const write_result_ptr& result) {
        // Of several databases some may have had their share of rows and others none.
        if (result->error.ok() && result->outcome.affected >= go_on_from)
          prune(self);
      },
  };
}

} // namespace beckon::actors
