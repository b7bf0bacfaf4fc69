package store

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"testing"

	"github.com/pgowl/pgowl/models"
	"github.com/pgowl/pgowl/models/gbdt"
	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/preprocess"
)

// sample trains a small classifier of two columns, one of them an array of two.
func sample(t testing.TB) (Header, learn.Model) {
	t.Helper()
	d := &learn.Dataset{Rows: 40, Features: 3, Classes: 3}
	for i := range d.Rows {
		d.X = append(d.X, float32(i), float32(i%7), float32(i%3))
		d.Y = append(d.Y, float32(i%3))
	}
	m, err := gbdt.Train(context.Background(), d, learn.Classification, map[string]any{"n_estimators": 3.0, "max_depth": 2.0}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return Header{
		Algorithm: "xgboost", Task: learn.Classification,
		Features: []Feature{{Name: "a", Type: "_float4", Width: 2}, {Name: "b", Type: "text", Width: 1,
			Preprocess: &preprocess.Column{Encode: preprocess.Target, Categories: []string{"x", "y", "z"}, Values: []float32{0, .1, 2}, Span: 3}}},
		Label:       Label{"y", Int, []string{"-5", "0", "7"}},
		Hyperparams: map[string]any{"n_estimators": 3.0}, Engine: "test", Seed: math.MaxUint64,
	}, m
}

func TestRoundTrip(t *testing.T) {
	h, m := sample(t)
	file, err := Encode(h, m)
	if err != nil {
		t.Fatal(err)
	}
	again, model, err := Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again, h) {
		t.Errorf("header %+v, want %+v", again, h)
	}
	x := []float32{5, 3, 1, 9, 2, 0, 13, 5, 2}
	want, got := make([]float32, 3), make([]float32, 3)
	m.Predict(want, x)
	model.Predict(got, x)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("predictions %v, want %v", got, want)
	}
}

func TestDamage(t *testing.T) {
	h, m := sample(t)
	file, err := Encode(h, m)
	if err != nil {
		t.Fatal(err)
	}
	for i := range file {
		bad := append([]byte(nil), file...)
		bad[i] ^= 0x40
		if _, _, err := Decode(bad); !errors.Is(err, ErrCorrupt) {
			t.Errorf("byte %d changed: %v", i, err)
		}
		if _, _, err := Decode(file[:i]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
	if _, _, err := Decode(append(append([]byte(nil), file...), 0)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a byte more: %v", err)
	}
}

// raw makes a file of sections with right checksums, whatever their content.
func raw(header, model []byte) []byte {
	out := append([]byte(magic), 0, 0, 0, 0)
	binary.LittleEndian.PutUint16(out[8:], version)
	binary.LittleEndian.PutUint16(out[10:], 2)
	return appendSection(appendSection(out, head, header), body, model)
}

func TestRefusals(t *testing.T) {
	h, m := sample(t)
	engine, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(h *Header){
		"no algorithm":     func(h *Header) { h.Algorithm = "" },
		"task":             func(h *Header) { h.Task = "clustering" },
		"kind":             func(h *Header) { h.Label.Kind = "date" },
		"too few classes":  func(h *Header) { h.Label.Classes = h.Label.Classes[:2] },
		"no classes":       func(h *Header) { h.Label.Classes = nil },
		"regression":       func(h *Header) { h.Task = learn.Regression },
		"too few features": func(h *Header) { h.Features = h.Features[:1] },
		"width 0":          func(h *Header) { h.Features = []Feature{{Name: "a", Width: 3}, {Name: "b", Width: 0}} },
		"width overflow": func(h *Header) {
			h.Features = []Feature{{Name: "a", Width: math.MaxInt}, {Name: "b", Width: math.MaxInt}}
		},
		"encoding": func(h *Header) {
			h.Features[1].Preprocess = &preprocess.Column{Encode: "hash", Categories: []string{"x"}, Values: []float32{0}}
		},
		"values": func(h *Header) {
			h.Features[1].Preprocess = &preprocess.Column{Encode: preprocess.Target, Categories: []string{"x"}}
		},
		"one_hot": func(h *Header) {
			h.Features[1].Preprocess = &preprocess.Column{Encode: preprocess.OneHot, Categories: []string{"x", "y", "z"}, Values: []float32{0, 1, 2}}
		},
	} {
		bad := h
		change(&bad)
		if _, err := Encode(bad, m); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
	for _, header := range []string{"", "{}", "null", "[]", `{"algorithm":"xgboost"}`, `{"algorithm":1}`} {
		if _, _, err := Decode(raw([]byte(header), engine)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("header %s: %v", header, err)
		}
	}
	other := []byte(`{"algorithm":"svm","task":"regression","features":[{"name":"a","type":"int4","width":1}],"label":{"column":"y","kind":"int"}}`)
	var later *models.NotAvailable
	if _, _, err := Decode(raw(other, engine)); !errors.As(err, &later) {
		t.Errorf("svm: %v, want NotAvailable", err)
	}
}

func TestCode(t *testing.T) {
	for _, c := range []struct {
		kind    LabelKind
		classes []string
		want    []float32
	}{
		{Int, []string{"-5", "0", "2147483647"}, []float32{-5, 0, 2147483647}},
		{Bool, []string{"false", "true"}, []float32{0, 1}},
		{Bool, []string{"t"}, []float32{1}},
		{Float, []string{"0.5", "1.5"}, []float32{.5, 1.5}},
		{Text, []string{"7", "true", "x"}, []float32{0, 1, 2}},
	} {
		h := Header{Label: Label{Kind: c.kind, Classes: c.classes}}
		if got := h.Codes(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s %v: %v, want %v", c.kind, c.classes, got, c.want)
		}
		if v := h.Code(len(c.classes)); v == v {
			t.Errorf("%s: class beyond the last is %v", c.kind, v)
		}
	}
}

func FuzzDecode(f *testing.F) {
	h, m := sample(f)
	file, err := Encode(h, m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	headers, models := several(f)
	for i := range headers {
		file, err := Encode(headers[i], models[i])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	f.Add(raw([]byte("{}"), nil))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, m, err := Decode(data)
		if err != nil {
			return
		}
		out, x := make([]float32, 1), make([]float32, m.Features())
		m.Predict(out, x)
		if _, err := Encode(h, m); err != nil {
			t.Errorf("decoded, but not encoded: %v", err)
		}
	})
}
