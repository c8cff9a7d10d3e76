package hooks

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/store"
	"github.com/atshub/atshub/sdk"
)

// maxHandshake bounds what is echoed to an ATS that activates a subscription.
const maxHandshake = 256

// ATS takes a webhook of the ATS: POST /hooks/ats/{connection}/{token}.
func (h *Hooks) ATS(c *fiber.Ctx) error {
	d, err := h.enter(c, hub.SourceWebhook)
	if err != nil {
		return err
	}
	manifest, err := h.reach.Manifest(d.connection.Connector)
	if err != nil || manifest.Webhooks == nil {
		h.count(hub.SourceWebhook, outcomeNotReady)
		return notReady(err)
	}
	scheme := manifest.Webhooks
	if scheme.HandshakeHeader != "" && c.Get(scheme.HandshakeHeader) != "" {
		return h.handshake(c, d.connection, scheme)
	}
	if len(d.webhooks) == 0 {
		// The first delivery may follow so closely on the subscription that
		// its secret was written since.
		if d, err = h.doors.read(c.UserContext(), d.connection.ID); err != nil || len(d.webhooks) == 0 {
			h.count(hub.SourceWebhook, outcomeNotReady)
			return notReady(err)
		}
	}
	header := func(name string) string { return c.Get(name) }
	body := c.BodyRaw()
	if !verify(scheme, d.webhooks, header, body) {
		h.count(hub.SourceWebhook, outcomeForged)
		return &hub.Error{Code: hub.CodeUnauthorized, Message: "the signature does not match"}
	}
	if err := h.keep(c.UserContext(), hub.SourceWebhook, received(d.connection, scheme, header, body)); err != nil {
		return err
	}
	c.Status(scheme.SuccessStatus)
	return nil
}

// handshake proves to the ATS that the address is ours, only while we are
// having it activated. The connection is read anew: what is remembered may be
// older than the activation, or outlive it.
func (h *Hooks) handshake(c *fiber.Ctx, known hub.Connection, scheme *sdk.WebhookScheme) error {
	var open bool
	err := h.store.Read(c.UserContext(), func(tx *store.Tx) error {
		now, err := tx.ConnectionForHook(known.ID)
		until := now.Subscription.ActivatingUntil
		open = err == nil && !now.State.Gone() && until != nil && tx.Now().Before(*until)
		return err
	})
	value := c.Get(scheme.HandshakeHeader)
	visible := strings.IndexFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
	switch {
	case err != nil && hub.CodeOf(err) != hub.CodeNotFound:
		h.count(hub.SourceWebhook, outcomeNotReady)
		return notReady(err)
	case !open, len(value) > maxHandshake, !visible:
		h.count(hub.SourceWebhook, outcomeUnknown)
		return hub.NotFound("address")
	}
	h.count(hub.SourceWebhook, outcomeHandshake)
	c.Set(scheme.HandshakeHeader, value)
	status := scheme.HandshakeStatus
	if status == 0 {
		status = http.StatusOK
	}
	c.Status(status)
	return nil
}

// received is the event of a verified delivery: the body as it came, and of
// the headers those that are signed or identify it.
func received(conn hub.Connection, scheme *sdk.WebhookScheme, header func(string) string, body []byte) hub.Event {
	e := hub.Event{
		TenantID: conn.TenantID, ConnectionID: conn.ID, Source: hub.SourceWebhook, Kind: hub.EventRaw,
		Headers: map[string]string{}, Body: slices.Clone(body),
	}
	id := strings.ToLower(scheme.EventIDHeader)
	signed := signedHeaders(scheme)
	for _, name := range append(slices.Clone(signed), id, "content-type") {
		if value := header(name); name != "" && value != "" {
			e.Headers[name] = value
		}
	}
	e.Key = header(id)
	// An id the signature does not cover could be set by whoever repeats a
	// delivery, and would then use up the id of another one.
	if e.Key == "" || !slices.Contains(signed, id) {
		h := sha256.Sum256(body)
		e.Key = strings.TrimPrefix(e.Key+"#"+hex.EncodeToString(h[:16]), "#")
	}
	return e
}
