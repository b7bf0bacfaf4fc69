package text

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// EmbedOptions are the options of one call. The zero value is the model's own way.
type EmbedOptions struct {
	Prompt     string // put before every text
	PromptName string // a prompt of the model's own, where Prompt is empty
	// TruncateDim keeps only that many leading numbers of each vector; 0 keeps all.
	TruncateDim int
	// BatchSize is the largest number of texts that go through the model together; 0 leaves it to the engine. It bears on speed alone.
	BatchSize int
	// Normalize makes every vector's length 1, whatever the model does.
	Normalize bool
}

// OptionError is an option of a call that is unknown, has a bad value, or asks for what is not there.
type OptionError struct {
	Name   string
	Reason string
	// Unsupported tells a known option with a good value that this engine cannot honour.
	Unsupported bool
}

func (e *OptionError) Error() string { return fmt.Sprintf("embed: option %q %s", e.Name, e.Reason) }

// option reads one option's value; val is never empty.
type option func(o *EmbedOptions, model string, val json.RawMessage) error

// The options of sentence-transformers' constructor and of its encode, by what happens to them.
var options = map[string]option{
	"prompt":      func(o *EmbedOptions, _ string, v json.RawMessage) error { return optional(v, &o.Prompt, "a text") },
	"prompt_name": func(o *EmbedOptions, _ string, v json.RawMessage) error { return optional(v, &o.PromptName, "a text") },
	"normalize_embeddings": func(o *EmbedOptions, _ string, v json.RawMessage) error {
		return optional(v, &o.Normalize, "true or false")
	},
	"truncate_dim": func(o *EmbedOptions, _ string, v json.RawMessage) error { return positive(v, &o.TruncateDim) },
	"batch_size":   func(o *EmbedOptions, _ string, v json.RawMessage) error { return positive(v, &o.BatchSize) },
	"instruction": func(o *EmbedOptions, model string, v json.RawMessage) error {
		if !strings.HasPrefix(model, "hkunlp/instructor") {
			return reason("is for models named hkunlp/instructor* only")
		}
		return optional(v, &o.Prompt, "a text")
	},

	// These say where and how to compute, which is the engine's own business: the vectors are the same.
	"device":             ignored,
	"show_progress_bar":  ignored,
	"convert_to_numpy":   ignored,
	"convert_to_tensor":  ignored,
	"chunk_size":         ignored,
	"pool":               ignored,
	"trust_remote_code":  ignored, // no code of a model is ever run
	"token":              ignored, // nothing is fetched
	"use_auth_token":     ignored,
	"cache_folder":       ignored,
	"local_files_only":   ignored,
	"backend":            ignored,
	"similarity_fn_name": ignored,

	// These would change the vectors; the default value is fine and any other one refused.
	"precision":        only("float32"),
	"output_value":     only("sentence_embedding"),
	"revision":         only("main"),
	"model_kwargs":     only(""),
	"tokenizer_kwargs": only(""),
	"config_kwargs":    only(""),
	"prompts":          only(""),
}

// ParseEmbedOptions reads the kwargs of pgml.embed: a JSON object, or nothing. The model's name decides about "instruction". The error is an
// *OptionError that names the first bad option in the order of the alphabet.
func ParseEmbedOptions(model string, kwargs []byte) (EmbedOptions, error) {
	var o EmbedOptions
	if len(bytes.TrimSpace(kwargs)) == 0 {
		return o, nil
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(kwargs, &values); err != nil || values == nil {
		return o, &OptionError{Name: "kwargs", Reason: "must be a JSON object"}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		read, ok := options[name]
		if !ok {
			return o, &OptionError{Name: name, Reason: "is unknown"}
		}
		if err := read(&o, model, values[name]); err != nil {
			e, unsupported := err.(unsupported)
			if unsupported {
				return o, &OptionError{Name: name, Reason: string(e), Unsupported: true}
			}
			return o, &OptionError{Name: name, Reason: err.Error()}
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

func ignored(*EmbedOptions, string, json.RawMessage) error { return nil }

// only accepts null, an empty object and one text.
func only(text string) option {
	return func(_ *EmbedOptions, _ string, v json.RawMessage) error {
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
			if text != "" && got == text {
				return nil
			}
		}
		if text == "" {
			return unsupported("is not supported here")
		}
		return unsupported(fmt.Sprintf("is not supported here with a value other than %q", text))
	}
}

// resolve finds the text to put before every input.
func (o *EmbedOptions) resolve(s *settings) (prompt string, err error) {
	switch {
	case o.Prompt != "":
		return o.Prompt, nil
	case o.PromptName != "":
		prompt, ok := s.prompts[o.PromptName]
		if !ok {
			known := slices.Sorted(maps.Keys(s.prompts))
			return "", &OptionError{Name: "prompt_name", Reason: fmt.Sprintf("is %q, the model's prompts are %q", o.PromptName, known)}
		}
		return prompt, nil
	default:
		return s.prompts[s.defaultPrompt], nil // "" where there is no default
	}
}
