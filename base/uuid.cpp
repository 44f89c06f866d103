#include "base/uuid.hpp"

#include <random>

namespace beckon::base {

namespace {

// One generator per thread, seeded by the kernel: ids must be distinct, not secret.
uint64_t random_bits() {
  thread_local std::mt19937_64 generator{[] {
    std::random_device device;
    return (uint64_t{device()} << 32) | device();
  }()};
  return generator();
}

void append_hex(std::string& out, uint64_t bits, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4)
    out += "0123456789abcdef"[(bits >> shift) & 0xf];
}

} // namespace

std::string make_uuid_v7(int64_t unix_ms) {
  auto time = static_cast<uint64_t>(unix_ms);
  auto a = random_bits();
  auto b = random_bits();
  std::string out;
  out.reserve(36);
  append_hex(out, time >> 16, 8);
  out += '-';
  append_hex(out, time & 0xffff, 4);
  out += '-';
  append_hex(out, 0x7000 | (a & 0x0fff), 4);
  out += '-';
  append_hex(out, 0x8000 | ((a >> 12) & 0x3fff), 4);
  out += '-';
  append_hex(out, b & 0xffffffffffff, 12);
  return out;
}

} // namespace beckon::base
