package onnxgraph

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// config is what config.json says of a model.
type config struct {
	kind
	model      string // model_type
	hidden     int    // width of a token's vector
	embedding  int    // width of the embeddings
	layers     int
	heads      int
	inner      int // width inside the feed-forward part
	positions  int
	vocabulary int
	types      int // of tokens; 0: none
	pad        int // the id of padding
	buckets    int // of distances, with relative
	activation string
	epsilon    float32
	classifier bool // it has a head that gives scores to texts
}

// Check tells whether the model of a config.json can be written, without looking at its weights.
func Check(configJSON []byte) error {
	_, err := parseConfig(configJSON)
	return err
}

// settings are the keys of config.json. A getter's first error stays.
type settings struct {
	raw map[string]json.RawMessage
	err error
}

func (s *settings) fail(key string, format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf("config.json: %s "+format, append([]any{key}, args...)...)
	}
}

// get reads a key into v and tells whether it is there, null being as good as not there.
func (s *settings) get(key string, v any) bool {
	raw, ok := s.raw[key]
	if !ok || string(raw) == "null" {
		return false
	}
	if err := json.Unmarshal(raw, v); err != nil {
		s.fail(key, "is %.40s", raw)
		return false
	}
	return true
}

// number is a whole number within bounds.
func (s *settings) number(key string, otherwise, least, most int) int {
	n := otherwise
	if s.get(key, &n); n < least || n > most {
		s.fail(key, "is %d, want %d to %d", n, least, most)
		return otherwise
	}
	return n
}

// text is a string.
func (s *settings) text(key, otherwise string) string {
	v := otherwise
	s.get(key, &v)
	return v
}

// refuse is for settings that are only known to be off.
func (s *settings) refuse(keys ...string) {
	for _, key := range keys {
		raw, ok := s.raw[key]
		switch string(raw) {
		case "null", "false", "{}", "[]", "0":
		default:
			if ok {
				s.fail(key, "%.60s is not supported", raw)
			}
		}
	}
}

// parseConfig reads config.json. Settings that are missing have transformers' defaults.
func parseConfig(data []byte) (*config, error) {
	s := &settings{}
	if err := json.Unmarshal(data, &s.raw); err != nil {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	c := &config{model: s.text("model_type", "")}
	known := false
	if c.kind, known = kinds[c.model]; !known {
		s.fail("model_type", "%.60q is not supported without an ONNX file; supported: %s", c.model, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
		return nil, s.err
	}
	s.refuse("is_decoder", "is_encoder_decoder", "add_cross_attention", "pruned_heads", "quantization_config", "auto_map")
	if how := s.text("position_embedding_type", "absolute"); how != "absolute" {
		s.fail("position_embedding_type", "%.60q is not supported", how)
	}
	defaults := map[string]int{"hidden_size": 768, "dim": 768, "n_layers": 6, "num_hidden_layers": 12, "heads": 12, "intermediate_size": 3072, "hidden_dim": 3072, "vocab_size": 30522}
	switch c.model {
	case "electra":
		defaults["hidden_size"], defaults["heads"], defaults["intermediate_size"] = 256, 4, 1024
	case "mpnet":
		defaults["vocab_size"] = 30527
	case "roberta", "camembert":
		defaults["vocab_size"] = 50265
	}
	c.hidden = s.number(c.keys.hidden, defaults[c.keys.hidden], 1, 1<<14)
	c.layers = s.number(c.keys.layers, defaults[c.keys.layers], 1, 512)
	c.heads = s.number(c.keys.heads, defaults["heads"], 1, 1<<10)
	c.inner = s.number(c.keys.inner, defaults[c.keys.inner], 1, 1<<17)
	c.positions = s.number("max_position_embeddings", 512, 1, 1<<20)
	c.vocabulary = s.number("vocab_size", defaults["vocab_size"], 1, 1<<24)
	c.embedding = c.hidden
	if c.projected {
		c.embedding = s.number("embedding_size", 128, 1, 1<<14)
	}
	if c.hidden%c.heads != 0 {
		s.fail(c.keys.heads, "is %d, which does not divide %s, %d", c.heads, c.keys.hidden, c.hidden)
	}
	if c.kind.types > 0 {
		c.types = s.number("type_vocab_size", c.kind.types, 0, 1<<10)
	}
	if c.pad = 1; c.behindPadding && c.padding >= 0 {
		c.pad = s.number("pad_token_id", c.padding, 0, 1<<24)
	}
	if c.relative {
		c.buckets = s.number("relative_attention_num_buckets", 32, 4, maxBuckets)
	}
	c.activation = s.text(c.keys.activation, "gelu")
	if _, known := activations[c.activation]; !known {
		s.fail(c.keys.activation, "%.60q is not supported", c.activation)
	}
	epsilon := 1e-12
	if c.model != "distilbert" { // which has no such setting
		s.get("layer_norm_eps", &epsilon)
	}
	if c.epsilon = float32(epsilon); !(epsilon >= 0 && epsilon < 1) || math.IsNaN(epsilon) {
		s.fail("layer_norm_eps", "is %v", epsilon)
	}
	var architectures []string
	s.get("architectures", &architectures)
	c.classifier = len(architectures) > 0 && strings.HasSuffix(architectures[0], "ForSequenceClassification")
	if s.err != nil {
		return nil, s.err
	}
	return c, nil
}
