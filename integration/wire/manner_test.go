package wire

import (
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"time"
)

// manner is how a client writes and reads; the answers must not depend on it.
type manner struct {
	name  string
	piece func(dice *rand.Rand) int // the size of the next write; nil: as much as there is
	once  bool                      // as many messages as can be in one write, before any answer is read
	slow  bool                      // reads a few bytes at a time, and the kernel holds little for it
}

var (
	whole    = manner{name: "whole"}
	once     = manner{name: "in one write", once: true}
	bytewise = manner{name: "byte by byte", piece: func(*rand.Rand) int { return 1 }}
	cut      = manner{name: "cut", piece: anySize}
	slowly   = manner{name: "cut, read slowly", piece: anySize, slow: true}
)

// anySize gives small and large pieces alike.
func anySize(dice *rand.Rand) int { return 1 + dice.IntN(1<<dice.IntN(18)) }

// sipper reads a few bytes at a time.
type sipper struct {
	from io.Reader
	dice *rand.Rand
}

func (s *sipper) Read(b []byte) (int, error) {
	return s.from.Read(b[:min(len(b), 1+s.dice.IntN(1<<s.dice.IntN(8)))])
}

// seed decides where messages are cut. It is another one in each run; a failure tells it, and WIRE_SEED repeats it.
var seed = func() uint64 {
	if n, err := strconv.ParseUint(os.Getenv("WIRE_SEED"), 10, 64); err == nil {
		return n
	}
	return uint64(time.Now().UnixNano())
}()

// full asks for every script by every way; without it a run takes a share of the generated ones, another one each time.
var full = os.Getenv("WIRE_FULL") != ""

// share is the part of the generated scripts that a run takes: one of so many.
const share = 6

func sample(all []script) []script {
	if full {
		return all
	}
	return slices.DeleteFunc(all, func(s script) bool { return s.dice().IntN(share) > 0 })
}

// dice are thrown for a script, in the same way for the same seed.
func (s script) dice() *rand.Rand { return s.throw(seed) }

func (s script) throw(seed uint64) *rand.Rand {
	h := fnv.New64()
	h.Write([]byte(s.name))
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// coalesce puts the reads of a script behind the messages, as far as it makes no difference to who acts first: what involves another
// connection, or the end of one, stays where it is.
func coalesce(commands []command) []command {
	var all, reads []command
	flush := func() {
		all = append(all, reads...)
		reads = nil
	}
	for i, c := range commands {
		if i > 0 && c.conn != commands[i-1].conn {
			flush()
		}
		switch c.verb {
		case "read":
			reads = append(reads, c)
			if c.rest == "eof" || c.rest == "" {
				flush()
			}
		case "connect", "dial", "byte", "wait", "halfclose", "cancel", "await":
			flush()
			all = append(all, c)
		default:
			all = append(all, c)
		}
	}
	flush()
	return all
}
