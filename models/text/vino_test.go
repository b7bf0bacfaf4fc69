package text

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// openWith opens all-MiniLM-L6-v2, or skips the test.
func openWith(t testing.TB, v Variant, p Processors) *Embedder {
	t.Helper()
	dir := filepath.Join(modelFolder(), "all-MiniLM-L6-v2")
	if _, err := os.Stat(filepath.Join(dir, "onnx", "model.onnx")); err != nil {
		t.Skip("all-MiniLM-L6-v2 is not in the model folder: run make setup")
	}
	e, err := Open(dir, Options{Runtime: loaded(t), Name: "all-MiniLM-L6-v2", Variant: v, Processors: p})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// variedTexts are n texts of one to some hundred words: prose, code, numbers, other scripts, repetitions, and nothing.
func variedTexts(n int) []string {
	words := strings.Fields(`the owl of Minerva spreads its wings only with the falling dusk SELECT count(*) FROM users WHERE id = 42; naïve café Straße Ελλάδα Москва 東京 東京都 서울 नमस्ते
		3.14159 1,000,000 2026-11-23 https://example.org/a?b=c user@example.org func main() { return } \u00e9 🙂 👩‍🚀 ... !!! --- price-earnings ratio mitochondria photosynthesis bank river money quick brown fox
		jumps over lazy dog contract law liability tensor gradient database index transaction isolation vacuum`)
	r := rand.New(rand.NewPCG(7, 7))
	texts := []string{"", " ", "a", "?", strings.Repeat("owl ", 400), strings.Repeat("x", 2000), "0", "\n"}
	for len(texts) < n {
		var b strings.Builder
		for range 1 + int(r.ExpFloat64()*20) {
			b.WriteString(words[r.IntN(len(words))])
			if r.IntN(12) > 0 {
				b.WriteByte(' ')
			}
		}
		texts = append(texts, b.String())
	}
	return texts[:n]
}

// trials is a number of cases, which PGOWL_TRIALS makes larger.
func trials(usual int) int {
	if n, err := strconv.Atoi(os.Getenv("PGOWL_TRIALS")); err == nil && n > 0 {
		return n
	}
	return usual
}

func TestOpenVINOAgrees(t *testing.T) {
	path := vinoLibrary(t)
	texts := variedTexts(trials(80))
	want, err := openWith(t, Variant{}, Processors{}).Embed(t.Context(), texts, EmbedOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []Precision{Float32, BFloat16} {
		t.Run(string(p), func(t *testing.T) {
			if p == BFloat16 {
				vinoBFloat16(t)
			}
			var told []Loaded
			e := openWith(t, Variant{Precision: p}, Processors{OpenVINO: path, Backend: OpenVINO, Loaded: func(l Loaded) { told = append(told, l) }})
			got, err := e.Embed(t.Context(), texts, EmbedOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if len(told) != 1 || told[0].Backend != OpenVINO || told[0].Version == "" {
				t.Errorf("told %+v", told)
			}
			least, apart := 1.0, 0.0
			for i := range texts {
				c := cosineOf(got[i], want[i])
				if least = min(least, c); c < 0.9999 {
					t.Errorf("%.60q: cosine %.6f", texts[i], c)
				}
				for j := range got[i] {
					apart = max(apart, float64(max(got[i][j]-want[i][j], want[i][j]-got[i][j])))
				}
			}
			t.Logf("%d texts: cosine %.7f at worst, numbers %.1e apart at most", len(texts), least, apart)
			if p == Float32 && apart > 1e-5 {
				t.Errorf("numbers are %.1e apart", apart)
			}
		})
	}
}

// cosineOf is that of two vectors of length 1.
func cosineOf(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

func TestOpenVINOCancel(t *testing.T) {
	e := openWith(t, Variant{Precision: BFloat16}, Processors{OpenVINO: vinoBFloat16(t)})
	texts := variedTexts(100)
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	e.running = func() { cancel(gone) }
	if _, err := e.Embed(ctx, texts, EmbedOptions{}); !errors.Is(err, gone) {
		t.Error(err)
	}
	e.running = nil
	if _, err := e.Embed(t.Context(), texts[:20], EmbedOptions{}); err != nil {
		t.Error(err)
	}
}

func TestOpenVINOConcurrent(t *testing.T) {
	e := openWith(t, Variant{Precision: BFloat16}, Processors{OpenVINO: vinoBFloat16(t)})
	texts := variedTexts(24)
	want, err := e.Embed(t.Context(), texts, EmbedOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for k := range 4 {
		wait.Go(func() {
			for i := range texts {
				i := (i + 7*k) % len(texts)
				got, err := e.Embed(t.Context(), texts[i:i+1], EmbedOptions{})
				if err != nil {
					t.Error(err)
				} else if c := cosineOf(got[0], want[i]); c < 0.99999 {
					t.Errorf("%.40q: %v", texts[i], c)
				}
			}
		})
	}
	wait.Wait()
	wait.Go(func() { e.Embed(t.Context(), texts, EmbedOptions{}) }) // it is closed before, meanwhile or after
	e.Close()
	wait.Wait()
}

// What OpenVINO cannot do as well is left to ONNX Runtime.
func TestBackends(t *testing.T) {
	path := vinoLibrary(t)
	dir := t.TempDir()
	for _, c := range []struct {
		name  string
		model files
		v     Variant
		p     Processors
		want  Backend
		why   string
	}{
		{"none", tiny(), Variant{}, Processors{}, ONNXRuntime, ""},
		{"auto", tiny(), Variant{}, Processors{OpenVINO: path, Backend: AutoBackend}, "", "times as fast"},
		{"forced", tiny(), Variant{}, Processors{OpenVINO: path, Backend: OpenVINO}, OpenVINO, "as it is set"},
		{"forced away", tiny(), Variant{}, Processors{OpenVINO: path, Backend: ONNXRuntime}, ONNXRuntime, ""},
		{"forced and missing", tiny(), Variant{}, Processors{Backend: OpenVINO}, ONNXRuntime, "OpenVINO is missing"},
		{"a graph by name", tiny().with("onnx/x.onnx", "testdata/tiny.onnx"), Variant{Graph: "x.onnx"}, Processors{OpenVINO: path, Backend: OpenVINO}, ONNXRuntime, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := filepath.Join(dir, c.name)
			c.model.write(t, folder)
			var told []Loaded
			c.p.Loaded = func(l Loaded) { told = append(told, l) }
			e, err := Open(folder, Options{Runtime: loaded(t), Variant: c.v, Processors: c.p})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			if len(told) != 1 || c.want != "" && told[0].Backend != c.want || !strings.Contains(told[0].Why, c.why) {
				t.Errorf("told %+v", told)
			}
			v, err := e.Embed(t.Context(), []string{"owl", "the owl of the owl"}, EmbedOptions{})
			if err != nil || len(v) != 2 || v[0][3] != 1 {
				t.Errorf("%v %v", v, err)
			}
		})
	}
}

func TestMeasurements(t *testing.T) {
	m := measurements{file: filepath.Join(t.TempDir(), "measured.json")}
	if _, ok := m.get("a"); ok {
		t.Error("there from the beginning")
	}
	m.put("a", 1.25)
	m.put("b", 0.5)
	if got, ok := m.get("a"); !ok || got != 1.25 {
		t.Error(got, ok)
	}
	for _, broken := range []string{"", "null", "[1]", `{"a":"x"}`, `{"a":-1}`} {
		if err := os.WriteFile(m.file, []byte(broken), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, ok := m.get("a"); ok {
			t.Errorf("%q has it", broken)
		}
	}
	m.put("a", 2)
	if got, ok := m.get("a"); !ok || got != 2 {
		t.Error(got, ok)
	}
	full := map[string]float64{}
	for i := range mostMeasured {
		full[fmt.Sprint(i)] = 1
	}
	data, err := json.Marshal(full)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	m.put("one more", 1)
	if n := len(m.read()); n > mostMeasured {
		t.Errorf("%d lines", n)
	}
	none := measurements{}
	none.put("a", 1)
	if _, ok := none.get("a"); ok {
		t.Error("there without a file")
	}
}
