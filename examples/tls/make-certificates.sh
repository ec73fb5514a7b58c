#!/bin/sh
# Makes what the link needs for TLS on both ends, in the current folder:
#   ca.pem                        the authority: on both hosts
#   receiver.pem receiver-key.pem on the replay host, for --input-tcp
#   sender.pem   sender-key.pem   on the web hosts, for --output-tcp
# ca-key.pem signs further certificates: keep it off both hosts.
set -eu
receiver=${1:-replay.local} # the name in the senders' --output-tcp

umask 077
key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
openssl req -x509 $key -days 3650 -subj "/CN=Gor link authority" -keyout ca-key.pem -out ca.pem

# issue NAME SUBJECT EXTENSIONS
issue() {
	openssl req -new $key -subj "/CN=$2" -keyout "$1-key.pem" -out "$1.csr"
	printf '%s\n' "$3" >"$1.ext"
	openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 365 -extfile "$1.ext" -out "$1.pem"
	rm "$1.csr" "$1.ext"
}
issue receiver "$receiver" "subjectAltName=DNS:$receiver"
issue sender "gor sender" "extendedKeyUsage=clientAuth"
