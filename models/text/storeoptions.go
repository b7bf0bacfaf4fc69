package text

// StoreOptions are the settings of a Store.
type StoreOptions struct {
	// Dir is the model folder. It need not be there.
	Dir string
	// Library is the path of ONNX Runtime's shared library; it is loaded with the first model. Empty: every model is a *LibraryError.
	Library string
	// CacheBytes is the size of the cache of vectors that all models share. 0: no cache.
	CacheBytes int64
	// TokenBudget is as in Options.
	TokenBudget int
	// MemoryBytes is how much the models may take together, by the size of their files: those that nobody has asked for the longest make room for others. A model that is
	// larger is loaded all the same, alone. 0: no limit.
	MemoryBytes int64
	// Device and Precision are those of calls that name none. Empty: auto and float32.
	Device    Device
	Precision Precision
	// Processors says how models run that do not run on a GPU.
	Processors Processors
	// Chosen is told where models run, once for auto and each GPU that somebody asks for: err says why that is not a GPU where one might expect it. It is told again of each
	// model that has to run on the processors although others run on the GPU. nil: nobody.
	Chosen func(d Device, model string, err error)
	// Source is asked for models that are not in the folder. nil: there are no others.
	Source Source
	// Refused is told that a newer version of a model of the source's cannot be loaded, so that the old one goes on: once for each version. nil: nobody.
	Refused func(model string, err error)
}
