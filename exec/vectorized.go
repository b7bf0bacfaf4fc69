package exec

import (
	"strconv"

	"github.com/pgowl/pgowl/exec/vectorize"
	"github.com/prometheus/client_golang/prometheus"
)

// queues tells a Prometheus server what waits for vectors, by column.
type queues struct{ meters *vectorize.Meters }

var (
	queueRows = prometheus.NewDesc("pgowl_engine_vectorize_waiting_rows",
		"Rows of a vectorized column that wait, for whichever proxy; column is its number in pgml.vectorize_status.", []string{"column"}, nil)
	queueSeconds = prometheus.NewDesc("pgowl_engine_vectorize_waiting_seconds",
		"Time for which the first of these rows has waited; 0 where none does.", []string{"column"}, nil)
)

// Describe sends the descriptions of what Collect sends.
func (queues) Describe(to chan<- *prometheus.Desc) {
	to <- queueRows
	to <- queueSeconds
}

// Collect sends what is known; it does not ask the database.
func (q queues) Collect(to chan<- prometheus.Metric) {
	for _, w := range q.meters.Waiting() {
		column := strconv.FormatInt(w.ID, 10)
		to <- prometheus.MustNewConstMetric(queueRows, prometheus.GaugeValue, float64(w.Rows), column)
		to <- prometheus.MustNewConstMetric(queueSeconds, prometheus.GaugeValue, w.Oldest.Seconds(), column)
	}
}
