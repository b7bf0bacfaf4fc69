package pgxsuite

import (
	"fmt"
	"os"
	"strings"

	"github.com/pgowl/pgowl/integration/child"
)

// side is one of the two ways to a server that are compared: straight or through PgOwl.
type side struct {
	name     string
	database string
	plain    int    // port on 127.0.0.1 for sessions without TLS
	secure   int    // port on localhost for those with it
	socket   string // folder of the Unix socket
	number   int    // its port number
}

// login is a way in that the suite has a variable for.
type login string

const (
	md5         login = "MD5 password"
	tcp         login = "TCP"
	scram       login = "SCRAM password"
	clear       login = "plain password"
	unix        login = "Unix socket"
	scramPlus   login = "SCRAM with channel binding"
	secure      login = "TLS"
	certificate login = "client certificate"
)

var variables = map[login]string{
	md5:         "PGX_TEST_MD5_PASSWORD_CONN_STRING",
	tcp:         "PGX_TEST_TCP_CONN_STRING",
	scram:       "PGX_TEST_SCRAM_PASSWORD_CONN_STRING",
	clear:       "PGX_TEST_PLAIN_PASSWORD_CONN_STRING",
	unix:        "PGX_TEST_UNIX_SOCKET_CONN_STRING",
	scramPlus:   "PGX_TEST_SCRAM_PLUS_CONN_STRING",
	secure:      "PGX_TEST_TLS_CONN_STRING",
	certificate: "PGX_TEST_TLS_CLIENT_CONN_STRING",
}

// connString says how to log in on this side.
func (s side) connString(l login, c certificates) string {
	quoted := func(value string) string {
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
	}
	open := fmt.Sprintf("host=127.0.0.1 port=%d dbname=%s password=%s sslmode=disable", s.plain, s.database, password)
	closed := fmt.Sprintf("host=localhost port=%d dbname=%s sslmode=verify-full sslrootcert=%s", s.secure, s.database, quoted(c.caFile))
	switch l {
	case md5, tcp:
		return open + " user=pgx_md5"
	case scram:
		return open + " user=pgx_scram channel_binding=disable"
	case clear:
		return open + " user=pgx_pw"
	case scramPlus:
		return closed + " user=pgx_ssl channel_binding=require password=" + password
	case secure:
		return closed + " user=pgx_ssl channel_binding=disable password=" + password
	case certificate:
		return closed + " user=pgx_sslcert sslcert=" + quoted(c.client.certFile) + " sslkey=" + quoted(c.client.keyFile)
	}
	return fmt.Sprintf("host=%s port=%d dbname=%s user=pgx_md5", quoted(s.socket), s.number, s.database)
}

// environment is what the suite's programs see, most of them using main's way in.
func (s side) environment(main login, c certificates) []string {
	env := append(child.WithoutPrefix(os.Environ(), "PG"), "PGX_TEST_DATABASE="+s.connString(main, c), "PGX_SSL_PASSWORD="+keyPassword)
	for l, name := range variables {
		env = append(env, name+"="+s.connString(l, c))
	}
	return env
}
