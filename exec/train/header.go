package train

import (
	build "runtime/debug"
	"strings"

	"github.com/pgowl/pgowl/models/store"
)

// header says in the model's file what the model was trained on and for.
func header(p project, algorithm string, hyperparams map[string]any, data *dataset) store.Header {
	h := store.Header{
		Algorithm:   algorithm,
		Task:        p.Task,
		Label:       store.Label{Column: data.labels.Name, Kind: data.labels.kind, Classes: data.labels.classes},
		Hyperparams: hyperparams,
		Engine:      engineVersion(),
		Seed:        data.seed,
	}
	if data.group != nil {
		h.Group = data.group.column
	}
	for _, l := range data.labels.others {
		h.Targets = append(h.Targets, l.Name)
	}
	for i := range data.features {
		f := &data.features[i]
		name := f.Type
		if f.Array {
			name = "_" + strings.TrimSuffix(name, "[]")
		}
		column := store.Feature{Name: f.Name, Type: name, Width: f.width}
		if fitted := f.fitted; !fitted.Plain() { // a copy: the header lives for longer than the data
			column.Preprocess = &fitted
		}
		h.Features = append(h.Features, column)
	}
	return h
}

// engineVersion names the program that trains.
func engineVersion() string { return "pgowl " + programVersion() }

func programVersion() string {
	if info, ok := build.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
