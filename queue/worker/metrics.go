package worker

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	tasks    *prometheus.CounterVec
	wait     *prometheus.HistogramVec
	duration *prometheus.HistogramVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		tasks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "atshub_tasks_total",
			Help: "Rings answered, by outcome: done, retry, limited, credential, later (the handler asked for it), parked, panic, returned (shutdown), lost (another worker has it), skipped (nothing to do).",
		}, []string{"queue", "kind", "outcome"}),
		wait: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "atshub_task_wait_seconds", Help: "From the time work was due to its start.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800},
		}, []string{"queue", "kind"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "atshub_task_duration_seconds", Help: "From claim to verdict.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 600},
		}, []string{"queue", "kind"}),
	}
	if r != nil {
		r.MustRegister(m.tasks, m.wait, m.duration)
	}
	return m
}
