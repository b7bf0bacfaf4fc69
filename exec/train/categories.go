package train

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pgowl/pgowl/models/preprocess"
)

// category is an entry of a column's statistics: what a text is encoded as, and how many rows of the training part have it.
type category struct {
	Value   number `json:"value"`
	Members int    `json:"members"`
}

// categories are those of a text column, by text.
type categories struct {
	order  []string
	byText map[string]category
}

// MarshalJSON implements json.Marshaler: an object, or null for a column that is no text.
func (c categories) MarshalJSON() ([]byte, error) { return json.Marshal(c.byText) }

// categoriesOf lists a column's categories. NULL is always one of them; members are those of seen, in its order.
func categoriesOf(fitted preprocess.Column, seen []string, members []int) categories {
	c := categories{byText: make(map[string]category, len(fitted.Categories)+1)}
	for i, text := range fitted.Categories {
		c.order = append(c.order, text)
		c.byText[text] = category{Value: number(fitted.Values[i])}
	}
	if _, ok := c.byText[preprocess.Null]; !ok {
		c.order = append(c.order, preprocess.Null)
		c.byText[preprocess.Null] = category{}
	}
	for i, text := range seen {
		k := c.byText[text]
		k.Members = members[i]
		c.byText[text] = k
	}
	return c
}

// told is the number of categories that a message lists.
const told = 100

// String is the text of PostgresML's message: Some({"a": Category { value: 1.0, members: 3 }}), or None.
func (c categories) String() string {
	if c.byText == nil {
		return "None"
	}
	var list []string
	for i, text := range c.order {
		if i == told {
			list = append(list, "...")
			break
		}
		k := c.byText[text]
		list = append(list, fmt.Sprintf("%q: Category { value: %s, members: %d }", clip(text, 100), debug(float64(k.Value), 32), k.Members))
	}
	return "Some({" + strings.Join(list, ", ") + "})"
}
