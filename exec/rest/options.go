package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/pgowl/pgowl/exec/rest/jwt"
)

// TxEnd says how the transactions of requests end that succeed.
type TxEnd string

// The ways to end a transaction. With "override" a request may choose by Prefer: tx=commit or tx=rollback.
const (
	Commit           TxEnd = "commit"
	CommitOverride   TxEnd = "commit-allow-override"
	Rollback         TxEnd = "rollback"
	RollbackOverride TxEnd = "rollback-allow-override"
)

// Setting is a configuration parameter and its value.
type Setting struct{ Name, Value string }

// Defaults of Options.
const (
	DefaultPoolSize = 10
	DefaultAcquire  = 10 * time.Second
	DefaultMaxBody  = 64 << 20
)

// Options of a Server. Connect is needed; everything else may be left out.
type Options struct {
	// Connect opens a connection as the authenticator: the role that may become every role of a token, and the anonymous
	// one. Called whenever the pool needs a connection, and for LISTEN.
	Connect func(ctx context.Context) (*pgx.Conn, error)
	// Schemas are the exposed ones; the first is the default. Empty: public.
	Schemas []string
	// ExtraSearchPath follows the request's schema in search_path. Nil: public; empty: nothing.
	ExtraSearchPath []string
	// AnonRole is the role of requests without a token, or whose token names no role. Empty: those are refused.
	AnonRole string
	// JWTSecret verifies tokens (HS256). Empty: requests with a token are refused.
	JWTSecret string
	// JWTAudience is what tokens that have an audience must name. Empty: anything.
	JWTAudience string
	// PreRequest is a function that is called first in every transaction: name, or schema and name. Empty: none.
	PreRequest []string
	// TxEnd is how transactions end. Empty: Commit.
	TxEnd TxEnd
	// Settings are made in every transaction, by names such as app.settings.x.
	Settings []Setting
	// PoolSize is the number of connections that requests share; 0 is 10.
	PoolSize int
	// Acquire is how long a request waits for a connection; 0 is 10 seconds.
	Acquire time.Duration
	// MaxBody is the largest request body in bytes; 0 is 64 MiB.
	MaxBody int64
	// Now is the clock that tokens are checked by. Nil: the real one.
	Now func() time.Time
	// Log gets what goes wrong and the reloads of the schema cache. Nil: nothing is logged.
	Log *zap.Logger
}

func (o *Options) setDefaults() {
	if len(o.Schemas) == 0 {
		o.Schemas = []string{"public"}
	}
	if o.ExtraSearchPath == nil {
		o.ExtraSearchPath = []string{"public"}
	}
	if o.TxEnd == "" {
		o.TxEnd = Commit
	}
	if o.PoolSize == 0 {
		o.PoolSize = DefaultPoolSize
	}
	if o.Acquire == 0 {
		o.Acquire = DefaultAcquire
	}
	if o.MaxBody == 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
}

func (o *Options) validate() error {
	if o.Connect == nil {
		return errors.New("rest: no way to connect to the database")
	}
	if o.JWTSecret != "" && len(o.JWTSecret) < jwt.MinSecret {
		return fmt.Errorf("rest: %w", jwt.ErrSecret)
	}
	// A public key must never be taken for a secret text: everybody who knows it could then make tokens.
	if json.Valid([]byte(o.JWTSecret)) && strings.HasPrefix(strings.TrimSpace(o.JWTSecret), "{") {
		return errors.New("rest: the token secret is a JSON Web Key, which PgOwl doesn't take yet: give the secret text (HS256)")
	}
	for _, s := range o.Schemas {
		if s == "" || s == "pg_catalog" || s == "information_schema" {
			return fmt.Errorf("rest: schema %q cannot be exposed", s)
		}
	}
	switch o.TxEnd {
	case Commit, CommitOverride, Rollback, RollbackOverride:
	default:
		return fmt.Errorf("rest: unknown way to end a transaction %q", o.TxEnd)
	}
	if len(o.PreRequest) > 2 {
		return fmt.Errorf("rest: the pre-request function is a name, or a schema and a name: %q", o.PreRequest)
	}
	if o.PoolSize < 1 || o.Acquire < 0 || o.MaxBody < 1 {
		return errors.New("rest: pool size, acquisition time and body size must be positive")
	}
	return nil
}
