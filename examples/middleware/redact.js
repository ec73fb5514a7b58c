#!/usr/bin/env node
// A middleware for Gor that takes secrets out of messages.
//
//   sudo gor --input-raw :80 --output-file safe.gor \
//       --middleware "node redact.js --drop /health --fields password,card"
//
// Requests below a --drop path go no further, nor do the answers to them. The
// values of the --headers, and of the --fields of JSON bodies, forms and query
// strings, are blanked, and every other byte stays as it is. A body of such a
// type that cannot be read (damaged, or compressed with anything but gzip) is
// emptied, and so is a multipart form that has one of the fields: better nothing
// than a secret. Bodies of other types pass as they are.

"use strict";
const querystring = require("querystring");
const util = require("util");
const zlib = require("zlib");

const { values: options } = util.parseArgs({
  options: {
    drop: { type: "string", multiple: true, default: [] },
    headers: { type: "string", default: "authorization,proxy-authorization,cookie,set-cookie" },
    fields: { type: "string", default: "password,card" },
  },
});
const secretHeaders = new Set(options.headers.toLowerCase().split(","));
const secretFields = new Set(options.fields.toLowerCase().split(","));

const maxIDs = 10000; // of dropped requests, whose answers are still to come
const maxBody = 64 << 20; // bytes of an unpacked body
const dropped = new Set();

// message returns the line to print for a line that was read, or null.
function message(line) {
  if (line.length % 2 || !/^[0-9a-f]*$/i.test(line)) throw new Error("it is not hexadecimal");
  const bytes = Buffer.from(line, "hex");
  const end = bytes.indexOf("\n");
  const [kind, id, time] = bytes.toString("latin1", 0, Math.max(end, 0)).split(" ");
  if (time === undefined) throw new Error("it has no header with type, id and time");
  const payload = bytes.subarray(end + 1);
  if (kind !== "1" && dropped.has(id)) return null;
  if (kind === "1" && options.drop.some((prefix) => path(payload).startsWith(prefix))) {
    if (dropped.size >= maxIDs) dropped.delete(dropped.values().next().value); // the oldest
    dropped.add(id);
    return null;
  }
  const redacted = redact(payload, kind === "1");
  return redacted.equals(payload) ? line : Buffer.concat([bytes.subarray(0, end + 1), redacted]).toString("hex");
}

// Heads are read as latin1, in which every byte is one character.
function path(payload) {
  const first = payload.toString("latin1", 0, (payload.indexOf("\n") + 1 || payload.length + 1) - 1);
  const target = (first.split(" ")[1] || "").replace(/^[a-z]+:\/\/[^/?]*/i, "");
  return querystring.unescape(target.split("?")[0]);
}

function redact(payload, isRequest) {
  const text = payload.toString("latin1");
  const blankLine = /\r?\n\r?\n/.exec(text);
  const end = blankLine ? blankLine.index + blankLine[0].length : text.length;
  let [first, ...lines] = text.slice(0, end).match(/[^\n]*\n|[^\n]+/g) || [""];
  if (isRequest) first = query(first);
  const fields = headFields(lines);
  let body = payload.subarray(end);
  let changed;
  try {
    changed = newBody(fields, body);
  } catch {
    changed = Buffer.alloc(0);
  }
  if (changed) {
    lines = framed(lines, changed.length);
    body = changed;
  }
  return Buffer.concat([Buffer.from(first + blanked(lines).join(""), "latin1"), body]);
}

function query(first) {
  return first.replace(/\?(\S*)/, (all, query) => "?" + blankForm(query));
}

// blanked is the lines of a head without the values of secret headers.
function blanked(lines) {
  let secret = false;
  return lines.map((line) => {
    if (/^[ \t]/.test(line)) return secret ? "" : line; // goes on with the line before
    const colon = line.indexOf(":");
    secret = colon >= 0 && secretHeaders.has(line.slice(0, colon).trim().toLowerCase());
    return secret ? line.slice(0, colon + 1) + /[\r\n]*$/.exec(line)[0] : line;
  });
}

function headFields(lines) {
  const fields = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    fields[name] = name in fields ? fields[name] + "," + value : value;
  }
  return fields;
}

// newBody is undefined when nothing changes. It throws when the body cannot be
// read.
function newBody(fields, body) {
  const kind = (fields["content-type"] || "").toLowerCase();
  let clean;
  if (body.length === 0) return undefined;
  else if (kind.includes("json")) clean = blankJSON;
  else if (kind.includes("x-www-form-urlencoded")) clean = blankForm;
  else if (kind.includes("multipart/form-data")) clean = blankMultipart;
  else return undefined;
  const plain = decoded(fields, body);
  if (plain.length === 0) return undefined;
  const encoding = clean === blankJSON ? "utf8" : "latin1";
  const text = plain.toString(encoding);
  if (!Buffer.from(text, encoding).equals(plain)) throw new Error("not UTF-8");
  const cleaned = clean(text);
  return cleaned === text ? undefined : Buffer.from(cleaned, encoding);
}

// isNamed is also true of user[password] and user.password.
function isNamed(name) {
  return name.toLowerCase().split(/[\][.]+/).some((part) => secretFields.has(part));
}

function blankJSON(text) {
  JSON.parse(text); // or throw
  const key = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:\s*)?/g; // or any other string
  let out = "";
  let at = 0;
  for (let found; (found = key.exec(text)); ) {
    if (!found[2] || !isNamed(JSON.parse(found[1]))) continue;
    out += text.slice(at, key.lastIndex) + '""';
    at = key.lastIndex = endOfValue(text, key.lastIndex);
  }
  return out + text.slice(at);
}

function endOfValue(text, start) {
  const token = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]|[^"{}[\],\s]+|\s+/y;
  token.lastIndex = start;
  for (let depth = 0, found; (found = token.exec(text)); ) {
    if (found[0] === "{" || found[0] === "[") depth++;
    if (found[0] === "}" || found[0] === "]") depth--;
    if (depth === 0) break;
  }
  return token.lastIndex;
}

function blankForm(text) {
  return text.split("&").map((pair) => {
    const equals = pair.indexOf("=");
    const name = querystring.unescape(pair.slice(0, Math.max(equals, 0)).replace(/\+/g, " "));
    return isNamed(name) ? pair.slice(0, equals + 1) : pair;
  }).join("&");
}

function blankMultipart(text) {
  const names = Array.from(text.matchAll(/name="?([^";\r\n]*)/gi), (found) => found[1]);
  return names.some(isNamed) ? "" : text;
}

// framed is the lines of a head for a body of that length, which is not coded.
function framed(lines, length) {
  let done = false;
  return lines.map((line) => {
    const name = line.split(":")[0].trim().toLowerCase();
    if (name === "content-encoding" || name === "trailer") return "";
    if (name !== "content-length" && name !== "transfer-encoding") return line;
    const first = !done;
    done = true;
    return first ? `Content-Length: ${length}\r\n` : "";
  });
}

function decoded(fields, body) {
  const transfer = (fields["transfer-encoding"] || "").toLowerCase();
  if (transfer === "chunked") body = joinChunks(body);
  else if (transfer) throw new Error("not chunked");
  const coding = (fields["content-encoding"] || "").toLowerCase();
  if (coding === "gzip" || coding === "x-gzip") return zlib.gunzipSync(body, { maxOutputLength: maxBody });
  if (coding && coding !== "identity") throw new Error("a coding that is not understood");
  return body;
}

function joinChunks(body) {
  const chunks = [];
  for (let at = 0; ; ) {
    const end = body.indexOf("\n", at) + 1;
    const size = /^\s*([0-9a-f]{1,8})\s*(;|$)/i.exec(body.toString("latin1", at, end));
    if (!end || !size) throw new Error("a chunk is damaged");
    const length = parseInt(size[1], 16);
    if (length === 0) return Buffer.concat(chunks);
    at = end + length;
    if (body.toString("latin1", at, at + 2) !== "\r\n") throw new Error("a chunk is damaged");
    chunks.push(body.subarray(end, at));
    at += 2;
  }
}

let told = false;

function handle(line) {
  if (line === "") return;
  let out;
  try {
    out = message(line);
  } catch (e) {
    if (!told) console.error(`redact: a line is left out, and others like it: ${e.message}`);
    told = true;
    return;
  }
  if (out !== null) process.stdout.write(out + "\n");
}

// Lines are cut by hand, so that one without its end, which was cut off, is
// known as such and left out.
let begun = [];
process.stdin.on("data", (data) => {
  let start = 0;
  for (let end; (end = data.indexOf(10, start)) >= 0; start = end + 1) {
    begun.push(data.subarray(start, end));
    handle(Buffer.concat(begun).toString("latin1").trim());
    begun = [];
  }
  begun.push(data.subarray(start));
});
process.stdout.on("error", (e) => {
  console.error(`redact: ${e.message}`);
  process.exit(1);
});
