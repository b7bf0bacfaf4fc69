package pyre

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func all(t testing.TB, s *Scanner, text string) (list [][]int) {
	t.Helper()
	if err := s.Each(t.Context(), text, func(m []int) error {
		list = append(list, slices.Clone(m))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return list
}

// Texts of many blocks, characters across their ends included, give what Go's engine finds where the two agree on the meaning.
func TestLongTexts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	letters := []rune("aabbbcé日😀 \n")
	var b strings.Builder
	for b.Len() < 5*block {
		b.WriteRune(letters[r.IntN(len(letters))])
	}
	text := b.String()
	for _, pattern := range []string{`a`, `[ab]+c`, `(a|b)+?(c)`, `é+`, `(?m)^b+$`, `(?s)a.{40}b`, `日[^日]*😀`, `\A.`, `.\n\z`, `(?:ab|a)(?:c|bcd)`, `(?s)a.*b`, `b[ab]{12}c?`} {
		re, err := Compile(strings.ReplaceAll(pattern, `\z`, `\Z`))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := all(t, re.Scanner(), text), regexp.MustCompile(pattern).FindAllStringSubmatchIndex(text, -1); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %d matches, want %d", pattern, len(got), len(want))
		}
	}
	look, err := Compile(`(?<=é日)(?=\w)|(?<!a)b(?!b)`)
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for i, c := range text {
		next, _ := utf8.DecodeRuneInString(text[i:])
		if strings.HasSuffix(text[:i], "é日") && words().has(next) {
			want++
		}
		if c == 'b' && !strings.HasSuffix(text[:i], "a") && !strings.HasPrefix(text[i+1:], "b") {
			want++
		}
	}
	if got := len(all(t, look.Scanner(), text)); got != want {
		t.Errorf("look-arounds: got %d matches, want %d", got, want)
	}
}

// Each of these takes quadratic time or worse in engines that try one position after the other.
func TestHostilePatterns(t *testing.T) {
	text := strings.Repeat("a", 1<<19)
	for _, c := range []struct {
		pattern string
		want    int
	}{
		{`(a*)*b`, 0}, {`a*b|a`, len(text)}, {`[^x]*x|a`, len(text)}, {`(?:a|a)*c`, 0}, {`a(?=a*b)`, 0}, {`a(?!a*b)`, len(text)}, {`(?=a*$)`, len(text) + 1},
		{`(?:a?){50}a{50}b`, 0}, {`\b(?:a+)+\b.`, 0}, {`(?<=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa)a`, len(text) - 32},
	} {
		re, err := Compile(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(all(t, re.Scanner(), text)); got != c.want {
			t.Errorf("%s: got %d matches, want %d", c.pattern, got, c.want)
		}
	}
}

// The states of this pattern are too many to keep.
func TestManyStates(t *testing.T) {
	re, err := Compile(`[ab]{14}a[ab]*?c`)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	text := make([]byte, 3*block)
	for i := range text {
		text[i] = "ab"[r.IntN(2)]
	}
	text[len(text)-1] = 'c'
	s := re.Scanner()
	if got, want := all(t, s, string(text)), regexp.MustCompile(`[ab]{14}a[ab]*?c`).FindAllStringIndex(string(text), -1); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if n := len(s.cache.states); n > maxStates+block {
		t.Errorf("%d states are kept", n)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	re, _ := Compile("a+")
	if _, err := re.Scanner().Found(ctx, "a"); err != cause {
		t.Errorf("got %v", err)
	}
	if err := re.Scanner().Each(ctx, "a", nil); err != cause {
		t.Errorf("got %v", err)
	}
}

// Whatever the pattern: no panic, and matches in order, that do not overlap, at characters' ends.
func FuzzEach(f *testing.F) {
	for _, c := range golden(f) {
		if len(c.texts) > 0 {
			f.Add(c.pattern, c.texts[len(c.texts)-1].text)
		} else {
			f.Add(c.pattern, "a")
		}
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 200 || len(text) > 2000 || !utf8.ValidString(text) {
			return
		}
		re, err := Compile(pattern)
		if err != nil {
			return
		}
		s := re.Scanner()
		last, n := []int{0, -1}, 0
		err = s.Each(t.Context(), text, func(m []int) error {
			if m[0] > m[1] || m[0] < last[1] || m[1] > len(text) || n > 0 && m[0] == m[1] && last[0] == m[0] && last[1] == m[0] {
				t.Fatalf("%q on %q: match %v after %v", pattern, text, m, last)
			}
			for i, at := range m {
				if at >= 0 && at < len(text) && !utf8.RuneStart(text[at]) || i > 1 && at >= 0 && at > m[1] {
					t.Fatalf("%q on %q: match %v", pattern, text, m)
				}
			}
			if l := re.Literal(); l != "" && text[m[0]:m[1]] != l {
				t.Fatalf("%q on %q: match %v is not %q", pattern, text, m, l)
			}
			last, n = slices.Clone(m[:2]), n+1
			return nil
		})
		var limit *LimitError
		if err != nil && !errors.As(err, &limit) {
			t.Fatal(err)
		}
		if found, _ := s.Found(t.Context(), text); found != (n > 0) && err == nil {
			t.Fatalf("%q on %q: found %v, but %d matches", pattern, text, found, n)
		}
	})
}

func BenchmarkEach(b *testing.B) {
	text := strings.Repeat("The quick brown fox jumps over the lazy dog. Does it? Yes! größer, naïve.\n\n", 2000)
	for _, pattern := range []string{`\n\n`, `\s+`, `(?<=[.!?])\s+`, `\b\w+\b`, `[^x]*x|a`} {
		b.Run(pattern, func(b *testing.B) {
			re, err := Compile(pattern)
			if err != nil {
				b.Fatal(err)
			}
			s := re.Scanner()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if err := s.Each(b.Context(), text, func([]int) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
