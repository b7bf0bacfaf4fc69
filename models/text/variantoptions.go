package text

import (
	"encoding/json"

	"github.com/pgowl/pgowl/models/text/names"
)

// deviceOption reads device; null is the store's.
func deviceOption(v json.RawMessage, to *Device) error {
	var list []string
	if json.Unmarshal(v, &list) == nil && list != nil {
		return unsupported("is a list, which is not supported here: a call runs on one device")
	}
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
	return each(v, func(name string, v json.RawMessage) error {
		switch name {
		case "provider", "providers", "provider_options", "session_options", "export", "attn_implementation", "low_cpu_mem_usage", "use_safetensors", "trust_remote_code", "token", "cache_dir",
			"local_files_only":
			return nil
		case "file_name":
			if err := optional(v, &to.Graph, "a text"); err != nil {
				return err
			}
			if to.Graph != "" && names.GraphPaths(to.Graph) == nil {
				return reason("names a file that is no graph: want NAME.onnx or onnx/NAME.onnx")
			}
			return nil
		case "device_map":
			if to.Device != "" { // device counts more
				return deviceOption(v, new(Device))
			}
			return deviceOption(v, &to.Device)
		case "torch_dtype", "dtype":
			var spelt *string
			if json.Unmarshal(v, &spelt) != nil {
				return reason("must be a text")
			}
			if spelt == nil {
				return nil
			}
			precision, err := ParsePrecision(*spelt)
			if err == nil {
				to.Precision = precision
			}
			return err
		}
		return unsupported("is not supported here")
	})
}
