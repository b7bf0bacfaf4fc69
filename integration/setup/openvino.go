package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"

	"github.com/pgowl/pgowl/conf"
)

// vinoVersion of OpenVINO. Any from 2024.0 on will do.
const vinoVersion = "2026.4.1"

// vinoParts are of the wheel's libraries those that run an ONNX graph on the processors: 88 MB of its 180. The sums are of the wheel for x86-64.
var vinoParts = []part{
	{"openvino/libs/libopenvino_c.so.2641", "libopenvino_c.so.2641", "d2d0836d422b21fc5da2739af0d6035df3fc6dd5e4756402eb848974edecf8a5"},
	{"openvino/libs/libopenvino.so.2641", "libopenvino.so.2641", "9b9a80ac1f18e07b13ed54459d9a865bcfe9dc170dbf8fe740c2974b85ecedc1"},
	{"openvino/libs/libopenvino_intel_cpu_plugin.so", "libopenvino_intel_cpu_plugin.so", "6599e3dd300d047b5ed72f8e48101c5f312c25321f35f57f803641ff8372900b"},
	{"openvino/libs/libopenvino_onnx_frontend.so.2641", "libopenvino_onnx_frontend.so.2641", "82d499f5b5e8514def7aaa1ecd5a9f570542d33ae9d00a0077f707cccd0e0192"},
	{"openvino/libs/libtbb.so.12", "libtbb.so.12", "ac9518497a4f2cb6729792730f145ee58367316031511923fef263c9ac81ca61"},
}

func vinoFolder(c conf.Config) string { return filepath.Join(c.Data, "openvino") }

// vinoFile is the library that is loaded; the others stand beside it. It is "" where it is not installed.
func vinoFile(dir string) string {
	path := filepath.Join(dir, vinoParts[0].to)
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

func vinoInstalled(dir string) bool { return inPlace(dir, vinoParts) }

// vinoFetchable says whether there is a wheel that is known for this machine.
func vinoFetchable() bool { return runtime.GOOS+"/"+runtime.GOARCH == "linux/amd64" }

// installVino takes OpenVINO's shared libraries out of its Python wheel (59 MB).
func installVino(ctx context.Context, dir string) error {
	if !vinoFetchable() {
		return errors.New("OpenVINO is fetched on Linux on x86-64 alone; elsewhere set PGOWL_OPENVINO to its libopenvino_c")
	}
	say("fetching OpenVINO %s into %s (59 MB)", vinoVersion, dir)
	tags := []string{"--only-binary=:all:", "--python-version", "3.11", "--platform", "manylinux_2_28_x86_64"}
	return withWheel(ctx, "openvino=="+vinoVersion, tags, func(wheel string) error {
		return unpack(wheel, dir, vinoParts)
	})
}
