package mqtt_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/mqtt"
	"chanmqttproxy/test/kit"
)

// authority is a certificate for 127.0.0.1 that is its own authority, in files
// and as it is used.
type authority struct {
	cert, key string
	pair      tls.Certificate
	pool      *x509.CertPool
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret})
	dir := t.TempDir()
	a := authority{cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem"), pool: x509.NewCertPool()}
	a.pool.AppendCertsFromPEM(certPEM)
	if a.pair, err = tls.X509KeyPair(certPEM, keyPEM); err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{a.cert: certPEM, a.key: keyPEM} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// TestTransports: the same session over each of them.
func TestTransports(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	files := []string{"cafile " + a.cert, "certfile " + a.cert, "keyfile " + a.key}
	ports := []int{kit.FreePort(t), kit.FreePort(t), kit.FreePort(t), kit.FreePort(t)}
	var lines []string
	for i, options := range [][]string{
		files,
		append([]string{"require_certificate true"}, files...),
		{"protocol websockets"},
		append([]string{"protocol websockets"}, files...),
	} {
		lines = append(append(lines, fmt.Sprintf("listener %d 127.0.0.1", ports[i]), "allow_anonymous true"), options...)
	}
	m := kit.Mosquitto(t, append([]string{"allow_anonymous true"}, lines...)...)
	at := func(scheme string, i int) *url.URL {
		return &url.URL{Scheme: scheme, Host: fmt.Sprintf("127.0.0.1:%d", ports[i])}
	}
	anonymous := &tls.Config{RootCAs: a.pool}
	mutual := &tls.Config{RootCAs: a.pool, Certificates: []tls.Certificate{a.pair}}
	for _, v := range []messages.Version{messages.MQTT5, messages.MQTT311} {
		for _, c := range []struct {
			server *url.URL
			tls    *tls.Config
		}{
			{m.URL(), nil},
			{at("mqtts", 0), anonymous},
			{at("ssl", 1), mutual},
			{at("ws", 2), nil},
			{at("wss", 3), anonymous},
		} {
			exchange(t, v, config(c.server, func(to *mqtt.Config) { to.TLS = c.tls }))
		}
		for name, c := range map[string]struct {
			server *url.URL
			tls    *tls.Config
			want   messages.Cause
		}{
			"no client certificate": {at("mqtts", 1), anonymous, messages.BadCredentials},
			"unknown authority":     {at("mqtts", 0), nil, messages.Network},
			"plain to a TLS port":   {at("mqtt", 0), nil, messages.Network},
			"TLS to a plain port":   {&url.URL{Scheme: "mqtts", Host: m.Addr()}, anonymous, messages.Network},
		} {
			f := refusal(t, v, config(c.server, func(to *mqtt.Config) { to.TLS = c.tls; to.Timeout = time.Second }))
			if f.Cause != c.want && f.Cause != messages.ProtocolUnclear {
				t.Errorf("%s: %v, want %q", name, f, c.want)
			}
		}
	}
}

// exchange sends itself messages small and large.
func exchange(t *testing.T, v messages.Version, c mqtt.Config) {
	t.Helper()
	s, sink := connect(t, v, c)
	if _, err := s.Subscribe(t.Context(), []messages.Desired{{Filter: "a", QoS: 1}}); err != nil {
		t.Fatal(err)
	}
	// mosquitto 2.0.11 leaves large messages in its WebSocket library's buffer
	// until something else comes.
	const n, size = 20, 2000
	for i := range n {
		err := s.Publish(t.Context(), messages.Publish{
			Receipt: messages.Receipt(fmt.Sprint(i)),
			Message: &messages.Message{Topic: "a", Payload: make([]byte, i*size), QoS: byte(i % 2)},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	kit.Eventually(t, 20*time.Second, c.Servers[0].Scheme+" passes all messages", func() bool { return sink.Count() == n })
	for i, r := range sink.Messages() {
		if len(r.Message.Payload) != i*size {
			t.Errorf("message %d has %d bytes", i, len(r.Message.Payload))
		}
	}
	s.Close()
}
