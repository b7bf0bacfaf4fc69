package gbdt

import "github.com/pgowl/pgowl/models/learn"

var _ learn.Ranker = (*Model)(nil)

// Importance has an entry a feature, equal to XGBoost's Booster.get_score; nil for a model without statistics. A feature that no tree
// asks for has zeros.
func (m *Model) Importance() []learn.Importance {
	if len(m.trees) > 0 && !m.statistics() {
		return nil
	}
	all := make([]learn.Importance, m.features)
	for i := range m.trees {
		t := &m.trees[i]
		for at := range t.nodes {
			if f := t.nodes[at].feature; f != leaf {
				all[f].Gain += float64(t.stats[at].gain)
				all[f].Cover += float64(t.stats[at].cover)
				all[f].Weight++
			}
		}
	}
	for f := range all {
		if n := all[f].Weight; n > 0 {
			all[f].Gain /= n
			all[f].Cover /= n
		}
	}
	return all
}
