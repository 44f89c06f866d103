#define CAF_SUITE decision.history

#include "json/time_text.hpp"
#include "scenario.hpp"

#include <caf/test/unit_test.hpp>

#include <array>
#include <map>
#include <random>

using namespace beckon;
using namespace beckon::decision;
using namespace beckon::decision::scenario;
using result = beckon::decision::decision;

namespace {

/// What really happened to one popup, kept apart from the state that decide() works on.
struct memory {
  uint32_t shows = 0;
  int64_t shown_ms = 0;
  std::map<event_type, int64_t> outcomes;
};

/// One user with a random catalogue, living through a random history in which every promise is checked.
class life {
 public:
  explicit life(uint64_t seed) : random_(seed), triggers_(pick(3) == 0), catalog_(make()) {}

  void live(int steps) {
    for (int i = 0; i < steps; ++i) {
      now_ += static_cast<int64_t>(pick(4) == 0 ? pick(20 * hour_ms) : pick(10 * minute_ms));
      if (pick(3) == 0)
        act();
      else
        ask();
    }
  }

  std::string broken; // the first promise that did not hold

 private:
  uint64_t pick(uint64_t below) { return random_() % below; }

  std::string duration() { return '"' + std::to_string(1 + pick(120)) + "m\""; }

  std::string random_members() {
    std::string f;
    auto add = [&](const std::string& member) { f += (f.empty() ? "" : ",") + member; };
    if (pick(2) == 0)
      add("\"every\":" + duration());
    if (pick(2) == 0)
      add("\"max_shows\":" + std::to_string(1 + pick(8)));
    if (pick(3) == 0)
      add("\"after_dismiss\":" + duration());
    if (pick(3) == 0)
      add("\"after_click\":" + duration());
    if (pick(4) == 0)
      add(R"("stop_after":["click"])");
    else if (pick(4) == 0)
      add(R"("stop_after":["dismiss","convert"])");
    std::string m = "\"frequency\":{" + f + "},\"priority\":" + std::to_string(pick(3));
    auto from = json::format_rfc3339(now_ms + static_cast<int64_t>(pick(day_ms)));
    auto until = json::format_rfc3339(now_ms + day_ms + static_cast<int64_t>(pick(2 * day_ms)));
    if (pick(3) == 0)
      m += ",\"window\":{\"from\":\"" + from + "\",\"until\":\"" + until + "\"}";
    if (triggers_ && pick(2) == 0)
      m += R"(,"trigger":{"event":"e"})";
    if (pick(4) == 0)
      m += ",\"rollout\":{\"percent\":" + std::to_string(pick(101)) + "}";
    return m;
  }

  catalog make() {
    std::vector<popup_ptr> popups;
    const std::vector<std::string> places = {R"(["home"])", R"(["cart"])", R"(["home","cart"])"};
    for (uint64_t i = 0, count = 1 + pick(4); i < count; ++i)
      popups.push_back(make_popup("p" + std::to_string(i), random_members(), places[pick(3)]));
    settings s;
    s.min_gap_ms = pick(2) == 0 ? 0 : static_cast<int64_t>(1 + pick(90 * minute_ms));
    return make_catalog(std::move(popups), s);
  }

  void check(bool holds, const std::string& promise) {
    if (!holds && broken.empty())
      broken = promise + " at " + json::format_rfc3339(now_);
  }

  result decide_at(int64_t at_ms, bool trigger) {
    auto r = make_request(pick(2) == 0 ? std::vector<std::string>{"home", "cart"}
                                       : std::vector<std::string>{"cart", "home"});
    r.trigger_event = trigger ? "e" : "";
    return decide(catalog_, state_, nullptr, r, at_ms);
  }

  bool shows_at(int64_t at_ms, bool trigger = true) { return decide_at(at_ms, trigger).claims; }

  void ask() {
    auto d = decide_at(now_, pick(2) == 0);
    std::map<std::string, int> together;
    for (const auto& p : d.placements)
      if (p.popup)
        check_shown(*p.popup, ++together[p.popup->id]);
    if (d.claims) {
      check(now_ >= gap_end_, "min_gap");
      gap_end_ = now_ + catalog_.config().min_gap_ms;
      check(d.next.version == state_.version + 1, "version");
      auto again = decode_user_state(encode(d.next));
      check(again && encode(*again) == encode(d.next), "encoding");
      state_ = *again;
    }
    check_next(d);
  }

  void check_shown(const popup& p, int times) {
    auto& m = memories_[p.id];
    const auto& f = p.freq;
    auto waited = [&](int64_t since_ms, std::optional<int64_t> wait) {
      return since_ms == 0 || !wait || now_ >= since_ms + *wait;
    };
    check(times == 1, "twice in one answer");
    check(!p.from_ms || now_ >= *p.from_ms, "window opens");
    check(!p.until_ms || now_ < *p.until_ms, "window closes");
    check(!f.max_shows || m.shows < *f.max_shows, "max_shows");
    check(waited(m.shown_ms, f.every_ms), "every");
    check(waited(m.outcomes[event_type::dismiss], f.after_dismiss_ms), "after_dismiss");
    check(waited(m.outcomes[event_type::click], f.after_click_ms), "after_click");
    check(!f.stop_after_click || m.outcomes[event_type::click] == 0, "stop after click");
    check(!f.stop_after_dismiss || m.outcomes[event_type::dismiss] == 0, "stop after dismiss");
    check(!f.stop_after_convert || m.outcomes[event_type::convert] == 0, "stop after convert");
    ++m.shows;
    m.shown_ms = now_;
  }

  /// Whatever later requests contain, nothing is shown before the announced moment, and something can be
  /// shown then.
  void check_next(const result& d) {
    auto at = d.next_eligible_ms.value_or(now_);
    check(at > now_ || !d.next_eligible_ms, "a moment told lies ahead");
    if (d.next_eligible_ms) {
      check(!shows_at(at - 1), "nothing just before the moment told");
      check(!shows_at(now_ + static_cast<int64_t>(pick(static_cast<uint64_t>(at - now_)))),
            "nothing before it");
    }
    if (shows_at(at))
      return;
    // Nothing at that moment although every trigger is given: then nothing may come ever.
    check(!decide_at(at, true).next_eligible_ms, "a moment given but nothing shown then");
    for (int i = 0; i < 5; ++i)
      check(!shows_at(at + static_cast<int64_t>(pick(5 * day_ms))), "came although no moment was given");
  }

  void act() {
    const std::array types = {event_type::click, event_type::dismiss, event_type::convert,
                              event_type::impression};
    auto type = types[pick(types.size())];
    const auto& p = catalog_.all()[pick(catalog_.all().size())]->id;
    auto at = now_ - static_cast<int64_t>(pick(hour_ms));
    if (type != event_type::impression) {
      auto& kept = memories_[p].outcomes[type];
      kept = std::max(kept, at);
    }
    apply_event(state_, type, p, at, now_);
  }

  std::mt19937_64 random_;
  bool triggers_;
  catalog catalog_;
  user_state state_;
  std::map<std::string, memory> memories_;
  int64_t now_ = now_ms;
  int64_t gap_end_ = 0;
};

} // namespace

CAF_TEST(no promise is broken in any history) {
  uint64_t seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  for (uint64_t i = 0; i < 1500; ++i) {
    life one{seed + i};
    one.live(100);
    if (one.broken.empty())
      continue;
    CAF_ERROR("seed " << seed + i << ": " << one.broken);
    return;
  }
}
