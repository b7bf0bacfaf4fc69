package exec

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pgowl/pgowl/exec/call"
	"github.com/pgowl/pgowl/exec/catalog"
	"github.com/pgowl/pgowl/exec/mailbox"
	"github.com/pgowl/pgowl/exec/predict"
	"github.com/pgowl/pgowl/exec/search"
	"github.com/pgowl/pgowl/exec/textmodels"
	"github.com/pgowl/pgowl/exec/vectorize"
	"github.com/pgowl/pgowl/models/text"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// Options are what an Engine needs.
type Options struct {
	Service    string                // URL with the credentials that own schema pgml; the stack lives in its database
	Models     string                // model folder
	Library    string                // ONNX Runtime's shared library; empty: text functions say what is missing
	ModelBytes int64                 // memory for trained models; 0 means 1 GiB
	CacheBytes int64                 // memory for vectors of texts; 0 means 64 MiB
	TextBytes  int64                 // memory for text models; 0: no limit
	Device     string                // of text models, as text.ParseDevice reads it; empty: auto
	Precision  string                // of text models, as text.ParsePrecision reads it; empty: float32
	OpenVINO   string                // path of OpenVINO's library for C; empty: there is none
	Runtime    string                // of text models in float32 on the processors, as text.ParseBackend reads it; empty: auto
	Measured   string                // file where it is noted which of them was faster; empty: nowhere
	Warm       []string              // text models that are loaded at the start
	Vectorize  bool                  // whether this process embeds for vectorized columns
	SQLNodes   int                   // largest model, in nodes, that is made SQL when it is deployed; 0: linear ones alone
	Retry      time.Duration         // between attempts to reach the database; 0 means a second
	Log        *zap.Logger           // nil: quiet
	Registry   prometheus.Registerer // gets the metrics, pgowl_engine_*; nil: nobody

	SearchBytes int64 // memory for vectors that are searched; 0: none is kept
}

// Engine computes the functions of schema pgml for all sessions of a proxy. Start it, then use it; Stop frees everything.
type Engine struct {
	options   Options
	log       *zap.Logger
	config    *pgx.ConnConfig
	name      string // of this proxy, in tokens and application names
	plans     *planCache
	models    *predict.Cache
	texts     *text.Store
	projects  projectCache
	splitters splitterCache
	searches  atomic.Pointer[search.Cache] // nil until Start
	meters    *meters
	kept      vectorize.Meters

	lane  atomic.Pointer[call.Lane] // nil until the catalog is there
	ready atomic.Pointer[error]
	mail  *mailbox.Pool
	pool  *pgxpool.Pool
	keep  *vectorize.Keeper // nil: others do
	lost  chan struct{}     // a reply may lie in the database that nobody takes away

	cancel context.CancelFunc
	wait   sync.WaitGroup
	once   sync.Once
}

// New checks the options and registers the metrics. It connects to nothing.
func New(o Options) (*Engine, error) {
	config, err := pgx.ParseConfig(o.Service)
	if err != nil {
		return nil, fmt.Errorf("service connection: %w", err)
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.ModelBytes == 0 {
		o.ModelBytes = 1 << 30
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = 64 << 20
	}
	if o.Retry == 0 {
		o.Retry = time.Second
	}
	var device text.Device
	if o.Device != "" {
		if device, err = text.ParseDevice(o.Device); err != nil {
			return nil, fmt.Errorf("the device of text models %w", err)
		}
	}
	var precision text.Precision
	if o.Precision != "" {
		if precision, err = text.ParsePrecision(o.Precision); err != nil {
			return nil, fmt.Errorf("the precision of text models %w", err)
		}
	}
	backend, err := text.ParseBackend(o.Runtime)
	if err != nil {
		return nil, fmt.Errorf("the runtime of text models %w", err)
	}
	e := &Engine{options: o, log: o.Log, config: config, name: random(8), plans: newPlanCache(), meters: newMeters(),
		models: predict.NewCache(o.ModelBytes)}
	shared := &textmodels.Source{Dir: o.Models, Pool: func() *pgxpool.Pool { return e.pool }}
	e.texts = text.NewStore(text.StoreOptions{Dir: o.Models, Library: o.Library, CacheBytes: o.CacheBytes, MemoryBytes: o.TextBytes, Device: device, Precision: precision, Chosen: e.chosen, Source: shared, Refused: e.refused,
		Processors: text.Processors{OpenVINO: o.OpenVINO, Backend: backend, Measured: o.Measured, Loaded: e.loaded}})
	e.mail = mailbox.New(e.dialMailbox, 16)
	e.lost = make(chan struct{}, 1)
	e.mail.Lost = e.replyLost
	if o.Registry != nil {
		if err := e.register(o.Registry); err != nil {
			return nil, fmt.Errorf("the engine's metrics: %w", err)
		}
	}
	e.setReady(errors.New("the catalog has not been looked at yet"))
	return e, nil
}

// warm loads the text models that are wanted from the start.
func (e *Engine) warm(ctx context.Context) {
	for _, name := range e.options.Warm {
		start := time.Now()
		if _, err := e.texts.Embedder(ctx, name); err != nil {
			e.log.Warn("a text model cannot be loaded yet", zap.String("model", name), zap.Error(err))
			continue
		}
		e.log.Info("text model loaded", zap.String("model", name), zap.Duration("took", time.Since(start)))
	}
}

func random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// Start installs or updates the catalog and opens the call lane. A database that can't be reached yet is tried again in the background, so
// that a proxy can be started before its server; any other failure is returned.
func (e *Engine) Start(ctx context.Context) error {
	poolConfig, err := pgxpool.ParseConfig(e.options.Service)
	if err != nil {
		return fmt.Errorf("service connection: %w", err)
	}
	poolConfig.MaxConns = 4
	poolConfig.ConnConfig.RuntimeParams["application_name"] = "pgowl"
	if e.pool, err = pgxpool.NewWithConfig(ctx, poolConfig); err != nil {
		return fmt.Errorf("service connection: %w", err)
	}
	e.searches.Store(search.New(e.pool, e.options.SearchBytes, e.log))
	background, cancel := context.WithCancel(context.Background())
	e.cancel = cancel
	if e.options.Vectorize {
		if e.keep, err = vectorize.New(vectorize.Options{Service: e.options.Service, Texts: e.texts, Meters: &e.kept, Log: e.log}); err != nil {
			return err
		}
		e.keep.Start(background)
	}
	if len(e.options.Warm) > 0 {
		e.wait.Go(func() { e.warm(background) })
	}
	err = e.open(ctx)
	if err == nil {
		e.wait.Go(func() { e.sweep(background) })
		return nil
	}
	if !unreachable(err) {
		return err
	}
	e.log.Warn("the service connection cannot be made yet", zap.Error(err))
	e.setReady(err)
	e.wait.Add(1)
	go func() {
		defer e.wait.Done()
		for {
			select {
			case <-time.After(e.options.Retry):
			case <-background.Done():
				return
			}
			if err := e.open(background); err == nil {
				e.sweep(background)
				return
			} else if background.Err() == nil {
				e.log.Warn("the service connection cannot be made yet", zap.Error(err))
				e.setReady(err)
			}
		}
	}()
	return nil
}

// unreachable reports whether a later attempt may succeed: the server is not there, starts up or shuts down.
func unreachable(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return len(pg.Code) == 5 && pg.Code[:3] == "57P"
	}
	var connect *pgconn.ConnectError
	return errors.As(err, &connect)
}

// open makes the catalog and opens the call lane.
func (e *Engine) open(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, e.serviceConfig("pgowl"))
	if err != nil {
		return fmt.Errorf("service connection: %w", err)
	}
	defer conn.Close(ctx)
	result, err := catalog.Migrate(ctx, conn, e.log)
	if err != nil {
		return err
	}
	var key, role string
	err = conn.QueryRow(ctx, "SELECT (SELECT key FROM pgowl.secret), session_user").Scan(&key, &role)
	if err != nil {
		return fmt.Errorf("the call lane's key: %w", err)
	}
	if role != result.Owner {
		return fmt.Errorf("the service connection logs in as %q, but schema pgowl belongs to %q: log in as that role", role, result.Owner)
	}
	// The functions in the database read it, as models are deployed in sessions that do not come through a proxy, too.
	if _, err := conn.Exec(ctx, `INSERT INTO pgowl.settings AS s (name, value) VALUES ('sql_model_nodes', $1)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE s.value <> excluded.value`, e.options.SQLNodes); err != nil && !readOnly(err) {
		return err
	}
	var track string
	if err := conn.QueryRow(ctx, "SELECT current_setting('track_activities')").Scan(&track); err != nil {
		return err
	}
	if track != "on" {
		return errors.New("track_activities is off for the service connection, and the call lane answers through it: turn it on")
	}
	if why, skipped := result.Skipped["pgml"]; skipped {
		var exists bool
		if err := conn.QueryRow(ctx, "SELECT to_regnamespace('pgml') IS NOT NULL").Scan(&exists); err != nil {
			return err
		}
		if exists {
			// Somebody else's schema of that name, PostgresML's own perhaps: its functions are not ours to compute.
			e.log.Warn("schema pgml is not PgOwl's: everything is passed to the server", zap.String("reason", why))
			e.setReady(nil)
			return nil
		}
	}
	if err := e.mail.Warm(ctx); err != nil {
		return err
	}
	lane := &call.Lane{Key: key, Mail: e.mail, Log: e.log}
	lane.Functions, lane.Arrays = e.functions(), e.arrays()
	e.lane.Store(lane)
	e.setReady(nil)
	return nil
}

func readOnly(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "25006"
}

func (e *Engine) serviceConfig(application string) *pgx.ConnConfig {
	c := e.config.Copy()
	c.RuntimeParams["application_name"] = application
	return c
}

func (e *Engine) dialMailbox(ctx context.Context) (*pgconn.PgConn, error) {
	c := e.serviceConfig("pgowl:" + e.name)
	c.RuntimeParams["synchronous_commit"] = "off"
	return pgconn.ConnectConfig(ctx, &c.Config)
}

func (e *Engine) setReady(err error) { e.ready.Store(&err) }

// Ready says why the stack cannot serve yet; nil where it can.
func (e *Engine) Ready(ctx context.Context) error {
	if err := *e.ready.Load(); err != nil {
		return err
	}
	return e.pool.Ping(ctx)
}

// Connect opens a connection as the owner of the catalog, straight to the server.
func (e *Engine) Connect(ctx context.Context) (*pgx.Conn, error) {
	return pgx.ConnectConfig(ctx, e.serviceConfig("pgowl"))
}

// Serves reports whether sessions of a database can use the stack: it is the service connection's.
func (e *Engine) Serves(database, user string) bool {
	if database == "" {
		database = user
	}
	served := e.config.Database
	if served == "" {
		served = e.config.User
	}
	return e.lane.Load() != nil && database == served
}

// Token is the value of pgowl.session that a new session starts with.
func (e *Engine) Token() string { return call.Token(e.lane.Load().Key, e.name, random(8)) }

// Handler serves the call lane of a session with a backend.
func (e *Engine) Handler(pid uint32, client call.Client) *call.Handler {
	return call.NewHandler(e.lane.Load(), pid, client)
}

// Texts is the model folder.
func (e *Engine) Texts() *text.Store { return e.texts }

// Stop ends the background work and closes all connections. It may be called more than once.
func (e *Engine) Stop() {
	e.once.Do(func() {
		if e.cancel != nil {
			e.cancel()
		}
		e.wait.Wait()
		if e.keep != nil {
			e.keep.Stop()
		}
		e.mail.Close()
		if s := e.searches.Load(); s != nil {
			s.Close()
		}
		if err := e.texts.Close(); err != nil { // before the pool: it may be fetching a model
			e.log.Warn("the text models could not be closed", zap.Error(err))
		}
		if e.pool != nil {
			e.pool.Close()
		}
	})
}
