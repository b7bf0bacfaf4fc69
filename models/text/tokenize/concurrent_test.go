package tokenize

import (
	"slices"
	"sync"
	"testing"
)

// TestConcurrent: one tokenizer serves many goroutines, whose texts do not mix.
func TestConcurrent(t *testing.T) {
	names, kinds := everyKind(t)
	texts := []string{"the unable reader", "Café e\u0323\u0301 <s> ab  ", "中文 ｆｕｌｌ \u1100\u1161\u11a8", "12345 don't  \n\n stop"}
	for i, tok := range kinds {
		var want [][]int32
		for _, text := range texts {
			want = append(want, tok.Append(nil, text, 0))
		}
		var group sync.WaitGroup
		for g := range 4 {
			group.Go(func() {
				for round := range 20 {
					k := (g + round) % len(texts)
					if got := tok.Append(nil, texts[k], 0); !slices.Equal(got, want[k]) {
						t.Errorf("%s: %q: %v, want %v", names[i], texts[k], got, want[k])
					}
					if e, err := tok.Encode(texts[k], EncodeOptions{}); err != nil || !slices.Equal(e[0].IDs, want[k]) {
						t.Errorf("%s: %q: %v", names[i], texts[k], err)
					}
				}
			})
		}
		group.Wait()
	}
}
