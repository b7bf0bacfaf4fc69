package onnxgraph

// kind is how a model_type names its settings and weights, and what sets it apart. The names are those of transformers' modeling files.
type kind struct {
	base string // of the weights' names, where the encoder is part of a larger model
	keys keys
	// stem is what the names of a layer's weights begin with, %d being its number.
	stem  string
	layer layerNames
	head  head
	// behindPadding: positions are counted over the tokens that are no padding, from behind the padding's id on, as RoBERTa does.
	behindPadding bool
	padding       int  // the id of padding where config.json doesn't say; -1: what config.json says doesn't count, it is 1 (MPNet)
	types         int  // how many types of tokens there are where config.json doesn't say; 0: the kind has none
	relative      bool // attention has a bias by distance (MPNet)
	projected     bool // embeddings may have a width of their own (ELECTRA)
}

// keys are a kind's names for common settings.
type keys struct{ hidden, layers, heads, inner, activation string }

type layerNames struct{ query, key, value, output, attentionNorm, up, down, norm string }

// head is how a kind classifies: what the first token's vector goes through.
type head struct {
	dense      string // first layer; below the encoder's names where inBase
	inBase     bool
	activation string
	output     string // second layer
}

var (
	commonKeys = keys{"hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act"}
	bertLayer  = layerNames{"attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense", "attention.output.LayerNorm",
		"intermediate.dense", "output.dense", "output.LayerNorm"}
	tanhHead = head{dense: "classifier.dense", activation: "tanh", output: "classifier.out_proj"}
	roberta  = kind{base: "roberta", keys: commonKeys, stem: "encoder.layer.%d.", layer: bertLayer, head: tanhHead, behindPadding: true, padding: 1, types: 2}
)

// kinds are what is known, by model_type.
var kinds = map[string]kind{
	"bert": {base: "bert", keys: commonKeys, stem: "encoder.layer.%d.", layer: bertLayer, types: 2,
		head: head{dense: "pooler.dense", inBase: true, activation: "tanh", output: "classifier"}},
	"roberta":     roberta,
	"xlm-roberta": roberta,
	"camembert":   roberta,
	"electra": {base: "electra", keys: commonKeys, stem: "encoder.layer.%d.", layer: bertLayer, types: 2, projected: true,
		head: head{dense: "classifier.dense", activation: "gelu", output: "classifier.out_proj"}},
	"distilbert": {base: "distilbert", keys: keys{"dim", "n_layers", "n_heads", "hidden_dim", "activation"}, stem: "transformer.layer.%d.",
		layer: layerNames{"attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin", "sa_layer_norm", "ffn.lin1", "ffn.lin2", "output_layer_norm"},
		head:  head{dense: "pre_classifier", activation: "relu", output: "classifier"}},
	"mpnet": {base: "mpnet", keys: commonKeys, stem: "encoder.layer.%d.", head: tanhHead, behindPadding: true, padding: -1, relative: true,
		layer: layerNames{"attention.attn.q", "attention.attn.k", "attention.attn.v", "attention.attn.o", "attention.LayerNorm",
			"intermediate.dense", "output.dense", "output.LayerNorm"}},
}
