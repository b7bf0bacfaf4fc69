package auth

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"net"
)

// endPoint is the channel binding that Postgres has.
const endPoint = "tls-server-end-point"

// bindingData is the hash of the server's certificate that a log-in is bound to (RFC 5929, section 4.1); nil where its signature
// algorithm has no hash that the RFC could mean, such as Ed25519.
func bindingData(certificate *x509.Certificate) []byte {
	var h crypto.Hash
	switch certificate.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1, // too weak: the RFC puts SHA-256 in their place
		x509.SHA256WithRSA, x509.SHA256WithRSAPSS, x509.DSAWithSHA256, x509.ECDSAWithSHA256:
		h = crypto.SHA256
	case x509.SHA384WithRSA, x509.SHA384WithRSAPSS, x509.ECDSAWithSHA384:
		h = crypto.SHA384
	case x509.SHA512WithRSA, x509.SHA512WithRSAPSS, x509.ECDSAWithSHA512:
		h = crypto.SHA512
	default:
		return nil
	}
	sum := h.New()
	sum.Write(certificate.Raw)
	return sum.Sum(nil)
}

// secured is what a *tls.Conn tells.
type secured interface{ ConnectionState() tls.ConnectionState }

// serverBinding is what a log-in at a server is bound to; nil outside TLS.
func serverBinding(server net.Conn) []byte {
	t, ok := server.(secured)
	if !ok {
		return nil
	}
	if chain := t.ConnectionState().PeerCertificates; len(chain) > 0 {
		return bindingData(chain[0])
	}
	return nil
}

// clientBinding is what a client's log-in is bound to: the certificate that ServerTLS noted. nil outside TLS.
func clientBinding(client net.Conn) []byte {
	t, ok := client.(interface{ NetConn() net.Conn })
	if !ok {
		return nil
	}
	if n, ok := t.NetConn().(*noted); ok && n.certificate != nil {
		return bindingData(n.certificate)
	}
	return nil
}

// SameBinding tells whether both connections are inside TLS under the same certificate: PgOwl shows its clients the server's own. A
// log-in that is bound to one is then bound to the other as well, and can be relayed.
func SameBinding(client, server net.Conn) bool {
	b := clientBinding(client)
	return b != nil && bytes.Equal(b, serverBinding(server))
}

// IsPrivate tells whether nobody else can read what is sent: inside TLS, or on a Unix socket.
func IsPrivate(conn net.Conn) bool {
	if _, ok := conn.(secured); ok {
		return true
	}
	a := conn.LocalAddr()
	return a != nil && a.Network() == "unix"
}

// IsTLS tells whether a connection is inside TLS.
func IsTLS(conn net.Conn) bool {
	_, ok := conn.(secured)
	return ok
}

// noted is a connection under TLS that remembers which certificate was shown on it.
type noted struct {
	net.Conn
	certificate *x509.Certificate
}

// ServerTLS begins TLS on a client's connection so that Accept can bind a log-in to it. config comes from ServerConfig.
func ServerTLS(conn net.Conn, config *tls.Config) *tls.Conn {
	return tls.Server(&noted{Conn: conn}, config)
}

// ServerConfig makes a copy of a listener's TLS configuration that notes for each connection which certificate it shows, of
// several or of those before and after a reload. Sessions are not resumed, as Postgres doesn't: a resumed one shows none.
func ServerConfig(c *tls.Config) *tls.Config {
	out := c.Clone()
	out.SessionTicketsDisabled = true
	if inner := c.GetConfigForClient; inner != nil {
		out.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			chosen, err := inner(hello)
			if chosen != nil {
				chosen = ServerConfig(chosen)
			}
			return chosen, err
		}
	}
	out.Certificates = nil // GetCertificate is always asked then
	out.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		chosen, err := choose(c, hello)
		if n, ok := hello.Conn.(*noted); ok && chosen != nil {
			n.certificate = leaf(chosen)
		}
		return chosen, err
	}
	return out
}

// choose does what crypto/tls does with the configuration.
func choose(c *tls.Config, hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c.GetCertificate != nil && (len(c.Certificates) == 0 || hello.ServerName != "") {
		if chosen, err := c.GetCertificate(hello); chosen != nil || err != nil {
			return chosen, err
		}
	}
	for i := range c.Certificates {
		if hello.SupportsCertificate(&c.Certificates[i]) == nil {
			return &c.Certificates[i], nil
		}
	}
	if len(c.Certificates) > 0 {
		return &c.Certificates[0], nil
	}
	return nil, nil
}

func leaf(c *tls.Certificate) *x509.Certificate {
	if c.Leaf != nil {
		return c.Leaf
	}
	if len(c.Certificate) == 0 {
		return nil
	}
	parsed, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		return nil
	}
	return parsed
}
