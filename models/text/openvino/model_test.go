package openvino

import (
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
)

var tokens = []string{"input_ids", "attention_mask", "token_type_ids"}

func compile(t testing.TB, bf16 bool, streams int) *Model {
	t.Helper()
	l := library(t)
	m, err := l.Compile(miniLM(t), Options{Inputs: tokens, Output: "last_hidden_state", Streams: streams, BFloat16: bf16})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// input are rows x columns ids that depend on a seed, all of which count.
func input(rows, columns, seed int) [][]int64 {
	ids, mask, types := make([]int64, rows*columns), make([]int64, rows*columns), make([]int64, rows*columns)
	for i := range ids {
		ids[i], mask[i] = int64(1000+(i*7919+seed*104729)%20000), 1
	}
	return [][]int64{ids, mask, types}
}

func (m *Model) infer(rows, columns, seed int) ([]float32, error) {
	r, err := m.Request()
	if err != nil {
		return nil, err
	}
	defer r.Release()
	out := make([]float32, rows*columns*384)
	return out, r.Run(input(rows, columns, seed), rows, columns, out, []int64{int64(rows), int64(columns), 384})
}

func TestConcurrent(t *testing.T) {
	m := compile(t, false, 2)
	want, err := m.infer(3, 7, 1)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for k := range 5 {
				if _, err := m.infer(1+k, 11-k, k); err != nil {
					t.Error(err)
				}
				got, err := m.infer(3, 7, 1)
				if err != nil {
					t.Error(err)
					return
				}
				for i := range want {
					if math.Abs(float64(got[i]-want[i])) > 1e-5 {
						t.Errorf("%d: %v, want %v", i, got[i], want[i])
						return
					}
				}
			}
		})
	}
	wait.Wait()
}

func TestCancel(t *testing.T) {
	m := compile(t, false, 1)
	for _, early := range []bool{true, false} {
		r, err := m.Request()
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		if early {
			r.Cancel()
		}
		go func() {
			out := make([]float32, 64*256*384)
			done <- r.Run(input(64, 256, 1), 64, 256, out, []int64{64, 256, 384}) // seconds
		}()
		for !early && len(done) == 0 {
			r.Cancel()
		}
		if err := <-done; !errors.Is(err, ErrCancelled) {
			t.Error(err)
		}
		r.Release()
	}
	if _, err := m.infer(2, 2, 1); err != nil {
		t.Error(err)
	}
}

func TestCloseWaits(t *testing.T) {
	m := compile(t, false, 2)
	r, err := m.Request()
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	wait.Go(m.Close)
	out := make([]float32, 2*9*384)
	if err := r.Run(input(2, 9, 1), 2, 9, out, []int64{2, 9, 384}); err != nil {
		t.Error(err)
	}
	r.Release()
	wait.Wait()
	if _, err := m.infer(1, 1, 1); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	m.Close()
}

func TestRunErrors(t *testing.T) {
	m := compile(t, false, 1)
	for _, c := range []struct {
		rows, columns int
		inputs        int
		shape         []int64
	}{{1, 3, 2, []int64{1, 3, 384}}, {1, 3, 3, []int64{1, 3, 383}}, {1, 3, 3, []int64{1, 1152}}, {0, 3, 3, []int64{0, 3, 384}}, {2, 2, 3, []int64{2, 2, 384}}} {
		r, err := m.Request()
		if err != nil {
			t.Fatal(err)
		}
		size := int64(1)
		for _, d := range c.shape {
			size *= d
		}
		if err := r.Run(input(1, 3, 1)[:c.inputs], c.rows, c.columns, make([]float32, size), c.shape); err == nil {
			t.Errorf("%+v went through", c)
		}
		r.Release()
	}
	if _, err := m.infer(1, 3, 1); err != nil {
		t.Error(err)
	}
}

func TestCompileErrors(t *testing.T) {
	l := library(t)
	for want, o := range map[string]Options{
		"inputs":      {Inputs: tokens[:2], Output: "last_hidden_state"},
		"output nope": {Inputs: tokens, Output: "nope"},
		"input nope":  {Inputs: []string{"input_ids", "attention_mask", "nope"}, Output: "last_hidden_state"},
	} {
		if _, err := l.Compile(miniLM(t), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	for _, file := range []string{"/nowhere.onnx", "/nowhere\x00.onnx", "model_test.go"} {
		if _, err := l.Compile(file, Options{Inputs: tokens, Output: "last_hidden_state"}); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", file, err)
		}
	}
}
