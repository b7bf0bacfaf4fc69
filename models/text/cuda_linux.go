package text

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

// complaint is what dlerror says, for the caller to free: its own text may be gone with the next call on the thread.
static char *complaint(void) {
	const char *text = dlerror();
	return strdup(text != NULL ? text : "unknown error");
}

// CUDA's driver API, of which the names and types below have not changed since version 7 (cuda.h).
typedef struct {
	int (*init)(unsigned);
	int (*count)(int *);
	int (*get)(int *, int);
	int (*name)(char *, int, int);
	int (*total)(size_t *, int);
	int (*state)(int, unsigned *, int *);
	int (*retain)(void **, int);
	int (*release)(int);
	int (*push)(void *);
	int (*pop)(void **);
	int (*memory)(size_t *, size_t *);
} driver;

// load opens the driver's library and gives the error, NULL for none. The library stays open.
static char *load(const char *path, driver *d) {
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (lib == NULL) return complaint();
	struct { const char *name; void **to; } all[] = {
		{"cuInit", (void **)&d->init},
		{"cuDeviceGetCount", (void **)&d->count},
		{"cuDeviceGet", (void **)&d->get},
		{"cuDeviceGetName", (void **)&d->name},
		{"cuDeviceTotalMem_v2", (void **)&d->total},
		{"cuDevicePrimaryCtxGetState", (void **)&d->state},
		{"cuDevicePrimaryCtxRetain", (void **)&d->retain},
		{"cuDevicePrimaryCtxRelease_v2", (void **)&d->release},
		{"cuCtxPushCurrent_v2", (void **)&d->push},
		{"cuCtxPopCurrent_v2", (void **)&d->pop},
		{"cuMemGetInfo_v2", (void **)&d->memory},
	};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		*all[i].to = dlsym(lib, all[i].name);
		if (*all[i].to == NULL) return complaint();
	}
	return NULL;
}

static int start(driver *d, int *count) {
	int err = d->init(0);
	return err != 0 ? err : d->count(count);
}

static int describe(driver *d, int id, char *name, int size, size_t *total) {
	int device, err = d->get(&device, id);
	if (err == 0) err = d->name(name, size, device);
	if (err == 0) err = d->total(total, device);
	return err;
}

// used gives the memory of a device that is in use, by whomever; 0 where this process has not begun to use it, which asking must not change.
static int used(driver *d, int id, size_t *bytes) {
	int device, active = 0, err = d->get(&device, id);
	unsigned flags = 0;
	*bytes = 0;
	if (err == 0) err = d->state(device, &flags, &active);
	if (err != 0 || !active) return err;
	void *context = NULL, *popped = NULL;
	err = d->retain(&context, device);
	if (err != 0) return err;
	err = d->push(context);
	if (err == 0) {
		size_t left = 0, total = 0;
		err = d->memory(&left, &total);
		if (err == 0) *bytes = total - left;
		d->pop(&popped);
	}
	d->release(device);
	return err;
}

// preload opens a library for all others to find by its name.
static char *preload(const char *path) {
	return dlopen(path, RTLD_NOW | RTLD_GLOBAL) == NULL ? complaint() : NULL;
}
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"
)

// cudaDriver is NVIDIA's driver. It is safe for use by several goroutines.
type cudaDriver struct {
	functions C.driver
	count     int
}

// openDriver loads the driver's library, libcuda.so.1. The error says what is missing.
func openDriver(path string) (*cudaDriver, error) {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	d := new(cudaDriver)
	if err := C.load(name, &d.functions); err != nil {
		defer C.free(unsafe.Pointer(err))
		return nil, fmt.Errorf("NVIDIA's driver is not installed: %s", C.GoString(err))
	}
	var count C.int
	if code := C.start(&d.functions, &count); code != 0 {
		return nil, fmt.Errorf("NVIDIA's driver finds no GPU that can be used (CUDA error %d)", int(code))
	}
	if d.count = int(count); d.count < 1 {
		return nil, errors.New("NVIDIA's driver finds no GPU")
	}
	return d, nil
}

// describe gives a GPU's name and its memory in bytes.
func (d *cudaDriver) describe(id int) (name string, total int64, err error) {
	var text [256]C.char
	var bytes C.size_t
	if code := C.describe(&d.functions, C.int(id), &text[0], C.int(len(text)-1), &bytes); code != 0 {
		return "", 0, fmt.Errorf("CUDA error %d", int(code))
	}
	return C.GoString(&text[0]), int64(bytes), nil
}

// used gives how many bytes of a GPU's memory are in use, by all processes; 0 where this one does not use it.
func (d *cudaDriver) used(id int) (int64, error) {
	var bytes C.size_t
	if code := C.used(&d.functions, C.int(id), &bytes); code != 0 {
		return 0, fmt.Errorf("CUDA error %d", int(code))
	}
	return int64(bytes), nil
}

// preload opens a shared library so that those opened later find it by its name, wherever it lies.
func preload(path string) error {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	if err := C.preload(name); err != nil {
		defer C.free(unsafe.Pointer(err))
		return errors.New(C.GoString(err))
	}
	return nil
}
