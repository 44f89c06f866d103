// Writes the seed inputs of fuzz_wire: fuzz_wire_corpus DIRECTORY. What the fuzzer found there stays.

#include "tests/cluster/wire_samples.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

using namespace beckon::cluster;

namespace {

constexpr size_t kinds = std::variant_size_v<frame>;
constexpr size_t bytes_max = 2048; // longer inputs slow the search down

bool write(const std::filesystem::path& file, const std::string& bytes) {
  if (bytes.size() > bytes_max)
    return true;
  std::ofstream out{file, std::ios::binary};
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  return !out.fail();
}

/// Small, with things that a flipped bit makes equal: placements, names of attributes.
batch near_misses() {
  decide_ask_frame f;
  f.request.user = "u";
  f.request.placements = {"p", "q"};
  f.request.context.set("a", true);
  f.request.context.set("c",
                        std::vector<beckon::decision::attribute_scalar>{int64_t{1}, 0.5, std::string{"x"}});
  return samples::batch_of(f);
}

bool write_all(const std::filesystem::path& directory) {
  bool good = true;
  for (size_t i = 0; i < kinds * 8; ++i) {
    samples::frame_maker maker{i};
    auto one = samples::batch_of(maker.make(i % kinds));
    good = write(directory / ("frame_" + std::to_string(i)), samples::encode(one)) && good;
  }
  for (size_t i = 0; i < 8; ++i) {
    samples::frame_maker maker{i};
    batch several;
    several.head = maker.head();
    for (size_t n = 0; n < 4; ++n)
      several.frames.push_back(maker.make(maker.pick(kinds)));
    good = write(directory / ("batch_" + std::to_string(i)), samples::encode(several)) && good;
  }
  good = write(directory / "near_misses", samples::encode(near_misses())) && good;
  hello h;
  h.cluster = "shop";
  h.name = "node-1";
  h.from = 1;
  h.to = 2;
  return write(directory / "hello", encode(h)) && good;
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: fuzz_wire_corpus DIRECTORY\n");
    return 2;
  }
  std::error_code failed;
  std::filesystem::create_directories(argv[1], failed);
  if (failed || !write_all(argv[1])) {
    std::fprintf(stderr, "%s: cannot be written to\n", argv[1]);
    return 1;
  }
  return 0;
}
