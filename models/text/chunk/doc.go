// Package chunk splits texts as langchain's text splitters do, piece for piece: character, recursive_character, markdown, latex and
// python, with the keyword arguments of their constructors. Lengths are Unicode code points. It needs no model, and a Splitter's work and
// memory grow with the text and with what it gives, never faster, whatever the text or the separators are.
//
// Splitter.Split follows split_text of langchain-text-splitters 1.1 (character.py and base.py), and keeps what is surprising there: a chunk
// of a recursive splitter that no separator splits any more keeps its white space, and a separator that is a regular expression is put back
// between pieces as it is written.
package chunk
