"""Writes unicode.tab: classes of characters as the reference (PyPI tokenizers) sees them. Run: python tables.py TABLES.RS > ../unicode.tab

Each of its libraries is at another version of Unicode, so all but one class are read off by putting every code point through it. The classes
of grapheme clusters cannot be read off; they come from the tables of the crate unicode-segmentation (src/tables.rs of 1.13.3, Unicode 17), which are
Unicode's GraphemeBreakProperty.txt.

A line is a name and then, for each range, the gap before it and its length, in hexadecimal.
"""

import re
import sys

from tokenizers import Regex, normalizers, pre_tokenizers

EVERY = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def write(name, points):
    ranges = []
    for c in sorted(points):
        if ranges and ranges[-1][1] == c:
            ranges[-1][1] = c + 1
        else:
            ranges.append([c, c + 1])
    at, out = 0, []
    for first, end in ranges:
        out += [f"{first - at:x}", f"{end - first:x}"]
        at = end
    print(name, *out)


def split(pattern):
    tok = pre_tokenizers.Split(Regex(pattern), "removed")
    return [c for c in EVERY if not tok.pre_tokenize_str(chr(c))]


# The regular expressions of Split, Replace and ByteLevel (Oniguruma).
for name, pattern in [("letter", r"\p{L}"), ("number", r"\p{N}"), ("space", r"\s"), ("wordchar", r"\w"), ("digit", r"\d"), ("mark", r"\p{M}"),
                      ("upper", r"\p{Lu}"), ("lower", r"\p{Ll}"), ("title", r"\p{Lt}"), ("modifier", r"\p{Lm}"), ("punct", r"\p{P}"), ("symbol", r"\p{S}"), ("han", r"\p{Han}")]:
    write(name, split(pattern))

# Whitespace and added tokens (Rust's crate regex).
white = pre_tokenizers.Whitespace()
write("word", [c for c in EVERY if len(white.pre_tokenize_str("a" + chr(c) + "b")) == 1])
# Digits (Rust's own).
digits = pre_tokenizers.Digits(individual_digits=True)
write("numeric", [c for c in EVERY if len(digits.pre_tokenize_str("a" + chr(c) + "b")) == 3])
# StripAccents, and the four forms.
strip = normalizers.StripAccents()
write("accent", [c for c in EVERY if strip.normalize_str(chr(c)) == ""])
nfd, nfkd, nfc = normalizers.NFD(), normalizers.NFKD(), normalizers.NFC()
write("canonical", [c for c in EVERY if nfd.normalize_str(chr(c)) != chr(c)])
write("compatible", [c for c in EVERY if nfkd.normalize_str(chr(c)) != chr(c)])
# A class above 1 goes behind one of 1, and one below 220 goes before one of 220.
write("combines", [c for c in EVERY if nfd.normalize_str("a" + chr(c) + "\u0334") == "a\u0334" + nfd.normalize_str(chr(c)) or nfd.normalize_str("a\u0323" + chr(c)) == "a" + nfd.normalize_str(chr(c)) + "\u0323"])
# What NFC makes of a character, if that is the character itself: it is not composed from its parts in a later version.
write("composed", [c for c in EVERY if nfd.normalize_str(chr(c)) != chr(c) and nfc.normalize_str(chr(c)) == chr(c)])

rust = open(sys.argv[1]).read()
table = rust[rust.index("grapheme_cat_table: &") :]
table = table[: table.index("];")]
classes = {}
for first, last, name in re.findall(r"\('\\u\{(\w+)\}',\s*'\\u\{(\w+)\}',\s*GC_(\w+)\)", table):
    classes.setdefault(name, []).extend(range(int(first, 16), int(last, 16) + 1))
for name in sorted(classes):
    write("grapheme" + name, classes[name])
table = rust[rust.index("InCB_Extend_table: &") :]
table = table[: table.index("];")]
points = []
for first, last in re.findall(r"\('\\u\{(\w+)\}',\s*'\\u\{(\w+)\}'\)", table):
    points.extend(range(int(first, 16), int(last, 16) + 1))
write("conjunctExtend", points)
linkers = re.search(r"fn is_incb_linker\(c: char\) -> bool \{(.*?)\n    \}", rust, re.S).group(1)
write("conjunctLinker", [int(x, 16) for x in re.findall(r"\\u\{(\w+)\}", linkers)])
