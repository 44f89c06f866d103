#pragma once

#include "bench/load/ledger_record.hpp"

#include <string>
#include <vector>

namespace beckon::load {

/// Gets a ledger line by line, in the order in which it was written.
class ledger_sink {
 public:
  virtual ~ledger_sink() = default;
  virtual void begin(const ledger_begin& begin) = 0;
  virtual void sent(const ledger_intent& intent) = 0;
  virtual void answered(const ledger_outcome& outcome) = 0;
  /// After the last line of a file. `whole`: the generator itself ended it, it was not killed.
  virtual void end(bool whole) = 0;
};

/// The ledger files of a directory, sorted. Empty: `problem` says why.
std::vector<std::string> ledger_files(const std::string& directory, std::string& problem);

/// Reads one file. A last line that is cut, and zeros behind it, are what a killed generator leaves: they are
/// left out. Any other line that is not as expected, or missing before an orderly end, makes it false, and
/// `problem` names file and line: a ledger that was changed proves nothing.
/// Memory: one line.
bool read_ledger(const std::string& path, ledger_sink& sink, std::string& problem);

} // namespace beckon::load
