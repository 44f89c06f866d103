#pragma once

#include "bench/load/choice.hpp"
#include "bench/load/request_text.hpp"

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beckon::load {

/// One request, as the ledger and the wire need it.
struct made_request {
  load::kind kind = load::kind::decide;
  std::string user;                    // decides
  std::vector<std::string> placements; // decides
  std::string request_id;              // decides; empty: none
  uint64_t first = 0;                  // events
  uint64_t count = 0;                  // events; 0: a decide
  unsigned attempt = 0;                // how often it was sent before
  std::string body;

  std::string_view path() const { return count > 0 ? "/v1/events" : "/v1/decide"; }
};

/// Chooses a thread's next request: consequences of earlier answers first, then the mix. The same mix, seed
/// and answers give the same requests. Bounds: 4,096 request ids to retry, 100,000 claims to report, 64 MiB
/// of batches to resend; beyond them the oldest id, the newest report and the newest batch are dropped. Runs
/// on: its worker's thread. Blocks: no.
class request_maker {
 public:
  struct setup {
    uint64_t seed = 1;
    uint64_t thread = 0;
    uint64_t threads = 1;
    std::string ledger_name; // ids begin with it
  };

  request_maker(const mix& m, setup s);

  made_request next(int64_t now_ns, int64_t now_ms);

  /// A popup was shown: its event is due, if the mix has one.
  void showed(const made_request& request, const decide_answer& answer);
  /// A batch got no answer, or one that says "later": resend it with the same ids after a back-off of 100 ms
  /// to 2 s, and not before `wait_ns` from now. False: the bound is reached and the batch is dropped.
  bool again(made_request request, int64_t now_ns, int64_t wait_ns);

  bool has_resend(int64_t now_ns) const { return !resends_.empty() && resends_.begin()->first <= now_ns; }
  size_t resends() const { return resends_.size(); }

 private:
  struct remembered {
    uint64_t user = 0;
    uint64_t placement = 0;
    uint64_t number = 0;
  };
  struct claim {
    std::string user;
    std::string decision;
    shown_popup shown;
  };

  uint64_t pick_user();
  made_request decide(load::kind k);
  made_request fill_decide(load::kind k, const remembered& r, bool with_id) const;
  made_request events(int64_t now_ms);
  made_request claim_event(int64_t now_ms);
  made_request take_resend();

  const mix& mix_;
  setup setup_;
  random_source random_;
  zipf zipf_;
  weighted kinds_;
  weighted types_;
  uint64_t users_in_turn_ = 0;
  uint64_t next_event_ = 0;
  uint64_t next_request_id_ = 0;
  std::vector<remembered> ring_;
  size_t ring_at_ = 0;
  std::deque<claim> claims_;
  std::multimap<int64_t, made_request> resends_; // by the moment before which they are not sent
  size_t resend_bytes_ = 0;
};

} // namespace beckon::load
