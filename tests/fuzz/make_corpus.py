#!/usr/bin/env python3
"""Writes the seed inputs of fuzz_request_parser: make_corpus.py DIRECTORY. What the fuzzer found there stays."""

import pathlib
import sys

HOST = b"Host: a\r\n"


def get(fields=b"", line=b"GET / HTTP/1.1"):
    return line + b"\r\n" + HOST + fields + b"\r\n"


def post(fields, body):
    return get(fields, b"POST /v1/decide?x=%20 HTTP/1.1") + body


def chunked(body):
    return post(b"Transfer-Encoding: chunked\r\n", body)


STREAMS = {
    "get": get(),
    "old": b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "post": post(b"Content-Type: application/json\r\nContent-Length: 5\r\n", b"hello"),
    "pipelined": get() + post(b"Content-Length: 2\r\n", b"{}") + b"\r\n" + get(b"Connection: close\r\n"),
    "chunked": chunked(b"5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n") + get(),
    "chunked_bad": chunked(b"5\r\nhello\n0\r\n\r\n"),
    "chunked_large": chunked(b"ffffffffffffffff\r\n"),
    "expect": post(b"Expect: 100-continue\r\nContent-Length: 1\r\n", b"x"),
    "expect_other": get(b"Expect: x\r\n"),
    "absolute": get(line=b"GET http://b:80/c/../d?e HTTP/1.1"),
    "asterisk": get(line=b"OPTIONS * HTTP/1.1"),
    "authority": get(line=b"CONNECT [::1]:443 HTTP/1.1"),
    "escapes": get(line=b"GET /%e2%82%ac/%2e%2e/%41?a=%zz HTTP/1.1"),
    "climb": get(line=b"GET /a/../../b HTTP/1.1"),
    "later_minor": get(line=b"GET / HTTP/1.2"),
    "later_major": get(line=b"GET / HTTP/2.0"),
    "fold": get(b"A: b\r\n c\r\n"),
    "underscore": get(b"A_B: c\r\n"),
    "smuggle": post(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    "codings": post(b"Transfer-Encoding: gzip, chunked\r\n", b""),
    "many_fields": get(b"A:\r\n" * 120),
    "long_line": get(line=b"GET /" + b"a" * 100 + b" HTTP/1.1"),
}


def main():
    target = pathlib.Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for name, stream in STREAMS.items():
        for choice in range(4):  # the limits, see request_parser.cpp
            (target / f"{name}_{choice}").write_bytes(bytes([choice]) + stream)


if __name__ == "__main__":
    main()
