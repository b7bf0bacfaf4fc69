package text

import (
	"cmp"
	"errors"
	"fmt"
)

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
