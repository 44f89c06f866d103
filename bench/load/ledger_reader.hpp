#pragma once

#include "bench/load/ledger_record.hpp"

#include <string>
#include <vector>

namespace beckon::load {

/// Receives a ledger line by line, in the order of writing.
class ledger_sink {
 public:
  virtual ~ledger_sink() = default;
  virtual void begin(const ledger_begin& begin) = 0;
  virtual void sent(const ledger_intent& intent) = 0;
  virtual void answered(const ledger_outcome& outcome) = 0;
  /// After the last line of a file. `whole`: the generator finished it and was not killed.
  virtual void end(bool whole) = 0;
};

/// The ledger files of a directory, sorted. Empty: `problem` says why.
std::vector<std::string> ledger_files(const std::string& directory, std::string& problem);

/// Reads one file. Skips what a killed generator leaves: a cut last line, and zeros after it. Any other
/// unexpected line, or one missing before a regular end, makes it false, and `problem` names file and line: a
/// changed ledger proves nothing. Memory: one line.
bool read_ledger(const std::string& path, ledger_sink& sink, std::string& problem);

} // namespace beckon::load
