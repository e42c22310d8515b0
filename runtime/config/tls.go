package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
)

// tlsFiles are the MQTT_TLS_… settings.
type tlsFiles struct {
	ca, cert, key string
	insecure      bool
}

// wanted tells whether the settings ask for TLS where the host does not say.
func (f tlsFiles) wanted() bool { return f.ca != "" || f.cert != "" || f.insecure }

func (d *draft) finishTLS(check func(string, error)) {
	f := d.tls
	d.Broker.TLS = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: f.insecure}
	if f.ca != "" {
		d.Broker.Roots = func() (*x509.CertPool, error) { return readRoots(f.ca) }
		_, err := d.Broker.Roots()
		check("MQTT_TLS_CA", err)
	}
	switch {
	case f.cert == "" && f.key != "":
		check("MQTT_TLS_KEY", errors.New("a key needs its certificate: set MQTT_TLS_CERT too"))
	case f.cert != "" && f.key == "":
		check("MQTT_TLS_CERT", errors.New("a certificate needs its key: set MQTT_TLS_KEY too"))
	case f.cert != "":
		_, err := f.identity()
		check("MQTT_TLS_CERT", err)
		d.Broker.TLS.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return f.identity() }
	}
	if f.wanted() && len(d.Broker.Servers) > 0 && !slices.ContainsFunc(d.Broker.Servers, secure) {
		check("MQTT_HOST", errors.New("MQTT_TLS_… is set, but no server is reached by TLS: write mqtts:// or wss://"))
	}
}

func secure(server *url.URL) bool { return server.Scheme == "mqtts" || server.Scheme == "wss" }

func readRoots(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the authorities: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM form", path)
	}
	return roots, nil
}

// identity reads certificate and key. It is called for each connection too, so
// that a renewed certificate needs no restart.
func (f tlsFiles) identity() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate %s with the key %s: %w", f.cert, f.key, err)
	}
	return &pair, nil
}
