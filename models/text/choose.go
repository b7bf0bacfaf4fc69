package text

import "context"

// placing is where models run for which a device was asked for, or the search for it.
type placing struct {
	done   chan struct{} // closed when device is set
	device Device
}

// choose says where models run for which auto or a GPU was asked for: the processors, where that GPU cannot be used. The first call of each looks, which takes up to some seconds;
// what it finds holds for good. The error is ErrClosed or ctx's cause.
func (s *Store) choose(ctx context.Context, asked Device) (Device, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return "", ErrClosed
	}
	p := s.placed[asked]
	if p == nil {
		p = &placing{done: make(chan struct{})}
		s.placed[asked] = p
		s.loaders.Go(func() { s.place(asked, p) })
	}
	s.mu.Unlock()
	if err := s.await(ctx, p.done); err != nil {
		return "", err
	}
	return p.device, nil
}

func (s *Store) place(asked Device, p *placing) {
	defer close(p.done)
	p.device = CPU
	runtime, err := LoadRuntime(s.options.Library)
	if err != nil {
		// Whoever loads a model is told; it may be installed by the next time.
		s.mu.Lock()
		delete(s.placed, asked)
		s.mu.Unlock()
		return
	}
	if asked == Auto {
		p.device, err = runtime.Choose()
	} else if err = runtime.Try(asked); err == nil {
		p.device = asked
	}
	s.chosen(p.device, "", err)
}

func (s *Store) chosen(d Device, model string, err error) {
	if s.options.Chosen != nil {
		s.options.Chosen(d, model, err)
	}
}

// unfit tells whether a model could not be loaded onto the GPU.
func (s *Store) unfit(key modelKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.unfits[key]
	return ok
}

// setUnfit notes that a model could not be loaded onto the GPU, and runs on the processors.
func (s *Store) setUnfit(key modelKey, err error) {
	s.mu.Lock()
	_, known := s.unfits[key]
	if s.unfits == nil {
		s.unfits = map[modelKey]struct{}{}
	}
	s.unfits[key] = struct{}{}
	s.mu.Unlock()
	if !known {
		s.chosen(CPU, key.name.String(), err)
	}
}
