package pyre

import (
	"slices"
	"sync"
	"unicode/utf8"
)

// maxProgram bounds a program's instructions, and with them what a character of a text may cost; maxPattern and maxMembers bound what compiling costs.
const (
	maxProgram = 5000
	maxPattern = 16 << 10 // code points
	maxMembers = 8 << 20  // what the instructions' sets have in common with the parts of all characters that some set begins or ends at
)

var errLarge = &LimitError{"the regular expression is too large"}

// op is what an instruction does.
type op uint8

const (
	opMatch  op = iota // the end of a program
	opChar             // takes a character of set arg and goes on at next
	opSplit            // goes on at next, or else at alt
	opEnter            // begins an iteration, which may match nothing, of loop arg
	opAgain            // ends one: goes on at next, or at alt where the iteration has matched nothing
	opSave             // keeps the position as arg
	opAt               // goes on if assertion arg holds
	opLook             // goes on if the program at arg matches from here, or, negative, if it does not
	opBehind           // goes on if look-behind arg holds, or does not
)

type inst struct {
	op        op
	negative  bool
	next, alt int32
	arg       int32
}

// A Regexp is a compiled pattern. It may be used by many at once, each with a Scanner.
type Regexp struct {
	prog    []inst
	regions [][]int32 // the instructions that take no character, by program: look-aheads before what looks with them
	start   int32
	groups  int
	loops   int // how many loops have iterations that may match nothing
	behinds []behind
	needs   uint32 // the assertions that the program tests, a bit each; look-behinds follow
	prefix  string // what every match begins with
	whole   bool   // and is, nothing else

	bounds  []rune // where the classes of characters begin
	classes []int32
	ascii   [128]int32
	chars   [][]int32 // by class: the instructions that take its characters; the last class is the end of the text

	scanners sync.Pool
}

// behind is the program of a look-behind.
type behind struct {
	prog  []inst
	sets  []runes
	ascii [][2]uint64 // by set: its ASCII characters
	start int32
	short []int32 // the sets of the characters to look for, from the last, where it is a few of them and nothing else
}

// maxShort is the most characters that are looked at again and again.
const maxShort = 4

// takes reports whether a character is in a set.
func (b *behind) takes(set int32, r rune) bool {
	if r < 128 {
		return b.ascii[set][r>>6]>>(r&63)&1 != 0
	}
	return b.sets[set].has(r)
}

// Groups is the number of groups that keep what they match.
func (re *Regexp) Groups() int { return re.groups }

// Literal is the text that the pattern matches, if it is one text alone; else "".
func (re *Regexp) Literal() string {
	if !re.whole {
		return ""
	}
	return re.prefix
}

// Compile reads a pattern. The error is a *SyntaxError, an *UnsupportedError or a *LimitError.
func Compile(pattern string) (*Regexp, error) {
	if utf8.RuneCountInString(pattern) > maxPattern {
		return nil, errLarge
	}
	n, groups, err := parse(pattern)
	if err != nil {
		return nil, err
	}
	re := &Regexp{groups: groups}
	var prefix []rune
	prefix, re.whole = literalPrefix(n, nil)
	re.prefix = string(prefix)
	re.whole = re.whole && groups == 0
	c := compiler{re: re, region: []int32{}}
	c.start(n)
	if c.err != nil {
		return nil, c.err
	}
	re.prog = c.prog
	if !re.classify(c.sets) {
		return nil, errLarge
	}
	return re, nil
}

// compiler writes a program from its end, so that most instructions stand behind those that they go on at.
type compiler struct {
	re     *Regexp
	prog   []inst
	sets   []runes
	region []int32
	loop   map[*node]int32
	steps  int
	err    error
}

// start compiles a whole program: the pattern's, or a look-ahead's.
func (c *compiler) start(n *node) int32 {
	outer := c.region
	c.region = nil
	start := c.node(n, c.emit(inst{op: opMatch}))
	c.re.regions = append(c.re.regions, c.region)
	c.region = outer
	c.re.start = start
	return start
}

func (c *compiler) emit(i inst) int32 {
	if len(c.prog) >= maxProgram {
		c.err = errLarge
		return 0
	}
	pc := int32(len(c.prog))
	c.prog = append(c.prog, i)
	if i.op != opChar {
		c.region = append(c.region, pc)
	}
	return pc
}

// node compiles n so that it goes on at next, and gives where it begins.
func (c *compiler) node(n *node, next int32) int32 {
	if c.steps++; c.steps > 4*maxProgram {
		c.err = errLarge
	}
	if c.err != nil {
		return 0
	}
	switch n.kind {
	case kindSet:
		c.sets = append(c.sets, n.set)
		return c.emit(inst{op: opChar, next: next, arg: int32(len(c.sets) - 1)})
	case kindCat:
		for _, s := range slices.Backward(n.subs) {
			next = c.node(s, next)
		}
	case kindAlt:
		at := c.node(n.subs[len(n.subs)-1], next)
		for _, s := range slices.Backward(n.subs[:len(n.subs)-1]) {
			first := c.node(s, next)
			at = c.emit(inst{op: opSplit, next: first, alt: at})
		}
		return at
	case kindGroup:
		end := c.emit(inst{op: opSave, next: next, arg: int32(2*n.group + 1)})
		return c.emit(inst{op: opSave, next: c.node(n.subs[0], end), arg: int32(2 * n.group)})
	case kindRepeat:
		return c.repeat(n, next)
	case kindAt:
		c.re.needs |= 1 << n.at
		return c.emit(inst{op: opAt, next: next, arg: int32(n.at)})
	case kindLook:
		return c.look(n, next)
	}
	return next
}

// repeat writes the iterations out, but for those of a loop without a limit.
func (c *compiler) repeat(n *node, exit int32) int32 {
	sub := n.subs[0]
	least, _ := sub.width()
	again := func(next int32) int32 { return next }
	enter := again
	if least == 0 {
		// As in CPython's MAX_UNTIL: an iteration that has matched nothing is the last one.
		loop, ok := c.loop[n]
		if !ok {
			loop = int32(c.re.loops)
			if c.re.loops++; c.re.loops > 32 {
				c.err = errLarge
			}
			if c.loop == nil {
				c.loop = map[*node]int32{}
			}
			c.loop[n] = loop
		}
		again = func(next int32) int32 { return c.emit(inst{op: opAgain, next: next, alt: exit, arg: loop}) }
		enter = func(next int32) int32 { return c.emit(inst{op: opEnter, next: next, arg: loop}) }
	}
	choice := func(body int32) inst {
		if n.lazy {
			return inst{op: opSplit, next: exit, alt: body}
		}
		return inst{op: opSplit, next: body, alt: exit}
	}
	at := exit
	if n.max == unlimited {
		at = c.emit(inst{op: opSplit})
		body := enter(c.node(sub, again(at)))
		if c.err == nil {
			c.prog[at] = choice(body)
		}
	} else {
		for i := n.min; i < n.max && c.err == nil; i++ {
			at = c.emit(choice(enter(c.node(sub, again(at)))))
		}
	}
	for i := 0; i < n.min && c.err == nil; i++ {
		at = c.node(sub, at)
	}
	return at
}

func (c *compiler) look(n *node, next int32) int32 {
	if !n.behind {
		start := c.start(n.subs[0])
		return c.emit(inst{op: opLook, negative: n.negative, next: next, arg: start})
	}
	inner := compiler{re: &Regexp{loops: c.re.loops}}
	start := inner.start(n.subs[0])
	if inner.err != nil || c.steps+inner.steps > 4*maxProgram {
		c.err = errLarge
		return 0
	}
	c.steps += inner.steps
	at := len(c.re.behinds)
	if at+int(assertions) >= 32 {
		c.err = &LimitError{"the regular expression has too many look-behinds"}
		return 0
	}
	b := behind{prog: inner.prog, sets: inner.sets, ascii: make([][2]uint64, len(inner.sets)), start: start}
	if len(inner.prog) == len(inner.sets)+1 && len(inner.sets) <= maxShort { // the sets were compiled from the last one on
		for i := range inner.sets {
			b.short = append(b.short, int32(i))
		}
	}
	for i, set := range inner.sets {
		for r := range rune(128) {
			if set.has(r) {
				b.ascii[i][r>>6] |= 1 << (r & 63)
			}
		}
	}
	c.re.behinds = append(c.re.behinds, b)
	c.re.needs |= inner.re.needs | 1<<(int(assertions)+at)
	return c.emit(inst{op: opBehind, negative: n.negative, next: next, arg: int32(at)})
}
