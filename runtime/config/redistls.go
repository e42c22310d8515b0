package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"strings"
)

// redisTLS are the ssl… arguments of redis-py.
type redisTLS struct {
	on          bool
	given       bool // any of the others was
	verify      string
	names       bool // the certificate must be for the host's name
	files       tlsFiles
	authorities string
	least       int
}

// setVerify takes what redis-py calls ssl_cert_reqs. To a client "optional" is
// the same as "required"; None and Python's number 0 are "none".
func (t *redisTLS) setVerify(v argument) error {
	t.given = true
	switch strings.ToLower(v.plain()) {
	case "none", "null", "0", "cert_none":
		t.verify = "none"
	case "optional", "required", "1", "2", "cert_optional", "cert_required":
		t.verify = "required"
	default:
		return errors.New("give none, optional or required")
	}
	return nil
}

// setLeast takes a version as Python's ssl.TLSVersion numbers them.
func (t *redisTLS) setLeast(v argument) error {
	if v.number(&t.least, 0, math.MaxUint16) != nil || t.least != tls.VersionTLS12 && t.least != tls.VersionTLS13 {
		return fmt.Errorf("not a version: give %d for TLS 1.2 or %d for TLS 1.3", tls.VersionTLS12, tls.VersionTLS13)
	}
	return nil
}

// config is nil where TLS is not asked for.
func (t *redisTLS) config(network bool) (*tls.Config, error) {
	switch {
	case !t.on && t.given:
		return nil, errors.New(`ssl_… is set, but the server is not reached by TLS: write rediss://, or "ssl": true`)
	case !t.on:
		return nil, nil
	case !network:
		return nil, errors.New("a Unix socket has no TLS: leave out ssl")
	}
	c := &tls.Config{MinVersion: max(tls.VersionTLS12, uint16(t.least))}
	if err := t.trust(c); err != nil {
		return nil, err
	}
	return c, t.identify(c)
}

// trust says which authorities to trust.
func (t *redisTLS) trust(c *tls.Config) (err error) {
	switch {
	case t.authorities != "":
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM([]byte(t.authorities)) {
			return errors.New("ssl_ca_data holds no certificate in PEM form")
		}
	case t.files.ca != "":
		if c.RootCAs, err = readRoots(t.files.ca); err != nil {
			return fmt.Errorf("ssl_ca_certs: %w", err)
		}
	}
	switch {
	case t.verify == "none":
		c.InsecureSkipVerify = true
	case !t.names:
		c.InsecureSkipVerify = true // and verified here, but for the name
		c.VerifyConnection = vouched(c.RootCAs)
	}
	return nil
}

// vouched verifies a certificate whatever name is in it.
func vouched(roots *x509.CertPool) func(tls.ConnectionState) error {
	return func(state tls.ConnectionState) error {
		between := x509.NewCertPool()
		for _, c := range state.PeerCertificates[1:] {
			between.AddCert(c)
		}
		_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
		if err != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
		}
		return nil
	}
}

// identify says who we are, to servers that want to know. Python reads the key
// out of the certificate's file where none is given.
func (t *redisTLS) identify(c *tls.Config) error {
	files := t.files
	switch {
	case files.cert == "" && files.key == "":
		return nil
	case files.cert == "":
		return errors.New("ssl_keyfile needs its certificate: give ssl_certfile too")
	case files.key == "":
		files.key = files.cert
	}
	if _, err := files.identity(); err != nil {
		return fmt.Errorf("ssl_certfile: %w", err)
	}
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return files.identity() }
	return nil
}
