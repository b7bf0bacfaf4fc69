package clients

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/pgowl/pgowl/integration/child"
)

// driver is a client in another language: a program of testdata that answers a line of JSON with another.
type driver struct {
	in     io.WriteCloser
	out    *bufio.Reader
	errors *logBuffer
}

type request struct {
	SQL    string `json:"sql,omitempty"`
	Params []any  `json:"params,omitempty"`
	File   string `json:"file,omitempty"`
	ORM    bool   `json:"orm,omitempty"`
}

// startDriver runs a program until the test ends.
func startDriver(t *testing.T, env []string, name string, args ...string) *driver {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(child.WithoutPrefix(os.Environ(), "PG"), env...)
	d := &driver{errors: &logBuffer{}}
	cmd.Stderr = d.errors
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = w
	p, err := child.Start(cmd, syscall.SIGTERM)
	w.Close()
	if err != nil {
		out.Close()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		p.Stop(limit)
		out.Close()
	})
	d.in, d.out = in, bufio.NewReader(out)
	return d
}

func (d *driver) send(r request) (answer, error) {
	line, err := json.Marshal(r)
	if err != nil {
		return answer{}, err
	}
	if _, err := d.in.Write(append(line, '\n')); err != nil {
		return answer{}, fmt.Errorf("%w\n%s", err, d.errors)
	}
	line, err = d.out.ReadBytes('\n')
	if err != nil {
		return answer{}, fmt.Errorf("the client ended: %w\n%s", err, d.errors)
	}
	var got struct {
		answer
		Error *refusal `json:"error"`
	}
	decode := json.NewDecoder(bytes.NewReader(line))
	decode.UseNumber()
	if err := decode.Decode(&got); err != nil {
		return answer{}, fmt.Errorf("%w: %s", err, line)
	}
	if got.Error != nil {
		return answer{}, got.Error
	}
	return got.answer, nil
}

func (d *driver) ask(t *testing.T, sql string, params ...any) (answer, error) {
	t.Helper()
	return d.send(request{SQL: sql, Params: params})
}

func (d *driver) query(t *testing.T, sql string) (string, error) {
	t.Helper()
	a, err := d.ask(t, sql)
	return a.text(), err
}

func (d *driver) load(t *testing.T, sql, file string) error {
	t.Helper()
	_, err := d.send(request{SQL: sql, File: file})
	return err
}

func testdata(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// needClient gives an environment variable that make test sets, or skips.
func needClient(t *testing.T, variable string) string {
	t.Helper()
	value := os.Getenv(variable)
	if value == "" {
		t.Skipf("%s is not set: make test sets it", variable)
	}
	return value
}

func TestStoryFromSQLAlchemy(t *testing.T) {
	python := needClient(t, "CLIENT_PYTHON")
	o := sharedOwl(t)
	d := startDriver(t, nil, python, testdata(t, "driver.py"), "sqlalchemy", o.url)
	play(t, o, d)
	shapes(t, d)
	got, err := d.send(request{ORM: true})
	if want := "384|1|23 Things You Will Only Understand If You Grew Up In The 90s|t|id,name,task"; err != nil || got.text() != want {
		t.Errorf("through the object mapper: got %q, %v, want %q", got.text(), err, want)
	}
}

func TestStoryFromPsycopg(t *testing.T) {
	python := needClient(t, "CLIENT_PYTHON")
	o := sharedOwl(t)
	d := startDriver(t, nil, python, testdata(t, "driver.py"), "psycopg", o.url)
	play(t, o, d)
	shapes(t, d)
}

func TestStoryFromNodePostgres(t *testing.T) {
	modules := needClient(t, "CLIENT_NODE_MODULES")
	for _, kind := range []string{"unnamed", "named"} {
		t.Run(kind, func(t *testing.T) {
			o := sharedOwl(t)
			args := []string{testdata(t, "driver.js"), o.url}
			if kind == "named" {
				args = append(args, kind)
			}
			d := startDriver(t, []string{"NODE_PATH=" + modules}, "node", args...)
			play(t, o, d)
			shapes(t, d)
		})
	}
}
