package relay

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/queue/task"
)

type metrics struct {
	dispatched *prometheus.CounterVec
	requeued   *prometheus.CounterVec
	epochs     prometheus.Counter
	up         prometheus.Gauge
	rows       *prometheus.GaugeVec
	oldest     *prometheus.GaugeVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		dispatched: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "atshub_work_dispatched_total", Help: "Rows of the work list handed to the broker."}, []string{"queue"}),
		requeued: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "atshub_work_requeued_total", Help: "Rows that were dispatched or claimed and are ready again, by why."}, []string{"reason"}),
		epochs: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "atshub_broker_epoch_changes_total", Help: "Times the broker was found emptied or replaced."}),
		up: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "atshub_broker_up", Help: "1 if the broker answered the relay's last question."}),
		rows: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "atshub_work_rows", Help: "Rows of the work list, by state."}, []string{"queue", "state"}),
		oldest: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "atshub_work_oldest_ready_age_seconds", Help: "How long the longest waiting ready row has been due."}, []string{"queue"}),
	}
	if r != nil {
		r.MustRegister(m.dispatched, m.requeued, m.epochs, m.up, m.rows, m.oldest)
	}
	return m
}

// keepStats reads the work list's picture now and then.
func (r *Relay) keepStats(ctx context.Context) {
	for ctx.Err() == nil {
		if err := r.readStats(ctx); err != nil && ctx.Err() == nil {
			r.o.Logger.WarnContext(ctx, "count the work list", "error", err)
		}
		r.sleep(ctx, r.o.Stats, nil)
	}
}

func (r *Relay) readStats(ctx context.Context) error {
	var counts []store.WorkCount
	var now time.Time
	if err := r.o.Store.Read(ctx, func(tx *store.Tx) (err error) {
		now = tx.Now()
		counts, err = tx.WorkCounts()
		return err
	}); err != nil {
		return err
	}
	r.metrics.rows.Reset()
	r.metrics.oldest.Reset()
	for _, c := range counts {
		r.metrics.rows.WithLabelValues(task.Queue(c.Queue), c.State).Set(float64(c.Rows))
		if c.State == "ready" {
			r.metrics.oldest.WithLabelValues(task.Queue(c.Queue)).Set(max(now.Sub(c.OldestDue), 0).Seconds())
		}
	}
	return nil
}
