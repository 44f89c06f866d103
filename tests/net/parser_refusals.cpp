// Each row of the tables "Refused with 400" and "Other answers" that the parser answers for, and the classics
// of request smuggling. A row is named so that a red test says which rule broke.

#define CAF_SUITE net.parser_refusals

#include "tests/net/refusal_rows.hpp"

#include <caf/test/unit_test.hpp>

#include <string>

using namespace beckon::net;
using namespace beckon::net::test;
using namespace std::literals;

CAF_TEST(field lines) {
  check({
      {"plain", 0, get("A: b\r\n")},
      {"space before the colon", 400, get("A : b\r\n")},
      {"tab before the colon", 400, get("A\t: b\r\n")},
      {"space in the name", 400, get("A B: c\r\n")},
      {"obs-fold with a space", 400, get("A: b\r\n c\r\n")},
      {"obs-fold with a tab", 400, get("A: b\r\n\tc\r\n")},
      {"whitespace before the first field", 400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"},
      {"tab before the first field", 400, "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n"},
      {"bare LF behind a field", 400, get("A: b\n")},
      {"bare LF behind the request line", 400, "GET / HTTP/1.1\nHost: a\r\n\r\n"},
      {"bare LF as the empty line", 400, "GET / HTTP/1.1\r\nHost: a\r\n\n"},
      {"bare CR in a value", 400, get("A: b\rc\r\n")},
      {"bare CR as the empty line", 400, "GET / HTTP/1.1\r\nHost: a\r\n\rX"},
      {"bare CR in the request line", 400, "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"CR CR LF", 400, get("A: b\r\r\n")},
      {"CR in a name", 400, get("A\rB: c\r\n")},
      {"NUL in a value", 400, get("A: b\0c\r\n"s)},
      {"NUL in a name", 400, get("A\0: c\r\n"s)},
      {"control byte in a value", 400, get("A: \x01\r\n")},
      {"vertical tab in a value", 400, get("A: b\x0b\r\n")},
      {"DEL in a value", 400, get("A: b\x7f\r\n")},
      {"tab in a value", 0, get("A: b\tc\r\n")},
      {"obs-text in a value", 0, get("A: \xc3\xa9\xff\r\n")},
      {"obs-text in a name", 400, get("\xc3\xa9: b\r\n")},
      {"name with parentheses", 400, get("A(b): c\r\n")},
      {"name with a quote", 400, get("\"A\": c\r\n")},
      {"empty name", 400, get(": c\r\n")},
      {"no colon", 400, get("Abc\r\n")},
      {"empty value", 0, get("A:\r\n")},
      {"dropped name is checked too", 400, get("A_b : c\r\n")},
  });
}

CAF_TEST(host) {
  const auto with = [](const std::string& host) { return "GET / HTTP/1.1\r\nHost:" + host + "\r\n\r\n"; };
  check({
      {"missing", 400, "GET / HTTP/1.1\r\nA: b\r\n\r\n"},
      {"missing in HTTP/1.0", 0, "GET / HTTP/1.0\r\n\r\n"},
      {"repeated", 400, get("Host: a\r\n")},
      {"repeated in another case", 400, get("hOST: b\r\n")},
      {"repeated in HTTP/1.0", 400, "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"},
      {"empty", 400, with("")},
      {"userinfo", 400, with(" user@a")},
      {"path", 400, with(" a/b")},
      {"blank", 400, with(" a b")},
      {"comma", 400, with(" a,b")},
      {"port", 0, with(" a:80")},
      {"empty port", 0, with(" a:")},
      {"port of letters", 400, with(" a:80x")},
      {"port too large", 400, with(" a:65536")},
      {"port too long", 400, with(" a:000080")},
      {"two ports", 400, with(" a:80:80")},
      {"only a port", 400, with(" :80")},
      {"IPv4", 0, with(" 127.0.0.1:8080")},
      {"IPv6", 0, with(" [::1]:8080")},
      {"IPv6 without brackets", 400, with(" ::1")},
      {"IPv6 malformed", 400, with(" [::g]")},
      {"IPv6 open bracket", 400, with(" [::1")},
      {"IPv6 and rubbish", 400, with(" [::1]x")},
      {"IPv6 with a zone", 400, with(" [fe80::1%25eth0]")},
      {"blanks around", 0, with("  a.example \t")},
      {"not ASCII", 400, with(" \xc3\xa9.example")},
      {"missing with an absolute target", 400, "GET http://a/ HTTP/1.1\r\n\r\n"},
      {"invalid with an absolute target", 400, "GET http://a/ HTTP/1.1\r\nHost: b@c\r\n\r\n"},
  });
}

CAF_TEST(content length) {
  const auto with = [](const std::string& length) {
    return post("Content-Length:" + length + "\r\n", "hello");
  };
  check({
      {"plain", 0, with(" 5")},
      {"leading zeros", 0, with(" 0005")},
      {"with Transfer-Encoding", 400,
       post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
      {"with Transfer-Encoding first", 400,
       post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n")},
      {"with an unknown coding", 400, post("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n", "hello")},
      {"several", 400, post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello")},
      {"several identical", 400, post("Content-Length: 5\r\ncontent-length: 5\r\n", "hello")},
      {"list", 400, with(" 5, 5")},
      {"plus", 400, with(" +5")},
      {"minus", 400, with(" -1")},
      {"hexadecimal", 400, with(" 0x5")},
      {"empty", 400, with("")},
      {"fraction", 400, with(" 5.0")},
      {"exponent", 400, with(" 5e0")},
      {"underscore", 400, with(" 5_0")},
      {"blank inside", 400, with(" 5 5")},
      {"letters behind", 400, with(" 5a")},
      {"overflow", 413, with(" 18446744073709551616")},
      {"overflow that wraps to 5", 413, with(" 18446744073709551621")},
      {"overflow by far", 413, with(" " + std::string(100, '9'))},
  });
}

CAF_TEST(transfer encoding) {
  const auto with = [](const std::string& coding) {
    return post("Transfer-Encoding:" + coding + "\r\n", "5\r\nhello\r\n0\r\n\r\n");
  };
  check({
      {"chunked", 0, with(" chunked")},
      {"chunked in capitals", 0, with(" CHUNKED")},
      {"HTTP/1.0", 400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"repeated", 400, post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
      {"repeated, first unknown", 400,
       post("Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
      {"repeated in one line", 400, with(" chunked, chunked")},
      {"chunked not last", 400, with(" chunked, gzip")},
      {"unknown coding first", 501, with(" gzip, chunked")},
      {"unknown coding", 501, with(" gzip")},
      {"identity", 501, with(" identity")},
      {"xchunked", 501, with(" xchunked")},
      {"chunkedx", 501, with(" chunkedx")},
      {"parameter", 400, with(" chunked;q=1")},
      {"trailing comma", 400, with(" chunked,")},
      {"leading comma", 400, with(" ,chunked")},
      {"empty", 400, with("")},
      {"quoted", 400, with(" \"chunked\"")},
      {"two words", 400, with(" chunked x")},
      {"space before the colon", 400, post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n")},
      {"vertical tab", 400,
       with(" \x0b"
            "chunked")},
      {"tab before the value", 0, with("\tchunked")},
      {"folded", 400, post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n")},
      {"hidden behind a bare CR", 400, get("X: y\rTransfer-Encoding: chunked\r\n")},
      {"hidden behind a bare LF", 400, get("X: y\nTransfer-Encoding: chunked\r\n")},
      {"with underscore is no framing", 0, get("Transfer_Encoding: chunked\r\n")},
  });
}

CAF_TEST(chunk extensions) {
  const auto with = [](const std::string& extension) {
    return chunks("5" + extension + "\r\nhello\r\n0" + extension + "\r\n\r\n");
  };
  check({
      {"none", 0, with("")},
      {"name", 0, with(";a")},
      {"two names", 0, with(";a;b")},
      {"token", 0, with(";a=b!#$%&'*+-.^_`|~9")},
      {"quoted", 0, with(";a=\"b;c=d \t[\xc3\xa9\"")},
      {"empty quoted", 0, with(";a=\"\"")},
      {"quoted pair", 0, with(";a=\"\\\"\\\\\"")},
      {"blanks where the grammar has them", 0, with("; a\t= \"b\" ;\tc = d ;e")},
      {"nothing behind the semicolon", 400, with(";")},
      {"a blank behind the semicolon", 400, with("; ")},
      {"semicolon at the end", 400, with(";a;")},
      {"two semicolons", 400, with(";;a")},
      {"blank before CR LF", 400, with(";a ")},
      {"blank behind a value", 400, with(";a=b ")},
      {"blank behind a quoted value", 400, with(";a=\"b\" ")},
      {"blank before the semicolon behind the size", 400, with(" ;a")},
      {"name that is no token", 400, with(";a[")},
      {"name in quotes", 400, with(";\"a\"")},
      {"no name", 400, with(";=b")},
      {"two words", 400, with(";a b")},
      {"no value", 400, with(";a=")},
      {"blank for a value", 400, with(";a= ")},
      {"value that is no token", 400, with(";a=b[")},
      {"value that begins with none", 400, with(";a=[b")},
      {"two equals signs", 400, with(";a==b")},
      {"second equals sign", 400, with(";a=b=c")},
      {"two values", 400, with(";a=b c")},
      {"comma", 400, with(";a,b")},
      {"quote within a token", 400, with(";a=b\"c\"")},
      {"open quote", 400, with(";a=\"b")},
      {"backslash before the closing quote", 400, with(";a=\"b\\\"")},
      {"backslash at the end", 400, with(";a=\"b\\")},
      {"token behind a quoted text", 400, with(";a=\"b\"c")},
      {"quoted text behind a quoted text", 400, with(";a=\"b\"\"c\"")},
      {"obs-text in a name", 400, with(";\xc3\xa9")},
      {"obs-text in a token", 400, with(";a=\xc3\xa9")},
      {"NUL in quotes", 400, with(std::string{";a=\"\0\"", 6})},
      {"bare LF in quotes", 400, with(";a=\"\n\"")},
      {"bare CR in quotes", 400, with(";a=\"\r\"")},
      {"DEL as a quoted pair", 400, with(";a=\"\\\x7f\"")},
      {"CR LF as a quoted pair", 400, with(";a=\"\\\r\n\"")},
      {"bare LF behind a name", 400, chunks("5;a\nhello\r\n0\r\n\r\n")},
  });
}

CAF_TEST(chunks) {
  check({
      {"one", 0, chunks("5\r\nhello\r\n0\r\n\r\n")},
      {"capital digits", 0, chunks("A\r\n0123456789\r\n0\r\n\r\n")},
      {"leading zeros", 0, chunks("0005\r\nhello\r\n000\r\n\r\n")},
      {"extension", 0, chunks("5;a=b\r\nhello\r\n0;c\r\n\r\n")},
      {"trailer", 0, chunks("0\r\nA: b\r\nContent-Length: 7\r\n\r\n")},
      {"0x", 400, chunks("0x5\r\nhello\r\n0\r\n\r\n")},
      {"plus", 400, chunks("+5\r\nhello\r\n0\r\n\r\n")},
      {"minus", 400, chunks("-5\r\nhello\r\n0\r\n\r\n")},
      {"underscore", 400, chunks("0_5\r\nhello\r\n0\r\n\r\n")},
      {"blank before", 400, chunks(" 5\r\nhello\r\n0\r\n\r\n")},
      {"blank behind", 400, chunks("5 \r\nhello\r\n0\r\n\r\n")},
      {"tab behind", 400, chunks("5\t\r\nhello\r\n0\r\n\r\n")},
      {"blank before the extension", 400, chunks("5 ;a\r\nhello\r\n0\r\n\r\n")},
      {"no size", 400, chunks("\r\nhello\r\n0\r\n\r\n")},
      {"only an extension", 400, chunks(";a\r\nhello\r\n0\r\n\r\n")},
      {"letter", 400, chunks("5g\r\nhello\r\n0\r\n\r\n")},
      {"overflow", 400, chunks("10000000000000005\r\nhello\r\n0\r\n\r\n")},
      {"overflow of zeros", 400, chunks("00000000000000005\r\nhello\r\n0\r\n\r\n")},
      {"greatest number", 413, chunks("ffffffffffffffff\r\nhello\r\n0\r\n\r\n")},
      {"sum that wraps", 413, chunks("5\r\nhello\r\nfffffffffffffffb\r\n")},
      {"missing CRLF after a chunk", 400, chunks("5\r\nhello0\r\n\r\n")},
      {"LF after a chunk", 400, chunks("5\r\nhello\n0\r\n\r\n")},
      {"CR after a chunk", 400, chunks("5\r\nhello\r0\r\n\r\n")},
      {"chunk longer than said", 400, chunks("4\r\nhello\r\n0\r\n\r\n")},
      {"bare LF after the size", 400, chunks("5\nhello\r\n0\r\n\r\n")},
      {"bare CR after the size", 400, chunks("5\rhello\r\n0\r\n\r\n")},
      {"bare LF in an extension", 400, chunks("5;a\nhello\r\n0\r\n\r\n")},
      {"bare CR in an extension", 400, chunks("5;a\rb\r\nhello\r\n0\r\n\r\n")},
      {"NUL in an extension", 400, chunks("5;a\0b\r\nhello\r\n0\r\n\r\n"s)},
      {"bare LF at the end", 400, chunks("0\r\n\n")},
      {"bare LF in a trailer", 400, chunks("0\r\nA: b\n\r\n")},
      {"malformed trailer", 400, chunks("0\r\nA : b\r\n\r\n")},
      {"folded trailer", 400, chunks("0\r\nA: b\r\n c\r\n\r\n")},
  });
}

CAF_TEST(request line) {
  const auto line = [](const std::string& text) { return text + "\r\nHost: a\r\n\r\n"; };
  check({
      {"blank in the target", 400, line("GET /a b HTTP/1.1")},
      {"tab in the target", 400, line("GET /a\tb HTTP/1.1")},
      {"control in the target", 400, line("GET /a\x01 HTTP/1.1")},
      {"NUL in the target", 400, line("GET /a\0 HTTP/1.1"s)},
      {"DEL in the target", 400, line("GET /\x7f HTTP/1.1")},
      {"non-ASCII in the target", 400, line("GET /\xc3\xa9 HTTP/1.1")},
      {"two blanks before the target", 400, line("GET  / HTTP/1.1")},
      {"two blanks behind the target", 400, line("GET /  HTTP/1.1")},
      {"blank at the end", 400, line("GET / HTTP/1.1 ")},
      {"blank at the start", 400, line(" GET / HTTP/1.1")},
      {"tab between", 400, line("GET\t/ HTTP/1.1")},
      {"no target", 400, line("GET HTTP/1.1")},
      {"HTTP/0.9", 400, "GET /\r\n"},
      {"method is no token", 400, line("G(T / HTTP/1.1")},
      {"empty method", 400, line(" / HTTP/1.1")},
      {"TLS", 400, "\x16\x03\x01\x02"},
      {"* with GET", 400, line("GET * HTTP/1.1")},
      {"* with POST", 400, line("POST * HTTP/1.1")},
      {"* with OPTIONS", 0, line("OPTIONS * HTTP/1.1")},
      {"lower-case version", 400, line("GET / http/1.1")},
      {"mixed-case version", 400, line("GET / Http/1.1")},
      {"multi-digit major", 400, line("GET / HTTP/11.1")},
      {"multi-digit minor", 400, line("GET / HTTP/1.10")},
      {"no minor", 400, line("GET / HTTP/1")},
      {"letter for a digit", 400, line("GET / HTTP/1.x")},
      {"other protocol", 400, line("GET / ICY/1.1")},
      {"HTTP/2.0", 505, line("GET / HTTP/2.0")},
      {"HTTP/0.9 with a version", 505, line("GET / HTTP/0.9")},
      {"HTTP/3.0", 505, line("GET / HTTP/3.0")},
      {"preface of HTTP/2", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"unknown method", 0, line("BREW / HTTP/1.1")},
      {"method in lower case", 0, line("get / HTTP/1.1")},
      {"two empty lines before", 0, "\r\n\r\n" + line("GET / HTTP/1.1")},
      {"three empty lines before", 400, "\r\n\r\n\r\n" + line("GET / HTTP/1.1")},
      {"bare LF before", 400, "\n" + line("GET / HTTP/1.1")},
      {"bare CR before", 400, "\r" + line("GET / HTTP/1.1")},
  });
}

CAF_TEST(targets) {
  check({
      {"fragment", 400, get("", "/a#b")},
      {"fragment behind a query", 400, get("", "/?a#b")},
      {"no slash", 400, get("", "a")},
      {"other scheme", 400, get("", "ftp://a/")},
      {"absolute", 0, get("", "http://b/c")},
      {"absolute https in capitals", 0, get("", "HTTPS://b/c")},
      {"absolute with userinfo", 400, get("", "http://u@b/c")},
      {"absolute with userinfo and password", 400, get("", "http://u:p@b/c")},
      {"absolute without host", 400, get("", "http:///c")},
      {"absolute with a bad port", 400, get("", "http://b:x/")},
      {"authority with GET", 400, get("", "a:80")},
      {"encoded NUL", 400, get("", "/a%00b")},
      {"encoded slash", 400, get("", "/a%2Fb")},
      {"encoded slash in lower case", 400, get("", "/a%2fb")},
      {"encoded slash behind dots", 400, get("", "/a/..%2f..")},
      {"encoded CR LF", 400, get("", "/a%0d%0ab")},
      {"encoded DEL", 400, get("", "/%7f")},
      {"cut escape", 400, get("", "/a%2")},
      {"escape of letters", 400, get("", "/a%zz")},
      {"percent alone", 400, get("", "/%")},
      {"overlong UTF-8", 400, get("", "/%c0%af")},
      {"overlong UTF-8, three bytes", 400, get("", "/%e0%80%af")},
      {"surrogate", 400, get("", "/%ed%a0%80")},
      {"lone continuation", 400, get("", "/%80")},
      {"cut UTF-8", 400, get("", "/%e2%82")},
      {"UTF-8", 0, get("", "/%e2%82%ac")},
      {"backslash", 400, get("", "/a\\b")},
      {"encoded backslash", 0, get("", "/a%5Cb")},
      {"climb", 400, get("", "/..")},
      {"climb and return", 400, get("", "/../a")},
      {"climb later", 400, get("", "/a/../../b")},
      {"climb encoded", 400, get("", "/%2e%2e/a")},
      {"climb half encoded", 400, get("", "/.%2E/a")},
      {"climb in an absolute target", 400, get("", "http://a/../b")},
      {"harmless dots", 0, get("", "/a/../b/./c")},
      {"escape in the query is left alone", 0, get("", "/?a=%zz%00")},
      {"CONNECT with authority", 0, "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"CONNECT without port", 400, "CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"CONNECT with an empty port", 400, "CONNECT a: HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"CONNECT with a path", 0, "CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n"},
  });
}

CAF_TEST(expectations) {
  check({
      {"100-continue", 0, post("Expect: 100-continue\r\nContent-Length: 5\r\n", "hello")},
      {"100-continue in capitals", 0, post("Expect: 100-CONTINUE\r\nContent-Length: 5\r\n", "hello")},
      {"without a body", 0, get("Expect: 100-continue\r\n")},
      {"anything else", 417, get("Expect: x\r\n")},
      {"empty", 417, get("Expect:\r\n")},
      {"list", 417, get("Expect: 100-continue, x\r\n")},
      {"two, one unknown", 417, get("Expect: x\r\nExpect: 100-continue\r\n")},
  });
}

CAF_TEST(smuggling) {
  const std::string hidden = "GET /admin HTTP/1.1\r\nHost: a\r\n\r\n";
  check({
      {"CL.TE", 400, post("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + hidden)},
      {"TE.CL", 400, post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "5c\r\n" + hidden)},
      {"TE.TE, obfuscated second", 400,
       post("Transfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n", "0\r\n\r\n" + hidden)},
      {"xchunked", 501, post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n" + hidden)},
      {"space before the colon", 400, post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n" + hidden)},
      {"space before Content-Length's colon", 400, post("Content-Length : 5\r\n", hidden)},
      {"NUL in Transfer-Encoding", 400, post("Transfer-Encoding: chunked\0\r\n"s, "0\r\n\r\n" + hidden)},
      {"CL.CL", 400, post("Content-Length: 0\r\nContent-Length: 33\r\n", hidden)},
      {"0.CL with a body on GET", 0, get("Content-Length: 32\r\n") + hidden},
      {"chunk size with a minus sign", 400, chunks("-0\r\n\r\n" + hidden)},
      {"terminator in an extension", 400, chunks("0;\n\r\n\r\n" + hidden)},
      {"size that wraps to 32 bits", 413, chunks("100000000\r\n\r\n" + hidden)},
      {"header in the request line", 400, "GET / HTTP/1.1\rHost: a\r\n\r\n" + hidden},
  });
}
