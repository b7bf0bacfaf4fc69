// Package train does what pgml.train does: it reads a relation in the caller's session, trains a model on a part of its
// rows, scores it on the others, writes the registry's rows and decides whether the model goes live.
//
// Everything happens through function.Session, so in the caller's transaction: the relation is read with the caller's
// rights and snapshot, the registry is written as its owner, and an error at any step leaves nothing behind. What comes
// back from a statement that ran as the caller is data that the caller could have made up: it never becomes part of a
// statement of the owner's without quoting.
package train
