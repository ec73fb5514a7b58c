package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/buger/gor/internal/payload"
)

// A recording is numbered messages of one size.
type recording struct {
	name     string
	size     int // bytes of a message's body
	messages int
}

// perConnection is how many messages share the connection part of their ids.
const perConnection = 8

func writeRecording(dir string, size, total int) (r recording, err error) {
	r = recording{name: filepath.Join(dir, "in.gor"), size: size, messages: max(1, total/size)}
	f, err := os.Create(r.name)
	if err != nil {
		return r, err
	}
	defer f.Close() // again, after an error
	w := bufio.NewWriterSize(f, 1<<20)
	var msg, record []byte
	for i := range r.messages {
		msg = r.append(msg[:0], i)
		record = payload.AppendRecord(record[:0], msg)
		if _, err := w.Write(record); err != nil {
			return r, err
		}
	}
	return r, errors.Join(w.Flush(), f.Close())
}

func (r recording) remove() error { return os.Remove(r.name) }

// append appends message i, whose content is about i too.
func (r recording) append(dst []byte, i int) []byte {
	dst = payload.AppendMeta(dst, payload.Meta{
		Type: payload.Request, ID: payload.AppendID(nil, uint64(i/perConnection), uint32(i%perConnection)),
		Time: 1_700_000_000_000_000_000 + int64(i)*1000, Length: -1,
	})
	start := len(dst)
	dst = fmt.Appendf(dst, "POST /%d HTTP/1.1\r\nHost: link\r\nContent-Length: ", i)
	body := r.size - (len(dst) - start) - len("12345\r\n\r\n")
	dst = strconv.AppendInt(dst, int64(body), 10)
	dst = append(dst, "\r\n\r\n"...)
	for k := range body {
		dst = append(dst, byte('a'+(i+k)%26))
	}
	return dst
}

// number tells which message msg claims to be, by its id.
func (r recording) number(msg []byte) (i int, ok bool) {
	m, _, err := payload.Split(msg)
	if err != nil || len(m.ID) != 24 {
		return 0, false
	}
	conn, err1 := strconv.ParseUint(string(m.ID[:16]), 16, 64)
	ordinal, err2 := strconv.ParseUint(string(m.ID[16:]), 16, 32)
	if err1 != nil || err2 != nil || ordinal >= perConnection || conn > uint64(r.messages) {
		return 0, false
	}
	i = int(conn)*perConnection + int(ordinal)
	return i, i < r.messages
}

// certificates are a server's, signed by itself, in files.
type certificates struct{ cert, key string }

func makeCertificates(dir string) (c certificates, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return c, err
	}
	serial := make([]byte, 8)
	rand.Read(serial) // never fails
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		DNSNames:     []string{hex.EncodeToString(serial)},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return c, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return c, err
	}
	c = certificates{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	return c, errors.Join(
		os.WriteFile(c.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(c.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
}
