package text

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// BenchmarkEngines embeds 2,000 headlines and 80 long texts by each runtime and precision: tokens a second of processor time, which other work on the machine changes little.
func BenchmarkEngines(b *testing.B) {
	words := strings.Fields("owl river market price court minister wins final over the of in after new plan for city school storm bank rates health report says first two years film music game")
	r := rand.New(rand.NewPCG(3, 3))
	var texts []string
	for i := range 2080 {
		n := 8 + r.IntN(7)
		if i >= 2000 {
			n = 180 + r.IntN(60)
		}
		var t []string
		for range n {
			t = append(t, words[r.IntN(len(words))])
		}
		texts = append(texts, strings.Join(t, " "))
	}
	for _, c := range []struct {
		name      string
		precision Precision
		backend   Backend
	}{{"onnxruntime", Float32, ONNXRuntime}, {"openvino", Float32, OpenVINO}, {"openvino-bf16", BFloat16, OpenVINO}} {
		b.Run(c.name, func(b *testing.B) {
			if c.precision == BFloat16 {
				vinoBFloat16(b)
			}
			e := openWith(b, Variant{Precision: c.precision}, Processors{OpenVINO: vinoLibrary(b), Backend: c.backend})
			if _, err := e.Embed(b.Context(), slices.Concat(texts[:40], texts[2070:]), EmbedOptions{}); err != nil {
				b.Fatal(err)
			}
			_, before := e.queue.stats()
			start := processorTime()
			for b.Loop() {
				if _, err := e.Embed(b.Context(), texts, EmbedOptions{}); err != nil {
					b.Fatal(err)
				}
			}
			spent := (processorTime() - start).Seconds()
			_, after := e.queue.stats()
			b.ReportMetric(float64(after.Tokens-before.Tokens)/spent, "tokens/cpu-s")
		})
	}
}
