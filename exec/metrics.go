package exec

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/prometheus/client_golang/prometheus"
)

// lane is the way by which a call came to the engine.
type lane int

const (
	foldLane lane = iota
	streamLane
	callLane
)

// laneNames are the values of the label lane, the same as in the proxy's metrics.
var laneNames = [...]string{foldLane: "fold", streamLane: "stream", callLane: "call"}

// computed are the functions that the lanes fold and stream compute; of these, and of what the call lane may call, there are series from the start.
var computed = []string{"embed", "predict", "predict_proba"}

// callBuckets are the upper bounds of the histogram of calls, in seconds: a prediction takes microseconds, a training may take an hour.
var callBuckets = []float64{0.00005, 0.00025, 0.001, 0.0025, 0.01, 0.025, 0.1, 0.25, 1, 5, 30, 300, 3600}

// meters count the calls of an engine. A call is what the engine is asked for at once: one value in the fold lane, a batch of rows in the
// stream lane, one function call in the call lane. Nothing is done by row.
type meters struct {
	running   *prometheus.GaugeVec
	times     *prometheus.HistogramVec
	rows      *prometheus.CounterVec
	errors    *prometheus.CounterVec
	cancelled *prometheus.CounterVec

	by [len(laneNames)]map[string]*meter // read only
}

// meter counts the calls of a function by a lane. Counting allocates nothing.
type meter struct {
	running   prometheus.Gauge
	times     prometheus.Observer
	rows      prometheus.Counter
	errors    prometheus.Counter
	cancelled prometheus.Counter
}

func newMeters() *meters {
	labels := []string{"function", "lane"}
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &meters{
		running: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "pgowl_engine_calls",
			Help: "Calls of the engine that are under way, those that wait included."}, labels),
		times: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "pgowl_engine_call_duration_seconds", Buckets: callBuckets,
			Help: "Time that the engine takes for a call: one value in lane fold, a batch of rows in lane stream, one function call in lane call, whose own statements count."}, labels),
		rows: counter("pgowl_engine_rows_total", "Rows that were computed; of train, the rows that it learnt from."),
		errors: counter("pgowl_engine_errors_total",
			"Calls that failed. What fails in lane fold is left to the server, which may ask for it again by lane call."),
		cancelled: counter("pgowl_engine_canceled_total", "Calls that ended because their statement was cancelled, had failed or lost its session."),
	}
	for l, lane := range laneNames {
		names := append([]string{"other"}, computed...)
		if l == int(callLane) { // it knows its functions
			names = slices.AppendSeq(slices.Collect(maps.Keys(called)), maps.Keys(arrays))
		}
		m.by[l] = map[string]*meter{}
		for _, name := range names {
			m.by[l][name] = m.meter(name, lane)
		}
	}
	return m
}

func (m *meters) meter(function, lane string) *meter {
	return &meter{m.running.WithLabelValues(function, lane), m.times.WithLabelValues(function, lane), m.rows.WithLabelValues(function, lane),
		m.errors.WithLabelValues(function, lane), m.cancelled.WithLabelValues(function, lane)}
}

// of gives the meter of a function.
func (m *meters) of(l lane, function string) *meter {
	if found := m.by[l][function]; found != nil {
		return found
	}
	return m.by[l]["other"]
}

// begin notes that a call begins.
func (m *meter) begin() time.Time {
	m.running.Inc()
	return time.Now()
}

// end notes that a call has ended, with so many rows or an error.
func (m *meter) end(ctx context.Context, start time.Time, rows int, err error) {
	m.running.Dec()
	m.times.Observe(time.Since(start).Seconds())
	switch {
	case err == nil:
		m.rows.Add(float64(rows))
	case ctx.Err() != nil:
		m.cancelled.Inc()
	default:
		m.errors.Inc()
	}
}

// counted is a function of the call lane that also says how many rows it has computed.
type counted[V any] = func(ctx context.Context, s function.Session, args [][]byte) (value V, rows int, err error)

// errPanic counts as the error of a function that never returned.
var errPanic = function.Errorf("XX000", "the function panicked")

// measured makes a function for the call lane.
func measured[V any](e *Engine, name string, f counted[V]) func(context.Context, function.Session, [][]byte) (V, error) {
	m := e.meters.of(callLane, name)
	return func(ctx context.Context, s function.Session, args [][]byte) (V, error) {
		start, rows, err := m.begin(), 0, error(errPanic)
		defer func() { m.end(ctx, start, rows, err) }()
		var value V
		value, rows, err = f(ctx, s, args)
		return value, err
	}
}

// register hands everything that can be counted to a registry.
func (e *Engine) register(r prometheus.Registerer) error {
	m := e.meters
	for _, c := range append([]prometheus.Collector{m.running, m.times, m.rows, m.errors, m.cancelled}, e.gauges()...) {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// gauges are what the parts of the engine count themselves, read when somebody asks.
func (e *Engine) gauges() []prometheus.Collector {
	var all []prometheus.Collector
	gauge := func(name, help string, labels prometheus.Labels, value func() int) {
		all = append(all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "pgowl_engine_" + name, Help: help, ConstLabels: labels},
			func() float64 { return float64(value()) }))
	}
	counter := func(name, help string, value func() uint64) {
		all = append(all, prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "pgowl_engine_" + name + "_total", Help: help},
			func() float64 { return float64(value()) }))
	}
	waiting := func(what string, value func() int) {
		gauge("waiting", "What waits in the engine: batches of texts for a core or a GPU, callers for a text model or a trained model to be loaded, answers of lane call for a mailbox.",
			prometheus.Labels{"for": what}, value)
	}
	waiting("core", func() int { return e.texts.Stats().Waiting })
	waiting("text_model", func() int { return e.texts.Stats().Loading })
	waiting("trained_model", func() int { return e.models.Stats().Waiting })
	waiting("mailbox", func() int { return e.mail.Stats().Waiting })

	gauge("text_runs", "Batches of texts that go through a text model now.", nil, func() int { return e.texts.Stats().Runs })
	gauge("text_runs_limit", "Batches of texts that may go through text models at a time; 0 until a model has been loaded.", nil, func() int { return e.texts.Stats().Cores })
	gauge("text_queued_tokens", "Tokens of texts that wait for a batch.", nil, func() int { return e.texts.Stats().Queued })
	counter("text_batches", "Batches of texts that have gone through a text model.", func() uint64 { return e.texts.Stats().Batches.Runs })
	counter("text_batch_texts", "Texts in these batches.", func() uint64 { return e.texts.Stats().Batches.Texts })
	counter("text_batch_tokens", "Tokens of these texts.", func() uint64 { return e.texts.Stats().Batches.Tokens })
	counter("text_batch_padding_tokens", "Tokens that only filled these batches up.", func() uint64 { return e.texts.Stats().Batches.Padding })
	gauge("text_gpus", "GPUs that text models run on.", nil, func() int { return e.texts.Stats().GPUs })
	gauge("text_gpu_models", "Text models that are loaded onto a GPU.", nil, func() int { return e.texts.Stats().GPUModels })
	gauge("text_gpu_runs", "Batches of texts that are made ready for a GPU, run there or are pooled.", nil, func() int { return e.texts.Stats().GPURuns })
	gauge("text_gpu_memory_bytes", "Memory of these GPUs.", nil, func() int { return int(e.texts.Stats().GPUMemory) })
	gauge("text_gpu_memory_used_bytes", "Memory of these GPUs that is in use, by all processes.", nil, func() int { return int(e.texts.Stats().GPUUsed) })
	waiting("gpu", func() int { return e.texts.Stats().GPUWaiting })
	counter("text_gpu_batches", "Batches of texts that have gone through a text model on a GPU.", func() uint64 { return e.texts.Stats().GPUBatches.Runs })
	counter("text_gpu_batch_tokens", "Tokens of their texts.", func() uint64 { return e.texts.Stats().GPUBatches.Tokens })
	all = append(all, prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "pgowl_engine_text_gpu_seconds_total", Help: "Time for which a GPU has had a batch of texts to run, copying included."},
		func() float64 { return e.texts.Stats().GPURan.Seconds() }))
	gauge("text_models", "Text models that are loaded.", nil, func() int { return e.texts.Stats().Models })
	gauge("text_cache_bytes", "Memory of the vectors of texts that are kept, about.", nil, func() int { return int(e.texts.Stats().CacheBytes) })
	gauge("text_cache_texts", "Texts whose vectors are kept.", nil, func() int { return e.texts.Stats().CacheTexts })
	counter("text_cache_hits", "Texts whose vector was kept.", func() uint64 { return e.texts.Stats().CacheHits })
	counter("text_cache_misses", "Texts whose vector was not kept.", func() uint64 { return e.texts.Stats().CacheMisses })
	counter("text_cache_evictions", "Vectors that were dropped for want of room.", func() uint64 { return e.texts.Stats().CacheEvictions })

	gauge("model_cache_bytes", "Memory of the trained models that are kept, about.", nil, func() int { return int(e.models.Stats().Bytes) })
	gauge("model_cache_models", "Trained models that are kept.", nil, func() int { return e.models.Stats().Models })
	counter("model_cache_hits", "Look-ups of a trained model that was kept.", func() uint64 { return e.models.Stats().Hits })
	counter("model_cache_misses", "Look-ups of a trained model that was not kept.", func() uint64 { return e.models.Stats().Misses })
	counter("model_cache_loads", "Trained models that were read from the database.", func() uint64 { return e.models.Stats().Loads })
	counter("model_cache_evictions", "Trained models that were dropped for want of room.", func() uint64 { return e.models.Stats().Evictions })

	gauge("search_tables", "Tables whose vectors are kept for searches.", nil, func() int { n, _ := e.searches.Load().Stats(); return n })
	gauge("search_bytes", "Memory of the vectors that are kept for searches, about.", nil, func() int { _, n := e.searches.Load().Stats(); return int(n) })

	counter("vectorize_rows", "Rows of vectorized columns whose vectors this process has written.", e.kept.Rows.Load)
	counter("vectorize_failures", "Attempts of this process at rows of vectorized columns that failed.", e.kept.Failures.Load)
	counter("vectorize_column_failures", "Times that this process could not work on a vectorized column.", e.kept.Troubles.Load)
	all = append(all, queues{&e.kept})

	gauge("mailboxes", "Server connections by which lane call answers, and whether a call uses them.", prometheus.Labels{"state": "in use"},
		func() int { return e.mail.Stats().InUse })
	gauge("mailboxes", "Server connections by which lane call answers, and whether a call uses them.", prometheus.Labels{"state": "idle"},
		func() int { s := e.mail.Stats(); return s.Boxes - s.InUse })
	gauge("mailboxes_limit", "Server connections by which lane call answers, at most.", nil, func() int { return e.mail.Stats().Limit })
	counter("mailbox_waits", "Answers of lane call that have had to wait for a mailbox.", func() uint64 { return e.mail.Stats().Waits })
	return all
}
