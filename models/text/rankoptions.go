package text

import "encoding/json"

// RankOptions are the options of one call. The zero value is the model's own way, and all documents.
type RankOptions struct {
	Variant
	TopK            int  // the best ones only; 0: all
	ReturnDocuments bool // the caller wants the texts, too
	BatchSize       int  // as in EmbedOptions
	MaxLength       int  // of query and document together, in tokens; 0, or more than the model has positions: the model's
	CutLeft         bool // what is too long is cut at its beginning
	Activation      Activation
	Revision        string // of the model that has to be there; empty: any
}

// Activation is what makes a score of a cross-encoder's logit.
type Activation int

// The activations.
const (
	ModelActivation Activation = iota // the model's own
	Identity                          // none: the logit is the score
	Sigmoid
)

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
	"pool":              ignored[RankOptions],
	"chunk_size":        ignored[RankOptions],
	"model_card_data":   ignored[RankOptions],
	"apply_softmax":     ignored[RankOptions], // for models of several labels, which do not rank
	"trust_remote_code": ignored[RankOptions],
	"token":             ignored[RankOptions],
	"cache_folder":      ignored[RankOptions],
	"local_files_only":  ignored[RankOptions],
	"backend":           ignored[RankOptions],

	"activation_fn":  func(o *RankOptions, _ string, v json.RawMessage) error { return activationOption(v, &o.Activation) },
	"activation_fct": func(o *RankOptions, _ string, v json.RawMessage) error { return activationOption(v, &o.Activation) },
	"revision":       func(o *RankOptions, _ string, v json.RawMessage) error { return revisionOption(v, &o.Revision) },
	"num_labels":     func(_ *RankOptions, _ string, v json.RawMessage) error { return labelsOption(v) },
	"tokenizer_kwargs": func(o *RankOptions, _ string, v json.RawMessage) error {
		return tokenizerOption(v, cut{&o.MaxLength, &o.CutLeft})
	},
	"processor_kwargs": func(o *RankOptions, _ string, v json.RawMessage) error {
		return tokenizerOption(v, cut{&o.MaxLength, &o.CutLeft})
	},
	"config_kwargs": func(_ *RankOptions, _ string, v json.RawMessage) error { return configOption(v) },

	// A cross-encoder with prompts is one that is not known here.
	"prompt":              only[RankOptions](""),
	"prompt_name":         only[RankOptions](""),
	"prompts":             only[RankOptions](""),
	"default_prompt_name": only[RankOptions](""),
}

// ParseRankOptions reads the kwargs of pgml.rank: a JSON object, or nothing. The error is as ParseEmbedOptions'.
func ParseRankOptions(model string, kwargs []byte) (RankOptions, error) {
	return parseOptions("rank", model, kwargs, rankOptions)
}
