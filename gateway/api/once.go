package api

// once.go: Idempotency-Key. A write that carries one is carried out once; its
// repeats get the first answer again.

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"

	"github.com/atshub/atshub/gateway/problem"
	"github.com/atshub/atshub/gateway/request"
	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/store"
)

const (
	headerIdempotency = "Idempotency-Key"
	headerReplay      = "Idempotent-Replay"
	maxIdempotencyKey = 255

	// abandoned is when a reservation without an answer counts as left behind
	// by a process that died. Longer than any request may take.
	abandoned = 5 * time.Minute
)

type reservation struct {
	scope   string
	key     []byte
	request []byte // hash of the request, then when it was reserved
}

func (a *API) once(ctx huma.Context, next func(huma.Context)) {
	key := ctx.Header(headerIdempotency)
	if key == "" {
		next(ctx)
		return
	}
	if len(key) > maxIdempotencyKey {
		refuse(ctx, hub.Invalid(headerIdempotency, "must be at most 255 characters"))
		return
	}
	c := humafiber.Unwrap(ctx)
	r := reserve(actorOf(ctx.Context()), key, c.Method()+" "+c.OriginalURL(), c.BodyRaw())
	earlier, fresh, err := a.take(ctx.Context(), &r)
	switch {
	case err != nil:
		refuse(ctx, err)
		return
	case !fresh:
		replay(ctx, r, earlier)
		return
	}
	done := false
	defer func() {
		if !done { // refused, failed or panicked: nothing was done, the key is free
			a.settle(ctx, func(tx *store.Tx) error { return tx.ReleaseAnswer(r.scope, r.key) })
		}
	}()
	next(ctx)
	if status := c.Response().StatusCode(); status < 300 {
		done = true
		body := bytes.Clone(c.Response().Body())
		if ctx.Operation().Path == pathKeys { // shown once, kept nowhere
			body = nil
		}
		a.settle(ctx, func(tx *store.Tx) error { return tx.SaveAnswer(r.scope, r.key, status, body) })
	}
}

// settle ends a reservation also when the client has gone away.
func (a *API) settle(ctx huma.Context, fn func(*store.Tx) error) {
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx.Context()), 5*time.Second)
	defer cancel()
	if err := a.store.Write(detached, fn); err != nil {
		// What was done stays done; the reservation frees itself.
		request.Of(ctx.Context()).Cause = err
	}
}

// take claims the key, also one whose holder must have died.
func (a *API) take(ctx context.Context, r *reservation) (earlier store.Answer, fresh bool, err error) {
	err = a.store.Write(ctx, func(tx *store.Tx) error {
		stamped := binary.BigEndian.AppendUint64(r.request, uint64(tx.Now().UnixMilli()))
		if earlier, fresh, err = tx.ReserveAnswer(r.scope, r.key, stamped); err != nil || fresh {
			return err
		}
		if earlier.Status == 0 && tx.Now().Sub(reservedAt(earlier)) > abandoned {
			if err = tx.ReleaseAnswer(r.scope, r.key); err == nil {
				earlier, fresh, err = tx.ReserveAnswer(r.scope, r.key, stamped)
			}
		}
		return err
	})
	return earlier, fresh, err
}

func reservedAt(e store.Answer) time.Time {
	if len(e.Request) != sha256.Size+8 {
		return time.Time{}
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(e.Request[sha256.Size:])))
}

func replay(ctx huma.Context, r reservation, earlier store.Answer) {
	switch {
	case len(earlier.Request) < sha256.Size || !bytes.Equal(earlier.Request[:sha256.Size], r.request):
		refuse(ctx, problem.New(problem.CodeKeyReused, "this Idempotency-Key was used for another request; nothing was done", "use a new key for a new request"))
	case earlier.Status == 0:
		refuse(ctx, problem.New(problem.CodeInProgress, "the first request with this Idempotency-Key is still running", "repeat it in a few seconds"))
	case len(earlier.Body) == 0 && earlier.Status != http.StatusNoContent:
		refuse(ctx, &hub.Error{Code: hub.CodeConflict, Message: "this was done; its answer held a secret and is not kept", Next: "revoke what was created and create it anew with another key"})
	default:
		ctx.SetHeader(headerReplay, "true")
		ctx.SetHeader("Content-Type", "application/json")
		ctx.SetStatus(earlier.Status)
		_, _ = ctx.BodyWriter().Write(earlier.Body) // into memory
	}
}

func reserve(who hub.Actor, key, line string, body []byte) reservation {
	k := sha256.Sum256([]byte(key))
	h := sha256.New()
	for _, part := range [][]byte{[]byte(line), []byte(who.User), []byte(who.Role), body} {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		h.Write(part)
	}
	return reservation{scope: who.Product + "/" + who.TenantID, key: k[:], request: h.Sum(nil)}
}
