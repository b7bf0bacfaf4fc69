package predict

import (
	"container/list"
	"context"
	"sync"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/bygroup"
	"github.com/pgowl/pgowl/models/joint"
	"github.com/pgowl/pgowl/models/learn"
	"github.com/pgowl/pgowl/models/store"
)

// Cache holds the models of one database, least recently used out first. It is safe for use by several goroutines.
//
// A model's file never changes, so an entry is true for as long as its id means the same model. Ids come from a sequence,
// which is not rolled back; only where schema pgml itself goes and comes back do they start again, and Clear is for that.
type Cache struct {
	budget int64

	mu      sync.Mutex
	size    int64
	entries map[int64]*list.Element // of *entry
	recent  *list.List              // front: used last
	loading map[int64]*load
	epoch   uint64 // counts Clears, so that what was loaded before one is not kept after it
	stats   Stats  // its counts; Bytes and Models are taken when somebody asks
}

// Stats are what a Cache holds and has done since it was made.
type Stats struct {
	Bytes     int64  // what the models here count as
	Models    int    // here
	Hits      uint64 // Gets that found their model here
	Misses    uint64 // Gets that did not, whether they loaded it or waited for another's load
	Loads     uint64 // files that were read and decoded; not those of Publish
	Evictions uint64 // models that were put out for want of room
	Waiting   int    // Gets that are loading or waiting for a load
}

// Stats gives the counts as they are now.
func (c *Cache) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Bytes, s.Models = c.size, c.recent.Len()
	return s
}

type entry struct {
	id    int64
	model *Model
	size  int64
}

// load is a load under way; done is closed when model or err stands.
type load struct {
	done  chan struct{}
	model *Model
	err   error
}

// NewCache makes a cache for about so many bytes of models. The model used last stays even if it alone is larger.
func NewCache(budget int64) *Cache {
	return &Cache{budget: budget, entries: map[int64]*list.Element{}, recent: list.New(), loading: map[int64]*load{}}
}

// Get gives the model of an id. Where it is not here, read is called for the bytes of its file (all parts in order), by one
// caller at a time: the others wait for that one, and if it fails, try themselves, since its transaction and context are not
// theirs. No bytes mean that there is no such model (XX000). A file that cannot be read is XX001 (data_corrupted).
func (c *Cache) Get(ctx context.Context, id int64, read func(ctx context.Context) ([]byte, error)) (*Model, error) {
	for missed := false; ; {
		c.mu.Lock()
		if e, ok := c.entries[id]; ok {
			c.recent.MoveToFront(e)
			if !missed {
				c.stats.Hits++
			}
			c.mu.Unlock()
			return e.Value.(*entry).model, nil
		}
		if !missed {
			missed = true
			c.stats.Misses++
			c.stats.Waiting++
			defer c.waited()
		}
		if l, ok := c.loading[id]; ok {
			c.mu.Unlock()
			select {
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			case <-l.done:
			}
			if l.err == nil {
				return l.model, nil
			}
			continue
		}
		l := &load{done: make(chan struct{})}
		c.loading[id] = l
		epoch := c.epoch
		c.mu.Unlock()
		c.load(ctx, id, l, epoch, read)
		return l.model, l.err
	}
}

// waited notes that a Get that missed is over.
func (c *Cache) waited() {
	c.mu.Lock()
	c.stats.Waiting--
	c.mu.Unlock()
}

// load fills l, also when read panics, so that nobody waits for ever.
func (c *Cache) load(ctx context.Context, id int64, l *load, epoch uint64, read func(ctx context.Context) ([]byte, error)) {
	l.err = function.Errorf("XX000", "loading model %d was interrupted", id)
	var size int64
	defer func() {
		c.mu.Lock()
		if c.loading[id] == l {
			delete(c.loading, id)
		}
		if l.err == nil {
			c.stats.Loads++
		}
		if l.err == nil && epoch == c.epoch {
			c.add(id, l.model, size)
		}
		c.mu.Unlock()
		close(l.done)
	}()
	data, err := read(ctx)
	if err != nil {
		l.err = err
		return
	}
	if len(data) == 0 {
		l.err = Unknown(id)
		return
	}
	header, model, err := store.Decode(data)
	if err != nil {
		l.err = function.Errorf("XX001", "the file of model %d cannot be read: %v", id, err)
		return
	}
	size = footprint(model, len(data))
	l.model, l.err = New(id, header, model), nil
}

// Publish puts a model in that has just been trained.
func (c *Cache) Publish(id int64, header store.Header, model learn.Model) {
	data, err := model.Encode()
	if err != nil {
		return // then it is loaded from its file like any other
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(id, New(id, header, model), footprint(model, len(data)))
}

// Clear forgets all models; those in use go on working. Call it when schema pgml has been dropped or made anew.
func (c *Cache) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	c.size = 0
	clear(c.entries)
	clear(c.loading) // whoever waits for one gets it; later comers load again
	c.recent.Init()
}

// Size is the number of bytes that the models here count as.
func (c *Cache) Size() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.size
}

// footprint estimates a model's memory by its encoded length, as engines keep their trees wider than they write them, and by the number of models in it.
func footprint(model learn.Model, encoded int) int64 {
	models := 1
	switch parts := model.(type) {
	case *joint.Model:
		models = parts.Outputs()
	case *bygroup.Model:
		models = 1 + parts.Groups()
	}
	return 4096*int64(models) + 4*int64(encoded)
}

// add puts a model in front and drops what is over the budget. The lock is held.
func (c *Cache) add(id int64, m *Model, size int64) {
	if old, ok := c.entries[id]; ok {
		c.remove(old)
	}
	c.entries[id] = c.recent.PushFront(&entry{id, m, size})
	c.size += size
	for c.size > c.budget && c.recent.Len() > 1 {
		c.remove(c.recent.Back())
		c.stats.Evictions++
	}
}

func (c *Cache) remove(e *list.Element) {
	gone := c.recent.Remove(e).(*entry)
	delete(c.entries, gone.id)
	c.size -= gone.size
}
