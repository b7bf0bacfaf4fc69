package text

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// ModelError says what is wrong with the files of a model.
type ModelError struct {
	Model string // the model's name, or its folder
	Err   error
}

func (e *ModelError) Error() string { return fmt.Sprintf("model %q: %v", e.Model, e.Err) }
func (e *ModelError) Unwrap() error { return e.Err }

// pooling is how a text's token vectors become its one vector.
type pooling int

const (
	poolMean pooling = iota
	poolCLS
	poolMax
	poolMeanSqrt // sum over the square root of the length
)

// settings are what a sentence-transformers folder says about its model.
type settings struct {
	hidden        int // width of a token's vector; 0: not said
	vocabulary    int // size of the embedding table; 0: not said
	maxTokens     int // specials included; 0: not said
	lowerCase     bool
	pooling       pooling
	skipPrompt    bool // the prompt's tokens do not take part in the pooling
	normalize     bool
	prompts       map[string]string
	defaultPrompt string // a key of prompts
}

// maxSettings is the size of the largest file that is read as settings; a tokenizer.json of 250,000 tokens has 17 MB.
const maxSettings = 64 << 20

// readFile reads a file of a model folder. A file that is not there is fs.ErrNotExist.
func readFile(dir, name string) ([]byte, error) {
	if !filepath.IsLocal(name) {
		return nil, fmt.Errorf("%s: leaves the model's folder", name)
	}
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, errors.Unwrap(err))
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSettings+1))
	if err == nil && len(data) > maxSettings {
		err = fmt.Errorf("larger than %d bytes", maxSettings)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}

// readJSON reads a file into v and tells whether it is there.
func readJSON(dir, name string, v any) (bool, error) {
	data, err := readFile(dir, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	return true, nil
}

// readSettings reads config.json, which must be there, and the sentence-transformers files, which need not: without them the rules
// of sentence-transformers for a plain transformer hold, which are mean pooling and no normalisation.
func readSettings(dir string) (*settings, error) {
	var config struct {
		Hidden       int `json:"hidden_size"`
		Dim          int `json:"dim"` // DistilBERT's name for it
		Vocabulary   int `json:"vocab_size"`
		MaxPositions int `json:"max_position_embeddings"`
	}
	if found, err := readJSON(dir, "config.json", &config); err != nil {
		return nil, err
	} else if !found {
		return nil, errors.New("config.json is missing")
	}
	s := &settings{hidden: config.Hidden, vocabulary: config.Vocabulary}
	if s.hidden == 0 {
		s.hidden = config.Dim
	}
	if err := s.readLength(dir, config.MaxPositions); err != nil {
		return nil, err
	}
	if err := s.readModules(dir); err != nil {
		return nil, err
	}
	var prompts struct {
		Prompts map[string]string `json:"prompts"`
		Default *string           `json:"default_prompt_name"`
	}
	if _, err := readJSON(dir, "config_sentence_transformers.json", &prompts); err != nil {
		return nil, err
	}
	s.prompts = prompts.Prompts
	if prompts.Default != nil {
		if _, ok := s.prompts[*prompts.Default]; !ok {
			return nil, fmt.Errorf("config_sentence_transformers.json: the default prompt %q is not among the prompts", *prompts.Default)
		}
		s.defaultPrompt = *prompts.Default
	}
	return s, nil
}

// readLength finds the longest input, as sentence-transformers does: max_seq_length, else the smaller of the tokenizer's length and
// the number of positions; and never more than the positions.
func (s *settings) readLength(dir string, positions int) error {
	var sbert struct {
		MaxSeqLength *int `json:"max_seq_length"`
		LowerCase    bool `json:"do_lower_case"`
	}
	if _, err := readJSON(dir, "sentence_bert_config.json", &sbert); err != nil {
		return err
	}
	s.lowerCase = sbert.LowerCase
	switch {
	case sbert.MaxSeqLength != nil:
		if *sbert.MaxSeqLength <= 0 {
			return fmt.Errorf("sentence_bert_config.json: max_seq_length is %d", *sbert.MaxSeqLength)
		}
		s.maxTokens = *sbert.MaxSeqLength
	default:
		var tokenizer struct {
			MaxLength float64 `json:"model_max_length"` // "none" is written as 1e30
		}
		if _, err := readJSON(dir, "tokenizer_config.json", &tokenizer); err != nil {
			return err
		}
		if tokenizer.MaxLength >= 1 && tokenizer.MaxLength < 1e6 {
			s.maxTokens = int(tokenizer.MaxLength)
		}
	}
	if positions > 0 && (s.maxTokens == 0 || s.maxTokens > positions) {
		s.maxTokens = positions
	}
	return nil
}

// readModules reads the steps behind the transformer.
func (s *settings) readModules(dir string) error {
	var modules []struct {
		Type string `json:"type"`
		Path string `json:"path"`
	}
	found, err := readJSON(dir, "modules.json", &modules)
	if err != nil {
		return err
	}
	if !found {
		_, err := os.Stat(filepath.Join(dir, "2_Normalize"))
		s.normalize = err == nil
		return s.readPooling(dir, "1_Pooling", false)
	}
	for _, m := range modules {
		switch kind := m.Type[strings.LastIndexByte(m.Type, '.')+1:]; kind {
		case "Transformer":
		case "Pooling":
			if err := s.readPooling(dir, m.Path, true); err != nil {
				return err
			}
		case "Normalize":
			s.normalize = true
		default:
			return fmt.Errorf("modules.json: a step of type %q is not supported", m.Type)
		}
	}
	return nil
}

// readPooling reads a pooling step. Old files have a flag for each mode, new ones name it.
func (s *settings) readPooling(dir, folder string, must bool) error {
	name := path.Join(folder, "config.json")
	var p struct {
		CLS           bool    `json:"pooling_mode_cls_token"`
		Mean          bool    `json:"pooling_mode_mean_tokens"`
		Max           bool    `json:"pooling_mode_max_tokens"`
		MeanSqrt      bool    `json:"pooling_mode_mean_sqrt_len_tokens"`
		WeightedMean  bool    `json:"pooling_mode_weightedmean_tokens"`
		LastToken     bool    `json:"pooling_mode_lasttoken"`
		Mode          *string `json:"pooling_mode"`
		IncludePrompt *bool   `json:"include_prompt"`
	}
	found, err := readJSON(dir, name, &p)
	switch {
	case err != nil:
		return err
	case !found && must:
		return fmt.Errorf("%s is missing", name)
	case !found:
		return nil
	}
	s.skipPrompt = p.IncludePrompt != nil && !*p.IncludePrompt
	var modes []string
	if p.Mode != nil {
		modes = append(modes, *p.Mode)
	} else {
		for _, m := range []struct {
			on   bool
			name string
		}{{p.CLS, "cls"}, {p.Mean, "mean"}, {p.Max, "max"}, {p.MeanSqrt, "mean_sqrt_len_tokens"}, {p.WeightedMean, "weightedmean"}, {p.LastToken, "lasttoken"}} {
			if m.on {
				modes = append(modes, m.name)
			}
		}
	}
	if len(modes) != 1 {
		return fmt.Errorf("%s: want one pooling mode, got %d", name, len(modes))
	}
	known := map[string]pooling{"cls": poolCLS, "mean": poolMean, "max": poolMax, "mean_sqrt_len_tokens": poolMeanSqrt}
	if s.pooling, found = known[modes[0]]; !found {
		return fmt.Errorf("%s: pooling mode %q is not supported", name, modes[0])
	}
	return nil
}
