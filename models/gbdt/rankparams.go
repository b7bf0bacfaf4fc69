package gbdt

// rankParams are the parameters of rankings (XGBoost's LambdaRankParam).
type rankParams struct {
	sampled   bool    // lambdarank_pair_method mean: pairs are drawn; else each of the first rows of a list stands against all behind it
	pairs     int     // lambdarank_num_pair_per_sample; 0: 32 first rows, or one drawn pair a row
	raw       bool    // no lambdarank_normalization
	noDamping bool    // no lambdarank_score_normalization
	unbiased  bool    // lambdarank_unbiased
	biasNorm  float64 // lambdarank_bias_norm
	linear    bool    // no ndcg_exp_gain: a label is its own gain
}

// firstRows is how many rows of a list stand against all behind them.
const firstRows = 32

func (p *rankParams) perRow() int {
	switch {
	case p.pairs > 0:
		return p.pairs
	case p.sampled:
		return 1
	}
	return firstRows
}
