package text

import (
	"fmt"
	"strconv"
	"strings"
)

// Device is where a model runs, spelt as torch does: cpu or cuda:N; or auto, a GPU if there is one. Only ParseDevice makes one.
type Device string

// The devices that have no number.
const (
	Auto Device = "auto"
	CPU  Device = "cpu"
)

// otherDevices are torch's that no runtime here has.
var otherDevices = []string{"mps", "xpu", "xla", "hpu", "npu", "mlu", "mtia", "musa", "meta", "ipu", "ve", "vulkan", "opencl", "hip", "maia", "privateuseone", "tpu"}

// maxDevice is the largest number of a device that is taken for one.
const maxDevice = 255

// ParseDevice reads auto, cpu, cuda (which is cuda:0) or cuda:N. The error says what is wanted; it is for a client.
func ParseDevice(s string) (Device, error) {
	kind, number, numbered := strings.Cut(s, ":")
	id := 0
	if numbered {
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil || n > maxDevice {
			return "", reason(fmt.Sprintf("is %.60q, want auto, cpu, cuda or cuda:N", s))
		}
		id = int(n)
	}
	switch {
	case kind == "cuda":
		return cuda(id), nil
	case kind == "cpu" && id == 0:
		return CPU, nil
	case s == "auto":
		return Auto, nil
	}
	for _, other := range otherDevices {
		if kind == other {
			return "", unsupported(fmt.Sprintf("is %.60q, which PgOwl has no runtime for: want auto, cpu, cuda or cuda:N", s))
		}
	}
	return "", reason(fmt.Sprintf("is %.60q, want auto, cpu, cuda or cuda:N", s))
}

// cuda is the GPU of a number.
func cuda(id int) Device { return Device("cuda:" + strconv.Itoa(id)) }

// gpu is the number of a GPU; ok is false for what is none.
func (d Device) gpu() (id int, ok bool) {
	number, ok := strings.CutPrefix(string(d), "cuda:")
	if !ok {
		return 0, false
	}
	id, err := strconv.Atoi(number)
	return id, err == nil
}

// DeviceError is a device that was asked for by name and is not there.
type DeviceError struct {
	Device Device
	Err    error
}

func (e *DeviceError) Error() string {
	return fmt.Sprintf("device %q cannot be used: %v", e.Device, e.Err)
}
func (e *DeviceError) Unwrap() error { return e.Err }
