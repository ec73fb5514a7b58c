#!/usr/bin/env python3
"""A middleware for Gor that takes secrets out of messages.

  sudo gor --input-raw :80 --output-file safe.gor \\
      --middleware "python3 redact.py --drop /health --fields password,card"

Requests below a --drop path go no further, nor do the answers to them. The
values of the --headers, and of the --fields of JSON bodies, forms and query
strings, are blanked, and every other byte stays as it is. A body of such a type
that cannot be read (damaged, or compressed with anything but gzip) is emptied,
and so is a multipart form that has one of the fields: better nothing than a
secret. Bodies of other types pass as they are.
"""

import argparse
import binascii
import collections
import json
import os
import re
import sys
import urllib.parse
import zlib

MAX_IDS = 10_000  # of dropped requests, whose answers are still to come
MAX_BODY = 64 << 20  # bytes of an unpacked body

KEY = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*")(\s*:\s*)?', re.S)  # or any other string
MULTIPART_NAME = re.compile(rb'name="?([^";\r\n]*)', re.I)


class Redactor:
    def __init__(self, drop, headers, fields):
        self.drop = tuple(drop)
        self.headers = set(headers.lower().split(","))
        self.fields = set(fields.lower().split(","))
        self.dropped = collections.OrderedDict()

    def message(self, line):
        """Returns the line to print for a line that was read, or None."""
        message = binascii.unhexlify(line)
        meta, end, payload = message.partition(b"\n")
        kind, ident, *rest = meta.split(b" ")
        if not end or not rest:
            raise ValueError("it has no header with type, id and time")
        if kind != b"1" and ident in self.dropped:
            return None
        if kind == b"1" and self.drop and self.path(payload).startswith(self.drop):
            self.dropped[ident] = None
            if len(self.dropped) > MAX_IDS:
                self.dropped.popitem(last=False)
            return None
        redacted = self.redact(payload, kind == b"1")
        return line if redacted == payload else binascii.hexlify(meta + end + redacted)

    def path(self, payload):
        target = payload.partition(b"\n")[0].split(b" ")[1:2] or [b""]
        path = re.sub(rb"^[a-z]+://[^/?]*", b"", target[0], flags=re.I)
        return urllib.parse.unquote(path.partition(b"?")[0].decode("latin-1"))

    def redact(self, payload, is_request):
        blank_line = re.search(rb"\r?\n\r?\n", payload)
        end = blank_line.end() if blank_line else len(payload)
        first, *lines = re.findall(rb"[^\n]*\n|[^\n]+", payload[:end]) or [b""]
        if is_request:
            first = self.query(first)
        fields, body = head_fields(lines), payload[end:]
        try:
            new = self.body(fields, body)
        except (ValueError, RecursionError, zlib.error):
            new = b""
        if new is not None:
            lines, body = framed(lines, len(new)), new
        return first + b"".join(self.blanked(lines)) + body

    def query(self, first):
        return re.sub(rb"(?<=\?)\S*", lambda query: self.form(query[0]), first, count=1)

    def blanked(self, lines):
        """The lines of a head without the values of the headers."""
        secret = False
        for line in lines:
            if line[:1] in (b" ", b"\t"):  # goes on with the line before
                if not secret:
                    yield line
                continue
            name, colon, value = line.partition(b":")
            secret = bool(colon) and name.strip().lower().decode("latin-1") in self.headers
            yield name + colon + value[len(value.rstrip(b"\r\n")) :] if secret else line

    def body(self, fields, body):
        """The new body, or None when nothing changes."""
        kind = fields.get(b"content-type", b"").lower()
        if not body:
            return None
        elif b"json" in kind:
            clean = self.json
        elif b"x-www-form-urlencoded" in kind:
            clean = self.form
        elif b"multipart/form-data" in kind:
            clean = self.multipart
        else:
            return None
        plain = decoded(fields, body)
        new = clean(plain) if plain else plain
        return None if new == plain else new

    def is_named(self, name):
        """Also for user[password] and user.password."""
        return not self.fields.isdisjoint(re.split(r"[][.]+", name.lower()))

    def json(self, body):
        text = body.decode("utf-8")
        json.loads(text)  # or a ValueError
        values = json.JSONDecoder()
        out, at = [], 0
        for key in KEY.finditer(text):
            if key[2] and key.start() >= at and self.is_named(json.loads(key[1])):
                out += text[at : key.end()], '""'
                at = values.raw_decode(text, key.end())[1]
        return ("".join(out) + text[at:]).encode("utf-8")

    def form(self, body):
        pairs = body.split(b"&")
        for i, pair in enumerate(pairs):
            name, equals, _ = pair.partition(b"=")
            if equals and self.is_named(urllib.parse.unquote_plus(name.decode("latin-1"))):
                pairs[i] = name + equals
        return b"&".join(pairs)

    def multipart(self, body):
        names = (name.decode("latin-1") for name in MULTIPART_NAME.findall(body))
        return b"" if any(map(self.is_named, names)) else body


def head_fields(lines):
    fields = {}
    for line in lines:
        name, _, value = line.partition(b":")
        name = name.strip().lower()
        fields[name] = fields[name] + b"," + value.strip() if name in fields else value.strip()
    return fields


def framed(lines, length):
    """The lines of a head for a body of that length, which is not coded."""
    done = False
    for line in lines:
        name = line.partition(b":")[0].strip().lower()
        if name in (b"content-length", b"transfer-encoding"):
            if not done:
                yield b"Content-Length: %d\r\n" % length
            done = True
        elif name not in (b"content-encoding", b"trailer"):
            yield line


def decoded(fields, body):
    transfer = fields.get(b"transfer-encoding", b"").lower()
    if transfer == b"chunked":
        body = join_chunks(body)
    elif transfer:
        raise ValueError("not chunked")
    coding = fields.get(b"content-encoding", b"").lower()
    if coding in (b"gzip", b"x-gzip"):
        unpacker = zlib.decompressobj(wbits=31)
        body = unpacker.decompress(body, MAX_BODY)
        if not unpacker.eof or unpacker.unused_data:
            raise ValueError("damaged or too large")
    elif coding not in (b"", b"identity"):
        raise ValueError("a coding that is not understood")
    return body


def join_chunks(body):
    chunks, at = [], 0
    while True:
        end = body.index(b"\n", at) + 1
        size = int(body[at:end].partition(b";")[0], 16)
        if size == 0:
            return b"".join(chunks)
        at = end + size
        if size < 0 or body[at : at + 2] != b"\r\n":
            raise ValueError("a chunk is damaged")
        chunks.append(body[end:at])
        at += 2


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--drop", action="append", default=[], metavar="PREFIX", help="drop requests whose path begins so; may be given several times")
    parser.add_argument("--headers", default="authorization,proxy-authorization,cookie,set-cookie", help="headers to blank (default %(default)s)")
    parser.add_argument("--fields", default="password,card", help="fields to blank (default %(default)s)")
    redactor = Redactor(**vars(parser.parse_args()))
    told = False
    for line in sys.stdin.buffer:
        if not line.endswith(b"\n"):
            break  # it was cut off
        line = line.strip()
        if not line:
            continue
        try:
            out = redactor.message(line)
        except ValueError as e:
            if not told:
                print(f"redact: a line is left out, and others like it: {e}", file=sys.stderr, flush=True)
            told = True
            continue
        if out is not None:
            sys.stdout.buffer.write(out + b"\n")
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit("redact: nobody reads what it prints")
    except KeyboardInterrupt:
        sys.exit(1)
