package pyre

// node is a part of a pattern.
type node struct {
	kind     kind
	set      runes   // of kindSet
	subs     []*node // of kindCat and kindAlt; one of kindRepeat, kindGroup and kindLook
	min, max int     // of kindRepeat
	lazy     bool    // of kindRepeat
	group    int     // of kindGroup: its number
	at       assertion
	behind   bool // of kindLook
	negative bool // of kindLook
}

type kind int

const (
	kindEmpty kind = iota
	kindSet
	kindCat
	kindAlt
	kindRepeat
	kindGroup
	kindAt   // an assertion about the characters on both sides
	kindLook // look-ahead or look-behind
)

// assertion is what kindAt tests.
type assertion int

const (
	atStart     assertion = iota // \A, and ^
	atEnd                        // \Z
	atLineStart                  // ^ with the flag m
	atLineEnd                    // $ with the flag m
	atLastEnd                    // $: at the end, or before a line end there
	atWord                       // \b
	atNotWord                    // \B
	atWordASCII                  // \b with the flag a
	atNotWordASCII
	assertions // how many there are
)

// unlimited is the maximum of * and +.
const unlimited = 1 << 30

// width gives the least and the largest number of characters that a node matches.
func (n *node) width() (least, most int) {
	switch n.kind {
	case kindSet:
		return 1, 1
	case kindCat:
		for _, s := range n.subs {
			lo, hi := s.width()
			least, most = capped(least+lo), capped(most+hi)
		}
	case kindAlt:
		least, most = n.subs[0].width()
		for _, s := range n.subs[1:] {
			lo, hi := s.width()
			least, most = min(least, lo), max(most, hi)
		}
	case kindGroup:
		return n.subs[0].width()
	case kindRepeat:
		lo, hi := n.subs[0].width()
		return times(lo, n.min), times(hi, n.max)
	}
	return least, most
}

func capped(n int) int { return min(n, unlimited) }

func times(a, b int) int {
	if a == 0 || b == 0 {
		return 0
	}
	if a > unlimited/b {
		return unlimited
	}
	return a * b
}

// any reports whether a node or one below it is such a one.
func (n *node) any(is func(*node) bool) bool {
	if is(n) {
		return true
	}
	for _, s := range n.subs {
		if s.any(is) {
			return true
		}
	}
	return false
}
