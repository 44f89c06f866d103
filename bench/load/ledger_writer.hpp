#pragma once

#include "bench/load/ledger_record.hpp"

#include <string>
#include <string_view>

namespace beckon::load {

/// Appends to one file of the ledger. The file is mapped into memory: a line belongs to the kernel as soon as
/// the function returns, so it survives a kill of this process without a system call per line. After a kill
/// the file ends in zeros, and its last line may be cut. Runs on: one thread. Blocks: when the file grows (by
/// 16 MiB of reserved disk space). Lost on a crash of the process: nothing; of the machine: what the kernel
/// had not written yet.
class ledger_writer {
 public:
  ledger_writer() = default;
  ~ledger_writer();
  ledger_writer(const ledger_writer&) = delete;
  ledger_writer& operator=(const ledger_writer&) = delete;

  /// Creates the directory and the file. False: `problem()` gives the reason.
  bool open(const std::string& directory, const ledger_begin& begin);
  /// Appends a line. False if the disk is full or fails; then nothing may be sent, because there would be no
  /// record of it.
  bool sent(const ledger_intent& intent);
  bool answered(const ledger_outcome& outcome);
  /// Writes the last line, cuts the file to its length and closes it.
  bool close();

  /// Without a ledger every call succeeds and does nothing.
  bool is_open() const { return fd_ >= 0; }
  const std::string& problem() const { return problem_; }

 private:
  bool append(std::string_view line);
  bool grow(size_t bytes_min);
  bool fail(const std::string& what, int code);

  int fd_ = -1;
  std::string path_;
  char* map_ = nullptr;
  size_t map_start_ = 0; // offset of the mapped window in the file
  size_t map_bytes_ = 0;
  size_t used_ = 0; // bytes of lines in the file
  uint64_t lines_ = 0;
  std::string line_;
  std::string problem_;
};

} // namespace beckon::load
