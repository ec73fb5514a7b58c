#!/usr/bin/env node
// A middleware for Gor that lets recorded sessions go on at the replay target.
// Production answers a login with one token and staging answers the same login
// with another; requests that come later with production's get staging's in its
// place, in a header "Authorization: Bearer TOKEN" and in a query parameter
// token=TOKEN.
//
//   sudo gor --input-raw :80 --input-raw-track-response --middleware "node tokens.js" \
//       --output-http http://staging.com --output-http-track-response
//
// Until staging has answered the login, requests pass as they are.
// Another way of giving tokens: node tokens.js '"session":"([^"]+)"'

"use strict";
const zlib = require("zlib");

// How an answer gives a token: one group, around it.
const pattern = new RegExp(process.argv[2] || '"token"\\s*:\\s*"([^"]+)"');

if (new RegExp(pattern.source + "|").exec("").length !== 2) {
  console.error(`tokens: ${pattern}: want one group, such as (.*), around the token`);
  process.exit(2);
}

// What is remembered is bounded: of more logins the oldest are forgotten, and
// what is longer than a token may be is none.
const maxLogins = 10000;
const maxToken = 4096;
const maxAnswer = 1 << 20; // bytes of an answer that are looked at

const answers = new Map(); // type and id of an answer to a login: its token
const tokens = new Map(); // production's token: staging's

function remember(map, key, value, most) {
  if (!map.has(key) && map.size >= most) {
    map.delete(map.keys().next().value); // the oldest
  }
  map.set(key, value);
}

// answer learns a token from production's answer (2) or staging's (3). Either
// may come first.
function answer(kind, id, payload) {
  const found = pattern.exec(readable(payload));
  if (!found || !found[1] || found[1].length > maxToken) return;
  remember(answers, kind + id, found[1], 2 * maxLogins);
  const productions = answers.get("2" + id);
  const stagings = answers.get("3" + id);
  if (productions !== undefined && stagings !== undefined) {
    remember(tokens, productions, stagings, maxLogins);
  }
}

// request puts staging's tokens into a request, and leaves every other byte of
// it as it is. In latin1 every byte is one character.
function request(payload) {
  const end = payload.indexOf("\r\n\r\n");
  if (end < 0) return payload;
  const head = payload.toString("latin1", 0, end);
  const lines = head.split("\n");
  lines[0] = lines[0].replace(/([?&]token=)([^&\s]*)/g, (all, name, value) => {
    const token = tokens.get(decodeParameter(value));
    return token === undefined ? all : name + encodeURIComponent(token);
  });
  for (let i = 1; i < lines.length; i++) {
    lines[i] = lines[i].replace(/^(Authorization:[ \t]*Bearer[ \t]+)(\S+)/i, (all, scheme, value) => {
      return tokens.has(value) ? scheme + tokens.get(value) : all;
    });
  }
  const changed = lines.join("\n");
  return changed === head ? payload : Buffer.concat([Buffer.from(changed, "latin1"), payload.subarray(end)]);
}

function decodeParameter(value) {
  try {
    return decodeURIComponent(value.replace(/\+/g, " "));
  } catch {
    return undefined; // a % that means nothing
  }
}

// readable is a response as text with its body decoded: chunks joined, gzip
// unpacked. Of a body that is damaged it has what comes before that.
function readable(payload) {
  const end = payload.indexOf("\r\n\r\n");
  if (end < 0) return "";
  const head = payload.toString("latin1", 0, end + 4);
  let body = payload.subarray(end + 4);
  if (/^Transfer-Encoding:.*\bchunked\b/im.test(head)) body = joinChunks(body);
  if (/^Content-Encoding:[ \t]*gzip[ \t]*\r?$/im.test(head)) {
    try {
      body = zlib.gunzipSync(body, { maxOutputLength: maxAnswer, finishFlush: zlib.constants.Z_SYNC_FLUSH });
    } catch {
      return head;
    }
  }
  return head + body.toString("latin1", 0, maxAnswer);
}

function joinChunks(body) {
  const chunks = [];
  for (let at = 0; ; ) {
    const end = body.indexOf("\n", at);
    const size = end < 0 ? NaN : parseInt(body.toString("latin1", at, end), 16);
    if (!(size > 0)) return Buffer.concat(chunks);
    chunks.push(body.subarray(end + 1, end + 1 + size));
    at = end + 1 + size + 2; // the chunk's own CR LF
  }
}

// message returns the line to print for a line that was read: the same one,
// unless a token was replaced.
function message(line) {
  if (line.length % 2 || !/^[0-9a-f]*$/i.test(line)) throw new Error("it is not hexadecimal");
  const bytes = Buffer.from(line, "hex");
  const end = bytes.indexOf("\n");
  const [kind, id, time] = bytes.toString("latin1", 0, Math.max(end, 0)).split(" ");
  if (time === undefined) throw new Error("it has no header with type, id and time");
  const payload = bytes.subarray(end + 1);
  if (kind === "1") {
    const changed = request(payload);
    if (changed !== payload) return Buffer.concat([bytes.subarray(0, end + 1), changed]).toString("hex");
  } else if (kind === "2" || kind === "3") {
    answer(kind, id, payload);
  }
  return line;
}

let told = false;

function handle(line) {
  if (line === "") return;
  let out;
  try {
    out = message(line);
  } catch (e) {
    if (!told) console.error(`tokens: a line is left out, and others like it: ${e.message}`);
    told = true;
    return;
  }
  process.stdout.write(out + "\n");
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
  console.error(`tokens: ${e.message}`);
  process.exit(1);
});
