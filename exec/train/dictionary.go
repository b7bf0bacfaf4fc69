package train

import (
	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/preprocess"
)

// maxCategories keeps a column of free text or keys, taken for one of categories by mistake, from becoming most of a model's file.
const maxCategories = 200_000

// dictionary numbers the texts of a column from 0 on, as they come.
type dictionary struct {
	codes map[string]int32
	texts []string
}

// code gives the number of a text, which may be nil for NULL. It does not keep the bytes.
func (d *dictionary) code(text []byte, column string) (int32, error) {
	if text == nil {
		text = nullText
	}
	if code, ok := d.codes[string(text)]; ok {
		return code, nil
	}
	if len(d.texts) >= maxCategories {
		return 0, function.Errorf("54000", "Column \"%s\" has more than %d different texts.", column, maxCategories).
			WithHint("Leave the column out with a view over the relation, or encode it as numbers there.")
	}
	if d.codes == nil {
		d.codes = map[string]int32{}
	}
	code := int32(len(d.texts))
	t := string(text)
	d.codes[t] = code
	d.texts = append(d.texts, t)
	return code, nil
}

var nullText = []byte(preprocess.Null)
