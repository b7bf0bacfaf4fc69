package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/pgowl/pgowl/conf"
	"github.com/pgowl/pgowl/integration/child"
	"github.com/pgowl/pgowl/models/text"
)

// owl is a running pgowl serve.
type owl struct {
	cmd  *exec.Cmd
	done chan struct{}
	url  string // of its Postgres side
	http string // address of its HTTP side
	log  string
}

// breed is a PgOwl that is measured: a program, and settings that differ from the default ones.
type breed struct {
	name   string
	binary string
	env    []string
}

// breeds are all programs with all drivers that the command line names.
func breeds(o options) []breed {
	var list []breed
	programs := strings.Split(o.owl, ",")
	for _, program := range programs {
		for _, driver := range strings.Split(o.drivers, ",") {
			b := breed{name: "pgowl", binary: program}
			if len(programs) > 1 {
				b.name = filepath.Base(program)
			}
			if driver != "" {
				b.name += "/" + driver
				b.env = []string{"PGOWL_DRIVER=" + driver}
			}
			list = append(list, b)
		}
	}
	return list
}

// start starts PgOwl before the server, with further settings, and waits until it is ready.
func (b breed) start(ctx context.Context, s *stage, env ...string) (*owl, error) {
	c, err := conf.Load([]string{"serve"}, child.WithoutPrefix(os.Environ(), "PGOWL_BENCH_")) // which the program does not know
	if err != nil {
		return nil, err
	}
	upstream := s.url("direct")
	folder, err := os.MkdirTemp(s.folder, "owl")
	if err != nil {
		return nil, err
	}
	address := freeAddress()
	o := &owl{done: make(chan struct{}), url: withAddress(upstream, address), http: freeAddress(), log: filepath.Join(folder, "log")}
	log, err := os.Create(o.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	o.cmd = exec.Command(b.binary, "serve")
	o.cmd.Env = append(child.WithoutPrefix(os.Environ(), "PGOWL_"), "PGOWL_DATA="+folder, "PGOWL_MODELS="+c.Models, "PGOWL_ONNXRUNTIME="+libraryOf(c), "PGOWL_OPENVINO="+vinoOf(c),
		"PGOWL_LISTEN="+address, "PGOWL_HTTP="+o.http, "PGOWL_UPSTREAM="+upstream, "PGOWL_SERVICE="+upstream)
	o.cmd.Env = append(append(o.cmd.Env, b.env...), env...)
	o.cmd.Stdout, o.cmd.Stderr = log, log
	if err := startChild(o.cmd, o.done); err != nil {
		return nil, fmt.Errorf("%s: %w (make build makes it)", b.binary, err)
	}
	if err := o.ready(ctx); err != nil {
		o.stop()
		return nil, err
	}
	return o, nil
}

// libraryOf is ONNX Runtime's, of what a PgOwl would be started with.
func libraryOf(c conf.Config) string {
	if c.ONNXRuntime != "" {
		return c.ONNXRuntime
	}
	return text.FindLibrary(c.Data)
}

// vinoOf is OpenVINO's in the same way; empty where there is none.
func vinoOf(c conf.Config) string {
	if c.OpenVINO != "" {
		return c.OpenVINO
	}
	return text.FindOpenVINO(c.Data)
}

// readyLimit is generous: on a busy machine the catalog alone takes a while.
const readyLimit = 5 * time.Minute

func (o *owl) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+o.http+"/ready", nil)
		if err != nil {
			return err
		}
		if answer, err := http.DefaultClient.Do(request); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-o.done:
			return fmt.Errorf("pgowl ended before it was ready:\n%s", lastWords(o.log))
		case <-ctx.Done():
			return fmt.Errorf("pgowl is not ready:\n%s", lastWords(o.log))
		}
	}
}

func (o *owl) pid() int { return o.cmd.Process.Pid }

func (o *owl) stop() {
	if o.cmd.Process == nil {
		return
	}
	o.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-o.done:
	case <-time.After(30 * time.Second):
		o.cmd.Process.Kill()
		<-o.done
	}
}
