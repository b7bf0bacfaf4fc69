package text

import "os"

// makeRoom puts out copies of models, and then models, until the others and the one that was just loaded are within the limit. The store is locked.
func (s *Store) makeRoom(loaded *loading) {
	if s.options.MemoryBytes <= 0 {
		return
	}
	total := int64(0)
	for _, l := range s.models {
		total += l.bytes * int64(l.copies())
	}
	total -= s.dropCopies(total - s.options.MemoryBytes)
	for total > s.options.MemoryBytes {
		var oldest modelKey
		var last *loading
		for key, l := range s.models {
			if l != loaded && l.bytes > 0 && (last == nil || l.asked < last.asked) {
				oldest, last = key, l
			}
		}
		if last == nil {
			return
		}
		delete(s.models, oldest)
		total -= last.bytes
		s.loaders.Go(func() { s.discard(last) }) // it waits for the calls under way
	}
}

// graphSize is the size of the files that hold the weights of a graph, as far as they can be looked at.
func graphSize(dir string, files []string) (total int64) {
	path := findGraph(dir, files)
	if path == "" {
		return weightsSize(dir)
	}
	for _, path := range []string{path, path + "_data"} {
		if info, err := os.Stat(path); err == nil {
			total += info.Size()
		}
	}
	return total
}
