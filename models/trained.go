package models

import (
	"maps"
	"slices"

	"github.com/pgowl/pgowl/models/learn"
)

// Trained are the algorithms that an engine here trains for the task, in the order of their names.
func Trained(task learn.Task) []string {
	names := slices.Sorted(maps.Keys(engines))
	return slices.DeleteFunc(names, func(name string) bool { return engines[name].train[task] == nil })
}
