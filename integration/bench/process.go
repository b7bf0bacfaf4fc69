package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// spent is what a thread has used since it began, by Linux's /proc; elsewhere there is nothing to read, and all figures are 0.
type spent struct {
	cpu      time.Duration
	switches int // context switches, voluntary or not
}

// threads gives what each thread of a process has used, the kernel's own for its io_uring included. The time is the scheduler's, to the
// nanosecond: the ticks of /proc/PID/stat are too coarse for a second's measurement.
func threads(pid int) map[int]spent {
	m := map[int]spent{}
	tasks := filepath.Join("/proc", strconv.Itoa(pid), "task")
	list, _ := os.ReadDir(tasks)
	for _, e := range list {
		if tid, err := strconv.Atoi(e.Name()); err == nil {
			m[tid] = spent{cpuTime(filepath.Join(tasks, e.Name())), switches(filepath.Join(tasks, e.Name()))}
		}
	}
	return m
}

// since is what was used from one look to a later one. Threads that have ended in between are not seen.
func since(before, after map[int]spent) (s spent) {
	for id, a := range after {
		s.cpu += a.cpu - before[id].cpu
		s.switches += a.switches - before[id].switches
	}
	return s
}

// family gives the processor time of the children of a process, which have one thread each, and its own: Postgres' server.
func family(pid int) map[int]spent {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	m := map[int]spent{pid: {cpu: cpuTime(dir)}}
	text, _ := os.ReadFile(filepath.Join(dir, "task", strconv.Itoa(pid), "children"))
	for word := range strings.FieldsSeq(string(text)) {
		if child, err := strconv.Atoi(word); err == nil {
			m[child] = spent{cpu: cpuTime(filepath.Join("/proc", word))}
		}
	}
	return m
}

// cpuTime reads the first figure of a thread's schedstat: nanoseconds on a processor.
func cpuTime(dir string) time.Duration {
	text, _ := os.ReadFile(filepath.Join(dir, "schedstat"))
	word, _, _ := strings.Cut(string(text), " ")
	n, _ := strconv.ParseInt(word, 10, 64)
	return time.Duration(n)
}

func switches(dir string) int {
	text, _ := os.ReadFile(filepath.Join(dir, "status"))
	return statusField(text, "voluntary_ctxt_switches") + statusField(text, "nonvoluntary_ctxt_switches")
}

// resident is a process's memory in kB: all of it, and the part that belongs to no file.
func resident(pid int) (all, anonymous int) {
	text, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	return statusField(text, "VmRSS"), statusField(text, "RssAnon")
}

// statusField gives a number of a /proc status file.
func statusField(text []byte, name string) int {
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte(name+":")); ok {
			words := bytes.Fields(rest)
			if len(words) == 0 {
				return 0
			}
			n, _ := strconv.Atoi(string(words[0]))
			return n
		}
	}
	return 0
}

// busy is the time that the machine's processors were not idle for, together, in ticks of 10 ms.
func busy() time.Duration {
	text, _ := os.ReadFile("/proc/stat")
	first, _, _ := strings.Cut(string(text), "\n")
	var ticks int64
	for i, word := range strings.Fields(first) {
		n, _ := strconv.ParseInt(word, 10, 64)
		if i > 0 && i != 4 && i != 5 && i < 8 { // cpu user nice system IDLE IOWAIT irq softirq; then what is counted elsewhere
			ticks += n
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
