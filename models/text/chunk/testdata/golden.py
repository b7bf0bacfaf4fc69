"""Writes golden.json: what langchain's splitters make of texts. Run with langchain-text-splitters 1.1.3: python golden.py [COUNT] > golden.json

It is {"texts": [...], "cases": [[splitter, kwargs, index of the text, chunks], ...]}; instead of chunks there is an object {"error": message} where langchain
fails. COUNT is the number of random cases.
"""

import json
import logging
import random
import re
import sys
import warnings

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)

from langchain_text_splitters import (
    CharacterTextSplitter,
    LatexTextSplitter,
    MarkdownTextSplitter,
    PythonCodeTextSplitter,
    RecursiveCharacterTextSplitter,
)

SPLITTERS = {
    "character": CharacterTextSplitter,
    "latex": LatexTextSplitter,
    "markdown": MarkdownTextSplitter,
    "python": PythonCodeTextSplitter,
    "recursive_character": RecursiveCharacterTextSplitter,
}

PROSE = """PgOwl is a proxy. It speaks the wire protocol of Postgres; applications connect to it.  Two  spaces, and
a line end.

A second paragraph: "quoted", with numbers 3.14 and 2,718. Does it end? Yes! It does...

\tA tab, a trailing space \n\n\n\nMany line ends before this. Averyverylongwordwithoutanyspaceinit-thatgoesonandon-andon.
"""

MARKDOWN = """# Title

Intro with *stars* and `code`.

## First section
- one
- two

```sql
SELECT pgml.chunk('markdown', body) FROM docs;
```
***
### Deeper

Text after a rule.

---

#### Four
___
##### Five
###### Six
####### Seven is none
The end.
"""

LATEX = r"""\documentclass{article}
\begin{document}
\chapter{One}
Text of chapter one, with math $a^2+b^2=c^2$ and $$\int_0^1 x\,dx$$ displayed.
\section{Sec}
\begin{itemize}
\item first
\item second
\end{itemize}
\subsection{Sub}
\begin{verbatim}
raw $ text
\end{verbatim}
\begin{align}
x &= y
\end{align}
\end{document}
"""

PYTHON = '''import os

class Owl:
    """Hoots."""

    def hoot(self, times=2):
        return "hoo " * times

\tdef tabbed(self):
\t\tpass

def main():
    for i in range(10):
        print(Owl().hoot(i))

class Other(Owl): pass
'''

TEXTS = [
    "", " ", "\n\n", "a", "ab", "\n\n\n\n", "  x  ", PROSE, MARKDOWN, LATEX, PYTHON,
    PROSE.replace("\n", "\r\n"), MARKDOWN.replace("\n", "\r\n"),
    "Ünïcödé straße 日本語のテキスト。改行なし。とても長い文章です。 Ελληνικά και кириллица. العربية עברית",
    "😀👩‍👩‍👧‍👦 emoji 🇩🇪🇫🇷 family 👍🏽 e\u0301 combining\n\n\U0001f600" * 3,
    "\u3000ideographic\u2028line\u2029para\x1cfs\x1dgs\x85nel\xa0nbsp\u200bzwsp \u2003em\x0bvt\x0cff\ufeffbom ",
    "x" * 70, "word " * 30, "a,b,,c,,,d," * 6, "\n\nlead and trail\n\n", "one\n\n\n\ntwo\n\n\n\n\n\nthree", ",,,,", "a\n\nb\n\nc\n\nd\n\ne\n\nf",
    "First. Second! Third? Fourth... Fifth.No space. 3.14 is pi. e.g. this.  End",
    "line1\nline2\r\nline3\rline4\n\rline5", "Mixed \t tabs\tand  spaces\n \n \n\nodd blanks \n\n ", "<p>a</p><p>bb</p><p>ccc</p>" * 3,
]

FIXED = [
    ({}, None),
    ({"chunk_size": 40, "chunk_overlap": 10}, None),
    ({"chunk_size": 25, "chunk_overlap": 0, "strip_whitespace": False}, None),
    ({"chunk_size": 30, "chunk_overlap": 12, "keep_separator": "end"}, None),
    ({"chunk_size": 30, "chunk_overlap": 30, "keep_separator": False}, None),
    ({"chunk_size": 60, "chunk_overlap": 20, "is_separator_regex": True}, ("markdown", "latex", "python")),
]

LITERALS = ["\n\n", "\n", " ", "", ",", ".", "a", "。", "😀", "</p>", "x", "--", "\r\n", ". ", "( a", "\\"]
REGEXES = [r"\s+", r"(?<=\. )", r"(?<=[.!?])\s+", r"\n+", r"[,;]", r"\b", r"(?=[A-Z])", r"x*", r"\d+", r"(\.|!)", r"(a)|(b)", r"(?!\w)", r"(?i)[aeiou]",
           r"\w+", r"(,)(,)?", r"\r?\n", r"[。！？]", r"$", r"(?m)^", r"", r"(?:\n\s*){2,}", r"\.", r"(?<!\w)(?=\w)"]


def scope(separators):
    """Global flags as flags of a group."""
    if isinstance(separators, list):
        return [scope(s) for s in separators]
    return re.sub(r"^\(\?([ims])\)(.*)$", r"(?\1:\2)", separators)


def one(splitter, kwargs, text):
    try:
        return SPLITTERS[splitter](**kwargs).split_text(text)
    except re.error:
        # langchain puts parentheses around a separator that it keeps, and then (?i) does not stand at the start any more. PgOwl takes it.
        scoped = {k: scope(v) if k.startswith("separator") else v for k, v in kwargs.items()}
        return one(splitter, scoped, text)
    except Exception as e:  # whatever langchain does not catch
        return {"error": f"{type(e).__name__}: {e}"}


def some(r):
    """A random splitter with its arguments."""
    splitter = r.choice(["character", "character", "recursive_character", "recursive_character", "recursive_character", "markdown", "latex", "python"])
    size = r.choice([1, 1, 2, 3, 5, 8, 13, 20, 34, 55, 89, 200])
    kwargs = {"chunk_size": size, "chunk_overlap": r.choice([0, 0, 1, size // 4, size // 2, size - 1, size])}
    if kwargs["chunk_overlap"] > size:
        kwargs["chunk_overlap"] = size
    if r.random() < 0.6:
        kwargs["keep_separator"] = r.choice([True, False, "start", "end"])
    if r.random() < 0.3:
        kwargs["strip_whitespace"] = r.choice([True, False])
    regex = r.random() < 0.4
    if regex:
        kwargs["is_separator_regex"] = True
    pool = REGEXES if regex else LITERALS
    if splitter == "character" and r.random() < 0.8:
        kwargs["separator"] = r.choice(pool)
    if splitter == "recursive_character" and (regex or r.random() < 0.6):
        kwargs["separators"] = [r.choice(pool + LITERALS[:3] if regex else pool) for _ in range(r.randrange(5))]
    return splitter, kwargs


def main():
    r = random.Random(11)
    cases = []
    for splitter in SPLITTERS:
        for kwargs, only in FIXED:
            if only is None or splitter in only:
                cases += [[splitter, kwargs, i, one(splitter, kwargs, text)] for i, text in enumerate(TEXTS)]
    for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 300):
        splitter, kwargs = some(r)
        i = r.randrange(len(TEXTS))
        cases.append([splitter, kwargs, i, one(splitter, kwargs, TEXTS[i])])
    dump = lambda v: json.dumps(v, ensure_ascii=False, separators=(",", ":"))
    print('{"texts":[' + ",\n".join(map(dump, TEXTS)) + '],\n"cases":[' + ",\n".join(map(dump, cases)) + "]}")


main()
