package exec

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"unicode/utf16"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/text/chunk"
	"github.com/pgowl/pgowl/models/text/chunk/pyre"
)

// callChunk takes a splitter's name, a text, and keyword arguments as JSON. It gives the chunks as a JSON array, as chunksJSON writes them.
func (e *Engine) callChunk(ctx context.Context, _ function.Session, args [][]byte) (string, int, error) {
	if len(args) != 3 {
		return "", 0, errArguments
	}
	splitter, err := e.splitters.get(string(args[0]), args[2])
	if err != nil {
		return "", 0, chunkError(err)
	}
	chunks, err := splitter.Split(ctx, string(args[1]))
	if err != nil {
		return "", 0, chunkError(err)
	}
	return string(chunksJSON(chunks)), 1, nil
}

// splitterCache keeps splitters: a statement over many rows has the same options in each, and reading them takes longer than splitting a short text.
type splitterCache struct {
	mu    sync.Mutex
	known map[splitterKey]*chunk.Splitter
}

type splitterKey struct{ splitter, kwargs string }

// The cache holds no more splitters, and none with longer options.
const (
	maxSplitters      = 64
	maxSplitterKwargs = 1024
)

func (c *splitterCache) get(splitter string, kwargs []byte) (*chunk.Splitter, error) {
	if len(kwargs) > maxSplitterKwargs {
		return chunk.New(splitter, kwargs)
	}
	key := splitterKey{splitter, string(kwargs)}
	c.mu.Lock()
	s := c.known[key]
	c.mu.Unlock()
	if s != nil {
		return s, nil
	}
	s, err := chunk.New(splitter, kwargs)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxSplitters {
		c.known = map[splitterKey]*chunk.Splitter{}
	}
	c.known[key] = s
	return s, nil
}

// chunkError gives a splitter's error its SQLSTATE.
func chunkError(err error) error {
	var unknown *chunk.UnknownError
	var unavailable *chunk.UnavailableError
	var option *chunk.OptionError
	var limit *chunk.LimitError
	var pattern *pyre.LimitError
	switch {
	case errors.As(err, &unknown):
		return function.Errorf("XX000", "%s", err.Error()).WithHint("The splitters are character, recursive_character, markdown, latex and python.")
	case errors.As(err, &unavailable):
		return function.Errorf("0A000", "%s", err.Error())
	case errors.As(err, &option):
		return optionError(err, option.Unsupported, option.Nearest)
	case errors.As(err, &limit):
		return function.Errorf("54000", "%s", err.Error()).WithHint("Choose a larger chunk_size, or a smaller chunk_overlap, or split the text before.")
	case errors.As(err, &pattern):
		return function.Errorf("54001", "chunk: %s", err.Error())
	}
	return err
}

// chunksJSON writes chunks as a JSON array in ASCII, which goes through the call lane as it is: those that stand in the text, which the database has, as
// [place, length] in bytes, others as texts.
func chunksJSON(chunks []chunk.Chunk) []byte {
	b := []byte{'['}
	for i, c := range chunks {
		if i > 0 {
			b = append(b, ',')
		}
		if c.At < 0 {
			b = appendJSON(b, c.Text)
			continue
		}
		b = strconv.AppendInt(append(b, '['), int64(c.At), 10)
		b = strconv.AppendInt(append(b, ','), int64(len(c.Text)), 10)
		b = append(b, ']')
	}
	return append(b, ']')
}

// appendJSON adds a text as JSON in ASCII.
func appendJSON(b []byte, text string) []byte {
	b = append(b, '"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, '\\', 'n')
		case r >= ' ' && r < 0x7f:
			b = append(b, byte(r))
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			b = unicodeEscape(unicodeEscape(b, high), low)
		default:
			b = unicodeEscape(b, r)
		}
	}
	return append(b, '"')
}

func unicodeEscape(b []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	return append(b, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}
