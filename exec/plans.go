package exec

import (
	"container/list"
	"sync"

	"github.com/pgowl/pgowl/parser"
)

// maxPlanBytes bounds the texts of the plans that are kept.
const maxPlanBytes = 8 << 20

// planCache keeps the plans of the texts used last. A plan depends on nothing but its text.
type planCache struct {
	mu     sync.Mutex
	plans  map[string]*list.Element
	recent *list.List // of *cachedPlan, the last used first
	bytes  int
}

type cachedPlan struct {
	text string
	plan *parser.Plan
}

func newPlanCache() *planCache {
	return &planCache{plans: map[string]*list.Element{}, recent: list.New()}
}

func (c *planCache) get(text string) *parser.Plan {
	c.mu.Lock()
	if e := c.plans[text]; e != nil {
		c.recent.MoveToFront(e)
		c.mu.Unlock()
		return e.Value.(*cachedPlan).plan
	}
	c.mu.Unlock()
	plan := parser.Parse(text)
	if len(text) > maxPlanBytes/16 {
		return plan
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.plans[text]; e != nil {
		return e.Value.(*cachedPlan).plan
	}
	c.plans[text] = c.recent.PushFront(&cachedPlan{text, plan})
	c.bytes += len(text)
	for c.bytes > maxPlanBytes {
		last := c.recent.Remove(c.recent.Back()).(*cachedPlan)
		delete(c.plans, last.text)
		c.bytes -= len(last.text)
	}
	return plan
}

// Plan gives the plan of a statement's text.
func (e *Engine) Plan(text string) *parser.Plan { return e.plans.get(text) }
