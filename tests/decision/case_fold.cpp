#define CAF_SUITE decision.case_fold

#include "decision/case_fold.hpp"

#include <caf/test/unit_test.hpp>

#include <utility>
#include <vector>

using namespace beckon::decision;

CAF_TEST(letters of every script fold one for one) {
  const std::vector<std::pair<std::string, std::string>> table{
      {"MÜNCHEN", "münchen"},
      {"ÀÉÎÕ", "àéîõ"},
      {"ΣΊΣΥΦΟΣ", "σίσυφοσ"},
      {"ς", "σ"},
      {"МОСКВА", "москва"},
      {"ＡＢＣ", "ａｂｃ"},
      {"Ⱥ", "ⱥ"},
      {"𐐀", "𐐨"},
      {"K", "k"},
      {"Å", "å"},
      {"ſ", "s"},
      {"ẞ", "ß"},
      {"ß", "ß"},
      {"ᾈ", "ᾀ"},
      {"µ", "μ"},
      {"ı", "ı"},
      {"İ", "İ"},
      {"I", "i"},
      {"ŉ", "ŉ"},
      {"ﬀ", "ﬀ"},
      {"日本 1+1", "日本 1+1"},
      {"Ꭰ", "Ꭰ"},
      {"ꭰ", "Ꭰ"},
  };
  for (const auto& [text, wanted] : table) {
    CAF_CHECK_EQUAL(case_folded(text), wanted);
    CAF_CHECK_EQUAL(case_folded(wanted), wanted);
  }
}

CAF_TEST(what is no UTF-8 stands for itself) {
  CAF_CHECK_EQUAL(case_folded("A\xff"
                              "B\xc3"),
                  "a\xff"
                  "b\xc3");
}

CAF_TEST(a beginning is folded no further than needed) {
  CAF_CHECK_EQUAL(case_folded("MÜNCHEN", 2), "mü");
  CAF_CHECK_EQUAL(case_folded("MÜNCHEN", 3), "mü");
  CAF_CHECK_EQUAL(case_folded("MÜNCHEN", 0), "");
}
