package tokenize

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"unicode/utf8"
)

// stepError names the part of the file that is wrong.
func stepError(part string, err error) error { return fmt.Errorf("tokenizer.json: %s: %w", part, err) }

// maxGrowth is how many times longer the normalizers together may make a text.
const maxGrowth = 1 << 14

// parseNormalizer gives nil for null.
func parseNormalizer(raw json.RawMessage) (normalizer, error) {
	steps, err := parseNormalizers(raw, 0)
	growth := 1
	for _, n := range steps {
		more := 1
		switch n := n.(type) {
		case replace:
			more += len(n.content)
		case prepend:
			more += len(n)
		case *precompiled:
			more += n.longest
		}
		if more > maxGrowth/growth {
			return nil, stepError("normalizer", errors.New("the replacements make too much of a text"))
		}
		growth *= more
	}
	switch {
	case err != nil || len(steps) == 0:
		return nil, err
	case len(steps) == 1:
		return steps[0], nil
	}
	return steps, nil
}

func parseNormalizers(raw json.RawMessage, depth int) (normalizers, error) {
	const part = "normalizer"
	var n struct {
		Normalizers []json.RawMessage `json:"normalizers"`
		Left        bool              `json:"strip_left"`
		Right       bool              `json:"strip_right"`
		Charsmap    *string           `json:"precompiled_charsmap"`
		Prepend     string            `json:"prepend"`
		Pattern     patternEntry      `json:"pattern"`
		Content     string            `json:"content"`
	}
	kind := kindOf(raw)
	if kind == "null" {
		return nil, nil
	}
	if kind != "BertNormalizer" { // whose fields have defaults
		if err := json.Unmarshal(raw, &n); err != nil {
			return nil, stepError(part, err)
		}
	}
	switch kind {
	case "Sequence":
		if depth == maxNesting {
			return nil, &UnsupportedError{Part: part, Kind: "Sequence within sequences"}
		}
		var steps normalizers
		for _, raw := range n.Normalizers {
			more, err := parseNormalizers(raw, depth+1)
			if err != nil {
				return nil, err
			}
			steps = append(steps, more...)
		}
		return steps, nil
	case "BertNormalizer":
		return parseBertNormalizer(raw)
	case "Lowercase":
		return normalizers{lowercase{}}, nil
	case "Strip":
		return normalizers{strip{n.Left, n.Right}}, nil
	case "StripAccents":
		return normalizers{filter(stripAccents)}, nil
	case "NFC":
		return normalizers{form{composed: true}}, nil
	case "NFD":
		return normalizers{form{}}, nil
	case "NFKC":
		return normalizers{form{compatible: true, composed: true}}, nil
	case "NFKD":
		return normalizers{form{compatible: true}}, nil
	case "Nmt":
		return normalizers{filter(nmtDropped), each(nmtSpaces)}, nil
	case "Prepend":
		return normalizers{prepend(n.Prepend)}, nil
	case "ByteLevel":
		return normalizers{byteLetters{}}, nil
	case "Precompiled":
		if n.Charsmap == nil {
			return nil, stepError(part, errors.New("precompiled_charsmap is missing"))
		}
		p, err := newPrecompiled(*n.Charsmap)
		if err != nil {
			return nil, stepError(part, err)
		}
		return normalizers{p}, nil
	case "Replace":
		m, err := n.Pattern.matcher(part)
		if err != nil {
			return nil, err
		}
		return normalizers{replace{m, n.Content}}, nil
	}
	return nil, &UnsupportedError{Part: part, Kind: kind}
}

func parseBertNormalizer(raw json.RawMessage) (normalizers, error) {
	n := struct {
		Clean   bool  `json:"clean_text"`
		Chinese bool  `json:"handle_chinese_chars"`
		Strip   *bool `json:"strip_accents"`
		Lower   bool  `json:"lowercase"`
	}{Clean: true, Chinese: true, Lower: true}
	if err := json.Unmarshal(raw, &n); err != nil {
		return nil, stepError("normalizer", err)
	}
	strip := n.Lower // not said: as lowercase
	if n.Strip != nil {
		strip = *n.Strip
	}
	return normalizers{newBertNormalizer(n.Clean, n.Chinese, strip, n.Lower)}, nil
}

// patternEntry is what a Split or a Replace looks for.
type patternEntry struct {
	String *string
	Regex  *string
}

func (p patternEntry) matcher(part string) (matcher, error) {
	switch {
	case p.String != nil && *p.String == "": // matches between all characters
		return &expression{re: regexp.MustCompile("")}, nil
	case p.String != nil:
		return literal(*p.String), nil
	case p.Regex != nil:
		return newMatcher(part, *p.Regex)
	}
	return nil, stepError(part, errors.New("a pattern is neither a String nor a Regex"))
}

func parsePreTokenizer(raw json.RawMessage, depth int) ([]preTokenizer, error) {
	const part = "pre_tokenizer"
	kind := kindOf(raw)
	if kind == "null" {
		return nil, nil
	}
	p := struct {
		PreTokenizers []json.RawMessage `json:"pretokenizers"`
		AddPrefix     *bool             `json:"add_prefix_space"`
		UseRegex      *bool             `json:"use_regex"`
		Replacement   string            `json:"replacement"`
		Scheme        string            `json:"prepend_scheme"`
		Split         *bool             `json:"split"`
		Pattern       patternEntry      `json:"pattern"`
		Behavior      string            `json:"behavior"`
		Invert        bool              `json:"invert"`
		Individual    bool              `json:"individual_digits"`
		Delimiter     string            `json:"delimiter"`
		Length        *int              `json:"length"`
	}{Scheme: "always"}
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, stepError(part, err)
	}
	how, known := behaviors[p.Behavior]
	if p.Behavior == "" {
		how, known = isolated, true
	}
	if !known {
		return nil, stepError(part, fmt.Errorf("no behavior %q", p.Behavior))
	}
	one := func(p preTokenizer) ([]preTokenizer, error) { return []preTokenizer{p}, nil }
	switch kind {
	case "Sequence":
		if depth == maxNesting {
			return nil, &UnsupportedError{Part: part, Kind: "Sequence within sequences"}
		}
		var all []preTokenizer
		for _, raw := range p.PreTokenizers {
			more, err := parsePreTokenizer(raw, depth+1)
			if err != nil {
				return nil, err
			}
			all = append(all, more...)
		}
		return all, nil
	case "BertPreTokenizer":
		return one(bertWords{})
	case "ByteLevel":
		if p.AddPrefix == nil {
			return nil, stepError(part, errors.New("add_prefix_space is missing"))
		}
		return one(byteLevel{prefix: *p.AddPrefix, regex: p.UseRegex == nil || *p.UseRegex, letters: true})
	case "Metaspace":
		return parseMetaspace(p.Replacement, p.Scheme, p.AddPrefix, p.Split)
	case "Whitespace":
		return one(splitter{pattern: wordsAndSymbols{}, behavior: dropped, invert: true})
	case "WhitespaceSplit":
		return one(splitter{pattern: runes(isWhite), behavior: dropped, white: true})
	case "Punctuation":
		return one(splitter{pattern: runes(func(r rune) bool { return classOf(r)&classPunctuation != 0 }), behavior: how})
	case "Digits":
		s := splitter{pattern: runes(func(r rune) bool { return propertiesOf(r)&isNumeric != 0 }), behavior: contiguous}
		if p.Individual {
			s.behavior = isolated
		}
		return one(s)
	case "Split":
		m, err := p.Pattern.matcher(part)
		if err != nil {
			return nil, err
		}
		return one(splitter{pattern: m, behavior: how, invert: p.Invert})
	case "CharDelimiterSplit":
		if utf8.RuneCountInString(p.Delimiter) != 1 {
			return nil, stepError(part, fmt.Errorf("the delimiter %q is not one character", p.Delimiter))
		}
		return one(splitter{pattern: literal(p.Delimiter), behavior: dropped})
	case "FixedLength":
		length := 5
		if p.Length != nil {
			length = *p.Length
		}
		if length < 1 {
			return nil, stepError(part, fmt.Errorf("words of %d characters", length))
		}
		return one(fixedLength(length))
	}
	return nil, &UnsupportedError{Part: part, Kind: kind}
}

func parseMetaspace(replacement, scheme string, addPrefix, split *bool) ([]preTokenizer, error) {
	const part = "pre_tokenizer"
	if utf8.RuneCountInString(replacement) != 1 {
		return nil, stepError(part, fmt.Errorf("the replacement %q is not one character", replacement))
	}
	if addPrefix != nil && !*addPrefix {
		scheme = "never"
	}
	m := metaspace{replacement: replacement, splits: split == nil || *split}
	switch scheme {
	case "always":
		m.always = true
	case "first":
		m.first = true
	case "never":
	default:
		return nil, stepError(part, fmt.Errorf("no prepend_scheme %q", scheme))
	}
	return []preTokenizer{m}, nil
}
