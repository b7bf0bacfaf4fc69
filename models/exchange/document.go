package exchange

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// A document is made of object, list, strings, int (32 bits), and arrays of numbers.
type (
	object []member // its keys in rising order, as XGBoost writes them
	member struct {
		key   string
		value any
	}
	list []any
)

// appendText appends a text as JSON.
func appendText(out []byte, s string) []byte {
	text, _ := json.Marshal(s)
	return append(out, text...)
}

// appendFloat appends a number that XGBoost reads as one that is not an integer.
func appendFloat(out []byte, v float32) []byte {
	text := strconv.FormatFloat(float64(v), 'E', -1, 32)
	return append(out, strings.Replace(strings.Replace(text, "E+0", "E", 1), "E-0", "E-", 1)...)
}

// elements appends an array in JSON, each element by add.
func elements[T any](out []byte, all []T, add func(out []byte, v T) []byte) []byte {
	out = append(out, '[')
	for i, v := range all {
		if i > 0 {
			out = append(out, ',')
		}
		out = add(out, v)
	}
	return append(out, ']')
}

func appendInt[T int | int32 | int64 | uint8](out []byte, v T) []byte {
	return strconv.AppendInt(out, int64(v), 10)
}

// appendJSON appends a document as JSON.
func appendJSON(out []byte, v any) []byte {
	switch v := v.(type) {
	case object:
		out = append(out, '{')
		for i, m := range v {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(appendText(out, m.key), ':')
			out = appendJSON(out, m.value)
		}
		return append(out, '}')
	case list:
		return elements(out, v, appendJSON)
	case string:
		return appendText(out, v)
	case int:
		return appendInt(out, v)
	case []string:
		return elements(out, v, appendText)
	case []float32:
		return elements(out, v, appendFloat)
	case []int32:
		return elements(out, v, appendInt)
	case []int64:
		return elements(out, v, appendInt)
	case []uint8:
		return elements(out, v, appendInt)
	}
	panic("exchange: a value that no document has")
}

func appendLength(out []byte, n int) []byte {
	return binary.BigEndian.AppendUint64(append(out, 'L'), uint64(n))
}

// head begins an array of so many numbers of a type.
func head(out []byte, typ byte, n int) []byte {
	return appendLength(append(out, '[', '$', typ, '#'), n)
}

// appendUBJSON appends a document as UBJSON, with the types that XGBoost uses.
func appendUBJSON(out []byte, v any) []byte {
	switch v := v.(type) {
	case object:
		out = append(out, '{')
		for _, m := range v {
			out = append(appendLength(out, len(m.key)), m.key...)
			out = appendUBJSON(out, m.value)
		}
		return append(out, '}')
	case list:
		out = appendLength(append(out, '[', '#'), len(v))
		for _, e := range v {
			out = appendUBJSON(out, e)
		}
		return out
	case string:
		return append(appendLength(append(out, 'S'), len(v)), v...)
	case int:
		return binary.BigEndian.AppendUint32(append(out, 'l'), uint32(int32(v)))
	case []string:
		out = appendLength(append(out, '[', '#'), len(v))
		for _, s := range v {
			out = appendUBJSON(out, s)
		}
		return out
	case []float32:
		out = head(out, 'd', len(v))
		for _, x := range v {
			out = binary.BigEndian.AppendUint32(out, math.Float32bits(x))
		}
		return out
	case []int32:
		out = head(out, 'l', len(v))
		for _, x := range v {
			out = binary.BigEndian.AppendUint32(out, uint32(x))
		}
		return out
	case []int64:
		out = head(out, 'L', len(v))
		for _, x := range v {
			out = binary.BigEndian.AppendUint64(out, uint64(x))
		}
		return out
	case []uint8:
		return append(head(out, 'U', len(v)), v...)
	}
	panic("exchange: a value that no document has")
}
