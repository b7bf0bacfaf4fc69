package text

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgowl/pgowl/models/param"
)

// EmbedOptions are the options of one call. The zero value is the model's own way.
type EmbedOptions struct {
	Prompt     string // put before every text
	Prompted   bool   // Prompt counts even though it is empty: the model's default does not
	PromptName string // a prompt of Prompts or of the model's own, where there is no Prompt
	// Usual is the name of a prompt that stands before the texts where the call asks for none, in a model that has it.
	Usual string
	// Prompts are prompts by their names, more than the model's own; DefaultPrompt is the name of the one that counts where the call names none, in place of the model's.
	Prompts       map[string]string
	DefaultPrompt string
	// TruncateDim keeps only that many leading numbers of each vector; 0 keeps all.
	TruncateDim int
	// BatchSize is the largest number of texts that go through the model together; 0 leaves it to the engine. It bears on speed alone.
	BatchSize int
	Variant
	Encoding  Encoding // of the vectors that come back
	MaxLength int      // of a text, in tokens; 0, or more than the model has positions: the model's
	CutLeft   bool     // what is too long is cut at its beginning
	Revision  string   // of the model that has to be there; empty: any
	// Normalize makes every vector's length 1, whatever the model does.
	Normalize bool
}

// OptionError is an option of a call that is unknown, has a bad value, or asks for what is not there.
type OptionError struct {
	Function string // empty: embed
	Name     string
	Reason   string
	// Nearest is, for an unknown name, the known one that was probably meant; or "".
	Nearest string
	// Unsupported tells a known option with a good value that this engine cannot honour.
	Unsupported bool
}

func (e *OptionError) Error() string {
	function := e.Function
	if function == "" {
		function = "embed"
	}
	return fmt.Sprintf("%s: option %q %s", function, e.Name, e.Reason)
}

// option reads one option's value; val is never empty.
type option[T any] func(o *T, model string, val json.RawMessage) error

// The options of sentence-transformers' constructor and of its encode, by what happens to them.
var embedOptions = map[string]option[EmbedOptions]{
	"prompt":      func(o *EmbedOptions, _ string, v json.RawMessage) error { return promptOption(v, o) },
	"prompt_name": func(o *EmbedOptions, _ string, v json.RawMessage) error { return optional(v, &o.PromptName, "a text") },
	"normalize_embeddings": func(o *EmbedOptions, _ string, v json.RawMessage) error {
		return optional(v, &o.Normalize, "true or false")
	},
	"truncate_dim": func(o *EmbedOptions, _ string, v json.RawMessage) error { return positive(v, &o.TruncateDim) },
	"batch_size":   func(o *EmbedOptions, _ string, v json.RawMessage) error { return positive(v, &o.BatchSize) },
	"device":       func(o *EmbedOptions, _ string, v json.RawMessage) error { return deviceOption(v, &o.Device) },
	"model_kwargs": func(o *EmbedOptions, _ string, v json.RawMessage) error { return modelOption(v, &o.Variant) },
	"instruction": func(o *EmbedOptions, model string, v json.RawMessage) error {
		if string(v) != "null" && !strings.HasPrefix(model, "hkunlp/instructor") {
			return reason("is for models named hkunlp/instructor* only")
		}
		return promptOption(v, o)
	},
	"prompts": func(o *EmbedOptions, _ string, v json.RawMessage) error { return promptsOption(v, o) },
	"default_prompt_name": func(o *EmbedOptions, _ string, v json.RawMessage) error {
		return optional(v, &o.DefaultPrompt, "a text")
	},
	"precision": func(o *EmbedOptions, _ string, v json.RawMessage) error { return encodingOption(v, &o.Encoding) },
	"revision":  func(o *EmbedOptions, _ string, v json.RawMessage) error { return revisionOption(v, &o.Revision) },
	"tokenizer_kwargs": func(o *EmbedOptions, _ string, v json.RawMessage) error {
		return tokenizerOption(v, cut{&o.MaxLength, &o.CutLeft})
	},
	"processor_kwargs": func(o *EmbedOptions, _ string, v json.RawMessage) error { // its name from version 5.4 on
		return tokenizerOption(v, cut{&o.MaxLength, &o.CutLeft})
	},
	"config_kwargs": func(_ *EmbedOptions, _ string, v json.RawMessage) error { return configOption(v) },

	// Of a cross-encoder, and an attribute of a model, for which nothing stands in the arguments of either.
	"max_length":     elsewhere,
	"max_seq_length": elsewhere,

	// These say how to compute, which is the engine's own business: the vectors are the same.
	"show_progress_bar":  ignored[EmbedOptions],
	"convert_to_numpy":   ignored[EmbedOptions],
	"convert_to_tensor":  ignored[EmbedOptions],
	"chunk_size":         ignored[EmbedOptions],
	"pool":               ignored[EmbedOptions],
	"trust_remote_code":  ignored[EmbedOptions], // no code of a model is ever run
	"token":              ignored[EmbedOptions], // nothing is fetched
	"use_auth_token":     ignored[EmbedOptions],
	"cache_folder":       ignored[EmbedOptions],
	"local_files_only":   ignored[EmbedOptions],
	"backend":            ignored[EmbedOptions],
	"similarity_fn_name": ignored[EmbedOptions],
	"model_card_data":    ignored[EmbedOptions],

	// These would give something else than a vector, or another one; the default value is fine and any other one refused.
	"output_value":      only[EmbedOptions]("sentence_embedding"),
	"task":              only[EmbedOptions](""),
	"processing_kwargs": only[EmbedOptions](""),
}

// ParseEmbedOptions reads the kwargs of pgml.embed: a JSON object, or nothing. The model's name decides about "instruction". The error is an
// *OptionError that names the first bad option in the order of the alphabet.
func ParseEmbedOptions(model string, kwargs []byte) (EmbedOptions, error) {
	return parseOptions("embed", model, kwargs, embedOptions)
}

func parseOptions[T any](function, model string, kwargs []byte, options map[string]option[T]) (T, error) {
	var o T
	if len(bytes.TrimSpace(kwargs)) == 0 {
		return o, nil
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(kwargs, &values); err != nil || values == nil {
		return o, &OptionError{Function: function, Name: "kwargs", Reason: "must be a JSON object"}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		read, ok := options[name]
		if !ok {
			known := slices.Collect(maps.Keys(options))
			return o, &OptionError{Function: function, Name: name, Reason: "is unknown", Nearest: param.Nearest(name, known)}
		}
		if err := read(&o, model, values[name]); err != nil {
			e, unsupported := err.(unsupported)
			if unsupported {
				return o, &OptionError{Function: function, Name: name, Reason: string(e), Unsupported: true}
			}
			return o, &OptionError{Function: function, Name: name, Reason: err.Error()}
		}
	}
	return o, nil
}

// reason and unsupported are the reasons of an OptionError to be.
type (
	reason      string
	unsupported string
)

func (r reason) Error() string      { return string(r) }
func (u unsupported) Error() string { return string(u) }

// optional reads a value of T's type, or null for the default.
func optional[T any](v json.RawMessage, to *T, want string) error {
	if json.Unmarshal(v, to) != nil { // null leaves it as it is
		return reason("must be " + want)
	}
	return nil
}

func positive(v json.RawMessage, to *int) error {
	var n *int
	if json.Unmarshal(v, &n) != nil || n != nil && *n < 1 {
		return reason("must be a positive whole number")
	}
	if n != nil {
		*to = *n
	}
	return nil
}

// elsewhere is an option by which people look for the length.
func elsewhere(*EmbedOptions, string, json.RawMessage) error {
	return reason(`is unknown: {"tokenizer_kwargs": {"model_max_length": N}} limits the length`)
}

func ignored[T any](*T, string, json.RawMessage) error { return nil }

// only accepts null, an empty object and one text, which may be empty.
func only[T any](text string) option[T] {
	return func(_ *T, _ string, v json.RawMessage) error {
		var got any
		if json.Unmarshal(v, &got) != nil {
			return reason("is no JSON")
		}
		switch got := got.(type) {
		case nil:
			return nil
		case map[string]any:
			if len(got) == 0 {
				return nil
			}
		case string:
			if got == text {
				return nil
			}
		}
		if text == "" {
			return unsupported("is not supported here")
		}
		return unsupported(fmt.Sprintf("is not supported here with a value other than %q", text))
	}
}
