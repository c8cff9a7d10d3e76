package api

import (
	"context"

	"github.com/atshub/atshub/internal/hub"
	"github.com/atshub/atshub/internal/service"
)

func (a *API) listConnectors(_ context.Context, who hub.Actor, _ *None) (service.List[service.Connector], error) {
	return a.Connectors(who)
}

func (a *API) readConnector(_ context.Context, who hub.Actor, in *struct {
	Connector string `path:"connector" maxLength:"64"`
}) (service.Connector, error) {
	return a.Connector(who, in.Connector)
}

func (a *API) listProducts(_ context.Context, who hub.Actor, _ *None) (service.List[service.Product], error) {
	return a.Products(who)
}
