package names

import "regexp"

// graph is the path of a graph in a repository: in onnx/, where exports are, or beside the settings.
var graph = regexp.MustCompile(`^(onnx/)?[A-Za-z0-9][A-Za-z0-9._-]{0,95}\.onnx$`)

// GraphPaths are the paths where a graph of this name may be in a model's folder, the first one counting: NAME.onnx is looked for in onnx/ first, as sentence-transformers does
// with file_name. It is nil for what names no graph.
func GraphPaths(name string) []string {
	if !graph.MatchString(name) {
		return nil
	}
	if len(name) > 5 && name[:5] == "onnx/" {
		return []string{name}
	}
	return []string{"onnx/" + name, name}
}
