package onnxcheck

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The parts of a graph, as protobuf has them.
func num(field int, v uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, uint64(field)<<3), v)
}

func msg(field int, parts ...[]byte) []byte {
	all := bytes.Join(parts, nil)
	return append(binary.AppendUvarint(binary.AppendUvarint(nil, uint64(field)<<3|2), uint64(len(all))), all...)
}

func str(field int, s string) []byte { return msg(field, []byte(s)) }

func model(graph ...[]byte) []byte {
	return bytes.Join([][]byte{num(1, 8), msg(8, num(2, 17)), msg(7, graph...)}, nil)
}

func op(name string, parts ...[]byte) []byte {
	return msg(1, append([][]byte{str(4, name)}, parts...)...)
}

// weight is a tensor in a graph: its type, its dimensions, and the rest.
func weight(kind int, dims []int64, parts ...[]byte) []byte {
	all := [][]byte{num(2, uint64(kind)), str(8, "w")}
	for _, d := range dims {
		all = append(all, num(1, uint64(d)))
	}
	return msg(5, append(all, parts...)...)
}

func raw(n int) []byte { return msg(9, make([]byte, n)) }

// outside is where numbers lie in another file.
func outside(pairs ...string) []byte {
	all := num(14, 1)
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, msg(13, str(1, pairs[i]), str(2, pairs[i+1]))...)
	}
	return all
}

func longs(field int, n ...int64) []byte {
	var b []byte
	for _, v := range n {
		b = binary.AppendUvarint(b, uint64(v))
	}
	return msg(field, b)
}

func TestReader(t *testing.T) {
	deep := func(depth int) []byte {
		var g []byte
		for range depth {
			g = op("If", msg(5, str(1, "then_branch"), num(20, 5), msg(6, g)))
		}
		return model(g)
	}
	shaped := func(name string, dims ...int64) []byte {
		return model(op(name, str(1, "w"), str(2, "y")), weight(7, []int64{int64(len(dims))}, longs(7, dims...)))
	}
	for _, c := range []struct {
		name string
		data []byte
		want string // of the error; empty: good
	}{
		{"empty graph", model(), ""},
		{"no graph", num(1, 8), "no graph"},
		{"empty", nil, "no graph"},
		{"text", []byte("hello world, this is no protobuf"), ""},
		{"cut", model(op("Add"))[:12], "in the middle"},
		{"two graphs", append(model(), msg(7)...), "twice"},
		{"group", append(model(), 0x0b), "no protobuf"},
		{"field 0", append(model(), 0x00), "no protobuf"},
		{"long number", append(model(), bytes.Repeat([]byte{0xff}, 11)...), "64 bits"},
		{"graph as a number", num(7, 1), "wire type"},
		{"training", append(model(), msg(20)...), "for training"},
		{"functions", append(model(), msg(25)...), "functions"},

		{"known operators", model(op("Add"), op("MatMul", str(7, "ai.onnx")), op("Attention", str(7, "com.microsoft"))), ""},
		{"loop", model(op("Loop")), `operator "Loop"`},
		{"reads files", model(op("EPContext", str(7, "com.microsoft"))), `"EPContext" of "com.microsoft"`},
		{"domain", model(op("Add", str(7, "evil"))), `"Add" of "evil"`},
		{"no operator", model(msg(1)), `operator ""`},
		{"name in two bytes", model(op("Add", str(3, "\xff"))), "UTF-8"},
		{"name with a line", model(op("Add", str(3, "a\nb"))), "control"},
		{"long name", model(op("Add", str(3, strings.Repeat("a", 5000)))), "5000 bytes"},
		{"attribute without a name", model(op("Add", msg(5, num(3, 1)))), "no name"},
		{"attribute of two values", model(op("Add", msg(5, str(1, "a"), num(3, 1), str(4, "x")))), "two values"},
		{"attribute of another type", model(op("Add", msg(5, str(1, "a"), num(3, 1), num(20, 3)))), "not of its type"},
		{"attribute twice", model(op("Add", msg(5, str(1, "a")), msg(5, str(1, "a")))), "twice"},
		{"attribute with a sparse tensor", model(op("Add", msg(5, str(1, "a"), msg(22)))), "sparse"},
		{"graph where none belongs", model(op("Add", msg(5, str(1, "a"), msg(6)))), "has a graph"},
		// These end ONNX Runtime 1.32.0: FuzzOperator has found them.
		{"an input left out", model(op("Max", str(1, "x"), str(1, ""))), `"Max" lacks an input`},
		{"a bias left out", model(op("LayerNormalization", str(1, "x"), str(1, "s"), str(1, ""))), "lacks an input"},
		{"a count of 2^33", model(op("GroupQueryAttention", str(7, "com.microsoft"), msg(5, str(1, "kv_num_heads"), num(3, 1<<33)))), "kv_num_heads"},
		{"dimensions of a batch before the first", model(op("GatherND", msg(5, str(1, "batch_dims"), num(3, 1<<64-8)))), "batch_dims"},
		{"a scale of many numbers", model(op("QLinearSigmoid", str(7, "com.microsoft"))), "QLinearSigmoid"},

		{"an input that may be left out", model(op("Clip", str(1, "x"), str(1, ""), str(1, "m"))), ""},
		{"stride 0", model(op("Conv", msg(5, str(1, "strides"), longs(8, 1, 0)))), "strides is [1 0]"},
		{"no heads", model(op("Attention", str(7, "com.microsoft"), msg(5, str(1, "num_heads"), num(3, 0)))), ""},
		{"fewer than no heads", model(op("Attention", str(7, "com.microsoft"), msg(5, str(1, "num_heads"), num(3, 1<<64-1)))), `"num_heads" is -1`},
		{"blocks of nothing", model(op("MatMulNBits", str(7, "com.microsoft"), msg(5, str(1, "block_size"), num(3, 0)))), `"block_size" is 0`},
		{"an axis behind 32 bits", model(op("Concat", msg(5, str(1, "axis"), num(3, 1<<32)))), "axis"},
		{"an axis from behind", model(op("Concat", msg(5, str(1, "axis"), num(3, 1<<64-1)))), ""},
		{"an axis far behind", model(op("Concat", msg(5, str(1, "axis"), num(3, 17)))), "axis"},
		{"axes", model(op("Squeeze", msg(5, str(1, "axes"), longs(8, 0, -1)))), ""},
		{"axes far behind", model(op("Transpose", msg(5, str(1, "perm"), longs(8, 0, 100)))), "perm is [0 100]"},
		{"up to the end", model(op("Slice", msg(5, str(1, "ends"), longs(8, 1<<63-1)))), ""},
		{"graphs in graphs", deep(3), ""},
		{"too deep", deep(4), "more than 4 deep"},

		{"tensor", model(weight(1, []int64{2, 3}, raw(24))), ""},
		{"scalar", model(weight(7, nil, raw(8))), ""},
		{"half bytes", model(weight(22, []int64{3}, raw(2))), ""},
		{"numbers one by one", model(weight(7, []int64{2}, num(7, 5), num(7, 6))), ""},
		{"packed", model(weight(7, []int64{3}, longs(7, 1, -1, 300))), ""},
		{"empty list", model(weight(7, []int64{0})), ""},
		{"too short", model(weight(1, []int64{2, 3}, raw(20))), "not as many"},
		{"too long", model(weight(1, []int64{2, 3}, raw(28))), "not as many"},
		{"too few packed", model(weight(7, []int64{3}, longs(7, 1, 2))), "not as many"},
		{"packed in the wrong field", model(weight(1, []int64{2}, longs(7, 1, 2))), "not as many"},
		{"packed and cut", model(weight(7, []int64{1}, msg(7, []byte{0x80}))), "in the middle"},
		{"numbers twice", model(weight(7, []int64{1}, raw(8), num(7, 1))), "twice"},
		{"none", model(weight(1, []int64{2})), "not as many"},
		{"negative", model(weight(1, []int64{-1}, raw(4))), "its shape is [-1]"},
		{"overflow", model(weight(1, []int64{1 << 32, 1 << 32}, raw(0))), "its shape is"},
		{"overflow to nothing", model(weight(1, []int64{1 << 62, 4}, raw(0))), "its shape is"},
		{"no width", model(weight(1, []int64{8, 0}, raw(0))), "its shape is [8 0]"},
		{"ranks", model(weight(1, make([]int64, 40))), "more than 16"},
		{"texts", model(weight(8, []int64{1}, str(6, "x"))), "texts"},
		{"type", model(weight(99, []int64{1}, raw(4))), "type 99"},
		{"two shapes", model(weight(1, []int64{1}, num(2, 1), raw(4))), "twice"},
		{"sparse", model(msg(15)), "sparse"},

		{"outside", model(weight(1, []int64{4}, outside("location", "w.bin", "offset", "84", "length", "16"))), ""},
		{"outside without a length", model(weight(1, []int64{4}, outside("location", "w.bin", "offset", "84"))), ""},
		{"outside behind the end", model(weight(1, []int64{4}, outside("location", "w.bin", "offset", "88", "length", "16"))), "has 100 bytes"},
		{"outside from behind the end", model(weight(1, []int64{4}, outside("location", "w.bin", "offset", "101"))), "has 100 bytes"},
		{"outside of another size", model(weight(1, []int64{4}, outside("location", "w.bin", "length", "20"))), "takes 16"},
		{"outside twice the same", model(weight(1, []int64{25}, outside("location", "w.bin")), weight(1, []int64{1}, outside("location", "w.bin", "length", "4"))), "overlap"},
		{"outside and inside", model(weight(1, []int64{4}, raw(16), outside("location", "w.bin", "length", "16"))), "another file"},
		{"outside that is not there", model(weight(1, []int64{4}, outside("location", "other.bin"))), "not exist"},
		{"outside nowhere", model(weight(1, []int64{4}, outside())), "no file beside"},
		{"negative offset", model(weight(1, []int64{4}, outside("location", "w.bin", "offset", "-1"))), `offset is "-1"`},
		{"large offset", model(weight(1, []int64{4}, outside("location", "w.bin", "offset", "9223372036854775807"))), "offset is"},
		{"location twice", model(weight(1, []int64{4}, outside("location", "w.bin", "location", "../w"))), "twice"},
		{"in memory", model(weight(1, []int64{4}, outside("location", "*/_ORT_MEM_ADDR_/*", "offset", "4096", "length", "16"))), "no file beside"},
		{"in a node", model(op("Constant", msg(5, str(1, "value"), msg(5, num(1, 4), num(2, 1), outside("location", "w.bin"))))), "another file"},

		{"shape", shaped("ConstantOfShape", 1<<10, 1<<10), ""},
		{"memory bomb", shaped("ConstantOfShape", 1e6, 1e6), "makes more than"},
		{"overflowing bomb", shaped("ConstantOfShape", 1<<40, 1<<40), "makes more than"},
		{"bomb by a node", model(op("Constant", str(2, "s"), msg(5, str(1, "value_ints"), longs(8, 1e6, 1e6))), op("Expand", str(1, "x"), str(1, "s"))), "makes more than"},
		{"bomb by a range", model(op("Constant", str(2, "a"), msg(5, str(1, "value_int"), num(3, 0))), op("Constant", str(2, "b"), msg(5, str(1, "value_int"), num(3, 1e12))),
			op("Constant", str(2, "c"), msg(5, str(1, "value_int"), num(3, 1))), op("Range", str(1, "a"), str(1, "b"), str(1, "c"))), "makes more than"},
		{"many small bombs", model(bytes.Repeat(op("ConstantOfShape", str(1, "w"), str(2, "y")), 100), weight(7, []int64{1}, longs(7, 1<<23))), "makes more than"},

		{"inputs", model(msg(11, str(1, "x"), msg(2, msg(1, num(1, 7), msg(2, msg(1, str(2, "b")), msg(1, num(1, 8))))))), ""},
		{"dimension", model(msg(11, str(1, "x"), msg(2, msg(1, num(1, 7), msg(2, msg(1, num(1, 1<<63))))))), "dimension of"},
		{"sequence", model(msg(11, str(1, "x"), msg(2, msg(4)))), "no tensor"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Reader(bytes.NewReader(c.data), int64(len(c.data)), func(name string) (int64, error) {
				if name == "w.bin" {
					return 100, nil
				}
				return 0, os.ErrNotExist
			})
			if c.name == "text" && err != nil { // whatever it says
				return
			}
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	for n := range 1000 { // what is cut at any place is an error, and no more
		data := shaped("Expand", 1, 2, 3)
		if n < len(data) && n > 0 {
			Reader(bytes.NewReader(data[:n]), int64(len(data)), nil)
			Reader(bytes.NewReader(data[:n]), int64(n), nil)
		}
	}
}

// TestFile: the files beside a graph are looked at where they are.
func TestFile(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "m")
	os.MkdirAll(filepath.Join(folder, "sub"), 0o755)
	for name, size := range map[string]int{"out.bin": 16, "m/w.bin": 16, "m/sub/w.bin": 16} {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, size), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	os.Symlink("../out.bin", filepath.Join(folder, "link.bin"))
	os.Symlink("..", filepath.Join(folder, "up"))
	os.Symlink("w.bin", filepath.Join(folder, "inner.bin"))
	for location, want := range map[string]string{
		"w.bin": "", "sub/w.bin": "", "inner.bin": "",
		"../out.bin": "no file beside", "/etc/passwd": "no file beside", "sub/../w.bin": "no file beside", "./w.bin": "no file beside", "": "no file beside", "a\\b": "no file beside",
		"link.bin": "escapes", "up/out.bin": "escapes", "sub": "no regular file", "none.bin": "no such file",
	} {
		graph := filepath.Join(folder, "model.onnx")
		if err := os.WriteFile(graph, model(weight(1, []int64{4}, outside("location", location))), 0o644); err != nil {
			t.Fatal(err)
		}
		info, err := File(graph)
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), dir)) {
			t.Errorf("%q: %v, want %q", location, err, want)
		}
		if err == nil && (info.Weights != 16 || fmt.Sprint(info.Files) != "["+location+"]") {
			t.Errorf("%q: %+v", location, info)
		}
	}
	if _, err := File(folder); err == nil {
		t.Error("a folder is no graph")
	}
}

func TestUnsupported(t *testing.T) {
	data := model(op("Loop"))
	_, err := Reader(bytes.NewReader(data), int64(len(data)), nil)
	if !errors.As(err, new(*UnsupportedError)) {
		t.Errorf("%v", err)
	}
}

// TestGoodGraphs: those of the tests next door pass.
func TestGoodGraphs(t *testing.T) {
	for _, pattern := range []string{"../testdata/*.onnx", "../testdata/graphs/*.onnx"} {
		found, _ := filepath.Glob(pattern)
		for _, name := range found {
			if info, err := File(name); err != nil || info.Nodes == 0 {
				t.Errorf("%s: %+v %v", name, info, err)
			}
		}
		if len(found) == 0 {
			t.Error("no", pattern)
		}
	}
}

// BenchmarkFile checks the graph that PGOWL_GRAPH names.
func BenchmarkFile(b *testing.B) {
	name := os.Getenv("PGOWL_GRAPH")
	if name == "" {
		b.Skip("PGOWL_GRAPH names a graph")
	}
	for b.Loop() {
		if _, err := File(name); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzReader: no bytes make a panic, and what passes has as many weights as it has bytes.
func FuzzReader(f *testing.F) {
	for _, pattern := range []string{"../testdata/tiny.onnx", "../testdata/scores.onnx", "../testdata/graphs/quantized.onnx", "../testdata/graphs/outside.onnx"} {
		found, _ := filepath.Glob(pattern)
		for _, name := range found {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Add(model(weight(22, []int64{3}, raw(2)), op("If", msg(5, str(1, "then_branch"), msg(6, op("Range"))))))
	f.Fuzz(func(t *testing.T, data []byte) {
		const beside = 512
		info, err := Reader(bytes.NewReader(data), int64(len(data)), func(string) (int64, error) { return beside, nil })
		if err == nil && info.Weights > int64(8*len(data)+beside*len(info.Files)) {
			t.Fatalf("%d bytes of weights in %d bytes", info.Weights, len(data))
		}
	})
}
