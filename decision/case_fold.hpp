#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace beckon::decision {

/// Simple case folding of Unicode (CaseFolding.txt, status C and S): one character for one, the same in every
/// language. "ß" stays itself, all forms of sigma are one, the dotted and the dotless i of Turkish are
/// letters of their own. No normalisation: a composed and a decomposed letter stay unlike. Takes and gives
/// UTF-8; other bytes stand for themselves. At most 3/2 of the text's length.
std::string case_folded(std::string_view text);

/// Begins like case_folded(text), and is cut behind the character with which it reaches `bytes` bytes.
std::string case_folded(std::string_view text, size_t bytes);

} // namespace beckon::decision
