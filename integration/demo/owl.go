package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/pgowl/pgowl/conf"
	"github.com/pgowl/pgowl/integration/child"
)

// owl is the running pgowl serve of the demo.
type owl struct {
	*child.Process
	sql, http string   // addresses
	password  string   // file of the superuser's password
	secret    string   // of REST tokens
	log       string   // file of its log
	places    []string // settings that a later pgowl serve needs to find the same data, models and library
}

// readyLimit is how long the first start may take: it makes a database cluster.
const readyLimit = 2 * time.Minute

// startOwl starts bin/pgowl on a data folder of the demo's own and waits until it is ready.
func startOwl(ctx context.Context) (*owl, error) {
	c, err := conf.Load([]string{"serve"}, os.Environ())
	if err != nil {
		return nil, err
	}
	data := filepath.Join(c.Data, "demo")
	if err := os.MkdirAll(data, 0o755); err != nil {
		return nil, err
	}
	o := &owl{
		sql: freeAddress(c.Listen), http: freeAddress(c.HTTP),
		password: filepath.Join(data, "postgres.password"),
		log:      filepath.Join(data, "pgowl.log"),
		secret:   rand.Text() + rand.Text(),
		places:   []string{"PGOWL_DATA=" + data, "PGOWL_MODELS=" + c.Models, "PGOWL_ONNXRUNTIME=" + library(c)},
	}
	log, err := os.Create(o.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command("bin/pgowl", "serve")
	cmd.Env = append(append(child.WithoutPrefix(os.Environ(), "PGOWL_"), o.places...),
		"PGOWL_LISTEN="+o.sql, "PGOWL_HTTP="+o.http, "PGOWL_JWT_SECRET="+o.secret)
	cmd.Stdout, cmd.Stderr = log, log
	if o.Process, err = child.Start(cmd, syscall.SIGTERM); err != nil {
		return nil, fmt.Errorf("bin/pgowl: %w (make build makes it)", err)
	}
	if err := o.waitReady(ctx); err != nil {
		o.stop()
		return nil, err
	}
	return o, nil
}

// library is where make setup put ONNX Runtime, in the folder above the demo's own.
func library(c conf.Config) string {
	if c.ONNXRuntime != "" {
		return c.ONNXRuntime
	}
	found, _ := filepath.Glob(filepath.Join(c.Data, "onnxruntime", "libonnxruntime*"))
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1]
}

// freeAddress gives the address, or one with another port when somebody listens there already.
func freeAddress(address string) string {
	l, err := net.Listen("tcp", address)
	if err != nil {
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return address
		}
	}
	defer l.Close()
	return l.Addr().String()
}

func (o *owl) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+o.http+"/ready", nil)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-o.Done():
			return fmt.Errorf("pgowl ended before it was ready; its last words:\n%s", o.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("pgowl is not ready: %w; its last words:\n%s", context.Cause(ctx), o.lastWords())
		}
	}
}

func (o *owl) stop() { o.Process.Stop(30 * time.Second) }

func (o *owl) lastWords() string {
	text, err := os.ReadFile(o.log)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-10):], []byte("\n")))
}

func (o *owl) psqlEnv() []string {
	host, port, _ := net.SplitHostPort(o.sql)
	text, _ := os.ReadFile(o.password) // if it cannot be read, psql says what is missing
	return []string{"PGHOST=" + host, "PGPORT=" + port, "PGUSER=postgres", "PGDATABASE=postgres", "PGPASSWORD=" + strings.TrimSpace(string(text))}
}

func (o *owl) connectLine() string {
	host, port, _ := net.SplitHostPort(o.sql)
	line := fmt.Sprintf("PGPASSWORD=$(cat %s) psql -h %s -p %s -U postgres", o.password, host, port)
	if !terminal() {
		return fmt.Sprintf("%s bin/pgowl serve\n    %s", strings.Join(o.places, " "), line)
	}
	return line
}
