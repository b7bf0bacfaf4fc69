"""Writes golden.json: what Python's re makes of patterns and texts. Run: python golden.py [COUNT] > golden.json

A case is [pattern, [[text, [match, ...]], ...]], a match its places in bytes, then those of its groups (-1: no part), as re.finditer gives them, or
[pattern, message] where Python refuses the pattern. The texts are short, since Python backtracks.
"""

import json
import random
import re
import sys
import warnings

warnings.simplefilter("ignore")

PATTERNS = r"""
a|b
a*
a*?
(a)(b)?
(|a)*
(|a)*b
(a|b|)*?c
(a*)*
(a*)+b
(?:a|ab)(?:c|bcd)(d*)
x{2}
x{2,}
x{,2}
x{1,3}?
x{,}
x{a}
a{
(?:a?){3}
(?:a?){2,5}b
(?:a*?b?){2,4}?
^a
a$
\Aa|b\Z
(?m)^a|b$
(?m)$
\b
\B
\bb\b
(?<=a)b
(?<!a)b
(?<=[.!?])\s+
(?<=\. )
a(?=b)
a(?!b)
(?=a)
(?!a)
(?=.*b)a
(?<=a|b)c
(?<=a(?:b|c))
(?<=^)a
(?<=\b)a
(?=(?!a)b)
(?:(?=a)a|b)*
.
(?s).
\d+
\D+
\w+
\W+
\s+
\S+
[a-c]+
[^a-c]+
[]a]
[^]a]
[a\-c]
[-a]
[a-]
[\d-]
[\w.]+
[^\s\d]
[\n\r]+
\n#{1,6} 
\n\n+
\r?\n
[一-龥]
[。！？]
(?i)STRASSE|ß|k|ſ
(?i)[k-l]+
(?ai)k
(?a)\w+
(?i:a)b
(?-i:a)b
(?i)(?-i:a)b
(?x) a b # c
(?x)a\ b | [ ]
(?P<n>a)(?P<m>b)?
(?:)
()
()*
(?:(?:a|)*b?)*
(?:a{0,2}){0,2}
((a)|b)*
(a)|b
(?:(a)|b)*
\x41\u0041\U00000041\101\0
[\x41-\x43\b]
\.\*\\
\t\v\f\a
a++
a*+
a??
a**
*a
a{2}{3}
(?:a{2}){3}
(a
a)
[a
[b-a]
[\w-z]
\
\q
\8
\1
(a)\1
(?P=a)
(?>a)
(a)?(?(1)b|c)
(?<=a*)b
(?<=ab|c)d
(?P<1>a)
(?P<a>a)(?P<a>b)
a(?i)b
(?L)a
(?i
(?z)
(?#c)a(?#d)*
(?#
\xZ
\u12
\400
x{3,2}
^*
(?:^)*a
(?=a)*a
(?=a)+
\N{DIGIT ONE}
[[:alpha:]]
""".strip("\n").split("\n")

TEXTS = ["", "a", "b", "aab", "abcd", "xxxxxx", "a b.c! d? e", "aXa\nbb\n", "\n\n\n# x\r\n## y\n", "Straße STRASSE ſK\u212a kl", "日本語。テスト！a1٣ \u3000\x1c\x85z",
         "é😀a😀b_9", "a-b]c\\[.*", "AAAAA\0\t\v\f\a\b", "aaaaab", "abab cdcd"]


def bytes_at(text):
    at = [0]
    for c in text:
        at.append(at[-1] + len(c.encode()))
    return lambda i: -1 if i < 0 else at[i]


def case(pattern, texts):
    try:
        compiled = re.compile(pattern)
    except (re.error, ValueError, OverflowError) as e:
        return [pattern, str(e)]
    out = []
    for text in texts:
        at = bytes_at(text)
        out.append([text, [[at(p) for g in range(compiled.groups + 1) for p in m.span(g)] for m in compiled.finditer(text)]])
    return [pattern, out]


def some(r, depth=0):
    """A random pattern."""
    kind = r.randrange(16 if depth < 4 else 6)
    if kind < 4:
        return r.choice("aaabbc")
    if kind == 4:
        return r.choice([".", r"\w", "[ab]", "[^a]", r"\d", "é", r"\s"])
    if kind == 5:
        return r.choice(["^", "$", r"\b", r"\B", "", r"\Z"])
    if kind < 9:
        return some(r, depth + 1) + some(r, depth + 1)
    if kind == 9:
        return "(?:" + some(r, depth + 1) + "|" + some(r, depth + 1) + ")"
    if kind == 10:
        return "(" + some(r, depth + 1) + "|" + some(r, depth + 1) + ")"
    if kind < 14:
        return "(?:" + some(r, depth + 1) + ")" + r.choice(["*", "+", "?", "*?", "+?", "??", "{2}", "{0,2}", "{1,3}?", "{2,}"])
    if kind == 14:
        return "(?" + r.choice("=!") + some(r, 4) + some(r, 4) + ")"
    return "(?<" + r.choice("=!") + r.choice(["a", "ab", "[ab]", r"\w\b", "a|b", "^"]) + ")"


def main():
    r = random.Random(7)
    cases = [case(p, TEXTS) for p in PATTERNS]
    for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 150):
        cases.append(case(some(r), ["".join(r.choice("aaabbbc é1\n") for _ in range(r.randrange(13))) for _ in range(4)]))
    print("[" + ",\n".join(json.dumps(c, ensure_ascii=False, separators=(",", ":")) for c in cases) + "]")


main()
