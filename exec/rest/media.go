package rest

import (
	"mime"
	"net/http"
	"sort"
	"strconv"
	"strings"
)

// Content types of answers and requests.
const (
	jsonType   = "application/json; charset=utf-8"
	mediaJSON  = "application/json"
	mediaForm  = "application/x-www-form-urlencoded"
	mediaText  = "text/plain"
	mediaXML   = "text/xml"
	mediaBytes = "application/octet-stream"
	mediaCSV   = "text/csv"
)

// shape is the form of the answer's body.
type shape int

const (
	anyJSON     shape = iota // what the function returns, as JSON
	singleJSON               // one object
	csvTable                 // a header line and rows
	strippedArr              // an array of objects without their null members
	strippedObj              // one object without its null members
)

// contentType is the Content-Type of a body of this shape.
func (s shape) contentType() string {
	switch s {
	case singleJSON:
		return "application/vnd.pgrst.object+json; charset=utf-8"
	case strippedObj:
		return "application/vnd.pgrst.object+json;nulls=stripped; charset=utf-8"
	case strippedArr:
		return "application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8"
	case csvTable:
		return "text/csv; charset=utf-8"
	}
	return jsonType
}

func (s shape) single() bool { return s == singleJSON || s == strippedObj }

// negotiate picks the first acceptable shape, in the order of quality.
func negotiate(h http.Header) (shape, error) {
	type accepted struct {
		media  string
		params map[string]string
		q      float64
	}
	var list []accepted
	var names []string
	for _, item := range strings.Split(strings.Join(h.Values("Accept"), ","), ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		media, params, err := mime.ParseMediaType(item)
		if err != nil {
			media, params = item, nil
		}
		q := 1.0
		if v, err := strconv.ParseFloat(params["q"], 64); err == nil {
			q = v
		}
		list = append(list, accepted{media, params, q})
	}
	if len(list) == 0 {
		return anyJSON, nil
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].q > list[j].q })
	for _, a := range list {
		stripped := a.params["nulls"] == "stripped"
		switch a.media {
		case "*/*", mediaJSON:
			return anyJSON, nil
		case "application/vnd.pgrst.object", "application/vnd.pgrst.object+json":
			if stripped {
				return strippedObj, nil
			}
			return singleJSON, nil
		case "application/vnd.pgrst.array", "application/vnd.pgrst.array+json":
			if stripped {
				return strippedArr, nil
			}
			return anyJSON, nil
		case mediaCSV:
			return csvTable, nil
		}
		names = append(names, a.media)
	}
	return 0, &fault{status: http.StatusNotAcceptable, code: "PGRST107", message: "None of these media types are available: " + strings.Join(names, ", ")}
}

// bodyMedia is the media type of a request's body; JSON where nothing is said.
func bodyMedia(h http.Header) string {
	value := h.Get("Content-Type")
	if value == "" {
		return mediaJSON
	}
	media, _, err := mime.ParseMediaType(value)
	if err != nil {
		media, _, _ = strings.Cut(value, ";")
		media = strings.ToLower(strings.TrimSpace(media))
	}
	return media
}
