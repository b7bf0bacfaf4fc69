package mailbox

import (
	"context"
	"sync"
)

// maxPieces is how many backends one text is spread over at most: their number is one digit.
const maxPieces = 9

// More gives n boxes without waiting for others to come free, or none. At most half of the pool is out in this way, so that short
// texts always find a box.
func (p *Pool) More(ctx context.Context, n int) []*Box {
	p.mu.Lock()
	if p.done || p.extra+n > p.limit/2 || len(p.free)+p.limit-p.count < n {
		p.mu.Unlock()
		return nil
	}
	p.extra += n
	p.mu.Unlock()
	boxes := make([]*Box, 0, n)
	for range n {
		b := p.free1(ctx)
		if b == nil {
			break
		}
		b.more = true
		boxes = append(boxes, b)
	}
	if missing := n - len(boxes); missing > 0 {
		p.mu.Lock()
		p.extra -= missing
		p.mu.Unlock()
		for _, b := range boxes {
			b.Release()
		}
		return nil
	}
	return boxes
}

// free1 gives a box that is free, or a new one where there may be one more.
func (p *Pool) free1(ctx context.Context) *Box {
	p.mu.Lock()
	full := len(p.free) == 0 && p.count >= p.limit
	p.mu.Unlock()
	if full {
		return nil
	}
	b, err := p.Get(ctx) // it may have to wait after all, if somebody was faster; not for long
	if err != nil {
		return nil
	}
	return b
}

// returned notes that a box of More's comes back.
func (b *Box) returned() {
	if b.more {
		b.more = false
		b.pool.mu.Lock()
		b.pool.extra--
		b.pool.mu.Unlock()
	}
}

// Pieces is the number of boxes that a body needs beside this one, 0 where it fits or where there are not so many.
func (b *Box) Pieces(mark, body string) int {
	room := b.size - len(mark) - 2
	if room <= 0 || len(body) <= room {
		return 0
	}
	n := (len(body) - 1) / room
	if n >= maxPieces {
		return 0
	}
	return n
}

// Spread shows a body in this box and in as many others as Pieces said. name gives what the others' texts start with: '/' and the
// piece's digit take the place of the ':' and the number that end mark. The first piece is shown last, when all others can be read.
func (b *Box) Spread(ctx context.Context, name, mark, body string, others []*Box) error {
	room := b.size - len(mark) - 2
	first, rest := body[:room], body[room:]
	errs := make([]error, len(others))
	var wait sync.WaitGroup
	for i, other := range others {
		n := min(room, len(rest))
		text := name + "/" + digits[i+1:i+2] + ":" + rest[:n]
		rest = rest[n:]
		wait.Add(1)
		go func() {
			defer wait.Done()
			_, errs[i] = other.conn.Exec(ctx, text).ReadAll()
		}()
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	_, err := b.conn.Exec(ctx, mark+"&"+digits[len(others)+1:len(others)+2]+first).ReadAll()
	return err
}

const digits = "0123456789"
