// The part of OpenVINO's C API that is used here, written down from its documentation: the headers are not on every machine, and the library is looked for when it is
// needed. What is below is the same in 2024.0 to 2026.4; the values of the element types are not (owl_types finds them out).
#ifndef PGOWL_OPENVINO_API_H
#define PGOWL_OPENVINO_API_H

#include <stddef.h>
#include <stdint.h>

typedef struct { int64_t rank; int64_t *dims; } ov_shape;            // ov_shape_t, passed by value
typedef struct { const char *build; const char *description; } ov_version; // ov_version_t

// Objects of the library, each of which it makes and frees.
typedef struct ov_core ov_core;
typedef struct ov_model ov_model;
typedef struct ov_compiled ov_compiled;
typedef struct ov_request ov_request;
typedef struct ov_tensor ov_tensor;
typedef struct ov_port ov_port; // ov_output_const_port_t

// A status (ov_status_e) is 0 when all is well.
#define OWL_CANCELLED (-13)

// Every function: what it returns, its name, its arguments.
#define OWL_FUNCTIONS(F) \
	F(int, ov_get_openvino_version, (ov_version * version)) \
	F(void, ov_version_free, (ov_version * version)) \
	F(const char *, ov_get_error_info, (int status)) \
	F(char *, ov_get_last_err_msg, (void)) \
	F(void, ov_free, (const char *text)) \
	F(int, ov_core_create, (ov_core * *core)) \
	F(void, ov_core_free, (ov_core * core)) \
	F(int, ov_core_set_property, (const ov_core *core, const char *device, ...)) \
	F(int, ov_core_get_property, (const ov_core *core, const char *device, const char *key, char **value)) \
	F(int, ov_core_read_model, (const ov_core *core, const char *path, const char *weights, ov_model **model)) \
	F(int, ov_core_compile_model, (const ov_core *core, const ov_model *model, const char *device, size_t arguments, ov_compiled **compiled, ...)) \
	F(void, ov_model_free, (ov_model * model)) \
	F(void, ov_compiled_model_free, (ov_compiled * compiled)) \
	F(int, ov_compiled_model_get_property, (const ov_compiled *compiled, const char *key, char **value)) \
	F(int, ov_compiled_model_inputs_size, (const ov_compiled *compiled, size_t *size)) \
	F(int, ov_compiled_model_input_by_name, (const ov_compiled *compiled, const char *name, ov_port **port)) \
	F(int, ov_compiled_model_output_by_name, (const ov_compiled *compiled, const char *name, ov_port **port)) \
	F(int, ov_port_get_element_type, (const ov_port *port, int *type)) \
	F(void, ov_output_const_port_free, (ov_port * port)) \
	F(int, ov_compiled_model_create_infer_request, (const ov_compiled *compiled, ov_request **request)) \
	F(void, ov_infer_request_free, (ov_request * request)) \
	F(int, ov_infer_request_get_tensor, (const ov_request *request, const char *name, ov_tensor **tensor)) \
	F(int, ov_infer_request_start_async, (ov_request * request)) \
	F(int, ov_infer_request_wait, (ov_request * request)) \
	F(int, ov_infer_request_cancel, (ov_request * request)) \
	F(int, ov_tensor_create, (int type, ov_shape shape, ov_tensor **tensor)) \
	F(void, ov_tensor_free, (ov_tensor * tensor)) \
	F(int, ov_tensor_set_shape, (ov_tensor * tensor, ov_shape shape)) \
	F(int, ov_tensor_get_shape, (const ov_tensor *tensor, ov_shape *shape)) \
	F(int, ov_shape_free, (ov_shape * shape)) \
	F(int, ov_tensor_get_byte_size, (const ov_tensor *tensor, size_t *size)) \
	F(int, ov_tensor_data, (const ov_tensor *tensor, void **data))

// Every function below that can fail returns 0, or a status that is not and a text in error, which has room for OWL_ERROR bytes.
#define OWL_ERROR 2048

// owl_load loads the library and finds its functions, once for the process.
int owl_load(const char *path, char *error);
// owl_version copies the version, such as 2026.4.1-22982-..., into version, which has room for size bytes.
int owl_version(char *version, size_t size, char *error);
int owl_core(ov_core **core, char *error);
void owl_core_free(ov_core *core);
// owl_property copies a property of the processors, or of a compiled model where there is one.
int owl_property(const ov_core *core, const ov_compiled *compiled, const char *key, char *value, size_t size, char *error);
// owl_compile reads an ONNX file and compiles it for the processors.
int owl_compile(const ov_core *core, const char *file, const char *precision, const char *streams, const char *shapes, ov_compiled **compiled, char *error);
void owl_compiled_free(ov_compiled *compiled);
int owl_inputs(const ov_compiled *compiled, size_t *size, char *error);
// owl_input and owl_output say whether there is such an input of int64, or such an output of float32.
int owl_input(const ov_compiled *compiled, const char *name, char *error);
int owl_output(const ov_compiled *compiled, const char *name, char *error);
int owl_request(const ov_compiled *compiled, ov_request **request, char *error);
void owl_request_free(ov_request *request);
// owl_fill copies rows x columns numbers into an input.
int owl_fill(ov_request *request, const char *name, const int64_t *data, int64_t rows, int64_t columns, char *error);
int owl_start(ov_request *request, char *error);
int owl_wait(ov_request *request, char *error);
void owl_cancel(ov_request *request);
// owl_read copies an output of the given shape.
int owl_read(const ov_request *request, const char *name, float *data, const int64_t *dims, int64_t rank, char *error);

#endif
