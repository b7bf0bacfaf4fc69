"""The reference's side of TestAgainstTokenizers (see compare_test.go): PyPI tokenizers, and sentencepiece for a character map.

python reference.py make FOLDER            trains small tokenizers of many kinds on the words of this folder's texts and writes FOLDER/KIND.json
python reference.py run FOLDER SEED COUNT  encodes COUNT random texts or pairs by each kind, and writes what comes of it, as binary records, to stdout;
                                           with SEED 0 the texts hold every code point, 32 of them each
python reference.py golden FOLDER COUNT    makes them small, and writes the files and COUNT texts, gzipped: kinds.gz
"""

import array
import base64
import glob
import gzip
import io
import itertools
import json
import os
import random
import struct
import sys
import tempfile
import unicodedata

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

HERE = os.path.dirname(os.path.abspath(__file__))
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace("{1,3}", "")
O200K = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{M}]*[\p{Ll}\p{Lm}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{M}]+[\p{Ll}\p{Lm}\p{M}]*|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CLIP = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def corpus():
    texts = []
    for path in sorted(glob.glob(os.path.join(HERE, "*.golden.jsonl"))):
        texts += [json.loads(line)["text"] for line in open(path, encoding="utf-8")]
    # Words of this package's own files, so that there is enough to join.
    for path in sorted(glob.glob(os.path.join(HERE, "..", "*.go"))):
        texts += open(path, encoding="utf-8").read().split("\n")
    return texts


SMALL = sys.argv[1] == "golden"


def charsmap(texts):
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2 as pb

    out, rules = io.BytesIO(), {}
    if SMALL:  # the whole map has 240 kB
        with tempfile.NamedTemporaryFile("w", suffix=".tsv", delete=False) as f:
            for c in [0x9, 0xA, 0xA0, 0x3000, 0x200B, 0x1D165, *range(0xC0, 0x100), *range(0x2460, 0x2469), *range(0xFB00, 0xFB07), *range(0xFF01, 0xFF5F), *range(0xFF66, 0xFF9E)]:
                to = unicodedata.normalize("NFKC", chr(c)) if c not in (0x200B, 0xA, 0x1D165) else {0xA: " "}.get(c, "")
                if to != chr(c):
                    f.write(f"{c:X}\t{' '.join(f'{ord(t):X}' for t in to)}\n")
            f.write("65 301\tE9\nD A\t20\nFF76 FF9E\t30AC\n61 323 307\t1EA1 307\n")
        rules = {"normalization_rule_tsv": f.name}
    sentencepiece.SentencePieceTrainer.train(**rules, sentence_iterator=iter([t[:500] for t in texts if t.strip() and t.isascii()]), model_writer=out, vocab_size=400, hard_vocab_limit=False, minloglevel=2)
    model = pb.ModelProto()
    model.ParseFromString(out.getvalue())
    return base64.b64encode(model.normalizer_spec.precompiled_charsmap).decode()


def sequence(*steps):
    return normalizers.Sequence(list(steps))


def template(single, pair, **ids):
    return processors.TemplateProcessing(single=single, pair=pair, special_tokens=list(ids.items()))


def special(tok, *names, **how):
    tok.add_special_tokens([AddedToken(n, normalized=False, **how) for n in names])


def make(folder):
    texts = corpus()
    os.makedirs(folder, exist_ok=True)
    precompiled = normalizers.Precompiled(base64.b64decode(charsmap(texts)))
    letters = pre_tokenizers.ByteLevel.alphabet()
    byte_tokens = [f"<0x{c:02X}>" for c in range(256)]
    made = {}

    def bpe(name, normalizer, pre, vocab=3000, alphabet=letters, specials=("<s>", "</s>", "<pad>", "<mask>", "<unk>"), trainer={}, change={}, **how):
        tok = Tokenizer(models.BPE(**how))
        if normalizer:
            tok.normalizer = normalizer
        if pre:
            tok.pre_tokenizer = pre
        tok.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=700 if SMALL else vocab, limit_alphabet=260 if SMALL else 10000, initial_alphabet=list(alphabet), special_tokens=list(specials), show_progress=False, **trainer))
        if change:
            j = json.loads(tok.to_str())
            j["model"].update(change)
            tok = Tokenizer.from_str(json.dumps(j))
        made[name] = tok
        return tok

    def unigram(name, normalizer, pre, vocab=2000, bytes=False):
        tok = Tokenizer(models.Unigram())
        if normalizer:
            tok.normalizer = normalizer
        if pre:
            tok.pre_tokenizer = pre
        specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"] + (byte_tokens if bytes else [])
        tok.train_from_iterator([t for t in texts if all(ord(c) < (0x7F if SMALL else 0x400) for c in t)], trainers.UnigramTrainer(vocab_size=vocab // 4 if SMALL else vocab, special_tokens=specials, unk_token="<unk>", show_progress=False))
        if bytes:
            j = json.loads(tok.to_str())
            j["model"]["byte_fallback"] = True
            j["added_tokens"] = [a for a in j["added_tokens"] if not a["content"].startswith("<0x")]
            tok = Tokenizer.from_str(json.dumps(j))
        made[name] = tok
        return tok

    def pieces(name, normalizer, pre, vocab=1500, **how):
        tok = Tokenizer(models.WordPiece(unk_token="[UNK]", **how))
        if normalizer:
            tok.normalizer = normalizer
        if pre:
            tok.pre_tokenizer = pre
        tok.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=vocab // 2 if SMALL else vocab, limit_alphabet=150 if SMALL else 5000, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
        made[name] = tok
        return tok

    byte = pre_tokenizers.ByteLevel
    tok = bpe("gpt2", None, byte(add_prefix_space=False), specials=["<|endoftext|>"])
    tok.post_processor = processors.ByteLevel(trim_offsets=False)
    tok = bpe("roberta", None, byte(add_prefix_space=False))
    tok.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    special(tok, "<mask>", lstrip=True)
    tok = bpe("robertaprefix", None, byte(add_prefix_space=True))
    tok.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0), trim_offsets=True, add_prefix_space=True)
    special(tok, "<mask>", lstrip=True, rstrip=True)
    tok = bpe("llama3", None, pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), "isolated"), byte(add_prefix_space=False, use_regex=False)]), change={"ignore_merges": True})
    tok.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True), template("<s> $A", "<s> $A <s>:1 $B:1", **{"<s>": 0})])
    tok = bpe("qwen2", normalizers.NFC(), pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(QWEN2), "isolated"), byte(add_prefix_space=False, use_regex=False)]))
    tok.post_processor = processors.ByteLevel(trim_offsets=False)
    tok = bpe("o200k", None, pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(O200K), "isolated"), byte(add_prefix_space=False, use_regex=False)]))
    bpe("starcoder", None, pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte(add_prefix_space=False)]))
    bpe("digitslast", normalizers.NFKD(), pre_tokenizers.Sequence([byte(add_prefix_space=True), pre_tokenizers.Digits(individual_digits=False)]))
    tok = bpe("clip", sequence(normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()),
              pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(CLIP), "removed", invert=True), byte(add_prefix_space=False)]),
              specials=["<|startoftext|>", "<|endoftext|>"], trainer={"end_of_word_suffix": "</w>"}, end_of_word_suffix="</w>", unk_token="<|endoftext|>")
    tok.post_processor = processors.RobertaProcessing(("<|endoftext|>", 1), ("<|startoftext|>", 0), trim_offsets=False, add_prefix_space=False)
    bpe("openaigpt", normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer(), alphabet=[], trainer={"end_of_word_suffix": "</w>"}, end_of_word_suffix="</w>", unk_token="<unk>")
    bpe("llama2", sequence(normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")), None, alphabet=[], vocab=1500, specials=["<unk>", "<s>", "</s>"] + byte_tokens,
        change={"byte_fallback": True, "fuse_unk": True}, unk_token="<unk>", trainer={"max_token_length": 12}).post_processor = template("<s> $A", "<s> $A <s> $B:1", **{"<s>": 1})
    bpe("gemma", normalizers.Replace(" ", "▁"), pre_tokenizers.Split(" ", "merged_with_previous"), alphabet=[], vocab=1500, specials=["<unk>", "<bos>"] + byte_tokens,
        change={"byte_fallback": True}, unk_token="<unk>", trainer={"max_token_length": 12})
    bpe("first", None, pre_tokenizers.Metaspace(prepend_scheme="first", split=False), alphabet=[], vocab=1500, specials=["<unk>", "<s>"], unk_token="<unk>", fuse_unk=True, trainer={"max_token_length": 12})
    bpe("nounknown", None, pre_tokenizers.Whitespace(), alphabet=[], vocab=800, specials=[])
    bpe("continuing", normalizers.NFKC(), pre_tokenizers.Whitespace(), alphabet=[], vocab=1500, specials=["<unk>"], unk_token="<unk>", continuing_subword_prefix="##", trainer={"continuing_subword_prefix": "##"})
    made["bytesnormalized"] = bpe("bytesnormalized", sequence(normalizers.NFD(), normalizers.ByteLevel()), None, vocab=1200, trainer={"max_token_length": 8})

    tok = unigram("t5", precompiled, pre_tokenizers.Metaspace())
    tok.post_processor = template("$A </s>", "$A </s> $B </s>", **{"</s>": 2})
    tok = unigram("xlmr", sequence(precompiled, normalizers.Replace(Regex(" {2,}"), " ")), pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]))
    tok.post_processor = template("<s> $A </s>", "<s> $A </s> </s> $B </s>", **{"<s>": 0, "</s>": 2})
    special(tok, "<mask>", lstrip=True)
    unigram("albert", sequence(normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(), precompiled),
            pre_tokenizers.Metaspace()).post_processor = template("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", **{"[CLS]": 0, "[SEP]": 2})
    unigram("deberta", sequence(normalizers.Strip(), precompiled, normalizers.Replace(Regex(" {2,}"), " ")), pre_tokenizers.Metaspace(), bytes=True)
    unigram("striplast", sequence(normalizers.Nmt(), normalizers.Strip(left=True, right=False)), pre_tokenizers.Metaspace(prepend_scheme="first"), bytes=True)
    unigram("never", None, pre_tokenizers.Sequence([pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.Metaspace(prepend_scheme="never", split=False)]))
    tok = unigram("trimmed", normalizers.NFKC(), pre_tokenizers.Metaspace(split=False))
    tok.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True, add_prefix_space=False), processors.BertProcessing(("</s>", 2), ("<s>", 0))])

    bert = lambda **how: template("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", **{"[CLS]": 2, "[SEP]": 3})
    pieces("bert", normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()).post_processor = bert()
    tok = pieces("bertcased", normalizers.BertNormalizer(lowercase=False), pre_tokenizers.BertPreTokenizer(), max_input_chars_per_word=12)
    tok.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tok.add_tokens([AddedToken("the", single_word=True, normalized=True), AddedToken("Straße", normalized=True), AddedToken("  ", normalized=False), AddedToken("ab", rstrip=True, lstrip=True, normalized=False)])
    tok = pieces("normalizedtokens", sequence(normalizers.NFKC(), normalizers.Lowercase(), normalizers.Strip()), pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("merged_with_previous"), pre_tokenizers.Digits(False)]))
    tok.add_tokens([AddedToken("THE", single_word=True, normalized=True), AddedToken("é", normalized=True, rstrip=True), AddedToken("ﬁ", normalized=True, lstrip=True), AddedToken("of the", normalized=True)])
    pieces("nextwords", sequence(normalizers.StripAccents(), normalizers.Replace(Regex(r"\d"), "#")), pre_tokenizers.Sequence([pre_tokenizers.CharDelimiterSplit("e"), pre_tokenizers.Punctuation("merged_with_next")]))
    pieces("fixed", normalizers.NFD(), pre_tokenizers.FixedLength(length=3))
    pieces("splits", None, pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(r"\s+"), "merged_with_next"), pre_tokenizers.Split(Regex(r"[aeiou]{1,2}"), "contiguous"), pre_tokenizers.Split("t", "removed", invert=False)]))
    tok = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    tok.normalizer, tok.pre_tokenizer = sequence(normalizers.NFKC(), normalizers.Lowercase(), normalizers.Strip()), pre_tokenizers.Whitespace()
    tok.train_from_iterator(texts, trainers.WordLevelTrainer(vocab_size=300 if SMALL else 2000, special_tokens=["[UNK]", "[CLS]"], show_progress=False))
    made["wordlevel"] = tok
    tok = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    tok.normalizer, tok.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Split("", "isolated")
    tok.train_from_iterator(texts, trainers.WordLevelTrainer(vocab_size=150, special_tokens=["[UNK]"], show_progress=False))
    made["characters"] = tok
    for name, tok in made.items():
        tok.save(os.path.join(folder, name + ".json"), pretty=False)


SPECIALS = ["<s>", "</s>", "<mask>", " <mask> ", "[MASK]", "[SEP]", "<|endoftext|>", "<unk>", "<0x0A>", "<pad>", "the", "THE", "Straße", "of the", "ab"]
ODD = ["\r\n", "\r", "\n\n", "\t", "  ", "   ", " " * 50, "\u00a0", "\u3000", "\u200b", "\u200d", "\ufeff", "\ufffd", "\x00", "\x85", "\u2028", "▁", "''", "``", "'s", "'LL", "'ſ", "Ġ", "İ", "ß", "ﬁ", "ﬃ", "ﷺ",
       "e\u0301", "a\u0323\u0307", "a\u0307\u0323", "\u0344", "\u1100\u1161\u11a8", "각", "가\u11a8", "क्षि", "क्‍ष", "👨‍👩‍👧‍👦", "🇩🇪🇫🇷", "❤️", "1️⃣", "ｆｕｌｌ", "①", "½", "٣", "中文", "、。", "ｶﾞ", "\u0600 ", "\U0001d165", "\U00016fe4", "\u0f71\u0f72", "\u0e33", "don't", "We'Ve"]
BLOCKS = [(0x20, 0x7F), (0xA0, 0x250), (0x300, 0x370), (0x370, 0x530), (0x590, 0x700), (0x900, 0xE00), (0xE00, 0x1000), (0x1100, 0x1200), (0x1E00, 0x2070), (0x2070, 0x2800), (0x3000, 0x3400), (0x4E00, 0x9FFF), (0xAC00, 0xD7A4),
          (0xF900, 0xFB50), (0xFB50, 0x10000), (0x10000, 0x20000), (0x1D100, 0x1D800), (0x1F000, 0x1FB00), (0x20000, 0x30000), (0x0, 0xD800), (0xE000, 0x110000)]


def text(r, words):
    out = []
    for _ in range(r.choice((0, 1, 2, 3, 5, 8, 13, 20))):
        kind = r.random()
        if kind < 0.35:
            out.append(r.choice(words))
            out.append(r.choice((" ", " ", "", ", ", ".")))
        elif kind < 0.5:
            out.append(r.choice(ODD))
        elif kind < 0.55:
            out.append(r.choice(SPECIALS))
        elif kind < 0.65:
            out.append(" " * r.choice((1, 1, 2, 3)))
        elif kind < 0.75:
            out.append("".join(r.choice("aAbeiot .,!'-_09\n\t") for _ in range(r.randint(1, 8))))
        elif kind < 0.8:
            out.append(str(r.randint(0, 10 ** r.randint(1, 9))))
        else:
            first, end = r.choice(BLOCKS)
            out.append("".join(chr(c) for c in (r.randrange(first, end) for _ in range(r.randint(1, 6))) if not 0xD800 <= c < 0xE000))
    return "".join(out)


def run(folder, seed, count, out):
    r = random.Random(seed)
    words = sorted({w for t in corpus() for w in t.split()})
    kinds = [(name, Tokenizer.from_file(os.path.join(folder, name))) for name in sorted(os.listdir(folder)) if name.endswith(".json")]
    for _, tok in kinds:
        tok.no_padding()
    sys.stderr = open(os.devnull, "w")
    os.dup2(sys.stderr.fileno(), 2)  # the reference's panics

    def put(*numbers):
        out.write(array.array("i", numbers).tobytes())

    def put_text(s):
        b = s.encode()
        put(len(b))
        out.write(b)

    every = (chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000)
    for _ in range(count):
        a, b = text(r, words), text(r, words)
        if seed == 0:
            a = "".join(r.choice(("", " ", "a", "B1", "\u0323")) + c for c in itertools.islice(every, 32))
        for k, (_, tok) in enumerate(kinds):
            pair, specials = r.random() < 0.1, r.random() < 0.9
            length = r.choice((1, 2, 3, 5, 8, 16)) if r.random() < 0.2 else 0
            strategy, stride, left = r.randrange(3), r.choice((0, 0, 1, 2)), r.random() < 0.2
            added = tok.num_special_tokens_to_add(pair) if specials else 0
            if length and length < added:
                length = 0  # the reference overflows
            if length:
                tok.enable_truncation(length, stride=0, strategy=("longest_first", "only_first", "only_second")[strategy], direction="left" if left else "right")
                try:
                    tok.enable_truncation(length, stride=stride, strategy=("longest_first", "only_first", "only_second")[strategy], direction="left" if left else "right")
                except BaseException:
                    stride = 0
            else:
                tok.no_truncation()
            put(k, pair, specials, length, strategy, stride, left)
            put_text(a)
            put_text(b)
            try:
                e = tok.encode(a, b if pair else None, add_special_tokens=specials)
            except BaseException:
                put(-1)
                continue
            parts = [e] + e.overflowing
            put(len(parts))
            for e in parts:
                put(len(e.ids), *e.ids, *e.type_ids, *(x for o in e.offsets for x in o), *(-1 if w is None else w for w in e.word_ids))
    out.flush()


if sys.argv[1] == "make":
    make(sys.argv[2])
elif sys.argv[1] == "run":
    run(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.stdout.buffer)
else:
    make(sys.argv[2])
    names = sorted(name for name in os.listdir(sys.argv[2]) if name.endswith(".json"))
    with gzip.GzipFile(fileobj=sys.stdout.buffer, mode="wb", mtime=0) as out:
        out.write(struct.pack("<i", len(names)))
        for name in names:
            for b in (name.removesuffix(".json").encode(), open(os.path.join(sys.argv[2], name), "rb").read()):
                out.write(struct.pack("<i", len(b)) + b)
        out.write(struct.pack("<i", int(sys.argv[3])))
        run(sys.argv[2], 1, int(sys.argv[3]), out)
