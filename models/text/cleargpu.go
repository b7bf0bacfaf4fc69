package text

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// NoGPUError says that there is no GPU that could be used, and why.
type NoGPUError struct{ Err error }

func (e *NoGPUError) Error() string { return fmt.Sprintf("No GPU available (%v)", e.Err) }
func (e *NoGPUError) Unwrap() error { return e.Err }

// ClearGPU puts the store's models off the GPUs, with all the memory that they hold there, where that fraction or more of a card's memory is in use, whoever uses it; 0 is always.
// It waits for the calls under way, and reports whether a card was in use so much. A model that is asked for again is loaded again. The error is a *NoGPUError, a
// *LibraryError, ErrClosed, or ctx's cause, with which the models go all the same.
func (s *Store) ClearGPU(ctx context.Context, fraction float64) (bool, error) {
	runtime, err := LoadRuntime(s.options.Library)
	if err != nil {
		return false, err
	}
	cards := runtime.GPUs()
	if len(cards) == 0 {
		var missing *DeviceError
		if _, err := runtime.gpu(0); errors.As(err, &missing) {
			return false, &NoGPUError{missing.Err}
		}
		cards = runtime.GPUs()
	}
	var full []Device
	for _, card := range cards {
		if fraction <= 0 || float64(card.Used) >= fraction*float64(card.Memory) {
			full = append(full, card.Device)
		}
	}
	done := make(chan struct{})
	if err := s.putOff(full, done); err != nil {
		return false, err
	}
	return len(full) > 0, s.await(ctx, done)
}

// putOff takes the models of cards out of the store, and closes done when they are gone from there. Models that a card had no room for may try again. The error is ErrClosed.
func (s *Store) putOff(cards []Device, done chan<- struct{}) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	var gone []*loading
	for key, l := range s.models {
		if slices.Contains(cards, key.Device) && l.bytes > 0 {
			delete(s.models, key)
			gone = append(gone, l)
		}
	}
	for key := range s.unfits {
		if slices.Contains(cards, key.Device) {
			delete(s.unfits, key)
		}
	}
	s.loaders.Go(func() {
		for _, l := range gone {
			s.discard(l)
		}
		close(done)
	})
	return nil
}

// discard frees a model that has been taken out of the store, once the calls under way have ended.
func (s *Store) discard(l *loading) {
	l.embedder.Close()
	_, done := l.embedder.queue.stats()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone.add(done, l.embedder.gpu != nil)
}
