"""The reference's side of the part tokens. argv[1] is a folder with headlines.txt and long.txt, a text a line.

tokens.py FOLDER make       trains tokenizers on the headlines, by kind: FOLDER/KIND.json
tokens.py FOLDER KIND TEXTS encodes the texts, on one thread, and prints how many ids, their checksum, and the processor's seconds, as JSON
"""

import array, json, os, sys, time, zlib

os.environ["TOKENIZERS_PARALLELISM"] = "false"
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

folder, what = sys.argv[1], sys.argv[2]
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def texts(name):
    return open(f"{folder}/{name}.txt", encoding="utf-8").read().split("\n")


def make():
    byte = pre_tokenizers.ByteLevel
    for kind, pre in [("GPT-2", byte(add_prefix_space=False)), ("Llama 3", pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), "isolated"), byte(add_prefix_space=False, use_regex=False)]))]:
        tok = Tokenizer(models.BPE())
        tok.pre_tokenizer = pre
        tok.train_from_iterator(texts("headlines"), trainers.BpeTrainer(vocab_size=16000, initial_alphabet=byte.alphabet(), show_progress=False))
        tok.save(f"{folder}/{kind}.json")
    tok = Tokenizer(models.Unigram())
    tok.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tok.pre_tokenizer = pre_tokenizers.Metaspace()
    tok.train_from_iterator(texts("headlines"), trainers.UnigramTrainer(vocab_size=16000, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False))
    tok.save(f"{folder}/Unigram.json")


if what == "make":
    make()
else:
    tok = Tokenizer.from_file(f"{folder}/{what}.json")
    tok.no_truncation()
    tok.no_padding()
    lines = texts(sys.argv[3])
    best = 1e9
    for _ in range(3):
        begin = time.process_time()
        encodings = tok.encode_batch_fast(lines)
        best = min(best, time.process_time() - begin)
    ids = array.array("i", (i for e in encodings for i in e.ids))
    print(json.dumps({"n": len(ids), "sum": zlib.crc32(ids.tobytes()), "seconds": best}))
