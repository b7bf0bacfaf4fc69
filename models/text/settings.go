package text

import (
	"cmp"
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

// settings are what a sentence-transformers folder says about its model.
type settings struct {
	hidden        int    // width of a token's vector; 0: not said
	vocabulary    int    // size of the embedding table; 0: not said
	labels        int    // of a classifier; 0: not said
	activation    string // of a cross-encoder, where it is one that is not known here
	identity      bool   // a cross-encoder's scores are the logits themselves
	maxTokens     int    // specials included; 0: not said
	positions     int    // the longest input that the model can take; 0: not said
	lowerCase     bool
	pooling       []pooling // never empty; the vectors of several stand one after the other
	skipPrompt    bool      // the prompt's tokens do not take part in the pooling
	steps         []step    // behind the pooling
	prompts       map[string]string
	defaultPrompt string // a key of prompts
}

// maxSettings is the size of the largest file that is read as settings; a tokenizer.json of 250,000 tokens has 17 MB.
const maxSettings = 64 << 20

// maxConfig is the size of the largest of the other files, whose JSON takes a multiple of that in memory; a tokenizer_config.json has a megabyte.
const maxConfig = 16 << 20

// maxSteps is how many steps there may be, and maxStepWeights how many numbers they may have together.
const (
	maxSteps       = 32
	maxStepWeights = 1 << 28
)

// readFile reads a file of a model folder. A file that is not there is fs.ErrNotExist.
func readFile(dir, name string) ([]byte, error) { return readUpTo(dir, name, maxSettings) }

// readUpTo reads a file of a model folder that may be so large.
func readUpTo(dir, name string, limit int64) ([]byte, error) {
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
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("larger than %d bytes", limit)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}

// readJSON reads a file into v and tells whether it is there.
func readJSON(dir, name string, v any) (bool, error) {
	data, err := readUpTo(dir, name, maxConfig)
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

// sentenceTransformersFile has what sentence-transformers says of a model as a whole.
const sentenceTransformersFile = "config_sentence_transformers.json"

type sentenceTransformers struct {
	Kind       string            `json:"model_type"` // SentenceTransformer, CrossEncoder; empty before version 5
	Prompts    map[string]string `json:"prompts"`
	Default    *string           `json:"default_prompt_name"`
	Activation string            `json:"activation_fn"` // a cross-encoder's
}

// readSettings reads config.json, which must be there, and the sentence-transformers files, which need not: without them the rules
// of sentence-transformers for a plain transformer hold, which are mean pooling and no normalisation.
func readSettings(dir string) (*settings, error) {
	var config struct {
		Hidden       int    `json:"hidden_size"`
		Dim          int    `json:"dim"` // DistilBERT's name for it
		Vocabulary   int    `json:"vocab_size"`
		MaxPositions int    `json:"max_position_embeddings"`
		Kind         string `json:"model_type"`
		PadID        *int   `json:"pad_token_id"`

		Labels              map[string]any `json:"id2label"`
		NumLabels           int            `json:"num_labels"`
		SentenceTransformer struct {
			Activation string `json:"activation_fn"`
		} `json:"sentence_transformers"`
		Activation string `json:"sbert_ce_default_activation_function"` // its name before version 4
	}
	if found, err := readJSON(dir, "config.json", &config); err != nil {
		return nil, err
	} else if !found {
		return nil, errors.New("config.json is missing")
	}
	s := &settings{hidden: config.Hidden, vocabulary: config.Vocabulary, labels: config.NumLabels}
	if len(config.Labels) > 0 {
		s.labels = len(config.Labels)
	}
	var prompts sentenceTransformers
	if _, err := readJSON(dir, sentenceTransformersFile, &prompts); err != nil {
		return nil, err
	}
	// Where versions 6, 4 and those before have put it.
	activation := cmp.Or(prompts.Activation, config.SentenceTransformer.Activation, config.Activation)
	switch activation {
	case "", "torch.nn.modules.activation.Sigmoid": // the default where there is one label
	case "torch.nn.modules.linear.Identity":
		s.identity = true
	default:
		s.activation = activation
	}
	if s.hidden == 0 {
		s.hidden = config.Dim
	}
	if startsBehindPadding[config.Kind] && config.MaxPositions > 0 {
		// Positions are counted from behind the padding's id, which is 1 with all of them unless they say something else.
		pad := 1
		if config.PadID != nil {
			pad = *config.PadID
		}
		config.MaxPositions = max(1, config.MaxPositions-pad-1)
	}
	if err := s.readLength(dir, config.MaxPositions); err != nil {
		return nil, err
	}
	if err := s.readModules(dir); err != nil {
		return nil, err
	}
	s.prompts = prompts.Prompts
	if prompts.Default != nil {
		if _, ok := new(EmbedOptions).prompt(s, *prompts.Default); !ok {
			return nil, fmt.Errorf("config_sentence_transformers.json: the default prompt %q is not among the prompts", *prompts.Default)
		}
		s.defaultPrompt = *prompts.Default
	}
	return s, nil
}

// startsBehindPadding are the kinds of models that number positions as RoBERTa does: 514 of them hold 512 tokens.
var startsBehindPadding = map[string]bool{"roberta": true, "xlm-roberta": true, "xlm-roberta-xl": true, "camembert": true, "mpnet": true, "longformer": true, "roberta-prelayernorm": true, "data2vec-text": true}

// lengthFiles are the names that sentence-transformers has given the file of the transformer's settings.
var lengthFiles = []string{
	"sentence_bert_config.json", "sentence_roberta_config.json", "sentence_distilbert_config.json", "sentence_camembert_config.json",
	"sentence_albert_config.json", "sentence_xlm-roberta_config.json", "sentence_xlnet_config.json",
}

// readLength finds the longest input, as sentence-transformers does: max_seq_length, else the smaller of the tokenizer's length and
// the number of positions; and never more than the positions.
func (s *settings) readLength(dir string, positions int) error {
	var sbert struct {
		MaxSeqLength *int `json:"max_seq_length"`
		LowerCase    bool `json:"do_lower_case"`
	}
	file := ""
	for _, name := range lengthFiles {
		found, err := readJSON(dir, name, &sbert)
		if err != nil {
			return err
		}
		if found {
			file = name
			break
		}
	}
	s.lowerCase = sbert.LowerCase
	switch {
	case sbert.MaxSeqLength != nil:
		if *sbert.MaxSeqLength <= 0 {
			return fmt.Errorf("%s: max_seq_length is %d", file, *sbert.MaxSeqLength)
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
	s.positions = positions
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
	s.pooling = []pooling{poolMean}
	if !found {
		if _, err := os.Stat(filepath.Join(dir, "2_Normalize")); err == nil {
			s.steps = append(s.steps, unit{})
		}
		return s.readPooling(dir, "1_Pooling", false)
	}
	if len(modules) > maxSteps {
		return fmt.Errorf("modules.json has %d steps", len(modules))
	}
	weights := 0
	for _, m := range modules {
		kind := m.Type[strings.LastIndexByte(m.Type, '.')+1:]
		if len(s.steps) > 0 && (kind == "Transformer" || kind == "Pooling") {
			return fmt.Errorf("modules.json: %s behind other steps is not supported", kind)
		}
		switch kind {
		case "Transformer", "Dropout":
		case "Pooling":
			if err := s.readPooling(dir, m.Path, true); err != nil {
				return err
			}
		case "Normalize":
			s.steps = append(s.steps, unit{})
		case "Dense":
			d, err := readDense(dir, m.Path)
			if err != nil {
				return err
			}
			if weights += len(d.weight); weights > maxStepWeights {
				return fmt.Errorf("modules.json: the steps have more than %d numbers", maxStepWeights)
			}
			s.steps = append(s.steps, d)
		case "LayerNorm":
			l, err := readLayerNorm(dir, m.Path)
			if err != nil {
				return err
			}
			s.steps = append(s.steps, l)
		default:
			return fmt.Errorf("modules.json: a step of type %q is not supported", m.Type)
		}
	}
	return nil
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
