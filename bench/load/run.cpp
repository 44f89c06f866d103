#include "bench/load/run.hpp"

#include "bench/load/clock.hpp"
#include "bench/load/report.hpp"
#include "bench/load/store_view.hpp"
#include "bench/load/worker.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

namespace beckon::load {

namespace {

constexpr size_t file_bytes_max = size_t{16} << 20;
constexpr int64_t second_ns = 1'000'000'000;

/// Unique among all runs: time, process and seed in 12 hexadecimal digits.
std::string make_run_id(uint64_t seed) {
  random_source mixed{static_cast<uint64_t>(unix_us() * 1000 + steady_ns() % 1000)
                      ^ (static_cast<uint64_t>(getpid()) << 40) ^ seed};
  char text[13];
  std::snprintf(text, sizeof(text), "%012llx", static_cast<unsigned long long>(mixed.next() >> 16));
  return text;
}

/// Showings before the run, so that verify can tell which ones are its own.
std::optional<std::map<std::string, uint64_t>> shows_before(const run_options& options) {
  store_client client{options.nodes};
  std::string problem;
  auto catalog = read_catalog(client, problem);
  auto shows = catalog ? read_shows(client, *catalog, problem) : std::nullopt;
  if (!shows)
    std::fprintf(
        stderr,
        "beckon-load: no statistics from before the run, so verify cannot find charges too many: %s\n",
        problem.c_str());
  return shows;
}

worker_options options_of(const run_options& o, const ledger_begin& begin, uint64_t thread) {
  worker_options w;
  w.nodes = o.nodes;
  w.closed_loop = o.rate == 0;
  w.times = {0, std::max<uint64_t>(o.rate, 1), o.seconds, o.threads, thread};
  w.connections = o.connections / o.threads + (thread < o.connections % o.threads ? 1 : 0);
  w.timeout_ns = static_cast<int64_t>(o.timeout_ms) * 1'000'000;
  w.drain_ns = static_cast<int64_t>(o.drain_seconds) * second_ns;
  w.resend = o.resend;
  w.ledger = o.ledger;
  w.begin = begin;
  w.begin.thread = thread;
  return w;
}

/// The threads of a run, and their progress.
class running {
 public:
  running(const mix& m, const run_options& options, const ledger_begin& begin) : options_(options) {
    for (uint64_t i = 0; i < options.threads; ++i)
      workers_.push_back(std::make_unique<worker>(m, options_of(options, begin, i)));
  }

  /// Runs to the end, showing progress. Seconds that it took, without the connecting before.
  double work() {
    std::promise<int64_t> start;
    auto start_ns = start.get_future().share();
    std::vector<std::future<void>> ready;
    std::atomic<size_t> over{0};
    for (auto& w : workers_) {
      std::promise<void> promise;
      ready.push_back(promise.get_future());
      threads_.emplace_back([this, &over, &w, start_ns, promise = std::move(promise)]() mutable {
        w->run(std::move(promise), start_ns);
        if (!w->result().failure.empty())
          stop(); // without its ledger one thread's outcomes are unknown, so going on proves nothing
        ++over;
      });
    }
    for (auto& one : ready)
      one.wait();
    auto began_ns = steady_ns();
    start.set_value(began_ns);
    while (over < workers_.size())
      watch(began_ns);
    for (auto& t : threads_)
      t.join();
    if (is_terminal_)
      std::fputs("\r\033[K", stderr);
    return std::min(static_cast<double>(steady_ns() - began_ns) / second_ns,
                    static_cast<double>(options_.seconds));
  }

  figures result() const {
    figures all;
    for (const auto& w : workers_)
      all.merge(w->result());
    return all;
  }

 private:
  void stop() {
    for (auto& w : workers_)
      w->stop();
  }

  /// Waits up to 50 ms for a signal that ends the run, and shows progress when it is time.
  void watch(int64_t began_ns) {
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    timespec limit{0, 50'000'000};
    if (sigtimedwait(&ending, nullptr, &limit) > 0)
      stop();
    auto now = steady_ns();
    shown_ns_ = std::max(shown_ns_, began_ns);
    if (now - shown_ns_ < (is_terminal_ ? 1 : 5) * second_ns)
      return;
    window last;
    for (auto& w : workers_)
      last.merge(w->take_window());
    auto left_s = static_cast<double>(options_.seconds) - static_cast<double>(now - began_ns) / second_ns;
    auto line = progress_line(last, static_cast<double>(now - shown_ns_) / second_ns, left_s);
    std::fprintf(stderr, is_terminal_ ? "\r\033[K%s" : "%s\n", line.c_str());
    shown_ns_ = now;
  }

  const run_options& options_;
  std::vector<std::unique_ptr<worker>> workers_;
  std::vector<std::thread> threads_;
  int64_t shown_ns_ = 0;
  bool is_terminal_ = isatty(STDERR_FILENO) == 1;
};

/// What rates refer to: the time of the run, and more when answers came after it, but not the wait for
/// answers that never came.
double measured_seconds(const run_options& options, const figures& f, double elapsed_s) {
  auto planned_s = std::min(elapsed_s, static_cast<double>(options.seconds));
  return std::max(planned_s, static_cast<double>(f.last_answer_ns) / second_ns);
}

/// Raises the descriptor limit as far as allowed. False: still too few.
bool make_room(uint64_t connections) {
  constexpr uint64_t others = 64;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return true; // connecting will show it
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && connections + others > limit.rlim_cur) {
    std::fprintf(
        stderr, "beckon-load: --connections %llu: this process may open %llu files; raise it (ulimit -n)\n",
        static_cast<unsigned long long>(connections), static_cast<unsigned long long>(limit.rlim_cur));
    return false;
  }
  return true;
}

/// SIGINT and SIGTERM are taken by watch(); threads inherit the mask.
void block_signals() {
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGINT);
  sigaddset(&ending, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
}

} // namespace

bool read_file(const std::string& path, std::string& out, std::string& problem) {
  std::ifstream file{path, std::ios::binary};
  out.assign(file_bytes_max + 1, '\0');
  if (file)
    file.read(out.data(), static_cast<std::streamsize>(out.size()));
  out.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  if (!file.eof() || out.size() > file_bytes_max)
    problem = path + ": cannot be read, or is larger than 16 MiB";
  return problem.empty();
}

bool write_document(const std::string& path, const std::string& text) {
  if (path == "-")
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  std::ofstream file{path, std::ios::binary | std::ios::trunc};
  file << text;
  file.close();
  if (!file)
    std::fprintf(stderr, "beckon-load: --json %s: cannot be written\n", path.c_str());
  return static_cast<bool>(file);
}

int run(const run_options& options) {
  mix m;
  if (!options.mix.empty()) {
    std::string text;
    std::string problem;
    auto read = read_file(options.mix, text, problem) ? parse_mix(text, problem) : std::nullopt;
    if (!read) {
      std::fprintf(stderr, "beckon-load: --mix %s: %s\n", options.mix.c_str(), problem.c_str());
      return 2;
    }
    m = std::move(*read);
  }
  if (!make_room(options.connections))
    return 1;
  block_signals();
  ledger_begin begin;
  begin.run = make_run_id(options.seed);
  begin.at_us = unix_us();
  begin.seed = options.seed;
  if (!options.ledger.empty())
    begin.shows_before = shows_before(options);
  std::fprintf(stderr, "beckon-load: run %s, seed %llu\n", begin.run.c_str(),
               static_cast<unsigned long long>(options.seed));
  running all{m, options, begin};
  auto elapsed_s = all.work();
  auto figures = all.result();
  auto seconds = measured_seconds(options, figures, elapsed_s);
  auto* table_out = options.json == "-" ? stderr : stdout;
  std::fputs(run_table(figures, seconds).c_str(), table_out);
  std::fputs(generator_warning(figures, options.rate == 0).c_str(), stderr);
  bool written =
      options.json.empty() || write_document(options.json, run_json(options, begin.run, figures, seconds));
  if (!figures.failure.empty())
    std::fprintf(stderr, "beckon-load: stopped before its time: %s\n", figures.failure.c_str());
  return written && figures.failure.empty() ? 0 : 1;
}

} // namespace beckon::load
