package pgxsuite

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// keyPassword opens the client's key, which the suite wants locked.
const keyPassword = "certpw"

// pair is a certificate and its key in PEM, as text and as files.
type pair struct {
	cert, key         string
	certFile, keyFile string
}

// certificates are a certificate authority and what it signed.
type certificates struct {
	ca     string
	caFile string
	server pair // localhost's: Postgres and PgOwl both show it, so that clients need not know which is which
	client pair // role pgx_sslcert's, its key locked by keyPassword
	owl    pair // PgOwl's own, by which Postgres lets it speak for pgx_sslcert
}

// makeCertificates makes what pgx's testsetup/generate_certs.go does, and a certificate for PgOwl.
func makeCertificates(t *testing.T) certificates {
	t.Helper()
	dir := t.TempDir()
	key := newKey(t)
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "pgx-root-ca"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	c := certificates{ca: sign(t, ca, ca, key, key), caFile: filepath.Join(dir, "ca.pem")}
	write(t, c.caFile, c.ca)
	leaf := func(n int64, name string, usage x509.ExtKeyUsage, lock bool) pair {
		own := newKey(t)
		cert := &x509.Certificate{SerialNumber: big.NewInt(n), Subject: pkix.Name{CommonName: name}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{usage}}
		if usage == x509.ExtKeyUsageServerAuth {
			cert.DNSNames, cert.IPAddresses = []string{name}, []net.IP{{127, 0, 0, 1}}
		}
		block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(own)}
		if lock {
			var err error
			// The suite's clients read this old form of a locked key and no other.
			if block, err = x509.EncryptPEMBlock(rand.Reader, "CERTIFICATE", block.Bytes, []byte(keyPassword), x509.PEMCipher3DES); err != nil {
				t.Fatal(err)
			}
		}
		p := pair{cert: sign(t, cert, ca, own, key), key: string(pem.EncodeToMemory(block)),
			certFile: filepath.Join(dir, name+".crt"), keyFile: filepath.Join(dir, name+".key")}
		write(t, p.certFile, p.cert)
		write(t, p.keyFile, p.key)
		return p
	}
	c.server = leaf(2, "localhost", x509.ExtKeyUsageServerAuth, false)
	c.client = leaf(3, "pgx_sslcert", x509.ExtKeyUsageClientAuth, true)
	c.owl = leaf(4, "pgowl", x509.ExtKeyUsageClientAuth, false)
	return c
}

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, cert, by *x509.Certificate, key, byKey *rsa.PrivateKey) string {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, cert, by, &key.PublicKey, byKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
