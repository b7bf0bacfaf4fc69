package text

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"
)

// pooling is how a text's token vectors become its one vector.
type pooling int

const (
	poolMean pooling = iota
	poolCLS
	poolMax
	poolMeanSqrt // sum over the square root of the length
	poolWeighted // mean, each token counting as often as its place says, from 1 on
	poolLast
)

// poolings are sentence-transformers' names, in the order in which it puts the vectors of several together.
var poolings = []struct {
	name, flag string
	how        pooling
}{
	{"cls", "pooling_mode_cls_token", poolCLS},
	{"max", "pooling_mode_max_tokens", poolMax},
	{"mean", "pooling_mode_mean_tokens", poolMean},
	{"mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens", poolMeanSqrt},
	{"weightedmean", "pooling_mode_weightedmean_tokens", poolWeighted},
	{"lasttoken", "pooling_mode_lasttoken", poolLast},
}

// readPooling reads a pooling step. Old files have a flag for each way, of which the mean's is true where it is not said; new ones name it, or several.
func (s *settings) readPooling(dir, folder string, must bool) error {
	name := path.Join(folder, "config.json")
	var p map[string]json.RawMessage
	found, err := readJSON(dir, name, &p)
	switch {
	case err != nil:
		return err
	case !found && must:
		return fmt.Errorf("%s is missing", name)
	case !found:
		return nil
	}
	read := func(key string, v any) {
		if raw, ok := p[key]; ok && err == nil {
			if e := json.Unmarshal(raw, v); e != nil {
				err = fmt.Errorf("%s: %s: %w", name, key, e)
			}
		}
	}
	include := true
	read("include_prompt", &include)
	s.skipPrompt = !include
	named := map[string]bool{}
	if raw, ok := p["pooling_mode"]; ok && string(raw) != "null" {
		var one string
		list := []string{}
		if json.Unmarshal(raw, &one) == nil {
			list = strings.Split(one, "+")
		} else {
			read("pooling_mode", &list)
		}
		for _, mode := range list {
			named[strings.ToLower(mode)] = true
		}
	} else {
		for _, known := range poolings {
			on := known.how == poolMean
			read(known.flag, &on)
			if on {
				named[known.name] = true
			}
		}
	}
	if err != nil {
		return err
	}
	s.pooling = nil
	for _, known := range poolings {
		if named[known.name] {
			s.pooling = append(s.pooling, known.how)
			delete(named, known.name)
		}
	}
	for mode := range named {
		return fmt.Errorf("%s: pooling mode %q is not supported", name, mode)
	}
	if len(s.pooling) == 0 {
		return fmt.Errorf("%s names no pooling mode", name)
	}
	return nil
}
