package text

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/pgowl/pgowl/models/text/names"
)

// deviceOption reads device; null is the store's.
func deviceOption(v json.RawMessage, to *Device) error {
	var name *string
	if json.Unmarshal(v, &name) != nil {
		return reason("must be a text: auto, cpu, cuda or cuda:N")
	}
	if name == nil {
		return nil
	}
	var err error
	*to, err = ParseDevice(*name)
	return err
}

// modelOption reads model_kwargs as sentence-transformers hands them on: file_name is a graph of the model's, as its ONNX backend takes it, torch_dtype or dtype the precision.
// provider and what else says how to compute is the engine's own business.
func modelOption(v json.RawMessage, to *Variant) error {
	var kwargs map[string]json.RawMessage
	if json.Unmarshal(v, &kwargs) != nil {
		return reason("must be a JSON object")
	}
	for _, name := range slices.Sorted(maps.Keys(kwargs)) {
		switch name {
		case "provider", "providers", "provider_options", "session_options", "export", "attn_implementation", "low_cpu_mem_usage", "use_safetensors":
		case "file_name":
			if err := optional(kwargs[name], &to.Graph, "an object whose file_name is a text"); err != nil {
				return err
			}
			if to.Graph != "" && names.GraphPaths(to.Graph) == nil {
				return reason("names a file that is no graph: want NAME.onnx or onnx/NAME.onnx")
			}
		case "torch_dtype", "dtype":
			var spelt *string
			if json.Unmarshal(kwargs[name], &spelt) != nil {
				return reason("must be an object whose " + name + " is a text")
			}
			if spelt == nil {
				continue
			}
			precision, err := ParsePrecision(*spelt)
			if err != nil {
				return reason("has a " + name + " that " + err.Error())
			}
			to.Precision = precision
		default:
			return unsupported(fmt.Sprintf("has %.60q, which is not supported here", name))
		}
	}
	return nil
}
