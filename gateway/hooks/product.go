package hooks

import (
	"net/http"

	"github.com/gofiber/fiber/v2"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/product"
	"github.com/atshub/atshub/internal/reach"
)

// Product takes a signed callback of a screening product (Standard Webhooks):
// POST /hooks/product/{connection}/{token}.
func (h *Hooks) Product(c *fiber.Ctx) error {
	d, err := h.enter(c, hub.SourceProduct)
	if err != nil {
		return err
	}
	if len(d.callbacks) == 0 {
		h.count(hub.SourceProduct, outcomeNotReady)
		return notReady(nil)
	}
	header := http.Header{}
	for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
		header.Set(name, c.Get(name))
	}
	var change product.Change
	for _, s := range d.callbacks {
		if change, err = product.VerifyCallback(s, header, c.BodyRaw(), h.now()); err == nil || product.AsError(err).Code != product.CodeBadSignature {
			break
		}
	}
	switch {
	case err != nil && product.AsError(err).Code == product.CodeBadSignature:
		h.count(hub.SourceProduct, outcomeForged)
		return &hub.Error{Code: hub.CodeUnauthorized, Message: "the signature does not match, or is too old"}
	case err != nil:
		h.count(hub.SourceProduct, outcomeNonsense)
		return &hub.Error{Code: hub.CodeInvalid, Message: "the callback is not what the contract says"}
	}
	if err := h.keep(c.UserContext(), hub.SourceProduct, reach.ChangeEvent(d.connection, change)); err != nil {
		return err
	}
	c.Status(http.StatusAccepted)
	return nil
}
