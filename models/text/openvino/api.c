#include "api.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct {
#define FIELD(result, name, arguments) result(*name) arguments;
	OWL_FUNCTIONS(FIELD)
#undef FIELD
} ov;

// The values of ov_element_type_e that are used; 2024 has one more in front of them than later versions.
static int type_f32, type_i64;

static int fail(char *error, const char *text) {
	snprintf(error, OWL_ERROR, "%s", text);
	return -1;
}

// status hands a status on, with what the library says about it. That is of the last thing that failed in the process, so it may be another thread's.
static int check(int status, char *error) {
	if (status == 0) return 0;
	char *text = ov.ov_get_last_err_msg();
	if (text != NULL && *text != 0 && status != OWL_CANCELLED) {
		fail(error, text);
	} else {
		fail(error, ov.ov_get_error_info(status));
	}
	if (text != NULL) ov.ov_free(text);
	return status;
}

// size_of is the number of bytes of an element of a type, 0 if there is none.
static size_t size_of(int type) {
	int64_t one = 1;
	ov_shape shape = {1, &one};
	ov_tensor *tensor = NULL;
	size_t size = 0;
	if (ov.ov_tensor_create(type, shape, &tensor) != 0) return 0;
	if (ov.ov_tensor_get_byte_size(tensor, &size) != 0) size = 0;
	ov.ov_tensor_free(tensor);
	return size;
}

// owl_types tells the orders of element types apart: ... f16, f32, f64, i4, i8, i16, i32, i64 stand behind one another in all of them, beginning at 3 or at 4.
static int owl_types(void) {
	for (int f16 = 3; f16 <= 4; f16++) {
		if (size_of(f16) == 2 && size_of(f16 + 1) == 4 && size_of(f16 + 2) == 8 && size_of(f16 + 5) == 2 && size_of(f16 + 6) == 4 && size_of(f16 + 7) == 8) {
			type_f32 = f16 + 1;
			type_i64 = f16 + 7;
			return 0;
		}
	}
	return -1;
}

int owl_load(const char *path, char *error) {
	// The libraries that it needs are found beside it. It stays loaded.
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL) {
		const char *why = dlerror();
		return fail(error, why != NULL ? why : "cannot be loaded");
	}
#define FIND(result, name, arguments) \
	*(void **)&ov.name = dlsym(library, #name); \
	if (ov.name == NULL) { \
		dlclose(library); \
		return fail(error, "it has no function " #name); \
	}
	OWL_FUNCTIONS(FIND)
#undef FIND
	if (owl_types() != 0) return fail(error, "its element types are none that are known");
	return 0;
}

int owl_version(char *version, size_t size, char *error) {
	ov_version v = {NULL, NULL};
	int status = check(ov.ov_get_openvino_version(&v), error);
	if (status != 0) return status;
	snprintf(version, size, "%s", v.build != NULL ? v.build : "");
	ov.ov_version_free(&v);
	return 0;
}

int owl_core(ov_core **core, char *error) {
	int status = check(ov.ov_core_create(core), error);
	if (status != 0) return status;
	// Files are read, not mapped: one that somebody overwrites while it is mapped would end the process.
	status = check(ov.ov_core_set_property(*core, "", "ENABLE_MMAP", "NO"), error);
	if (status != 0) ov.ov_core_free(*core);
	return status;
}

void owl_core_free(ov_core *core) { ov.ov_core_free(core); }

int owl_property(const ov_core *core, const ov_compiled *compiled, const char *key, char *value, size_t size, char *error) {
	char *text = NULL;
	int status = compiled != NULL ? ov.ov_compiled_model_get_property(compiled, key, &text) : ov.ov_core_get_property(core, "CPU", key, &text);
	if (check(status, error) != 0) return status;
	snprintf(value, size, "%s", text != NULL ? text : "");
	ov.ov_free(text);
	return 0;
}

int owl_compile(const ov_core *core, const char *file, const char *precision, const char *streams, const char *shapes, ov_compiled **compiled, char *error) {
	ov_model *model = NULL;
	int status = check(ov.ov_core_read_model(core, file, NULL, &model), error);
	if (status != 0) return status;
	status = check(ov.ov_core_compile_model(core, model, "CPU", 10, compiled,
		"INFERENCE_PRECISION_HINT", precision,
		// One thread a run and as many runs as cores, as with ONNX Runtime.
		"NUM_STREAMS", streams,
		"INFERENCE_NUM_THREADS", streams,
		"ENABLE_CPU_PINNING", "NO",
		"CPU_RUNTIME_CACHE_CAPACITY", shapes), error);
	ov.ov_model_free(model);
	return status;
}

void owl_compiled_free(ov_compiled *compiled) { ov.ov_compiled_model_free(compiled); }

int owl_inputs(const ov_compiled *compiled, size_t *size, char *error) { return check(ov.ov_compiled_model_inputs_size(compiled, size), error); }

static int port_is(int status, ov_port *port, int type, char *error) {
	int got = -1;
	if (check(status, error) != 0) return status;
	status = check(ov.ov_port_get_element_type(port, &got), error);
	ov.ov_output_const_port_free(port);
	if (status == 0 && got != type) status = fail(error, "an input or output is of another type than in the file");
	return status;
}

int owl_input(const ov_compiled *compiled, const char *name, char *error) {
	ov_port *port = NULL;
	int status = ov.ov_compiled_model_input_by_name(compiled, name, &port);
	return port_is(status, port, type_i64, error);
}

int owl_output(const ov_compiled *compiled, const char *name, char *error) {
	ov_port *port = NULL;
	int status = ov.ov_compiled_model_output_by_name(compiled, name, &port);
	return port_is(status, port, type_f32, error);
}

int owl_request(const ov_compiled *compiled, ov_request **request, char *error) { return check(ov.ov_compiled_model_create_infer_request(compiled, request), error); }

void owl_request_free(ov_request *request) { ov.ov_infer_request_free(request); }

// matches says whether a tensor holds what it should; the sizes were checked when the model was loaded, but a copy that is too long would be a hole.
static int matches(const ov_tensor *tensor, size_t bytes) {
	size_t size = 0;
	return ov.ov_tensor_get_byte_size(tensor, &size) == 0 && size == bytes;
}

int owl_fill(ov_request *request, const char *name, const int64_t *data, int64_t rows, int64_t columns, char *error) {
	ov_tensor *tensor = NULL;
	void *to = NULL;
	int64_t dims[2] = {rows, columns};
	ov_shape shape = {2, dims};
	int status = check(ov.ov_infer_request_get_tensor(request, name, &tensor), error);
	if (status != 0) return status;
	status = check(ov.ov_tensor_set_shape(tensor, shape), error);
	if (status == 0) status = check(ov.ov_tensor_data(tensor, &to), error);
	size_t bytes = (size_t)rows * (size_t)columns * sizeof(int64_t);
	if (status == 0 && !matches(tensor, bytes)) status = fail(error, "an input has another size than it was given");
	if (status == 0) memcpy(to, data, bytes);
	ov.ov_tensor_free(tensor);
	return status;
}

int owl_start(ov_request *request, char *error) { return check(ov.ov_infer_request_start_async(request), error); }

int owl_wait(ov_request *request, char *error) { return check(ov.ov_infer_request_wait(request), error); }

void owl_cancel(ov_request *request) { ov.ov_infer_request_cancel(request); }

int owl_read(const ov_request *request, const char *name, float *data, const int64_t *dims, int64_t rank, char *error) {
	ov_tensor *tensor = NULL;
	void *from = NULL;
	ov_shape shape = {0, NULL};
	int status = check(ov.ov_infer_request_get_tensor(request, name, &tensor), error);
	if (status != 0) return status;
	size_t bytes = sizeof(float);
	status = check(ov.ov_tensor_get_shape(tensor, &shape), error);
	if (status == 0) {
		int same = shape.rank == rank;
		for (int64_t i = 0; same && i < rank; i++) {
			same = shape.dims[i] == dims[i];
			bytes *= (size_t)dims[i];
		}
		if (!same) status = fail(error, "the output has another shape than the model should give");
		ov.ov_shape_free(&shape);
	}
	if (status == 0) status = check(ov.ov_tensor_data(tensor, &from), error);
	if (status == 0 && !matches(tensor, bytes)) status = fail(error, "the output has another size than its shape");
	if (status == 0) memcpy(data, from, bytes);
	ov.ov_tensor_free(tensor);
	return status;
}
