package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/jackc/pgpassfile"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgowl/pgowl/conf"
	"github.com/pgowl/pgowl/exec/catalog"
	"github.com/pgowl/pgowl/exec/embedded"
	"github.com/pgowl/pgowl/models/text"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// version is the module's, as the build recorded it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// logger writes to standard error, for people on a terminal and for machines elsewhere.
// The level can be changed.
func logger(c conf.Config) (*zap.Logger, zap.AtomicLevel, error) {
	config := zap.NewProductionConfig()
	level, err := zapcore.ParseLevel(c.LogLevel)
	if err != nil {
		return nil, zap.AtomicLevel{}, err
	}
	config.Level = zap.NewAtomicLevelAt(level)
	format := c.LogFormat
	if info, err := os.Stderr.Stat(); format == "" && err == nil && info.Mode()&os.ModeCharDevice != 0 {
		format = "console"
	}
	if format == "console" {
		config.Encoding = "console"
		config.EncoderConfig = zap.NewDevelopmentEncoderConfig()
	}
	config.Sampling = nil
	config.DisableStacktrace = true
	config.DisableCaller = true
	log, err := config.Build()
	return log, config.Level, err
}

// install is pgowl init: the catalog is made or brought up to date in the service connection's database.
func install(ctx context.Context, c conf.Config) error {
	url := string(c.Service)
	if url == "" {
		return errors.New("init: PGOWL_SERVICE is not set; it names the database and the role that will own schema pgml")
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("init: %w", err)
	}
	defer conn.Close(ctx)
	result, err := catalog.Migrate(ctx, conn, zap.NewNop())
	if err != nil {
		return err
	}
	if len(result.Applied) == 0 {
		fmt.Println("the catalog is up to date")
	}
	for _, script := range result.Applied {
		fmt.Println("applied", script)
	}
	for component, why := range result.Skipped {
		fmt.Println("left alone:", component+":", why)
	}
	return nil
}

// doctor looks at the surroundings and says what is there and what is missing.
func doctor(ctx context.Context, c conf.Config) error {
	missing := 0
	report := func(what string, err error, found string) {
		if err != nil {
			missing++
			fmt.Printf("%-16s missing: %v\n", what, err)
			return
		}
		fmt.Printf("%-16s %s\n", what, found)
	}
	if c.Upstream == "" {
		b, err := embedded.Find(0)
		report("Postgres server", err, b.Dir)
	}
	if c.Upstream != "" {
		found, err := reachUpstream(ctx, string(c.Upstream))
		report("upstream", err, found)
	}
	if c.Service != "" {
		found, err := reach(ctx, string(c.Service))
		report("service", err, found)
	}
	found := library(c)
	runtime, err := text.LoadRuntime(found)
	if err == nil {
		found += " (" + runtime.Version() + ")"
	}
	report("ONNX Runtime", err, found)
	reportOpenVINO(report, c)
	if err == nil {
		reportDevice(report, runtime, c.TextDevice)
	}
	names, err := text.NewStore(text.StoreOptions{Dir: c.Models}).List()
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("the model folder %s is empty: pgowl models pull NAME", c.Models)
	}
	report("models", err, strings.Join(names, ", "))
	if missing > 0 {
		return fmt.Errorf("%d of what PgOwl needs is missing", missing)
	}
	return nil
}

// reach gives the version of the Postgres behind a URL.
func reach(ctx context.Context, url string) (string, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	return "Postgres " + conn.PgConn().ParameterStatus("server_version"), nil
}

// reachUpstream does so for the server behind the proxy. Clients bring roles and passwords of their own, so its URL needs none: a server that refuses what there is does answer.
func reachUpstream(ctx context.Context, url string) (string, error) {
	found, err := reach(ctx, url)
	if refused := new(pgconn.PgError); errors.As(err, &refused) && strings.HasPrefix(refused.Code, "28") {
		return "a Postgres answers; clients log in as themselves", nil
	}
	return found, err
}

// reportOpenVINO tells what bfloat16 on the processors is computed with. It is missed only where it is asked for.
func reportOpenVINO(report func(what string, err error, found string), c conf.Config) {
	library := c.OpenVINO
	if library == "" {
		library = text.FindOpenVINO(c.Data)
	}
	version, bfloat16, has, err := text.TryOpenVINO(library)
	found := fmt.Sprintf("%s (%s); ", library, version)
	switch wanted := c.OpenVINO != "" || c.TextPrecision == "bfloat16" || c.TextRuntime == "openvino"; {
	case err != nil && !wanted:
		err, found = nil, "not installed; it is for bfloat16 on the processors alone: make setup-openvino"
	case err == nil && bfloat16:
		found += "bfloat16 by " + has
	case err == nil:
		found += "no bfloat16: the processor has " + has
		if c.TextPrecision == "bfloat16" {
			err = errors.New(found)
		}
	}
	report("OpenVINO", err, found)
}

// reportDevice tells where text models run.
func reportDevice(report func(what string, err error, found string), runtime *text.Runtime, setting string) {
	device, err := text.ParseDevice(setting)
	why := ""
	if err == nil && device == text.Auto {
		var unusable error
		if device, unusable = runtime.Choose(); unusable != nil {
			why = " (" + unusable.Error() + ")"
		}
	} else if err == nil {
		err = runtime.Try(device)
	}
	found := string(device) + why
	for _, g := range runtime.GPUs() {
		if g.Device == device {
			found = fmt.Sprintf("%s %s, %d MB, by ONNX Runtime's CUDA provider", device, g.Name, g.Memory>>20)
		}
	}
	report("text models on", err, found)
}

// passwordOf looks a password up where libpq does: PGPASSFILE, or ~/.pgpass.
func passwordOf(host string, port uint16, database, user string) string {
	path := os.Getenv("PGPASSFILE")
	if path == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		path = home + "/.pgpass"
	}
	file, err := pgpassfile.ReadPassfile(path)
	if err != nil {
		return ""
	}
	return file.FindPassword(host, strconv.Itoa(int(port)), database, user)
}

func randomSecret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return hex.EncodeToString(b)
}
