package api

import (
	"context"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/service"
	"github.com/atshub/atshub/sdk"
)

// Credentials are typed by a person and never shown again.
type Credentials struct {
	ATS     map[string]string `json:"ats,omitempty" doc:"fields of the connector, by key"`
	Product map[string]string `json:"product,omitempty" doc:"fields of the product, by key"`
}

func (c Credentials) given() service.Credentials {
	secrets := func(m map[string]string) map[string]sdk.Secret {
		out := make(map[string]sdk.Secret, len(m))
		for k, v := range m {
			out[k] = sdk.Secret(v)
		}
		return out
	}
	return service.Credentials{ATS: secrets(c.ATS), Product: secrets(c.Product)}
}

func (a *API) listConnections(ctx context.Context, who hub.Actor, in *struct {
	InTenant
	Paged
}) (service.List[service.Connection], error) {
	return a.Connections(ctx, who, in.page())
}

func (a *API) installConnection(ctx context.Context, who hub.Actor, in *struct {
	InTenant
	Body struct {
		Connector   string      `json:"connector" minLength:"1" maxLength:"64"`
		Credentials Credentials `json:"credentials"`
	}
}) (service.Connection, error) {
	return a.Install(ctx, who, in.Body.Connector, in.Body.Credentials.given())
}

func (a *API) readConnection(ctx context.Context, who hub.Actor, in *InConnection) (service.Connection, error) {
	return a.Connection(ctx, who, in.Connection)
}

func (a *API) uninstallConnection(ctx context.Context, who hub.Actor, in *InConnection) (service.Connection, error) {
	return a.Uninstall(ctx, who, in.Connection)
}

func (a *API) checkConnection(ctx context.Context, who hub.Actor, in *InConnection) (service.Connection, error) {
	return a.Recheck(ctx, who, in.Connection)
}

func (a *API) pauseConnection(ctx context.Context, who hub.Actor, in *InConnection) (service.Connection, error) {
	return a.Pause(ctx, who, in.Connection)
}

func (a *API) resumeConnection(ctx context.Context, who hub.Actor, in *InConnection) (service.Connection, error) {
	return a.Resume(ctx, who, in.Connection)
}

func (a *API) relinkConnection(ctx context.Context, who hub.Actor, in *struct {
	InConnection
	Body struct {
		Credentials Credentials `json:"credentials"`
	}
}) (service.Connection, error) {
	return a.Relink(ctx, who, in.Connection, in.Body.Credentials.given())
}

func (a *API) setCaptureMode(ctx context.Context, who hub.Actor, in *struct {
	InConnection
	Body struct {
		Mode string `json:"mode" enum:"choose" doc:"choose; import_all is switched on through a plan of kind capture_all"`
	}
}) (service.ModeChanged, error) {
	return a.ChooseIndividually(ctx, who, in.Connection)
}
