package train

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/store"
)

// maxClasses keeps a column of ids or free text, taken for a label by mistake, from becoming a model of a million classes.
const maxClasses = 10000

// labels collects the label column: the target of a regression, or the class of a classification.
type labels struct {
	column
	kind     store.LabelKind
	wire     scalar
	classify bool
	nulls    int
	infinite int
	values   []float32 // of a regression
	codes    []int32   // of a classification: the class's place in seen
	numbers  map[float64]int32
	ints     map[int64]int32
	texts    map[string]int32
	classes  []string  // once sorted: what each class stands for
	others   []*labels // of a joint training: the label columns after this one
}

// newLabels refuses a column that cannot be a label of the task.
func newLabels(c column, task learn.Task) (*labels, error) {
	l := &labels{column: c, classify: task == learn.Classification}
	switch wire, ok := scalars[c.Type]; {
	case ok && c.Builtin:
		l.wire = wire
		switch wire.kind {
		case 'b':
			l.kind, l.ints = store.Bool, map[int64]int32{}
		case 'i':
			l.kind, l.ints = store.Int, map[int64]int32{}
		default:
			l.kind, l.numbers = store.Float, map[float64]int32{}
		}
	case c.Builtin && categorical[c.Type] && l.classify:
		l.kind, l.texts = store.Text, map[string]int32{}
	default:
		return nil, unhandled(c)
	}
	return l, nil
}

// sql is the label as the reading statement asks for it. Text comes as bytes, in UTF-8 whatever the session's encoding.
func (l *labels) sql() string {
	if l.kind == store.Text {
		return textSQL(l.Name)
	}
	return "t." + quote(l.Name) + "::pg_catalog." + l.wire.cast
}

// add takes the next row's label, nil for NULL.
func (l *labels) add(v []byte) error {
	if v == nil {
		l.nulls++
		l.push(0, 0)
		return nil
	}
	if l.kind != store.Text && len(v) != l.wire.size {
		return malformed("label %q has %d bytes", l.Name, len(v))
	}
	if !l.classify {
		f := l.wire.float(v)
		if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
			l.infinite++
		}
		l.push(f, 0)
		return nil
	}
	var code int32
	var ok bool
	switch l.kind {
	case store.Text:
		if code, ok = l.texts[string(v)]; !ok {
			code = int32(len(l.texts))
			l.texts[string(v)] = code
		}
	case store.Float:
		f := float64(l.wire.float(v))
		if math.IsNaN(f) || math.IsInf(f, 0) {
			l.infinite++
			f = 0
		}
		if code, ok = l.numbers[f]; !ok {
			code = int32(len(l.numbers))
			l.numbers[f] = code
		}
	default:
		i := l.wire.int(v)
		if code, ok = l.ints[i]; !ok {
			code = int32(len(l.ints))
			l.ints[i] = code
		}
	}
	if code >= maxClasses {
		return function.Errorf("54000", "The label \"%s\" has more than %d distinct values.", l.Name, maxClasses).
			WithHint("Is this a task for regression, or the wrong column?")
	}
	l.push(0, code)
	return nil
}

func (l *labels) push(value float32, code int32) {
	if l.classify {
		l.codes = append(l.codes, code)
	} else {
		l.values = append(l.values, value)
	}
}

// check reports labels that nothing can be learned from.
func (l *labels) check() error {
	if l.nulls > 0 {
		return function.Errorf("XX000", `The training data labels in "%s" contain %d NULL values.`, l.Name, l.nulls)
	}
	if l.infinite > 0 {
		return function.Errorf("XX000", `The training data labels in "%s" contain %d values that are not finite numbers.`, l.Name, l.infinite)
	}
	for f := range l.numbers {
		if f != math.Trunc(f) {
			return function.Errorf("XX000", `The training data labels in "%s" are not all whole numbers: %v.`, l.Name, f).
				WithHint("Classes are booleans, whole numbers or texts. Is this a task for regression?")
		}
	}
	return nil
}

// finish sorts the classes (false before true, numbers by value, texts by their bytes) and gives each row's label as engines
// want it: the target, or the class's index.
func (l *labels) finish() []float32 {
	if !l.classify {
		return l.values
	}
	var place []float32 // by code, the class's index
	switch l.kind {
	case store.Text:
		place, l.classes = sorted(l.texts, cmp.Compare[string], func(s string) string { return s })
	case store.Float:
		place, l.classes = sorted(l.numbers, cmp.Compare[float64], func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) })
	case store.Bool:
		place, l.classes = sorted(l.ints, cmp.Compare[int64], func(i int64) string { return strconv.FormatBool(i != 0) })
	default:
		place, l.classes = sorted(l.ints, cmp.Compare[int64], func(i int64) string { return strconv.FormatInt(i, 10) })
	}
	y := make([]float32, len(l.codes))
	for i, code := range l.codes {
		y[i] = place[code]
	}
	l.codes = nil
	return y
}

func sorted[K comparable](codes map[K]int32, compare func(a, b K) int, text func(K) string) (place []float32, classes []string) {
	keys := make([]K, 0, len(codes))
	for k := range codes {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, compare)
	place = make([]float32, len(keys))
	for i, k := range keys {
		place[codes[k]] = float32(i)
		classes = append(classes, text(k))
	}
	return place, classes
}

// checkClasses refuses labels that leave nothing to tell apart: the classes that finish has found.
func (l *labels) checkClasses() error {
	if len(l.classes) == 1 {
		return function.Errorf("XX000", `The training data labels in "%s" are all the same: %s.`, l.Name, clip(l.classes[0], 100))
	}
	return nil
}

// distinct counts the different labels.
func (l *labels) distinct(y []float32) int {
	if l.classify {
		return len(l.classes)
	}
	seen := make(map[float32]struct{}, 1024)
	for _, v := range y {
		seen[v] = struct{}{}
	}
	return len(seen)
}

// numbersOf gives a function for the label of a row as a number, once finish has given y: the target of a regression, or the
// number that predictions have for the class.
func (l *labels) numbersOf(y []float32) func(row int) float32 {
	if !l.classify {
		return func(row int) float32 { return y[row] }
	}
	header := store.Header{Label: store.Label{Kind: l.kind, Classes: l.classes}}
	codes := header.Codes()
	return func(row int) float32 { return codes[int(y[row])] }
}

// describe computes the statistics of the labels in the training part, y.
func (l *labels) describe(y []float32) statistics {
	if !l.classify {
		return describe(y, 1, 0, 1)
	}
	label := l.numbersOf(y)
	numbers := make([]float32, len(y))
	members := make([]int, len(l.classes))
	for i, class := range y {
		numbers[i] = label(i)
		members[int(class)]++
	}
	s := describe(numbers, 1, 0, 1)
	if l.kind == store.Text {
		s.Categories = categories{order: l.classes, byText: map[string]category{}}
		for class, text := range l.classes {
			s.Categories.byText[text] = category{number(class), members[class]}
		}
	}
	return s
}
