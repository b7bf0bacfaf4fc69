package startup

import (
	"crypto/tls"
	"testing"

	"github.com/pgowl/pgowl/integration/pgtest"
)

// certificate is one with its key, as files too.
type certificate struct {
	tls               *tls.Certificate
	certFile, keyFile string
}

// issue makes a certificate; by is nil for one that signs others.
func issue(t *testing.T, dir, name string, by *certificate) *certificate {
	t.Helper()
	var signer *tls.Certificate
	if by != nil {
		signer = by.tls
	}
	c := &certificate{tls: pgtest.Certificate(t, name, signer)}
	c.certFile, c.keyFile = pgtest.PEMFiles(t, dir, name, c.tls)
	return c
}
