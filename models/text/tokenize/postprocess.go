package tokenize

import (
	"encoding/json"
	"errors"
	"fmt"
)

// parsePostProcessor reads what stands around a single text.
func (t *Tokenizer) parsePostProcessor(raw json.RawMessage) error {
	switch kind := kindOf(raw); kind {
	case "null":
		return nil
	case "TemplateProcessing":
		return t.parseTemplate(raw)
	case "BertProcessing", "RobertaProcessing": // for a single text both are: cls text sep
		var p struct{ Cls, Sep *namedID }
		if err := json.Unmarshal(raw, &p); err != nil {
			return fmt.Errorf("tokenizer.json: post_processor: %w", err)
		}
		if p.Cls == nil || p.Sep == nil {
			return errors.New("tokenizer.json: post_processor: cls or sep is missing")
		}
		t.prefix, t.suffix = []int32{p.Cls.id}, []int32{p.Sep.id}
		return nil
	default:
		return &UnsupportedError{Part: "post_processor", Kind: kind}
	}
}

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

func (t *Tokenizer) parseTemplate(raw json.RawMessage) error {
	type piece struct {
		ID     string `json:"id"`
		TypeID int    `json:"type_id"`
	}
	var p struct {
		Single []struct {
			SpecialToken *piece
			Sequence     *piece
		} `json:"single"`
		SpecialTokens map[string]struct {
			IDs []int32 `json:"ids"`
		} `json:"special_tokens"`
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return fmt.Errorf("tokenizer.json: post_processor: %w", err)
	}
	texts := 0
	for _, s := range p.Single {
		one := s.SpecialToken
		if one == nil {
			one = s.Sequence
		}
		switch {
		case one == nil:
			return errors.New("tokenizer.json: post_processor: a template piece is neither a special token nor the text")
		case one.TypeID != 0:
			return &UnsupportedError{Part: "post_processor", Kind: "TemplateProcessing with type ids in a single text"}
		case s.Sequence != nil:
			texts++
			continue
		}
		token, ok := p.SpecialTokens[one.ID]
		if !ok {
			return fmt.Errorf("tokenizer.json: post_processor: the template's token %q is not among its special tokens", one.ID)
		}
		if texts == 0 {
			t.prefix = append(t.prefix, token.IDs...)
		} else {
			t.suffix = append(t.suffix, token.IDs...)
		}
	}
	if texts != 1 {
		return fmt.Errorf("tokenizer.json: post_processor: the template holds the text %d times", texts)
	}
	return nil
}
