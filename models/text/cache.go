package text

import (
	"container/list"
	"slices"
	"strings"
	"sync"
)

// cacheKey is all that decides a vector.
type cacheKey struct {
	model, prompt, text string
	width               int // scoreWidth for a score
	length              int // to which the text is cut
	left                bool
	normalize           bool // of a score: it is the logit
}

// cache keeps the vectors that were asked for last, up to a number of bytes. A nil cache keeps nothing. It is safe for use by several
// goroutines.
type cache struct {
	mu      sync.Mutex
	budget  int64
	used    int64
	recent  *list.List // of *cached, the latest first
	entries map[cacheKey]*list.Element

	hits, misses, evictions uint64
}

type cached struct {
	key    cacheKey
	vector []float32
}

// size is about what an entry takes: the text and vector, and what map and list add.
func (c *cached) size() int64 {
	return int64(len(c.key.text)+len(c.key.prompt)+4*len(c.vector)) + 300
}

// newCache returns nil for a budget of 0.
func newCache(budget int64) *cache {
	if budget <= 0 {
		return nil
	}
	return &cache{budget: budget, recent: list.New(), entries: map[cacheKey]*list.Element{}}
}

// get returns a copy of the vector, or nil.
func (c *cache) get(key cacheKey) []float32 {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	element, ok := c.entries[key]
	if !ok {
		c.misses++
		return nil
	}
	c.hits++
	c.recent.MoveToFront(element)
	return slices.Clone(element.Value.(*cached).vector)
}

// put stores a copy of the vector.
func (c *cache) put(key cacheKey, vector []float32) {
	if c == nil {
		return
	}
	entry := &cached{key: key, vector: vector}
	if entry.size() > c.budget/16 { // a giant text would drive out the others
		return
	}
	// The caller's text may be a small part of a large buffer.
	key.text, key.prompt = strings.Clone(key.text), strings.Clone(key.prompt)
	entry.key, entry.vector = key, slices.Clone(vector)
	c.mu.Lock()
	defer c.mu.Unlock()
	if element, ok := c.entries[key]; ok {
		c.recent.MoveToFront(element)
		return
	}
	c.entries[key] = c.recent.PushFront(entry)
	c.used += entry.size()
	for c.used > c.budget {
		oldest := c.recent.Back()
		gone := c.recent.Remove(oldest).(*cached)
		delete(c.entries, gone.key)
		c.used -= gone.size()
		c.evictions++
	}
}
