package text

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/pgowl/pgowl/models/text/openvino"
)

// runnerVariable makes the test's binary a process that opens and runs graphs, so that one which ends ONNX Runtime ends that process.
const runnerVariable = "PGOWL_TEST_GRAPHS"

// vinoVariable is OpenVINO's library where these graphs are to go through that, too.
const vinoVariable = "PGOWL_TEST_GRAPHS_OPENVINO"

// runnerMemory is what such a process may take. What asks for more fails there as it does on a machine that has no more.
const runnerMemory = 6 << 30

// Answers of the process.
const (
	graphRefused = 'r' // by the check, or by ONNX Runtime
	graphOpened  = 'o' // and failed to run
	graphRan     = 'k'
)

// runGraphs is the process: graphs come in, each behind its size, and a byte goes out for each.
func runGraphs() int {
	dir, err := os.MkdirTemp("", "pgowl-graphs")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "model.onnx")
	if data, err := os.ReadFile("testdata/graphs/outside.onnx_data"); err == nil {
		os.WriteFile(filepath.Join(dir, "outside.onnx_data"), data, 0o600)
	}
	if _, err := LoadRuntime(os.Getenv(runnerVariable)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	var vino *openvino.Library
	if path := os.Getenv(vinoVariable); path != "" {
		if vino, err = openvino.Load(path); err != nil { // before memory is short
			fmt.Fprintln(os.Stderr, err)
			return 2
		}
	}
	syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: runnerMemory, Max: runnerMemory})
	in := bufio.NewReader(os.Stdin)
	for {
		var size uint32
		if binary.Read(in, binary.LittleEndian, &size) != nil {
			return 0
		}
		data := make([]byte, size)
		if _, err := io.ReadFull(in, data); err != nil {
			return 0
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 2
		}
		answer, err := runGraph(dir, vino)
		if os.Getenv("PGOWL_TEST_GRAPHS_TELL") != "" {
			fmt.Fprintln(os.Stderr, string(answer), err)
		}
		os.Stdout.Write([]byte{answer})
	}
}

func runGraph(dir string, vino *openvino.Library) (byte, error) {
	e := &Embedder{graphs: graphFiles, settings: new(settings)}
	s, err := e.openSession(dir)
	if err != nil {
		return graphRefused, err
	}
	defer s.close()
	var b buffers
	b.grow(6, 6*s.width, s.width)
	for i := range b.ids {
		b.ids[i], b.mask[i] = int64(i+1), 1
	}
	if err := s.run(&b, 2, 3, false, unstoppable{}); err != nil {
		return graphOpened, err
	}
	if vino == nil {
		return graphRan, nil
	}
	for _, p := range []Precision{Float32, BFloat16} {
		if p == BFloat16 && !vino.BFloat16() {
			continue
		}
		v, err := newVino(vino, s.graph, 1, p)
		if err != nil {
			return graphRefused, err
		}
		s.engine.close()
		s.engine = v
		if err := s.run(&b, 2, 3, false, unstoppable{}); err != nil {
			return graphOpened, err
		}
	}
	return graphRan, nil
}

// runner is the parent's end of such a process, started anew when it has ended or has done enough.
type runner struct {
	library string
	vino    string // empty: none
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *os.File
	errors  *bytes.Buffer
	since   [][]byte // what it was sent
}

func (r *runner) start(t testing.TB) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.cmd = exec.Command(os.Args[0])
	r.cmd.Env = append(os.Environ(), runnerVariable+"="+r.library, vinoVariable+"="+r.vino)
	r.errors = new(bytes.Buffer)
	r.cmd.Stdout, r.cmd.Stderr, r.out, r.since = writer, r.errors, reader, nil
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if r.in, err = r.cmd.StdinPipe(); err == nil {
		err = r.cmd.Start()
	}
	writer.Close()
	if err != nil {
		t.Fatal(err)
	}
}

func (r *runner) stop() {
	if r.cmd == nil {
		return
	}
	r.in.Close()
	r.cmd.Wait()
	r.out.Close()
	r.cmd = nil
}

// errHung is a graph that takes too long; that is no crash, as a load and a run can be waited for elsewhere, but it is kept.
var errHung = fmt.Errorf("it takes too long")

// run sends a graph, and tells how the process has ended if it has.
func (r *runner) run(t testing.TB, graph []byte, most time.Duration) (byte, error) {
	t.Helper()
	if r.cmd != nil && len(r.since) >= 500 {
		r.stop()
	}
	if r.cmd == nil {
		r.start(t)
	}
	r.since = append(r.since, graph)
	r.in.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(graph))))
	r.in.Write(graph) // its end shows below
	r.out.SetReadDeadline(time.Now().Add(most))
	var answer [1]byte
	if _, err := io.ReadFull(r.out, answer[:]); err != nil {
		hung := os.IsTimeout(err)
		if hung {
			r.cmd.Process.Kill()
		}
		r.in.Close()
		ended := r.cmd.Wait()
		r.out.Close()
		r.cmd = nil
		if hung {
			return 0, errHung
		}
		return 0, fmt.Errorf("the process has ended: %v\n%.2000s", ended, r.errors)
	}
	return answer[0], nil
}
