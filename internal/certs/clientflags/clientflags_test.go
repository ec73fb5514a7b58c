package clientflags

import (
	"crypto/tls"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

func TestCheckFor(t *testing.T) {
	for _, test := range []struct {
		name      string
		client    Client
		addresses []string
		want      string // "": nothing is wrong
	}{
		{"nothing", Client{}, []string{"http://a"}, ""},
		{"not verified", Client{SkipVerify: true}, []string{"http://a", "https://b"}, ""},
		{"not verified, and no TLS", Client{SkipVerify: true}, []string{"http://a"}, "--output-x-skip-verify is for TLS, and no --output-x begins with https://"},
		{"an authority", Client{CA: "ca.pem"}, []string{"http://a", "HTTPS://b"}, ""},
		{"a pair", Client{Certificate: "c.pem", Key: "k.pem"}, []string{"https://a"}, ""},
		{"an authority for nobody", Client{CA: "ca.pem"}, []string{"http://a", "https://"}, "--output-x-ca is for TLS, and no --output-x begins with https://"},
		{"a key for nobody", Client{Key: "k.pem"}, nil, "--output-x-client-key is for TLS, and no --output-x begins with https://"},
		{"a certificate alone", Client{Certificate: "c.pem"}, []string{"https://a"}, "--output-x-client-cert c.pem needs its key; add --output-x-client-key key.pem"},
		{"a key alone", Client{Key: "k.pem"}, []string{"https://a"}, "--output-x-client-key k.pem needs its certificate; add --output-x-client-cert cert.pem"},
		{"trust and do not look", Client{CA: "ca.pem", SkipVerify: true}, []string{"https://a"},
			"--output-x-ca ca.pem says whose certificates to trust, and --output-x-skip-verify to trust any; leave one out"},
	} {
		got := ""
		if err := test.client.CheckFor("output-x", "https://", test.addresses); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestFlagsSetTheClient(t *testing.T) {
	var c Client
	for _, def := range c.Flags("output-x", "server", "gor") {
		value := "file"
		if def.Arg == "" {
			value = "true"
		}
		testkit.Must(t, def.Value.Set(value))
		if def.Help == "" {
			t.Errorf("--%s has no help", def.Name)
		}
	}
	if want := (Client{SkipVerify: true, CA: "file", Certificate: "file", Key: "file"}); c != want {
		t.Errorf("got %+v", c)
	}
}

func TestOpen(t *testing.T) {
	if open, err := (&Client{CA: "missing"}).Open("output-x", nil, t.Logf); open != nil || err != nil {
		t.Errorf("a plain target: %v", err)
	}
	if _, err := (&Client{CA: "missing"}).Open("output-x", &tls.Config{}, t.Logf); err == nil {
		t.Error("a missing file is taken")
	}
	ca := testkit.NewAuthority(t, "test")
	cert, key := ca.Issue("client", time.Now().Add(time.Hour))
	open, err := (&Client{CA: ca.File, Certificate: cert, Key: key}).Open("output-x", &tls.Config{ServerName: "a"}, t.Logf)
	testkit.Must(t, err)
	if config := open(); config.RootCAs == nil || config.GetClientCertificate == nil || config.ServerName != "a" {
		t.Error("the configuration lacks what the files hold")
	}
}
