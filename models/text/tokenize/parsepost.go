package tokenize

import (
	"encoding/json"
	"errors"
	"fmt"
)

// namedID is a token as BertProcessing writes it: ["[CLS]", 101].
type namedID struct{ id int32 }

// UnmarshalJSON reads the pair.
func (n *namedID) UnmarshalJSON(data []byte) error {
	var pair []json.RawMessage
	if err := json.Unmarshal(data, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return errors.New("a special token is not a pair of name and id")
	}
	return json.Unmarshal(pair[1], &n.id)
}

func parsePostProcessor(raw json.RawMessage, depth int) ([]processor, error) {
	const part = "post_processor"
	kind := kindOf(raw)
	if kind == "null" {
		return nil, nil
	}
	p := struct {
		Processors []json.RawMessage `json:"processors"`
		Cls, Sep   *namedID
		Trim       *bool `json:"trim_offsets"`
		AddPrefix  *bool `json:"add_prefix_space"`
	}{}
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, stepError(part, err)
	}
	yes := func(p *bool) bool { return p == nil || *p }
	var trim *trimming
	if yes(p.Trim) {
		trim = &trimming{prefixed: yes(p.AddPrefix)}
	}
	switch kind {
	case "Sequence":
		if depth == maxNesting {
			return nil, &UnsupportedError{Part: part, Kind: "Sequence within sequences"}
		}
		var all []processor
		templates := 0
		for _, raw := range p.Processors {
			more, err := parsePostProcessor(raw, depth+1)
			if err != nil {
				return nil, err
			}
			all = append(all, more...)
		}
		for _, p := range all {
			if _, ok := p.(*template); ok {
				templates++
			}
		}
		if templates > 1 {
			return nil, &UnsupportedError{Part: part, Kind: "Sequence of several templates"}
		}
		return all, nil
	case "TemplateProcessing":
		t, err := parseTemplate(raw)
		return []processor{t}, err
	case "ByteLevel":
		if trim == nil {
			return nil, nil
		}
		return []processor{trim}, nil
	case "BertProcessing", "RobertaProcessing":
		if p.Cls == nil || p.Sep == nil {
			return nil, stepError(part, errors.New("cls or sep is missing"))
		}
		if kind == "BertProcessing" {
			return []processor{bertProcessing{p.Cls.id, p.Sep.id}}, nil
		}
		return []processor{robertaProcessing{p.Cls.id, p.Sep.id, trim}}, nil
	}
	return nil, &UnsupportedError{Part: part, Kind: kind}
}

// maxTemplate bounds a template's pieces, and the ids of its special tokens.
const maxTemplate = 1000

func parseTemplate(raw json.RawMessage) (*template, error) {
	const part = "post_processor"
	type piece struct {
		ID     string `json:"id"`
		TypeID int32  `json:"type_id"`
	}
	type pieces []struct {
		SpecialToken *piece
		Sequence     *piece
	}
	var p struct {
		Single        pieces `json:"single"`
		Pair          pieces `json:"pair"`
		SpecialTokens map[string]struct {
			IDs []int32 `json:"ids"`
		} `json:"special_tokens"`
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, stepError(part, err)
	}
	if len(p.Single) > maxTemplate || len(p.Pair) > maxTemplate {
		return nil, stepError(part, fmt.Errorf("a template of more than %d pieces", maxTemplate))
	}
	read := func(from pieces, texts int) ([]templatePiece, error) {
		var out []templatePiece
		ids := 0
		for _, s := range from {
			switch {
			case s.Sequence != nil:
				one := templatePiece{typeID: s.Sequence.TypeID}
				if s.Sequence.ID != "A" {
					one.text = 1
				}
				if one.text >= texts || s.Sequence.ID != "A" && s.Sequence.ID != "B" {
					return nil, fmt.Errorf("a template holds the text %q", s.Sequence.ID)
				}
				out = append(out, one)
			case s.SpecialToken != nil:
				token, ok := p.SpecialTokens[s.SpecialToken.ID]
				if !ok {
					return nil, fmt.Errorf("the template's token %q is not among its special tokens", s.SpecialToken.ID)
				}
				if ids += len(token.IDs); ids > maxTemplate {
					return nil, fmt.Errorf("a template with more than %d special tokens", maxTemplate)
				}
				out = append(out, templatePiece{text: -1, typeID: s.SpecialToken.TypeID, ids: token.IDs})
			default:
				return nil, errors.New("a template piece is neither a special token nor the text")
			}
		}
		return out, nil
	}
	t := new(template)
	var err error
	if t.single, err = read(p.Single, 1); err == nil {
		t.pair, err = read(p.Pair, 2)
	}
	if err != nil {
		return nil, stepError(part, err)
	}
	return t, nil
}
