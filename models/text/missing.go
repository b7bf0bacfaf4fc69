package text

import "fmt"

// MissingError is a model that is not in the model folder, or a graph that is not in the model's.
type MissingError struct {
	Name  string
	Graph string // empty: the model itself
}

func (e *MissingError) Error() string {
	if e.Graph != "" {
		return fmt.Sprintf("model %q has no graph %q in the model folder; get it with: %s", e.Name, e.Graph, e.Command())
	}
	return fmt.Sprintf("model %q is not in the model folder; get it with: %s", e.Name, e.Command())
}

// Command is the command line that gets the model.
func (e *MissingError) Command() string {
	if e.Graph != "" {
		return "pgowl models pull " + e.Name + ":" + e.Graph
	}
	return "pgowl models pull " + e.Name
}
