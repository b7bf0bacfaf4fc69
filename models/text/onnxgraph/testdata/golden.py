"""Writes small models with random weights, a folder each, as transformers and sentence-transformers save them, with what these two give for some inputs in
golden.json: ids -> last_hidden_state or logits, texts -> vectors, a query and documents -> scores. Needs PyPI's torch, transformers, sentence-transformers,
tokenizers and safetensors. A model is written again only if its folder is gone: the weights do not depend on other models, but on the versions of these."""
import json
import os
import shutil
import sys
import zlib

import sentence_transformers
import tokenizers
import torch
import transformers
from sentence_transformers import CrossEncoder, SentenceTransformer
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

VOCABULARY, HIDDEN, INNER, LAYERS, HEADS = 200, 32, 48, 2, 4
CORPUS = ["Paris is the capital of France, and Berlin is the capital of Germany.", "A cat sleeps on the sofa while it rains.",
          "How do I embed a text? One two three, four five six.", "Ünïcödé and 東京, too; e = mc² costs 12.50 €!"]
TEXTS = CORPUS + ["", "cat", "two  words", "Paris " * 60 + "."]
QUERY = "What is the capital of France?"


def wordpiece():
    t = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer, t.pre_tokenizer, t.decoder = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    t.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=VOCABULARY, special_tokens=special, show_progress=False))
    t.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return t, dict(pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]")


ROBERTA = dict(bos_token="<s>", pad_token="<pad>", eos_token="</s>", unk_token="<unk>", cls_token="<s>", sep_token="</s>", mask_token="<mask>")


def bpe():
    t = tokenizers.Tokenizer(models.BPE())
    t.pre_tokenizer, t.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    t.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=special, show_progress=False))
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return t, ROBERTA


def unigram():
    t = tokenizers.Tokenizer(models.Unigram())
    t.normalizer, t.pre_tokenizer, t.decoder = normalizers.NFKC(), pre_tokenizers.Metaspace(), decoders.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    t.train_from_iterator(CORPUS, trainers.UnigramTrainer(vocab_size=VOCABULARY, special_tokens=special, unk_token="<unk>", show_progress=False))
    t.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    return t, ROBERTA


def mpnet():
    t, _ = wordpiece()
    special = ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"]
    t.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=VOCABULARY, special_tokens=special, show_progress=False))
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=False, add_prefix_space=False)
    return t, {**ROBERTA, "unk_token": "[UNK]"}


COMMON = dict(hidden_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=HEADS, intermediate_size=INNER)
T = transformers
# name: tokenizer, configuration, encoder's class, number type, pooling
ENCODERS = {
    "bert": (wordpiece, T.BertConfig(**COMMON, max_position_embeddings=150), T.BertModel, torch.float32, "mean"),
    "roberta": (bpe, T.RobertaConfig(**COMMON, max_position_embeddings=152, type_vocab_size=1, layer_norm_eps=1e-5), T.RobertaModel, torch.bfloat16, "cls"),
    "xlm-roberta": (unigram, T.XLMRobertaConfig(**COMMON, max_position_embeddings=152, type_vocab_size=1, hidden_act="gelu_new"), T.XLMRobertaModel, torch.float16, "mean"),
    "distilbert": (wordpiece, T.DistilBertConfig(dim=HIDDEN, n_layers=LAYERS, n_heads=HEADS, hidden_dim=INNER, max_position_embeddings=150), T.DistilBertModel, torch.float16, "mean"),
    "mpnet": (mpnet, T.MPNetConfig(**COMMON, max_position_embeddings=202), T.MPNetModel, torch.float16, "mean"),
    "electra": (wordpiece, T.ElectraConfig(**COMMON, embedding_size=16, max_position_embeddings=150, hidden_act="silu"), T.ElectraModel, torch.float16, "mean"),
}
CLASSIFIERS = {
    "bert-classifier": (wordpiece, T.BertConfig(**COMMON, max_position_embeddings=150, hidden_act="relu"), T.BertForSequenceClassification, torch.float16, 1),
    "roberta-classifier": (bpe, T.RobertaConfig(**COMMON, max_position_embeddings=152, type_vocab_size=1, layer_norm_eps=1e-5), T.RobertaForSequenceClassification, torch.float16, 1),
    "xlm-roberta-classifier": (unigram, T.XLMRobertaConfig(**COMMON, max_position_embeddings=152, type_vocab_size=1), T.XLMRobertaForSequenceClassification, torch.float16, 1),
    "distilbert-classifier": (wordpiece, T.DistilBertConfig(dim=HIDDEN, n_layers=LAYERS, n_heads=HEADS, hidden_dim=INNER, max_position_embeddings=150), T.DistilBertForSequenceClassification, torch.float16, 1),
    "mpnet-classifier": (mpnet, T.MPNetConfig(**COMMON, max_position_embeddings=152), T.MPNetForSequenceClassification, torch.float16, 1),
    "electra-classifier": (wordpiece, T.ElectraConfig(**COMMON, embedding_size=32, max_position_embeddings=150), T.ElectraForSequenceClassification, torch.float16, 3),
}


def write(name, tokenizer, config, kind, dtype, pooling, labels):
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    if os.path.exists(os.path.join(folder, "golden.json")):
        return
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(zlib.crc32(name.encode()))
    tok, special = tokenizer()
    names = ["input_ids", "token_type_ids", "attention_mask"] if config.model_type in ("bert", "electra") else ["input_ids", "attention_mask"]
    fast = T.PreTrainedTokenizerFast(tokenizer_object=tok, model_max_length=config.max_position_embeddings - 2, model_input_names=names, **special)
    config.vocab_size, config.pad_token_id = tok.get_vocab_size(), fast.pad_token_id
    if labels:
        config.num_labels = labels
    config._attn_implementation = "eager"
    model = kind(config).eval()
    with torch.no_grad():
        for key, p in model.named_parameters():
            p.copy_(torch.randn_like(p) * (0.3 if p.dim() == 2 else 0.2) + (1 if "LayerNorm.weight" in key or "layer_norm.weight" in key else 0))
            p.copy_(p.to(dtype).float())  # what the file will say
    model.to(dtype).save_pretrained(folder)
    fast.save_pretrained(folder)
    model = kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    inputs = fast(CORPUS + ["cat"], padding=True, return_tensors="pt")
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    types = torch.zeros_like(ids)
    if len(names) == 3:
        types[:, 3:] = mask[:, 3:]
    ids[3, 4] = config.pad_token_id  # in the middle of a text, and attended to: positions depend on it with some kinds
    feed = dict(input_ids=ids, attention_mask=mask)
    if len(names) == 3:
        feed["token_type_ids"] = types
    with torch.no_grad():
        out = model(**feed)
    out = out.logits if labels else out.last_hidden_state
    golden = dict(ids=ids.tolist(), mask=mask.tolist(), types=types.tolist(), shape=list(out.shape), output=[round(v, 6) for v in out.flatten().tolist()])
    if labels == 1:
        ranked = CrossEncoder(folder, device="cpu", activation_fn=torch.nn.Identity(), model_kwargs=dict(dtype=torch.float32))
        golden["query"], golden["documents"] = QUERY, TEXTS
        golden["scores"] = [round(float(v), 6) for v in ranked.predict([(QUERY, t) for t in TEXTS])]
        path = os.path.join(folder, "config.json")
        settings = json.load(open(path))
        settings["sentence_transformers"] = {"activation_fn": "torch.nn.modules.linear.Identity"}
        json.dump(settings, open(path, "w"), indent=2)
    elif not labels:
        st = sentence_transformers.sentence_transformer.modules if hasattr(sentence_transformers, "sentence_transformer") else sentence_transformers.models
        steps = [st.Transformer(folder, model_kwargs=dict(dtype=torch.float32)), st.Pooling(HIDDEN, pooling_mode=pooling), st.Normalize()]
        encoder = SentenceTransformer(modules=steps, device="cpu")
        golden["texts"] = TEXTS
        golden["vectors"] = [[round(float(v), 6) for v in row] for row in encoder.encode(TEXTS)]
        steps = [{"idx": i, "name": str(i), "path": p, "type": "sentence_transformers.models." + k} for i, (p, k) in enumerate([("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")])]
        json.dump(steps, open(os.path.join(folder, "modules.json"), "w"))
        os.makedirs(os.path.join(folder, "1_Pooling"))
        json.dump({"pooling_mode": pooling}, open(os.path.join(folder, "1_Pooling", "config.json"), "w"))
    json.dump(golden, open(os.path.join(folder, "golden.json"), "w"), ensure_ascii=False)
    for f in os.listdir(folder):
        if f not in ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors", "golden.json", "modules.json", "1_Pooling"):
            os.remove(os.path.join(folder, f))
    os.chmod(os.path.join(folder, "model.safetensors"), 0o644)
    print(name, os.path.getsize(os.path.join(folder, "model.safetensors")), "bytes", file=sys.stderr)


for name, (tokenizer, config, kind, dtype, pooling) in ENCODERS.items():
    write(name, tokenizer, config, kind, dtype, pooling, 0)
for name, (tokenizer, config, kind, dtype, labels) in CLASSIFIERS.items():
    write(name, tokenizer, config, kind, dtype, "", labels)
# MPNet's buckets, which are computed in float32, for all distances from -1000 to 1000.
if not os.path.exists("buckets.json"):
    distance = torch.arange(-1000, 1001)
    json.dump({n: T.models.mpnet.modeling_mpnet.MPNetEncoder.relative_position_bucket(distance, num_buckets=n).tolist() for n in (32, 64, 20)}, open("buckets.json", "w"))
