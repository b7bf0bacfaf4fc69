package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// file is a safetensors file of a header and some bytes behind it.
func file(header string, data ...byte) []byte {
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), data...)
}

func parse(data []byte) (map[string]*Tensor, error) {
	return Parse(bytes.NewReader(data), int64(len(data)))
}

func TestRead(t *testing.T) {
	tensors, err := parse(file(`{"__metadata__":{"format":"pt"},
		"full":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},
		"brain":{"dtype":"BF16","shape":[2],"data_offsets":[8,12]},
		"half":{"dtype":"F16","shape":[],"data_offsets":[12,14]},
		"none":{"dtype":"F32","shape":[0,4],"data_offsets":[14,14]},
		"whole":{"dtype":"I64","shape":[1],"data_offsets":[14,22]},
		"odd":{"dtype":"F4","shape":[7],"data_offsets":[22,26]}}`,
		0, 0, 128, 63, 0, 0, 0, 192, 128, 63, 0, 192, 0, 60, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9))
	if err != nil || len(tensors) != 6 {
		t.Fatalf("%v, %v", tensors, err)
	}
	for name, want := range map[string][]float32{"full": {1, -2}, "brain": {1, -2}, "half": {1}, "none": {}} {
		got := make([]float32, tensors[name].Count())
		if err := tensors[name].Read(got, 0); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v; %v", name, got, want, err)
		}
	}
	last := make([]float32, 1)
	if err := tensors["full"].Read(last, 1); err != nil || last[0] != -2 {
		t.Errorf("the last of two: %v, %v", last, err)
	}
	if err := tensors["full"].Read(last, 2); err == nil {
		t.Error("the third of two was read")
	}
	for _, name := range []string{"whole", "odd"} {
		if err := tensors[name].Read(nil, 0); err == nil || !strings.Contains(err.Error(), "are not supported") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	one := `"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`
	for header, want := range map[string]string{
		`{`:       "the header",
		`{"a":1}`: "is not described",
		`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`:                                           "4 bytes for the shape [2]",
		`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,16]}}`:                                          "outside the file",
		`{"a":{"dtype":"F32","shape":[1],"data_offsets":[8,4]}}`:                                           "outside the file",
		`{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}`:                                          "outside the file",
		`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`:                                          "has the shape",
		`{"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,0]}}`:            "has the shape",
		`{"a":{"dtype":"F32","shape":[8,8,8,8,8,8,8,8,8,8,8,8,8,8,8,8,8,8,8,8,8,8],"data_offsets":[0,8]}}`: "has the shape",
		`{` + one + `,"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}`:                                "overlap",
		`{` + one + `,"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`:                               "overlap",
		`{` + one + `,"b":{"dtype":"F4","shape":[],"data_offsets":[3,8]}}`:                                 "overlap",
	} {
		if _, err := parse(file(header, make([]byte, 8)...)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", header, err, want)
		}
	}
	for name, data := range map[string][]byte{"nothing": nil, "too short": {1, 2}, "a header that is longer than the file": {9, 0, 0, 0, 0, 0, 0, 0, '{'},
		"a huge header": {0, 0, 0, 0, 0, 0, 0, 255}} {
		if _, err := parse(data); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	whole := file(`{`+one+`}`, 0, 0, 128, 63)
	tensors, err := Parse(bytes.NewReader(whole[:len(whole)-1]), int64(len(whole))) // cut off behind our back
	if err != nil {
		t.Fatal(err)
	}
	if err := tensors["a"].Read(make([]float32, 1), 0); err == nil {
		t.Error("numbers behind the end were read")
	}
}

func TestHalf(t *testing.T) {
	for h, want := range map[uint16]float32{0: 0, 0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 1: 1.0 / (1 << 24), 0x8400: -1.0 / (1 << 14), 0x3555: 0.33325195} {
		if got := Half(h); got != want {
			t.Errorf("%#x: %v, want %v", h, got, want)
		}
	}
	if got := Half(0xfc00); !math.IsInf(float64(got), -1) {
		t.Errorf("minus infinity: %v", got)
	}
}

func TestFolder(t *testing.T) {
	a := string(file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 0, 0, 128, 63))
	b := string(file(`{"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 0, 0, 0, 192))
	index := func(second string) string {
		return `{"weight_map":{"a":"model-1-of-2.safetensors","b":"` + second + `"}}`
	}
	for name, c := range map[string]struct {
		files map[string]string
		want  int
		err   string
	}{
		"one":             {map[string]string{File: a, Index: "not read"}, 1, ""},
		"two":             {map[string]string{Index: index("model-2-of-2.safetensors"), "model-1-of-2.safetensors": a, "model-2-of-2.safetensors": b}, 2, ""},
		"the same twice":  {map[string]string{Index: index("model-2-of-2.safetensors"), "model-1-of-2.safetensors": a, "model-2-of-2.safetensors": a}, 0, "is in another file, too"},
		"one is missing":  {map[string]string{Index: index("model-2-of-2.safetensors"), "model-1-of-2.safetensors": a}, 0, "model-2-of-2.safetensors: no such file or directory"},
		"another folder":  {map[string]string{Index: index("../x.safetensors"), "model-1-of-2.safetensors": a}, 0, "names a file"},
		"another type":    {map[string]string{Index: index("pytorch_model.bin"), "model-1-of-2.safetensors": a}, 0, "names a file"},
		"an empty index":  {map[string]string{Index: `{}`}, 0, "names no files"},
		"no JSON":         {map[string]string{Index: `x`}, 0, "invalid character"},
		"no safetensors":  {map[string]string{File: "x"}, 0, "no safetensors file"},
		"nothing at all":  {nil, 0, "no such file or directory"},
		"not a real file": {map[string]string{File + "/x": ""}, 0, "not a regular file"},
	} {
		dir := t.TempDir()
		for name, content := range c.files {
			path := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		f, err := Open(dir)
		switch {
		case c.err == "" && (err != nil || len(f.Tensors) != c.want):
			t.Errorf("%s: %v", name, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), dir)):
			t.Errorf("%s: %v, want %s", name, err, c.err)
		}
		if (c.files == nil) != errors.Is(err, fs.ErrNotExist) && name != "one is missing" {
			t.Errorf("%s: %v is not, or is, a missing file", name, err)
		}
		if f != nil {
			if err := f.Close(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(file(`{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}`, 0, 60, 0, 60))
	f.Add(file(`{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[0,9],"data_offsets":[1,1]}}`, 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		tensors, err := parse(data)
		if err != nil {
			return
		}
		total := 0
		for name, v := range tensors {
			if total += v.Count(); total > len(data) {
				t.Fatalf("%s: %d numbers of %d bytes", name, total, len(data))
			}
			if err := v.Read(make([]float32, v.Count()), 0); err != nil && v.Floats() {
				t.Fatalf("%s: %v", name, err)
			}
		}
	})
}

// hollow is a large file that is zeros behind its start.
type hollow []byte

func (h hollow) ReadAt(p []byte, at int64) (int, error) {
	clear(p)
	if at < int64(len(h)) {
		copy(p, h[at:])
	}
	return len(p), nil
}

// In a file of several gigabytes no dimension is too large by itself; their product still may not pass for nothing when it overflows.
func TestParseOverflow(t *testing.T) {
	h := hollow(file(`{"a":{"dtype":"F32","shape":[1073741824,4294967296],"data_offsets":[0,0]}}`))
	tensors, err := Parse(h, 1<<34)
	if err == nil || !strings.Contains(err.Error(), "has the shape") {
		t.Errorf("%+v, %v", tensors["a"], err)
	}
}
