package conf

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"
)

// setting is one entry of the table that everything else is derived from: the environment name is PGOWL_ and the key in
// capitals, the flag is -- and the key with dashes.
type setting struct {
	key   string
	value string // what usage shows for the value
	help  string
	set   func(c *Config, text string) error // text is never empty; its errors never hold it when it may be a secret
}

func (s setting) env() string  { return "PGOWL_" + strings.ToUpper(s.key) }
func (s setting) flag() string { return "--" + strings.ReplaceAll(s.key, "_", "-") }

const configKey = "config"

var settings = []setting{
	{configKey, "FILE", "a file with settings, one `key = value` a line", nil},
	{"listen", "ADDRESSES", "SQL addresses, host:port or a unix socket's path or folder, separated by commas (127.0.0.1:6432)", func(c *Config, text string) error { return addresses(&c.Listen, text) }},
	{"upstream", "URL", "the Postgres behind the proxy (a private one is started)", func(c *Config, text string) error { return postgresURL(&c.Upstream, text) }},
	{"service", "URL", "the same database with the credentials that own schema pgml", func(c *Config, text string) error { return postgresURL(&c.Service, text) }},
	{"data", "FOLDER", "embedded data, models, caches (the user's data folder)", func(c *Config, text string) error { return folder(&c.Data, text) }},
	{"http", "HOST:PORT", "HTTP address (127.0.0.1:6480)", func(c *Config, text string) error { return address(&c.HTTP, text) }},
	{"jwt_secret", "SECRET", "secret of REST tokens (HS256), 32 characters or more", func(c *Config, text string) error {
		if n := utf8.RuneCountInString(text); n < 32 {
			return fmt.Errorf("has %d characters, needs 32 or more", n)
		}
		c.JWTSecret = Secret(text)
		return nil
	}},
	{"rest_schemas", "NAMES", "schemas that REST serves, separated by commas (public)", func(c *Config, text string) error {
		seen := map[string]bool{}
		c.RESTSchemas = nil
		for name := range strings.SplitSeq(text, ",") {
			name = strings.TrimSpace(name)
			if name == "" {
				return errors.New("holds an empty name")
			}
			if seen[name] {
				return fmt.Errorf("names %q twice", name)
			}
			seen[name] = true
			c.RESTSchemas = append(c.RESTSchemas, name)
		}
		return nil
	}},
	{"rest_anon_role", "ROLE", "role of REST requests without a token (none: refused)", func(c *Config, text string) error { c.RESTAnonRole = text; return nil }},
	{"rest_db", "URL", "REST's connection, who may SET ROLE to the tokens' roles (the service connection)", func(c *Config, text string) error { return postgresURL(&c.RESTDB, text) }},
	{"models", "FOLDER", "model folder (models in the data folder)", func(c *Config, text string) error { return folder(&c.Models, text) }},
	{"openvino", "FILE", "OpenVINO's library for C, libopenvino_c, for bfloat16 on the processors (looked for)", func(c *Config, text string) error { return file(&c.OpenVINO, text) }},
	{"onnxruntime", "FILE", "ONNX Runtime's shared library (looked for)", func(c *Config, text string) error { return file(&c.ONNXRuntime, text) }},
	{"sql_model_nodes", "N", "deployed models of up to so many nodes are kept in the database as SQL, too (16384; 0: linear ones alone)", func(c *Config, text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > maxSQLNodes {
			return fmt.Errorf("%q is no number from 0 to %d", text, maxSQLNodes)
		}
		c.SQLNodes = n
		return nil
	}},
	{"model_memory", "SIZE", "memory for trained models, as in 512MB; the least used make room (1GB)", func(c *Config, text string) error {
		if err := memory(&c.ModelMemory, text); err != nil || c.ModelMemory > 0 {
			return err
		}
		return errors.New("a model has to be somewhere: more than 0 is needed")
	}},
	{"text_memory", "SIZE", "memory for text models, by their files, as in 4GB; the least used make room (4GB; 0: no limit)", func(c *Config, text string) error { return memory(&c.TextMemory, text) }},
	{"text_device", "DEVICE", "where text models run: auto (a GPU if there is one), cpu, cuda or cuda:N (auto)", func(c *Config, text string) error { return device(&c.TextDevice, text) }},
	{"text_precision", "TYPE", "numbers that text models compute with: float32, bfloat16 or float16 (float32)", func(c *Config, text string) error {
		return oneOf(&c.TextPrecision, text, "float32", "bfloat16", "float16")
	}},
	{"text_runtime", "NAME", "what computes float32 on the processors: auto (the faster one), onnxruntime or openvino (auto)", func(c *Config, text string) error {
		return oneOf(&c.TextRuntime, text, "auto", "onnxruntime", "openvino")
	}},
	{"search_memory", "SIZE", "memory for vectors that pgml.search compares, as in 4GB; the least used make room (1GB; 0: they are read each time)", func(c *Config, text string) error { return memory(&c.SearchMemory, text) }},
	{"warm_models", "NAMES", "text models that are loaded at the start, separated by commas (when they are asked for)", func(c *Config, text string) error {
		c.WarmModels = nil
		for name := range strings.SplitSeq(text, ",") {
			if name = strings.TrimSpace(name); name != "" {
				c.WarmModels = append(c.WarmModels, name)
			}
		}
		return nil
	}},
	{"vectorize", "ON", "off leaves the texts of vectorized columns to other proxies (on)", func(c *Config, text string) error {
		var how string
		err := oneOf(&how, text, "on", "off")
		c.Vectorize = how == "on"
		return err
	}},
	{"log_level", "LEVEL", "debug, info, warn or error (info)", func(c *Config, text string) error {
		return oneOf(&c.LogLevel, text, "debug", "info", "warn", "error")
	}},
	{"log_format", "FORMAT", "console or json (console on a terminal, else json)", func(c *Config, text string) error {
		return oneOf(&c.LogFormat, text, "console", "json")
	}},
	{"tls_cert", "FILE", "PEM certificate of the SQL listener; with a key, TLS is offered", func(c *Config, text string) error { return file(&c.TLSCert, text) }},
	{"tls_key", "FILE", "PEM key of the certificate", func(c *Config, text string) error { return file(&c.TLSKey, text) }},
	{"tls_ca", "FILE", "PEM certificates that sign clients' certificates (they are not asked for)", func(c *Config, text string) error { return file(&c.TLSCA, text) }},
	{"tls_client", "HOW", "ask clients for certificates of tls_ca, or require them (ask)", func(c *Config, text string) error {
		return oneOf(&c.TLSClient, text, "ask", "require")
	}},
	{"tls_map", "FILE", "which certificates are which roles, lines of `name role` (the common name is the role)", func(c *Config, text string) error { return file(&c.TLSMap, text) }},
	{"auth", "MODE", "who authenticates clients: relay, users or password (relay)", func(c *Config, text string) error {
		return oneOf(&c.Auth, text, "relay", "users", "password")
	}},
	{"users", "FILE", "users file, in the format of PgBouncer's userlist.txt", func(c *Config, text string) error { return file(&c.Users, text) }},
	{"driver", "NAME", "who moves the messages of sessions without TLS: epoll or goroutines (epoll on Linux)", func(c *Config, text string) error {
		return oneOf(&c.Driver, text, "epoll", "goroutines")
	}},
	{"max_connections", "N", "client connections (no limit)", func(c *Config, text string) error { return count(&c.MaxConnections, text) }},
	{"max_role_connections", "N", "client connections of one role (no limit)", func(c *Config, text string) error { return count(&c.MaxRoleConnections, text) }},
	{"max_database_connections", "N", "client connections of one database (no limit)", func(c *Config, text string) error { return count(&c.MaxDatabaseConnections, text) }},
	{"max_logins", "N", "connections that are not logged in yet, at once (1000; 0: no limit)", func(c *Config, text string) error { return count(&c.MaxLogins, text) }},
	{"login_time", "TIME", "a client that has not logged in within this is refused (1m)", func(c *Config, text string) error { return duration(&c.LoginTime, text) }},
	{"max_message", "SIZE", "size of one message of a client's, as in 16MB (1GB, the protocol's limit)", func(c *Config, text string) error { return size(&c.MaxMessage, text) }},
	{"shutdown_time", "TIME", "transactions have this long to finish when PgOwl stops (30s)", func(c *Config, text string) error { return duration(&c.ShutdownTime, text) }},
	{"client_keepalive_idle", "TIME", "TCP keepalives to clients start after this (the system's)", func(c *Config, text string) error { return duration(&c.ClientKeepaliveIdle, text) }},
	{"client_keepalive_interval", "TIME", "time between TCP keepalives to clients (the system's)", func(c *Config, text string) error { return duration(&c.ClientKeepaliveInterval, text) }},
	{"client_keepalive_count", "N", "TCP keepalives without an answer until a client counts as lost (the system's)", func(c *Config, text string) error { return count(&c.ClientKeepaliveCount, text) }},
	{"client_user_timeout", "TIME", "data sent to a client may stay unacknowledged for this long (the system's)", func(c *Config, text string) error { return duration(&c.ClientUserTimeout, text) }},
	{"log_connections", "ON", "on logs connections at info, off at debug (off)", func(c *Config, text string) error {
		var how string
		err := oneOf(&how, text, "on", "off")
		c.LogConnections = how == "on"
		return err
	}},
	{"pool", "MODE", "for how long a client has a server connection: none (its own), session or transaction (none)", func(c *Config, text string) error {
		return oneOf(&c.Pool, text, "none", "session", "transaction")
	}},
	{"pool_size", "N", "server connections for a role in a database (20)", func(c *Config, text string) error { return poolSize(&c.PoolSize, text) }},
	{"pool_idle", "TIME", "an idle server connection of the pool is closed after this (10m)", func(c *Config, text string) error { return duration(&c.PoolIdle, text) }},
	{"pool_wait", "TIME", "a client that gets no server connection within this is refused (2m)", func(c *Config, text string) error { return duration(&c.PoolWait, text) }},
}

// maxSQLNodes is where a model as SQL would take more than half a GB of each session that uses it.
const maxSQLNodes = 400_000

// device takes auto, cpu, cuda or cuda:N.
func device(to *string, text string) error {
	if number, ok := strings.CutPrefix(text, "cuda:"); ok {
		if n, err := strconv.ParseUint(number, 10, 8); err == nil {
			*to = fmt.Sprintf("cuda:%d", n)
			return nil
		}
	}
	if oneOf(to, text, "auto", "cpu", "cuda") != nil {
		return fmt.Errorf("%q is none of auto, cpu, cuda, cuda:N", text)
	}
	return nil
}

func byKey(key string) (setting, bool) {
	for _, s := range settings {
		if s.key == key {
			return s, true
		}
	}
	return setting{}, false
}

func address(to *string, text string) error {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return fmt.Errorf("%q is no address of the form host:port", text)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q has no port from 0 to 65535", text)
	}
	if strings.ContainsAny(host, " /") {
		return fmt.Errorf("%q is no address of the form host:port", text)
	}
	*to = text
	return nil
}

// addresses takes several of them, and absolute paths.
func addresses(to *string, text string) error {
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if strings.HasPrefix(part, "/") {
			continue
		}
		var one string
		if err := address(&one, part); err != nil {
			return err
		}
	}
	*to = text
	return nil
}

// postgresURL never quotes the text, which may hold a password; nor may it wrap url.Parse's errors, which quote it.
func postgresURL(to *Secret, text string) error {
	scheme, _, ok := strings.Cut(text, "://")
	if !ok || (scheme != "postgres" && scheme != "postgresql") {
		return errors.New("is no URL of the form postgres://user:password@host:port/database")
	}
	one, err := singleHost(text)
	if err != nil {
		return err
	}
	u, err := url.Parse(one)
	if err != nil {
		return errors.New("is a malformed URL (a password's special characters must be written as %XX)")
	}
	if u.Fragment != "" {
		return errors.New("holds a # (a password's special characters must be written as %XX)")
	}
	if _, err := url.ParseQuery(u.RawQuery); err != nil {
		return errors.New("has malformed parameters after the ?")
	}
	*to = Secret(text)
	return nil
}

// singleHost checks the ports of a URL that may name several hosts, as libpq takes it and package url doesn't, and gives the URL with the first host alone.
func singleHost(text string) (string, error) {
	scheme, rest, _ := strings.Cut(text, "://")
	authority := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority = rest[:i]
	}
	hosts := authority[strings.LastIndexByte(authority, '@')+1:]
	user := authority[:len(authority)-len(hosts)]
	for host := range strings.SplitSeq(hosts, ",") {
		i := strings.LastIndexByte(host, ':')
		if i < 0 || strings.HasSuffix(host, "]") || i == len(host)-1 {
			continue
		}
		n, err := strconv.Atoi(host[i+1:])
		if err != nil {
			return "", errors.New("is a malformed URL (a password's special characters must be written as %XX)")
		}
		if n < 1 || n > 65535 {
			return "", errors.New("has a port outside of 1 to 65535")
		}
	}
	first, _, _ := strings.Cut(hosts, ",")
	return scheme + "://" + user + first + rest[len(authority):], nil
}

func folder(to *string, text string) error {
	path, err := filepath.Abs(text)
	if err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return fmt.Errorf("%q is no folder", text)
	}
	*to = path
	return nil
}

func file(to *string, text string) error {
	path, err := filepath.Abs(text)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%q does not exist", text)
	case err != nil:
		return fmt.Errorf("%q cannot be read", text)
	case info.IsDir():
		return fmt.Errorf("%q is a folder, not a file", text)
	}
	*to = path
	return nil
}

func oneOf(to *string, text string, allowed ...string) error {
	for _, a := range allowed {
		if text == a {
			*to = text
			return nil
		}
	}
	return fmt.Errorf("%q is none of %s", text, strings.Join(allowed, ", "))
}
