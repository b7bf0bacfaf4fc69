package conf

import (
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Command is what PgOwl was asked to do.
type Command string

// The commands.
const (
	Serve   Command = "serve"   // run the proxy
	Init    Command = "init"    // install the stack into a database and end
	Models  Command = "models"  // Args: pull NAME..., push NAME..., list, verify [NAME...], rm [--database] NAME...
	Doctor  Command = "doctor"  // look at the surroundings and say what is missing
	Version Command = "version" // print the version
	Help    Command = "help"    // print Usage()
)

// Secret is a text that must not be shown: a secret, or a URL that may hold a password. It prints as "[hidden]" through
// every verb of package fmt and in JSON; string(s) gives the text itself.
type Secret string

const hidden = "[hidden]"

// String hides the text; an empty one stays empty, so that a log still tells set from unset.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString hides the text for %#v.
func (s Secret) GoString() string { return `conf.Secret("` + s.String() + `")` }

// MarshalText hides the text in JSON and in logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Config holds every setting of PgOwl, checked. It is not changed after Load.
type Config struct {
	Command Command
	Args    []string // of the command: "pull NAME" or "list" for Models, else empty

	Listen       string   // addresses of the SQL listener, separated by commas: host:port, or a unix socket's path or folder
	HTTP         string   // host:port of the HTTP listener
	Upstream     Secret   // URL of the Postgres behind the proxy; empty: the embedded one
	Service      Secret   // URL with the credentials that own schema pgml; empty: none, or the embedded server's own
	Data         string   // absolute folder of the embedded server's data, models and caches
	JWTSecret    Secret   // HS256 secret of REST tokens, 32 characters or more; empty: tokens are refused (embedded: one is made)
	RESTSchemas  []string // schemas that REST serves, the first one by default; never empty
	RESTAnonRole string   // role of requests without a token; empty: they are refused
	RESTDB       Secret   // URL of REST's own connection; empty: the service connection
	Models       string   // absolute model folder
	ONNXRuntime  string   // path of ONNX Runtime's shared library; empty: looked for
	OpenVINO     string   // path of OpenVINO's library for C; empty: looked for, and optional
	SQLNodes     int      // largest model, in nodes, that is kept in the database as SQL too; 0: linear ones alone
	ModelMemory  int64    // bytes for trained models
	TextMemory   int64    // bytes for text models; 0: no limit
	SearchMemory int64    // bytes for vectors that are searched; 0: none are kept
	// TextDevice is where text models run: auto, cpu or cuda:N. TextPrecision is float32, bfloat16 or float16.
	TextDevice, TextPrecision string
	TextRuntime               string   // what computes float32 on the processors: auto, onnxruntime or openvino
	WarmModels                []string // text models that are loaded at the start
	Vectorize                 bool     // whether this process embeds for vectorized columns
	LogLevel                  string   // debug, info, warn or error
	LogFormat                 string   // console or json; empty: console on a terminal, else json
	TLSCert                   string   // PEM certificate chain of the SQL listener; empty: TLS is not offered
	TLSKey                    string   // PEM key of TLSCert
	TLSCA                     string   // PEM certificates that sign clients' certificates; empty: those are not asked for
	TLSClient                 string   // with TLSCA: ask or require
	TLSMap                    string   // file that maps clients' certificates to roles; empty: the common name is the role
	Auth                      string   // who authenticates clients: relay, users or password
	Users                     string   // users file; empty: nobody is known

	Driver string // who moves the messages of plain sessions: epoll or goroutines; empty: what fits the system

	Pool     string        // for how long a client has a server connection: none, session or transaction
	PoolSize int           // server connections for a role in a database, 1 or more
	PoolIdle time.Duration // an idle server connection of the pool is closed after this
	PoolWait time.Duration // a client that gets no server connection within this is refused

	MaxConnections         int           // client connections; 0: no limit
	MaxRoleConnections     int           // of one role; 0: no limit
	MaxDatabaseConnections int           // of one database; 0: no limit
	MaxLogins              int           // connections that are not logged in yet, at once; 0: no limit
	LoginTime              time.Duration // a client that has not logged in within this is refused
	MaxMessage             int           // bytes of one message of a client's; 0: the protocol's limit
	ShutdownTime           time.Duration // that transactions have to finish when PgOwl stops
	LogConnections         bool          // connections are logged at info instead of debug

	ClientKeepaliveIdle     time.Duration // of clients' TCP connections, as tcp_keepalives_idle ...; 0: the system's
	ClientKeepaliveInterval time.Duration
	ClientKeepaliveCount    int
	ClientUserTimeout       time.Duration

	// Given are the settings that are not left at their defaults, by key, as they were written.
	Given map[string]Secret

	HubEndpoint string // HF_ENDPOINT: where models are pulled from; empty: the public hub
	HubToken    Secret // HF_TOKEN
	HubOffline  bool   // HF_HUB_OFFLINE: nothing is to be pulled
}

// defaults are the settings that need nothing but the surroundings.
func defaults(env environment) Config {
	return Config{
		Listen:      "127.0.0.1:6432",
		HTTP:        "127.0.0.1:6480",
		Data:        dataFolder(env),
		RESTSchemas: []string{"public"},
		TLSClient:   "ask",
		Auth:        "relay",
		Pool:        "none",
		PoolSize:    20,
		PoolIdle:    10 * time.Minute,
		PoolWait:    2 * time.Minute,
		LogLevel:    "info",
		MaxLogins:   1000,
		SQLNodes:    16384,
		ModelMemory: 1 << 30,
		TextMemory:  4 << 30,
		TextDevice:  "auto",

		TextPrecision: "float32",
		TextRuntime:   "auto",

		Vectorize: true,

		SearchMemory: 1 << 30,
		LoginTime:    time.Minute,
		ShutdownTime: 30 * time.Second,
		HubEndpoint:  env.vars["HF_ENDPOINT"],
		HubToken:     Secret(env.vars["HF_TOKEN"]),
		HubOffline:   slices.Contains([]string{"1", "ON", "YES", "TRUE"}, strings.ToUpper(env.vars["HF_HUB_OFFLINE"])), // as the hub's own tools read it
	}
}

// dataFolder is the user's data folder. Root's is the machine's: the embedded server may not run as root, and the user
// that it runs as cannot enter root's home.
func dataFolder(env environment) string {
	if dir := env.vars["XDG_DATA_HOME"]; filepath.IsAbs(dir) { // relative ones are to be ignored, says its specification
		return filepath.Join(dir, "pgowl")
	}
	if env.root {
		return "/var/lib/pgowl"
	}
	if home := env.vars["HOME"]; filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "share", "pgowl")
	}
	return ""
}
