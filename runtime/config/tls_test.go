package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// certificate makes a self-signed certificate and returns its two PEM files.
func certificate(t *testing.T, number int64) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(number), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: packed})
}

func TestTLS(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t, 1)
	certFile, keyFile := write(t, "cert.pem", string(cert)), write(t, "key.pem", string(key))
	c := must(t, []string{"MQTT_HOST=broker", "MQTT_TLS_CA=" + certFile, "MQTT_TLS_CERT=" + certFile, "MQTT_TLS_KEY=" + keyFile})
	before, err := c.Broker.Roots()
	if servers(c) != "mqtts://broker:8883" || err != nil {
		t.Errorf("%s %v", servers(c), err)
	}

	// A renewed certificate is used without a restart.
	cert, key = certificate(t, 2)
	for file, content := range map[string][]byte{certFile: cert, keyFile: key} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if after, err := c.Broker.Roots(); err != nil || after.Equal(before) {
		t.Errorf("the authorities are still the former ones, %v", err)
	}
	pair, err := c.Broker.TLS.GetClientCertificate(nil)
	if err != nil || pair.Leaf.SerialNumber.Int64() != 2 {
		t.Errorf("the client shows %+v %v", pair, err)
	}
}

func TestNoCertificateInFile(t *testing.T) {
	t.Parallel()
	if _, err := load(t, []string{"MQTT_TLS_CA=" + write(t, "ca.pem", "not PEM")}); err == nil {
		t.Error("a file without certificates was taken")
	}
}

// TestReadmeTLS: what this folder's README.md shows for TLS is TLS everywhere.
func TestReadmeTLS(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(readme), "## TLS\n")
	certPEM, keyPEM := certificate(t, 1)
	cert, key := write(t, "cert.pem", string(certPEM)), write(t, "key.pem", string(keyPEM))
	var environ []string
	for _, line := range regexp.MustCompile(`(?m)^    ([A-Z_]+=\S+)$`).FindAllStringSubmatch(example, -1) {
		line := regexp.MustCompile(`/etc/chanmqttproxy/\S+\.key`).ReplaceAllString(line[1], key)
		environ = append(environ, regexp.MustCompile(`/etc/chanmqttproxy/\S+\.pem`).ReplaceAllString(line, cert))
	}
	c := must(t, environ)
	redis := c.Layer.Hosts[0].Redis.TLSConfig
	if servers(c) != "mqtts://broker.example.org:8883" || c.Broker.TLS.GetClientCertificate == nil || c.Broker.Roots == nil || redis == nil || redis.InsecureSkipVerify {
		t.Errorf("of %q came %+v", environ, c)
	}
}
