package worker

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	lettersDesc   = described("dead_letters", "Commands kept in Redis that had no effect.")
	letterAgeDesc = described("dead_letter_oldest_seconds", "Age of the oldest dead letter; 0: there is none. One older than DEAD_LETTER_AGE is not shown any more, and forgotten with the next.")
)

// deadLetters collects the number and age of the dead letters. It collects nothing while Redis does
// not answer.
type deadLetters struct {
	oldest func(context.Context) (count int, since time.Time, err error)
}

// Describe implements prometheus.Collector.
func (d deadLetters) Describe(to chan<- *prometheus.Desc) {
	to <- lettersDesc
	to <- letterAgeDesc
}

// Collect implements prometheus.Collector.
func (d deadLetters) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	count, since, err := d.oldest(ctx)
	if err != nil {
		return // another metric shows that Redis is unreachable
	}
	age := 0.0
	if !since.IsZero() {
		age = max(0, time.Since(since).Seconds())
	}
	to <- prometheus.MustNewConstMetric(lettersDesc, prometheus.GaugeValue, float64(count))
	to <- prometheus.MustNewConstMetric(letterAgeDesc, prometheus.GaugeValue, age)
}
