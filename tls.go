package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/pgowl/pgowl/conf"
)

// listenerTLS reads the certificate that clients see; nil where there is none.
func listenerTLS(c conf.Config) (*tls.Config, error) {
	if c.TLSCert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("PGOWL_TLS_CERT, PGOWL_TLS_KEY: %w", err)
	}
	t := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"postgresql"}}
	if c.TLSCA != "" {
		pem, err := os.ReadFile(c.TLSCA)
		if err != nil {
			return nil, fmt.Errorf("PGOWL_TLS_CA: %w", err)
		}
		t.ClientCAs, t.ClientAuth = x509.NewCertPool(), tls.VerifyClientCertIfGiven
		if !t.ClientCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("PGOWL_TLS_CA: the file holds no certificate")
		}
		if c.TLSClient == "require" {
			t.ClientAuth = tls.RequireAndVerifyClientCert
		}
	}
	return t, nil
}
