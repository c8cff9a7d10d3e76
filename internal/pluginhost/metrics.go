package pluginhost

// Metrics of the plugin host. No tenant label; every label value comes from
// the catalog, the ability table or the words of the contract, so that no
// connector can make series.

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/atshub/atshub/sdk"
)

type metrics struct {
	state        *prometheus.GaugeVec
	starts       *prometheus.CounterVec
	exits        *prometheus.CounterVec
	calls        *prometheus.CounterVec
	seconds      *prometheus.HistogramVec
	retries      *prometheus.CounterVec
	inFlight     *prometheus.GaugeVec
	waiting      *prometheus.GaugeVec
	healthMisses *prometheus.CounterVec
	logLines     *prometheus.CounterVec
	logDropped   *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	const ns, sub = "atshub", "plugin"
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: ns, Subsystem: sub, Name: name, Help: help}, append([]string{"connector"}, labels...))
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: ns, Subsystem: sub, Name: name, Help: help}, append([]string{"connector"}, labels...))
	}
	m := &metrics{
		state:    gauge("state", "1 for the state the connector's process is in, 0 for the others.", "state"),
		starts:   counter("starts_total", "Attempts to start a process."),
		exits:    counter("exits_total", "Processes that ended or could not start, by reason.", "reason"),
		calls:    counter("calls_total", "Finished calls by result: code is ok or the error's, fault whose doing it was.", "ability", "code", "fault"),
		retries:  counter("call_retries_total", "Reads repeated in place after the process failed."),
		inFlight: gauge("in_flight", "Calls being made."),
		waiting:  gauge("waiting", "Calls waiting for one of the connector's places."),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: ns, Subsystem: sub, Name: "call_seconds",
			Help: "Duration of calls, waiting included.", Buckets: []float64{.005, .025, .1, .5, 1, 2.5, 10, 60}}, []string{"connector", "ability"}),
		healthMisses: counter("health_misses_total", "Health questions not answered in time."),
		logLines:     counter("log_lines_total", "Lines a connector wrote to stderr.", "level"),
		logDropped:   counter("log_lines_dropped_total", "Lines dropped because a connector wrote too many."),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.state, m.starts, m.exits, m.calls, m.seconds, m.retries, m.inFlight, m.waiting, m.healthMisses, m.logLines, m.logDropped} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) called(connector, ability string, began time.Time, err error) {
	code, fault := "ok", "none"
	if err != nil {
		e := sdk.AsError(err)
		code, fault = string(e.Code), string(e.Fault)
	}
	m.calls.WithLabelValues(connector, ability, code, fault).Inc()
	m.seconds.WithLabelValues(connector, ability).Observe(time.Since(began).Seconds())
}

func (m *metrics) entered(connector string, s State) {
	for _, other := range states {
		v := 0.0
		if other == s {
			v = 1
		}
		m.state.WithLabelValues(connector, string(other)).Set(v)
	}
}
