package text

import "encoding/json"

// RankOptions are the options of one call. The zero value is the model's own way, and all documents.
type RankOptions struct {
	Variant
	TopK            int  // the best ones only; 0: all
	ReturnDocuments bool // the caller wants the texts, too
	BatchSize       int  // as in EmbedOptions
	MaxLength       int  // of query and document together, in tokens; 0: the model's
}

// The options of sentence-transformers' CrossEncoder and of its rank.
var rankOptions = map[string]option[RankOptions]{
	"top_k":      func(o *RankOptions, _ string, v json.RawMessage) error { return positive(v, &o.TopK) },
	"batch_size": func(o *RankOptions, _ string, v json.RawMessage) error { return positive(v, &o.BatchSize) },
	"max_length": func(o *RankOptions, _ string, v json.RawMessage) error { return positive(v, &o.MaxLength) },
	"return_documents": func(o *RankOptions, _ string, v json.RawMessage) error {
		return optional(v, &o.ReturnDocuments, "true or false")
	},

	"device":       func(o *RankOptions, _ string, v json.RawMessage) error { return deviceOption(v, &o.Device) },
	"model_kwargs": func(o *RankOptions, _ string, v json.RawMessage) error { return modelOption(v, &o.Variant) },

	"show_progress_bar": ignored[RankOptions],
	"convert_to_numpy":  ignored[RankOptions],
	"convert_to_tensor": ignored[RankOptions],
	"num_workers":       ignored[RankOptions],
	"apply_softmax":     ignored[RankOptions], // for models of several labels, which do not rank
	"trust_remote_code": ignored[RankOptions],
	"token":             ignored[RankOptions],
	"cache_folder":      ignored[RankOptions],
	"local_files_only":  ignored[RankOptions],
	"backend":           ignored[RankOptions],

	"activation_fn":    only[RankOptions](""),
	"activation_fct":   only[RankOptions](""),
	"revision":         only[RankOptions]("main"),
	"tokenizer_kwargs": only[RankOptions](""),
	"config_kwargs":    only[RankOptions](""),
}

// ParseRankOptions reads the kwargs of pgml.rank: a JSON object, or nothing. The error is as ParseEmbedOptions'.
func ParseRankOptions(model string, kwargs []byte) (RankOptions, error) {
	return parseOptions("rank", model, kwargs, rankOptions)
}
