package wire

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// wanted is how many scripts of different shape there have to be at least.
const wanted = 300

// played is the corpus of scripts that were played in this run.
var played corpus

// corpus tells scripts apart by their shape: the types of the messages in both directions, with formats and row limits of what is
// sent, and SQLSTATEs, tags and transaction states of what comes.
type corpus struct {
	mu     sync.Mutex
	shapes map[string]string // to the name of the first script that has it
	sent   map[string]bool   // types
	came   map[string]bool
	n      int
}

func (c *corpus) note(s script, log map[int][]string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shapes == nil {
		c.shapes, c.sent, c.came = map[string]string{}, map[string]bool{}, map[string]bool{}
	}
	c.n++
	var shape strings.Builder
	for _, cmd := range s.commands {
		shape.WriteString(cmd.shape())
		c.sent[cmd.verb] = true
		if cmd.verb == "request" {
			c.sent[cmd.rest] = true
		}
	}
	for n := range len(log) + 1 {
		for _, m := range log[n] {
			shape.WriteString(answerShape(m))
			c.came[m[:1]] = true
		}
	}
	if _, known := c.shapes[shape.String()]; !known {
		c.shapes[shape.String()] = s.name
	}
}

func (c command) shape() string {
	words := split(c.rest)
	switch c.verb {
	case "B", "F":
		words = words[min(1, len(words)):]
		for i, w := range words {
			if !strings.HasPrefix(w, "pf=") && !strings.HasPrefix(w, "rf=") && w != "null" {
				words[i] = "v"
			}
		}
	case "D", "C":
		words = words[:min(1, len(words))]
	case "E":
		words = words[min(1, len(words)):]
	case "raw", "read", "wait", "cancel", "request", "start", "connect":
	default:
		words = nil
	}
	return fmt.Sprint(c.conn, c.verb, words)
}

// resultFormat finds the formats in what client.describe says of a RowDescription.
var resultFormat = regexp.MustCompile(`/[0-9]( |$)`)

func answerShape(m string) string {
	switch m[0] {
	case 'C', 'Z', 'S', 'R':
		return m
	case 'E', 'N':
		if i := strings.Index(m, `C="`); i >= 0 {
			return m[:1] + m[i:i+8]
		}
	case 'T':
		var b strings.Builder
		b.WriteString("T")
		for _, f := range resultFormat.FindAllString(m, -1) {
			b.WriteString(f)
		}
		return b.String()
	}
	return m[:1]
}

// Every message that a frontend can send after the log-in, and that a backend sends on a connection like ours.
var (
	frontendMessages = []string{"Q", "P", "B", "D", "E", "C", "S", "H", "X", "d", "c", "f", "F", "raw", "start", "ssl", "cancel"} // TestStartup has the request for GSS
	backendMessages  = []string{"R", "K", "S", "Z", "E", "N", "T", "D", "C", "I", "1", "2", "3", "n", "t", "s", "G", "H", "W", "d", "c", "A", "V", "v"}
)

// check wants enough scripts, and every message in them.
func (c *corpus) check(t *testing.T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.Logf("%d scripts of %d shapes", c.n, len(c.shapes))
	if len(c.shapes) < wanted {
		t.Errorf("%d scripts that differ, want at least %d", len(c.shapes), wanted)
	}
	for _, m := range frontendMessages {
		if !c.sent[m] {
			t.Errorf("no script sends %s", m)
		}
	}
	for _, m := range backendMessages {
		if !c.came[m] {
			t.Errorf("no server sent %s", m)
		}
	}
}
