// Package task defines what lies in the broker: a doorbell that names one row
// of the ledger's work list, and nothing about people or secrets. It is the
// one leaf an enqueuer and a handler share.
package task

import (
	"strconv"

	"github.com/atshub/atshub/internal/hub"
)

// Type is the type name of every task.
const Type = "work"

// ID names one ring of one row. A row rung twice has two tasks, and the
// second to arrive finds nothing to do.
func ID(workID string, ring int64) string {
	return "w:" + workID + ":" + strconv.FormatInt(ring, 10)
}

// Payload is all a task carries: the id of the row.
func Payload(workID string) []byte { return []byte(workID) }

// WorkID reads a payload.
func WorkID(payload []byte) string { return string(payload) }

// Queue is the broker's name of a queue.
func Queue(q hub.Queue) string { return string(q) }
