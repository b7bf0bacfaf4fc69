package protocol

import (
	"os"
	"strings"
	"testing"
)

// nobody waits for a reply.
type nobody struct{}

func (nobody) Settled(Fate) {}

// TestReplies plays the scripts of testdata/replies.txt. A line is what is sent (> Parse Bind ...), what the server answers (< its
// message types, a Z with its status), or what must be true then (= expected replies, then flags).
func TestReplies(t *testing.T) {
	data, err := os.ReadFile("testdata/replies.txt")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]Kind{"Query": ForQuery, "Function": ForFunction, "Sync": ForSync, "Parse": ForParse, "Bind": ForBind,
		"Describe": ForDescribe, "Execute": ForExecute, "Close": ForClose, "CopyEnd": ForCopyEnd}
	names := map[Kind]string{}
	for name, k := range kinds {
		names[k] = name
	}
	for _, script := range strings.Split(strings.TrimSpace(string(data)), "\n\n") {
		lines := strings.Split(script, "\n")
		t.Run(strings.TrimPrefix(lines[0], "# "), func(t *testing.T) {
			var q Replies[nobody]
			for _, line := range lines[1:] {
				words := strings.Fields(line)
				switch words[0] {
				case ">":
					for _, w := range words[1:] {
						k, ok := kinds[w]
						if !ok {
							t.Fatalf("unknown message %s", w)
						}
						q.Push(k, nobody{})
					}
				case "<":
					for _, w := range words[1:] {
						q.Answer(w[0], w[len(w)-1])
					}
				case "=":
					var got []string
					for k := range q.All() {
						got = append(got, names[k])
					}
					if q.Skipping {
						got = append(got, "skipping")
					}
					if q.Copying {
						got = append(got, "copying")
					}
					if q.Doubtful {
						got = append(got, "doubtful")
					}
					if want := strings.Join(words[1:], " "); strings.Join(got, " ") != want {
						t.Errorf("after %q: got %q, want %q", line, strings.Join(got, " "), want)
					}
				}
			}
		})
	}
}

// told counts what a waiter hears.
type told struct{ done, failed, skipped *int }

func (w told) Settled(f Fate) { *[]*int{w.done, w.failed, w.skipped}[f]++ }

// However messages and answers mix, every waiter is told once, unless the server ignores the message at once; and of a series that an
// error ends, one has failed.
func FuzzReplies(f *testing.F) {
	f.Add([]byte("pbxs12CZ"))
	f.Add([]byte("pbEEsZqZ"))
	f.Add([]byte("qGessCZ"))
	f.Add([]byte("pbxssGEZ"))
	send := map[byte]Kind{'q': ForQuery, 'p': ForParse, 'b': ForBind, 'd': ForDescribe, 'x': ForExecute, 's': ForSync, 'l': ForClose,
		'e': ForCopyEnd, 'f': ForFunction}
	f.Fuzz(func(t *testing.T, script []byte) {
		var q Replies[told]
		var done, failed, skipped, sent int
		for _, c := range script {
			if k, ok := send[c]; ok {
				before := 0
				for range q.All() {
					before++
				}
				ignored := q.Push(k, told{&done, &failed, &skipped})
				after := 0
				for range q.All() {
					after++
				}
				sent += after - before
				if ignored && after != before {
					t.Fatalf("%q is ignored, and expected", c)
				}
				continue
			}
			errors := failed
			q.Answer(c, 'I')
			if n := failed - errors; n > 1 || n == 1 && c != 'E' {
				t.Fatalf("%d have failed by %q", n, c)
			}
			waiting := 0
			for range q.All() {
				waiting++
			}
			if waiting+done+failed+skipped != sent {
				t.Fatalf("%d were sent: %d wait, %d are done, %d failed, %d skipped", sent, waiting, done, failed, skipped)
			}
			if q.Resting() && (q.Skipping || q.Copying || waiting > 0) {
				t.Fatal("rests with work to do")
			}
		}
	})
}

func BenchmarkReplies(b *testing.B) {
	var q Replies[nobody]
	b.ReportAllocs()
	for b.Loop() {
		for _, k := range []Kind{ForParse, ForBind, ForDescribe, ForExecute, ForSync} {
			q.Push(k, nobody{})
		}
		for _, typ := range []byte("12TCZ") {
			q.Answer(typ, 'I')
		}
	}
	if !q.Empty() {
		b.Fatal("replies are left")
	}
}
