package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/pgowl/pgowl/models"
	"github.com/pgowl/pgowl/models/bygroup"
	"github.com/pgowl/pgowl/models/joint"
	"github.com/pgowl/pgowl/models/learn"
)

// The file, all numbers little-endian:
//
//	"PGOWLMDL", format version (uint16), number of sections (uint16), and for each section its tag (4 bytes), its length
//	(uint64), the CRC-32C of tag and length and content (uint32), and its content.
//
// Version 1 has the sections HEAD (the Header as JSON) and MODL (the engine's bytes), in this order.
const (
	magic   = "PGOWLMDL"
	version = 1
	head    = "HEAD"
	body    = "MODL"
)

// Limits of a file. A value of type bytea ends at 1 GB, a table at 1600 columns; class labels are what makes a header large.
const (
	maxHeader  = 64 << 20
	maxModel   = 1 << 30
	maxColumns = 1 << 16
	maxWidth   = 1 << 24
)

// ErrCorrupt is returned, wrapped with what is wrong, for bytes that are not a whole and sound model file.
var ErrCorrupt = errors.New("not a model file")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const sectionHead = 4 + 8 + 4

// Encode makes the file of a model. It refuses a header that does not fit the model.
func Encode(h Header, m learn.Model) ([]byte, error) {
	if err := h.validate(); err != nil {
		return nil, fmt.Errorf("model header: %w", err)
	}
	if err := h.fits(m); err != nil {
		return nil, fmt.Errorf("model header: %w", err)
	}
	header, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("model header: %w", err)
	}
	model, err := m.Encode()
	if err != nil {
		return nil, fmt.Errorf("encode model: %w", err)
	}
	if len(header) > maxHeader || len(model) > maxModel {
		return nil, fmt.Errorf("a model file with a header of %d bytes and a model of %d is too large", len(header), len(model))
	}
	out := make([]byte, 0, len(magic)+4+2*sectionHead+len(header)+len(model))
	out = append(out, magic...)
	out = binary.LittleEndian.AppendUint16(out, version)
	out = binary.LittleEndian.AppendUint16(out, 2)
	out = appendSection(out, head, header)
	return appendSection(out, body, model), nil
}

func appendSection(out []byte, tag string, content []byte) []byte {
	start := len(out)
	out = append(out, tag...)
	out = binary.LittleEndian.AppendUint64(out, uint64(len(content)))
	sum := crc32.Update(crc32.Checksum(out[start:], castagnoli), castagnoli, content)
	out = binary.LittleEndian.AppendUint32(out, sum)
	return append(out, content...)
}

// cutSection takes the section with the tag from the front of data. content aliases data.
func cutSection(data []byte, tag string, limit uint64) (content, rest []byte, err error) {
	if len(data) < sectionHead {
		return nil, nil, fmt.Errorf("%w: it ends before section %s", ErrCorrupt, tag)
	}
	if string(data[:4]) != tag {
		return nil, nil, fmt.Errorf("%w: section %q where %s should be", ErrCorrupt, data[:4], tag)
	}
	size := binary.LittleEndian.Uint64(data[4:])
	sum := binary.LittleEndian.Uint32(data[12:])
	rest = data[sectionHead:]
	if size > limit || size > uint64(len(rest)) {
		return nil, nil, fmt.Errorf("%w: section %s of %d bytes", ErrCorrupt, tag, size)
	}
	content, rest = rest[:size], rest[size:]
	if crc32.Update(crc32.Checksum(data[:12], castagnoli), castagnoli, content) != sum {
		return nil, nil, fmt.Errorf("%w: the checksum of section %s is wrong", ErrCorrupt, tag)
	}
	return content, rest, nil
}

// Decode reads a file that Encode made. It takes any bytes: errors wrap ErrCorrupt, but for an algorithm that has no engine
// (*models.NotAvailable, *models.Unsupported).
func Decode(data []byte) (Header, learn.Model, error) {
	var h Header
	if len(data) < len(magic)+4 || string(data[:len(magic)]) != magic {
		return h, nil, fmt.Errorf("%w: wrong magic", ErrCorrupt)
	}
	rest := data[len(magic):]
	if v := binary.LittleEndian.Uint16(rest); v != version {
		return h, nil, fmt.Errorf("%w: format version %d, this program reads %d", ErrCorrupt, v, version)
	}
	if n := binary.LittleEndian.Uint16(rest[2:]); n != 2 {
		return h, nil, fmt.Errorf("%w: %d sections", ErrCorrupt, n)
	}
	header, rest, err := cutSection(rest[4:], head, maxHeader)
	if err != nil {
		return h, nil, err
	}
	model, rest, err := cutSection(rest, body, maxModel)
	if err != nil {
		return h, nil, err
	}
	if len(rest) > 0 {
		return h, nil, fmt.Errorf("%w: %d bytes too many", ErrCorrupt, len(rest))
	}
	if err := json.Unmarshal(header, &h); err != nil {
		return Header{}, nil, fmt.Errorf("%w: header: %w", ErrCorrupt, err)
	}
	if err := h.validate(); err != nil {
		return Header{}, nil, fmt.Errorf("%w: header: %w", ErrCorrupt, err)
	}
	m, err := decode(&h, model)
	if err != nil {
		return Header{}, nil, asCorrupt(err)
	}
	if err := h.fits(m); err != nil {
		return Header{}, nil, fmt.Errorf("%w: header: %w", ErrCorrupt, err)
	}
	return h, m, nil
}

// decode reads the engine's bytes, which joint models and those of groups have several of.
func decode(h *Header, data []byte) (learn.Model, error) {
	engine := func(data []byte) (learn.Model, error) { return models.Decode(h.Algorithm, data) }
	switch {
	case len(h.Targets) > 0:
		return joint.Decode(data, engine)
	case h.Group != "":
		return bygroup.Decode(data, engine)
	}
	return engine(data)
}

// asCorrupt leaves the registry's own errors as they are.
func asCorrupt(err error) error {
	var later *models.NotAvailable
	var never *models.Unsupported
	if errors.As(err, &later) || errors.As(err, &never) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}
