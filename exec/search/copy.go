package search

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// rows reads what COPY ... TO STDOUT (FORMAT binary) sends of a bigint and a real[] (see "Binary Format" in the manual's page on COPY): a header, then for each row the number of its fields
// and for each field its length and its value, then a trailer. It may be cut anywhere.
type rows struct {
	dims int
	each func(row int64, vector []float32) error // the vector is the callee's during the call

	vector       []float32
	rest         []byte // of the pieces before: the start of a row
	begun, ended bool
}

var signature = []byte("PGCOPY\n\xff\r\n\x00")

const (
	headLength = 11 + 4 + 4      // signature, flags, length of an extension
	rowHead    = 2 + 4 + 8 + 4   // fields, and bigint with its length, and the array's length
	arrayHead  = 4 + 4 + 4 + 4*2 // dimensions, NULLs, type, length and lower bound
	realOID    = 700
)

func malformed(format string, args ...any) error {
	return fmt.Errorf("vectors: "+format, args...)
}

// Write takes the next piece. It does not keep it.
func (r *rows) Write(piece []byte) (int, error) {
	if len(r.rest) == 0 {
		n, err := r.read(piece)
		r.rest = append(r.rest, piece[n:]...)
		return len(piece), err
	}
	r.rest = append(r.rest, piece...)
	n, err := r.read(r.rest)
	r.rest = r.rest[:copy(r.rest, r.rest[n:])]
	return len(piece), err
}

// Close checks that all has come.
func (r *rows) Close() error {
	if !r.ended || len(r.rest) > 0 {
		return malformed("the copy has no end")
	}
	return nil
}

// read reads what is whole at the start of b and gives the number of its bytes.
func (r *rows) read(b []byte) (done int, err error) {
	if !r.begun {
		if len(b) < headLength {
			return 0, nil
		}
		if !bytes.Equal(b[:len(signature)], signature) || binary.BigEndian.Uint32(b[len(signature):]) != 0 || binary.BigEndian.Uint32(b[len(signature)+4:]) != 0 {
			return 0, malformed("no copy in binary form")
		}
		r.begun, done = true, headLength
	}
	size := arrayHead + r.dims*8
	for {
		left := b[done:]
		if r.ended {
			if len(left) > 0 {
				return done, malformed("something after the end")
			}
			return done, nil
		}
		if len(left) < 2 {
			return done, nil
		}
		switch fields := int16(binary.BigEndian.Uint16(left)); {
		case fields == -1:
			r.ended = true
			done += 2
			continue
		case fields != 2:
			return done, malformed("%d columns", fields)
		}
		if len(left) < rowHead+size {
			// Whatever its length says, no row is longer than this one should be.
			return done, nil
		}
		if binary.BigEndian.Uint32(left[2:]) != 8 || binary.BigEndian.Uint32(left[14:]) != uint32(size) {
			return done, malformed("a row of other types, or a vector of other than %d numbers", r.dims)
		}
		if err := r.row(int64(binary.BigEndian.Uint64(left[6:])), left[rowHead:][:size]); err != nil {
			return done, err
		}
		done += rowHead + size
	}
}

// row takes a row whose array has the length that it should have.
func (r *rows) row(id int64, array []byte) error {
	if binary.BigEndian.Uint32(array) != 1 || binary.BigEndian.Uint32(array[8:]) != realOID || binary.BigEndian.Uint32(array[12:]) != uint32(r.dims) {
		return malformed("row %d has no array of %d reals", id, r.dims)
	}
	r.vector = r.vector[:0]
	for e := array[arrayHead:]; len(e) > 0; e = e[8:] {
		if binary.BigEndian.Uint32(e) != 4 {
			return malformed("row %d has a NULL among its numbers", id)
		}
		r.vector = append(r.vector, math.Float32frombits(binary.BigEndian.Uint32(e[4:])))
	}
	return r.each(id, r.vector)
}
