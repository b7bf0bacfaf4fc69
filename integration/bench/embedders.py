"""One peer of the part embed. embedders.py PEER FOLDER TEXTS STEP VECTORS: FOLDER is a model's, as sentence-transformers lays it out, with onnx/model.onnx and
onnx/model_quantized.onnx; TEXTS a JSON array. It loads the model, embeds each STEPth text, writes the vectors to VECTORS (float32), and prints what it is; then, for each
line of its input, it embeds all texts and prints a line of JSON: the seconds that took, those of them for tokenizing, and the processor's.

ort, ort-int8         raw ONNX Runtime at its best: two sessions of one thread, sorted by length, 512 padded tokens a batch, the longest first. The vectors are
                      pooled only where they are asked for.
openvino, openvino-bf16  the same in OpenVINO: two streams of one thread
fastembed             as it comes, from the folder
st, st-bf16           sentence-transformers as it comes, on the processor
"""
import json, os, resource, sys, tempfile, threading, time

peer, folder, source, step, sample = sys.argv[1:6]
os.environ["HF_HUB_OFFLINE"] = "1"
texts = json.load(open(source))
threads = len(os.sched_getaffinity(0))


def tokenizer():
    from tokenizers import Tokenizer

    tok = Tokenizer.from_file(f"{folder}/tokenizer.json")
    tok.enable_truncation(json.load(open(f"{folder}/sentence_bert_config.json"))["max_seq_length"])
    tok.no_padding()
    return tok


def batches(ids, budget):
    """Places of texts, of about one length, the longest first."""
    order = sorted(range(len(ids)), key=lambda i: -len(ids[i]))
    while order:
        n = max(1, budget // len(ids[order[0]]))
        yield order[:n]
        order = order[n:]


def inputs(ids, places):
    width = len(ids[places[0]])
    a, mask = np.zeros((len(places), width), np.int64), np.zeros((len(places), width), np.int64)
    for row, i in enumerate(places):
        a[row, : len(ids[i])] = ids[i]
        mask[row, : len(ids[i])] = 1
    return {"input_ids": a, "attention_mask": mask, "token_type_ids": np.zeros_like(a)}


def pooled(hidden, mask):
    v = (hidden * mask[:, :, None]).sum(1) / mask.sum(1)[:, None]
    return v / np.linalg.norm(v, axis=1, keepdims=True)


class Raw:
    """Runs on threads that each have a session: run(thread, inputs) gives the tokens' vectors."""

    def embed(self, want):
        begin = time.perf_counter()
        ids = [e.ids for e in self.tokenizer.encode_batch_fast(texts)]
        tokenized = time.perf_counter()
        out = np.zeros((len(texts), 384), np.float32) if want else None
        todo, lock = batches(ids, 512), threading.Lock()

        def work(thread):
            while True:
                with lock:
                    places = next(todo, None)
                if places is None:
                    return
                x = inputs(ids, places)
                hidden = self.run(thread, x)
                if want:
                    out[places] = pooled(hidden, x["attention_mask"])

        crew = [threading.Thread(target=work, args=(t,)) for t in range(threads)]
        for t in crew:
            t.start()
        for t in crew:
            t.join()
        return out, tokenized - begin


class ORT(Raw):
    def __init__(self, graph):
        import onnxruntime

        self.what = "raw ONNX Runtime " + onnxruntime.__version__
        self.tokenizer = tokenizer()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_mem_pattern = False
        self.sessions = [onnxruntime.InferenceSession(f"{folder}/onnx/{graph}", options, providers=["CPUExecutionProvider"]) for _ in range(threads)]
        self.names = [i.name for i in self.sessions[0].get_inputs()]

    def run(self, thread, x):
        return self.sessions[thread].run(None, {n: x[n] for n in self.names})[0]


class OpenVINO(Raw):
    def __init__(self, precision):
        import openvino

        self.what = "raw OpenVINO " + openvino.__version__.split("-")[0]
        self.tokenizer = tokenizer()
        model = openvino.Core().compile_model(f"{folder}/onnx/model.onnx", "CPU", {"INFERENCE_PRECISION_HINT": precision, "NUM_STREAMS": threads, "INFERENCE_NUM_THREADS": threads})
        self.requests = [model.create_infer_request() for _ in range(threads)]
        self.names = [i.get_any_name() for i in model.inputs]

    def run(self, thread, x):
        return self.requests[thread].infer({n: x[n] for n in self.names}, share_inputs=True, share_outputs=True)[0]


class FastEmbed:
    def __init__(self):
        import fastembed

        self.what = "fastembed " + fastembed.__version__
        # Its own files have the graph beside the rest.
        self.folder = tempfile.TemporaryDirectory()
        for name in ["config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]:
            os.symlink(f"{folder}/{name}", f"{self.folder.name}/{name}")
        os.symlink(f"{folder}/onnx/model.onnx", f"{self.folder.name}/model.onnx")
        self.model = fastembed.TextEmbedding("sentence-transformers/all-MiniLM-L6-v2", specific_model_path=self.folder.name)

    def embed(self, want):
        return np.array(list(self.model.embed(texts))), 0


class SentenceTransformers:
    def __init__(self, **kwargs):
        import sentence_transformers, torch

        self.what = f"sentence-transformers {sentence_transformers.__version__}, torch {torch.__version__}"
        self.model = sentence_transformers.SentenceTransformer(folder, device="cpu", model_kwargs=kwargs, local_files_only=True)

    def embed(self, want):
        vectors = self.model.encode(texts, convert_to_numpy=False, convert_to_tensor=True)
        return vectors.float().numpy() if want else None, 0


def processor():
    u = resource.getrusage(resource.RUSAGE_SELF)
    return u.ru_utime + u.ru_stime


try:
    import numpy as np

    it = {
        "ort": lambda: ORT("model.onnx"),
        "ort-int8": lambda: ORT("model_quantized.onnx"),
        "openvino": lambda: OpenVINO("f32"),
        "openvino-bf16": lambda: OpenVINO("bf16"),
        "fastembed": FastEmbed,
        "st": SentenceTransformers,
        "st-bf16": lambda: SentenceTransformers(dtype="bfloat16"),
    }[peer]()
except ImportError as e:
    print(json.dumps({"missing": str(e)}), flush=True)
    sys.exit()
every, texts = texts, texts[:: int(step)]
np.asarray(it.embed(True)[0], np.float32).tofile(sample)
texts = every
print(json.dumps({"what": it.what}), flush=True)
for _ in sys.stdin:
    begin, used = time.perf_counter(), processor()
    _, tokenizing = it.embed(False)
    print(json.dumps({"seconds": time.perf_counter() - begin, "tokenizing": tokenizing, "cpu": processor() - used}), flush=True)
