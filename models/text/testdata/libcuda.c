// A driver with two GPUs of which the process uses the second, for TestDriver. PGOWL_NO_GPU in the environment makes it one without.
#include <stdlib.h>
#include <stdio.h>

static int depth;

int cuInit(unsigned flags) { return getenv("PGOWL_NO_GPU") ? 100 : 0; }
int cuDeviceGetCount(int *n) { *n = 2; return 0; }
int cuDeviceGet(int *device, int id) { *device = id + 40; return id < 2 ? 0 : 101; }
int cuDeviceGetName(char *name, int size, int device) { snprintf(name, size, "Card %d", device - 40); return 0; }
int cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = (size_t)80 << 30; return 0; }
int cuDevicePrimaryCtxGetState(int device, unsigned *flags, int *active) { *active = device == 41; return 0; }
int cuDevicePrimaryCtxRetain(void **context, int device) { *context = &depth; return device == 41 ? 0 : 1; }
int cuDevicePrimaryCtxRelease_v2(int device) { return depth == 0 ? 0 : 1; }
int cuCtxPushCurrent_v2(void *context) { depth++; return context == &depth ? 0 : 201; }
int cuCtxPopCurrent_v2(void **context) { depth--; *context = &depth; return 0; }
int cuMemGetInfo_v2(size_t *left, size_t *total) {
	if (depth != 1) return 201;
	*left = (size_t)60 << 30, *total = (size_t)80 << 30;
	return 0;
}
