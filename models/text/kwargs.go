package text

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// cut is how texts are cut to the length of a model.
type cut struct {
	length *int // in tokens, specials included; 0: the model's
	left   *bool
}

// tokenizerOption reads tokenizer_kwargs: model_max_length and truncation_side count, what a tokenizer does not mind is passed over, and what would change its tokens is refused.
func tokenizerOption(v json.RawMessage, to cut) error {
	return each(v, func(name string, v json.RawMessage) error {
		switch name {
		case "model_max_length":
			if *to.length > 0 { // max_length of rank counts more
				return positive(v, new(int))
			}
			return positive(v, to.length)
		case "truncation_side":
			side := "right"
			if json.Unmarshal(v, &side) != nil || side != "right" && side != "left" {
				return reason(`must be "right" or "left"`)
			}
			*to.left = side == "left"
			return nil
		case "padding_side":
			side := "right"
			if json.Unmarshal(v, &side) != nil {
				return reason("must be a text")
			}
			if side != "right" {
				return unsupported("is not supported with a value other than \"right\": what is padded does not count here")
			}
			return nil
		case "use_fast", "clean_up_tokenization_spaces", "legacy", "padding", "truncation", "trust_remote_code", "token", "use_auth_token", "cache_dir", "local_files_only", "model_input_names":
			return nil
		}
		return unsupported("is not supported here")
	})
}

// configOption reads config_kwargs, of which none counts: what says how to compute, or concerns training, is passed over, and what would make another model is refused.
func configOption(v json.RawMessage) error {
	return each(v, func(name string, _ json.RawMessage) error {
		switch name {
		case "attn_implementation", "_attn_implementation", "torch_dtype", "dtype", "use_cache", "return_dict", "output_attentions", "output_hidden_states", "torchscript", "hidden_dropout_prob",
			"attention_probs_dropout_prob", "classifier_dropout", "dropout", "attention_dropout", "trust_remote_code", "token", "cache_dir", "local_files_only":
			return nil
		}
		return unsupported("is not supported here")
	})
}

// each reads the members of an object, in the order of the alphabet; null has none. An error names the member.
func each(v json.RawMessage, read func(name string, v json.RawMessage) error) error {
	var all map[string]json.RawMessage
	if json.Unmarshal(v, &all) != nil {
		return reason("must be a JSON object")
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		switch err := read(name, all[name]).(type) {
		case nil:
		case unsupported:
			return unsupported(fmt.Sprintf("has %.60q, which %s", name, string(err)))
		default:
			return reason(fmt.Sprintf("has %.60q, which %v", name, err))
		}
	}
	return nil
}

// activationOption reads activation_fn, the name of a function of torch.
func activationOption(v json.RawMessage, to *Activation) error {
	var name *string
	if json.Unmarshal(v, &name) != nil {
		return reason("must be a text")
	}
	if name == nil {
		return nil
	}
	switch *name {
	case "Sigmoid", "torch.nn.Sigmoid", "torch.nn.modules.activation.Sigmoid", "torch.sigmoid":
		*to = Sigmoid
	case "Identity", "torch.nn.Identity", "torch.nn.modules.linear.Identity":
		*to = Identity
	default:
		return unsupported(`is not supported here with a value other than "torch.nn.Sigmoid" and "torch.nn.Identity"`)
	}
	return nil
}

// revisionOption reads revision: a branch, a tag or a commit.
func revisionOption(v json.RawMessage, to *string) error {
	return optional(v, to, "a text")
}

// labelsOption reads num_labels, of which there has to be one where a model ranks.
func labelsOption(v json.RawMessage) error {
	n := 1
	if json.Unmarshal(v, &n) != nil {
		return reason("must be a whole number")
	}
	if n != 1 {
		return unsupported("is not supported here with a value other than 1, that of models that rank")
	}
	return nil
}
